/* SPDX-License-Identifier: MIT */
/* Blanks on both sides of all lines of a file, which somebody has put there. */
#ifndef MS_REPLAY_MARGINS_H
#define MS_REPLAY_MARGINS_H

#include "parse.h"

/**
 * struct ms_margins - blanks that each line has at the least
 * @nr:		lines that were looked at
 * @left:	in front
 * @right:	behind
 * @width:	of the longest line, with its blanks
 * @nr_width:	lines that are as long
 * @nr_blank:	lines with more than one blank behind
 * @padded:	all are as long, by blanks that say nothing
 * @text:	there is one that does not begin with a number behind these
 */
struct ms_margins {
	uint64_t nr;
	size_t left;
	size_t right;
	size_t width;
	uint64_t nr_width;
	uint64_t nr_blank;
	bool padded;
	bool text;
};

void ms_margins_look(struct ms_margins *m, const struct ms_text *t);
void ms_margins_say(struct ms_margins *m);
void ms_margins_strip(const struct ms_margins *m, struct ms_text *t);

#endif /* MS_REPLAY_MARGINS_H */
