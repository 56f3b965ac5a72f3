// SPDX-License-Identifier: MIT
#include <string.h>

#include "heaps.h"
#include "lock.h"
#include "own.h"

__thread struct ms_heap *ms_heap_mine __attribute__((tls_model("initial-exec"))) =
	&ms_heap_none;

struct ms_heap ms_heap_none = {
	.id = MS_NR_HEAPS_MAX,
	.direct = { [0 ... MS_NR_DIRECT - 1] = &ms_slab_none },
	.bins = { [0 ... MS_NR_CLASSES - 1] = &ms_slab_none },
};

/* Counts what threads free for which there is no memory for a heap; has no slab. */
struct ms_heap ms_heap_common;
static struct ms_lock common_lock;

/* Protects everything below; what is read without it says so. */
static struct ms_lock heaps_lock;
static struct ms_heap *orphans, *last_orphan;
static uint32_t nr_orphans;

/* Held by who goes into another thread's heap; before the locks of heaps. */
static struct ms_lock foreign_lock;

/* All heaps by number, in chunks; there are only ever more. 0 is none. */
#define CHUNK	256
static struct ms_heap **chunks[MS_NR_HEAPS_MAX / CHUNK];
static uint32_t nr_heaps = 1;

/*
 * How many forks it is since the first process. In a child the heaps of the other threads have the
 * number of a process before it: nothing is written to them, as that would copy them.
 */
static uint32_t process;

static struct ms_heap *heap_new(void)
{
	struct ms_heap ***chunk = &chunks[nr_heaps / CHUNK];
	struct ms_heap *heap;

	if (nr_heaps == MS_NR_HEAPS_MAX)
		return NULL;
	if (!*chunk)
		*chunk = ms_own_alloc(CHUNK * sizeof(**chunk));
	heap = *chunk ? ms_own_alloc(sizeof(*heap)) : NULL;
	if (!heap)
		return NULL;
	memcpy(heap, &ms_heap_none, sizeof(*heap));
	heap->id = nr_heaps;
	heap->process = process;
	(*chunk)[nr_heaps % CHUNK] = heap;
	__atomic_store_n(&nr_heaps, nr_heaps + 1, __ATOMIC_RELEASE);
	return heap;
}

static struct ms_heap *orphan_pop(void)
{
	struct ms_heap *heap = orphans;

	if (heap) {
		orphans = heap->next;
		if (!orphans)
			last_orphan = NULL;
		__atomic_store_n(&nr_orphans, nr_orphans - 1, __ATOMIC_RELAXED);
		__atomic_store_n(&heap->process, process, __ATOMIC_RELAXED);
		/* Release: pairs with the acquire in ms_heap_is_lost(). */
		__atomic_store_n(&heap->orphan, false, __ATOMIC_RELEASE);
	}
	return heap;
}

/**
 * ms_heap_get() - a heap for a thread
 *
 * Context: without locks. Return: an orphan, or a new one; NULL: no memory.
 */
struct ms_heap *ms_heap_get(void)
{
	struct ms_heap *heap;

	ms_lock(&heaps_lock);
	heap = orphan_pop();
	if (!heap)
		heap = heap_new();
	ms_unlock(&heaps_lock);
	return heap;
}

/**
 * ms_heap_put() - a heap is nobody's
 * @heap: the heap
 *
 * To the front: whose memory was used last is taken over first.
 *
 * Context: without locks.
 */
void ms_heap_put(struct ms_heap *heap)
{
	ms_lock(&heaps_lock);
	heap->next = orphans;
	orphans = heap;
	if (!last_orphan)
		last_orphan = heap;
	__atomic_store_n(&heap->orphan, true, __ATOMIC_RELEASE);
	__atomic_store_n(&nr_orphans, nr_orphans + 1, __ATOMIC_RELAXED);
	ms_unlock(&heaps_lock);
}

/**
 * ms_orphan_take() - an orphan, for who looks for a slab
 *
 * Context: without locks. Return: one that is the caller's until ms_orphan_put(); NULL.
 */
struct ms_heap *ms_orphan_take(void)
{
	struct ms_heap *heap;

	if (!ms_orphans_nr())
		return NULL;
	ms_lock(&heaps_lock);
	heap = orphan_pop();
	ms_unlock(&heaps_lock);
	return heap;
}

/**
 * ms_orphan_put() - give it back, to the end: the next one has its turn with who comes next
 * @heap: from ms_orphan_take()
 *
 * Context: without locks.
 */
void ms_orphan_put(struct ms_heap *heap)
{
	ms_lock(&heaps_lock);
	heap->next = NULL;
	if (last_orphan)
		last_orphan->next = heap;
	else
		orphans = heap;
	last_orphan = heap;
	__atomic_store_n(&heap->orphan, true, __ATOMIC_RELEASE);
	__atomic_store_n(&nr_orphans, nr_orphans + 1, __ATOMIC_RELAXED);
	ms_unlock(&heaps_lock);
}

uint32_t ms_orphans_nr(void)
{
	return __atomic_load_n(&nr_orphans, __ATOMIC_RELAXED);
}

struct ms_heap *ms_orphans_hold(void)
{
	ms_lock(&heaps_lock);
	return orphans;
}

void ms_orphans_release(void)
{
	ms_unlock(&heaps_lock);
}

uint32_t ms_heaps_nr(void)
{
	return __atomic_load_n(&nr_heaps, __ATOMIC_ACQUIRE);
}

/**
 * ms_heap_by_id() - a heap by its number
 * @id: from 1 to ms_heaps_nr() - 1
 *
 * Context: any. Return: the heap.
 */
struct ms_heap *ms_heap_by_id(uint32_t id)
{
	return chunks[id / CHUNK][id % CHUNK];
}

/**
 * ms_heap_is_lost() - whether a heap's thread is not there in this child
 * @heap: the heap
 *
 * Context: any. Return: whether it is so: the heap may be in the middle of anything.
 */
bool ms_heap_is_lost(const struct ms_heap *heap)
{
	/* Acquire: pairs with the release in orphan_pop(). */
	return !__atomic_load_n(&heap->orphan, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&heap->process, __ATOMIC_RELAXED) != process;
}

/* ---- in another thread's heap ----------------------------------------------------- */

void ms_heaps_hold(void)
{
	ms_lock(&foreign_lock);
}

bool ms_heaps_try(void)
{
	return ms_trylock(&foreign_lock);
}

void ms_heaps_release(void)
{
	ms_unlock(&foreign_lock);
}

void ms_heap_common_hold(void)
{
	ms_lock(&common_lock);
}

void ms_heap_common_release(void)
{
	ms_unlock(&common_lock);
}

/* ---- fork ------------------------------------------------------------------------ */

void ms_heaps_fork_prepare(void)
{
	ms_lock(&foreign_lock);
	ms_lock(&heaps_lock);
	ms_lock(&common_lock);
}

void ms_heaps_fork_done(void)
{
	ms_unlock(&common_lock);
	ms_unlock(&heaps_lock);
	ms_unlock(&foreign_lock);
}

/*
 * In a child the heaps of the other threads may be in the middle of anything: they are
 * left alone, and what they have is lost to the child. It still has to be told of.
 */
void ms_heaps_fork_child(void)
{
	process++;
	if (ms_heap_mine != &ms_heap_none)
		ms_heap_mine->process = process;
}
