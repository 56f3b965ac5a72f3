// SPDX-License-Identifier: MIT
/* Arguments of calls, by name or by number. */
#include <ctype.h>
#include <linux/mman.h>
#include <string.h>

#include "parse.h"

/* Behind a string, from its opening quote on. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/**
 * ms_arg() - an argument's text
 * @line:	a call
 * @n:		which, counted from 0
 * @arg:	where to put it
 *
 * Commas in brackets, strings and comments do not part.
 *
 * Return: false if there is none such, or nothing in it.
 */
bool ms_arg(const struct ms_line *line, int n, struct ms_text *arg)
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
	ms_text_skip_space(arg);
	return n <= 0 && arg->p < arg->end;
}

/* Behind a value there is nothing, a comment, or what -y, -Y say of it. */
static bool at_end(struct ms_text *arg)
{
	ms_text_skip_space(arg);
	return arg->p >= arg->end || ms_text_starts(arg, "/*") || *arg->p == '<';
}

/**
 * ms_arg_number() - an argument that is a number
 * @line:	a call
 * @n:		which, counted from 0
 * @value:	the result
 *
 * Return: false if there is none such, or it is something else.
 */
bool ms_arg_number(const struct ms_line *line, int n, uint64_t *value)
{
	struct ms_text arg;

	if (!ms_arg(line, n, &arg))
		return false;
	if (ms_text_skip(&arg, "NULL")) {
		*value = 0;
		return at_end(&arg);
	}
	return ms_text_number(&arg, value) && at_end(&arg);
}

/* The same of an address, which in a 32-bit program may come sign-extended. */
bool ms_arg_address(const struct ms_line *line, int n, uint64_t *value)
{
	if (!ms_arg_number(line, n, value))
		return false;
	if (*value >= 0xffffffff80000000)
		*value &= 0xffffffff;
	return true;
}

static bool word(const char *p, const char *end)
{
	return p < end && (isalnum((unsigned char)*p) || *p == '_');
}

/* 0x8 with what strace thinks of it, which another flag may follow. */
static void skip_comment(struct ms_text *t)
{
	struct ms_text rest = *t;
	const char *close;

	ms_text_skip_space(&rest);
	if (!ms_text_starts(&rest, "/*"))
		return;
	close = memmem(rest.p, (size_t)(rest.end - rest.p), "*/", 2);
	if (close)
		t->p = close + 2;
}

/* NAME|NAME|0x10, up to something that is neither. Unknown names count nothing. */
static bool flags_value(struct ms_text *t, const struct ms_flag *flags,
			uint64_t *value)
{
	uint64_t part;

	*value = 0;
	if (!word(t->p, t->end))
		return false;
	for (;;) {
		if (t->p < t->end && isdigit((unsigned char)*t->p)) {
			if (!ms_text_number(t, &part))
				return false;
			/* 21<<MAP_HUGE_SHIFT: the size of pages */
			if (ms_text_skip(t, "<<MAP_HUGE_SHIFT"))
				part = (part & MAP_HUGE_MASK) << MAP_HUGE_SHIFT;
			*value |= part;
		}
		if (word(t->p, t->end)) {
			const char *name = t->p;
			size_t len;

			while (word(t->p, t->end))
				t->p++;
			len = (size_t)(t->p - name);
			for (const struct ms_flag *f = flags; f->name; f++)
				if (strlen(f->name) == len &&
				    !memcmp(f->name, name, len))
					*value |= f->value;
		}
		skip_comment(t);
		if (t->p >= t->end || *t->p != '|')
			return true;
		t->p++;
	}
}

/**
 * ms_arg_flags() - an argument of flags
 * @line:	a call
 * @n:		which, counted from 0
 * @flags:	the names, ended by one without
 * @value:	the result
 *
 * Return: false if there is none such, or it is something else.
 */
bool ms_arg_flags(const struct ms_line *line, int n, const struct ms_flag *flags,
		  uint64_t *value)
{
	struct ms_text arg;

	return ms_arg(line, n, &arg) && flags_value(&arg, flags, value) && at_end(&arg);
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
	struct ms_text arg;

	if (!at)
		return false;
	arg = (struct ms_text) { at + strlen(key), line->args + line->args_len };
	return flags_value(&arg, flags, value);
}
