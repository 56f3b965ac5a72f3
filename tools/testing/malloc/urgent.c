// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Who waits for one of the allocator's locks sleeps, and a real-time thread lends its priority to who
 * has it. With the allocator's own code in the program, whose locks are held here. TAP.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../soon.h"
#include "heaps.h"
#include "lock.h"
#include "names.h"
#include "supply.h"
#include "tap.h"

#define URGENT	10
#define SIZE	1000
#define NR	200

static uint32_t waiter;
static int begun, go, done, allowed;
static struct ms_heap *heap_of_waiter;
static void (*what)(void);

/* Of /proc/self/task/TID/stat: the state, and the priority as the scheduler has it. */
static char state_of(uint32_t tid, long *priority)
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

static bool sleeps(void)
{
	long priority;

	return state_of(waiter, &priority) == 'S';
}

static bool is_urgent(void)
{
	long priority;

	return state_of((uint32_t)syscall(SYS_gettid), &priority) != '?' && priority == -1 - URGENT;
}

static bool is(const int *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(int *flag, int value)
{
	__atomic_store_n(flag, value, __ATOMIC_RELEASE);
}

/* ---- what the other thread does ------------------------------------------------------ */

static void take_slow_paths(void)
{
	void *blocks[NR];

	for (int i = 0; i < NR; i++)
		blocks[i] = malloc(SIZE);
	for (int i = 0; i < NR; i++)
		free(blocks[i]);
}

static void take_a_large_block(void)
{
	free(malloc(300000));
}

static void trim(void)
{
	malloc_trim(0);
}

/* Its first block: it takes a heap. */
static void begin_a_heap(void)
{
	free(malloc(1));
}

static void *wait_for_it(void *arg)
{
	struct sched_param urgent = { .sched_priority = URGENT };

	if (what != begin_a_heap)
		free(malloc(1));
	heap_of_waiter = ms_heap_mine;
	set(&allowed, !pthread_setschedparam(pthread_self(), SCHED_FIFO, &urgent));
	waiter = (uint32_t)syscall(SYS_gettid);
	set(&begun, 1);
	soon(is(&go));
	what();
	set(&done, 1);
	return arg;
}

/* ---- what is held ---------------------------------------------------------------------- */

static void hold_heap(void)
{
	ms_lock(&heap_of_waiter->lock);
}

static void release_heap(void)
{
	ms_unlock(&heap_of_waiter->lock);
}

static const struct {
	void (*hold)(void);
	void (*release)(void);
	void (*what)(void);
	const char *name;
} locks[] = {
	{ hold_heap, release_heap, take_slow_paths, "its heap's lock, that another thread looks into" },
	{ ms_supply_fork_prepare, ms_supply_fork_done, take_a_large_block, "the arenas' locks" },
	{ ms_heaps_hold, ms_heaps_release, trim, "the lock of who looks into others' heaps" },
	{ ms_heaps_fork_prepare, ms_heaps_fork_done, begin_a_heap, "the list of heaps" },
};

static void meets(size_t i)
{
	pthread_t thread;

	begun = go = done = 0;
	what = locks[i].what;
	if (pthread_create(&thread, NULL, wait_for_it, NULL))
		abort();
	soon(is(&begun));
	locks[i].hold();
	set(&go, 1);
	/* Asleep also before it begins; not done, and urgent, it is in the allocator. */
	if (!allowed)
		tap_skip("no real-time threads here", locks[i].name);
	else
		tap_ok(soon(is_urgent()), "a real-time thread lends its priority: %s", locks[i].name);
	tap_ok(soon(sleeps()), "and sleeps: %s", locks[i].name);
	tap_ok(!is(&done), "as long as it is taken: %s", locks[i].name);
	locks[i].release();
	tap_ok(soon(is(&done)), "and goes on then: %s", locks[i].name);
	pthread_join(thread, NULL);
	tap_ok(!is_urgent(), "which is so no longer: %s", locks[i].name);
}

int main(void)
{
	free(malloc(1));
	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		meets(i);
	return tap_end();
}
