/* SPDX-License-Identifier: MIT */
/* The time of a log, from the times of its lines. */
#ifndef MS_REPLAY_CLOCK_H
#define MS_REPLAY_CLOCK_H

#include "parse.h"

/**
 * struct ms_log_clock - the times of a log
 * @now:	seconds since its first time
 * @first:	its first time
 * @last:	the last one, as the log has it
 * @nr:		lines that had one
 * @absolute:	@first is since 1970
 */
struct ms_log_clock {
	double now;
	double first;
	double last;
	uint64_t nr;
	bool absolute;
};

void ms_log_clock_line(struct ms_log_clock *c, const struct ms_line *l);

#endif /* MS_REPLAY_CLOCK_H */
