// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The library: books and real effects together. With the back end that
 * MEMSTATE_BACKEND names; where there is the device, with that too.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "tap.h"

#define BYTES		(64 * 4096)
#define C		MEMSTATE_USER2

static int on_device;

static struct memstate_totals now(void)
{
	struct memstate_totals t;

	if (memstate_totals(&t, 0))
		abort();
	return t;
}

static uint64_t in(const struct memstate_totals *t, unsigned int state)
{
	return t->bytes[state - 1][C];
}

/* Are so many bytes in these states, and the direct count with them? */
static int books(uint64_t reserved, uint64_t prepared, uint64_t ready)
{
	struct memstate_totals t = now();

	return in(&t, MEMSTATE_RESERVED) == reserved &&
	       in(&t, MEMSTATE_PREPARED) == prepared &&
	       in(&t, MEMSTATE_READY) == ready &&
	       memstate_totals_charged(&t) == t.ready_direct;
}

/* "rw-p" of the mapping that holds an address, "" if there is none. */
static const char *perms(const void *addr)
{
	static char p[8];
	unsigned long start, end;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");

	p[0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		char q[8];

		if (sscanf(line, "%lx-%lx %4s", &start, &end, q) == 3 &&
		    start <= (uintptr_t)addr && (uintptr_t)addr < end)
			strcpy(p, q);
	}
	if (f)
		fclose(f);
	return p;
}

static int resident(void *addr, size_t bytes)
{
	unsigned char vec[BYTES / 4096];
	int n = 0;

	if (mincore(addr, bytes, vec))
		return -1;
	for (size_t i = 0; i < bytes / 4096; i++)
		n += vec[i] & 1;
	return n;
}

static void test_verbs(void)
{
	char *p = memstate_reserve(BYTES, C);
	struct memstate_totals t = now();
	uint64_t drift = t.drift, transitions = t.transitions;

	tap_ok(p && !strcmp(perms(p), "---p") && books(BYTES, 0, 0),
	       "reserve_takes_address_space_only");
	tap_ok(!memstate_map(p, BYTES / 2, C) && !strcmp(perms(p), "rw-p") &&
		       !strcmp(perms(p + BYTES / 2), "---p") &&
		       books(BYTES / 2, BYTES / 2, 0),
	       "map_makes_accessible");
	tap_ok(!memstate_used(p, BYTES / 2, C) && books(BYTES / 2, 0, BYTES / 2),
	       "used_makes_ready");
	memset(p, 7, BYTES / 2);
	tap_is(resident(p, BYTES / 2), BYTES / 2 / 4096, "what_is_used_is_resident");
	tap_ok(!memstate_unused(p, 4096 * 2, C) && resident(p, BYTES / 2) == 30 &&
		       p[0] == 0 && p[2 * 4096] == 7 &&
		       books(BYTES / 2, 2 * 4096, BYTES / 2 - 2 * 4096),
	       "unused_drops_the_contents");
	tap_ok(!memstate_fault(p, 4 * 4096, C) && !strcmp(perms(p), "---p") &&
		       books(BYTES / 2 + 4 * 4096, 0, BYTES / 2 - 4 * 4096),
	       "fault_keeps_the_address_space_only");
	t = now();
	tap_ok(t.transitions == transitions + 4 && t.ranges == 3 && t.tasks == 1,
	       "totals_count_transitions_ranges_and_the_task");
	tap_is(t.drift, drift, "verbs_in_order_do_not_drift");
	memstate_used(p + BYTES - 4096, 4096, C);
	t = now();
	tap_is(t.drift, drift + 1, "verb_out_of_order_is_drift");
	tap_ok(!memstate_free(p, BYTES) && !*perms(p) && books(0, 0, 0),
	       "free_unmaps");
	p = memstate_alloc(BYTES, C);
	tap_ok(p && !strcmp(perms(p), "rw-p") && books(0, 0, BYTES),
	       "alloc_is_ready_at_once");
	memstate_free(p, BYTES);
	p = memstate_mmap_unaccounted(BYTES);
	tap_ok(p && books(0, 0, 0) && !memstate_munmap_unaccounted(p, BYTES),
	       "unaccounted_memory_is_in_no_book");
}

