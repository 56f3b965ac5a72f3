// SPDX-License-Identifier: MIT
/*
 * Model
 *
 *   One line ahead is read, and joined to what is there as long as it belongs to it (join.c). Ids
 *   that have come up are remembered, so that a number alone can be told from the rest of
 *   a result that was wrapped.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "join.h"
#include "within.h"

static bool all_of(const char *text, size_t len, const char *chars)
{
	return len && strspn(text, chars) == len;
}

static bool is_known(const struct ms_log_source *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->nr_known && i < MS_KNOWN_IDS; i++)
		if (s->known[i] == id)
			return true;
	return false;
}

static void know(struct ms_log_source *s, uint64_t id)
{
	if (id && !is_known(s, id))
		s->known[s->nr_known++ % MS_KNOWN_IDS] = id;
}

static void know_ids(struct ms_log_source *s)
{
	know(s, (uint64_t)s->line.pid);
	if (s->line.kind == MS_LINE_ATTACHED)
		know(s, (uint64_t)s->line.other);
	if (s->line.result && !s->line.failed && ms_line_makes_child(&s->line))
		know(s, s->line.value);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * Is what is ahead, a number alone, somebody's id, whose call was too long for the same line? It
 * is if it is known as one, and the result before does not make sense together with it.
 */
static bool is_id_alone(const struct ms_log_source *s)
{
	const struct ms_line *l = &s->line;
	uint64_t id, joined = l->value;
	struct ms_text t = { s->ahead, s->ahead + s->ahead_len };
	bool address = ms_line_gives_address(l) || ms_line_is(l, "brk");

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
static int check_wrapped(struct ms_log_source *s, uint64_t line)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	size_t x;

	if (s->line.kind != MS_LINE_CALL || !s->line.result || ms_join_look_ahead(s) != 1)
		return 0;
	/* 0, and x10000000, and perhaps the time that it took */
	x = *s->ahead == 'x' ? strspn(s->ahead + 1, digits) : 0;
	if (x && s->len > 2 && !strcmp(s->text + s->len - 2, " 0") &&
	    (!s->ahead[x + 1] || s->ahead[x + 1] == ' ')) {
		ms_join(s, &(struct ms_line) { .kind = MS_LINE_OTHER });
		return 0;
	}
	if (!all_of(s->ahead, s->ahead_len, digits) ||
	    !all_of(s->text + s->len - 1, 1, digits))
		return 0;
	/* An address is whole pages: with the rest it is, or without it. */
	if (ms_line_gives_address(&s->line) && s->line.value & 4095) {
		ms_join(s, &(struct ms_line) { .kind = MS_LINE_OTHER });
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
static size_t id_before(const struct ms_log_source *s, size_t at)
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
static void find_within(struct ms_log_source *s)
{
	struct ms_line found;
	size_t at;

	s->within = false;
	if (s->line.kind != MS_LINE_OTHER || s->look.width)
		return;
	at = ms_line_within(s->text, s->len, s->look.column, &found);
	if (!at)
		return;
	at = id_before(s, at);
	s->within = true;
	s->len -= at;
	memmove(s->text, s->text + at, s->len + 1);
	ms_join_reparse(s, &(struct ms_line) {});
}

/**
 * ms_log_source_next() - make the next line
 * @s:		the file
 * @line:	lines of the log before it, for a message
 *
 * Return: 1; 0 at the end, with @s->ready false; -1 after a message.
 */
int ms_log_source_next(struct ms_log_source *s, uint64_t line)
{
	int ret = ms_join_look_ahead(s);

	s->ready = false;
	if (ret != 1)
		return ret;
	s->len = 0;
	s->piece = s->ahead_len;
	ms_join_append(s, s->ahead, s->ahead_len);
	s->cut = s->state == 2;
	s->state = 0;
	s->nr = 1;
	memset(&s->line, 0, sizeof(s->line));
	ms_join_reparse(s, &(struct ms_line) {});
	find_within(s);
	while (ms_join_may(s) && ms_join_look_ahead(s) == 1) {
		struct ms_line ahead;

		ms_line_parse(s->ahead, s->ahead_len, s->look.column, &ahead);
		if (!ms_join_continues(s, &ahead))
			break;
		ms_join(s, &ahead);
	}
	ms_join_succeeded(s);
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

/**
 * ms_log_source_open() - open a file of a log
 * @s:		where to; all zero
 * @path:	its name, which must stay
 * @alone:	it is the whole log; else it is a thread's, whose id is in its name
 *
 * Return: 0, before the first line; -1 after a message, and ms_log_source_close() it, too.
 */
int ms_log_source_open(struct ms_log_source *s, const char *path, bool alone)
{
	s->path = path;
	s->id = alone ? 0 : id_of(path);
	s->file = ms_log_file_open(path);
	return s->file ? ms_look_at(s->file, path, &s->look) : -1;
}

void ms_log_source_close(struct ms_log_source *s)
{
	ms_log_file_close(s->file);
	free(s->text);
}

/**
 * ms_log_source_rewind() - begin again
 * @s: the file
 *
 * Return: 0, with its first line; -1 after a message.
 */
int ms_log_source_rewind(struct ms_log_source *s)
{
	s->state = 0;
	s->nr_known = 0;
	s->clock = (struct ms_log_clock) {};
	return ms_log_file_rewind(s->file) || ms_log_source_next(s, 0) < 0 ? -1 : 0;
}
