/* SPDX-License-Identifier: MIT */
/*
 * A lock that sleeps, and passes the priority of who waits on to who has it.
 *
 * Model
 *
 *   The word is 0, or the number of the thread that has the lock; the kernel sets FUTEX_WAITERS in
 *   it. Uncontended it is one exchange each way.
 *
 *   Who has to wait looks again a few times, as most have it for less than a system call takes.
 *   Then it sleeps at a gate: who gives the lock back wakes one there, and whoever comes first
 *   has it. Handing it on to who slept would be fairer, and several times slower where threads
 *   contend, as then each of them sleeps. Who has waited there for a moment in vain sleeps in
 *   FUTEX_LOCK_PI: a real-time thread that meets a lock of one that was preempted lends it its
 *   priority, where giving way, or the gate, would be for ever. The kernel hands the lock on to
 *   it.
 *
 *   Where the kernel knows of no such thing, or of no such thread (in the child of a raw clone or
 *   of vfork, which go by the parent's number), who waits sleeps for a moment and looks again.
 *
 * Barriers
 *
 *   Who is about to sleep at the gate says so, and then looks whether the lock is free; who gives
 *   it back frees it, and then looks whether somebody sleeps. All four are sequentially
 *   consistent: one of both sees the other.
 *
 * Locking
 *
 *   Who takes it blocks signals, if a handler may take it.
 */
#ifndef MS_LIB_LOCK_H
#define MS_LIB_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "hints.h"

/**
 * struct ms_lock - zero: free
 * @word:	who has it
 * @asleep:	somebody may sleep at the gate
 */
struct ms_lock {
	uint32_t word;
	uint32_t asleep;
};

/* The calling thread's; 0: not asked for yet. */
extern MS_HIDDEN __thread uint32_t ms_lock_number __attribute__((tls_model("initial-exec")));

MS_HIDDEN void ms_lock_wait(struct ms_lock *lock);
MS_HIDDEN bool ms_lock_try_first(struct ms_lock *lock);
MS_HIDDEN void ms_lock_hand_on(struct ms_lock *lock);
MS_HIDDEN void ms_lock_wake(struct ms_lock *lock);

static inline bool ms_lock_try_known(struct ms_lock *lock)
{
	uint32_t none = 0;

	return MS_LIKELY(ms_lock_number) &&
	       __atomic_compare_exchange_n(&lock->word, &none, ms_lock_number, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Take it if nobody has it. */
static inline bool ms_lock_try(struct ms_lock *lock)
{
	return ms_lock_try_known(lock) ||
	       (MS_UNLIKELY(!ms_lock_number) && ms_lock_try_first(lock));
}

/* Take it; may sleep. */
static inline void ms_lock_take(struct ms_lock *lock)
{
	if (MS_UNLIKELY(!ms_lock_try_known(lock)))
		ms_lock_wait(lock);
}

/* Give it back, by who has it. */
static inline void ms_lock_release(struct ms_lock *lock)
{
	uint32_t me = ms_lock_number;

	if (MS_UNLIKELY(!__atomic_compare_exchange_n(&lock->word, &me, 0, false, __ATOMIC_SEQ_CST,
						     __ATOMIC_SEQ_CST)))
		ms_lock_hand_on(lock);
	if (MS_UNLIKELY(__atomic_load_n(&lock->asleep, __ATOMIC_SEQ_CST)))
		ms_lock_wake(lock);
}

/* In a child: its number is another one. */
MS_HIDDEN void ms_lock_fork_child(void);

/* Sleep while a word, that somebody is about to change, is what it was; and end that. */
MS_HIDDEN void ms_word_wait(uint32_t *word, uint32_t seen);
MS_HIDDEN void ms_word_wake(uint32_t *word);

#endif /* MS_LIB_LOCK_H */
