// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a thread frees that others have allocated: with many owners, at a limit, and after the
 * thread's own destructors. TAP.
 *
 * remote limit: a limit is set (MEMSTATE_MAX), so low that it is met here.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "names.h"
#include "stats.h"
#include "tap.h"

#define OWNERS	40
#define EACH	2000
#define AT_MAX	2000000

static void *blocks[OWNERS][EACH];
static pthread_barrier_t barrier;

static pthread_t start(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg))
		abort();
	return thread;
}

static void meet(void)
{
	pthread_barrier_wait(&barrier);
}

/* ---- many owners ------------------------------------------------------------------- */

/* As classes have it. */
static size_t size_of(int owner)
{
	return owner % 2 ? 16 : 320;
}

static void *owner(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < EACH; i++)
		blocks[me][i] = malloc(size_of(me));
	meet();
	/* While these are freed it does nothing. */
	meet();
	for (int i = 0; i < EACH; i++)
		blocks[me][i] = malloc(size_of(me));
	meet();
	meet();
	return NULL;
}

/* Return: how many bytes that were, as the allocator counts them. */
static size_t free_by_turns(void)
{
	size_t bytes = 0;

	for (int i = 0; i < EACH; i++)
		for (int o = 0; o < OWNERS; o++) {
			bytes += malloc_usable_size(blocks[o][i]);
			free(blocks[o][i]);
		}
	return bytes;
}

/* None is lost, and none is there twice. */
static bool all_differ(void)
{
	bool differ = true;

	for (int o = 0; o < OWNERS; o++)
		for (int i = 0; i < EACH; i++)
			memcpy(blocks[o][i], (int[2]){ o, i }, sizeof(int[2]));
	for (int o = 0; o < OWNERS; o++)
		for (int i = 0; i < EACH; i++)
			differ &= !memcmp(blocks[o][i], (int[2]){ o, i }, sizeof(int[2]));
	return differ;
}

static void frees_for_many_owners_take_nothing(void)
{
	struct memstate_malloc_stats begin, full, freed, again;
	pthread_t threads[OWNERS];
	size_t bytes;

	pthread_barrier_init(&barrier, NULL, OWNERS + 1);
	begin = now();
	for (int o = 0; o < OWNERS; o++)
		threads[o] = start(owner, (void *)(intptr_t)o);
	meet();
	full = now();
	bytes = free_by_turns();
	freed = now();
	tap_is(freed.metadata_bytes, full.metadata_bytes, "frees for 40 owners take no metadata");
	tap_ok(freed.ready_bytes <= full.ready_bytes, "nor anything else");
	tap_is(full.data_bytes - freed.data_bytes, bytes,
	       "what was freed of idle threads is told as free");
	tap_is(freed.remote_frees - begin.remote_frees, OWNERS * EACH, "and as freed by others");
	meet();
	meet();
	again = now();
	tap_ok(again.ready_bytes <= full.ready_bytes, "the owners have it again");
	tap_ok(all_differ(), "each block once");
	free_by_turns();
	meet();
	for (int o = 0; o < OWNERS; o++)
		pthread_join(threads[o], NULL);
	pthread_barrier_destroy(&barrier);
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
}

/* ---- after the destructors ---------------------------------------------------------- */

static pthread_key_t key;

static void free_late(void *arg)
{
	void **list = arg;

	/* Behind the allocator's own destructor, whichever round that is in. */
	if (!list[EACH]) {
		list[EACH] = list;
		pthread_setspecific(key, list);
		return;
	}
	for (int i = 0; i < EACH; i++)
		free(list[i]);
}

static void *ends_with(void *arg)
{
	free(malloc(3));
	pthread_setspecific(key, arg);
	return NULL;
}

static void frees_after_the_destructors_take_nothing(void)
{
	static void *list[EACH + 1];
	struct memstate_malloc_stats before, after;
	size_t bytes = 0;

	/* This thread has a heap, and the other one leaves it one. */
	list[0] = malloc(1);
	pthread_key_create(&key, free_late);
	free(list[0]);
	list[0] = NULL;
	pthread_join(start(ends_with, list), NULL);
	for (int i = 0; i < EACH; i++)
		bytes += malloc_usable_size(list[i] = malloc(32));
	list[EACH] = NULL;
	before = now();
	pthread_join(start(ends_with, list), NULL);
	after = now();
	tap_is(after.metadata_bytes, before.metadata_bytes,
	       "frees after the thread's destructors take no metadata");
	tap_is(after.heaps, before.heaps, "nor a heap");
	tap_is(before.data_bytes - after.data_bytes, bytes, "and are free");
	pthread_key_delete(key);
}

/* ---- at a limit ----------------------------------------------------------------------- */

static void *at_max[AT_MAX];
static size_t nr_at_max;

/* It has no heap when it begins, and there is nothing left to make one of. */
static void *free_all(void *arg)
{
	meet();
	for (size_t i = 0; i < nr_at_max; i++)
		free(at_max[i]);
	return arg;
}

static size_t fill(size_t size)
{
	for (nr_at_max = 0; nr_at_max < AT_MAX; nr_at_max++) {
		at_max[nr_at_max] = malloc(size);
		if (!at_max[nr_at_max])
			break;
	}
	return nr_at_max;
}

static void what_is_freed_at_a_limit_is_free(size_t size)
{
	size_t first, again;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	thread = start(free_all, NULL);
	first = fill(size);
	meet();
	pthread_join(thread, NULL);
	/* That thread may have had to make itself a heap. */
	again = fill(size);
	tap_ok(again >= first - first / 50,
	       "blocks of %zu freed by another thread at the limit are there again: %zu of %zu",
	       size, again, first);
	while (nr_at_max)
		free(at_max[--nr_at_max]);
	pthread_barrier_destroy(&barrier);
}

#define HELPERS	40

/* One block each, of whole slices; none has a heap yet. */
static void *free_one(void *arg)
{
	meet();
	free(arg);
	/* So nobody takes over another's heap. */
	meet();
	return NULL;
}

static void large_blocks_are_freed_without_memory_for_a_heap(void)
{
	struct memstate_malloc_stats before, after;
	pthread_t threads[HELPERS];
	void *large[HELPERS];
	size_t nr;

	pthread_barrier_init(&barrier, NULL, HELPERS + 1);
	for (int i = 0; i < HELPERS; i++) {
		large[i] = malloc(100000);
		threads[i] = start(free_one, large[i]);
	}
	nr = fill(1 << 20);
	while (nr < AT_MAX && (at_max[nr] = malloc(33000)))
		nr++;
	before = now();
	meet();
	meet();
	for (int i = 0; i < HELPERS; i++)
		pthread_join(threads[i], NULL);
	after = now();
	tap_is(before.large_count - after.large_count, HELPERS,
	       "large blocks are freed where there is no memory for a heap");
	while (nr)
		free(at_max[--nr]);
	pthread_barrier_destroy(&barrier);
}

int main(int argc, char **argv)
{
	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "frees of others' blocks");
		return tap_end();
	}
	if (argc > 1 && !strcmp(argv[1], "limit")) {
		large_blocks_are_freed_without_memory_for_a_heap();
		what_is_freed_at_a_limit_is_free(100000);
		what_is_freed_at_a_limit_is_free(64);
		what_is_freed_at_a_limit_is_free(16);
		what_is_freed_at_a_limit_is_free(1000);
		what_is_freed_at_a_limit_is_free(20000);
		return tap_end();
	}
	frees_after_the_destructors_take_nothing();
	frees_for_many_owners_take_nothing();
	return tap_end();
}
