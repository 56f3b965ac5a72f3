/* SPDX-License-Identifier: MIT */
/* What can be set, from the environment and by memstate_malloc_set(). */
#ifndef MS_MALLOC_KNOBS_H
#define MS_MALLOC_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab.h"

enum ms_stats_at_exit { MS_STATS_NONE, MS_STATS_TEXT, MS_STATS_JSON };

/**
 * struct ms_knobs - settings
 * @accounting:	report to libmemstate
 * @decay_ms:	how long free memory stays Ready; 0: not at all, -1: for ever
 * @huge:	ask for huge pages for blocks of some megabytes, whether or not they are used
 * @reserve:	bytes of address space to reserve, 0: by the machine's memory
 * @stats:	print statistics at exit
 * @batch:	a way to drop many ranges at once was named, for libmemstate
 */
struct ms_knobs {
	bool accounting;
	bool huge;
	int64_t decay_ms;
	size_t reserve;
	enum ms_stats_at_exit stats;
	bool batch;
};

/* Less is not reserved at once: no arena could be made of it. */
#define MS_RESERVE_MIN	((size_t)16 << 20)

extern MS_HIDDEN struct ms_knobs ms_knobs;

MS_HIDDEN void ms_knobs_read(void);
MS_HIDDEN void ms_knobs_flag(const char *name, const char *text, bool *flag);

#endif /* MS_MALLOC_KNOBS_H */
