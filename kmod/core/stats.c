// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "stats.h"

/**
 * ms_stats_enter() - begin to write
 * @s:		the statistics
 * @shard:	the caller's shard
 *
 * Context: the shard's owner, not to be preempted by another writer of it.
 * Return: the set to give to ms_stats_add() until ms_stats_exit().
 */
u64 *ms_stats_enter(struct ms_stats *s, struct ms_stats_shard *shard)
{
	u32 seq = ms_load32(&shard->seq);

	MS_WARN_ON_ONCE(seq & 1);
	ms_store32(&shard->seq, seq + 1);
	ms_mb(); /* pairs with the one in ms_stats_read() */
	/* Acquire: pairs with the release of gen in ms_stats_read(). */
	return shard->set[ms_load32_acquire(&s->gen)];
}

/**
 * ms_stats_exit() - end a write
 * @shard: the caller's shard
 *
 * Context: after ms_stats_enter().
 */
void ms_stats_exit(struct ms_stats_shard *shard)
{
	/* Release: pairs with the acquire of seq in ms_stats_read(). */
	ms_store32_release(&shard->seq, ms_load32(&shard->seq) + 1);
}

/**
 * ms_stats_read() - a snapshot of all counters
 * @s:		the statistics
 * @out:	room for nr_counters sums
 *
 * Context: readers take turns by a lock of the caller's. Waits for writers that
 * are in the middle of a write, which is a few stores long.
 */
void ms_stats_read(struct ms_stats *s, u64 *out)
{
	u32 closed = s->gen;
	u32 next = (closed + 1) % MS_STATS_GENERATIONS;
	u32 before = (closed + 2) % MS_STATS_GENERATIONS;
	u32 i, c;

	/* Release: pairs with the acquire of gen in ms_stats_enter(). */
	ms_store32_release(&s->gen, next);
	ms_mb(); /* pairs with the one in ms_stats_enter() */

	for (c = 0; c < s->nr_counters; c++)
		out[c] = 0;

	for (i = 0; i < s->nr_shards; i++) {
		struct ms_stats_shard *shard = s->shards[i];
		u32 seen = ms_load32_acquire(&shard->seq);

		/* A write that begins after this one uses the next set. */
		while ((seen & 1) && ms_load32_acquire(&shard->seq) == seen)
			ms_relax();

		for (c = 0; c < s->nr_counters; c++) {
			u64 *closed_c = &shard->set[closed][c];
			u64 *before_c = &shard->set[before][c];
			u64 sum = ms_load64(closed_c) + ms_load64(before_c);

			ms_store64(closed_c, sum);
			ms_store64(before_c, 0);
			out[c] += sum;
		}
	}
}
