// SPDX-License-Identifier: MIT
/*
 * The lines of a log.
 *
 * Model
 *
 *   A line of a log may take several lines of a file: a message of strace breaks it, a
 *   mail program or a terminal wraps it. What is open is joined with what follows,
 *   until it ends or another line begins. How it is joined where it was wrapped is told
 *   by the two ends: strace puts blanks between words only where it is known to. Lines
 *   of several files come in the order of their times, else of who made whom.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"
#include "log.h"
#include "look.h"
#include "order.h"
#include "within.h"

/* So many threads are told from numbers: those that came last. */
#define KNOWN_IDS	64

/* Nothing that was wrapped is longer: it is no line of strace. */
#define JOINED_MAX	((size_t)1 << 20)

/**
 * struct source - a file of a log
 * @path:	its name
 * @file:	the file
 * @id:		thread whose file it is, of -ff; 0: the lines tell
 * @look:	what it looks like
 * @ahead:	a line that was read and is not used yet
 * @ahead_len:	its length
 * @state:	of ms_log_file_line() for it; 0: there is none
 * @text:	the line that is next, joined
 * @len:	its length
 * @room:	of @text
 * @piece:	length of the last part of it
 * @line:	it, taken apart
 * @nr:		lines of the file that it is made of
 * @cut:	it is the last of the file and has no end
 * @within:	it was found behind something else
 * @clock:	time of the file by then
 * @ready:	there is such a line
 * @known:	ids of threads that have come up so far
 * @nr_known:	how many did
 */
struct source {
	const char *path;
	struct ms_log_file *file;
	pid_t id;
	struct ms_look look;
	char *ahead;
	size_t ahead_len;
	int state;
	char *text;
	size_t len;
	size_t room;
	size_t piece;
	struct ms_line line;
	uint32_t nr;
	bool cut;
	bool within;
	struct ms_log_clock clock;
	bool ready;
	uint64_t known[KNOWN_IDS];
	uint32_t nr_known;
};

/**
 * struct ms_log - a log
 * @sources:	its files
 * @nr:		how many
 * @first:	line that the last one began with, all files counted together
 * @last:	line that it ended with
 * @used:	whose it was
 * @order:	of files without times
 * @untimed:	they have none
 * @within:	lines so far that were found behind something else
 * @first_within: the first of them
 */
struct ms_log {
	struct source *sources;
	int nr;
	uint64_t first;
	uint64_t last;
	struct source *used;
	struct ms_order order;
	bool untimed;
	uint64_t within;
	uint64_t first_within;
};

/* Have a line ahead. Return: 1; 0 at the end; -1 after a message. */
static int look_ahead(struct source *s)
{
	if (s->state > 0)
		return 1;
	s->state = ms_look_line(s->file, &s->look, &s->ahead, &s->ahead_len);
	return s->state < 1 ? s->state : 1;
}

static void append(struct source *s, const char *more, size_t len)
{
	if (s->len + len + 1 > s->room) {
		s->room = 2 * (s->len + len + 1);
		s->text = realloc(s->text, s->room);
		if (!s->text)
			abort();
	}
	memcpy(s->text + s->len, more, len);
	s->len += len;
	s->text[s->len] = '\0';
}

static bool word(int c)
{
	return isalnum(c) || c == '_';
}

/* Was there a blank where a line was wrapped, as there cannot have been none? */
static bool blank_needed(const char *end_of, size_t len, const char *next)
{
	const char *p = end_of + len;

	if (!len || isspace((unsigned char)p[-1]) || isspace((unsigned char)*next))
		return false;
	/* The result's */
	if (len > 1 && p[-1] == '=' && p[-2] == ' ')
		return true;
	/* Of two words only: <... mmap resumed>, <unfinished ...>, <detached ...>. */
	while (p > end_of && (word((unsigned char)p[-1]) || p[-1] == '.'))
		p--;
	if (p - end_of >= 1 && (!strncmp(p - 1, "<unfinished", 11) ||
				!strncmp(p - 1, "<detached", 9)))
		return true;
	if (p - end_of >= 5 && !strncmp(p - 5, "<... ", 5) && !strncmp(next, "resumed", 7))
		return true;
	return p - end_of >= 1 && !strncmp(p - 1, "<...", 4);
}