static void test_errors(void)
{
	char *p = memstate_alloc(BYTES, C);
	struct memstate_record rec[2] = {};
	struct memstate_range range;
	struct memstate_finding finding;
	struct memstate_totals t;
	struct rlimit was, low;
	uint64_t cursor = 0;
	uint32_t done = 7;
	void *q;

	tap_ok(!memstate_reserve(0, C) && !memstate_alloc(4095, C),
	       "reserve_and_alloc_refuse_odd_lengths");
	tap_is(memstate_map(p, 0, C), -EINVAL, "map_refuses_length_0");
	tap_is(memstate_map(p + 1, 4096, C), -EINVAL, "map_refuses_an_odd_address");
	tap_is(memstate_used(p, 4095, C), -EINVAL, "used_refuses_an_odd_length");
	tap_is(memstate_unused(p + 8, 4096, C), -EINVAL, "unused_refuses_an_odd_address");
	tap_is(memstate_fault(p, 1, C), -EINVAL, "fault_refuses_an_odd_length");
	tap_is(memstate_free(p + 1, 4096), -EINVAL, "free_refuses_an_odd_address");
	tap_ok(books(0, 0, BYTES), "verbs_refused_change_no_book");
	tap_is(memstate_post(8, 0, 0, 0, p, 4096), -EINVAL, "post_refuses_from");
	tap_is(memstate_post(0, 8, 0, 0, p, 4096), -EINVAL, "post_refuses_to");
	tap_is(memstate_post(0, 0, 8, 0, p, 4096), -EINVAL, "post_refuses_class");
	tap_is(memstate_post(0, 0, 0, 8, p, 4096), -EINVAL, "post_refuses_flags");
	tap_is(memstate_post(0, 0, 0, 0, p, 0), -EINVAL, "post_refuses_length_0");
	tap_is(memstate_post(0, 0, 0, 0, p + 1, 4096), -EINVAL, "post_refuses_an_odd_address");
	tap_is(memstate_post(0, 0, 0, 0, p, (size_t)1 << 44), -EINVAL,
	       "post_refuses_a_length_that_does_not_fit");
	tap_is(memstate_totals(&t, 2), -EINVAL, "totals_refuses_unknown_flags");
	tap_is(memstate_ranges(&cursor, &range, 0, &done), -EINVAL, "ranges_wants_room");
	tap_is(memstate_audit(&cursor, &finding, 0, &done), -EINVAL, "audit_wants_room");
	tap_is(memstate_totals_fd(-1, &t), -EBADF, "totals_fd_of_no_descriptor");
	tap_is(memstate_totals_fd(0, &t), -ENOTTY, "totals_fd_of_another_file");
	tap_is(memstate_ranges_fd(-1, &cursor, &range, 1, &done), -EBADF,
	       "ranges_fd_of_no_descriptor");

	/* record 1 is malformed: lazy Ready */
	rec[0].w0 = (uintptr_t)p | MEMSTATE_READY | MEMSTATE_PREPARED << 3 | C << 6;
	rec[0].w1 = 1;
	rec[1] = rec[0];
	rec[1].w0 = (uintptr_t)p | MEMSTATE_ANY | MEMSTATE_READY << 3 | MEMSTATE_LAZY << 9;
	tap_ok(memstate_apply(rec, 2, &done) == -EINVAL && done == 1 &&
		       books(0, 4096, BYTES - 4096),
	       "apply_stops_at_the_malformed_record_and_says_which");
	memstate_used(p, 4096, C);

	/* The call itself: sanitizers make nothing of mlock(). */
	if (syscall(SYS_mlock, p, BYTES)) {
		tap_skip("mlock is not allowed", "unused_that_fails_is_taken_back");
	} else {
		tap_ok(memstate_unused(p, BYTES, C) == -EINVAL && books(0, 0, BYTES),
		       "unused_that_fails_is_taken_back");
		syscall(SYS_munlock, p, BYTES);
	}

	q = memstate_mmap_unaccounted(BYTES);
	memstate_munmap_unaccounted(q, BYTES);
	tap_ok(memstate_map(q, BYTES, C) == -ENOMEM && books(0, 0, BYTES),
	       "map_of_nothing_fails_and_is_not_reported");

	getrlimit(RLIMIT_AS, &was);
	low = was;
	low.rlim_cur = 4096;
	setrlimit(RLIMIT_AS, &low);
	q = memstate_reserve((size_t)1 << 30, C);
	setrlimit(RLIMIT_AS, &was);
	tap_ok(!q && books(0, 0, BYTES), "reserve_at_the_address_limit_fails_unreported");
	memstate_free(p, BYTES);
	tap_ok(books(0, 0, 0), "nothing_is_left");
}

