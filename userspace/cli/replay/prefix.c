// SPDX-License-Identifier: MIT
/*
 * What stands in front of a line of strace.
 *
 * Model
 *
 *   First what others have put there, which is no part of the log: marks of a quoted
 *   mail, the words of journald, syslog, docker and Kubernetes, which a line tells by itself
 *   (ms_prefix_strip); for all other words see front.c. Then what strace prints, in this
 *   order: a thread's id, perhaps with the name of its command; a time; and in brackets a
 *   security context, the call's number, the instruction pointer (ms_prefix_parse). Whether
 *   a plain number is an id is not to be seen in one line: see enum ms_column.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

/* "Fri 2026-11-30 14:03:41 CET host strace[123]:", and one more. */
#define TAG_WORDS	7

/* Seconds: less is no time of day with a date. */
#define SINCE_1970	1e8

static bool digit(const struct ms_text *t, size_t at)
{
	return (size_t)(t->end - t->p) > at && isdigit((unsigned char)t->p[at]);
}

static bool blank(const struct ms_text *t)
{
	return t->p < t->end && (*t->p == ' ' || *t->p == '\t');
}

/* Is the text like this? 9 stands for a digit, a for a letter, the rest for itself. */
static bool looks(const struct ms_text *t, const char *like)
{
	const char *p = t->p;

	for (; *like; like++, p++) {
		if (p >= t->end)
			return false;
		if (*like == '9' ? !isdigit((unsigned char)*p) :
		    *like == 'a' ? !isalpha((unsigned char)*p) : *p != *like)
			return false;
	}
	return true;
}

static void skip_word(struct ms_text *t)
{
	while (t->p < t->end && !blank(t))
		t->p++;
	ms_text_skip_space(t);
}

/*
 * "host strace[123]: ", behind any time that journald has: no word before that could be
 * strace's.
 */
static bool skip_tag(struct ms_text *t)
{
	struct ms_text try = *t;

	for (int nr = 0; nr < TAG_WORDS; nr++) {
		const char *begin = try.p, *end, *digits;

		while (try.p < try.end && !blank(&try) && !strchr("(\"{=", *try.p))
			try.p++;
		/* (sh)[77], before the program is what it is called by */
		if (try.p == begin && *try.p == '(')
			while (try.p < try.end && !blank(&try) && !strchr("\"{=", *try.p))
				try.p++;
		if (!blank(&try) || begin == try.p)
			return false;
		end = try.p;
		ms_text_skip_space(&try);
		if (end - begin < 4 || end[-1] != ':' || end[-2] != ']')
			continue;
		digits = end - 2;
		while (digits > begin && isdigit((unsigned char)digits[-1]))
			digits--;
		if (digits == end - 2 || digits - begin < 2 || digits[-1] != '[')
			continue;
		*t = try;
		return true;
	}
	return false;
}

/* A word of letters, digits and these. */
static bool take_name(struct ms_text *t, const char *and)
{
	const char *begin = t->p;

	while (t->p < t->end && (isalnum((unsigned char)*t->p) || strchr(and, *t->p)))
		t->p++;
	return t->p > begin;
}

/*
 * "host strace: ", "host strace[77]: ", if it is there. Behind a time alone there is what
 * strace prints, which may end with its own name: clone(..., flags=SIGCHLDstrace: Process 12
 */
static void skip_writer(struct ms_text *t)
{
	struct ms_text try = *t;

	if (!take_name(&try, "._-:") || !blank(&try))
		return;
	ms_text_skip_space(&try);
	if (!take_name(&try, "._-/[]") || !ms_text_skip(&try, ":") || !blank(&try))
		return;
	ms_text_skip_space(&try);
	*t = try;
}

/* Nov 30 14:03:41 host strace: */
static bool skip_syslog(struct ms_text *t)
{
	if (!looks(t, "aaa 99 99:99:99") && !looks(t, "aaa  9 99:99:99"))
		return false;
	t->p += 7;
	skip_word(t);
	skip_writer(t);
	return true;
}

/* 2026-11-30T14:03:41.123Z, and what journald or Kubernetes put behind it */
static bool skip_iso(struct ms_text *t)
{
	struct ms_text try = *t;

	if (!looks(&try, "9999-99-99T99:99:99"))
		return false;
	skip_word(&try);
	*t = try;
	if (ms_text_skip(&try, "stdout ") || ms_text_skip(&try, "stderr ")) {
		skip_word(&try);
		*t = try;
		return true;
	}
	skip_writer(t);
	return true;
}

