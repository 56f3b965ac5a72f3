// SPDX-License-Identifier: MIT
/* What is left of a line, bit by bit. */
#include <ctype.h>
#include <string.h>

#include "parse.h"

bool ms_text_starts(const struct ms_text *t, const char *with)
{
	size_t n = strlen(with);

	return (size_t)(t->end - t->p) >= n && !memcmp(t->p, with, n);
}

bool ms_text_skip(struct ms_text *t, const char *what)
{
	if (!ms_text_starts(t, what))
		return false;
	t->p += strlen(what);
	return true;
}

void ms_text_skip_space(struct ms_text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
		t->p++;
}

bool ms_text_has(const struct ms_text *t, const char *what)
{
	return memmem(t->p, (size_t)(t->end - t->p), what, strlen(what));
}

/**
 * ms_text_number() - a number in decimal or hexadecimal
 * @t:		where it begins; behind it afterwards
 * @value:	the result
 *
 * Return: false if there is none.
 */
bool ms_text_number(struct ms_text *t, uint64_t *value)
{
	const char *p = t->p;
	int base = 10;

	*value = 0;
	if (ms_text_skip(t, "0x")) {
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