static void test_reading(void)
{
	char *p = memstate_reserve(BYTES, C);
	struct memstate_range r[8];
	struct memstate_finding f[8];
	struct memstate_totals before = now(), t;
	uint64_t cursor = 0;
	uint32_t done, n = 0, kinds[4] = {};
	int ret;

	memstate_map(p + 4096, 4096, C);
	memstate_used(p + 4096, 4096, C);
	do {
		ret = memstate_ranges(&cursor, &r[n], 1, &done);
		n += done;
	} while (!ret && cursor && n < 8);
	tap_ok(!ret && n == 3 && r[0].start == (uintptr_t)p && r[0].end == r[1].start &&
		       r[1].state == MEMSTATE_READY && r[1].class_ == C &&
		       r[1].end - r[1].start == 4096 && r[2].end == (uintptr_t)p + BYTES,
	       "ranges_one_at_a_time_give_all");

	for (int i = 0; i < 10000; i++)
		ret |= memstate_post(MEMSTATE_READY, i & 1 ? MEMSTATE_READY : MEMSTATE_PREPARED,
				     C, MEMSTATE_ONLY, p + 4096, 4096);
	t = now();
	tap_ok(!ret && t.transitions == before.transitions + 10002,
	       "more_posts_than_the_ring_holds_all_arrive");
	memstate_sync();
	memstate_totals(&before, MEMSTATE_TOTALS_LAST);
	t = now();
	tap_ok(!memcmp(&t, &before, sizeof(t)), "totals_after_sync_are_the_last_drains");

	memstate_fault(p, BYTES, C);
	memstate_map(p, 4 * 4096, C);
	memstate_used(p, 4 * 4096, C);
	cursor = 0;
	n = 0;
	do {
		ret = memstate_audit(&cursor, f, 8, &done);
		n += done;
	} while (!ret && cursor);
	tap_ok(!ret && !n, "audit_of_honest_books_finds_nothing");

	mprotect(p, 4096, PROT_READ);			/* Ready, not writable */
	p[4096] = 1;
	memstate_post(MEMSTATE_READY, MEMSTATE_RESERVED, C, 0, p + 4096, 4096);
	munmap(p + BYTES - 4096, 4096);			/* not reported */
	cursor = 0;
	n = 0;
	do {
		ret = memstate_audit(&cursor, f, 1, &done);
		for (uint32_t i = 0; i < done; i++) {
			int at = f[i].kind == MEMSTATE_AUDIT_UNMAPPED ? BYTES / 4096 - 1 :
				 f[i].kind == MEMSTATE_AUDIT_RESIDENT ? 1 : 0;

			if (f[i].kind < 4 && f[i].start == (uintptr_t)p + at * 4096 &&
			    f[i].end == f[i].start + 4096)
				kinds[f[i].kind]++;
			n++;
		}
	} while (!ret && cursor && n < 100);
	/* The kernel has seen the unmapping. */
	tap_ok(!ret && n == 3 - (uint32_t)on_device && kinds[1] == !on_device &&
		       kinds[2] == 1 && kinds[3] == 1,
	       "audit_finds_each_kind_where_it_is");
	memstate_free(p, BYTES);
}