/* [10:11], [10:11:12.5], [2026-11-30 14:03:41], [  123.456789] */
static bool skip_bracketed_time(struct ms_text *t)
{
	struct ms_text try = *t;

	if (!ms_text_skip(&try, "["))
		return false;
	ms_text_skip_space(&try);
	if (!looks(&try, "9:99") && !looks(&try, "99:99") && !looks(&try, "9999-99-99")) {
		while (digit(&try, 0))
			try.p++;
		if (!ms_text_skip(&try, ".") || !digit(&try, 0))
			return false;
	}
	while (try.p < try.end && *try.p != ']' && !strchr("(\"{=<", *try.p))
		try.p++;
	if (!ms_text_skip(&try, "]") || !blank(&try))
		return false;
	ms_text_skip_space(&try);
	*t = try;
	return true;
}

/* web-1  | */
static bool skip_compose(struct ms_text *t)
{
	struct ms_text try = *t;

	while (try.p < try.end && (isalnum((unsigned char)*try.p) ||
				   strchr("._-@", *try.p)))
		try.p++;
	if (try.p == t->p || !blank(&try))
		return false;
	ms_text_skip_space(&try);
	if (!ms_text_skip(&try, "| "))
		return false;
	*t = try;
	return true;
}

/* " > /lib/libc.so.6(mmap+0x7) [0x100]", of -k; no quoted line looks like that. */
static bool is_frame(const struct ms_text *t)
{
	struct ms_text rest = *t;

	if (!ms_text_skip(&rest, "> "))
		return false;
	/* A frame that is quoted has two. */
	ms_text_skip_space(&rest);
	if (ms_text_starts(&rest, ">"))
		return false;
	return !ms_text_has(&rest, ") = ") && !ms_text_has(&rest, " = ") &&
	       (ms_text_starts(&rest, "/") || ms_text_starts(&rest, "unexpected_back") ||
		(ms_text_has(&rest, "+0x") && ms_text_has(&rest, ") [0x")) ||
		(ms_text_has(&rest, "() [0x")));
}

/* > of a mail, | of another; the text behind a quoted stack frame stays one. */
static bool skip_quote(struct ms_text *t, int nr)
{
	struct ms_text try = *t;

	ms_text_skip_space(&try);
	if (try.p >= try.end || (*try.p != '>' && *try.p != '|') || is_frame(&try))
		return false;
	/* The end of <unfinished ...>, behind another mark. */
	if (nr && try.p + 1 == try.end)
		return false;
	/* A flag that was wrapped is no mark. */
	if (*try.p++ == '|' && !blank(&try))
		return false;
	/* One blank is the quote's: more are the line's. */
	if (blank(&try))
		try.p++;
	*t = try;
	return true;
}

/**
 * ms_prefix_quoted() - does a line look as if it were quoted?
 * @t: the line, as it is
 *
 * Return: it begins with a mark that is no stack frame's.
 */
bool ms_prefix_quoted(const struct ms_text *t)
{
	struct ms_text rest = *t;

	return skip_quote(&rest, 0);
}

/**
 * ms_prefix_unquote() - take off the marks of a mail
 * @t: the line; shorter afterwards
 */
void ms_prefix_unquote(struct ms_text *t)
{
	int nr = 0;

	while (skip_quote(t, nr))
		nr++;
}

/**
 * ms_prefix_strip() - take off what others than strace have put around a line
 * @t:		the line; shorter afterwards
 * @quoted:	the log is, in a mail
 */
void ms_prefix_strip(struct ms_text *t, bool quoted)
{
	static const char mark[] = "\xef\xbb\xbf";
	int nr = 0;

	while (t->end > t->p && isspace((unsigned char)t->end[-1]) && t->end[-1] != ' ')
		t->end--;
	ms_text_skip(t, mark);
	while ((quoted && skip_quote(t, nr++)) || skip_tag(t) || skip_syslog(t) || skip_iso(t) ||
	       skip_bracketed_time(t) || skip_compose(t))
		;
}

/* 12:34:56.789; seconds since 1970; or, of -r, since the line before. */
static void take_time(const char *word, const char *end, struct ms_line *line)
{
	double part, seconds = 0;
	bool colon = false;
	char *next;

	/* Hexadecimal is a number, too, and no time. */
	if (strspn(word, "0123456789:.") < (size_t)(end - word))
		return;
	while (word < end) {
		part = strtod(word, &next);
		if (next == word || next > end || (next < end && *next != ':'))
			return;
		seconds = seconds * 60 + part;
		colon |= next < end;
		word = next + 1;
	}
	line->time = seconds;
	line->time_kind = colon ? MS_TIME_CLOCK :
			  seconds >= SINCE_1970 ? MS_TIME_ABSOLUTE : MS_TIME_SINCE_LAST;
}

