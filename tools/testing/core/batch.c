// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Batches of the library, with the back end that MEMSTATE_BACKEND names: each way leaves the
 * same books and drops the same memory, whatever fails. Each scenario has a process of its own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#include "tap.h"

#define PAGE	4096UL
#define RANGE	(16 * PAGE)
#define NR	600
#define WAYS	4

static const enum memstate_batch_way ways[WAYS] = {
	MEMSTATE_BATCH_CALLS,
	MEMSTATE_BATCH_VECTOR,
	MEMSTATE_BATCH_URING,
	MEMSTATE_BATCH_URING_POSTS,
};

static bool device;

/* A debug kernel, emulated: less of everything does as well. */
static bool slow(void)
{
	const char *percent = getenv("MEMSTATE_TEST_SCALE");

	return percent && atoi(percent) < 10;
}

/* ---- a process of its own for each scenario --------------------------------------- */

/* What it has to say; shared. */
static struct outcome {
	bool done;
	char failed[160];
	char why[160];
	enum memstate_batch_way way;
	struct memstate_totals totals;
	uint64_t in_core;
	int results[16];
} *outcome;

#define CHECK(cond) check(cond, #cond, __LINE__)

static bool check(bool good, const char *what, int line)
{
	if (!good && !*outcome->failed)
		snprintf(outcome->failed, sizeof(outcome->failed), "line %d: %s", line, what);
	return good;
}

/* Credit goes back first: at rest what is charged is what is held. */
static struct memstate_totals books(void)
{
	struct memstate_totals t;

	memset(&t, 0xff, sizeof(t));
	CHECK(!memstate_sync());
	CHECK(!memstate_trim());
	CHECK(!memstate_totals(&t, 0));
	return t;
}

static bool at_rest(const struct memstate_totals *t)
{
	return t->charged + t->inherited + t->breached == t->ready_direct &&
	       !t->breached;
}

static uint64_t in_core(char *mem, size_t bytes)
{
	static unsigned char pages[4 * NR * RANGE / PAGE];
	uint64_t sum = 0;

	if (mincore(mem, bytes, pages))
		return ~0UL;
	for (size_t i = 0; i < bytes / PAGE; i++)
		sum += pages[i] & 1;
	return sum * PAGE;
}

static void run(void (*scenario)(enum memstate_batch_way), enum memstate_batch_way way)
{
	pid_t pid;

	memset(outcome, 0, sizeof(*outcome));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		alarm(300);
		scenario(way);
		outcome->done = true;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	if (!outcome->done && !*outcome->failed)
		snprintf(outcome->failed, sizeof(outcome->failed), "it died");
	if (*outcome->failed)
		printf("# %s\n", outcome->failed);
	if (*outcome->why)
		printf("# why: %s\n", outcome->why);
}

static struct memstate_batch *opened(enum memstate_batch_way way, uint32_t nr)
{
	struct memstate_batch *b = NULL;

	if (!CHECK(!memstate_batch_open(&b, nr, way)))
		_exit(1);
	return b;
}

/* Ready memory with contents. Huge pages would come and go: khugepaged fills holes. */
static char *arena(size_t bytes)
{
	char *mem = memstate_alloc(bytes, MEMSTATE_HEAP);

	if (!CHECK(mem))
		_exit(1);
	madvise(mem, bytes, MADV_NOHUGEPAGE);
	memset(mem, 1, bytes);
	return mem;
}

static void finish(struct memstate_batch *b, char *mem, size_t bytes)
{
	snprintf(outcome->why, sizeof(outcome->why), "%s", memstate_batch_why(b));
	outcome->way = memstate_batch_way(b);
	outcome->totals = books();
	outcome->in_core = in_core(mem, bytes);
	CHECK(at_rest(&outcome->totals));
}

/* The same totals but for how many records it took. */
static bool same_books(const struct memstate_totals *a, const struct memstate_totals *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes)) && a->ready_direct == b->ready_direct &&
	       a->drift == b->drift && a->rejected == b->rejected && a->ranges == b->ranges &&
	       a->charged == b->charged && a->breached == b->breached;
}