/* Was there one, as is likely? */
static bool blank_lost(const char *end_of, size_t len, const char *next)
{
	int left = len ? (unsigned char)end_of[len - 1] : ' ';
	int right = (unsigned char)*next;

	if (isspace(left))
		return false;
	return strchr(",=&", left) || right == '=' || right == '&' ||
	       blank_needed(end_of, len, next);
}

static bool all_of(const char *text, size_t len, const char *chars)
{
	return len && strspn(text, chars) == len;
}

/* The text of an error, or of what is in a result, that is not whole. */
static bool tail_open(const struct source *s, const char *next)
{
	const char *result, *open;
	size_t i;

	if (s->line.kind != MS_LINE_CALL && s->line.kind != MS_LINE_RESUMED)
		return false;
	i = (size_t)(s->line.args - s->text) + s->line.args_len;
	result = s->text + i + 1;
	open = strchr(result, '(');
	if (open)
		return !strchr(open, ')');
	/* = -1, = ? and the error's name in the next line, or only its text */
	return (s->line.failed || !s->line.result) && (*next == 'E' || *next == '(');
}

/* qemu has no result for what does not come back. */
static bool ends_alone(const struct ms_line *l)
{
	return l->kind == MS_LINE_OPEN && l->args_len && l->args[l->args_len - 1] == ')' &&
	       (ms_line_is(l, "exit_group") || ms_line_exits(l));
}

static bool is_other(enum ms_line_kind kind)
{
	return kind == MS_LINE_OTHER;
}

/* A message of strace, or a remark: it may stand between parts of a line. */
static bool is_message(const struct ms_line *l, const char *text)
{
	return l->kind == MS_LINE_ATTACHED || l->kind == MS_LINE_DETACHED ||
	       (l->kind == MS_LINE_NOTE && (*text == 's' || *text == 'P' || *text == '[' ||
					    *text == '#'));
}

/* As wide as the terminal, which cuts anywhere: whatever has no end goes on. */
static bool at_width(const struct source *s)
{
	return s->look.width && s->piece == s->look.width;
}

/* Nothing but an id or a time. */
static bool only_prefix(const struct ms_line *l)
{
	return l->kind == MS_LINE_OPEN && !l->name_len && !l->args && !l->more;
}

/* Digits, perhaps a command's name, and the time that the call took. */
static bool rest_of_result(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef");

	if (n && text[n] == '<' && strchr(text + n, '>'))
		text = strchr(text + n, '>') + 1 - n;
	return n && !strncmp(text + n, " <", 2) && isdigit((unsigned char)text[n + 2]);
}

/* "= " is the last that is there, and ahead is nothing but a result. */
static bool result_follows(const struct source *s, const char *text)
{
	const char *end = s->text + s->len, *p = text;

	while (end > s->text && end[-1] == ' ')
		end--;
	if (s->line.kind != MS_LINE_OPEN || end - s->text < 3 || end[-1] != '=' ||
	    (end[-2] != ' ' && end[-2] != ')'))
		return false;
	p += *p == '-' || *p == '?';
	while (isalnum((unsigned char)*p))
		p++;
	if (p == text)
		return false;
	p += strspn(p, " ");
	return !*p || *p == '<' || *p == '(' || *p == 'E';
}

/*
 * Does what is ahead belong to what is there? A line of strace's begins with something
 * that is told from anything else.
 */
static bool continues(const struct source *s, const struct ms_line *ahead)
{
	const char *text = s->ahead + strspn(s->ahead, " \t");

	if (s->len + s->ahead_len > JOINED_MAX)
		return false;
	if (at_width(s) && (s->line.kind == MS_LINE_OPEN || is_other(s->line.kind)))
		return true;
	if (result_follows(s, text))
		return true;
	/* Whole, or it has a tail: one that is as wide again would be a line's beginning. */
	if (at_width(s))
		return (is_other(ahead->kind) && !ahead->pid && !ahead->time_kind) ||
		       (s->line.result && rest_of_result(text)) ||
		       (only_prefix(ahead) && s->ahead_len < s->look.width);
	if (ends_alone(&s->line))
		return *text == '=';
	if (only_prefix(&s->line))
		return !ahead->pid && (!s->line.time_kind || !ahead->time_kind);
	if (s->line.kind == MS_LINE_OPEN)
		return is_other(ahead->kind) || only_prefix(ahead) ||
		       is_message(ahead, text) ||
		       (ahead->kind == MS_LINE_NOTE &&
			(*text == '<' || strstr(text, "<unfinished ...>")));
	if (s->line.more && (*text == '+' || *text == '-'))
		return true;
	return (tail_open(s, text) || s->line.more) && is_other(ahead->kind);
}

