// SPDX-License-Identifier: MIT
#include "clock.h"

/**
 * ms_log_clock_line() - a line, and its time if it has one
 * @c:	the clock, zero at first
 * @l:	the line
 */
void ms_log_clock_line(struct ms_log_clock *c, const struct ms_line *l)
{
	double step = l->time - c->last;

	if (l->time_kind == MS_TIME_NONE)
		return;
	if (l->time_kind == MS_TIME_SINCE_LAST) {
		/* The first one is since the start of strace, or nothing. */
		c->now += c->nr ? l->time : 0;
	} else if (c->nr) {
		/* Midnight. */
		if (l->time_kind == MS_TIME_CLOCK && step < -43200)
			step += 86400;
		/* Threads' lines may be some microseconds out of order. */
		if (step > 0)
			c->now += step;
	} else {
		c->first = l->time;
		c->absolute = l->time_kind == MS_TIME_ABSOLUTE;
	}
	if (step > 0 || !c->nr || step < -43200)
		c->last = l->time;
	c->nr++;
}
