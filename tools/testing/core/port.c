// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The port's primitives: values, atomicity, order. */

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port.h"
#include "tap.h"

#define THREADS	4
#define ROUNDS	20000

static u64 added;
static u32 swapped;

static void *adder(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		u32 old;

		ms_fetch_add64(&added, 3);
		do {
			old = ms_load32(&swapped);
		} while (!ms_cas32(&swapped, old, old + 1));
	}
	return NULL;
}

static u64 torn;
static u32 stop;

static void *tearer(void *arg)
{
	(void)arg;
	while (!ms_load32(&stop)) {
		ms_store64(&torn, 0);
		ms_store64(&torn, ~(u64)0);
	}
	return NULL;
}

/* Plain data, handed over by release and acquire: TSan sees if it is not. */
static u64 payload;
static u32 turn32;
static u64 turn64;

static void *echo(void *arg)
{
	u64 *sum = arg;

	for (u32 i = 1; i <= 1000; i++) {
		while (ms_load32_acquire(&turn32) != i)
			sched_yield();
		*sum += payload;
		payload = 0;
		ms_store64_release(&turn64, i);
	}
	return NULL;
}

static void test_order(void)
{
	u64 sum = 0, want = 0, left = 0;
	pthread_t t;

	pthread_create(&t, NULL, echo, &sum);
	for (u32 i = 1; i <= 1000; i++) {
		payload = i * 7;
		want += i * 7;
		ms_store32_release(&turn32, i);
		while (ms_load64_acquire(&turn64) != i)
			sched_yield();
		left += payload;
	}
	pthread_join(t, NULL);
	tap_ok(sum == want && !left, "release_acquire_hands_data_over_both_ways");
}

/* Store buffering: with both fences, not both may miss the other's store. */
static u32 sb_x, sb_y, sb_r[2], sb_round, sb_done;

static void *sb_other(void *arg)
{
	(void)arg;
	for (u32 i = 1; i <= 5000; i++) {
		while (ms_load32_acquire(&sb_round) != i)
			sched_yield();
		ms_store32(&sb_y, 1);
		ms_mb();
		ms_store32(&sb_r[1], ms_load32(&sb_x));
		ms_store32_release(&sb_done, i);
	}
	return NULL;
}

static void test_fence(void)
{
	u32 both = 0;
	pthread_t t;

	pthread_create(&t, NULL, sb_other, NULL);
	for (u32 i = 1; i <= 5000; i++) {
		ms_store32(&sb_x, 0);
		ms_store32(&sb_y, 0);
		ms_store32_release(&sb_round, i);
		ms_store32(&sb_x, 1);
		ms_mb();
		ms_store32(&sb_r[0], ms_load32(&sb_y));
		while (ms_load32_acquire(&sb_done) != i)
			sched_yield();
		both += !ms_load32(&sb_r[0]) && !ms_load32(&sb_r[1]);
	}
	pthread_join(t, NULL);
	tap_is(both, 0, "full_fences_forbid_store_buffering");
}

static void test_values(void)
{
	u32 a = 1;
	u64 b = 2;

	tap_ok(ms_load32(&a) == 1 && ms_load32_acquire(&a) == 1,
	       "load32_returns_what_is_there");
	tap_ok(ms_load64(&b) == 2 && ms_load64_acquire(&b) == 2,
	       "load64_returns_what_is_there");
	ms_store32(&a, 0xfffffffe);
	tap_ok(a == 0xfffffffe, "store32_stores");
	ms_store32_release(&a, 5);
	tap_ok(a == 5, "store32_release_stores");
	ms_store64(&b, (u64)1 << 63);
	tap_ok(b == (u64)1 << 63, "store64_stores_all_bits");
	ms_store64_release(&b, 9);
	tap_ok(b == 9, "store64_release_stores");
	tap_ok(!ms_cas32(&a, 4, 6) && a == 5, "cas32_of_another_value_does_nothing");
	tap_ok(ms_cas32(&a, 5, 6) && a == 6, "cas32_of_the_value_stores");
	tap_ok(ms_fetch_add64(&b, ~(u64)0) == 9 && b == 8,
	       "fetch_add64_returns_the_old_value_and_wraps");
	tap_ok(!MS_WARN_ON_ONCE(a == 7), "warn_of_false_is_false_and_silent");
}

static void test_warn(void)
{
	struct rlimit none = { 0, 0 };
	int status = 0, err[2];
	char text[256] = "";
	pid_t pid;

	if (pipe(err))
		return;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(err[1], 2);
		setrlimit(RLIMIT_CORE, &none);
		MS_WARN_ON_ONCE(getpid() > 0);
		_exit(0);
	}
	close(err[1]);
	waitpid(pid, &status, 0);
	if (read(err[0], text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(err[0]);
	tap_ok(!(WIFEXITED(status) && !WEXITSTATUS(status)),
	       "warn_of_true_ends_the_program");
	tap_ok(strstr(text, "getpid() > 0") != NULL,
	       "warn_says_what_was_not_to_be");
}

int main(void)
{
	pthread_t t[THREADS], tear;
	u32 half = 0;

	test_values();

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, adder, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	tap_is(added, (u64)THREADS * ROUNDS * 3, "fetch_add64_loses_nothing");
	tap_is(swapped, THREADS * ROUNDS, "cas32_loses_nothing");

	pthread_create(&tear, NULL, tearer, NULL);
	for (int i = 0; i < 200000; i++) {
		u64 v = ms_load64(&torn);

		half += v && v != ~(u64)0;
	}
	ms_store32(&stop, 1);
	pthread_join(tear, NULL);
	tap_is(half, 0, "load64_and_store64_do_not_tear");

	test_order();
	test_fence();
	test_warn();
	return tap_end();
}
