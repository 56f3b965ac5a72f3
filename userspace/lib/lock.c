// SPDX-License-Identifier: MIT
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

#include "lock.h"
#include "raw.h"

/* So long waits who may have to lend its priority; who cannot be sure to be woken; nor at all. */
#define GATE_NS		250000
#define WAIT_NS		100000000
#define NAP_NS		100000

/* So often who waits looks again before it sleeps. */
#define LOOKS		40

__thread uint32_t ms_lock_number __attribute__((tls_model("initial-exec")));

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *until)
{
	return ms_raw4(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, until);
}

/*
 * Without a system call, which a program may have forbidden to itself by now: a mutex of this C
 * library knows who has it.
 */
static uint32_t my_number_is(void)
{
#ifdef __GLIBC__
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	int number;

	pthread_mutex_lock(&mutex);
	number = mutex.__data.__owner;
	pthread_mutex_unlock(&mutex);
	if (number > 0)
		return (uint32_t)number;
#endif
	return (uint32_t)ms_raw0(SYS_gettid);
}

static void look_again_later(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

/* Not while it is handed on. */
static bool look(struct ms_lock *lock)
{
	for (int i = 0; i < LOOKS; i++) {
		uint32_t has = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);

		if (!has && ms_lock_try_known(lock))
			return true;
		if (has & FUTEX_WAITERS)
			return false;
		look_again_later();
	}
	return false;
}

/* Who has the lock then leaves the gate as one where somebody sleeps: there may be others. */
static bool pass_gate(struct ms_lock *lock)
{
	struct timespec moment = { .tv_nsec = GATE_NS };
	long ret;

	do {
		__atomic_store_n(&lock->asleep, 1, __ATOMIC_SEQ_CST);
		if (ms_lock_try_known(lock))
			return true;
		ret = futex(&lock->asleep, FUTEX_WAIT, 1, &moment);
	} while (!ret || ret == -EAGAIN || ret == -EINTR);
	return false;
}

/**
 * ms_lock_wait() - take a lock that somebody else has, it seems
 * @lock: the lock
 *
 * Context: may sleep.
 */
void ms_lock_wait(struct ms_lock *lock)
{
	struct timespec until, nap = { .tv_nsec = NAP_NS };
	long ret;

	if (ms_lock_try_first(lock) || look(lock) || pass_gate(lock))
		return;
	do {
		/* By the clock that FUTEX_LOCK_PI goes by. */
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		ret = futex(&lock->word, FUTEX_LOCK_PI, 0, &until);
		if (!ret)
			break;
		if (ret != -ETIMEDOUT && ret != -EINTR)
			ms_raw2(SYS_nanosleep, &nap, NULL);
	} while (!ms_lock_try_known(lock));
	/* Acquire: where the kernel has given it to us, the release is in ms_lock_hand_on(). */
	__atomic_load_n(&lock->word, __ATOMIC_ACQUIRE);
}

/**
 * ms_lock_try_first() - take a lock if nobody has it, by a thread that may not know its number
 * @lock: the lock
 *
 * Context: any. Return: whether it has it now.
 */
bool ms_lock_try_first(struct ms_lock *lock)
{
	if (!ms_lock_number)
		ms_lock_number = my_number_is();
	return ms_lock_try_known(lock);
}

/**
 * ms_lock_hand_on() - give a lock back that somebody waits for in the kernel, or that has another's
 * number
 * @lock: the lock
 *
 * Context: who has it.
 */
void ms_lock_hand_on(struct ms_lock *lock)
{
	/* Release: pairs with the acquire in ms_lock_wait(). */
	__atomic_fetch_or(&lock->word, 0, __ATOMIC_RELEASE);
	/* Not by that number: who waits looks again. */
	if (futex(&lock->word, FUTEX_UNLOCK_PI, 0, NULL))
		__atomic_store_n(&lock->word, 0, __ATOMIC_SEQ_CST);
}

/**
 * ms_lock_wake() - wake one who sleeps at the gate; others are seen to when it has had the lock
 * @lock: the lock, free or somebody else's by now
 *
 * Context: any.
 */
void ms_lock_wake(struct ms_lock *lock)
{
	__atomic_store_n(&lock->asleep, 0, __ATOMIC_SEQ_CST);
	futex(&lock->asleep, FUTEX_WAKE, 1, NULL);
}

void ms_lock_fork_child(void)
{
	ms_lock_number = 0;
}

/**
 * ms_word_wait() - sleep until a word is another
 * @word:	the word
 * @seen:	what it was
 *
 * Context: may sleep. It may still be the same afterwards.
 */
void ms_word_wait(uint32_t *word, uint32_t seen)
{
	futex(word, FUTEX_WAIT, seen, NULL);
}

/**
 * ms_word_wake() - wake who waits for a word
 * @word: the word, changed
 *
 * Context: any.
 */
void ms_word_wake(uint32_t *word)
{
	futex(word, FUTEX_WAKE, INT_MAX, NULL);
}
