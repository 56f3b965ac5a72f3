// SPDX-License-Identifier: MIT
/*
 * Plain numbers in front.
 *
 * Model
 *
 *   One number may be a thread's id, seconds since the line before, or the number of the line.
 *   Of two the id is the second, behind the number of the line or whatever else, or the first,
 *   and the second is seconds; or there is none. What tells: ids begin in one column of
 *   characters and seconds end in one; a child's id comes up in front of lines; no id is 0;
 *   numbers of lines rise; strace puts seconds in a fixed place behind ids. Where none of these
 *   tells two numbers apart, nobody knows whose the lines are, and that is said.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

/* What strace prints ids and seconds with: "%-5u " and "%6u ". */
#define ID_WIDTH	5
#define SECONDS_WIDTH	6

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The number that is next, behind blanks, with a blank behind it. */
static bool take_number(const char *line, size_t at, struct ms_number *n)
{
	const char *p = line + at + strspn(line + at, " \t"), *q = p;

	while (isdigit((unsigned char)*q))
		q++;
	if (p == q || q - p > 9 || !blank(*q))
		return false;
	n->begin = (size_t)(p - line);
	n->end = (size_t)(q - line);
	n->value = strtoull(p, NULL, 10);
	return true;
}

static void look_at(struct ms_column_facts *f, const struct ms_number *n, uint64_t made)
{
	if (!f->nr++) {
		*f = (struct ms_column_facts) {
			.first = *n, .last = *n, .nr = 1, .zero = !n->value,
			.same_begin = true, .same_end = true, .rising = true,
			.same_value = true, .child = n->value && n->value == made,
		};
		return;
	}
	f->child |= n->value && n->value == made;
	f->zero |= !n->value;
	f->same_begin &= n->begin == f->first.begin;
	f->same_end &= n->end == f->first.end;
	f->rising &= n->value > f->last.value;
	f->same_value &= n->value == f->first.value;
	f->last = *n;
}

static bool is_padded(const struct ms_number *id, const struct ms_number *seconds)
{
	size_t width = id->end - id->begin, digits = seconds->end - seconds->begin;

	return seconds->end - id->begin == (width > ID_WIDTH ? width : ID_WIDTH) + 1 +
					   (digits > SECONDS_WIDTH ? digits : SECONDS_WIDTH);
}

/**
 * ms_columns_look() - a line comes
 * @c:		what is known; all zero before the first
 * @text:	the line
 * @l:		it, taken apart as if numbers were ids
 * @line:	how many came before it
 */
void ms_columns_look(struct ms_columns *c, const char *text, const struct ms_line *l, uint64_t line)
{
	struct ms_number first, second;
	bool begin = !c->of[0].nr;

	/* Parts of lines begin with numbers, too. */
	if (l->kind == MS_LINE_OTHER || l->kind == MS_LINE_NOTE ||
	    (l->kind == MS_LINE_OPEN && !l->name_len))
		return;

	c->threads |= l->kind == MS_LINE_UNFINISHED || l->kind == MS_LINE_RESUMED;
	if (l->result && !l->failed && ms_line_makes_child(l))
		c->made = l->value;
	if (!take_number(text, 0, &first))
		return;
	if (begin) {
		c->offset = first.value - line;
		c->counting = true;
		c->tab = true;
		c->padded = true;
	}
	look_at(&c->of[0], &first, c->made);
	c->counting &= first.value - line == c->offset;
	c->tab &= text[first.end] == '\t';
	/* A greater one is a time. */
	if (!take_number(text, first.end, &second) || second.value > MS_PID_MAX)
		return;
	if (!c->of[1].nr)
		snprintf(c->example, sizeof(c->example), "%.*s",
			 (int)(second.end - first.begin), text + first.begin);
	look_at(&c->of[1], &second, c->made);
	c->padded &= is_padded(&first, &second);
}

static enum ms_column one_column(const struct ms_columns *c)
{
	const struct ms_column_facts *f = &c->of[0];

	if (!f->nr)
		return MS_COLUMN_ID;
	if (c->tab || (c->counting && (f->nr > 2 || (f->nr == 2 && f->first.value == 1))))
		return MS_COLUMN_LISTING;
	if (f->zero || (f->same_end && !f->same_begin))
		return MS_COLUMN_SECONDS;
	/* Right of blanks as strace has it, and all of one length. */
	if (f->same_end && f->first.end == SECONDS_WIDTH && f->first.begin && !c->threads &&
	    !f->child && !(f->same_value && f->nr > 2))
		return MS_COLUMN_SECONDS;
	return MS_COLUMN_ID;
}

/* False: they cannot be told apart. */
static bool two_columns(const struct ms_columns *c, enum ms_column *column)
{
	const struct ms_column_facts *a = &c->of[0], *b = &c->of[1];
	bool listing = c->tab || (c->counting && c->offset == 1);

	if (a->child != b->child)
		*column = a->child ? MS_COLUMN_ID : MS_COLUMN_LISTING;
	else if (a->zero || listing)
		*column = b->zero || (listing && c->padded) ? MS_COLUMN_NONE : MS_COLUMN_LISTING;
	else if (c->padded || (b->zero && !(a->rising && a->nr > 2)))
		*column = MS_COLUMN_ID;
	else if (!b->zero && a->rising && a->nr > 2)
		*column = MS_COLUMN_LISTING;
	else if (!b->zero && a->same_value != b->same_value)
		*column = a->same_value ? MS_COLUMN_ID : MS_COLUMN_LISTING;
	else
		return false;
	return true;
}

/**
 * ms_columns_say() - what are they?
 * @c:		what is known
 * @column:	the result
 *
 * Return: true; false: there are two, and either may be the id.
 */
bool ms_columns_say(const struct ms_columns *c, enum ms_column *column)
{
	if (c->of[1].nr && c->of[1].nr == c->of[0].nr)
		return two_columns(c, column);
	*column = one_column(c);
	return true;
}
