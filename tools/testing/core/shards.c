// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The library's statistics shards, with the back end that MEMSTATE_BACKEND names.
 * With an argument: count so many bytes, say so, and wait for the end of the input.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#include "port.h"
#include "tap.h"

#define WRITERS	3
#define READERS	2
#define READS	400

static int on_device;
static const uint32_t *gen;
static uint32_t reading;

static struct memstate_alloc now(void)
{
	struct memstate_alloc a;

	if (memstate_alloc_totals(&a))
		abort();
	return a;
}

static void count(struct memstate_alloc_shard *shard, uint64_t bytes)
{
	uint64_t *set = memstate_shard_enter(shard, gen);

	memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, bytes);
	memstate_shard_add(set, MEMSTATE_ALLOC_COUNT, 1);
	memstate_shard_add(set, MEMSTATE_IN_USE + MEMSTATE_HEAP, bytes);
	memstate_shard_exit(shard);
}

static int is_whole(const struct memstate_alloc *a)
{
	return a->counters[MEMSTATE_ALLOC_BYTES] == a->counters[MEMSTATE_IN_USE];
}

/* ---- who has which ------------------------------------------------------------- */

static void *first(void *arg)
{
	*(struct memstate_alloc_shard **)arg = memstate_shard(0);
	return NULL;
}

static void test_asking(void)
{
	struct memstate_alloc_shard *got[4];
	struct memstate_alloc a = now();
	struct rlimit was, low;
	pthread_t t[4];
	int same = 0;

	tap_ok(!a.nr_shards && !a.flags && !a.counters[0], "nobody_has_asked_and_all_is_zero");
	getrlimit(RLIMIT_AS, &was);
	low = was;
	low.rlim_cur = 4096;
	setrlimit(RLIMIT_AS, &low);
	got[0] = memstate_shard(0);
	setrlimit(RLIMIT_AS, &was);
	tap_ok(!got[0], "without_memory_there_is_none");
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, first, &got[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 4; i++)
		same += got[i] && got[i] == memstate_shard(0);
	tap_is(same, 4, "whoever_asks_first_all_get_the_same");
	tap_ok(!((uintptr_t)got[0] & 63), "shards_begin_at_a_cache_line");
	tap_ok(memstate_shard(63) == got[0] + 63 && !memstate_shard(64) && !memstate_shard(~0u),
	       "there_are_sixty_four");
	gen = memstate_shard_gen();
	tap_ok(gen && *gen < 3 && gen == memstate_shard_gen(), "gen_is_one_of_three");
	tap_ok(memstate_shard_epoch() && *memstate_shard_epoch(), "epoch_is_not_0");
	tap_is(now().nr_shards, 64, "totals_say_how_many");
}

static void test_counting(void)
{
	struct memstate_alloc a, b;
	uint64_t want = 0, *set;

	for (unsigned int i = 0; i < 7; i++) {
		count(memstate_shard(i * 9), i + 1);
		want += i + 1;
		a = now();
		tap_ok(a.counters[MEMSTATE_ALLOC_BYTES] == want && !a.flags && is_whole(&a),
		       "sum_is_exact_in_generation_%u", i);
	}
	set = memstate_shard_enter(memstate_shard(1), gen);
	memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, 100);
	a = now();
	tap_ok(a.flags == MEMSTATE_ALLOC_STALE && a.counters[MEMSTATE_ALLOC_BYTES] == want,
	       "read_in_the_middle_of_ones_own_write_is_stale_and_ends");
	memstate_shard_add(set, MEMSTATE_IN_USE, 100);
	memstate_shard_exit(memstate_shard(1));
	a = now();
	tap_ok(!a.flags && a.counters[MEMSTATE_ALLOC_BYTES] == want + 100 && is_whole(&a),
	       "after_it_the_read_is_fresh");
	tap_is(memstate_alloc_totals_fd(-1, &b), -EBADF, "totals_of_no_descriptor");
	tap_is(memstate_alloc_totals_fd(0, &b), -ENOTTY, "totals_of_another_file");
	if (on_device) {
		tap_ok(!memstate_group_alloc_totals(MEMSTATE_OWN_TASK, &b) &&
			       !memcmp(a.counters, b.counters, sizeof(a.counters)),
		       "own_task_by_another_descriptor_is_the_same");
		tap_ok(!memstate_group_alloc_totals(MEMSTATE_SYSTEM, &b) &&
			       b.counters[0] >= a.counters[0],
		       "system_has_at_least_that");
		tap_is(memstate_group_alloc_totals(0, &b), -EBADF, "group_of_another_file");
	} else {
		tap_is(memstate_group_alloc_totals(MEMSTATE_SYSTEM, &b), -ENOENT,
		       "groups_need_the_device");
	}
}

/* ---- threads ---------------------------------------------------------------------- */

struct writer {
	struct memstate_alloc_shard *shard;
	uint64_t n;
};

static void *writer(void *arg)
{
	struct writer *w = arg;

	/* Mostly outside of a write, that one is seldom preempted there. */
	while (__atomic_load_n(&reading, __ATOMIC_ACQUIRE)) {
		count(w->shard, ++w->n);
		for (int i = 0; i < 16; i++)
			ms_relax();
	}
	return NULL;
}

struct seen {
	uint32_t reads, stale, torn, backwards;
};

