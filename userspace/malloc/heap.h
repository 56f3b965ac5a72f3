/* SPDX-License-Identifier: MIT */
/*
 * A thread's heap: the slabs it allocates from (slabs.h).
 *
 * Model
 *
 *   Each class has a *current* slab, from whose list blocks are popped; the fast path is
 *   in malloc.c. Here is what happens when that list is empty: what other threads have freed
 *   of the slab is taken (remote.h), then comes the next slab that has free blocks, then
 *   untouched blocks of the current one, then an empty slab of the heap's own, then one of an
 *   orphan, and at last the arena.
 *
 *   A thread that ends leaves its heap as an *orphan*, as it is; the next new thread takes
 *   it over whole. Who needs a slab before that takes one from an orphan.
 *
 * Locking
 *
 *   A heap is its thread's. What the fast paths use it changes without a lock: the current slabs
 *   and its blocks' lists. All else it changes with the heap's lock held, which is uncontended
 *   unless somebody else looks for empty slabs: who has been refused memory, malloc_trim(), and
 *   who has freed a slab's last block (trim.h). Those hold foreign_lock (heaps.c) before the
 *   heap's, so that nobody forks meanwhile, and no heap's lock of their own. What others may not
 *   take is a current slab, and one whose countdown is zero: its owner is about to look at it.
 *
 *   Orphans are under heaps_lock (heaps.c); who takes one off the list owns it.
 */
#ifndef MS_MALLOC_HEAP_H
#define MS_MALLOC_HEAP_H

#include <memstate.h>

#include "lock.h"
#include "slab.h"

#define MS_CACHED_MAX	8

/* So many first blocks of a class may be of another one (first.h). */
#define MS_LENT_MAX	8

/**
 * struct ms_sums - what is told of a heap to whoever asks from outside
 * @alloc_bytes:	in blocks handed out, ever
 * @alloc_count:	these blocks
 * @free_bytes:		in blocks taken back, ever
 * @free_count:		these blocks
 * @slab_slices:	slices that its slabs and large blocks have taken, less those given
 * @idle_slices:	slices that it has left free and Ready, less those it took so
 * @refills:		slow paths taken
 * @remote:		blocks freed by others
 */
struct ms_sums {
	uint64_t alloc_bytes;
	uint64_t alloc_count;
	uint64_t free_bytes;
	uint64_t free_count;
	uint64_t slab_slices;
	uint64_t idle_slices;
	uint64_t refills;
	uint64_t remote;
};

/**
 * struct ms_heap - a thread's heap
 * @inbox:	slabs that were full, and of which others have freed something
 * @__pad:	unused
 * @id:		number, from 1; what its slabs are tagged with
 * @lock:	see above
 * @direct:	current slab by size, in grains
 * @bins:	current slab by class
 * @avail:	slabs with free blocks, by class: oldest first
 * @avail_last:	the newest of these
 * @nr_slabs:	slabs by class
 * @lent:	first blocks of a class that are of another one; its thread's
 * @cached:	empty slabs: of one slice, of MS_SLAB_LONG
 * @nr_cached:	how many
 * @allocs:	blocks ever handed out, by class; read by others
 * @frees:	likewise taken back
 * @remote:	of these freed by others
 * @refills:	slow paths taken
 * @large_allocs: large blocks handed out by this thread
 * @large_alloc_bytes: their bytes
 * @large_frees: large blocks taken back by this thread
 * @large_free_bytes: their bytes
 * @events:	slabs that had enough free blocks to be looked at
 * @sums:	for the statistics, its thread's own
 * @told:	of these what has been published
 * @shard:	where to
 * @gen:	which set of it, see memstate_shard_enter()
 * @epoch:	whose the shard is
 * @shared:	others have the same shard
 * @orphan:	in the list of orphans; written last, where it is taken off that
 * @process:	otherwise whose thread has it, see ms_heap_is_lost()
 * @next:	in a list of orphans
 */
struct ms_heap {
	/* written by others: a cache line of its own */
	struct ms_remote *inbox;
	uint8_t __pad[64 - sizeof(struct ms_remote *)];
	uint32_t id;
	struct ms_lock lock;
	struct ms_slab *direct[MS_NR_DIRECT];
	struct ms_slab *bins[MS_NR_CLASSES];
	struct ms_slab *avail[MS_NR_CLASSES];
	struct ms_slab *avail_last[MS_NR_CLASSES];
	uint32_t nr_slabs[MS_NR_CLASSES];
	uint8_t lent[MS_NR_CLASSES];
	struct ms_slab *cached[2];
	uint64_t nr_cached[2];
	uint64_t allocs[MS_NR_CLASSES];
	uint64_t frees[MS_NR_CLASSES];
	uint64_t remote;
	uint64_t refills;
	uint64_t large_allocs;
	uint64_t large_alloc_bytes;
	uint64_t large_frees;
	uint64_t large_free_bytes;
	uint64_t events;
	struct ms_sums sums;
	struct ms_sums told;
	struct memstate_alloc_shard *shard;
	const uint32_t *gen;
	struct ms_heap *next;
	uint32_t epoch;
	uint32_t process;
	bool shared;
	bool orphan;
};

/* A counter that its owner alone writes, and others read. */
static inline void ms_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n,
			 __ATOMIC_RELAXED);
}

#endif /* MS_MALLOC_HEAP_H */
