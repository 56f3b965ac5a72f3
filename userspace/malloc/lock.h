/* SPDX-License-Identifier: MIT */
/*
 * The allocator's locks, in the order in which they are taken:
 *
 *   start_lock, busy (background.c)
 *   heaps_lock (thread.c)
 *     common_lock (thread.c)
 *     drop_lock (arena.c)
 *       lock (arena.c)
 *         meta_lock (arena.c)
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

#include "slab.h"

extern MS_HIDDEN __thread bool ms_in_fork __attribute__((tls_model("initial-exec")));

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
