// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "copies.h"
#include "observed.h"
#include "observed_group.h"
#include "params.h"

/* Soon after the last time only so many are looked at, and only right in the group. */
#define SETTLE_FEW	8

/* ---- those below a group ------------------------------------------------------------- */

static u64 sum_of(const struct ms_group *group, enum ms_observed_sum sum)
{
	return max(atomic64_read(&group->observed.sums[sum]), 0LL);
}

static bool group_knows(const struct ms_group *group)
{
	return sum_of(group, MS_OBSERVED_KNOWN);
}

/* The next of a group's children after @at, or the first, in or below which some are known. */
static struct ms_group *group_child(struct ms_group *group, struct ms_group *at)
{
	struct list_head *last = at ? &at->sibling : &group->children;

	do {
		at = list_next_or_null_rcu(&group->children, last, struct ms_group, sibling);
		if (at)
			last = &at->sibling;
	} while (at && !group_knows(at));
	return at;
}

/* The group after @at of @top and all below it, in or below which some are known. Under RCU. */
static struct ms_group *group_next(struct ms_group *top, struct ms_group *at)
{
	struct ms_group *next = group_child(at, NULL);

	for (; !next && at != top; at = at->parent)
		next = group_child(at->parent, at);
	return next;
}

/* The space after @at, or the first, that is right in a group. Under RCU. */
static struct ms_observed *member_next(struct ms_group *group, struct ms_observed *at)
{
	struct list_head *last = at ? &at->member : &group->observed.members;

	return list_next_or_null_rcu(&group->observed.members, last, struct ms_observed, member);
}

/* The space after @at, or the first, in or below a group. Under RCU. */
static struct ms_observed *space_next(struct ms_group *top, struct ms_observed *at)
{
	struct ms_group *group = at ? at->group : top;
	struct ms_observed *next = member_next(group, at);

	while (!next && (group = group_next(top, group)))
		next = member_next(group, NULL);
	return next;
}

/* ---- before a refusal ------------------------------------------------------------------ */

/**
 * ms_observed_settle() - look at those below a group, whose memory may have gone unseen
 * @top: the group, which is about to refuse
 *
 * So that a refusal does not cost more where there are more of them, not at all of them each
 * time, nor at more than observe_settle: then a worker looks at all, for the next.
 *
 * Context: any; RCU read lock held, the lock of no space.
 */
void ms_observed_settle(struct ms_group *top)
{
	unsigned long now = jiffies, settled = READ_ONCE(top->observed.settled);
	unsigned long ticks = max(1UL, msecs_to_jiffies(READ_ONCE(ms_param_observe_settle_ms)));
	unsigned int most = READ_ONCE(ms_param_observe_settle);
	struct ms_observed *o = NULL;

	if ((settled && time_before(now, settled + ticks)) ||
	    cmpxchg(&top->observed.settled, settled, now ?: 1) != settled) {
		most = SETTLE_FEW;
		while (most-- && (o = member_next(top, o)))
			ms_observed_look_at(o, true);
		return;
	}
	while ((o = space_next(top, o))) {
		if (!most--) {
			ms_group_kick(top, MS_KICK_SETTLE);
			break;
		}
		ms_observed_look_at(o, true);
	}
}

/* ---- readers ------------------------------------------------------------------------------ */

/* Look at the next of them, as many as in one go; the last one, with a reference, or NULL. */
static struct ms_observed *look_batch(struct ms_group *top, struct ms_observed *at)
{
	unsigned int most = READ_ONCE(ms_param_observe_batch);
	struct ms_observed *o = at;

	rcu_read_lock();
	while ((o = space_next(top, o))) {
		ms_observed_look_at(o, true);
		/* Who has none left is on its way out of the list. */
		if (most-- <= 1 && refcount_inc_not_zero(&o->refs))
			break;
	}
	rcu_read_unlock();
	return o;
}

/**
 * ms_observed_look_all() - look at all below a group
 * @top: the group
 *
 * Exactly, unless one grows just then. Who is killed gives up.
 *
 * Context: process; may sleep.
 */
void ms_observed_look_all(struct ms_group *top)
{
	struct ms_observed *at = NULL, *next;

	do {
		next = look_batch(top, at);
		if (at)
			ms_observed_put(at);
		at = next;
		cond_resched();
	} while (at && !fatal_signal_pending(current));
	if (at)
		ms_observed_put(at);
}

/**
 * ms_observed_totals() - what is observed below a group, as of the last looks
 * @group:	the group
 * @out:	where to put it
 *
 * Context: any.
 */
void ms_observed_totals(const struct ms_group *group, struct memstate_totals_observed *out)
{
	u64 charged;

	*out = (struct memstate_totals_observed) {
		.spaces = sum_of(group, MS_OBSERVED_SPACES),
		.commit = sum_of(group, MS_OBSERVED_COMMIT),
		.backed = sum_of(group, MS_OBSERVED_BACKED),
		.inherited = sum_of(group, MS_OBSERVED_INHERITED),
		.pending = sum_of(group, MS_OBSERVED_PENDING),
		.excess = max(atomic64_read(&group->observed.excess), 0LL),
	};
	charged = out->backed + out->pending + out->excess;
	out->charged = charged - min(charged, out->inherited);
}

/* What is charged, or if that is more: what is backed, with copies that nobody is charged for. */
static u64 group_backed(struct ms_group *group, u64 charged, u64 pending)
{
	u64 backed = charged - min(charged, pending);
	struct ms_observed *any;

	rcu_read_lock();
	any = space_next(group, NULL);
	if (any)
		backed += ms_copies(group, any->mm, backed);
	rcu_read_unlock();
	return max(charged, backed);
}

/**
 * ms_observed_read() - what OBSERVE tells of a group
 * @group:	the group
 * @out:	where to put it: all that is out, and the settings
 *
 * Each address space is looked at.
 *
 * Context: process; may sleep.
 */
void ms_observed_read(struct ms_group *group, struct memstate_observe *out)
{
	struct memstate_totals_observed t;
	u64 charged, max;

	ms_observed_look_all(group);
	ms_observed_totals(group, &t);
	*out = (struct memstate_observe) {
		.scope = out->scope,
		.fd = out->fd,
		.set = out->set,
		.on = ms_group_observed(group),
		.overcommit = READ_ONCE(group->observed.overcommit),
		.trust = READ_ONCE(group->observed.trust),
		.spaces = t.spaces,
		.commit = t.commit,
		.backed = t.backed,
		.inherited = t.inherited,
		.pending = t.pending,
		.excess = t.excess,
		.commit_max = READ_ONCE(group->commit.core.max),
		.group = group->id,
		.reports = sum_of(group, MS_OBSERVED_KNOWN) - t.spaces,
	};
	max = READ_ONCE(group->limit.core.max);
	charged = group_backed(group, ms_limits_charged(&group->limit), t.pending);
	out->breached = charged > max ? charged - max : 0;
}
