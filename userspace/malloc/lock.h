/* SPDX-License-Identifier: MIT */
/*
 * The allocator's locks, in the order in which they are taken:
 *
 *   start_lock, busy (background.c)
 *   foreign_lock (heaps.c)
 *   a thread's own heap's
 *   heaps_lock (heaps.c)
 *   an orphan's; another heap's, without one's own and with foreign_lock
 *     common_lock (heaps.c)
 *     drop_lock (drop.c)
 *       ms_arena_lock (arena.c)
 *         own_lock (own.c)
 *     shared_lock (publish.c)
 *
 * Around a fork the forking thread holds all of them, and handlers that others have
 * registered may allocate meanwhile, in the parent and in the child: that thread does not
 * take them again. A heap's, other than its own, nobody has then.
 *
 * Each is a word, and who waits for it sleeps, and lends its priority (../lib/lock.h).
 */
#ifndef MS_MALLOC_LOCK_H
#define MS_MALLOC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/lock.h"

extern MS_HIDDEN __thread bool ms_in_fork __attribute__((tls_model("initial-exec")));

static inline void ms_lock(struct ms_lock *lock)
{
	if (MS_LIKELY(!ms_in_fork))
		ms_lock_take(lock);
}

static inline bool ms_trylock(struct ms_lock *lock)
{
	return MS_UNLIKELY(ms_in_fork) || ms_lock_try(lock);
}

static inline void ms_unlock(struct ms_lock *lock)
{
	if (MS_LIKELY(!ms_in_fork))
		ms_lock_release(lock);
}

#endif /* MS_MALLOC_LOCK_H */
