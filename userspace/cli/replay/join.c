// SPDX-License-Identifier: MIT
/*
 * Model
 *
 *   A line of strace may take several lines of a file: a message of strace breaks it, a mail
 *   program or a terminal wraps it. What is open is joined with what follows, until it ends
 *   or another line begins. How it is joined where it was wrapped is told by the two ends:
 *   strace puts blanks between words only where it is known to.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "join.h"
#include "within.h"

/* Nothing that was wrapped is longer: it is no line of strace. */
#define JOINED_MAX	((size_t)1 << 20)

/* Have a line of the file ahead. Return: 1; 0 at the end; -1 after a message. */
int ms_join_look_ahead(struct ms_log_source *s)
{
	if (s->state > 0)
		return 1;
	s->state = ms_look_line(s->file, &s->look, &s->ahead, &s->ahead_len);
	return s->state < 1 ? s->state : 1;
}

void ms_join_append(struct ms_log_source *s, const char *more, size_t len)
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

void ms_join_reparse(struct ms_log_source *s, const struct ms_line *before)
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

/* The text of an error, or of what is in a result, that is not whole. */
static bool tail_open(const struct ms_log_source *s, const char *next)
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
bool ms_join_ends_alone(const struct ms_line *l)
{
	return l->kind == MS_LINE_OPEN && l->args_len && l->args[l->args_len - 1] == ')' &&
	       (ms_line_is(l, "exit_group") || ms_line_exits(l));
}

/* A message of strace, or a remark: it may stand between parts of a line. */
static bool is_message(const struct ms_line *l, const char *text)
{
	return l->kind == MS_LINE_ATTACHED || l->kind == MS_LINE_DETACHED ||
	       (l->kind == MS_LINE_NOTE && (*text == 's' || *text == 'P' || *text == '[' ||
					    *text == '#'));
}

/* As wide as the terminal, which cuts anywhere: whatever has no end goes on. */
static bool at_width(const struct ms_log_source *s)
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
static bool result_follows(const struct ms_log_source *s, const char *text)
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
bool ms_join_continues(const struct ms_log_source *s, const struct ms_line *ahead)
{
	const char *text = s->ahead + strspn(s->ahead, " \t");

	if (s->len + s->ahead_len > JOINED_MAX)
		return false;
	if (at_width(s) && (s->line.kind == MS_LINE_OPEN || s->line.kind == MS_LINE_OTHER))
		return true;
	if (result_follows(s, text))
		return true;
	/* Whole, or it has a tail: one that is as wide again would be a line's beginning. */
	if (at_width(s))
		return (ahead->kind == MS_LINE_OTHER && !ahead->pid && !ahead->time_kind) ||
		       (s->line.result && rest_of_result(text)) ||
		       (only_prefix(ahead) && s->ahead_len < s->look.width);
	if (ms_join_ends_alone(&s->line))
		return *text == '=';
	if (only_prefix(&s->line))
		return !ahead->pid && (!s->line.time_kind || !ahead->time_kind);
	if (s->line.kind == MS_LINE_OPEN)
		return ahead->kind == MS_LINE_OTHER || only_prefix(ahead) ||
		       is_message(ahead, text) ||
		       (ahead->kind == MS_LINE_NOTE &&
			(*text == '<' || strstr(text, "<unfinished ...>")));
	if (s->line.more && (*text == '+' || *text == '-'))
		return true;
	return (tail_open(s, text) || s->line.more) && ahead->kind == MS_LINE_OTHER;
}

/* Is it worth a look at the next line? */
bool ms_join_may(const struct ms_log_source *s)
{
	return s->line.kind == MS_LINE_OPEN || s->line.more || at_width(s) ||
	       tail_open(s, "(");
}

/* +++ superseded by execve in pid 700 +++: nothing but words. */
static bool between_words(const struct ms_log_source *s, const char *next)
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
static bool ends_in_message(const struct ms_log_source *s)
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
void ms_join(struct ms_log_source *s, const struct ms_line *ahead)
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
			ms_join_append(s, " ", 1);
		ms_join_append(s, s->ahead, s->ahead_len);
		ms_join_reparse(s, &before);
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
		ms_join_append(s, " ", 1);
	s->piece = s->ahead_len;
	ms_join_append(s, next, strlen(next));
	ms_join_reparse(s, &before);
}

/*
 * Of strace -z a call in two parts comes when it has succeeded, and without the words between them:
 * munmap(0x10000000, 4096 <unfinished ...>, and in the next line ) = 0
 */
void ms_join_succeeded(struct ms_log_source *s)
{
	size_t keep, len = s->len;
	struct ms_line ahead, whole;
	const char *rest;
	char *before;

	if (s->line.kind != MS_LINE_UNFINISHED || s->line.detached ||
	    ms_join_look_ahead(s) != 1)
		return;
	ms_line_parse(s->ahead, s->ahead_len, s->look.column, &ahead);
	/* A program's words, and another's line behind them, are no end of a call. */
	if (ahead.kind != MS_LINE_OTHER || ahead.pid || !memchr(s->ahead, ')', s->ahead_len) ||
	    ms_line_within(s->ahead, s->ahead_len, s->look.column, &whole))
		return;
	rest = skip_numbers(s->ahead);
	before = strdup(s->text);
	if (!before)
		abort();
	keep = (size_t)(s->line.args - s->text) + s->line.args_len;
	s->len = keep;
	ms_join_append(s, rest, s->ahead_len - (size_t)(rest - s->ahead));
	ms_line_parse(s->text, s->len, s->look.column, &whole);
	if (whole.kind == MS_LINE_CALL) {
		s->nr++;
		s->cut = s->state == 2;
		s->state = 0;
	} else {
		s->len = 0;
		ms_join_append(s, before, len);
	}
	ms_join_reparse(s, &(struct ms_line) {});
	free(before);
}
