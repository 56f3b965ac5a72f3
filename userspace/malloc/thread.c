// SPDX-License-Identifier: MIT
/* Which heap a thread has: new ones, and those whose thread has ended. */
#include <pthread.h>
#include <string.h>

#include "arena.h"
#include "heap.h"
#include "knobs.h"
#include "lock.h"
#include "own.h"

__thread struct ms_heap *ms_heap_mine __attribute__((tls_model("initial-exec"))) =
	&ms_heap_none;

/* The thread has gone through its destructors: it borrows for what still comes. */
static __thread bool thread_ended __attribute__((tls_model("initial-exec")));

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

static pthread_key_t key;
/* Read without the lock; the map and the key are there once it says WORKS. */
static enum { UNTRIED, WORKS, FAILED } ready;

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

/* Metadata is charged, too. Return: whether there may be more room now. */
static bool make_room(void)
{
	bool some = ms_heaps_trim();

	return ms_arena_scavenge(true) || some;
}

static struct ms_heap *heap_take(void)
{
	struct ms_heap *heap;

	do {
		ms_lock(&heaps_lock);
		heap = orphan_pop();
		if (!heap)
			heap = heap_new();
		ms_unlock(&heaps_lock);
	} while (!heap && make_room());
	return heap;
}

/* To the front: whose memory was used last is taken over first. */
static void heap_orphan(struct ms_heap *heap)
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

void ms_heaps_release(void)
{
	ms_unlock(&foreign_lock);
}

/**
 * ms_heaps_trim() - give what heaps keep for later to the arena
 *
 * Context: without locks. Return: whether there was something.
 */
bool ms_heaps_trim(void)
{
	uint32_t nr = ms_heaps_nr();
	bool some = false;

	/* Others go on while handlers of fork allocate, and we have no locks then. */
	if (MS_UNLIKELY(ms_in_fork))
		return ms_heap_mine != &ms_heap_none && ms_heap_trim(ms_heap_mine, true);
	ms_lock(&foreign_lock);
	for (uint32_t id = 1; id < nr; id++) {
		struct ms_heap *heap = ms_heap_by_id(id);

		if (!ms_heap_is_lost(heap))
			some |= ms_heap_trim(heap, heap == ms_heap_mine);
	}
	ms_unlock(&foreign_lock);
	return some;
}

/**
 * ms_heap_relieve() - another thread's slab seems to be empty: give it back
 * @slab: the slab, or what was one
 *
 * If its owner is at it, or somebody else, it is left to them.
 *
 * Context: without locks.
 */
void ms_heap_relieve(struct ms_slab *slab)
{
	uint32_t id = ms_tag_heap(ms_arena_owner(slab));
	struct ms_heap *heap;

	if (!id || ms_in_fork || !ms_trylock(&foreign_lock))
		return;
	heap = ms_heap_by_id(id);
	if (!ms_heap_is_lost(heap) && ms_trylock(&heap->lock)) {
		ms_heap_empty(heap, slab);
		ms_unlock(&heap->lock);
	}
	ms_unlock(&foreign_lock);
}

static void thread_exit(void *arg)
{
	struct ms_heap *heap = arg;

	thread_ended = true;
	ms_heap_mine = &ms_heap_none;
	ms_heap_settle(heap);
	heap_orphan(heap);
}

static bool start(void)
{
	bool works;

	ms_lock(&heaps_lock);
	if (ready == UNTRIED) {
		ms_knobs_read();
		works = !ms_arena_init() && !pthread_key_create(&key, thread_exit);
		__atomic_store_n(&ready, works ? WORKS : FAILED, __ATOMIC_RELEASE);
	}
	works = ready == WORKS;
	ms_unlock(&heaps_lock);
	return works;
}

/**
 * ms_heap_enter() - the calling thread's heap
 *
 * Made, or taken over, at first; borrowed once the thread has gone through its
 * destructors.
 *
 * Context: any. Return: the heap; NULL: no memory.
 */
struct ms_heap *ms_heap_enter(void)
{
	struct ms_heap *heap = ms_heap_mine;

	if (MS_LIKELY(heap != &ms_heap_none))
		return heap;
	if (MS_UNLIKELY(__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != WORKS) && !start())
		return NULL;
	heap = heap_take();
	if (!heap)
		return NULL;
	ms_heap_mine = heap;
	if (!thread_ended)
		pthread_setspecific(key, heap);
	return heap;
}

/**
 * ms_heap_enter_free() - a heap to count in what is freed
 *
 * Context: any. Return: the calling thread's, or, without memory for one, one for all.
 */
struct ms_heap *ms_heap_enter_free(void)
{
	struct ms_heap *heap = ms_heap_enter();

	if (MS_LIKELY(heap))
		return heap;
	ms_lock(&common_lock);
	return &ms_heap_common;
}

/**
 * ms_heap_leave() - end of an operation
 * @heap: from ms_heap_enter() or ms_heap_enter_free()
 *
 * Context: any.
 */
void ms_heap_leave(struct ms_heap *heap)
{
	if (MS_UNLIKELY(heap == &ms_heap_common)) {
		ms_unlock(&common_lock);
		return;
	}
	if (MS_LIKELY(!thread_ended))
		return;
	ms_heap_mine = &ms_heap_none;
	ms_heap_settle(heap);
	heap_orphan(heap);
}

/* ---- fork ------------------------------------------------------------------------ */

void ms_heap_fork_prepare(void)
{
	ms_lock(&foreign_lock);
	ms_lock(&heaps_lock);
	ms_lock(&common_lock);
}

void ms_heap_fork_done(void)
{
	ms_unlock(&common_lock);
	ms_unlock(&heaps_lock);
	ms_unlock(&foreign_lock);
}

/*
 * In a child the heaps of the other threads may be in the middle of anything: they are
 * left alone, and what they have is lost to the child. It still has to be told of.
 */
void ms_heap_fork_child(void)
{
	process++;
	if (ms_heap_mine != &ms_heap_none)
		ms_heap_mine->process = process;
}
