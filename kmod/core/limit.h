/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The limit tree: how much is charged where, and how much may be.
 *
 * Model
 *
 *   Each limit counts what is charged to it and to all below it. A charge goes to
 *   a limit and to every one above it, all or none: each is asked first, then it
 *   goes up level by level, each by one compare-and-swap that never passes max, and
 *   what was charged below is undone where one above refuses. The topmost decides:
 *   what is charged there is charged for good.
 *
 *   What has been charged at a level and may still be undone is counted there as
 *   *tentative*. A level refuses only what would not fit without that, either: so
 *   nobody is refused because of a charge that is on its way out again. Where the
 *   tentative bytes would make the difference the answer is MS_LIMIT_BUSY, and the
 *   caller asks again.
 *
 *   max below what is charged stands: nothing more is charged until enough has
 *   been given back. *Unlimited* is a state, not a number: nothing is compared with
 *   it. What keeps the sums from overflowing then is the @bound of each leaf.
 *
 *   All bytes are multiples of MS_LIMIT_UNIT. The low bits of a level's word, which
 *   that leaves free, are the version of its limits: whoever has looked at a max
 *   that has been changed since cannot charge by it.
 *
 * Locking
 *
 *   None for charges, from any context that is not preempted in between: others ask
 *   again until they are through. Setters of one limit wait for each other, some
 *   instructions long. Readers of peaks have the caller's lock, one for each limit.
 *
 * Races
 *
 *   BUSY means that another charge was on its way at that level, or its limits were
 *   being set. The one that has come the highest is never held up by others, so with
 *   each round of answers somebody is done. A charge is undone only if it was asked
 *   for at each level, fitted, and another one was faster.
 *   @peak and @recent may contain a charge that was undone: it was seen to be charged.
 *   @pressure: whoever changes @word, or a limit, brings it up to date after that; so
 *   it is right as soon as nobody does.
 */
#ifndef MS_CORE_LIMIT_H
#define MS_CORE_LIMIT_H

#include "port.h"
#include <linux/memstate.h>

/* What is charged is a multiple of this. */
#define MS_LIMIT_UNIT		((u64)4096)

/* The rest of @word: odd while the limits are being set. */
#define MS_LIMIT_VERSION	(MS_LIMIT_UNIT - 1)
#define MS_LIMIT_SETTING	((u64)1)

/* What becomes of a charge. */
enum ms_limit_answer {
	MS_LIMIT_CHARGED,
	MS_LIMIT_REFUSED,	/* there is no room for it */
	MS_LIMIT_BUSY,		/* ask again: it depends on what others are about to do */
};

struct ms_peak;

/**
 * struct ms_limit - a limit, and what is charged against it
 * @parent:	the one above, NULL at the root
 * @bound:	bytes that may be charged whatever @max says, or MEMSTATE_UNLIMITED
 * @max:	bytes that may be charged, or MEMSTATE_UNLIMITED
 * @high:	bytes above which there is pressure, or MEMSTATE_UNLIMITED
 * @word:	bytes that are charged | version of @max and @high
 * @tentative:	of these and of what is about to be, bytes that may be undone
 * @undone:	how often that has happened
 * @recent:	most that was charged since a reader last began anew
 * @peak:	most that was charged before; see ms_limit_peak()
 * @pressure:	MEMSTATE_PRESSURE_*
 * @newest:	of those who have, the last; under the lock of the readers
 */
struct ms_limit {
	/* set once */
	struct ms_limit *parent;
	u64 bound;

	/* written by setters */
	u64 max;
	u64 high;

	/* written by charges */
	u64 word;
	u64 tentative;
	u64 undone;
	u64 recent;
	u32 pressure;

	/* written by readers of peaks */
	u64 peak;
	struct ms_peak *newest;
};

/**
 * struct ms_peak - one reader's peak, beginning when he says so
 * @limit:	of which limit, NULL: of none yet
 * @value:	most that was charged before he came to his place
 * @span:	most that was charged between this place and the next
 * @older:	whose place is before his
 * @newer:	whose place is behind it
 *
 * A reader's place is where he began, or last read.
 */
struct ms_peak {
	struct ms_limit *limit;
	u64 value;
	u64 span;
	struct ms_peak *older;
	struct ms_peak *newer;
};

void ms_limit_init(struct ms_limit *l, struct ms_limit *parent,
		   u64 bound);
u64 ms_limit_own_room(const struct ms_limit *l);
u64 ms_limit_room(const struct ms_limit *l);
enum ms_limit_answer ms_limit_charge(struct ms_limit *l, u64 bytes,
				     struct ms_limit **refused);
void ms_limit_force(struct ms_limit *l, u64 bytes);
void ms_limit_uncharge(struct ms_limit *l, u64 bytes);
bool ms_limit_set(struct ms_limit *l, u32 set, u64 high, u64 max, bool down);
u64 ms_limit_read(const struct ms_limit *l, u64 *high, u64 *max);
bool ms_limit_press(struct ms_limit *l, u32 *before, u32 *now);
void ms_limit_lowest(const struct ms_limit *l, u64 *high, u64 *max, u32 *pressure);

void ms_peak_begin(struct ms_peak *p, struct ms_limit *l);
void ms_peak_end(struct ms_peak *p);
u64 ms_peak_read(struct ms_peak *p, struct ms_limit *l);

/**
 * ms_limit_charged() - what is charged
 * @l: the limit
 *
 * Context: any. Return: bytes.
 */
static inline u64 ms_limit_charged(const struct ms_limit *l)
{
	return ms_load64(&l->word) & ~MS_LIMIT_VERSION;
}

/**
 * ms_limit_lowest_max() - the lowest max in force at a limit, with those above it
 * @l: the limit
 *
 * Context: any; a snapshot of each. Return: bytes, or MEMSTATE_UNLIMITED.
 */
static inline u64 ms_limit_lowest_max(const struct ms_limit *l)
{
	u64 lowest = MEMSTATE_UNLIMITED, max;

	for (; l; l = l->parent) {
		max = ms_load64(&l->max);
		if (max < lowest)
			lowest = max;
	}
	return lowest;
}

/**
 * ms_limit_peak() - the most that was ever charged
 * @l: the limit
 *
 * Context: any. Return: bytes.
 */
static inline u64 ms_limit_peak(const struct ms_limit *l)
{
	/* Acquire: what is here no more is there, see peak_place(). */
	u64 recent = ms_load64_acquire(&l->recent), peak = ms_load64(&l->peak);

	if (recent > peak)
		return recent;
	return peak;
}

#endif /* MS_CORE_LIMIT_H */