/* What each way, or each that has a ring, has to be like: the plain one. */
static void compare(const char *name, void (*scenario)(enum memstate_batch_way), bool all)
{
	static struct outcome plain;

	for (int i = 0; i < WAYS; i++) {
		const char *way = memstate_batch_way_name(ways[i]);

		if (ways[i] == MEMSTATE_BATCH_VECTOR && !all)
			continue;
		run(scenario, ways[i]);
		if (!i)
			plain = *outcome;
		tap_ok(outcome->done && !*outcome->failed, "%s: %s does it", name, way);
		tap_ok(same_books(&outcome->totals, &plain.totals) &&
		       !memcmp(outcome->results, plain.results, sizeof(plain.results)),
		       "%s: %s leaves the books and results of plain calls", name, way);
		tap_is(outcome->in_core, plain.in_core, "%s: %s leaves the same memory", name, way);
		if (ways[i] == MEMSTATE_BATCH_URING && !device)
			tap_ok(outcome->way != ways[i] && strstr(outcome->why, "embedded"),
			       "%s: without a device %s is said not to be there", name, way);
		else if (!*outcome->why)
			tap_ok(outcome->way == ways[i], "%s: %s was taken", name, way);
	}
}

/* ---- scenarios ------------------------------------------------------------------------ */

