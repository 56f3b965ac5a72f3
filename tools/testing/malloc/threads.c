// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What threads leave behind when they end: what they have freed is free, and what they had to
 * allocate from is used by others. TAP.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "names.h"
#include "stats.h"
#include "tap.h"

#define NR	64
#define TURNS	24

static void *blocks[NR];

/* A thread of its own, to its end. */
static void one_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg) || pthread_join(thread, NULL))
		abort();
}

static void allocate(void)
{
	for (int i = 0; i < NR; i++)
		blocks[i] = malloc(200);
}

static void *free_all(void *arg)
{
	for (int i = 0; i < NR; i++)
		free(blocks[i]);
	return arg;
}

/* Too few to be sent before there is a reason. */
static void what_was_freed_for_others_is_free(void)
{
	struct memstate_malloc_stats before, after;

	/* What the C library keeps of a thread is there. */
	allocate();
	one_thread(free_all, NULL);
	before = now();
	allocate();
	one_thread(free_all, NULL);
	after = now();
	tap_is(after.data_bytes, before.data_bytes,
	       "what a thread frees of another's is free when it ends");
	tap_is(after.remote_frees - before.remote_frees, NR, "and is counted so");
}

static void *allocate_and_free(void *arg)
{
	allocate();
	return free_all(arg);
}

/* Who comes next has what who has ended had; and meanwhile somebody else takes of it. */
static void threads_in_turn_have_one_heap(void)
{
	struct memstate_malloc_stats before, after;
	static void *kept[TURNS];

	one_thread(allocate_and_free, NULL);
	before = now();
	for (size_t turn = 0; turn < TURNS; turn++) {
		/* Of a size of which there is none at hand: a slow path. */
		kept[turn] = malloc(1000 + turn * 1000);
		one_thread(allocate_and_free, NULL);
	}
	after = now();
	tap_is(after.heaps, before.heaps, "threads that come in turn have the same heap");
	tap_is(after.orphans, before.orphans, "and leave it to the next one");
	for (size_t turn = 0; turn < TURNS; turn++)
		free(kept[turn]);
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
}

int main(void)
{
	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "threads that end");
		return tap_end();
	}
	what_was_freed_for_others_is_free();
	threads_in_turn_have_one_heap();
	return tap_end();
}