/* Is it worth a look at the next line? */
static bool may_go_on(const struct source *s)
{
	return s->line.kind == MS_LINE_OPEN || s->line.more || at_width(s) ||
	       tail_open(s, "(");
}

static void reparse(struct source *s, const struct ms_line *before)
{
	ms_line_parse(s->text, s->len, s->look.column, &s->line);
	if (!s->line.other && before->kind == MS_LINE_OPEN)
		s->line.other = before->other;
	/* The message is no part of the call. */
	if (s->line.kind == MS_LINE_OPEN && s->line.keep) {
		s->len = s->line.keep;
		s->text[s->len] = '\0';
	}
}

/* +++ superseded by execve in pid 700 +++: nothing but words. */
static bool between_words(const struct source *s, const char *next)
{
	return s->line.kind == MS_LINE_OPEN && s->text[s->len - 1] != ' ' && *next != ' ' &&
	       strstr(s->text, "+++ superseded");
}

/*
 * What others have numbered or timed, each line of it. The rest of a call that a message has broken
 * begins with a comma, a bracket or a value; strace puts nothing before it.
 */
static const char *skip_numbers(const char *p)
{
	for (;;) {
		size_t n;

		p += strspn(p, " \t");
		n = strspn(p, "0123456789:.+-TZ");
		if (!isdigit((unsigned char)*p))
			return p;
		/* grep -n puts no blank behind it. */
		if (p[n - 1] == ':')
			return p + n;
		n += p[n] == ')' || p[n] == '|';
		if (p[n] != ' ' && p[n] != '\t')
			return p;
		p += n;
	}
}

/* strace: Process 12 attached, wrapped between its words: is it the end of what is there? */
static bool ends_in_message(const struct source *s)
{
	static const char *const begins[] = { "strace:", "strace: Process" };
	const char *end = s->text + s->len;

	while (end > s->text && isdigit((unsigned char)end[-1]))
		end--;
	end -= end > s->text && end[-1] == ' ';
	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		size_t n = strlen(begins[i]);

		if ((size_t)(end - s->text) >= n && !memcmp(end - n, begins[i], n))
			return true;
	}
	return false;
}

/* Append what is ahead, or the part of it that is not strace's message. */
static void join(struct source *s, const struct ms_line *ahead)
{
	struct ms_line before = s->line;
	const char *next = before.keep && !s->look.width ?
				   skip_numbers(s->ahead) : s->ahead + strspn(s->ahead, " \t");

	s->nr++;
	s->cut = s->state == 2;
	s->state = 0;
	if (at_width(s)) {
		s->piece = s->ahead_len;
		/* It was not the terminal, but words that were as long by chance. */
		if (blank_needed(s->text, s->len, s->ahead))
			append(s, " ", 1);
		append(s, s->ahead, s->ahead_len);
		reparse(s, &before);
		return;
	}
	if (is_message(ahead, next) && !ends_in_message(s)) {
		if (ahead->kind == MS_LINE_ATTACHED && !s->line.other)
			s->line.other = ahead->other;
		return;
	}
	if (only_prefix(&before) || (!before.keep && (blank_lost(s->text, s->len, next) ||
						      between_words(s, next) ||
						      ends_in_message(s))))
		append(s, " ", 1);
	s->piece = s->ahead_len;
	append(s, next, strlen(next));
	reparse(s, &before);
}

static bool is_known(const struct source *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->nr_known && i < KNOWN_IDS; i++)
		if (s->known[i] == id)
			return true;
	return false;
}

static void know(struct source *s, uint64_t id)
{
	if (id && !is_known(s, id))
		s->known[s->nr_known++ % KNOWN_IDS] = id;
}

static void know_ids(struct source *s)
{
	know(s, (uint64_t)s->line.pid);
	if (s->line.kind == MS_LINE_ATTACHED)
		know(s, (uint64_t)s->line.other);
	if (s->line.result && !s->line.failed && ms_line_makes_child(&s->line))
		know(s, s->line.value);
}

