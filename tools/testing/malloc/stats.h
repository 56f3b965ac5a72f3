/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The allocator's own figures: it is preloaded, or linked; not all of its calls are there then. */
#ifndef TEST_STATS_H
#define TEST_STATS_H

#include <stdlib.h>

#include <memstate-malloc.h>

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));
extern __typeof__(memstate_malloc_scavenge) memstate_malloc_scavenge __attribute__((weak));
extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));

static inline struct memstate_malloc_stats now(void)
{
	struct memstate_malloc_stats stats;

	if (memstate_malloc_stats(&stats))
		abort();
	return stats;
}

#endif /* TEST_STATS_H */
