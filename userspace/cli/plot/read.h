/* SPDX-License-Identifier: MIT */
/* Reading a recording: the file (read.c), and what each of its lines means (lines.c). */
#ifndef MS_PLOT_READ_H
#define MS_PLOT_READ_H

#include "plot.h"

/**
 * struct ms_reader - reading under way
 * @r:		where to put it
 * @path:	the file
 * @line:	number of the line
 * @why:	what is wrong with it
 * @open:	a ledger of which more lines are to come
 */
struct ms_reader {
	struct ms_recording *r;
	const char *path;
	unsigned long line;
	const char *why;
	bool open;
};

bool ms_recording_line(struct ms_reader *in, struct json_object *o);

#endif /* MS_PLOT_READ_H */
