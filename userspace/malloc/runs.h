/* SPDX-License-Identifier: MIT */
/*
 * Free runs of slices, by length and by age.
 *
 * Model
 *
 *   Free runs are *clean* (Prepared, hold no memory) or *dirty* (Ready: pages may be there).
 *   Neighbours of one kind are one run. They are kept by length in bins, four per doubling, as in
 *   TLSF (Masmano et al. 2004); dirty ones also in order of age.
 *
 * Locking
 *
 *   ms_arena_lock; all functions here are called with it. A run that is in no list is its holder's.
 */
#ifndef MS_MALLOC_RUNS_H
#define MS_MALLOC_RUNS_H

#include "arena.h"

#define MS_NR_BINS	128

/**
 * struct ms_runs - all free runs
 * @zones:	by zone: the first of each bin, and which bins are not empty; [0] clean, [1] dirty
 * @oldest:	dirty run
 * @newest:	dirty run
 * @dirty:	slices in dirty runs
 * @clean:	slices in clean runs
 * @odd:	mappings that are odd, at most; see move.c
 */
struct ms_runs {
	struct ms_zone {
		struct ms_slab *bins[2][MS_NR_BINS];
		uint64_t used[2][2];
	} zones[MS_NR_ZONES];
	struct ms_slab *oldest;
	struct ms_slab *newest;
	size_t dirty;
	size_t clean;
	long odd;
};

extern MS_HIDDEN struct ms_runs ms_runs;

MS_HIDDEN void ms_run_free(struct ms_slab *run, uint32_t len, bool dirty);
MS_HIDDEN void ms_run_remove(struct ms_slab *run);
MS_HIDDEN struct ms_slab *ms_run_find(unsigned int zone, bool dirty, uint32_t len);
MS_HIDDEN struct ms_slab *ms_run_cut(struct ms_slab *run, uint32_t skip, uint32_t len);
MS_HIDDEN uint8_t ms_run_odd_sum(unsigned int a, unsigned int b);
MS_HIDDEN const char *ms_runs_check(void);

#endif /* MS_MALLOC_RUNS_H */