/* What a child saw, as an exit status: bits of what was right. */
static int child_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int in_child(char *p, const struct memstate_totals *parent)
{
	struct memstate_totals t;
	int good = 0;

	if (memstate_totals(&t, 0))
		return 0;
	good |= !memcmp(t.bytes, parent->bytes, sizeof(t.bytes)) ? 1 : 0;
	memstate_unused(p, 4096, C);
	good |= books(0, 4096, BYTES - 4096) ? 2 : 0;
	memstate_free(p, BYTES);
	good |= books(0, 0, 0) ? 4 : 0;
	return good;
}

static void test_move(void)
{
	char *p = memstate_reserve(4 * BYTES, C), *q = p + 2 * BYTES;

	memstate_map(p, 3 * BYTES, C);
	memstate_used(p, BYTES, C);
	memset(p, 'a', BYTES);
	tap_is(memstate_move(p + 1, BYTES, q, BYTES, C), -EINVAL, "move_refuses_an_odd_source");
	tap_is(memstate_move(p, BYTES, q + 1, BYTES, C), -EINVAL, "move_refuses_an_odd_target");
	tap_is(memstate_move(p, BYTES - 1, q, BYTES, C), -EINVAL, "move_refuses_an_odd_length");
	tap_is(memstate_move(p, BYTES, q, BYTES + 1, C), -EINVAL, "move_refuses_an_odd_new_length");
	tap_is(memstate_move(p, BYTES, q, BYTES / 2, C), -EINVAL, "move_refuses_to_shorten");
	tap_is(memstate_move(p, BYTES, p + BYTES / 2, BYTES, C), -EINVAL, "move_refuses_an_overlap");
	tap_ok(books(BYTES, 2 * BYTES, BYTES) && p[0] == 'a' && p[BYTES - 1] == 'a',
	       "move_that_fails_changes_nothing");
	tap_is(memstate_move(p, BYTES / 2, q, BYTES, C), 0, "move");
	tap_ok(q[0] == 'a' && q[BYTES / 2 - 1] == 'a' && !q[BYTES / 2],
	       "move_takes_the_contents_along");
	tap_is(*perms(p), 0, "move_leaves_a_hole");
	tap_ok(books(BYTES, BYTES / 2 * 2, BYTES / 2 + BYTES), "move_takes_the_charge_along");
	memstate_unused(q, BYTES, C);
	tap_ok(books(BYTES, 2 * BYTES, BYTES / 2), "move_has_made_an_ordinary_range");
	memstate_free(p + BYTES / 2, BYTES / 2);
	memstate_free(p + BYTES, 3 * BYTES);
	tap_ok(books(0, 0, 0), "move_leaves_nothing");
}

/* A daemon closes all it has, whatever it is, and forks. */
static void test_closed(void)
{
	char *p = memstate_alloc(BYTES, C);
	struct memstate_totals t = now();
	pid_t pid;

	syscall(SYS_close_range, 3, ~0U, 0);
	pid = fork();
	if (!pid)
		_exit(in_child(p, &t));
	tap_is(child_status(pid), 7, "fork_after_all_was_closed_child_has_books");
	syscall(SYS_close_range, 3, ~0U, 0);
	tap_ok(!memstate_sync() && books(0, 0, BYTES), "books_outlive_their_descriptor");
	memstate_free(p, BYTES);
}

/* Of handlers that run between the library's: they were registered before. */
static char *handled;
/* What they report is entered into the books at once. */
static int entered;

static void handler_before(void)
{
	if (handled)
		memstate_unused(handled, 4096, C);
	if (entered && memstate_sync())
		abort();
}

static void handler_after(void)
{
	if (handled && memstate_used(handled, 4096, C))
		abort();
	if (entered && memstate_sync())
		abort();
}

__attribute__((constructor(101))) static void first_handlers(void)
{
	pthread_atfork(handler_before, handler_after, handler_after);
}

static void test_handlers(void)
{
	char *p = memstate_alloc(BYTES, C);
	struct memstate_totals t = now();
	pid_t pid;

	handled = p;
	alarm(60);
	pid = fork();
	if (!pid)
		_exit(in_child(p, &t));
	alarm(0);
	handled = NULL;
	tap_is(child_status(pid), 7, "fork_handlers_of_others_may_report_in_the_child");
	tap_ok(books(0, 0, BYTES), "fork_handlers_of_others_may_report_in_the_parent");
	tap_ok(!memstate_atfork(), "fork_handlers_are_registered_once");
	memstate_free(p, BYTES);
}

