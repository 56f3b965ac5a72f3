// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Nothing is refused while there is memory that nobody uses, whoever keeps it: to be run with a
 * limit of 64 MiB. And malloc_trim() and memstate_malloc_scavenge() give the same back. TAP.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "names.h"
#include "stats.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define WANTED	(44 * MIB)	/* cannot be had beside what was kept */
#define LITTLE	(4 * MIB)
#define SIZE	1000
#define NR	(40 * MIB / SIZE)
#define IDLE	60
#define EACH	800

static void *blocks[NR];
static pthread_barrier_t barrier;

static void meet(void)
{
	pthread_barrier_wait(&barrier);
}

static pthread_t start(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg))
		abort();
	return thread;
}

static void *allocate(void *arg)
{
	for (size_t i = 0; i < NR; i++)
		blocks[i] = malloc(SIZE);
	return arg;
}

static void *free_all(void *arg)
{
	for (size_t i = 0; i < NR; i++)
		free(blocks[i]);
	return arg;
}

/* Each second, third and so on of its own, so that no slab is freed by one thread. */
static void *free_mixed(void *arg)
{
	for (size_t i = (size_t)arg; i < NR; i += 2)
		free(blocks[i]);
	return NULL;
}

/* ---- five ways to keep memory that is not used ------------------------------------------ */

/* Main's, freed by another thread. */
static void own(void)
{
	allocate(NULL);
	pthread_join(start(free_all, NULL), NULL);
}

/* A thread's that has ended, freed by main. */
static void of_an_orphan(void)
{
	pthread_join(start(allocate, NULL), NULL);
	free_all(NULL);
}

static pthread_t idlers[IDLE];
static int nr_idlers;

static void idle(int nr, void *(*fn)(void *arg))
{
	pthread_barrier_init(&barrier, NULL, (unsigned int)nr + 1);
	for (int i = 0; i < nr; i++)
		idlers[i] = start(fn, (void *)(intptr_t)i);
	nr_idlers = nr;
	meet();
}

static void *allocate_and_idle(void *arg)
{
	allocate(NULL);
	meet();
	meet();
	return arg;
}

/* A thread's that sleeps, freed by main. */
static void of_an_idle_thread(void)
{
	idle(1, allocate_and_idle);
	free_all(NULL);
}

static void *mixed_and_idle(void *arg)
{
	allocate(NULL);
	free_mixed((void *)1);
	meet();
	meet();
	return arg;
}

/* Half of it by itself. */
static void of_an_idle_thread_mixed(void)
{
	idle(1, mixed_and_idle);
	free_mixed((void *)0);
}

static void *fill_and_idle(void *arg)
{
	void *mine[EACH];

	for (int i = 0; i < EACH; i++)
		mine[i] = malloc(SIZE);
	for (int i = 0; i < EACH; i++)
		free(mine[i]);
	meet();
	meet();
	return arg;
}

/* What many threads keep for later. */
static void by_many_idle_threads(void)
{
	idle(IDLE, fill_and_idle);
}

static void wake_idlers(void)
{
	if (!nr_idlers)
		return;
	meet();
	for (int i = 0; i < nr_idlers; i++)
		pthread_join(idlers[i], NULL);
	pthread_barrier_destroy(&barrier);
	nr_idlers = 0;
}

static const struct {
	void (*keep)(void);
	const char *name;
} ways[] = {
	{ own, "own blocks freed by others" },
	{ of_an_orphan, "blocks of a thread that has ended" },
	{ of_an_idle_thread, "blocks of an idle thread" },
	{ of_an_idle_thread_mixed, "blocks of an idle thread, half freed by itself" },
	{ by_many_idle_threads, "what sixty idle threads keep" },
};

/* ---- what must give it back --------------------------------------------------------- */

static void a_large_block(const char *name)
{
	void *p = malloc(WANTED);

	tap_ok(p, "%s: a large block is not refused", name);
	free(p);
}

static void small_blocks(const char *name)
{
	size_t nr = WANTED / 3000, had = 0;
	void **p = malloc(nr * sizeof(*p));

	while (p && had < nr && (p[had] = malloc(3000)))
		had++;
	tap_is(had, nr, "%s: nor are blocks of another size", name);
	while (had)
		free(p[--had]);
	free(p);
}

static void by_trim(const char *name)
{
	malloc_trim(0);
	tap_ok(now().ready_bytes < LITTLE + IDLE * 65536 * (nr_idlers == IDLE),
	       "%s: malloc_trim() gives it back", name);
}

static void by_scavenge(const char *name)
{
	memstate_malloc_scavenge();
	tap_ok(now().ready_bytes < LITTLE + IDLE * 65536 * (nr_idlers == IDLE),
	       "%s: memstate_malloc_scavenge() gives it back", name);
}

static void nobody_asks(const char *name)
{
	struct memstate_malloc_stats stats = now();

	tap_ok(stats.ready_bytes - stats.idle_bytes < LITTLE + IDLE * 65536 * (nr_idlers == IDLE),
	       "%s: and before anybody asks it is told as idle", name);
}

static void (*const demands[])(const char *name) = {
	nobody_asks, a_large_block, small_blocks, by_trim, by_scavenge,
};

/* ---- memory for a heap ------------------------------------------------------------------ */

static void *allocate_little(void *arg)
{
	*(void **)arg = malloc(100);
	meet();
	meet();
	return arg;
}

/* All of it is Ready, and most is free: also a heap's own memory comes of that. */
static void threads_get_heaps_where_memory_is_free(void)
{
	void *p[IDLE] = { 0 };
	int had = 0;

	allocate(NULL);
	for (size_t i = 0; i < NR; i += 40)
		blocks[i] = (free(blocks[i]), NULL);
	free(malloc(63 * MIB - now().ready_bytes));
	pthread_barrier_init(&barrier, NULL, IDLE + 1);
	for (int i = 0; i < IDLE; i++)
		idlers[i] = start(allocate_little, &p[i]);
	meet();
	for (int i = 0; i < IDLE; i++)
		had += p[i] != NULL;
	tap_is(had, IDLE, "sixty threads get heaps where free memory is at the limit");
	nr_idlers = IDLE;
	wake_idlers();
	for (int i = 0; i < IDLE; i++)
		free(p[i]);
	free_all(NULL);
}

int main(void)
{
	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "what is kept");
		return tap_end();
	}
	threads_get_heaps_where_memory_is_free();
	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		for (size_t d = 0; d < sizeof(demands) / sizeof(demands[0]); d++) {
			ways[w].keep();
			demands[d](ways[w].name);
			wake_idlers();
		}
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	return tap_end();
}
