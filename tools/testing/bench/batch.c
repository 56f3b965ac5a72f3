// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Ranges of 64 KiB given up, 10 to 10,000 of them, by each way of a batch and by a loop of
 * memstate_unused(). A line for each:
 *
 *   batch NUMBER WAY calls C UNIT V ratio R [beside p99 P max M alone p99 P max M]
 *
 * C   system calls of the submission, counted by ptrace
 * V   for each range, until the books have it: queueing, submitting, SYNC; the best of some
 * R   V as a ratio to the loop's of the same run
 * P M microseconds that another thread takes for an mmap of 64 KiB, the touching of its pages
 *     and the munmap: while ranges are given up, and beside a thread that only computes
 *
 * batch time     in nanoseconds
 * batch icount   in instructions of the whole machine, workers of the kernel's included: where
 *                the time-stamp counter counts them (vm.sh -i)
 *
 * Other numbers of ranges can be given behind that. Which back end is used says
 * MEMSTATE_BACKEND.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <memstate.h>

#define PAGE	4096UL
#define RANGE	(64UL << 10)
#define SAMPLES	100000
/* Few ranges are soon given up, and beside much else that goes on. */
#define REPS(nr)	((nr) < 1000 ? 24 : 4)
/* Long enough to see who is held up. */
#define STALL_NS	2e8

/* In place of a way: a loop without a batch. */
#define LOOP	MEMSTATE_BATCH_AUTO

static bool counts_instructions;

/* Between a measuring process and its parent; shared. */
static struct {
	double cost;
	double beside[2], alone[2];	/* p99, max */
	unsigned long calls;
	bool done;
	char why[128];
} *result;

static double now(void)
{
	struct timespec t;

	if (counts_instructions)
		return (double)__builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "batch: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* ---- giving up ------------------------------------------------------------------ */

static struct memstate_batch *batch;
static enum memstate_batch_way the_way;
static char *mem;
static int nr;

static void prepare(int number, enum memstate_batch_way way)
{
	nr = number;
	the_way = way;
	mem = memstate_reserve(2 * nr * RANGE, MEMSTATE_HEAP);
	if (!mem || memstate_map(mem, 2 * nr * RANGE, MEMSTATE_HEAP))
		die("memory");
	madvise(mem, 2 * nr * RANGE, MADV_NOHUGEPAGE);
	if (way == LOOP)
		return;
	if (memstate_batch_open(&batch, nr, way))
		die("memstate_batch_open");
	if (memstate_batch_way(batch) != way) {
		snprintf(result->why, sizeof(result->why), "%s", memstate_batch_why(batch));
		_exit(0);
	}
}

static void touch(void)
{
	for (int i = 0; i < nr; i++) {
		char *p = mem + 2 * i * RANGE;

		if (memstate_used(p, RANGE, MEMSTATE_HEAP))
			die("memstate_used");
		for (size_t k = 0; k < RANGE; k += PAGE)
			p[k] = 1;
	}
	memstate_sync();
}

static void give_up(void)
{
	for (int i = 0; i < nr; i++)
		if (the_way == LOOP ?
		    memstate_unused(mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP) :
		    memstate_batch_unused(batch, mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP))
			die("unused");
	if (the_way != LOOP && memstate_batch_submit(batch))
		die("memstate_batch_submit");
}

static void measure_cost(void)
{
	for (int i = 0; i < REPS(nr); i++) {
		double began, took;

		touch();
		began = now();
		give_up();
		memstate_sync();
		took = (now() - began) / nr;
		/* The first one warms up. */
		if (i == 1 || (i && took < result->cost))
			result->cost = took;
	}
}

/* ---- who is held up ---------------------------------------------------------------- */

static int phase, ended;
static double *samples[2];
static size_t nr_samples[2];

static void *allocate(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&ended, __ATOMIC_RELAXED)) {
		int which = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
		double began = now();
		char *p = mmap(NULL, RANGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			die("mmap");
		for (size_t k = 0; k < RANGE; k += PAGE)
			p[k] = 1;
		munmap(p, RANGE);
		if (!which)
			which = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);
		if (which && nr_samples[which - 1] < SAMPLES)
			samples[which - 1][nr_samples[which - 1]++] = now() - began;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void summarize(int which, double *out)
{
	size_t n = nr_samples[which];

	if (!n)
		return;
	qsort(samples[which], n, sizeof(double), by_value);
	out[0] = samples[which][n * 99 / 100] / 1000;
	out[1] = samples[which][n - 1] / 1000;
}

static void measure_stalls(void)
{
	double spent = 0, began;
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		samples[i] = calloc(SAMPLES, sizeof(double));
	if (!samples[0] || !samples[1] || pthread_create(&thread, NULL, allocate, NULL))
		die("thread");
	for (int i = 0; i < 400 && spent < STALL_NS; i++) {
		touch();
		began = now();
		__atomic_store_n(&phase, 1, __ATOMIC_RELEASE);
		give_up();
		__atomic_store_n(&phase, 0, __ATOMIC_RELEASE);
		spent += now() - began;
	}
	__atomic_store_n(&phase, 2, __ATOMIC_RELEASE);
	for (began = now(); now() - began < STALL_NS;)
		;
	__atomic_store_n(&ended, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	summarize(0, result->beside);
	summarize(1, result->alone);
}

/* ---- counting system calls ------------------------------------------------------------ */

static void traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		die("ptrace");
	touch();
	raise(SIGSTOP);
	syscall(SYS_getppid);
	give_up();
	syscall(SYS_getppid);
}

/* From one getppid to the next. */
static void count_calls(pid_t child)
{
	struct __ptrace_syscall_info info;
	bool counting = false;
	int status;

	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return;
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			return;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr == SYS_getppid) {
			counting = !counting;
			if (!counting)
				result->done = true;
		} else if (counting) {
			result->calls++;
		}
	}
}

