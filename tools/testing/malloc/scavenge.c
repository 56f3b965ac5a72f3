// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * "scavenge FILE": thousands of free runs are dropped in the way that MEMSTATE_BATCH names. What
 * is left in the books goes to FILE, to be the same in each way.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate-malloc.h>
#include <memstate.h>

#include "tap.h"

#define NR	2000
#define BLOCK	(64UL << 10)
#define PAGE	4096UL

static char *blocks[NR];
static int stop;

static struct memstate_totals books(void)
{
	struct memstate_totals t;

	memstate_trim();
	memstate_totals(&t, 0);
	return t;
}

static size_t in_core(const char *block)
{
	unsigned char pages[BLOCK / PAGE];
	size_t n = 0;

	if (mincore((void *)((uintptr_t)block & -PAGE), BLOCK, pages))
		return 0;
	for (size_t i = 0; i < BLOCK / PAGE; i++)
		n += pages[i] & 1;
	return n;
}

static void fill(void)
{
	for (int i = 0; i < NR; i++) {
		blocks[i] = malloc(BLOCK);
		memset(blocks[i], i, BLOCK);
	}
}

/* Every second one, so that no two are one run. */
static void free_odd(void)
{
	for (int i = 1; i < NR; i += 2)
		free(blocks[i]);
}

static bool kept_are_whole(void)
{
	for (int i = 0; i < NR; i += 2)
		for (size_t k = 0; k < BLOCK; k += 512)
			if (blocks[i][k] != (char)i)
				return false;
	return true;
}

/* Others allocate meanwhile, and find only what is theirs. */
static void *allocate(void *arg)
{
	unsigned char mark = (unsigned char)(uintptr_t)arg;
	bool *good = malloc(sizeof(*good));

	*good = true;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		size_t size = (size_t)(mark % 7 + 1) << 14;
		unsigned char *p = malloc(size);

		memset(p, mark, size);
		for (size_t i = 0; i < size; i += 1024)
			*good &= p[i] == mark;
		free(p);
		mark++;
	}
	return good;
}

static void at_once(FILE *out)
{
	struct memstate_malloc_stats stats;
	struct memstate_totals before, after;
	size_t dropped, left = 0;

	fill();
	free_odd();
	before = books();
	dropped = memstate_malloc_scavenge();
	after = books();
	memstate_malloc_stats(&stats);
	for (int i = 1; i < NR; i += 2)
		left += in_core(blocks[i]);
	tap_ok(dropped >= NR / 2 * BLOCK, "what is free is dropped: %zu bytes", dropped);
	tap_is(left, 0, "nothing of it is in memory");
	tap_is(memstate_totals_state(&before, MEMSTATE_READY) -
		       memstate_totals_state(&after, MEMSTATE_READY), dropped,
	       "it is Ready no longer");
	tap_is(before.charged - after.charged, dropped, "and its charge has been given back");
	tap_is(stats.idle_bytes, 0, "nothing is idle");
	tap_is(after.drift, 0, "the books have no drift");
	tap_ok(kept_are_whole(), "what is not free has its contents");
	tap_ok(!memstate_malloc_check(), "the allocator's books are in order");
	fprintf(out, "dropped %zu ready %llu prepared %llu charged %llu drift %llu\n", dropped,
		(unsigned long long)memstate_totals_state(&after, MEMSTATE_READY),
		(unsigned long long)memstate_totals_state(&after, MEMSTATE_PREPARED),
		(unsigned long long)after.charged, (unsigned long long)after.drift);
}

static void in_child(void)
{
	struct memstate_totals t;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < NR; i += 4) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
		if (memstate_malloc_scavenge() < NR / 4 * BLOCK)
			_exit(1);
		t = books();
		if (t.drift || t.breaches || memstate_malloc_check())
			_exit(2);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	tap_is(status, 0, "a child drops what it frees");
	tap_ok(kept_are_whole(), "which its parent has still");
}

static void beside_others(void)
{
	pthread_t threads[3];
	bool good = true;
	void *said;

	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, allocate, (void *)i);
	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < NR; i += 2) {
			blocks[i] = malloc(BLOCK);
			memset(blocks[i], i, BLOCK);
		}
		free_odd();
		memstate_malloc_scavenge();
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &said);
		good &= *(bool *)said;
		free(said);
	}
	tap_ok(good && kept_are_whole(), "others allocate meanwhile, and get only what is theirs");
	tap_ok(!memstate_malloc_check(), "the allocator's books are in order then");
	tap_is(books().drift, 0, "and the process's have no drift");
}

/* What is locked cannot be dropped, and stays. */
static void locked(void)
{
	struct memstate_totals t;

	for (int i = 1; i < NR; i += 2)
		blocks[i] = malloc(BLOCK);
	mlock((void *)((uintptr_t)blocks[NR / 2 + 1] & -PAGE), BLOCK);
	free_odd();
	memstate_malloc_scavenge();
	memstate_malloc_scavenge();
	t = books();
	tap_is(t.drift, 0, "locked memory is no drift");
	tap_ok(in_core(blocks[NR / 2 + 1]) == BLOCK / PAGE, "and is there still");
	tap_ok(!memstate_malloc_check(), "and known to be");
	munlockall();
}

int main(int argc, char **argv)
{
	FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;

	if (!out) {
		fprintf(stderr, "usage: scavenge FILE\n");
		return 2;
	}
	memstate_malloc_set("decay_ms", -1);
	at_once(out);
	in_child();
	beside_others();
	locked();
	fclose(out);
	return tap_end();
}
