/* SPDX-License-Identifier: MIT */
/*
 * Where slabs and large blocks come from: runs of slices.
 *
 * Model
 *
 *   An *arena* is address space, with room to become long (region.h), made accessible from its
 *   beginning in steps. Free runs are *clean* (Prepared, hold no memory) or *dirty* (Ready:
 *   pages may be there). Neighbours of one kind are one run. A request takes the dirty run
 *   that fits best, else a clean one, else the arena grows: memory that is there already
 *   is used first, as a page fault costs more than anything else here.
 *
 *   Dirty runs stand in order of age. Once older than the decay time they become clean, in
 *   one go for all that are; at once under pressure.
 *
 *   There are two zones, of arenas of their own. Slabs and blocks below 2 MiB come from
 *   the first; larger blocks from the second, which asks for huge pages: it is made when
 *   the first such block is, so that a small program has none.
 *
 *   Runs are kept by length in bins, four per doubling, as in TLSF (Masmano et al. 2004).
 *
 * Locking
 *
 *   One lock for all. Charging and dropping memory are done without it, on runs that are in
 *   no list; who drops has another lock.
 */
#ifndef MS_MALLOC_ARENA_H
#define MS_MALLOC_ARENA_H

#include "slab.h"

/* A run that was taken. */
struct ms_run {
	struct ms_slab *entry;
	void *addr;
	bool zero;	/* holds no memory yet: reads as zeros */
};

MS_HIDDEN int ms_arena_init(void);

/* Blocks from this on have a zone of their own, with huge pages. */
#define MS_ZONE_HUGE_FROM	((size_t)2 << 20)

MS_HIDDEN int ms_arena_take(uint32_t slices, size_t align, struct ms_run *run);
MS_HIDDEN void ms_arena_give(struct ms_slab *entry, uint32_t slices);
MS_HIDDEN bool ms_arena_extend(struct ms_slab *entry, uint32_t slices, uint32_t more,
			       bool clean, bool *zero);
MS_HIDDEN struct ms_slab *ms_arena_take_alike(const struct ms_slab *entry, uint32_t slices);
MS_HIDDEN void ms_arena_give_clean(struct ms_slab *entry, uint32_t slices);
MS_HIDDEN void ms_arena_lose(uint32_t slices);
MS_HIDDEN void ms_arena_odd(struct ms_slab *from, struct ms_slab *to);
MS_HIDDEN void ms_arena_trim(struct ms_slab *entry, uint32_t keep, uint32_t slices);

/* Drop what has been free for long, or all of it. Return: bytes that became Prepared. */
MS_HIDDEN size_t ms_arena_scavenge(bool all);

MS_HIDDEN int64_t ms_arena_due(void);

/* Slices that were dropped since the last call: they are idle no longer. */
MS_HIDDEN uint64_t ms_arena_dropped(void);

MS_HIDDEN void *ms_arena_addr(const struct ms_slab *entry);

/**
 * struct ms_arena_figures - for the statistics
 * @reserved:	bytes of address space
 * @mapped:	of these accessible
 * @taken:	of these in slabs and large blocks
 * @dirty:	bytes of free runs that may hold memory
 * @meta:	bytes of metadata in use
 * @purged:	bytes ever dropped
 * @purges:	runs that were
 * @grows:	times that an arena grew
 */
struct ms_arena_figures {
	size_t reserved;
	size_t mapped;
	size_t taken;
	size_t dirty;
	size_t meta;
	uint64_t purged;
	uint64_t purges;
	uint64_t grows;
};

MS_HIDDEN void ms_arena_figures(struct ms_arena_figures *f);

/* Tag the slices of a slab, 0: they are none any longer. */
MS_HIDDEN void ms_arena_tag(struct ms_slab *slab, uint32_t slices, uint32_t tag);

MS_HIDDEN uint32_t ms_arena_owner(const struct ms_slab *slab);

/* Call a function with each slab, and its tag. */
typedef void (*ms_slab_fn)(struct ms_slab *slab, uint32_t tag, void *arg);
MS_HIDDEN void ms_arena_walk(ms_slab_fn fn, void *arg);

/* NULL, or what is wrong with the free runs. */
MS_HIDDEN const char *ms_arena_check(void);

MS_HIDDEN void ms_arena_fork_prepare(void);
MS_HIDDEN void ms_arena_fork_done(void);

#endif /* MS_MALLOC_ARENA_H */