/* <command>, in which strace writes > as \76. */
static void skip_command(struct ms_text *t)
{
	const char *close;

	if (!ms_text_starts(t, "<") || ms_text_starts(t, "<...") ||
	    ms_text_starts(t, "<unfinished"))
		return;
	close = memchr(t->p, '>', (size_t)(t->end - t->p));
	if (close)
		t->p = close + 1;
}

/* [pid N], or [N, [00007f...], [label]: true for each of them. */
static bool take_bracket(struct ms_text *t, struct ms_line *line)
{
	struct ms_text try = *t;
	uint64_t value;

	if (ms_text_skip(&try, "[pid")) {
		ms_text_skip_space(&try);
		if (ms_text_number(&try, &value))
			line->pid = (pid_t)value;
		skip_command(&try);
	} else if (!ms_text_skip(&try, "[") || ms_text_starts(&try, " Process")) {
		return false;
	}
	while (try.p < try.end && *try.p != ']')
		try.p++;
	if (!ms_text_skip(&try, "]"))
		return false;
	ms_text_skip_space(&try);
	*t = try;
	return true;
}

/* 12: or 12. or 12) or 12|, of a listing or of grep -n; no time looks like that. */
static bool skip_listing(struct ms_text *t)
{
	struct ms_text try = *t;

	while (digit(&try, 0))
		try.p++;
	if (try.p == t->p || try.p >= try.end || !strchr(":.)|", *try.p))
		return false;
	if (*try.p == '.' && digit(&try, 1))
		return false;
	if (looks(t, "99:99:99"))
		return false;
	try.p++;
	ms_text_skip_space(&try);
	*t = try;
	return true;
}

/* out.1234: or out.1234:12: of grep; the id of its thread is in a name of -ff. */
static void skip_file_name(struct ms_text *t, struct ms_line *line)
{
	struct ms_text try = *t;
	const char *dot = NULL;
	uint64_t value;

	while (try.p < try.end && !blank(&try) && !strchr(":()\"<>[]{}=,|", *try.p)) {
		dot = *try.p == '.' ? try.p : dot;
		try.p++;
	}
	if (!dot || dot == t->p || digit(t, 0) || !ms_text_starts(&try, ":"))
		return;
	*t = (struct ms_text) { dot + 1, try.p };
	if (ms_text_number(t, &value) && t->p == t->end && value <= MS_PID_MAX)
		line->pid = (pid_t)value;
	try.p++;
	*t = try;
	if (!ms_text_number(&try, &value) || !ms_text_skip(&try, ":") || looks(t, "99:99:99"))
		return;
	*t = try;
}

/**
 * ms_prefix_parse() - read what strace prints in front
 * @t:		the line, stripped; behind that afterwards
 * @column:	what a plain number is
 * @line:	where id and time go
 */
void ms_prefix_parse(struct ms_text *t, enum ms_column column, struct ms_line *line)
{
	bool listed = column == MS_COLUMN_LISTING || column == MS_COLUMN_NONE;
	bool ids = column == MS_COLUMN_ID || column == MS_COLUMN_LISTING;

	ms_text_skip_space(t);
	ms_text_skip(t, "^C");
	ms_text_skip_space(t);
	skip_file_name(t, line);
	skip_listing(t);
	for (;;) {
		const char *word = t->p;
		uint64_t value;
		bool plain;

		if (take_bracket(t, line))
			continue;
		if (!digit(t, 0))
			return;
		while (t->p < t->end && !blank(t) && *t->p != '<')
			t->p++;
		plain = true;
		for (const char *p = word; p < t->p; p++)
			plain = plain && isdigit((unsigned char)*p);
		value = plain ? strtoull(word, NULL, 10) : 0;
		if (plain && listed)
			listed = false;
		else if (plain && ids && !line->pid && value <= MS_PID_MAX)
			line->pid = (pid_t)value;
		else if (line->time_kind == MS_TIME_NONE)
			take_time(word, t->p, line);
		skip_command(t);
		if (t->p < t->end && !blank(t))
			return;
		ms_text_skip_space(t);
		/* -t and -r together */
		if (ms_text_starts(t, "(+")) {
			while (t->p < t->end && *t->p != ')')
				t->p++;
			ms_text_skip(t, ")");
			ms_text_skip_space(t);
		}
	}
}
