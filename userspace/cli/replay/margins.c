// SPDX-License-Identifier: MIT
/*
 * Model
 *
 *   A log that is shown as a block is indented, and one that was copied from a terminal may have
 *   blanks behind each line, or as many as make all equally long. Where its lines were wrapped
 *   before, these stand within words. As many as all lines have are taken off; numbers that
 *   strace puts to the right have blanks in front as well, and keep them.
 */
#include <ctype.h>

#include "margins.h"

/* One stands in front of each stack frame. */
#define LEFT_MIN	2

static void trim_return(struct ms_text *t)
{
	while (t->end > t->p && t->end[-1] == '\r')
		t->end--;
}

/**
 * ms_margins_look() - a line comes
 * @m:	what is known; all zero before the first
 * @t:	the line
 */
void ms_margins_look(struct ms_margins *m, const struct ms_text *t)
{
	struct ms_text line = *t, rest;
	size_t left, right = 0, width;

	trim_return(&line);
	rest = line;
	while (rest.p < rest.end && *rest.p == ' ')
		rest.p++;
	/* Of nothing but blanks it says nothing. */
	if (rest.p == rest.end)
		return;
	width = (size_t)(line.end - line.p);
	left = (size_t)(rest.p - line.p);
	while (rest.end[-1] == ' ') {
		rest.end--;
		right++;
	}
	m->left = m->nr && m->left < left ? m->left : left;
	m->right = m->nr && m->right < right ? m->right : right;
	if (width > m->width) {
		m->width = width;
		m->nr_width = 0;
	}
	m->nr_width += width == m->width;
	m->nr_blank += right > 1;
	m->text |= !isdigit((unsigned char)*rest.p);
	m->nr++;
}

/**
 * ms_margins_say() - how many are to be taken off?
 * @m: what is known; so many afterwards
 */
void ms_margins_say(struct ms_margins *m)
{
	if (m->left < LEFT_MIN || !m->text)
		m->left = 0;
	m->padded = m->nr_width >= m->nr - m->nr / 20 && m->nr_blank > m->nr / 4;
}

/**
 * ms_margins_strip() - take them off
 * @m:	how many
 * @t:	the line
 */
void ms_margins_strip(const struct ms_margins *m, struct ms_text *t)
{
	if (m->right || m->padded)
		trim_return(t);
	for (size_t i = 0; i < m->left && t->p < t->end && *t->p == ' '; i++)
		t->p++;
	for (size_t i = 0; (i < m->right || m->padded) && t->end > t->p && t->end[-1] == ' '; i++)
		t->end--;
}
