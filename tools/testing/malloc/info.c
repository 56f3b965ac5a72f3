// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What mallinfo2(), malloc_info() and malloc_stats() tell, held against blocks that are counted by
 * hand, and against the books; of threads that are there, that are gone, and whose blocks others have
 * freed. TAP.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <memstate.h>

#include "names.h"
#include "tap.h"

#define MIB	((size_t)1 << 20)
#define THREADS	8
#define EACH	3000

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));
extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));
extern __typeof__(memstate_totals) memstate_totals __attribute__((weak));
extern __typeof__(memstate_backend) memstate_backend __attribute__((weak));

static void *blocks[THREADS][EACH];
static char text[65536];

static size_t size_of(int me, int i)
{
	return i % 500 ? (size_t)(i * 7 + me * 13) % 3000 + 1 : 100000 + (size_t)i;
}

static void *allocate(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < EACH; i++)
		blocks[me][i] = malloc(size_of(me, i));
	return NULL;
}

/* Each third of the next one's: freed by another thread, and by one that is gone then. */
static void *free_some(void *arg)
{
	int other = ((int)(intptr_t)arg + 1) % THREADS;

	for (int i = 0; i < EACH; i += 3) {
		free(blocks[other][i]);
		blocks[other][i] = NULL;
	}
	return NULL;
}

/* What the C library allocates for threads it keeps. */
static void *nothing(void *arg)
{
	return arg;
}

static void run(void *(*fn)(void *arg))
{
	pthread_t threads[THREADS];

	for (int t = 0; t < THREADS; t++)
		if (pthread_create(&threads[t], NULL, fn, (void *)(intptr_t)t))
			abort();
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
}

/* By hand. */
static size_t in_use(void)
{
	size_t bytes = 0;

	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < EACH; i++)
			bytes += blocks[t][i] ? malloc_usable_size(blocks[t][i]) : 0;
	return bytes;
}

static size_t told(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Ready, for the heap, as the books have it: slabs, large blocks and what is idle. */
static size_t booked(void)
{
	struct memstate_totals totals;

	if (memstate_totals(&totals, 0))
		abort();
	return totals.bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP];
}

static bool has_books(void)
{
	const char *accounting = getenv("MEMSTATE_MALLOC_ACCOUNTING");

	return memstate_backend() != MEMSTATE_BACKEND_NONE && !(accounting && *accounting == '0');
}

static void agrees_with_books(const char *name)
{
	struct mallinfo2 info = mallinfo2();

	tap_is(info.arena, info.uordblks + info.fordblks, "%s: arena is what is in use and what is not", name);
	if (has_books())
		tap_is(info.arena + info.hblkhd, booked(), "%s: it is what the books have", name);
	else
		tap_skip("no books", name);
}

/* What malloc_info() writes, or malloc_stats(). */
static struct mallinfo2 read_info(void)
{
	FILE *f = fmemopen(text, sizeof(text) - 1, "w");
	struct mallinfo2 info;

	/* It allocates with the first byte. */
	if (f)
		fputc('\n', f);
	tap_is(f ? malloc_info(0, f) : -1, 0, "malloc_info: is written");
	/* With what that takes. */
	info = mallinfo2();
	if (f)
		fclose(f);
	return info;
}

static uint64_t number_of(const char *begin)
{
	const char *at = strstr(text, begin);
	uint64_t value = 0;

	if (!at || sscanf(at + strlen(begin), "%" SCNu64, &value) != 1)
		printf("# no number after %s\n", begin);
	return value;
}

static void info_is_the_same(void)
{
	struct mallinfo2 info;

	info = read_info();
	tap_is(number_of("<total type=\"rest\" count=\"0\" size=\""), info.fordblks, "malloc_info: what is free");
	tap_is(number_of("<system type=\"current\" size=\""), info.arena, "malloc_info: what there is");
	tap_ok(strstr(text, "</malloc>\n"), "malloc_info: comes to its end");
	tap_is(malloc_info(1, stdout), EINVAL, "malloc_info: EINVAL for options that there are not");
	if (has_books())
		tap_ok(number_of("<system type=\"max\" size=\"") >= info.arena, "malloc_info: the most there was");
}

static void stats_are_the_same(void)
{
	struct memstate_malloc_stats stats;
	int pipes[2], saved = dup(2);
	ssize_t n = 0;

	if (pipe(pipes) || dup2(pipes[1], 2) < 0)
		abort();
	malloc_stats();
	dup2(saved, 2);
	close(pipes[1]);
	n = read(pipes[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(pipes[0]);
	close(saved);
	memstate_malloc_stats(&stats);
	tap_is(number_of("data_bytes"), stats.data_bytes, "malloc_stats: what is in use");
	tap_is(number_of("ready_bytes"), stats.ready_bytes, "malloc_stats: what there is");
	tap_is(number_of("idle_bytes"), stats.idle_bytes, "malloc_stats: what is idle");
}

int main(void)
{
	size_t before, large;
	void *p;

	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "mallinfo2 and others");
		return tap_end();
	}
	free(malloc(1));
	/* What the first calls take for themselves. */
	read_info();
	run(nothing);
	before = told();
	agrees_with_books("at first");
	run(allocate);
	tap_is(told() - before, in_use(), "blocks of threads that are gone are told");
	agrees_with_books("with threads gone");
	run(free_some);
	tap_is(told() - before, in_use(), "those that others have freed are not");
	agrees_with_books("after others have freed");
	large = mallinfo2().hblkhd;
	p = malloc(10 * MIB);
	tap_is(mallinfo2().hblkhd - large, 10 * MIB, "a large block is told as one");
	agrees_with_books("with a large block");
	info_is_the_same();
	stats_are_the_same();
	free(p);
	tap_ok(mallinfo2().keepcost >= 10 * MIB, "what could be given back is told");
	malloc_trim(0);
	tap_is(mallinfo2().keepcost, 0, "until it is");
	agrees_with_books("after malloc_trim()");
	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < EACH; i++)
			free(blocks[t][i]);
	tap_is(told(), before, "in the end it is as before");
	agrees_with_books("in the end");
	tap_is(mallinfo().uordblks, mallinfo2().uordblks, "mallinfo() tells the same");
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	return tap_end();
}