static bool gives_address(const struct ms_line *l)
{
	return ms_line_is(l, "mmap") || ms_line_is(l, "mmap2") || ms_line_is(l, "mremap");
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * Is what is ahead, a number alone, somebody's id, whose call was too long for the same line? It
 * is if it is known as one, and the result before does not make sense together with it.
 */
static bool is_id_alone(const struct source *s)
{
	const struct ms_line *l = &s->line;
	uint64_t id, joined = l->value;
	struct ms_text t = { s->ahead, s->ahead + s->ahead_len };
	bool address = gives_address(l) || ms_line_is(l, "brk");

	if (*s->ahead == '0' || !ms_text_number(&t, &id) || t.p != t.end ||
	    !is_known(s, id))
		return false;
	for (const char *p = s->ahead; p < t.end; p++)
		joined = joined * (address ? 16 : 10) + (uint64_t)(*p - '0');
	if (!l->value)
		return true;
	if (address)
		return joined & 4095;
	if (!(ms_line_makes_child(l) || ms_line_waits(l)) || joined > MS_PID_MAX)
		return true;
	if (ms_line_waits(l))
		return is_known(s, l->value) && !is_known(s, joined);
	/* Ids are given in order: the child's is the one that is nearer to its parent's. */
	return l->pid && distance(l->value, (uint64_t)l->pid) < distance(joined, (uint64_t)l->pid);
}

/* What is left of a result that was wrapped could be many things. */
static int check_wrapped(struct source *s, uint64_t line)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t x;

	if (s->line.kind != MS_LINE_CALL || !s->line.result || look_ahead(s) != 1)
		return 0;
	/* 0, and x10000000, and perhaps the time that it took */
	x = *s->ahead == 'x' ? strspn(s->ahead + 1, digits) : 0;
	if (x && s->len > 2 && !strcmp(s->text + s->len - 2, " 0") &&
	    (!s->ahead[x + 1] || s->ahead[x + 1] == ' ')) {
		join(s, &(struct ms_line) { .kind = MS_LINE_OTHER });
		return 0;
	}
	if (!all_of(s->ahead, s->ahead_len, digits) ||
	    !all_of(s->text + s->len - 1, 1, digits))
		return 0;
	/* An address is whole pages: with the rest it is, or without it. */
	if (gives_address(&s->line) && s->line.value & 4095) {
		join(s, &(struct ms_line) { .kind = MS_LINE_OTHER });
		return 0;
	}
	/* Cut off within the id, if nothing is to be joined in a file without an end. */
	if (is_id_alone(s) || s->state == 2)
		return 0;
	ms_err("%s: line %llu: expected a call, met '%s', which may be the end of the "
	       "result in the line before or nothing: join them, or remove it",
	       s->path, (unsigned long long)line + s->nr + 1, s->ahead);
	return -1;
}

/* 700 in front of it is the id of its thread, if it is known as one. */
static size_t id_before(const struct source *s, size_t at)
{
	size_t end = at, begin;

	while (end && s->text[end - 1] == ' ')
		end--;
	for (begin = end; begin && isdigit((unsigned char)s->text[begin - 1]); begin--)
		;
	return end < at && begin < end && is_known(s, strtoull(s->text + begin, NULL, 10)) ?
	       begin : at;
}

/* A program's words, and strace's line behind them. */
static void find_within(struct source *s)
{
	struct ms_line found;
	size_t at;

	s->within = false;
	if (!is_other(s->line.kind) || s->look.width)
		return;
	at = ms_line_within(s->text, s->len, s->look.column, &found);
	if (!at)
		return;
	at = id_before(s, at);
	s->within = true;
	s->len -= at;
	memmove(s->text, s->text + at, s->len + 1);
	reparse(s, &(struct ms_line) {});
}

/*
 * Of strace -z a call in two parts comes when it has succeeded, and without the words between them:
 * munmap(0x10000000, 4096 <unfinished ...>, and in the next line ) = 0
 */
static void join_succeeded(struct source *s)
{
	size_t keep, len = s->len;
	struct ms_line ahead, whole;
	const char *rest;
	char *before;

	if (s->line.kind != MS_LINE_UNFINISHED || s->line.detached || look_ahead(s) != 1)
		return;
	ms_line_parse(s->ahead, s->ahead_len, s->look.column, &ahead);
	/* A program's words, and another's line behind them, are no end of a call. */
	if (!is_other(ahead.kind) || ahead.pid || !memchr(s->ahead, ')', s->ahead_len) ||
	    ms_line_within(s->ahead, s->ahead_len, s->look.column, &whole))
		return;
	rest = skip_numbers(s->ahead);
	before = strdup(s->text);
	if (!before)
		abort();
	keep = (size_t)(s->line.args - s->text) + s->line.args_len;
	s->len = keep;
	append(s, rest, s->ahead_len - (size_t)(rest - s->ahead));
	ms_line_parse(s->text, s->len, s->look.column, &whole);
	if (whole.kind == MS_LINE_CALL) {
		s->nr++;
		s->cut = s->state == 2;
		s->state = 0;
	} else {
		s->len = 0;
		append(s, before, len);
	}
	reparse(s, &(struct ms_line) {});
	free(before);
}

