/* SPDX-License-Identifier: MIT */
/* A log as a diff has it. */
#ifndef MS_REPLAY_DIFF_H
#define MS_REPLAY_DIFF_H

#include "parse.h"

/* What a log is of a diff. */
enum ms_diff {
	MS_DIFF_NONE,	/* it is none */
	MS_DIFF_NEW,	/* lines with + and those without a mark */
	MS_DIFF_OLD,	/* lines with -, and those */
};

/**
 * struct ms_diff_facts - what is known of marks of a diff
 * @added:	lines of strace with +
 * @removed:	with -
 * @unmarked:	with neither, nor a blank
 * @next:	lines of the new and the old side by then, counted from 1
 * @parts:	there are others between those, on either side
 */
struct ms_diff_facts {
	uint64_t added;
	uint64_t removed;
	uint64_t unmarked;
	uint64_t next[2];
	bool parts[2];
};

void ms_diff_look(struct ms_diff_facts *f, const struct ms_text *t);
enum ms_diff ms_diff_side(const struct ms_diff_facts *f);
bool ms_diff_strip(enum ms_diff side, struct ms_text *t);

#endif /* MS_REPLAY_DIFF_H */
