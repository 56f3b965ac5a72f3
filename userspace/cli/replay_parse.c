// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "replay_parse.h"

/* No process id is larger than this; a larger number in front is a time. */
#define PID_LIMIT	4194304

/* Seconds: less is no time of day with a date. */
#define SINCE_1970	1e8

/**
 * struct text - what is left of a line
 * @p:		next character
 * @end:	behind the last
 */
struct text {
	const char *p;
	const char *end;
};

static bool starts(const struct text *t, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(t->end - t->p) >= n && !memcmp(t->p, with, n);
}

static bool skip(struct text *t, const char *what)
{
	if (!starts(t, what))
		return false;
	t->p += strlen(what);
	return true;
}

static void skip_space(struct text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
		t->p++;
}

/* A number in decimal or hexadecimal; @t behind it. */
static bool number(struct text *t, uint64_t *value)
{
	const char *p = t->p;
	int base = 10;

	*value = 0;
	if (skip(t, "0x")) {
		base = 16;
		p = t->p;
	}
	for (; t->p < t->end; t->p++) {
		int c = (unsigned char)*t->p, digit;

		if (isdigit(c))
			digit = c - '0';
		else if (base == 16 && isxdigit(c))
			digit = tolower(c) - 'a' + 10;
		else
			break;
		*value = *value * (uint64_t)base + (uint64_t)digit;
	}
	return t->p > p;
}

/* 12:34:56.789; seconds since 1970; or, of -r, since the line before. */
static void take_time(const char *word, const char *end, struct ms_line *line)
{
	double part, seconds = 0;
	bool colon = false;
	char *next;

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

/* [pid N] or N in front; then a time in one of strace's forms. */
static pid_t prefix(struct text *t, struct ms_line *line)
{
	pid_t pid = 0;
	uint64_t value;

	skip_space(t);
	if (skip(t, "[pid")) {
		skip_space(t);
		if (number(t, &value))
			pid = (pid_t)value;
		while (t->p < t->end && *t->p != ']')
			t->p++;
		skip(t, "]");
		skip_space(t);
	}
	while (t->p < t->end && isdigit((unsigned char)*t->p)) {
		const char *word = t->p;
		bool plain = true;

		while (t->p < t->end && *t->p != ' ' && *t->p != '\t') {
			plain = plain && isdigit((unsigned char)*t->p);
			t->p++;
		}
		value = strtoull(word, NULL, 10);
		if (plain && !pid && value <= PID_LIMIT)
			pid = (pid_t)value;
		else if (line->time_kind == MS_TIME_NONE)
			take_time(word, t->p, line);
		skip_space(t);
		/* -t and -r together */
		if (starts(t, "(+")) {
			while (t->p < t->end && *t->p != ')')
				t->p++;
			skip(t, ")");
			skip_space(t);
		}
	}
	return pid;
}

/* The last " = " behind a closing parenthesis parts the call from its result. */
static const char *find_result(const char *p, const char *end)
{
	const char *e, *q;

	for (e = end - 2; e > p; e--) {
		if (e[0] != '=' || e[1] != ' ' || e[-1] != ' ')
			continue;
		for (q = e - 1; q > p && *q == ' '; q--)
			;
		if (*q == ')')
			return e;
	}
	return NULL;
}

/* Set args and result from name( on, or from what follows "resumed>". */
static bool parse_call(struct text *t, struct ms_line *line)
{
	const char *eq, *close;
	struct text r;

	eq = find_result(t->p, t->end);
	if (!eq)
		return false;
	for (close = eq - 1; *close != ')'; close--)
		;
	line->args = t->p;
	line->args_len = (size_t)(close - t->p);

	r = (struct text) { eq + 2, t->end };
	skip_space(&r);
	if (starts(&r, "?"))
		return true;
	line->result = true;
	line->failed = starts(&r, "-");
	if (!line->failed && !number(&r, &line->value))
		line->result = false;
	return true;
}

static bool parse_name(struct text *t, struct ms_line *line)
{
	line->name = t->p;
	while (t->p < t->end && (isalnum((unsigned char)*t->p) || *t->p == '_'))
		t->p++;
	line->name_len = (size_t)(t->p - line->name);
	return line->name_len;
}

static enum ms_line_kind parse_event(struct text *t, struct ms_line *line)
{
	uint64_t value;

	if (skip(t, "superseded by execve in pid ")) {
		if (!number(t, &value))
			return MS_LINE_OTHER;
		line->other = (pid_t)value;
		return MS_LINE_SUPERSEDED;
	}
	return starts(t, "exited") || starts(t, "killed") ? MS_LINE_EXIT :
							    MS_LINE_OTHER;
}

/*
 * On a terminal strace's own message comes in between, and the call goes on in
 * the next line, or is unfinished: vfork(strace: Process 123 attached
 */
static bool parse_interrupted(struct text *t, struct ms_line *line)
{
	static const char message[] = "strace: Process ";
	const char *at = memmem(t->p, (size_t)(t->end - t->p), message,
				sizeof(message) - 1);
	uint64_t value;

	if (!at)
		return false;
	line->args = t->p;
	line->args_len = (size_t)(at - t->p);
	t->p = at + sizeof(message) - 1;
	if (!number(t, &value) || !skip(t, " attached"))
		return false;
	line->other = (pid_t)value;
	return true;
}

static enum ms_line_kind parse_kind(struct text *t, struct ms_line *line)
{
	static const char unfinished[] = "<unfinished ...>";
	size_t n = sizeof(unfinished) - 1;
	uint64_t value;

	if (skip(t, "+++ "))
		return parse_event(t, line);
	if (skip(t, "--- ") || starts(t, "<unfinished ...>"))
		return MS_LINE_NOTE;
	if (skip(t, "strace: Process ")) {
		if (!number(t, &value) || !skip(t, " attached"))
			return MS_LINE_OTHER;
		line->other = (pid_t)value;
		return MS_LINE_ATTACHED;
	}
	if (skip(t, "<... ")) {
		if (!parse_name(t, line) || !skip(t, " resumed>"))
			return MS_LINE_OTHER;
		skip_space(t);
		return parse_call(t, line) ? MS_LINE_RESUMED : MS_LINE_OTHER;
	}
	if (!parse_name(t, line) || !skip(t, "("))
		return parse_call(t, line) ? MS_LINE_REST : MS_LINE_OTHER;
	while (t->end > t->p && isspace((unsigned char)t->end[-1]))
		t->end--;
	if ((size_t)(t->end - t->p) >= n && !memcmp(t->end - n, unfinished, n)) {
		line->args = t->p;
		line->args_len = (size_t)(t->end - t->p) - n;
		return MS_LINE_UNFINISHED;
	}
	if (parse_call(t, line))
		return MS_LINE_CALL;
	return parse_interrupted(t, line) ? MS_LINE_UNFINISHED : MS_LINE_OTHER;
}

/**
 * ms_line_parse() - take a line apart
 * @text:	the line, terminated somewhere behind @len
 * @len:	its length without the newline
 * @line:	the result; points into @text
 */
void ms_line_parse(const char *text, size_t len, struct ms_line *line)
{
	struct text t = { text, text + len };

	memset(line, 0, sizeof(*line));
	line->pid = prefix(&t, line);
	line->kind = parse_kind(&t, line);
}

bool ms_line_is(const struct ms_line *line, const char *name)
{
	return strlen(name) == line->name_len &&
	       !memcmp(name, line->name, line->name_len);
}

/* ---- arguments ----------------------------------------------------------------- */

/* Behind a string, from its opening quote on. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/* The n-th argument: commas in brackets, strings and comments do not part. */
static bool find_arg(const struct ms_line *line, int n, struct text *arg)
{
	const char *p = line->args, *end = p + line->args_len;
	int depth = 0;

	arg->p = p;
	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (*p == '(' || *p == '{' || *p == '[') {
			depth++;
		} else if (*p == ')' || *p == '}' || *p == ']') {
			depth--;
		} else if (*p == ',' && depth <= 0) {
			if (!n--)
				break;
			arg->p = p + 1;
		}
		p++;
	}
	arg->end = p;
	skip_space(arg);
	return n <= 0 && arg->p < arg->end;
}