/* Make the next line of a file. Return: as look_ahead(). */
static int source_next(struct source *s, uint64_t line)
{
	int ret = look_ahead(s);

	s->ready = false;
	if (ret != 1)
		return ret;
	s->len = 0;
	s->piece = s->ahead_len;
	append(s, s->ahead, s->ahead_len);
	s->cut = s->state == 2;
	s->state = 0;
	s->nr = 1;
	memset(&s->line, 0, sizeof(s->line));
	reparse(s, &(struct ms_line) {});
	find_within(s);
	while (may_go_on(s) && look_ahead(s) == 1) {
		struct ms_line ahead, found;

		ms_line_parse(s->ahead, s->ahead_len, s->look.column, &ahead);
		if (!continues(s, &ahead) ||
		    (is_other(ahead.kind) && !s->look.width &&
		     ms_line_within(s->ahead, s->ahead_len, s->look.column, &found)))
			break;
		join(s, &ahead);
	}
	join_succeeded(s);
	know_ids(s);
	if (s->state < 0 || check_wrapped(s, line))
		return -1;
	if (s->id && !s->line.pid)
		s->line.pid = s->id;
	ms_log_clock_line(&s->clock, &s->line);
	s->ready = true;
	return 1;
}

/* out.1234, out.1234.gz: the thread whose file it is. */
static pid_t id_of(const char *path)
{
	static const char *const packed[] = { ".gz", ".xz", ".zst", ".bz2" };
	const char *base = strrchr(path, '/'), *dot;
	size_t len;

	base = base ? base + 1 : path;
	len = strlen(base);
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t n = strlen(packed[i]);

		if (len > n && !strcmp(base + len - n, packed[i])) {
			len -= n;
			break;
		}
	}
	for (dot = base + len; dot > base && isdigit((unsigned char)dot[-1]); dot--)
		;
	if (dot == base || dot[-1] != '.' || dot == base + len)
		return 0;
	return (pid_t)strtoul(dot, NULL, 10);
}

static bool has_time(const struct source *s)
{
	return s->clock.nr && s->line.time_kind != MS_TIME_SINCE_LAST;
}

/*
 * Of several files: by their times, or by who made whom. The files have been begun with.
 * Return: 0; -1 after a message.
 */
static int look_at_order(struct ms_log *log)
{
	const struct source *without = NULL;
	int timed = 0, ret;

	for (int i = 0; log->nr > 1 && i < log->nr; i++) {
		if (!log->sources[i].ready)
			continue;
		if (has_time(&log->sources[i]))
			timed++;
		else
			without = &log->sources[i];
	}
	if (!without)
		return 0;
	if (timed)
		goto refuse;
	ms_order_init(&log->order, log->nr);
	log->untimed = true;
	for (int i = 0; i < log->nr; i++)
		log->order.files[i].id = log->sources[i].id;
	for (int i = 0; i < log->nr; i++) {
		struct source *s = &log->sources[i];

		for (ret = s->ready; ret > 0; ret = source_next(s, 0)) {
			if (!s->id || !ms_order_look(&log->order, &s->line)) {
				without = s;
				goto refuse;
			}
		}
		if (ret < 0)
			return -1;
	}
	return ms_log_rewind(log);
refuse:
	ms_err("%s: expected a time of day, as strace -ff -ttt has it, met '%.40s': the lines of %s have no other order",
	       without->path, without->text,
	       log->untimed && without->id ? "several threads of a process" : "several files");
	return -1;
}

/* All are open at once, each twice: as many as may be, whatever the shell has set. */
static void allow_files(int nr)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max &&
	    limit.rlim_cur < 3 * (rlim_t)nr + 64) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/**
 * ms_log_open() - open a log
 * @paths:	its files; of several, each is a thread's, as strace -ff makes them
 * @nr:		how many
 *
 * Return: the log at its beginning, NULL after a message.
 */
struct ms_log *ms_log_open(char *const *paths, int nr)
{
	struct ms_log *log = calloc(1, sizeof(*log));

