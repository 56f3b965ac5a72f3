/* SPDX-License-Identifier: MIT */
/*
 * What is known of each slice of 16 KiB of the heap: an entry of one cache line, in an
 * array that lies elsewhere, found from an address by arithmetic. No byte of a program
 * borders on it.
 *
 * Model
 *
 *   A run of slices is free, or a *slab* (blocks of one class), or a *large* block.
 *   The entry of its first slice describes it; the last of a free run repeats its length:
 *   that is how neighbours find each other. The others are blank.
 *
 *   Beside the entries there is a *tag* for each slice, four bytes: of a slab its owner,
 *   class and how far it is back to the first slice, else zero. A thread that frees needs
 *   no more of somebody else's slab; the tags rarely change, the entries do all the time.
 *   So an address that is no block's is told from one that is, wherever it points. And there
 *   is a word where other threads leave blocks of it, see remote.h.
 *
 *   A slab's free blocks are a list through the blocks themselves. Each link is stored xor
 *   a secret, and what comes out is used only if it lies in the slab: a link that was
 *   overwritten is found when it is followed. The last one is to an address that is in no slab.
 *   Freed twice is found where the block is the
 *   last that was freed; in the hardened build also where it begins with what would be a
 *   link, for then the list is searched.
 *
 *   Counting. Only the slow paths count. A slab is *armed* with a countdown that frees
 *   decrement; when it reaches zero something is to be done. While a slab is current it is
 *   armed so high that this cannot happen. What was freed meanwhile is the difference;
 *   what was allocated follows from it, as a current slab is left only when its list is
 *   empty.
 *
 * Locking
 *
 *   A slab's entry is its owner's alone, but for @state, which neighbours look at. Its owner
 *   changes it with its heap's lock held, but for @free and, where it frees, @countdown: who has
 *   the lock can tell from @countdown whether the slab is empty, and need not be the owner. It is
 *   written last, and zero while the owner is about to take the lock over it. Tags
 *   change only while no block is in use, or when an orphaned heap hands the slab on. A free
 *   run's entry is protected by the arena's lock.
 */
#ifndef MS_MALLOC_SLAB_H
#define MS_MALLOC_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hints.h"
#include "sizes.h"

#if defined(__SANITIZE_THREAD__)
#define MS_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MS_THREAD_SANITIZER
#endif
#endif

struct ms_heap;

enum ms_run_state {
	MS_RUN_NONE,	/* within a run, or never used */
	MS_RUN_CLEAN,	/* free, and holds no memory: Prepared */
	MS_RUN_DIRTY,	/* free, and may hold memory: Ready */
	MS_RUN_LARGE,
	MS_SLAB_CURRENT, /* a heap allocates from it */
	MS_SLAB_AVAIL,	/* in its heap's list: has free blocks, or untouched ones */
	MS_SLAB_FULL,	/* in no list */
	MS_SLAB_CACHED,	/* empty, kept by its heap */
};

/* How odd a block is that has moved, and is one mapping. */
#define MS_ODD_WHOLE	1

/* Armed with this, a countdown does not reach zero. */
#define MS_NEVER	0x40000000u

struct ms_slab {
	union {
		struct {		/* slab: its owner's */
			void *free;
			uintptr_t base;
			uint32_t countdown;
			uint32_t armed;
			uint32_t used;		/* blocks in use when last counted */
			uint16_t extended;	/* blocks that were ever in the list */
			uint16_t capacity;
		};
		struct {		/* dirty run: arena's lock */
			struct ms_slab *older;
			struct ms_slab *newer;
			uint32_t stamp;		/* when it was freed, ms */
		};
	};
	union {
		uint32_t bytes;		/* slab: capacity * block size */
		uint32_t len;		/* free run, large block: slices */
	};
	uint8_t state;
	uint8_t class_;
	uint8_t slices;			/* slab: length */
	uint8_t odd;			/* large block, dirty run: odd mappings, see move.c */
	struct ms_slab *next;		/* in a heap's or the arena's list */
	struct ms_slab *prev;
	uint64_t divisor;		/* slab: 2^64 / block size, rounded up */
};

_Static_assert(sizeof(struct ms_slab) == 64, "an entry is one cache line");

/* A tag: owner's number, class, slices back to the first. */
#define MS_TAG_CLASS_SHIFT	8
#define MS_TAG_HEAP_SHIFT	15
#define MS_TAG_BACK_MASK	0xffu
#define MS_TAG_CLASS_MASK	0x7fu
#define MS_NR_HEAPS_MAX		(1u << (32 - MS_TAG_HEAP_SHIFT))

static inline uint32_t ms_tag_heap(uint32_t tag)
{
	return tag >> MS_TAG_HEAP_SHIFT;
}

static inline unsigned int ms_tag_class(uint32_t tag)
{
	return tag >> MS_TAG_CLASS_SHIFT & MS_TAG_CLASS_MASK;
}

/**
 * struct ms_remote - what other threads have freed of a slab; by its first slice
 * @word:	the list of these blocks, and who is to hear of it: remote.h
 * @next:	in its owner's inbox
 */
struct ms_remote {
	uint64_t word;
	struct ms_remote *next;
};

/**
 * struct ms_map - from addresses to tags and entries; constant, but for @nr_slices, once there is
 * a heap
 * @base:	of the first arena; those that come later are searched for
 * @nr_slices:	that are accessible in the first arena, as are their tags: see ms_map_slices()
 * @tags:	its tags
 * @slabs:	its entries
 * @remotes:	its words for frees by others
 * @secret:	what links of free lists are stored with
 * @end:	what a list ends with: in no slab, and as secret. Were it NULL, the secret itself
 *		would stand in the last block of each list, for who gets to read that
 */
