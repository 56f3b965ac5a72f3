// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Statistics: sums are made of whole writes, whoever writes and reads. */

#include <pthread.h>
#include <sched.h>

#include "stats.h"
#include "tap.h"

#define WRITERS	3
#define READERS	2
#define WRITES	30000

static struct ms_stats_shard shards[WRITERS];
static struct ms_stats_shard *shard_list[WRITERS] = { &shards[0], &shards[1],
						      &shards[2] };
static struct ms_stats stats = { 0, WRITERS, MS_STATS_MAX, shard_list };
static pthread_mutex_t readers = PTHREAD_MUTEX_INITIALIZER;
static u32 running = WRITERS;

static void *writer(void *arg)
{
	struct ms_stats_shard *shard = arg;

	for (u32 i = 1; i <= WRITES; i++) {
		u64 *set = ms_stats_enter(&stats, shard);

		ms_stats_add(set, 0, i);
		ms_stats_add(set, MS_STATS_MAX - 1, -(u64)i);
		ms_stats_add(set, 1, 1);
		ms_stats_exit(shard);
		if (i % 512 == 0)
			sched_yield();
	}
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

struct seen {
	u32 reads, torn, backwards;
};

static void *reader(void *arg)
{
	struct seen *seen = arg;
	u64 out[MS_STATS_MAX], last = 0;

	do {
		pthread_mutex_lock(&readers);
		ms_stats_read(&stats, out);
		pthread_mutex_unlock(&readers);
		seen->reads++;
		seen->torn += out[0] + out[MS_STATS_MAX - 1] != 0;
		seen->backwards += out[1] < last;
		last = out[1];
		sched_yield();
	} while (ms_load32_acquire(&running));
	return NULL;
}

int main(void)
{
	struct seen seen[READERS] = {};
	pthread_t t[WRITERS + READERS];
	u64 out[MS_STATS_MAX], *set;
	u32 other = 0;

	set = ms_stats_enter(&stats, &shards[0]);
	ms_stats_add(set, 5, 9);
	tap_ok(shards[0].seq & 1, "sequence_is_odd_while_writing");
	ms_stats_exit(&shards[0]);
	tap_ok(!(shards[0].seq & 1), "sequence_is_even_outside");
	for (u32 i = 0; i < 2 * MS_STATS_GENERATIONS; i++) {
		ms_stats_read(&stats, out);
		tap_is(out[5], 9, "read_%u_through_the_generations_sees_the_sum", i);
	}
	set = ms_stats_enter(&stats, &shards[1]);
	ms_stats_add(set, 5, -(u64)9);
	ms_stats_exit(&shards[1]);
	ms_stats_read(&stats, out);
	tap_is(out[5], 0, "deltas_of_two_shards_wrap_and_add_up");

	for (u32 i = 0; i < WRITERS; i++)
		pthread_create(&t[i], NULL, writer, &shards[i]);
	for (u32 i = 0; i < READERS; i++)
		pthread_create(&t[WRITERS + i], NULL, reader, &seen[i]);
	for (u32 i = 0; i < WRITERS + READERS; i++)
		pthread_join(t[i], NULL);
	printf("# %u and %u reads\n", seen[0].reads, seen[1].reads);
	tap_is(seen[0].torn + seen[1].torn, 0, "reader_sees_whole_writes_only");
	tap_is(seen[0].backwards + seen[1].backwards, 0, "reader_never_sees_less_than_before");
	ms_stats_read(&stats, out);
	tap_is(out[1], (u64)WRITERS * WRITES, "no_write_is_lost");
	tap_is(out[0], (u64)WRITERS * WRITES * (WRITES + 1) / 2, "sum_is_exact");
	for (u32 c = 2; c < MS_STATS_MAX - 1; c++)
		other += out[c] != 0;
	tap_is(other, 0, "other_counters_are_untouched");
	return tap_end();
}
