// SPDX-License-Identifier: MIT
#include <linux/futex.h>

#include "lock.h"
#include "raw.h"

static void futex(struct ms_heap_lock *lock, int op, uint32_t value)
{
	ms_raw4(SYS_futex, &lock->word, op | FUTEX_PRIVATE_FLAG, value, NULL);
}

/**
 * ms_heap_lock_wait() - take a lock that somebody else has
 * @lock: the lock
 *
 * Context: may sleep.
 */
void ms_heap_lock_wait(struct ms_heap_lock *lock)
{
	/* Acquire: pairs with the release in ms_heap_unlock(). */
	while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE))
		futex(lock, FUTEX_WAIT, 2);
}

/**
 * ms_heap_lock_wake() - a lock is free for which somebody may wait
 * @lock: the lock
 *
 * Context: any.
 */
void ms_heap_lock_wake(struct ms_heap_lock *lock)
{
	futex(lock, FUTEX_WAKE, 1);
}