struct ms_map {
	uintptr_t base;
	size_t nr_slices;
	uint32_t *tags;
	struct ms_slab *slabs;
	struct ms_remote *remotes;
	uintptr_t secret;
	uintptr_t end;
} __attribute__((aligned(64)));

extern MS_HIDDEN struct ms_map ms_map;

/*
 * Grows, with the arena's lock held; who has a block has what it was by then, or more. A plain load
 * is one instruction with the compare; it is whole, and nothing is ordered by it.
 */
static inline size_t ms_map_slices(void)
{
#ifdef MS_THREAD_SANITIZER
	return __atomic_load_n(&ms_map.nr_slices, __ATOMIC_RELAXED);
#else
	return ms_map.nr_slices;
#endif
}

extern MS_HIDDEN struct ms_slab ms_slab_none;

static inline uint32_t ms_tag_load(const uint32_t *tag)
{
	return __atomic_load_n(tag, __ATOMIC_RELAXED);
}

MS_HIDDEN struct ms_slab *ms_slab_find_far(const void *p, uint32_t *tag);

/* The entry of the run that an address lies in; NULL: in no arena. *@tag: 0: no slab. */
static inline struct ms_slab *ms_slab_find(const void *p, uint32_t *tag)
{
	size_t slice = ((uintptr_t)p - ms_map.base) >> MS_SLICE_SHIFT;

	if (MS_LIKELY(slice < ms_map_slices())) {
		*tag = ms_tag_load(&ms_map.tags[slice]);
		if (MS_LIKELY(*tag))
			return &ms_map.slabs[slice - (*tag & MS_TAG_BACK_MASK)];
	}
	return ms_slab_find_far(p, tag);
}

MS_HIDDEN struct ms_remote *ms_remote_far(const struct ms_slab *slab);
MS_HIDDEN struct ms_slab *ms_remote_slab_far(const struct ms_remote *r);

/* From a slab's entry to its word, and back. */
static inline struct ms_remote *ms_remote_of(const struct ms_slab *slab)
{
	size_t slice = ((uintptr_t)slab - (uintptr_t)ms_map.slabs) / sizeof(*slab);

	return MS_LIKELY(slice < ms_map_slices()) ? &ms_map.remotes[slice] : ms_remote_far(slab);
}

static inline struct ms_slab *ms_remote_slab(const struct ms_remote *r)
{
	size_t slice = ((uintptr_t)r - (uintptr_t)ms_map.remotes) / sizeof(*r);

	return MS_LIKELY(slice < ms_map_slices()) ? &ms_map.slabs[slice] : ms_remote_slab_far(r);
}

/* Read by neighbours under the arena's lock while a heap changes it: no order is needed. */
static inline enum ms_run_state ms_slab_state(const struct ms_slab *slab)
{
	return (enum ms_run_state)__atomic_load_n(&slab->state, __ATOMIC_RELAXED);
}

static inline void ms_slab_set_state(struct ms_slab *slab, enum ms_run_state state)
{
	__atomic_store_n(&slab->state, (uint8_t)state, __ATOMIC_RELAXED);
}

/* In the hardened build a link depends on where it is stored. */
static inline uintptr_t ms_link_secret(const void *block)
{
#ifdef MS_MALLOC_HARDENED
	return ms_map.secret ^ (uintptr_t)block * 0x9e3779b97f4a7c15u;
#else
	(void)block;
	return ms_map.secret;
#endif
}

static inline void *ms_link_load(const void *block)
{
	return (void *)(*(const uintptr_t *)block ^ ms_link_secret(block));
}

static inline void ms_link_store(void *block, const void *next)
{
	*(uintptr_t *)block = (uintptr_t)next ^ ms_link_secret(block);
}

static inline void *ms_list_end(void)
{
	return (void *)ms_map.end;
}

/* Whether an address lies among a slab's blocks; a list's end does not. */
static inline bool ms_slab_holds(const struct ms_slab *slab, const void *p)
{
	return (uintptr_t)p - slab->base < slab->bytes;
}

/* Whether an address in a slab is a block's first: divisibility as in Lemire et al. 2019. */
static inline bool ms_slab_starts(const struct ms_slab *slab, const void *p)
{
	return ((uintptr_t)p - slab->base) * slab->divisor < slab->divisor;
}

/*
 * A block is free: the store is a release, and pairs with the acquire in ms_slab_countdown(): who
 * sees that a slab is empty has what its owner wrote before. In one instruction where stores stay
 * in order anyway. Return: what is left.
 */
static inline uint32_t ms_slab_count_down(struct ms_slab *slab)
{
#if defined(__x86_64__) && !defined(MS_THREAD_SANITIZER)
	__atomic_signal_fence(__ATOMIC_RELEASE);
	return --slab->countdown;
#else
	uint32_t left = slab->countdown - 1;

	__atomic_store_n(&slab->countdown, left, __ATOMIC_RELEASE);
	return left;
#endif
}

static inline uint32_t ms_slab_countdown(const struct ms_slab *slab)
{
	return __atomic_load_n(&slab->countdown, __ATOMIC_ACQUIRE);
}

static inline void ms_slab_arm(struct ms_slab *slab, uint32_t frees)
{
	slab->armed = frees;
	slab->countdown = frees;
}

#endif /* MS_MALLOC_SLAB_H */
