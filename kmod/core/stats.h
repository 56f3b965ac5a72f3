/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Consistent statistics that are read without stopping those who write them.
 *
 * Model
 *
 *   Counters that belong together are written in *shards*, one per writer (per
 *   CPU in the kernel). A shard has a sequence word, odd while its owner
 *   writes, and three sets of deltas; the *generation* says which set writers
 *   use. A reader moves the generation on, waits until each shard has been
 *   seen outside of a write, folds the set before into the one it just closed,
 *   clears it for the next round and sums up. So the sum is made of whole
 *   writes only, and nobody waits for a reader.
 *
 *   The scheme is that of consistentHeapStats in Go's runtime/mstats.go.
 *
 * Locking
 *
 *   Writers: none; a shard has one writer at a time, who cannot be preempted by
 *   another writer of the same shard between enter and exit.
 *   Readers: one at a time; the caller's lock.
 *
 * Barriers
 *
 *   ms_stats_enter(): seq odd, full barrier, load of gen
 *   ms_stats_read():  gen moved on, full barrier, load of seq
 *     Either the writer uses the new set or the reader sees it write: the
 *     store-buffering pattern, tools/testing/model/stats-*.litmus.
 *   ms_stats_exit() releases seq -> ms_stats_read() acquires it: the deltas of
 *     the closed set are whole.
 *   ms_stats_read() releases gen -> ms_stats_enter() acquires it: the set that
 *     is used next has been cleared.
 */
#ifndef MS_CORE_STATS_H
#define MS_CORE_STATS_H

#include "port.h"

#define MS_STATS_GENERATIONS	3
#define MS_STATS_MAX		40

/**
 * struct ms_stats_shard - one writer's counters
 * @seq:	odd while the owner writes
 * @set:	deltas by generation; they wrap, and add up
 */
struct ms_stats_shard {
	u32 seq;
	u64 set[MS_STATS_GENERATIONS][MS_STATS_MAX];
} __attribute__((aligned(64)));

/**
 * struct ms_stats - a group of counters
 * @gen:	which set writers use, 0 to 2
 * @nr_shards:	number of shards
 * @nr_counters: counters in use, at most MS_STATS_MAX
 * @shards:	the shards
 */
struct ms_stats {
	u32 gen;
	u32 nr_shards;
	u32 nr_counters;
	struct ms_stats_shard **shards;
};

u64 *ms_stats_enter(struct ms_stats *s, struct ms_stats_shard *shard);
void ms_stats_exit(struct ms_stats_shard *shard);
void ms_stats_read(struct ms_stats *s, u64 *out);

/**
 * ms_stats_add() - add to a counter
 * @set:	from ms_stats_enter()
 * @counter:	which
 * @delta:	how much; negative ones wrap
 *
 * Context: between enter and exit.
 */
static inline void ms_stats_add(u64 *set, u32 counter, u64 delta)
{
	ms_store64(&set[counter], ms_load64(&set[counter]) + delta);
}

#endif /* MS_CORE_STATS_H */
