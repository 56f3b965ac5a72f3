// SPDX-License-Identifier: MIT
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

#include "lock.h"

/* So long waits who cannot be sure to be woken; and who cannot be woken at all. */
#define WAIT_NS		100000000
#define NAP_NS		100000

static __thread u32 my_number __attribute__((tls_model("initial-exec")));

static long futex(u32 *word, int op, u32 value, const struct timespec *until)
{
	return ms_raw4(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, until);
}

/*
 * Without a system call, which a program may have forbidden to itself by now: a mutex of this C
 * library knows who has it.
 */
static u32 my_number_is(void)
{
#ifdef __GLIBC__
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	int number;

	pthread_mutex_lock(&mutex);
	number = mutex.__data.__owner;
	pthread_mutex_unlock(&mutex);
	if (number > 0)
		return (u32)number;
#endif
	return (u32)ms_raw0(SYS_gettid);
}

static u32 me(void)
{
	if (MS_UNLIKELY(!my_number))
		my_number = my_number_is();
	return my_number;
}

static void wait_for(u32 *lock)
{
	struct timespec until, nap = { .tv_nsec = NAP_NS };
	long ret;

	do {
		/* By the clock that FUTEX_LOCK_PI goes by. */
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WAIT_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		ret = futex(lock, FUTEX_LOCK_PI, 0, &until);
		if (!ret)
			break;
		if (ret != -ETIMEDOUT && ret != -EINTR)
			ms_raw2(SYS_nanosleep, &nap, NULL);
	} while (!ms_cas32(lock, 0, me()));
	/* Acquire: where the kernel has given it to us, the release is in ms_lock_release(). */
	__atomic_load_n(lock, __ATOMIC_ACQUIRE);
}

/**
 * ms_lock_take() - take a lock
 * @lock: its word
 *
 * Context: may sleep.
 */
void ms_lock_take(u32 *lock)
{
	if (MS_UNLIKELY(!ms_cas32(lock, 0, me())))
		wait_for(lock);
}

/**
 * ms_lock_release() - give it back
 * @lock: its word
 *
 * Context: who has it.
 */
void ms_lock_release(u32 *lock)
{
	if (MS_LIKELY(ms_cas32(lock, me(), 0)))
		return;
	/* Release: pairs with the acquire in wait_for(). */
	__atomic_fetch_or(lock, 0, __ATOMIC_RELEASE);
	/* Not by that number: who waits looks again. */
	if (futex(lock, FUTEX_UNLOCK_PI, 0, NULL))
		__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

void ms_lock_fork_child(void)
{
	my_number = 0;
}

/**
 * ms_word_wait() - sleep until a word is another
 * @word:	the word
 * @seen:	what it was
 *
 * Context: may sleep. It may still be the same afterwards.
 */
void ms_word_wait(u32 *word, u32 seen)
{
	futex(word, FUTEX_WAIT, seen, NULL);
}

/**
 * ms_word_wake() - wake who waits for a word
 * @word: the word, changed
 *
 * Context: any.
 */
void ms_word_wake(u32 *word)
{
	futex(word, FUTEX_WAKE, INT_MAX, NULL);
}
