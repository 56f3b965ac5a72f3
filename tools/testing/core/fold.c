// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Folding shards: whole rounds only, whatever their writers do and leave undone. */

#include <string.h>

#include <memstate.h>

#include "fold.h"
#include "tap.h"

#define NR	3

static struct memstate_alloc_shard shards[NR];
static struct ms_fold fold;
static u32 gen;

static void begin_anew(void)
{
	memset(shards, 0, sizeof(shards));
	gen = 0;
	ms_fold_init(&fold, &gen, shards, NR);
}

static void count(u32 shard, u64 delta)
{
	uint64_t *set = memstate_shard_enter(&shards[shard], &gen);

	memstate_shard_add(set, 0, delta);
	memstate_shard_add(set, MEMSTATE_ALLOC_COUNTERS - 1, -delta);
	memstate_shard_exit(&shards[shard]);
}

static bool round_is_complete(void)
{
	ms_fold_begin(&fold);
	return ms_fold_try(&fold);
}

static bool sums_are(u64 want)
{
	return fold.sums[0] == want && fold.sums[MEMSTATE_ALLOC_COUNTERS - 1] == -want &&
	       !fold.sums[1];
}

static void test_rounds(void)
{
	u64 want = 0;

	begin_anew();
	tap_ok(round_is_complete() && sums_are(0), "round_over_nothing_is_zero");
	for (u32 i = 0; i < 2 * MEMSTATE_ALLOC_SETS; i++) {
		count(i % NR, i + 1);
		want += i + 1;
		tap_ok(round_is_complete() && sums_are(want),
		       "round_%u_has_what_was_written_before_it", i);
	}
	tap_ok(round_is_complete() && sums_are(want), "round_counts_nothing_twice");
	for (u32 s = 0; s < MEMSTATE_ALLOC_SETS; s++)
		tap_ok(!shards[0].set[s][0] && !shards[2].set[s][0],
		       "set_%u_has_been_left_zero", s);
}

static void test_unfinished(void)
{
	uint64_t *set;
	u32 at;

	begin_anew();
	count(0, 10);
	round_is_complete();
	count(0, 1);
	set = memstate_shard_enter(&shards[1], &gen);
	memstate_shard_add(set, 0, 100);
	tap_ok(!round_is_complete() && fold.round && sums_are(10),
	       "write_under_way_leaves_the_sums_of_the_round_before");
	at = gen;
	count(0, 1000);
	count(2, 1000);
	tap_ok(!ms_fold_try(&fold) && gen == at && sums_are(10),
	       "unfinished_round_keeps_its_generation");
	memstate_shard_add(set, MEMSTATE_ALLOC_COUNTERS - 1, -(u64)100);
	memstate_shard_exit(&shards[1]);
	tap_ok(ms_fold_try(&fold) && !fold.round && sums_are(111),
	       "round_goes_on_and_is_that_of_its_beginning");
	tap_ok(round_is_complete() && sums_are(2111), "what_came_meanwhile_is_in_the_next");

	/* Between two looks it ended, and another one began. */
	set = memstate_shard_enter(&shards[1], &gen);
	tap_ok(!round_is_complete(), "second_write_holds_a_round_up");
	memstate_shard_exit(&shards[1]);
	set = memstate_shard_enter(&shards[1], &gen);
	tap_ok(ms_fold_try(&fold), "another_write_than_at_first_does_not");
	memstate_shard_add(set, 0, 5);
	memstate_shard_add(set, MEMSTATE_ALLOC_COUNTERS - 1, -(u64)5);
	memstate_shard_exit(&shards[1]);
	tap_ok(round_is_complete() && sums_are(2116), "and_it_is_in_the_next_round");

	shards[2].seq = 0xfffffffe;
	set = memstate_shard_enter(&shards[2], &gen);
	tap_ok(!round_is_complete(), "write_at_the_end_of_the_sequence_is_seen");
	memstate_shard_exit(&shards[2]);
	tap_ok(shards[2].seq == 0 && ms_fold_try(&fold), "sequence_wraps");
}

static void test_hostile(void)
{
	begin_anew();
	count(0, 7);
	round_is_complete();
	memset(&shards[1], 0xff, sizeof(shards[1]));
	tap_ok(!round_is_complete(), "garbage_that_looks_like_a_write_holds_up");
	for (u32 i = 0; i < 100; i++)
		if (ms_fold_try(&fold))
			break;
	tap_ok(fold.round && sums_are(7), "and_the_sums_stay");
	shards[1].seq = 0xfffffff0;
	tap_ok(ms_fold_try(&fold), "garbage_outside_of_a_write_is_summed");
	tap_ok(fold.sums[0] == 6 && fold.sums[1] == ~(u64)0, "as_whatever_it_says");
	for (u32 i = 0; i < 3; i++)
		round_is_complete();
	tap_ok(fold.sums[0] == 4 && fold.sums[2] == -(u64)3, "once_and_for_all");
}

int main(void)
{
	test_rounds();
	test_unfinished();
	test_hostile();
	return tap_end();
}
