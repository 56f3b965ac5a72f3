// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/rculist.h>

#include "observed.h"
#include "observed_group.h"

/* Others are looked at before a refusal; not more of them, as the caller is not preempted. */
#define SETTLE_MOST	256
/* Soon after the last time only so many, and only right in the group. */
#define SETTLE_TICKS	max(1UL, msecs_to_jiffies(10))
#define SETTLE_FEW	8

static bool group_below(const struct ms_group *group, const struct ms_group *top)
{
	while (group && group != top)
		group = group->parent;
	return group;
}

/* Look at those right in a group, @most of them at the most. Return: how many are left. */
static unsigned int settle_members(struct ms_group *group, unsigned int most)
{
	struct ms_observed *o;

	list_for_each_entry_rcu(o, &group->observed.members, member) {
		if (!most)
			break;
		ms_observed_look_at(o, true);
		most--;
	}
	return most;
}

/**
 * ms_observed_settle() - look at those below a group, whose memory may have gone unseen
 * @top: the group, which is about to refuse
 *
 * So that a refusal does not cost more where there are more of them, not at all of them each
 * time.
 *
 * Context: any; RCU read lock held, the lock of no space.
 */
void ms_observed_settle(struct ms_group *top)
{
	unsigned long id = 0, now = jiffies, settled = READ_ONCE(top->observed.settled);
	unsigned int most = SETTLE_MOST;
	struct ms_group *group;

	if ((settled && time_before(now, settled + SETTLE_TICKS)) ||
	    cmpxchg(&top->observed.settled, settled, now ?: 1) != settled) {
		settle_members(top, SETTLE_FEW);
		return;
	}
	while (most && (group = ms_group_after(&id)))
		if (group_below(group, top))
			most = settle_members(group, most);
}

/**
 * ms_observed_read() - what is observed below a group
 * @group:	the group
 * @out:	where to put it: all that is out, and state and overcommit
 *
 * Each address space is looked at, exactly, unless it grows just then.
 *
 * Context: process.
 */
void ms_observed_read(struct ms_group *group, struct memstate_observe *out)
{
	struct ms_observed *o;
	struct ms_group *below;
	unsigned long id = 0;
	u64 charged, max;

	out->on = ms_group_observed(group);
	out->overcommit = READ_ONCE(group->observed.overcommit);
	out->spaces = 0;
	out->commit = 0;
	out->backed = 0;
	out->inherited = 0;
	out->pending = 0;
	out->reserved = 0;
	out->group = group->id;
	out->reports = 0;
	rcu_read_lock();
	while ((below = ms_group_after(&id))) {
		if (!group_below(below, group))
			continue;
		list_for_each_entry_rcu(o, &below->observed.members, member) {
			ms_observed_look_at(o, true);
			spin_lock(&o->lock);
			if (!o->gone && !o->reports) {
				out->spaces++;
				out->commit += o->data_vm;
				out->backed += o->core.backed;
				out->inherited += o->core.inherited;
				out->pending += o->core.pending;
			}
			spin_unlock(&o->lock);
		}
	}
	rcu_read_unlock();
	max = READ_ONCE(group->limit.core.max);
	charged = ms_limits_charged(&group->limit);
	out->breached = charged > max ? charged - max : 0;
}
