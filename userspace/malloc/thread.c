// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "arena.h"
#include "drop.h"
#include "heaps.h"
#include "knobs.h"
#include "lock.h"
#include "thread.h"
#include "trim.h"

/* The thread has gone through its destructors: it borrows for what still comes. */
static __thread bool thread_ended __attribute__((tls_model("initial-exec")));

static pthread_key_t key;
/*
 * Read without the lock, which is that of the list of heaps; the map and the key are there once it
 * says WORKS.
 */
static enum { UNTRIED, WORKS, FAILED } ready;

/* Metadata is charged, too. Return: whether there may be more room now. */
static bool make_room(void)
{
	bool some = ms_heaps_trim();

	return ms_drop(true) || some;
}

static struct ms_heap *heap_take(void)
{
	struct ms_heap *heap;

	do {
		heap = ms_heap_get();
	} while (!heap && make_room());
	return heap;
}

static void thread_exit(void *arg)
{
	struct ms_heap *heap = arg;

	thread_ended = true;
	ms_heap_mine = &ms_heap_none;
	ms_heap_settle(heap);
	ms_heap_put(heap);
}

static bool start(void)
{
	bool works;

	ms_orphans_hold();
	if (ready == UNTRIED) {
		ms_knobs_read();
		works = !ms_arena_init() && !pthread_key_create(&key, thread_exit);
		__atomic_store_n(&ready, works ? WORKS : FAILED, __ATOMIC_RELEASE);
	}
	works = ready == WORKS;
	ms_orphans_release();
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
	ms_heap_common_hold();
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
		ms_heap_common_release();
		return;
	}
	if (MS_LIKELY(!thread_ended))
		return;
	ms_heap_mine = &ms_heap_none;
	ms_heap_settle(heap);
	ms_heap_put(heap);
}