static int fork_with_handlers(char *p)
{
	/* Who waits for a lock of its own hears no signal, but comes to the end of its time. */
	struct rlimit seconds = { 10, 10 };
	pid_t pid;

	if (setrlimit(RLIMIT_CPU, &seconds) || memstate_used(p, BYTES, C))
		return 1;
	handled = p;
	entered = 1;
	pid = fork();
	return pid ? child_status(pid) : 7;
}

static void test_handlers_that_enter(void)
{
	char *p = memstate_alloc(BYTES, C);
	pid_t pid = fork();

	if (!pid)
		_exit(fork_with_handlers(p));
	tap_is(child_status(pid), 7, "fork_handlers_of_others_may_have_it_entered_at_once");
	memstate_free(p, BYTES);
}

static void test_fork(void)
{
	char *p = memstate_alloc(BYTES, C);
	struct memstate_totals t = now();
	volatile pid_t pid;

	/* In the ring, not yet drained, when the child is made. */
	memstate_post(MEMSTATE_READY, MEMSTATE_READY, C, 0, p, 4096);
	pid = fork();
	if (!pid)
		_exit(in_child(p, &t));
	tap_is(child_status(pid), 7, "fork_child_has_books_of_its_own");
	tap_ok(books(0, 0, BYTES), "fork_parent_keeps_its_books");

	if (UNDER_TSAN) {
		tap_skip("ThreadSanitizer knows no raw clone", "raw_clone_child_has_books");
		tap_skip("ThreadSanitizer makes a fork of vfork", "vfork_child_shares_the_books");
	} else {
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!pid)
			_exit(in_child(p, &t));
		tap_is(child_status(pid), 7, "raw_clone_child_has_books");
		pid = vfork();
		if (!pid) {
			memstate_post(MEMSTATE_READY, MEMSTATE_PREPARED, C, 0, p, 4096);
			_exit(0);
		}
		child_status(pid);
		tap_ok(books(0, 4096, BYTES - 4096), "vfork_child_shares_the_books");
		memstate_used(p, 4096, C);
	}
	memstate_free(p, BYTES);
}

#define THREADS	4
static uint32_t stop;

/* Moves its part to and fro between Prepared and Ready: the sum stays. */
static void *mover(void *arg)
{
	for (int i = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); i++) {
		memstate_post(i & 1 ? MEMSTATE_PREPARED : MEMSTATE_READY,
			      i & 1 ? MEMSTATE_READY : MEMSTATE_PREPARED, C, 0, arg,
			      BYTES / THREADS);
		if (i % 1000 == 0)
			sched_yield();
	}
	return NULL;
}

static void test_threads(void)
{
	char *p = memstate_alloc(BYTES, C);
	struct memstate_totals before = now(), t;
	int bad = 0, forks = 0;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, mover, p + i * (BYTES / THREADS));
	for (int i = 0; i < 300; i++) {
		t = now();
		bad += in(&t, MEMSTATE_PREPARED) + in(&t, MEMSTATE_READY) != BYTES ||
		       memstate_totals_charged(&t) != t.ready_direct;
	}
	tap_is(bad, 0, "reader_among_threads_always_sees_the_same_sum");
	if (UNDER_TSAN) {
		tap_skip("ThreadSanitizer does not support forks among threads",
			 "fork_among_threads_does_not_deadlock_the_child");
	} else {
		for (int i = 0; i < 50; i++) {
			pid_t pid = fork();

			if (!pid) {
				alarm(20);
				t = now();
				_exit(in(&t, MEMSTATE_PREPARED) +
				      in(&t, MEMSTATE_READY) == BYTES ? 7 : 1);
			}
			forks += child_status(pid) == 7;
		}
		tap_is(forks, 50, "fork_among_threads_does_not_deadlock_the_child");
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	t = now();
	tap_is(t.drift, before.drift, "each_threads_posts_stay_in_order");
	memstate_free(p, BYTES);
	tap_ok(books(0, 0, 0), "threads_leave_nothing");
}

