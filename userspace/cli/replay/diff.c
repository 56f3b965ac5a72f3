// SPDX-License-Identifier: MIT
/*
 * A log as a diff has it.
 *
 * Model
 *
 *   Each line has a mark: + for new ones, - for old ones, a blank for those that are in both.
 *   Only one side is a log. A +++ of strace's has a mark in front of it, so what begins a
 *   line is told from it. What stands between the parts of a diff is not there.
 */
#include "diff.h"
#include "front.h"

enum { NEW, OLD };

/* @@ -12,7 +12,9 @@ */
static bool take_header(const struct ms_text *t, uint64_t begin[2], uint64_t nr[2])
{
	static const char *const marks[] = { [NEW] = "+", [OLD] = "-" };
	struct ms_text rest = *t;

	if (!ms_text_skip(&rest, "@@ "))
		return false;
	for (int side = OLD; side >= NEW; side--) {
		if (!ms_text_skip(&rest, marks[side]) || !ms_text_number(&rest, &begin[side]))
			return false;
		nr[side] = 1;
		if (ms_text_skip(&rest, ",") && !ms_text_number(&rest, &nr[side]))
			return false;
		ms_text_skip_space(&rest);
	}
	return ms_text_starts(&rest, "@@");
}

static bool is_strong(const struct ms_text *t, size_t at)
{
	struct ms_text rest = { t->p + at, t->end };
	struct ms_line l;

	ms_prefix_strip(&rest, false);
	ms_line_parse(rest.p, (size_t)(rest.end - rest.p), MS_COLUMN_ID, &l);
	return ms_front_is_strong(&l);
}

/**
 * ms_diff_look() - a line comes
 * @f:	what is known
 * @t:	the line
 */
void ms_diff_look(struct ms_diff_facts *f, const struct ms_text *t)
{
	uint64_t begin[2], nr[2];

	if (t->p == t->end || *t->p == ' ' || *t->p == '\t')
		return;
	if (*t->p == '+') {
		f->added += is_strong(t, 1);
	} else if (*t->p == '-') {
		f->removed += is_strong(t, 1);
	} else if (take_header(t, begin, nr)) {
		for (int side = NEW; side <= OLD; side++) {
			/* In front of which there is nothing is line 0. */
			f->parts[side] |= begin[side] > f->next[side] + !f->next[side];
			f->next[side] = begin[side] + nr[side];
		}
	} else {
		f->unmarked += is_strong(t, 0);
	}
}

/**
 * ms_diff_side() - is it a diff, and which of its sides is the log?
 * @f: what is known
 *
 * Return: the new one, unless there is none.
 */
enum ms_diff ms_diff_side(const struct ms_diff_facts *f)
{
	if (f->unmarked || !(f->added || f->removed))
		return MS_DIFF_NONE;
	return f->added ? MS_DIFF_NEW : MS_DIFF_OLD;
}

/**
 * ms_diff_strip() - take the mark off
 * @side:	which side is read
 * @t:		the line; without the mark afterwards
 *
 * Return: false: the line is no part of that side.
 */
bool ms_diff_strip(enum ms_diff side, struct ms_text *t)
{
	uint64_t begin[2], nr[2];

	if (side == MS_DIFF_NONE || t->p == t->end)
		return true;
	if (ms_text_starts(t, "--- ") || ms_text_starts(t, "+++ ") ||
	    ms_text_starts(t, "diff ") || ms_text_starts(t, "index ") ||
	    ms_text_starts(t, "\\ No newline") || take_header(t, begin, nr))
		return false;
	if (*t->p == (side == MS_DIFF_NEW ? '-' : '+'))
		return false;
	if (*t->p == '+' || *t->p == '-' || *t->p == ' ')
		t->p++;
	return true;
}
