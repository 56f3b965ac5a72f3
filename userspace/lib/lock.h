/* SPDX-License-Identifier: MIT */
/*
 * A lock that sleeps, and passes the priority of who waits on to who has it.
 *
 * Model
 *
 *   The word is 0, or the number of the thread that has the lock; the kernel sets FUTEX_WAITERS in
 *   it. Uncontended it is one exchange each way. Who has to wait does so in FUTEX_LOCK_PI: a
 *   real-time thread that meets a lock of one that was preempted lends it its priority, where
 *   giving way would be for ever.
 *
 *   Where the kernel knows of no such thing, or of no such thread (in the child of a raw clone or
 *   of vfork, which go by the parent's number), who waits sleeps for a moment and looks again.
 *
 * Locking
 *
 *   Who takes it blocks signals, if a handler may take it.
 */
#ifndef MS_LIB_LOCK_H
#define MS_LIB_LOCK_H

#include "internal.h"

MS_HIDDEN void ms_lock_take(u32 *lock);
MS_HIDDEN void ms_lock_release(u32 *lock);

/* In a child: its number is another one. */
MS_HIDDEN void ms_lock_fork_child(void);

/* Sleep while a word, that somebody is about to change, is what it was; and end that. */
MS_HIDDEN void ms_word_wait(u32 *word, u32 seen);
MS_HIDDEN void ms_word_wake(u32 *word);

#endif /* MS_LIB_LOCK_H */
