// SPDX-License-Identifier: MIT
/*
 * Model
 *
 *   On a terminal a program writes between strace's lines, and where it ends its own with no
 *   newline the next one of strace's stands behind it: "allocating... mmap(NULL, 4096, ...".
 *   It is found by what it is: a call that matters, whole or in two parts, or the end of
 *   a thread, up to the end of the line.
 */
#include <ctype.h>
#include <string.h>

#include "within.h"

/* Nothing that is longer is looked at: it is no line of a terminal. */
#define WITHIN_MAX	4096

/* Not so where it begins within a name that somebody has given a program: <x] mmap(0>]}, 88) */
static bool is_balanced(const struct ms_line *l)
{
	int depth = 0;

	for (size_t i = 0; i < l->args_len && depth >= 0; i++) {
		if (strchr("([{", l->args[i]))
			depth++;
		else if (strchr(")]}", l->args[i]))
			depth--;
	}
	return depth >= 0;
}

static bool matters(const struct ms_line *l)
{
	if (l->kind == MS_LINE_EXIT || l->kind == MS_LINE_SUPERSEDED)
		return true;
	/* What a message of strace breaks. */
	if (l->kind == MS_LINE_OPEN && !l->keep)
		return false;
	return (l->kind == MS_LINE_CALL || l->kind == MS_LINE_UNFINISHED ||
		l->kind == MS_LINE_RESUMED || l->kind == MS_LINE_OPEN) &&
	       is_balanced(l) &&
	       (ms_line_wants(l) || ms_line_makes_child(l) || ms_line_exits(l) ||
		ms_line_is(l, "exit_group"));
}

/* What a line of strace's begins with, where it is not at the beginning. */
static bool may_begin(const char *p)
{
	if (!strncmp(p, "[pid ", 5) || !strncmp(p, "<... ", 5) || !strncmp(p, "+++ ", 4))
		return true;
	return islower((unsigned char)*p) && !strchr("_->\"<", p[-1]) &&
	       p[strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '(';
}

/**
 * ms_line_within() - find strace's line in one that begins otherwise
 * @text:	the line, of which strace knows nothing as it is; ends with a 0
 * @len:	its length
 * @column:	what a plain number in front is
 * @line:	what was found; points into @text
 *
 * Return: where it begins; 0: there is none.
 */
size_t ms_line_within(const char *text, size_t len, enum ms_column column, struct ms_line *line)
{
	if (len > WITHIN_MAX)
		return 0;
	for (size_t at = 1; at < len; at++) {
		if (!may_begin(text + at))
			continue;
		ms_line_parse(text + at, len - at, column, line);
		if (matters(line))
			return at;
	}
	return 0;
}
