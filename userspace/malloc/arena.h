/* SPDX-License-Identifier: MIT */
/*
 * Arenas: address space for slices, and what is known of each of them.
 *
 * Model
 *
 *   An arena is four regions (region.h), made accessible from their beginnings in steps. The last
 *   one is the heap; before it lie entries, tags and words of its slices, so that from an address
 *   they are found by subtraction and shift.
 *
 *   There are two zones, of arenas of their own. Slabs and blocks below 2 MiB come from the
 *   first; larger blocks from the second, which asks for huge pages: it is made when the first
 *   such block is, so that a small program has none.
 *
 * Locking
 *
 *   One lock for all arenas, and for the free runs in them (runs.h). An arena that there is
 *   stays, and its addresses do not change; @mapped grows.
 */
#ifndef MS_MALLOC_ARENA_H
#define MS_MALLOC_ARENA_H

#include "lock.h"
#include "region.h"
#include "slab.h"

#define MS_NR_ARENAS_MAX	64

/* Blocks from this on are of the second zone. */
#define MS_ZONE_HUGE_FROM	((size_t)2 << 20)
enum { MS_ZONE_SMALL, MS_ZONE_HUGE, MS_NR_ZONES };

/* Of what an arena is made, in this order. */
enum { MS_PART_WORDS, MS_PART_TAGS, MS_PART_ENTRIES, MS_PART_HEAP, MS_NR_PARTS };

/**
 * struct ms_arena - a place for slices
 * @base:	the first one
 * @nr_slices:	what it may become
 * @mapped:	so many are accessible; read without the lock where a slice is known to be there
 * @zone:	whose
 * @slabs:	entries
 * @tags:	tags
 * @remotes:	words for frees by others
 * @parts:	the regions
 */
struct ms_arena {
	uintptr_t base;
	size_t nr_slices;
	size_t mapped;
	unsigned int zone;
	struct ms_slab *slabs;
	uint32_t *tags;
	struct ms_remote *remotes;
	struct ms_region parts[MS_NR_PARTS];
};

extern MS_HIDDEN struct ms_arena ms_arenas[MS_NR_ARENAS_MAX];
extern MS_HIDDEN unsigned int ms_arenas_nr;
extern MS_HIDDEN struct ms_lock ms_arena_lock;
/* How often one has grown. */
extern MS_HIDDEN uint64_t ms_arena_grows;

MS_HIDDEN int ms_arena_init(void);
MS_HIDDEN int ms_arena_grow(struct ms_arena *a, size_t slices, size_t *step);
MS_HIDDEN int ms_arena_add(unsigned int zone, uint32_t slices, size_t *step);

MS_HIDDEN struct ms_arena *ms_arena_of(const struct ms_slab *entry);
MS_HIDDEN void *ms_arena_addr(const struct ms_slab *entry);

/* Tag the slices of a slab, 0: they are none any longer. */
MS_HIDDEN void ms_arena_tag(struct ms_slab *slab, uint32_t slices, uint32_t tag);
MS_HIDDEN uint32_t ms_arena_owner(const struct ms_slab *slab);

/* Call a function with each slab, and its tag. */
typedef void (*ms_slab_fn)(struct ms_slab *slab, uint32_t tag, void *arg);
MS_HIDDEN void ms_arena_walk(ms_slab_fn fn, void *arg);

#endif /* MS_MALLOC_ARENA_H */
