// SPDX-License-Identifier: GPL-2.0-only
#include "commit.h"
#include "compat.h"
#include "copies.h"
#include "find.h"
#include "grow.h"
#include "job.h"
#include "observed.h"
#include "observed_group.h"
#include "refusal.h"

static DEFINE_SPINLOCK(above_max);

static u64 sum_of(const struct ms_group *group, enum ms_observed_sum sum)
{
	return max(atomic64_read(&group->observed.sums[sum]), 0LL);
}

/*
 * Copies that nobody is charged for are backed, too: where that could matter. What has just
 * started is to look what is the matter, and has made none. True: there are some.
 */
static bool level_copies(const struct ms_observed *o, const struct ms_growth *g,
			 struct ms_group *group, struct ms_observe_level *level)
{
	u64 backed = level->charged - min(level->pending, level->charged);
	u64 inherited = ms_copies_most(group), copies;

	if (!inherited || g->kind == MS_GROWTH_UNASKED ||
	    ms_observe_own(&o->core) + g->bytes <= o->core.start ||
	    level->charged + inherited + g->bytes + MS_LAST_ROOM <= level->max)
		return false;
	copies = ms_copies(group, o->mm, backed);
	if (!copies)
		return false;
	backed += copies;
	level->charged = max(level->charged, backed);
	level->pending = level->charged - backed;
	return true;
}

/* What a limit says about a growth. What a look has found has not followed yet. */
static bool level_fits(const struct ms_observed *o, const struct ms_growth *g,
		       struct ms_group *group)
{
	bool reports = o->books;
	struct ms_observe_level level = {
		.max = READ_ONCE(group->limit.core.max),
		.overcommit = READ_ONCE(group->observed.overcommit),
		.charged = ms_limits_charged(&group->limit) +
			   (reports ? 0 : ms_observe_charge(&o->core) - o->charged),
		.pending = sum_of(group, MS_OBSERVED_PENDING) +
			   (reports ? 0 : o->core.pending - o->sums[MS_OBSERVED_PENDING]),
		.arena = sum_of(group, MS_OBSERVED_ARENA) +
			 o->core.arena - o->sums[MS_OBSERVED_ARENA],
	};

	/* Copies are counted by the kernel's lists, which costs more than all else here. */
	return ms_observe_fits(&o->core, g, &level) &&
	       (!level_copies(o, g, group, &level) || ms_observe_fits(&o->core, g, &level));
}

/* The lowest group that refuses, or NULL. */
static struct ms_group *fits_not(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group = o->at;

	while (group && (READ_ONCE(group->limit.core.max) == MEMSTATE_UNLIMITED ||
			 level_fits(o, g, group)))
		group = group->parent;
	return group;
}

/* May it be charged above some max? */
static bool may_pass(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group;

	for (group = o->at; group; group = group->parent) {
		u64 max = READ_ONCE(group->limit.core.max);

		if (max != MEMSTATE_UNLIMITED &&
		    ms_observe_top(&o->core, g, max,
				   READ_ONCE(group->observed.overcommit)) > max)
			return true;
	}
	return false;
}

/* Charge so much for a growth that fits, or say which group refuses. */
static struct ms_group *fits_charge(struct ms_observed *o, const struct ms_growth *g, u64 bytes)
{
	struct ms_level *refused;
	struct ms_group *no;

	if (!may_pass(o, g))
		return ms_limits_charge(&o->at->limit, bytes, &refused) ?
			       NULL : container_of(refused, struct ms_group, limit);
	spin_lock(&above_max);
	no = fits_not(o, g);
	if (!no)
		ms_limits_force(&o->at->limit, bytes);
	spin_unlock(&above_max);
	return no;
}

/*
 * Charge what a growth asks for, or say which group refuses. What the space has given back since
 * it was charged goes first, so that who maps and unmaps in turns changes nothing that is shared.
 * @limited: there is one that could.
 */
static struct ms_group *growth_charge(struct ms_observed *o, const struct ms_growth *g,
				      bool limited)
{
	u64 owes = o->books ? o->charged : ms_observe_charge(&o->core);
	struct ms_group *no;

	if (owes > o->charged)
		ms_observed_follow(o);
	no = limited ? fits_not(o, g) : NULL;
	if (no || !g->ask)
		return no;
	if (owes + g->ask > o->charged) {
		no = fits_charge(o, g, owes + g->ask - o->charged);
		if (no)
			return no;
	} else {
		ms_limits_uncharge(&o->at->limit, o->charged - owes - g->ask);
	}
	/* What it asks for is added by who grants. */
	o->charged = owes;
	return NULL;
}

/*
 * What is to be charged for a growth of who reports: what he will have beyond what he has paid,
 * for who keeps to that has charged it himself before.
 */
static struct ms_growth growth_due(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_growth due = *g;
	u64 paid;

	paid = ms_limits_charged(o->books) + o->charged;
	due.ask = ms_observe_charge(&o->core) + g->ask;
	due.ask -= min(due.ask, paid);
	return due;
}

