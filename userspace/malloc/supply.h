/* SPDX-License-Identifier: MIT */
/*
 * Where slabs and large blocks come from: runs of slices are taken and given.
 *
 * Model
 *
 *   A request takes the dirty run that fits best, else a clean one, else an arena grows: memory
 *   that is there already is used first, as a page fault costs more than anything else here.
 *
 * Locking
 *
 *   All without locks. Charging is done without one, on runs that are in no list.
 */
#ifndef MS_MALLOC_SUPPLY_H
#define MS_MALLOC_SUPPLY_H

#include "arena.h"

/* A run that was taken. */
struct ms_run {
	struct ms_slab *entry;
	void *addr;
	bool zero;	/* holds no memory yet: reads as zeros */
};

MS_HIDDEN int ms_supply_take(uint32_t slices, size_t align, struct ms_run *run);
MS_HIDDEN void ms_supply_give(struct ms_slab *entry, uint32_t slices);
MS_HIDDEN bool ms_supply_extend(struct ms_slab *entry, uint32_t slices, uint32_t more,
				bool clean, bool *zero);
MS_HIDDEN struct ms_slab *ms_supply_take_alike(const struct ms_slab *entry, uint32_t slices);
MS_HIDDEN void ms_supply_give_clean(struct ms_slab *entry, uint32_t slices);
MS_HIDDEN void ms_supply_lose(uint32_t slices);
MS_HIDDEN void ms_supply_odd(struct ms_slab *from, struct ms_slab *to);
MS_HIDDEN void ms_supply_trim(struct ms_slab *entry, uint32_t keep, uint32_t slices);

/**
 * struct ms_supply_figures - for the statistics
 * @reserved:	bytes of address space
 * @mapped:	of these accessible
 * @taken:	of these in slabs and large blocks
 * @dirty:	bytes of free runs that may hold memory
 * @meta:	bytes of metadata in use
 * @purged:	bytes ever dropped
 * @purges:	runs that were
 * @grows:	times that an arena grew
 */
struct ms_supply_figures {
	size_t reserved;
	size_t mapped;
	size_t taken;
	size_t dirty;
	size_t meta;
	uint64_t purged;
	uint64_t purges;
	uint64_t grows;
};

MS_HIDDEN void ms_supply_figures(struct ms_supply_figures *f);

/* NULL, or what is wrong with the free runs. */
MS_HIDDEN const char *ms_supply_check(void);

MS_HIDDEN void ms_supply_fork_prepare(void);
MS_HIDDEN void ms_supply_fork_done(void);

#endif /* MS_MALLOC_SUPPLY_H */
