// SPDX-License-Identifier: MIT
/*
 * A thread that drops what has been free for long, in a program that asks for one: without
 * it that waits until some thread takes a slow path. It sleeps until something is due, and
 * without an end while nothing is free.
 *
 * In a child of fork there is a new one, from the handler on.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "background.h"
#include "drop.h"
#include "knobs.h"
#include "lock.h"
#include "publish.h"
#include "raw.h"
#include "say.h"
#include "thread.h"

#define STACK		((size_t)256 << 10)
#define LOCKED_NAP_MS	1000

/* Held while something is dropped; a fork waits for that. Before all other locks. */
static struct ms_lock busy;

/* There is to be one; there is one. */
static bool wanted, running;
static struct ms_lock start_lock;

static bool drop(void)
{
	struct ms_heap *heap;
	size_t bytes;

	ms_lock_take(&busy);
	bytes = ms_drop(false);
	if (bytes) {
		heap = ms_heap_enter();
		if (heap) {
			ms_lock(&heap->lock);
			ms_heap_publish(heap);
			ms_unlock(&heap->lock);
			ms_heap_leave(heap);
		}
	}
	ms_lock_release(&busy);
	return bytes;
}

static bool is_wanted(void)
{
	return __atomic_load_n(&wanted, __ATOMIC_SEQ_CST);
}

static void nap(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void *work(void *arg)
{
	int64_t ms;

	while (is_wanted()) {
		ms = ms_drop_due();
		if (ms > 0) {
			nap(ms);
		} else if (!ms) {
			/* What cannot be dropped is locked. */
			if (!drop())
				nap(LOCKED_NAP_MS);
		} else {
			__atomic_exchange_n(&ms_drop_asleep, 1, __ATOMIC_SEQ_CST);
			if (ms_drop_due() < 0 && is_wanted())
				ms_raw4(SYS_futex, &ms_drop_asleep,
					FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL);
			__atomic_store_n(&ms_drop_asleep, 0, __ATOMIC_SEQ_CST);
		}
	}
	ms_lock_take(&start_lock);
	__atomic_store_n(&running, false, __ATOMIC_RELAXED);
	ms_lock_release(&start_lock);
	return arg;
}

static int start(void)
{
	pthread_attr_t attr;
	sigset_t all, saved;
	pthread_t thread;
	int ret;

	/* The program's signals are for the program's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	ret = pthread_create(&thread, &attr, work, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return -ret;
}

/**
 * ms_background_set() - whether there is to be a thread
 * @on: whether
 *
 * Context: not from inside the allocator. Return: 0; -EAGAIN: there can be none.
 */
int ms_background_set(bool on)
{
	int ret = 0;

	ms_lock_take(&start_lock);
	__atomic_store_n(&wanted, on, __ATOMIC_SEQ_CST);
	if (on && !running) {
		ret = start();
		running = !ret;
		if (ret)
			__atomic_store_n(&wanted, false, __ATOMIC_SEQ_CST);
	}
	ms_lock_release(&start_lock);
	ms_drop_wake();
	return ret;
}

bool ms_background_get(void)
{
	return is_wanted();
}

void ms_background_fork_prepare(void)
{
	ms_lock_take(&start_lock);
	ms_lock_take(&busy);
}

void ms_background_fork_done(void)
{
	ms_lock_release(&busy);
	ms_lock_release(&start_lock);
}

void ms_background_fork_child(void)
{
	ms_drop_asleep = 0;
	running = false;
	if (is_wanted() && ms_background_set(true))
		ms_malloc_say("no thread to drop memory in this child", NULL);
}

/**
 * ms_background_start() - begin what the environment asks for
 * @env: the environment
 *
 * Context: a constructor.
 */
void ms_background_start(char *const *env)
{
	static const char name[] = "MEMSTATE_MALLOC_BACKGROUND";
	bool on = false;

	for (; env && *env; env++)
		if (!strncmp(*env, name, sizeof(name) - 1) && (*env)[sizeof(name) - 1] == '=')
			ms_knobs_flag(name, *env + sizeof(name), &on);
	if (on && ms_background_set(true))
		ms_malloc_say(name, ": there can be no thread");
}
