// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What a thread costs that has allocated a little, and then does nothing; a thousand of them; and what
 * a child of theirs copies that only runs another program. TAP.
 *
 * many limit: a limit of 128 MiB is set.
 */
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#include "names.h"
#include "tap.h"

#define KIB	((size_t)1 << 10)
#define SIZES	30
#define MANY	1000
#define COST	(64 * KIB)

extern __typeof__(memstate_malloc_stats) memstate_malloc_stats __attribute__((weak));
extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));
extern __typeof__(memstate_totals) memstate_totals __attribute__((weak));
extern __typeof__(memstate_totals_charged) memstate_totals_charged __attribute__((weak));

static pthread_barrier_t barrier;
static pthread_t threads[MANY];
static void *blocks[MANY][SIZES];
static int nothing;	/* threads allocate nothing */
static int *copied;

static size_t size_of(int i)
{
	return (size_t)(i + 1) * 16;
}

static void *allocate_little(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < SIZES && !nothing; i++) {
		blocks[me][i] = malloc(size_of(i));
		if (blocks[me][i])
			memset(blocks[me][i], me + i, size_of(i));
	}
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void begin(int nr)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN + 64 * KIB);
	pthread_barrier_init(&barrier, NULL, (unsigned int)nr + 1);
	for (int i = 0; i < nr; i++)
		if (pthread_create(&threads[i], &attr, allocate_little, (void *)(intptr_t)i))
			abort();
	pthread_barrier_wait(&barrier);
}

/* Return: whether each had all its blocks, which are as they were. */
static bool end(int nr)
{
	bool good = true;

	pthread_barrier_wait(&barrier);
	for (int t = 0; t < nr; t++) {
		pthread_join(threads[t], NULL);
		for (int i = 0; i < SIZES && !nothing; i++) {
			const unsigned char *p = blocks[t][i];

			good &= p && p[0] == (unsigned char)(t + i) &&
				p[size_of(i) - 1] == (unsigned char)(t + i);
			free(blocks[t][i]);
		}
	}
	pthread_barrier_destroy(&barrier);
	return good;
}

static size_t charged(void)
{
	struct memstate_totals totals;

	if (memstate_totals(&totals, 0))
		return 0;
	return memstate_totals_charged(&totals);
}

static void cost(int nr)
{
	size_t before = charged(), more;

	begin(nr);
	more = charged() - before;
	if (before)
		tap_ok(more <= (size_t)nr * COST, "%d threads with blocks of thirty sizes: at most 64 KiB each (%zu)",
		       nr, more / (size_t)nr / KIB);
	else
		tap_skip("without accounting", "what threads are charged");
	tap_ok(end(nr), "%d threads: each had its blocks", nr);
}

/* ---- children ---------------------------------------------------------------------- */

static long faults(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_minflt;
}

/* Pages that a child has touched when it would run another program. */
static int copied_by_a_child(void)
{
	pid_t pid;

	pid = fork();
	if (!pid) {
		*copied = (int)faults();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		abort();
	return *copied;
}

static void children_copy_little(void)
{
	int without, with;

	copied = mmap(NULL, sizeof(*copied), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (copied == MAP_FAILED)
		abort();
	/* The C library writes to what it knows of each thread. */
	nothing = 1;
	begin(MANY);
	without = copied_by_a_child();
	end(MANY);
	nothing = 0;
	begin(MANY);
	with = copied_by_a_child();
	end(MANY);
	tap_ok(with <= without + 32, "a child copies no more where a thousand threads have heaps (%d, %d pages)",
	       without, with);
}

/* In a child those of other threads are left alone, and those of threads that had ended are not. */
static void children_go_on(void)
{
	pid_t pid;
	int status;

	begin(10);
	end(10);
	begin(5);
	pid = fork();
	if (!pid) {
		struct memstate_malloc_stats stats;
		bool good;

		/* In a child of it, too. */
		pid = fork();
		if (pid && (waitpid(pid, &status, 0) != pid || status))
			_exit(3);
		for (int t = 0; t < 5; t++)
			for (int i = 0; i < SIZES; i++)
				free(blocks[t][i]);
		begin(20);
		good = end(20);
		good &= !memstate_malloc_check() && !memstate_malloc_stats(&stats);
		malloc_trim(0);
		_exit(good ? 0 : 1);
	}
	tap_ok(waitpid(pid, &status, 0) == pid && !status,
	       "children have heaps for threads, and so have theirs (%x)", status);
	end(5);
}

int main(int argc, char **argv)
{
	if (!memstate_malloc_stats) {
		tap_skip("this allocator does not tell", "what threads cost");
		return tap_end();
	}
	free(malloc(1));
	if (argc < 2 || strcmp(argv[1], "limit")) {
		cost(1);
		cost(10);
		children_copy_little();
		children_go_on();
	}
	cost(MANY);
	tap_is(memstate_malloc_check(), 0, "check: the books are in order");
	return tap_end();
}