static void many(enum memstate_batch_way way)
{
	int nr = slow() ? 100 : NR;
	struct memstate_batch *b = opened(way, nr);
	char *mem = arena(2 * nr * RANGE);
	struct memstate_totals before = books(), after;

	for (int i = 0; i < nr; i++)
		CHECK(!memstate_batch_unused(b, mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(memstate_batch_result(b, 0) == -EAGAIN);
	CHECK(!memstate_batch_submit(b));
	for (int i = 0; i < nr; i++) {
		CHECK(!memstate_batch_result(b, i));
		CHECK(!mem[2 * i * RANGE] && !mem[2 * i * RANGE + RANGE - 1]);
		CHECK(mem[(2 * i + 1) * RANGE] == 1 && mem[(2 * i + 2) * RANGE - 1] == 1);
	}
	after = books();
	CHECK(memstate_totals_state(&before, MEMSTATE_READY) -
	      memstate_totals_state(&after, MEMSTATE_READY) == nr * RANGE);
	CHECK(before.charged - after.charged == nr * RANGE);
	CHECK(before.drift == after.drift && before.rejected == after.rejected);
	/* A batch that was submitted is done. */
	CHECK(!memstate_batch_submit(b) && !memstate_batch_nr(b));
	/* Looked at, it was touched. */
	finish(b, mem, 0);
	memstate_batch_close(b);
}

/* Again and again, and more than fits in a ring at once, but where it is slow. */
static void rounds(enum memstate_batch_way way)
{
	uint32_t nr = slow() ? 200 : 2500;
	struct memstate_batch *b = opened(way, nr);
	char *mem = arena(2 * nr * PAGE);
	enum { ROUNDS = 2 };

	for (int k = 0; k < ROUNDS; k++) {
		for (uint32_t i = 0; i < nr; i++)
			CHECK(!memstate_batch_unused(b, mem + 2 * i * PAGE, PAGE, MEMSTATE_HEAP));
		CHECK(memstate_batch_nr(b) == nr);
		CHECK(!memstate_batch_submit(b));
		CHECK(in_core(mem, 2 * nr * PAGE) == nr * PAGE);
		for (uint32_t i = 0; k < ROUNDS - 1 && i < nr; i++) {
			CHECK(!memstate_used(mem + 2 * i * PAGE, PAGE, MEMSTATE_HEAP));
			mem[2 * i * PAGE] = 1;
		}
	}
	finish(b, mem, 2 * nr * PAGE);
}

/* Neighbours, upwards and downwards, of two classes, and what is freed between them. */
static void joined(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 16);
	char *mem = arena(32 * RANGE), *gone = arena(8 * RANGE);

	for (int i = 0; i < 4; i++)
		CHECK(!memstate_batch_unused(b, mem + i * RANGE, RANGE, MEMSTATE_HEAP));
	for (int i = 11; i >= 8; i--)
		CHECK(!memstate_batch_unused(b, mem + i * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_free(b, gone, RANGE));
	CHECK(!memstate_batch_free(b, gone + RANGE, RANGE));
	CHECK(!memstate_batch_free(b, gone + 4 * RANGE, RANGE));
	CHECK(!memstate_batch_unused(b, mem + 12 * RANGE, RANGE, MEMSTATE_METADATA));
	CHECK(!memstate_batch_submit(b));
	CHECK(in_core(gone, RANGE) == ~0UL && in_core(gone + RANGE, RANGE) == ~0UL);
	CHECK(in_core(gone + 4 * RANGE, RANGE) == ~0UL);
	CHECK(in_core(gone + 2 * RANGE, 2 * RANGE) == 2 * RANGE);
	finish(b, mem, 32 * RANGE);
}

/* One is partly unmapped, one is locked, alone and between two neighbours. */
static void failing(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 16);
	char *mem = arena(32 * RANGE);

	CHECK(!memstate_free(mem + 2 * RANGE + 4 * PAGE, PAGE));
	CHECK(!syscall(SYS_mlock, mem + 6 * RANGE, RANGE));
	CHECK(!syscall(SYS_mlock, mem + 11 * RANGE + PAGE, PAGE));
	CHECK(!memstate_batch_unused(b, mem, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 2 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 4 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 6 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 8 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 10 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 11 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 12 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(memstate_batch_submit(b) == -ENOMEM);
	for (int i = 0; i < 8; i++)
		outcome->results[i] = memstate_batch_result(b, i);
	CHECK(outcome->results[1] == -ENOMEM && outcome->results[3] == -EINVAL);
	CHECK(outcome->results[6] == -EINVAL);
	CHECK(!outcome->results[0] && !outcome->results[2] && !outcome->results[4] &&
	      !outcome->results[5] && !outcome->results[7]);
	finish(b, mem + 3 * RANGE, 29 * RANGE);
	/* It kept its state and its charge: what is left of it can still be given up. */
	CHECK(!syscall(SYS_munlock, mem + 6 * RANGE, RANGE));
	CHECK(!memstate_batch_unused(b, mem + 6 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_submit(b));
}

/* The program says of memory that it was Ready, and it was not: drift, whatever way. */
static void wrong(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 16);
	char *mem = arena(16 * RANGE);

	CHECK(!memstate_unused(mem + PAGE, 2 * PAGE, MEMSTATE_HEAP));
	CHECK(!memstate_unused(mem + 4 * RANGE, RANGE, MEMSTATE_HEAP));
	/* Partly Prepared, and cannot be dropped. */
	CHECK(!memstate_unused(mem + 8 * RANGE, PAGE, MEMSTATE_HEAP));
	CHECK(!syscall(SYS_mlock, mem + 8 * RANGE, RANGE));
	CHECK(!memstate_batch_unused(b, mem, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 4 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_unused(b, mem + 8 * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(memstate_batch_submit(b) == -EINVAL);
	for (int i = 0; i < 3; i++)
		outcome->results[i] = memstate_batch_result(b, i);
	syscall(SYS_munlock, mem + 8 * RANGE, RANGE);
	finish(b, mem, 16 * RANGE);
	/* Which page of it is Ready may differ; how many are does not. */
	outcome->totals.ranges = 0;
}

/* A limit that is met all the time: what cannot be dropped is not refused its own charge. */
static void limited(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 64);
	char *mem = arena(128 * RANGE);
	struct memstate_totals t;

	CHECK(!syscall(SYS_mlock, mem, 4 * RANGE));
	t = books();
	/* What the library keeps in reserve is charged as well. */
	CHECK(!memstate_self_limit(MEMSTATE_UNLIMITED, t.charged + 4 * RANGE));
	for (int k = 0; k < 8; k++) {
		for (int i = 0; i < 64; i++)
			CHECK(!memstate_batch_unused(b, mem + 2 * i * RANGE, RANGE,
						     MEMSTATE_HEAP));
		CHECK(memstate_batch_submit(b) == -EINVAL);
		for (int i = 0; i < 64; i++)
			CHECK(memstate_batch_result(b, i) == (i < 2 ? -EINVAL : 0));
		/* What plain calls have posted comes back when it is drained. */
		CHECK(!memstate_sync());
		for (int i = 2; i < 64 && k < 7; i++)
			CHECK(!memstate_used(mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP));
	}
	syscall(SYS_munlock, mem, 4 * RANGE);
	finish(b, mem, 128 * RANGE);
	CHECK(outcome->totals.breaches == 0);
}

static volatile sig_atomic_t alarms;
static unsigned int enters;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static bool interrupting;

/* In each system call, but every third that may wait for the ring: so that it goes on. */
static void interrupted(enum memstate_batch_way way)
{
	struct sigaction act = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &act, NULL);
	interrupting = true;
	rounds(way);
	interrupting = false;
	CHECK(alarms > 0);
}

/* ---- taken in pieces ------------------------------------------------------------------ */

/* How many entries the kernel takes at once, 0: all; and whether some reports are no calls. */
static long pieces;
static bool spoilt;
static struct io_uring_sqe *entries;
static unsigned int cuts, spoils;

/* The most that one process_madvise() was given: ranges, and bytes of more than one. */
static bool weighed;
static long vector_ranges;
static size_t vector_bytes;

static void before_vector(const struct iovec *iov, long nr)
{
	size_t bytes = 0;

	for (long i = 0; i < nr; i++)
		bytes += iov[i].iov_len;
	if (nr > vector_ranges)
		vector_ranges = nr;
	if (nr > 1 && bytes > vector_bytes)
		vector_bytes = bytes;
}

/* For short of memory it takes less than is queued, and cuts a link that is on the edge. */
static void before_enter(long *args)
{
	for (int i = 0; spoilt && i < 64; i++)
		if (entries[i].opcode == IORING_OP_URING_CMD && entries[i].user_data / 2 % 3 == 0) {
			entries[i].off = ~0U;
			spoils++;
		}
	if (!pieces || args[1] <= pieces)
		return;
	args[1] = pieces;
	args[2] = 0;
	args[3] = 0;
	cuts++;
}

/*
 * A call with a signal in it: that is blocked when it comes, so that the call begins with it,
 * and there where the kernel waits for a ring it is not.
 */
static long with_signal(long (*call)(long nr, ...), long nr, const long *args)
{
	bool waits = nr == SYS_io_uring_enter && args[3] & IORING_ENTER_GETEVENTS && !args[4];
	sigset_t none, alarm, saved;
	int error;
	long ret;

	sigemptyset(&none);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, &saved);
	raise(SIGALRM);
	ret = call(nr, args[0], args[1], args[2], args[3], waits ? (long)&none : args[4],
		   waits ? _NSIG / 8 : args[5]);
	error = errno;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	errno = error;
	return ret;
}

/*
 * The library's system calls, all of them, go through this syscall(). Whoever has fewer
 * arguments leaves the others to chance, which variable ones may not be.
 */
long interposed(long nr, long a, long b, long c, long d, long e, long f) __asm__("syscall");

long interposed(long nr, long a, long b, long c, long d, long e, long f)
{
	static long (*next)(long nr, ...);
	long (*call)(long nr, ...) = __atomic_load_n(&next, __ATOMIC_RELAXED);
	long args[6] = { a, b, c, d, e, f }, ret;

	if (!call) {
		call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
		__atomic_store_n(&next, call, __ATOMIC_RELAXED);
	}
	if (nr == SYS_io_uring_enter && (pieces || spoilt))
		before_enter(args);
	if (nr == SYS_process_madvise && weighed)
		before_vector((struct iovec *)b, c);
	/* The library blocks signals itself by such a call, and lets them through again. */
	if (interrupting && nr != SYS_rt_sigprocmask &&
	    (nr != SYS_io_uring_enter || enters++ % 3 != 2))
		ret = with_signal(call, nr, args);
	else
		ret = call(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (nr == SYS_mmap && args[4] >= 0 && args[5] == IORING_OFF_SQES && ret != -1)
		entries = (struct io_uring_sqe *)ret;
	return ret;
}

static void disturb(enum memstate_batch_way way, long at_once, bool spoil,
		    void (*scenario)(enum memstate_batch_way))
{
	pieces = at_once;
	spoilt = spoil;
	scenario(way);
	if (outcome->way != way || way == MEMSTATE_BATCH_CALLS)
		return;
	CHECK(!pieces || cuts);
	CHECK(!spoilt || spoils || way == MEMSTATE_BATCH_URING_POSTS);
}

static void some(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 16);
	char *mem = arena(32 * RANGE);

	for (int i = 0; i < 16; i++)
		CHECK(!memstate_batch_unused(b, mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_submit(b));
	for (int i = 0; i < 16; i++)
		outcome->results[i] = memstate_batch_result(b, i);
	finish(b, mem, 32 * RANGE);
}

/* Each entry by itself: no link holds. */
static void cut_failing(enum memstate_batch_way way)
{
	disturb(way, 1, false, failing);
}

static void cut_wrong(enum memstate_batch_way way)
{
	disturb(way, 1, false, wrong);
}

/* Some links hold, and some do not. */
static void cut_some(enum memstate_batch_way way)
{
	disturb(way, 3, false, some);
}

/* Their MADVISE is cancelled; or it is done, for the link is cut. */
static void spoilt_some(enum memstate_batch_way way)
{
	disturb(way, 0, true, some);
}

static void cut_and_spoilt(enum memstate_batch_way way)
{
	disturb(way, 1, true, some);
}

/* The lock is held for all of a call: others wait for a few ranges, or for one that is large. */
static void bounded(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 256);
	const size_t large = 3UL << 20;
	char *mem = arena(256 * 2 * PAGE), *wide = arena(4 * 2 * large);

	for (int i = 0; i < 250; i++)
		CHECK(!memstate_batch_unused(b, mem + 2 * i * PAGE, PAGE, MEMSTATE_HEAP));
	for (int i = 0; i < 4; i++)
		CHECK(!memstate_batch_unused(b, wide + 2 * i * large, large, MEMSTATE_HEAP));
	weighed = true;
	CHECK(!memstate_batch_submit(b));
	CHECK(vector_ranges > 1 && vector_ranges <= 64);
	CHECK(vector_bytes <= 4UL << 20);
	finish(b, wide, 4 * 2 * large);
	CHECK(outcome->in_core == 4 * large);
}

/* ---- refused and lost ------------------------------------------------------------------- */

static bool filter(long nr, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* All is dropped all the same, and it is said why not as wished. */
static void refused(enum memstate_batch_way way, long nr, int error, bool later)
{
	struct memstate_batch *b;
	char *mem = arena(32 * RANGE);

	if (!later)
		CHECK(filter(nr, error));
	b = opened(way, 16);
	if (later)
		CHECK(filter(nr, error));
	for (int i = 0; i < 16; i++)
		CHECK(!memstate_batch_unused(b, mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_submit(b));
	finish(b, mem, 32 * RANGE);
	CHECK(outcome->in_core == 16 * RANGE);
	CHECK(memstate_totals_state(&outcome->totals, MEMSTATE_READY) == 16 * RANGE);
	CHECK(outcome->way != way);
	CHECK(*outcome->why);
}

static void setup_eperm(enum memstate_batch_way way)
{
	refused(way, SYS_io_uring_setup, EPERM, false);
	CHECK(strstr(outcome->why, "io_uring: Operation not permitted"));
}

static void setup_enosys(enum memstate_batch_way way)
{
	refused(way, SYS_io_uring_setup, ENOSYS, false);
	CHECK(strstr(outcome->why, "io_uring: Function not implemented"));
}

static void register_einval(enum memstate_batch_way way)
{
	refused(way, SYS_io_uring_register, EINVAL, false);
}

static void enter_eagain(enum memstate_batch_way way)
{
	refused(way, SYS_io_uring_enter, EAGAIN, true);
}

static void enter_eperm(enum memstate_batch_way way)
{
	refused(way, SYS_io_uring_enter, EPERM, true);
}

static void vector_enosys(enum memstate_batch_way way)
{
	refused(way, SYS_process_madvise, ENOSYS, false);
	CHECK(strstr(outcome->why, "process_madvise: Function not implemented"));
}

static void vector_eperm_later(enum memstate_batch_way way)
{
	refused(way, SYS_process_madvise, EPERM, true);
}

static bool can(enum memstate_batch_way way)
{
	struct memstate_batch *b;
	bool yes = false;

	if (!memstate_batch_open(&b, 8, way)) {
		yes = memstate_batch_way(b) == way;
		if (!yes)
			printf("# no %s: %s\n", memstate_batch_way_name(way),
			       memstate_batch_why(b));
		memstate_batch_close(b);
	}
	return yes;
}

static void try(const char *name, void (*scenario)(enum memstate_batch_way),
		enum memstate_batch_way way)
{
	char full[160];

	/* That it is not there without one is a test of its own. */
	if (way == MEMSTATE_BATCH_URING && !device)
		return;
	snprintf(full, sizeof(full), "%s: %s", memstate_batch_way_name(way), name);
	if (!can(way)) {
		tap_skip("there is no such way here", full);
		return;
	}
	run(scenario, way);
	tap_ok(outcome->done && !*outcome->failed, "%s", full);
}

/* ---- descriptors --------------------------------------------------------------------------- */

static int ring_fd(int after)
{
	char path[32], name[64];
	ssize_t n;

	for (int fd = after + 1; fd < 4096; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, name, sizeof(name) - 1);
		if (n > 0 && (name[n] = '\0', strstr(name, "io_uring")))
			return fd;
	}
	return -1;
}

static void drop_some(struct memstate_batch *b, char *mem)
{
	for (int i = 0; i < 16; i++)
		CHECK(!memstate_batch_unused(b, mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP));
	CHECK(!memstate_batch_submit(b));
	for (int i = 0; i < 16; i++)
		CHECK(!memstate_batch_result(b, i));
	CHECK(in_core(mem, 32 * RANGE) == 16 * RANGE);
	for (int i = 0; i < 16; i++) {
		CHECK(!memstate_used(mem + 2 * i * RANGE, RANGE, MEMSTATE_HEAP));
		memset(mem + 2 * i * RANGE, 1, RANGE);
	}
}

static void all_closed(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 16);
	char *mem = arena(32 * RANGE);

	drop_some(b, mem);
	CHECK(ring_fd(-1) > 2);
	CHECK(fcntl(ring_fd(-1), F_GETFD) & FD_CLOEXEC);
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	drop_some(b, mem);
	CHECK(memstate_batch_way(b) == way);
	finish(b, mem, 32 * RANGE);
	CHECK(outcome->totals.ready_direct == 32 * RANGE);
}

/* The program has a ring of its own, with an entry in it, under our number. */
static void number_reused(enum memstate_batch_way way)
{
	struct memstate_batch *b = opened(way, 16);
	struct io_uring_params p = {};
	char *mem = arena(32 * RANGE), *rings;
	int fd, ours, number;
	uint32_t *tail, *head;

	drop_some(b, mem);
	ours = ring_fd(-1);
	number = ours;
	fd = syscall(SYS_io_uring_setup, 8, &p);
	CHECK(fd >= 0 && ours > 0);
	CHECK(dup2(fd, number) == number);
	rings = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, IORING_OFF_SQ_RING);
	CHECK(rings != MAP_FAILED);
	tail = (uint32_t *)(rings + p.sq_off.tail);
	head = (uint32_t *)(rings + p.sq_off.head);
	/* A NOP. */
	*tail += 1;
	drop_some(b, mem);
	CHECK(*head == 0);
	memstate_batch_close(b);
	CHECK(fcntl(number, F_GETFD) >= 0);
}

static void in_child(enum memstate_batch_way way, bool raw)
{
	struct memstate_batch *b = opened(way, 16);
	char *mem = arena(32 * RANGE);
	int status = -1;
	pid_t pid;

	drop_some(b, mem);
	pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) : fork();
	if (!pid) {
		struct memstate_totals t;

		drop_some(b, mem);
		CHECK(memstate_batch_way(b) == way);
		t = books();
		CHECK(t.ready_direct == 32 * RANGE);
		memstate_batch_close(b);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(!status);
	drop_some(b, mem);
	finish(b, mem, 32 * RANGE);
	CHECK(outcome->totals.ready_direct == 32 * RANGE);
}

static void forked(enum memstate_batch_way way)
{
	in_child(way, false);
}

static void cloned(enum memstate_batch_way way)
{
	in_child(way, true);
}

/* ---- several threads, at a limit --------------------------------------------------------------- */

#define THREADS		3
#define EACH		64

static int stop_watching;

static void *give_and_take(void *arg)
{
	struct memstate_batch *b = arg;
	char *mem = memstate_reserve(2 * EACH * RANGE, MEMSTATE_HEAP);
	int times = slow() ? 10 : 40;
	bool held[EACH] = {};

	CHECK(mem && !memstate_map(mem, 2 * EACH * RANGE, MEMSTATE_HEAP));
	for (int k = 0; k < times; k++) {
		for (int i = 0; i < EACH; i++) {
			int ret = held[i] ? 0 : memstate_used(mem + 2 * i * RANGE, RANGE,
							      MEMSTATE_HEAP);

			CHECK(!ret || ret == -EDQUOT);
			if (!ret && !held[i])
				mem[2 * i * RANGE] = 1;
			held[i] |= !ret;
		}
		for (int i = 0; i < EACH; i++)
			if (held[i] && (i + k) % 8)
				CHECK(!memstate_batch_unused(b, mem + 2 * i * RANGE, RANGE,
							     MEMSTATE_HEAP));
		CHECK(!memstate_batch_submit(b));
		for (int i = 0; i < EACH; i++)
			if ((i + k) % 8)
				held[i] = false;
	}
	memstate_free(mem, 2 * EACH * RANGE);
	return NULL;
}

static void *watch(void *arg)
{
	uint64_t max = *(uint64_t *)arg;
	struct memstate_totals t;

	while (!__atomic_load_n(&stop_watching, __ATOMIC_RELAXED)) {
		CHECK(!memstate_totals(&t, 0));
		CHECK(t.charged <= max);
		CHECK(t.ready_direct <= t.charged);
		sched_yield();
	}
	return NULL;
}

static void contended(enum memstate_batch_way way)
{
	uint64_t max = (THREADS * EACH / 2) * RANGE;
	pthread_t threads[THREADS], watcher;
	struct memstate_batch *b[THREADS];
	struct memstate_totals t;

	CHECK(!memstate_self_limit(MEMSTATE_UNLIMITED, max));
	pthread_create(&watcher, NULL, watch, &max);
	for (int i = 0; i < THREADS; i++) {
		b[i] = opened(way, EACH);
		pthread_create(&threads[i], NULL, give_and_take, b[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* Not before: ThreadSanitizer does not see that its memory is unmapped. */
	for (int i = 0; i < THREADS; i++)
		memstate_batch_close(b[i]);
	__atomic_store_n(&stop_watching, 1, __ATOMIC_RELAXED);
	pthread_join(watcher, NULL);
	t = books();
	CHECK(at_rest(&t));
	snprintf(outcome->why, sizeof(outcome->why), "ready %llu, breaches %llu, drift %llu, rejected %llu",
		 (unsigned long long)t.ready_direct, (unsigned long long)t.breaches,
		 (unsigned long long)t.drift, (unsigned long long)t.rejected);
	CHECK(!t.ready_direct && !t.breaches && !t.drift && !t.rejected);
}

/* ---- arguments ------------------------------------------------------------------------------------ */

static void arguments(void)
{
	struct memstate_batch *b = NULL, *none = (void *)1;
	static char page[2 * PAGE] __attribute__((aligned(4096)));

	tap_is(memstate_batch_open(&none, 0, MEMSTATE_BATCH_AUTO), -EINVAL,
	       "open: a batch of none is refused");
	tap_ok(!none, "open: and there is no batch then");
	tap_is(memstate_batch_open(&none, (1u << 20) + 1, MEMSTATE_BATCH_AUTO), -EINVAL,
	       "open: one of too many is refused");
	tap_is(memstate_batch_open(&none, 8, (enum memstate_batch_way)5), -EINVAL,
	       "open: an unknown way is refused");
	tap_is(memstate_batch_open(&b, 2, MEMSTATE_BATCH_AUTO), 0, "open: a good one is made");
	tap_ok(memstate_batch_way(b) != MEMSTATE_BATCH_AUTO, "open: and a way is chosen: %s",
	       memstate_batch_way_name(memstate_batch_way(b)));
	tap_is(memstate_batch_submit(b), 0, "submit: nothing is nothing");
	tap_is(memstate_batch_unused(b, page + 1, PAGE, MEMSTATE_HEAP), -EINVAL,
	       "unused: an odd address is refused");
	tap_is(memstate_batch_unused(b, page, PAGE - 1, MEMSTATE_HEAP), -EINVAL,
	       "unused: an odd length is refused");
	tap_is(memstate_batch_unused(b, page, 0, MEMSTATE_HEAP), -EINVAL,
	       "unused: no length is refused");
	tap_is(memstate_batch_unused(b, page, PAGE, (enum memstate_class)8), -EINVAL,
	       "unused: an unknown class is refused");
	tap_is(memstate_batch_unused(b, (void *)-PAGE, 2 * PAGE, MEMSTATE_HEAP), -EINVAL,
	       "unused: beyond the end of the address space is refused");
	tap_is(memstate_batch_free(b, page + 1, PAGE), -EINVAL,
	       "free: an odd address is refused");
	tap_is(memstate_batch_free(b, page, 0), -EINVAL, "free: no length is refused");
	tap_is(memstate_batch_nr(b), 0, "and none of these was queued");
	tap_ok(!memstate_batch_unused(b, page, PAGE, MEMSTATE_HEAP) &&
	       !memstate_batch_unused(b, page + PAGE, PAGE, MEMSTATE_HEAP),
	       "unused: two fit in");
	tap_is(memstate_batch_unused(b, page, PAGE, MEMSTATE_HEAP), -ENOSPC,
	       "unused: a third does not");
	tap_is(memstate_batch_result(b, 0), -EAGAIN, "result: not before it is submitted");
	tap_is(memstate_batch_result(b, 2), -EINVAL, "result: of no range is refused");
	tap_ok(memstate_batch_way_name((enum memstate_batch_way)5) == NULL,
	       "an unknown way has no name");
	memstate_batch_close(b);
	memstate_batch_close(NULL);
}

static void environment(enum memstate_batch_way way)
{
	struct memstate_batch *b;

	(void)way;
	setenv("MEMSTATE_BATCH", "calls", 1);
	b = opened(MEMSTATE_BATCH_AUTO, 100);
	CHECK(memstate_batch_way(b) == MEMSTATE_BATCH_CALLS && !*memstate_batch_why(b));
	memstate_batch_close(b);
	setenv("MEMSTATE_BATCH", "io_uring_posts", 1);
	b = opened(MEMSTATE_BATCH_AUTO, 100);
	CHECK(memstate_batch_way(b) == MEMSTATE_BATCH_URING_POSTS || *memstate_batch_why(b));
	memstate_batch_close(b);
	/* Who asks for a way gets that. */
	b = opened(MEMSTATE_BATCH_CALLS, 100);
	CHECK(memstate_batch_way(b) == MEMSTATE_BATCH_CALLS);
	memstate_batch_close(b);
	setenv("MEMSTATE_BATCH", "fast", 1);
	b = opened(MEMSTATE_BATCH_AUTO, 100);
	CHECK(strstr(memstate_batch_why(b), "MEMSTATE_BATCH is not"));
	memstate_batch_close(b);
	unsetenv("MEMSTATE_BATCH");
}

int main(void)
{
	const enum memstate_batch_way rings[] = { MEMSTATE_BATCH_URING,
						  MEMSTATE_BATCH_URING_POSTS };

	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsetenv("MEMSTATE_BATCH");
	device = memstate_backend() == MEMSTATE_BACKEND_DEVICE;
	printf("# back end %s\n", memstate_backend_name());
	arguments();
	run(environment, MEMSTATE_BATCH_AUTO);
	tap_ok(outcome->done && !*outcome->failed, "the environment names a way");
	compare("many", many, true);
	compare("rounds", rounds, true);
	compare("joined", joined, true);
	compare("failing", failing, true);
	compare("wrong", wrong, true);
	compare("limited", limited, true);
	compare("failing, taken one by one", cut_failing, false);
	compare("wrong, taken one by one", cut_wrong, false);
	compare("taken by threes", cut_some, false);
	compare("reports that fail", spoilt_some, false);
	compare("reports that fail, taken one by one", cut_and_spoilt, false);
	for (int i = 0; i < WAYS; i++)
		try("at a limit, several threads, and nothing passes it", contended, ways[i]);
	try("no call takes long", bounded, MEMSTATE_BATCH_VECTOR);
	try("refused from the beginning: plain calls", vector_enosys, MEMSTATE_BATCH_VECTOR);
	try("refused later on: plain calls", vector_eperm_later, MEMSTATE_BATCH_VECTOR);
	for (int i = 0; i < 2; i++) {
		try("setup is forbidden", setup_eperm, rings[i]);
		try("setup is not there", setup_enosys, rings[i]);
		try("the kernel takes nothing for want of memory", enter_eagain, rings[i]);
		try("entering is forbidden later on", enter_eperm, rings[i]);
		try("signals all the time", interrupted, rings[i]);
		try("the program closes all descriptors", all_closed, rings[i]);
		try("the program has a ring of its own under the number", number_reused, rings[i]);
		try("a child has a ring of its own", forked, rings[i]);
		try("a child of raw clone likewise", cloned, rings[i]);
	}
	try("the device cannot be registered", register_einval, MEMSTATE_BATCH_URING);
	return tap_end();
}
