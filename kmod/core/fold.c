// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "fold.h"

/* How often a shard in the middle of a write is looked at before giving up. */
#define FOLD_LOOKS	64

/**
 * ms_fold_init() - begin to read shards
 * @f:		the reader
 * @gen:	the word that tells writers which set to use, zero
 * @shards:	the shards, zero
 * @nr:		how many
 *
 * Context: before anybody writes.
 */
void ms_fold_init(struct ms_fold *f, u32 *gen, struct memstate_alloc_shard *shards,
		  u32 nr)
{
	memset(f, 0, sizeof(*f));
	f->gen = gen;
	f->shards = shards;
	f->nr = nr;
}

/**
 * ms_fold_begin() - close the set that writers use, and open the next
 * @f: the reader, without a round under way
 *
 * Context: under the caller's lock.
 */
void ms_fold_begin(struct ms_fold *f)
{
	MS_WARN_ON_ONCE(f->round);
	f->current_gen = (f->current_gen + 1) % MEMSTATE_ALLOC_SETS;
	f->waits_for = 0;
	f->seen = 0;
	f->round = true;
	/* Release: pairs with the acquire of gen in memstate_shard_enter(). */
	ms_store32_release(f->gen, f->current_gen);
	ms_mb(); /* pairs with the one in memstate_shard_enter() */
}

/* Has the shard been outside of a write since the round began? */
static bool fold_quiet(struct ms_fold *f, const u32 *seq)
{
	u32 now, i;

	for (i = 0; i < FOLD_LOOKS; i++) {
		/* Acquire: pairs with the release in memstate_shard_exit(). */
		now = ms_load32_acquire(seq);
		/* A write that begins after this one uses the next set. */
		if (!(now & 1) || (f->seen && now != f->seen))
			return true;
		f->seen = now;
		ms_relax();
	}
	return false;
}

/* Take what lies in the closed sets. */
static void fold_take(struct ms_fold *f)
{
	u32 closed = (f->current_gen + MEMSTATE_ALLOC_SETS - 1) % MEMSTATE_ALLOC_SETS;
	u32 i, c;

	for (i = 0; i < f->nr; i++) {
		u64 *set = (u64 *)f->shards[i].set[closed];

		for (c = 0; c < MEMSTATE_ALLOC_COUNTERS; c++) {
			u64 delta = ms_load64(&set[c]);

			/* Most shards have nothing new: leave their lines alone. */
			if (delta) {
				ms_store64(&set[c], 0);
				f->sums[c] += delta;
			}
		}
	}
}

/**
 * ms_fold_try() - go on with the round
 * @f: the reader, with a round under way
 *
 * Looks at each shard once, and at the one that it has to wait for a bounded number
 * of times.
 *
 * Context: under the caller's lock. Return: true: the round is complete and the sums
 * are those of the moment when it began; false: the owner of a shard is in the middle
 * of a write: give way and call again, or leave it to the next reader.
 */
bool ms_fold_try(struct ms_fold *f)
{
	MS_WARN_ON_ONCE(!f->round);
	for (; f->waits_for < f->nr; f->waits_for++) {
		if (!fold_quiet(f, &f->shards[f->waits_for].seq))
			return false;
		f->seen = 0;
	}
	fold_take(f);
	f->round = false;
	return true;
}