	if (!log)
		abort();
	log->sources = calloc((size_t)nr, sizeof(*log->sources));
	if (!log->sources)
		abort();
	allow_files(nr);
	for (int i = 0; i < nr; i++) {
		struct source *s = &log->sources[log->nr++];

		s->path = paths[i];
		s->id = nr > 1 ? id_of(paths[i]) : 0;
		s->file = ms_log_file_open(paths[i]);
		if (!s->file || ms_look_at(s->file, paths[i], &s->look)) {
			ms_log_close(log);
			return NULL;
		}
	}
	if (ms_log_rewind(log) || look_at_order(log)) {
		ms_log_close(log);
		return NULL;
	}
	return log;
}

void ms_log_close(struct ms_log *log)
{
	if (!log)
		return;
	for (int i = 0; i < log->nr; i++) {
		ms_log_file_close(log->sources[i].file);
		free(log->sources[i].text);
	}
	ms_order_free(&log->order);
	free(log->sources);
	free(log);
}

/**
 * ms_log_rewind() - begin again
 * @log: the log
 *
 * Return: 0; -1 after a message.
 */
int ms_log_rewind(struct ms_log *log)
{
	log->first = 0;
	log->last = 0;
	log->used = NULL;
	log->within = 0;
	for (int i = 0; i < log->nr; i++) {
		struct source *s = &log->sources[i];

		s->state = 0;
		s->nr_known = 0;
		s->clock = (struct ms_log_clock) {};
		if (ms_log_file_rewind(s->file) || source_next(s, 0) < 0)
			return -1;
	}
	ms_order_rewind(&log->order);
	return 0;
}

/* Which file has the next line? */
static struct source *earliest(struct ms_log *log)
{
	struct source *best = NULL;

	for (int i = 0; i < log->nr; i++) {
		struct source *s = &log->sources[i];

		if (s->ready && (!best || s->clock.first + s->clock.now <
						  best->clock.first + best->clock.now))
			best = s;
	}
	return best;
}

static struct source *by_order(struct ms_log *log)
{
	int i;

	while ((i = ms_order_next(&log->order)) >= 0) {
		if (log->sources[i].ready)
			return &log->sources[i];
		ms_order_through(&log->order);
	}
	return NULL;
}

/**
 * ms_log_next() - the next line, whole
 * @log:	the log
 * @l:		the line, which stays until the next call; of kind MS_LINE_OPEN only if
 *		its end is missing
 *
 * Return: 1; 0 at the end; -1 after a message.
 */
int ms_log_next(struct ms_log *log, struct ms_line *l)
{
	struct source *s = log->used;

	if (s && log->untimed)
		ms_order_follow(&log->order, &s->line);
	if (s && source_next(s, log->last) < 0)
		return -1;
	s = log->untimed ? by_order(log) : earliest(log);
	log->used = s;
	if (!s)
		return 0;
	*l = s->line;
	log->first = log->last + 1;
	log->last += s->nr;
	if (s->within && !log->within++)
		log->first_within = log->first;
	if (ends_alone(l))
		l->kind = MS_LINE_CALL;
	/* Cut off within the address: it is no page's, or lies where nothing may be mapped. */
	if (s->cut && l->kind == MS_LINE_CALL && l->result && !l->failed &&
	    (l->value & 4095 || l->value < 65536) && gives_address(l))
		l->kind = MS_LINE_OPEN;
	return 1;
}

void ms_log_progress(const struct ms_log *log, int part, int parts)
{
	uint64_t at = 0, all = 0, size;

	/* Looked at seldom: it costs calls. */
	if (log->last < (1u << 20) || log->last & 0xffff || !isatty(2))
		return;
	for (int i = 0; i < log->nr; i++) {
		at += ms_log_file_at(log->sources[i].file, &size);
		all += size;
	}
	if (all)
		fprintf(stderr, "\r%d%%\r",
			(int)((100 * (uint64_t)part + at * 100 / all) / (uint64_t)parts));
}

uint64_t ms_log_within(const struct ms_log *log, uint64_t *first)
{
	*first = log->first_within;
	return log->within;
}

const char *ms_log_text(const struct ms_log *log)
{
	return log->used ? log->used->text : "";
}

uint64_t ms_log_first_line(const struct ms_log *log)
{
	return log->first;
}

uint64_t ms_log_last_line(const struct ms_log *log)
{
	return log->last;
}
