/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Statistics whose writers are not trusted to end a write: what lies in shards that
 * a program shares with whoever reads them (struct memstate_alloc_shard).
 *
 * Model
 *
 *   The scheme is that of stats.h: sequence word, three sets, a generation. Three
 *   things differ, because the writers are a program's threads. The sums are the
 *   reader's own: it takes what lies in a closed set, adds it to them and leaves
 *   zeros. A round can be left unfinished: it goes on with the next call, and the
 *   generation stays until it is complete. And nothing that lies in a shard decides
 *   how long anything lasts or what is touched: seq is compared, never used.
 *
 *   A round is complete when each shard has been seen outside of a write, or in
 *   another write than at first. Only then is anything taken, so the sums are always
 *   those of whole rounds, made of whole writes only.
 *
 * Locking
 *
 *   Writers: none, as in stats.h. The reader: the caller's lock.
 *
 * Barriers
 *
 *   enter (memstate_shard_enter() of libmemstate): seq odd, full barrier, load of gen
 *   ms_fold_begin(): gen moved on, full barrier; ms_fold_try(): load of seq
 *     Either the writer uses the new set or the reader sees it write.
 *   exit releases seq -> ms_fold_try() acquires it: the closed set is whole.
 *   ms_fold_begin() releases gen -> enter acquires it: the set that is used next
 *     holds the zeros that were left there.
 *   tools/testing/model/stats-*.litmus, as for stats.h.
 *
 * Races
 *
 *   A writer that does not keep to the protocol makes its own figures wrong: what it
 *   writes into a set while that is taken is counted once, twice or not at all.
 */
#ifndef MS_CORE_FOLD_H
#define MS_CORE_FOLD_H

#include "port.h"
#include <linux/memstate.h>

/**
 * struct ms_fold - the reader of a program's shards
 * @gen:	shown to the writers; written by the reader only
 * @shards:	the shards, hostile
 * @nr:		how many
 * @current_gen: what @gen was last set to
 * @waits_for:	first shard that has not been seen outside of a write in this round
 * @seen:	its seq when it was first looked at, 0: it has not been
 * @round:	a round is under way
 * @sums:	of all rounds that are complete; they wrap
 */
struct ms_fold {
	u32 *gen;
	struct memstate_alloc_shard *shards;
	u32 nr;
	u32 current_gen;
	u32 waits_for;
	u32 seen;
	bool round;
	u64 sums[MEMSTATE_ALLOC_COUNTERS];
};

void ms_fold_init(struct ms_fold *f, u32 *gen, struct memstate_alloc_shard *shards,
		  u32 nr);
void ms_fold_begin(struct ms_fold *f);
bool ms_fold_try(struct ms_fold *f);

#endif /* MS_CORE_FOLD_H */
