// SPDX-License-Identifier: GPL-2.0-only
#include "compat.h"
#include "grow.h"
#include "observed.h"
#include "observed_group.h"
#include "trace.h"

static DEFINE_SPINLOCK(above_max);

/* What a limit says about a growth. */
static bool level_fits(const struct ms_observed *o, const struct ms_growth *g,
		       struct ms_group *group)
{
	struct ms_observe_level level = {
		.max = READ_ONCE(group->limit.core.max),
		.overcommit = READ_ONCE(group->observed.overcommit),
		.charged = ms_limits_charged(&group->limit),
		.pending = max(atomic64_read(&group->observed.pending), 0LL),
		.arena = max(atomic64_read(&group->observed.arena), 0LL),
	};

	return ms_observe_fits(&o->core, g, &level);
}

/* The lowest group that refuses, or NULL. */
static struct ms_group *fits_not(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group = o->group;

	while (group && level_fits(o, g, group))
		group = group->parent;
	return group;
}

/* May it be charged above some max? */
static bool may_pass(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group;

	for (group = o->group; group; group = group->parent) {
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
		return ms_limits_charge(&o->group->limit, g->ask, &refused) ?
			       NULL : container_of(refused, struct ms_group, limit);
	spin_lock(&above_max);
	no = fits_not(o, g);
	if (!no)
		ms_limits_force(&o->group->limit, g->ask);
	spin_unlock(&above_max);
	return no;
}

/* Look at the space, and try. NULL: granted, or it is not to be asked. */
static struct ms_group *growth_try(struct ms_observed *o, struct ms_growth *g, bool exact)
{
	u64 room = ms_limits_room(&o->group->limit), high, max;
	struct ms_group *no;
	u32 pressure;

	lockdep_assert_held(&o->lock);
	if (o->gone || o->reports)
		return NULL;
	exact = exact || (room != MEMSTATE_UNLIMITED &&
			  room < g->bytes + ms_mm_slack(o->mm) + MS_LAST_ROOM);
	ms_observed_look(o, exact);
	ms_limit_lowest(&o->group->limit.core, &high, &max, &pressure);
	ms_observe_ask(&o->core, g, max);
	no = growth_charge(o, g);
	if (no)
		return no;
	ms_observed_grant(o, g);
	return NULL;
}

static void refused(struct ms_observed *o, struct ms_group *group, const struct ms_growth *g)
{
	ms_group_event(group, MEMSTATE_EVENT_DENIED);
	trace_memstate_refuse(current, group->id, g->bytes, ms_limits_charged(&group->limit),
			      atomic64_read(&group->observed.pending));
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
			refused(o, no, g);
	}
	rcu_read_unlock();
	return !no;
}
