// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The library's lock: who waits sleeps, and lends its priority. TAP. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../soon.h"
#include "internal.h"
#include "lock.h"
#include "tap.h"

#define THREADS	4
#define TURNS	20000
#define URGENT	10

static struct ms_lock lock;
static u32 word;
static unsigned long counted;
static u32 waiter, idler;
static int done;

static pthread_t start(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg))
		abort();
	return thread;
}

static void *count(void *arg)
{
	for (int i = 0; i < TURNS; i++) {
		ms_lock_take(&lock);
		counted++;
		ms_lock_release(&lock);
	}
	return arg;
}

static void one_at_a_time(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		threads[i] = start(count, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tap_is(counted, THREADS * TURNS, "one thread at a time has the lock");
	tap_is(lock.word, 0, "and nobody in the end");
}

/* Of /proc/self/task/TID/stat: the state, and the priority as the scheduler has it. */
static char state_of(u32 tid, long *priority)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%u/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return '?';
	*priority = 0;
	if (fscanf(f, "%*d (%*[^)]) %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %ld",
		   &state, priority) != 2)
		state = '?';
	fclose(f);
	return state;
}

static bool sleeps(u32 *tid)
{
	u32 it = __atomic_load_n(tid, __ATOMIC_ACQUIRE);
	long priority;

	return it && state_of(it, &priority) == 'S';
}

static bool is_urgent(u32 tid)
{
	long priority;

	return state_of(tid, &priority) != '?' && priority == -1 - URGENT;
}

/* @arg: be a real-time thread; where that is not allowed the number stays 0. */
static void *take(void *arg)
{
	struct sched_param urgent = { .sched_priority = URGENT };

	if (arg && pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent)) {
		__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
		return NULL;
	}
	__atomic_store_n(&waiter, (u32)ms_raw0(SYS_gettid), __ATOMIC_RELEASE);
	ms_lock_take(&lock);
	ms_lock_release(&lock);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	return arg;
}

static bool is_done(void)
{
	return __atomic_load_n(&done, __ATOMIC_ACQUIRE);
}

static pthread_t begin(void *(*fn)(void *arg), void *arg)
{
	waiter = 0;
	done = 0;
	return start(fn, arg);
}

static void who_waits_sleeps(void)
{
	pthread_t thread;

	ms_lock_take(&lock);
	thread = begin(take, NULL);
	tap_ok(soon(sleeps(&waiter)), "who waits sleeps");
	tap_ok(!is_done(), "as long as the lock is taken");
	ms_lock_release(&lock);
	pthread_join(thread, NULL);
	tap_is(lock.word, 0, "and has it then");
}

static void who_waits_lends_its_priority(void)
{
	u32 me = (u32)ms_raw0(SYS_gettid);
	pthread_t thread;

	ms_lock_take(&lock);
	thread = begin(take, &lock);
	if (!soon(sleeps(&waiter) || is_done()) || is_done()) {
		tap_skip("no real-time threads here", "a real-time thread lends its priority");
	} else {
		tap_ok(soon(is_urgent(me)), "a real-time thread lends its priority");
	}
	ms_lock_release(&lock);
	pthread_join(thread, NULL);
	tap_ok(!is_urgent(me), "until it has the lock");
}

static void *idle(void *arg)
{
	__atomic_store_n(&idler, (u32)ms_raw0(SYS_gettid), __ATOMIC_RELEASE);
	soon(is_done());
	return arg;
}

/* As in the child of vfork(), which has the parent's memory and another number. */
static void by_another_number_it_is_given_back(void)
{
	pthread_t other, thread;

	done = 0;
	other = start(idle, NULL);
	soon(__atomic_load_n(&idler, __ATOMIC_ACQUIRE));
	__atomic_store_n(&lock.word, idler, __ATOMIC_RELEASE);
	waiter = 0;
	thread = start(take, NULL);
	tap_ok(soon(sleeps(&waiter)), "who waits for a lock that has another's number sleeps");
	ms_lock_release(&lock);
	tap_ok(soon(is_done()), "and has it when that is given back");
	pthread_join(thread, NULL);
	pthread_join(other, NULL);
}

static void *wait_for_word(void *arg)
{
	__atomic_store_n(&waiter, (u32)ms_raw0(SYS_gettid), __ATOMIC_RELEASE);
	while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 1)
		ms_word_wait(&word, 1);
	return arg;
}

static void a_word_is_waited_for_asleep(void)
{
	pthread_t thread;

	word = 1;
	thread = begin(wait_for_word, NULL);
	tap_ok(soon(sleeps(&waiter)), "who waits for a word to change sleeps");
	__atomic_store_n(&word, 0, __ATOMIC_RELEASE);
	ms_word_wake(&word);
	pthread_join(thread, NULL);
}

int main(void)
{
	one_at_a_time();
	who_waits_sleeps();
	who_waits_lends_its_priority();
	by_another_number_it_is_given_back();
	a_word_is_waited_for_asleep();
	return tap_end();
}