bool ms_arg_number(const struct ms_line *line, int n, uint64_t *value)
{
	struct text arg;

	if (!find_arg(line, n, &arg))
		return false;
	if (skip(&arg, "NULL")) {
		*value = 0;
		return true;
	}
	return number(&arg, value);
}

/* NAME|NAME|0x10, up to something that is neither. Unknown names count nothing. */
static bool flags_value(struct text *t, const struct ms_flag *flags,
			uint64_t *value)
{
	uint64_t part;

	*value = 0;
	for (;;) {
		if (t->p < t->end && isdigit((unsigned char)*t->p)) {
			if (!number(t, &part))
				return false;
			/* 21<<MAP_HUGE_SHIFT: the size of pages */
			if (!skip(t, "<<"))
				*value |= part;
		}
		if (t->p < t->end && (isalpha((unsigned char)*t->p) || *t->p == '_')) {
			const char *name = t->p;
			size_t len;

			while (t->p < t->end &&
			       (isalnum((unsigned char)*t->p) || *t->p == '_'))
				t->p++;
			len = (size_t)(t->p - name);
			for (const struct ms_flag *f = flags; f->name; f++)
				if (strlen(f->name) == len &&
				    !memcmp(f->name, name, len))
					*value |= f->value;
		}
		if (t->p >= t->end || *t->p != '|')
			return true;
		t->p++;
	}
}

bool ms_arg_flags(const struct ms_line *line, int n, const struct ms_flag *flags,
		  uint64_t *value)
{
	struct text arg;

	return find_arg(line, n, &arg) && flags_value(&arg, flags, value);
}

/**
 * ms_arg_named_flags() - flags behind a key, wherever it stands
 * @line:	a call, perhaps with a structure in its arguments
 * @key:	with its equals sign
 * @flags:	the names, ended by one without
 * @value:	the result
 *
 * Return: false if the key is not there.
 */
bool ms_arg_named_flags(const struct ms_line *line, const char *key,
			const struct ms_flag *flags, uint64_t *value)
{
	const char *at = memmem(line->args, line->args_len, key, strlen(key));
	struct text arg;

	if (!at)
		return false;
	arg = (struct text) { at + strlen(key), line->args + line->args_len };
	return flags_value(&arg, flags, value);
}