static void *reader(void *arg)
{
	struct seen *seen = arg;
	uint64_t last = 0;

	while (seen->reads < READS) {
		struct memstate_alloc a = now();

		seen->reads++;
		seen->stale += a.flags & MEMSTATE_ALLOC_STALE;
		seen->torn += !is_whole(&a);
		seen->backwards += a.counters[MEMSTATE_ALLOC_COUNT] < last;
		last = a.counters[MEMSTATE_ALLOC_COUNT];
		sched_yield();
	}
	__atomic_fetch_sub(&reading, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void test_threads(void)
{
	struct memstate_alloc before = now(), a;
	struct seen seen[READERS] = {};
	pthread_t t[WRITERS + READERS];
	struct writer w[WRITERS] = {};
	uint64_t writes = 0, bytes = 0;

	reading = READERS;
	for (unsigned int i = 0; i < WRITERS; i++) {
		w[i].shard = memstate_shard(10 + i);
		pthread_create(&t[i], NULL, writer, &w[i]);
	}
	for (int i = 0; i < READERS; i++)
		pthread_create(&t[WRITERS + i], NULL, reader, &seen[i]);
	for (int i = 0; i < WRITERS + READERS; i++)
		pthread_join(t[i], NULL);
	printf("# %u and %u reads, of them stale %u and %u\n", seen[0].reads, seen[1].reads,
	       seen[0].stale, seen[1].stale);
	tap_is(seen[0].torn + seen[1].torn, 0, "readers_see_whole_writes_only");
	tap_ok(seen[0].stale + seen[1].stale < 2 * READS, "not_all_of_them_are_stale");
	tap_is(seen[0].backwards + seen[1].backwards, 0, "readers_never_see_less_than_before");
	for (int i = 0; i < WRITERS; i++) {
		writes += w[i].n;
		bytes += w[i].n * (w[i].n + 1) / 2;
	}
	a = now();
	tap_is(a.counters[MEMSTATE_ALLOC_COUNT] - before.counters[MEMSTATE_ALLOC_COUNT],
	       writes, "no_write_is_lost");
	tap_is(a.counters[MEMSTATE_ALLOC_BYTES] - before.counters[MEMSTATE_ALLOC_BYTES],
	       bytes, "sum_is_exact");
}

static struct memstate_alloc in_handler;

static void on_signal(int sig)
{
	(void)sig;
	in_handler = now();
}

static void test_signal(void)
{
	struct memstate_alloc before = now();

	signal(SIGUSR1, on_signal);
	memstate_shard_enter(memstate_shard(2), gen);
	raise(SIGUSR1);
	memstate_shard_exit(memstate_shard(2));
	tap_ok(in_handler.flags == MEMSTATE_ALLOC_STALE &&
		       !memcmp(in_handler.counters, before.counters, sizeof(before.counters)),
	       "handler_that_interrupts_a_write_reads_what_was_before");
	tap_is(now().flags, 0, "and_harms_nobody");
}

/* ---- children ----------------------------------------------------------------------- */

static int in_child(const uint32_t *epoch, uint32_t parents)
{
	struct memstate_alloc a;
	int good = 0;

	good |= !*epoch ? 1 : 0;
	if (memstate_alloc_totals(&a))
		return 0;
	good |= !a.nr_shards && !a.counters[0] ? 2 : 0;
	if (!memstate_shard(0))
		return 0;
	good |= *epoch && *epoch != parents && epoch == memstate_shard_epoch() ? 4 : 0;
	gen = memstate_shard_gen();
	a = now();
	good |= a.nr_shards == 64 && !a.counters[0] && !a.flags ? 8 : 0;
	count(memstate_shard(3), 11);
	good |= now().counters[0] == 11 ? 16 : 0;
	return good;
}

static int child_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void test_children(void)
{
	const uint32_t *epoch = memstate_shard_epoch();
	struct memstate_alloc before = now(), a;
	uint32_t mine = *epoch;
	pid_t pid;

	/* A child of it is not held up by what another thread was doing. */
	memstate_shard_enter(memstate_shard(5), gen);
	pid = fork();
	if (!pid)
		_exit(in_child(epoch, mine));
	tap_is(child_status(pid), 31, "fork_child_sees_it_by_the_epoch_and_counts_anew");
	if (UNDER_TSAN) {
		tap_skip("ThreadSanitizer knows no raw clone",
			 "raw_clone_child_sees_it_by_the_epoch_and_counts_anew");
	} else {
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!pid)
			_exit(in_child(epoch, mine));
		tap_is(child_status(pid), 31,
		       "raw_clone_child_sees_it_by_the_epoch_and_counts_anew");
	}
	memstate_shard_exit(memstate_shard(5));
	a = now();
	tap_ok(*epoch == mine && !memcmp(a.counters, before.counters, sizeof(a.counters)),
	       "parent_keeps_its_own");
}

static int hold(uint64_t bytes)
{
	struct memstate_alloc_shard *shard = memstate_shard(0);
	uint64_t *set;
	char *heap = memstate_alloc(1 << 20, MEMSTATE_HEAP), byte;

	gen = memstate_shard_gen();
	if (!shard || !heap)
		return 1;
	count(shard, bytes);
	set = memstate_shard_enter(shard, gen);
	memstate_shard_add(set, MEMSTATE_IDLE_BYTES, 65536);
	memstate_shard_add(set, MEMSTATE_SLAB_BYTES, (1 << 20) - 65536);
	memstate_shard_add(set, MEMSTATE_FREE_BYTES, 1024);
	memstate_shard_exit(shard);
	puts("ready");
	fflush(stdout);
	return read(0, &byte, 1) > 0;
}

int main(int argc, char **argv)
{
	const char *wanted = getenv("MEMSTATE_BACKEND");

	if (argc > 1)
		return hold(strtoull(argv[1], NULL, 10));
	on_device = wanted && !strcmp(wanted, "device");
	tap_ok(wanted && !strcmp(memstate_backend_name(), wanted),
	       "back_end_is_the_one_asked_for");
	test_asking();
	test_counting();
	test_threads();
	test_signal();
	test_children();
	return tap_end();
}
