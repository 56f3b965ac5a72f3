// SPDX-License-Identifier: GPL-2.0-only
#include "compat.h"
#include "grow.h"
#include "observed.h"
#include "observed_group.h"
#include "refusal.h"

static DEFINE_SPINLOCK(above_max);

static u64 sum_of(const struct ms_group *group, enum ms_observed_sum sum)
{
	return max(atomic64_read(&group->observed.sums[sum]), 0LL);
}

/* What a limit says about a growth. */
static bool level_fits(const struct ms_observed *o, const struct ms_growth *g,
		       struct ms_group *group)
{
	struct ms_observe_level level = {
		.max = READ_ONCE(group->limit.core.max),
		.overcommit = READ_ONCE(group->observed.overcommit),
		.charged = ms_limits_charged(&group->limit),
		.pending = sum_of(group, MS_OBSERVED_PENDING),
		.arena = sum_of(group, MS_OBSERVED_ARENA),
	};

	return ms_observe_fits(&o->core, g, &level);
}

/* The lowest group that refuses, or NULL. */
static struct ms_group *fits_not(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group = o->at;

	while (group && level_fits(o, g, group))
		group = group->parent;
	return group;
}

/* May it be charged above some max? */
static bool may_pass(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group;

	for (group = o->at; group; group = group->parent) {
		u64 max = READ_ONCE(group->limit.core.max);

		if (ms_observe_top(&o->core, g, max, READ_ONCE(group->observed.overcommit)) > max)
			return true;
	}
	return false;
}

/* Charge what a growth asks for, or say which group refuses. */
static struct ms_group *growth_charge(struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *no = fits_not(o, g);
	struct ms_level *refused;

	if (no || !g->ask)
		return no;
	if (!may_pass(o, g))
		return ms_limits_charge(&o->at->limit, g->ask, &refused) ?
			       NULL : container_of(refused, struct ms_group, limit);
	spin_lock(&above_max);
	no = fits_not(o, g);
	if (!no)
		ms_limits_force(&o->at->limit, g->ask);
	spin_unlock(&above_max);
	return no;
}

/*
 * What is to be charged for a growth: what it asks for; of who reports what he will have beyond
 * what he has paid, for who keeps to that has charged it himself before.
 */
static struct ms_growth growth_due(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_growth due = *g;
	u64 paid;

	if (o->books) {
		paid = ms_limits_charged(o->books) + o->charged;
		due.ask = ms_observe_charge(&o->core) + g->ask;
		due.ask -= min(due.ask, paid);
	}
	return due;
}

/* Look at the space, and try. NULL: granted, or it is not to be asked. */
static struct ms_group *growth_try(struct ms_observed *o, struct ms_growth *g, bool exact)
{
	struct ms_group *at = o->at, *no;
	struct ms_growth due;
	u64 room, high, max;
	u32 pressure;

	lockdep_assert_held(&o->lock);
	if (o->gone || !at)
		return NULL;
	room = ms_limits_room(&at->limit);
	exact = exact || (room != MEMSTATE_UNLIMITED &&
			  room < g->bytes + ms_mm_slack(o->mm) + MS_LAST_ROOM);
	ms_observed_look(o, exact);
	if (!o->books)
		ms_observed_follow(o);
	ms_limit_lowest(&at->limit.core, &high, &max, &pressure);
	ms_observe_ask(&o->core, g, max);
	due = growth_due(o, g);
	if (!o->books || due.ask) {
		no = growth_charge(o, &due);
		if (no)
			return no;
	}
	ms_observe_grant(&o->core, g);
	o->data_vm += g->bytes;
	ms_observed_granted(o, due.ask);
	return NULL;
}

/**
 * ms_grow() - may an address space grow so?
 * @mm:	the caller's, its mmap_lock held for writing
 * @g:	the growth; kind and bytes are set
 *
 * Others below the limit that is in the way are looked at before it refuses.
 *
 * Context: task context; does not sleep. Return: false: it is refused, and that was counted.
 */
bool ms_grow(struct mm_struct *mm, struct ms_growth *g)
{
	struct ms_observed *o;
	struct ms_group *no = NULL;

	rcu_read_lock();
	o = ms_observed_of(mm);
	if (o) {
		spin_lock(&o->lock);
		no = growth_try(o, g, false);
		spin_unlock(&o->lock);
		if (no) {
			ms_observed_settle(no);
			spin_lock(&o->lock);
			no = growth_try(o, g, true);
			spin_unlock(&o->lock);
		}
		if (no)
			ms_refusal(o->group, no, g->bytes);
	}
	rcu_read_unlock();
	return !no;
}