#define SIGNALS	200

static char *signal_page;
static uint32_t signal_posts, signal_calls, signals_over;

static void on_signal(int sig)
{
	(void)sig;
	for (int i = 0; i < 200; i++)
		if (!memstate_post(MEMSTATE_READY, MEMSTATE_READY, C, 0, signal_page, 4096))
			__atomic_fetch_add(&signal_posts, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&signal_calls, 1, __ATOMIC_RELEASE);
}

/* One after the other, wherever @arg, a thread, is just then. */
static void *send_signals(void *arg)
{
	for (uint32_t i = 0; i < SIGNALS; i++) {
		pthread_kill(*(pthread_t *)arg, SIGALRM);
		while (__atomic_load_n(&signal_calls, __ATOMIC_ACQUIRE) <= i) {
			if (__atomic_load_n(&signals_over, __ATOMIC_RELAXED))
				return NULL;
			sched_yield();
		}
	}
	__atomic_store_n(&signals_over, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void test_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t self = pthread_self(), sender;
	struct memstate_totals before, t;
	uint32_t mine = 0;

	signal_page = memstate_alloc(4096, C);
	before = now();
	sigaction(SIGALRM, &sa, NULL);
	pthread_create(&sender, NULL, send_signals, &self);
	/* ThreadSanitizer keeps a signal back, perhaps for all that this does. */
	while (mine < 200000 ||
	       (!__atomic_load_n(&signals_over, __ATOMIC_RELAXED) && mine < 20000000))
		mine += !memstate_post(MEMSTATE_READY, MEMSTATE_READY, C, 0,
				       signal_page, 4096);
	__atomic_store_n(&signals_over, 1, __ATOMIC_RELAXED);
	pthread_join(sender, NULL);
	signal(SIGALRM, SIG_IGN);
	t = now();
	printf("# %u posts by the program, %u by its signal handler, called %u times\n", mine,
	       signal_posts, signal_calls);
	tap_ok(signal_posts > 0 &&
		       t.transitions - before.transitions == (uint64_t)mine + signal_posts,
	       "posts_of_a_signal_handler_and_of_what_it_interrupts_all_arrive");
	memstate_free(signal_page, 4096);
}

/* As if a handler had come between claim and publish, and posted a great deal. */
static void test_unpublished(void)
{
	struct memstate_record rec;
	char *p = memstate_alloc(4096, C);
	struct memstate_totals before = now(), t;
	u32 pos, more = 50, n = ms_lib.ring.entries + more, failed = 0;

	if (!ms_ring_claim(&ms_lib.ring, &pos))
		abort();
	for (u32 i = 0; i < n; i++)
		failed += memstate_post(MEMSTATE_READY, MEMSTATE_READY, C, 0, p, 4096) != 0;
	t = now();
	tap_is(failed, 0, "posts_behind_an_unpublished_slot_do_not_fail");
	tap_is(t.transitions - before.transitions, more + 1,
	       "posts_that_find_no_room_are_applied_at_once");
	rec = ms_record_make((uintptr_t)p, 4096, MEMSTATE_READY, MEMSTATE_READY, C, 0);
	ms_ring_publish(&ms_lib.ring, pos, &rec);
	t = now();
	tap_is(t.transitions - before.transitions, n + 1,
	       "once_published_the_rest_follows_and_nothing_is_lost");
	memstate_free(p, 4096);
}

int main(void)
{
	const char *wanted = getenv("MEMSTATE_BACKEND");

	on_device = wanted && !strcmp(wanted, "device");
	tap_ok(memstate_backend() == (on_device ? MEMSTATE_BACKEND_DEVICE :
						  MEMSTATE_BACKEND_EMBEDDED) &&
		       wanted && !strcmp(memstate_backend_name(), wanted),
	       "back_end_is_the_one_asked_for");
	test_verbs();
	test_errors();
	test_reading();
	test_unpublished();
	test_move();
	test_fork();
	test_handlers();
	test_handlers_that_enter();
	test_closed();
	test_threads();
	test_signals();
	return tap_end();
}