/* ---- all of it ------------------------------------------------------------------------- */

static bool in_child(int number, enum memstate_batch_way way, void (*what)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prepare(number, way);
		what();
		_exit(0);
	}
	if (what == traced)
		count_calls(pid);
	return waitpid(pid, &status, 0) == -1 || !status;
}

static bool row(int number, enum memstate_batch_way way, double *loop)
{
	const char *name = way == LOOP ? "loop" : memstate_batch_way_name(way);

	memset(result, 0, sizeof(*result));
	if (!in_child(number, way, measure_cost))
		return false;
	if (*result->why) {
		printf("batch %d %s not here: %s\n", number, name, result->why);
		return true;
	}
	if (way == LOOP)
		*loop = result->cost;
	if (counts_instructions) {
		printf("batch %d %s insn %.0f ratio %.3f\n", number, name, result->cost,
		       result->cost / *loop);
		return true;
	}
	if (!in_child(number, way, traced) || !result->done ||
	    !in_child(number, way, measure_stalls))
		return false;
	printf("batch %d %s calls %lu ns %.0f ratio %.3f beside p99 %.0f max %.0f "
	       "alone p99 %.0f max %.0f\n", number, name, result->calls, result->cost,
	       result->cost / *loop, result->beside[0], result->beside[1], result->alone[0],
	       result->alone[1]);
	return true;
}

static bool rows(int number)
{
	double loop = 1;

	for (int way = LOOP; way <= MEMSTATE_BATCH_URING_POSTS; way++)
		if (!row(number, (enum memstate_batch_way)way, &loop)) {
			fprintf(stderr, "batch: %d ranges: measuring failed\n", number);
			return false;
		}
	return true;
}

int main(int argc, char **argv)
{
	static const int numbers[] = { 10, 100, 1000, 10000 };
	const char *mode = argc > 1 ? argv[1] : "";

	counts_instructions = !strcmp(mode, "icount");
	for (int i = 2; i < argc; i++)
		if (atoi(argv[i]) < 1 || atoi(argv[i]) > 100000)
			mode = "";
	if (strcmp(mode, "time") && strcmp(mode, "icount")) {
		fprintf(stderr, "usage: batch time|icount [NUMBER...]\n");
		return 2;
	}
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (result == MAP_FAILED)
		die("mmap");
	unsetenv("MEMSTATE_BATCH");
	for (int i = 2; i < argc; i++)
		if (!rows(atoi(argv[i])))
			return 1;
	for (int i = 0; argc == 2 && i < 4; i++)
		if (!rows(numbers[i]))
			return 1;
	return 0;
}
