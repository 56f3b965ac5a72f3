// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * workloads NAME | list | latency | warm BYTES
 *
 * Runs one workload under whatever malloc the process has. On standard output, one line of
 * numbers: seconds that the load took, Ready and resident bytes before what is left is
 * freed, and resident bytes a while after that. Seconds are 0 where the load mostly sleeps,
 * Ready is 0 where libmemstate is not there.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <memstate.h>

#include "workloads.h"

void failed(const char *what)
{
	fprintf(stderr, "workloads: %s failed\n", what);
	exit(1);
}

void *get(size_t size)
{
	unsigned char *p = malloc(size);

	if (!p)
		failed("malloc");
	p[0] = (unsigned char)size;
	p[size - 1] = (unsigned char)size;
	return p;
}

void put(void *block, size_t size)
{
	const unsigned char *p = block;

	if (p[0] != (unsigned char)size || p[size - 1] != (unsigned char)size)
		failed("a block has lost its contents: the test");
	free(block);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	if (!f || fscanf(f, "%lu %lu", &size, &pages) != 2)
		failed("/proc/self/statm");
	fclose(f);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

static unsigned long long ready(void)
{
	int (*totals)(struct memstate_totals *, unsigned int) =
		(int (*)(struct memstate_totals *, unsigned int))dlsym(RTLD_DEFAULT,
								       "memstate_totals");
	struct memstate_totals t;
	unsigned long long sum = 0;

	if (!totals || totals(&t, 0))
		return 0;
	for (int c = 0; c < MEMSTATE_NR_CLASSES; c++)
		sum += t.bytes[MEMSTATE_READY - 1][c];
	return sum;
}

/* What a process does that has nothing to do. */
static void rest(void)
{
	for (int i = 0; i < 12; i++) {
		usleep(100000);
		for (size_t size = 16; size < 200000; size *= 3)
			free(malloc(size));
	}
}

/* ---- the machine --------------------------------------------------------------------- */

static int ball __attribute__((aligned(64)));
static int cores[2];
enum { GAMES = 31, THROWS = 1000 };
static double game[GAMES + 1];

static void *play(void *arg)
{
	int me = (int)(uintptr_t)arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cores[me], &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (int i = 0; i < GAMES * THROWS; i++) {
		if (!me && i % THROWS == 0)
			game[i / THROWS] = now();
		while (__atomic_load_n(&ball, __ATOMIC_ACQUIRE) != 2 * i + me)
			;
		__atomic_store_n(&ball, 2 * i + me + 1, __ATOMIC_RELEASE);
	}
	if (!me)
		game[GAMES] = now();
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Nanoseconds for a cache line from one core to another, 0 with one core. The median of
 * short games: a scheduler that has both threads on one core for a moment would spoil a mean.
 */
static int latency(void)
{
	pthread_t threads[2];
	cpu_set_t set;
	int nr = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && nr < 2; i++)
		if (CPU_ISSET(i, &set))
			cores[nr++] = i;
	if (nr < 2)
		return puts("0") < 0;
	for (uintptr_t i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, play, (void *)i))
			failed("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < GAMES; i++)
		game[i] = game[i + 1] - game[i];
	qsort(game, GAMES, sizeof(*game), by_value);
	printf("%.0f\n", game[GAMES / 2] / THROWS / 2 * 1e9);
	return 0;
}

/*
 * Memory that the host has taken back costs ten times as much to touch as what it has not.
 * By huge pages: they cost least when warm, and come back to whoever asks next in any size.
 */
static int warm(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		failed("mmap");
	madvise(p, bytes, MADV_HUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = 1;
	return 0;
}

static const struct workload *find(const struct workload *list, const char *name)
{
	for (; list->name; list++)
		if (!strcmp(list->name, name))
			return list;
	return NULL;
}

static int list(void)
{
	const struct workload *w;

	for (w = workloads_single; w->name; w++)
		printf("%s %s\n", w->name, w->about);
	for (w = workloads_threads; w->name; w++)
		printf("%s %s\n", w->name, w->about);
	return 0;
}

int main(int argc, char **argv)
{
	const struct workload *w;
	unsigned long long ready_bytes;
	unsigned long with;
	double began, took;

	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc == 2 && !strcmp(argv[1], "latency"))
		return latency();
	if (argc == 3 && !strcmp(argv[1], "warm"))
		return warm(strtoul(argv[2], NULL, 10));
	w = argc == 2 ? find(workloads_single, argv[1]) : NULL;
	if (!w && argc == 2)
		w = find(workloads_threads, argv[1]);
	if (!w) {
		fprintf(stderr, "usage: workloads NAME | list | latency | warm BYTES\n");
		return 2;
	}
	began = now();
	w->run();
	took = w->sleeps ? 0 : now() - began;
	ready_bytes = ready();
	with = resident();
	if (w->drop)
		w->drop();
	rest();
	printf("%.6f %llu %lu %lu\n", took, ready_bytes, with, resident());
	return 0;
}
