/* SPDX-License-Identifier: MIT */
/*
 * The allocator's locks, in the order in which they are taken:
 *
 *   start_lock, busy (background.c)
 *   foreign_lock (thread.c)
 *   a thread's own heap's
 *   heaps_lock (thread.c)
 *   an orphan's; another heap's, without one's own and with foreign_lock
 *     common_lock (thread.c)
 *     drop_lock (arena.c)
 *       lock (arena.c)
 *         own_lock (own.c)
 *     shared_lock (publish.c)
 *
 * Around a fork the forking thread holds all of them, and handlers that others have
 * registered may allocate meanwhile, in the parent and in the child: that thread does not
 * take them again.
 */
#ifndef MS_MALLOC_LOCK_H
#define MS_MALLOC_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "slab.h"

extern MS_HIDDEN __thread bool ms_in_fork __attribute__((tls_model("initial-exec")));

/*
 * A heap's lock: its thread takes it on each slow path, and hardly ever meets anybody. 0: free,
 * 1: taken, 2: and somebody may sleep until it is free.
 */
struct ms_heap_lock {
	uint32_t word;
};

MS_HIDDEN void ms_heap_lock_wait(struct ms_heap_lock *lock);
MS_HIDDEN void ms_heap_lock_wake(struct ms_heap_lock *lock);

static inline bool ms_heap_trylock(struct ms_heap_lock *lock)
{
	uint32_t none = 0;

	return MS_UNLIKELY(ms_in_fork) ||
	       __atomic_compare_exchange_n(&lock->word, &none, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void ms_heap_lock(struct ms_heap_lock *lock)
{
	if (MS_UNLIKELY(!ms_heap_trylock(lock)))
		ms_heap_lock_wait(lock);
}

static inline void ms_heap_unlock(struct ms_heap_lock *lock)
{
	/* Nobody holds one over the beginning or the end of a fork. */
	if (MS_LIKELY(!ms_in_fork) &&
	    MS_UNLIKELY(__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2))
		ms_heap_lock_wake(lock);
}

static inline void ms_lock(pthread_mutex_t *mutex)
{
	if (MS_LIKELY(!ms_in_fork))
		pthread_mutex_lock(mutex);
}

static inline bool ms_trylock(pthread_mutex_t *mutex)
{
	return MS_UNLIKELY(ms_in_fork) || !pthread_mutex_trylock(mutex);
}

static inline void ms_unlock(pthread_mutex_t *mutex)
{
	if (MS_LIKELY(!ms_in_fork))
		pthread_mutex_unlock(mutex);
}

#endif /* MS_MALLOC_LOCK_H */