/* Look at the space, and try. NULL: granted, or it is not to be asked. */
static struct ms_group *growth_try(struct ms_observed *o, struct ms_growth *g, bool exact,
				   bool *by_commit)
{
	struct ms_group *at = o->at, *no;
	const struct ms_growth *due = g;
	struct ms_growth reported;
	u64 max;

	lockdep_assert_held(&o->lock);
	if (o->gone)
		return NULL;
	max = at ? ms_limit_lowest_max(&at->limit.core) : MEMSTATE_UNLIMITED;
	exact = exact || (max != MEMSTATE_UNLIMITED &&
			  ms_limits_room(&at->limit) <
			  g->bytes + ms_mm_slack(o->mm) + MS_LAST_ROOM);
	ms_observed_look(o, exact);
	/* As of who maps and unmaps in turns, or makes the same memory writable again. */
	no = likely(ms_commit_of(o->data_vm + g->bytes) == o->commit && !g->stack) ?
		     NULL : ms_commit_grow(o, g);
	*by_commit = no;
	if (no || !at)
		return no;
	ms_observe_ask(&o->core, g, max);
	if (o->books) {
		reported = growth_due(o, g);
		due = &reported;
	}
	if (!o->books || due->ask) {
		no = growth_charge(o, due, max != MEMSTATE_UNLIMITED);
		if (no) {
			ms_observed_follow(o);
			ms_commit_settle(o);
			return no;
		}
	}
	ms_observe_grant(&o->core, g);
	if (!g->stack)
		o->data_vm += g->bytes;
	ms_observed_granted(o, due->ask);
	return NULL;
}

/* Asked for again by who was refused that: the answer is the same. Only once. */
static bool asked_again(struct ms_observed *o, const struct ms_growth *g)
{
	bool again = o->no && o->no_bytes == g->bytes;

	lockdep_assert_held(&o->lock);
	o->no = NULL;
	return again;
}

static u32 how_of(bool by_commit)
{
	return by_commit ? MEMSTATE_REFUSED_COMMIT : 0;
}

/* Refused for good, or until it is asked for again. */
static void refuse(struct ms_observed *o, struct ms_group *no, const struct ms_growth *g,
		   bool by_commit, bool twice)
{
	if (!twice) {
		ms_refusal(o->group, no, g->bytes, how_of(by_commit));
		return;
	}
	spin_lock(&o->lock);
	o->no = no;
	o->no_bytes = g->bytes;
	o->no_commit = by_commit;
	spin_unlock(&o->lock);
}

/**
 * ms_grow() - may an address space grow so?
 * @o:		the caller's, its mmap_lock held for writing; or an error: it could not be known,
 *		and is refused all
 * @g:		the growth; kind and bytes are set
 * @twice:	if not it may be asked for once more, and only then, or with ms_grow_refused(), is
 *		refused
 *
 * Others below the limit that is in the way are looked at before it refuses.
 *
 * Context: task context; does not sleep; RCU read lock held. Return: false: it is refused, and
 * that was counted.
 */
bool ms_grow(struct ms_observed *o, struct ms_growth *g, bool twice)
{
	struct ms_group *no = NULL;
	bool by_commit, again;

	if (IS_ERR(o))
		return false;
	spin_lock(&o->lock);
	again = twice && asked_again(o, g);
	if (!again)
		no = growth_try(o, g, false, &by_commit);
	spin_unlock(&o->lock);
	if (no) {
		ms_observed_settle(no);
		spin_lock(&o->lock);
		no = growth_try(o, g, true, &by_commit);
		spin_unlock(&o->lock);
	}
	if (no)
		refuse(o, no, g, by_commit, twice);
	return !no && !again;
}

/**
 * ms_grow_refused() - was the last growth that may be asked for twice refused?
 * @o: the caller's, its mmap_lock held for writing; or an error
 *
 * Then it is not asked for again. Where all is refused the kernel may as well ask.
 *
 * Context: task context; does not sleep; RCU read lock held. Return: true if it was, and that
 * was counted.
 */
bool ms_grow_refused(struct ms_observed *o)
{
	struct ms_group *no;

	if (IS_ERR(o))
		return false;
	spin_lock(&o->lock);
	no = o->no;
	o->no = NULL;
	spin_unlock(&o->lock);
	if (no)
		ms_refusal(o->group, no, o->no_bytes, how_of(o->no_commit));
	return no;
}

/**
 * ms_grow_child() - may a child be born?
 * @mm:		its address space, which nobody has seen yet
 * @group:	its group
 *
 * Context: task context, of the parent; does not sleep; RCU read lock held. Return: false: it
 * is refused, and that was counted.
 */
bool ms_grow_child(struct mm_struct *mm, struct ms_group *group)
{
	struct ms_observed *parent = current->mm ? ms_observed_of(current->mm) : NULL;
	u64 bytes = ms_commit_of((u64)mm->data_vm << PAGE_SHIFT);
	struct ms_group *no = ms_commit_charge(group, bytes);

	if (no) {
		ms_observed_settle(no);
		no = ms_commit_charge(group, bytes);
	}
	if (no) {
		ms_refusal(group, no, bytes, how_of(true));
		return false;
	}
	if (ms_observed_bear(mm, group, parent, bytes))
		return true;
	/* There is no memory to know it. */
	if (ms_commit_limited(group))
		return false;
	ms_find_later();
	return true;
}
