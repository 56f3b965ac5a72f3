// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * shapes WHAT [NUMBER]...: takes memory as some programs do that people have. What came of
 * it is its last line; it ends with 0 if it could go on.
 *
 *   fill KIB           malloc and touch so much at a time, until refused
 *   threads N KIB      threads with default stacks, each of which touches so much of its own
 *   bss MIB            touches so much of a large array that is all zeroes
 *   file PATH          maps a file, private and writable, and reads it
 *   free MIB           maps so much, fills it, MADV_FREE, maps anew: three times
 *   flip MIB KIB       holds so much, and turns 4 MiB of that writable and executable by turns;
 *                      beside it lie KIB of arena that are writable and never touched
 *   churn MIB          holds so much in pieces of many sizes, and replaces them
 *   drop MIB           holds so much, drops pieces of it by MADV_DONTNEED, touches them again
 *   daemon MIB KIB     touches so much, forks, ends; the child fills by pieces of KIB
 *   race N KIB         so many processes fill by pieces of KIB at once
 *   hog KIB            fills by pieces of KIB, and stays
 *   later N MIB        maps so much so many times, and then touches all that it was given
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#define KIB	((size_t)1 << 10)
#define MIB	((size_t)1 << 20)

/* Of the variant that has one; of the others it is nothing to speak of. */
#ifndef BSS_MIB
#define BSS_MIB	0
#endif
static char bss[BSS_MIB * MIB + 1];

static char *touch(char *at, size_t bytes)
{
	for (size_t i = 0; at && i < bytes; i += 4096)
		*(volatile char *)(at + i) = 1;
	return at;
}

static char *map(size_t bytes)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static int told(const char *what, size_t number)
{
	printf("=> %zu %s\n", number, what);
	fflush(stdout);
	return 0;
}

static size_t filled(size_t piece)
{
	size_t sum = 0;

	while (touch(malloc(piece), piece))
		sum += piece;
	return sum;
}

static int fill(size_t kib, size_t unused)
{
	(void)unused;
	return told("MiB until NULL", filled(kib * KIB) / MIB);
}

static int hog(size_t kib, size_t unused)
{
	fill(kib, unused);
	pause();
	return 0;
}

/* ---- threads ------------------------------------------------------------------------ */

static size_t stack_kib;
static pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *thread(void *arg)
{
	char stack[stack_kib * KIB];

	touch(stack, sizeof(stack));
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&end);
	pthread_mutex_unlock(&end);
	return arg;
}

static int threads(size_t most, size_t kib)
{
	static pthread_t ids[4096];
	size_t n;

	/* A huge page would make each touch of a stack that it fits into one of 2 MiB. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	stack_kib = kib;
	pthread_barrier_init(&both, NULL, 2);
	pthread_mutex_lock(&end);
	for (n = 0; n < most && !pthread_create(&ids[n], NULL, thread, NULL); n++)
		pthread_barrier_wait(&both);
	pthread_mutex_unlock(&end);
	for (size_t i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
	return told("threads", n);
}

/* ---- mapped and not used ---------------------------------------------------------- */

static int large_bss(size_t mib, size_t unused)
{
	(void)unused;
	touch(bss, mib * MIB);
	return told("MiB of bss touched", mib);
}

static int file(const char *path)
{
	size_t sum = 0;
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *at;

	if (fd < 0 || fstat(fd, &st))
		return 2;
	at = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return told("MiB of a file refused", st.st_size / MIB), 1;
	for (off_t i = 0; i < st.st_size; i += 4096)
		sum += at[i] == 0;
	return told("MiB of a file read", sum * 4096 / MIB);
}

static int later(size_t n, size_t mib)
{
	char *at[64];
	size_t got = 0;

	for (size_t i = 0; i < n && i < 64; i++) {
		at[got] = map(mib * MIB);
		got += at[got] != NULL;
	}
	for (size_t i = 0; i < got; i++)
		touch(at[i], mib * MIB);
	return told("pieces granted, and touched", got);
}

/* ---- given back, and changed ------------------------------------------------------------ */

static int lazily_freed(size_t mib, size_t unused)
{
	int refused = 0;

	(void)unused;
	for (int i = 0; i < 3; i++) {
		char *at = touch(map(mib * MIB), mib * MIB);

		refused += !at;
		if (at)
			madvise(at, mib * MIB, MADV_FREE);
	}
	return told("refused of 3", refused);
}

static int flip(size_t mib, size_t arena_kib)
{
	char *at = touch(map(mib * MIB), mib * MIB);
	int refused = 0;

	if (arena_kib && mmap(NULL, arena_kib * KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			      MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		return told("KiB of arena refused", arena_kib), 1;
	if (!at)
		return told("MiB refused at once", mib), 1;
	for (int i = 0; i < 1000; i++) {
		if (mprotect(at, 4 * MIB, PROT_READ | PROT_EXEC))
			refused++;
		if (mprotect(at, 4 * MIB, PROT_READ | PROT_WRITE))
			refused++;
		else
			touch(at, 64 * KIB);
	}
	return told("flips refused of 2000", refused);
}

/* The same numbers each time. */
static uint32_t dice(void)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static int churn(size_t mib, size_t unused)
{
	static struct { char *at; size_t bytes; } held[4096];
	size_t sum = 0, refused = 0, n = 4096;

	(void)unused;
	for (int i = 0; i < 20000; i++) {
		size_t slot = dice() % n, bytes = (size_t)16 << dice() % 15;

		free(held[slot].at);
		sum -= held[slot].bytes;
		held[slot].at = NULL;
		held[slot].bytes = 0;
		if (sum + bytes > mib * MIB)
			continue;
		held[slot].at = touch(malloc(bytes), bytes);
		held[slot].bytes = held[slot].at ? bytes : 0;
		sum += held[slot].bytes;
		refused += !held[slot].at;
	}
	return told("mallocs refused of 20000", refused);
}

static int drop(size_t mib, size_t unused)
{
	char *at = touch(map(mib * MIB), mib * MIB);
	size_t refused = 0;

	(void)unused;
	for (int i = 0; at && i < 400; i++) {
		size_t bytes = (1 + dice() % 8) * 512 * KIB;
		size_t from = dice() % (mib * MIB - bytes) / 4096 * 4096;
		char *other;

		madvise(at + from, bytes, MADV_DONTNEED);
		other = touch(map(bytes), bytes);
		if (other)
			munmap(other, bytes);
		refused += !other;
		touch(at + from, bytes);
	}
	return told("mappings refused of 400", at ? refused : 400);
}

/* ---- several processes --------------------------------------------------------------------- */

static int daemon_of(size_t mib, size_t kib)
{
	touch(map(mib * MIB), mib * MIB);
	if (fork())
		_exit(0);
	while (getppid() != 1)
		usleep(1000);
	return told("MiB beside what was inherited", filled(kib * KIB) / MIB);
}

static int race(size_t n, size_t kib)
{
	size_t *sums = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t shared;
	pthread_barrier_t *full = (void *)(sums + 256);
	size_t sum = 0;

	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(full, &shared, n);
	for (size_t i = 0; i < n; i++) {
		if (fork())
			continue;
		sums[i] = filled(kib * KIB);
		pthread_barrier_wait(full);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (size_t i = 0; i < n; i++)
		sum += sums[i];
	return told("MiB in all until NULL", sum / MIB);
}

static const struct {
	const char *name;
	int (*run)(size_t a, size_t b);
} shapes[] = {
	{ "fill", fill }, { "hog", hog }, { "threads", threads }, { "bss", large_bss }, { "later", later },
	{ "free", lazily_freed }, { "flip", flip }, { "churn", churn }, { "drop", drop },
	{ "daemon", daemon_of }, { "race", race },
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "file"))
		return file(argv[2]);
	for (size_t i = 0; argc > 2 && i < sizeof(shapes) / sizeof(*shapes); i++)
		if (!strcmp(argv[1], shapes[i].name))
			return shapes[i].run(strtoul(argv[2], NULL, 10),
					     argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
	return 2;
}
