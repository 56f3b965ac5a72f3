// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "core/observe.h"
#include "group.h"
#include "params.h"
#include "trace.h"
#include "users.h"

/* Lines in the log about the refusals of one group. */
#define LOG_INTERVAL	(60 * HZ)
#define LOG_BURST	5

struct ms_group *ms_group_root;

static DEFINE_MUTEX(ms_groups_lock);
static DEFINE_XARRAY(ms_groups);
static struct workqueue_struct *ms_groups_wq;
static const struct ms_group_ops *ms_group_ops;
static u64 ms_last_job;	/* under ms_groups_lock */

/* ---- one group ----------------------------------------------------------- */

static struct ms_group *group_of(struct kobject *kobj)
{
	return container_of(kobj, struct ms_group, kobj);
}

/**
 * ms_group_release() - free a group
 * @kobj: its, without references
 *
 * Context: may sleep.
 */
void ms_group_release(struct kobject *kobj)
{
	struct ms_group *group = group_of(kobj);

	put_pid(group->observed.refusal.note.pid);
	ms_pending_leave(&group->pending.node);
	ms_totals_exit(&group->totals);
	if (group->parent)
		kobject_put(&group->parent->kobj);
	kfree_rcu(group, rcu);
}

/**
 * ms_group_kick() - have the worker do something for a group
 * @group:	the group
 * @what:	MS_KICK_*
 *
 * Context: any.
 */
void ms_group_kick(struct ms_group *group, int what)
{
	set_bit(what, &group->flags);
	if (!kobject_get_unless_zero(&group->kobj))
		return;
	if (!queue_work(ms_groups_wq, &group->work))
		kobject_put(&group->kobj);
}

/**
 * ms_group_settle() - have all looked at below a group that is observed
 * @group: the group
 *
 * Context: process; may sleep.
 */
void ms_group_settle(struct ms_group *group)
{
	ms_group_ops->settle(group);
}

/**
 * ms_group_event() - count an event
 * @group:	where it happened
 * @event:	what happened
 *
 * Context: any.
 */
void ms_group_event(struct ms_group *group, enum memstate_event event)
{
	atomic64_inc(&group->events_local[event]);
	for (; group; group = group->parent) {
		atomic64_inc(&group->events[event]);
		ms_group_kick(group, MS_KICK_EVENTS);
	}
}

/* Out of the books for good, if nobody needs it. */
static bool group_unlist(struct ms_group *group)
{
	bool gone;

	/* At zero it stays. */
	if (refcount_read(&group->users))
		return false;
	mutex_lock(&ms_groups_lock);
	gone = group->listed;
	if (gone) {
		xa_erase(&ms_groups, group->id);
		WRITE_ONCE(group->listed, false);
		list_del_rcu(&group->sibling);
		ms_user_give(group->user, group->number);
	}
	mutex_unlock(&ms_groups_lock);
	return gone;
}

static void group_remove(struct ms_group *group)
{
	struct ms_group *parent = group->parent;

	wake_up_interruptible_all(&group->wait);
	ms_group_ops->vanish(group);
	kobject_put(&group->kobj);
	ms_group_put(parent);
}

static void group_work(struct work_struct *work)
{
	struct ms_group *group = container_of(work, struct ms_group, work);
	bool pressure = test_and_clear_bit(MS_KICK_PRESSURE, &group->flags);
	bool events = test_and_clear_bit(MS_KICK_EVENTS, &group->flags);
	bool settle = test_and_clear_bit(MS_KICK_SETTLE, &group->flags);

	if (pressure || events) {
		atomic64_inc(&group->changes);
		wake_up_interruptible_all(&group->wait);
		ms_group_ops->notify(group, pressure);
	}
	if (pressure)
		ms_group_ops->tell(group);
	if (settle)
		ms_group_settle(group);
	if (test_and_clear_bit(MS_KICK_REFUSED, &group->flags))
		ms_group_ops->refused(group);
	if (group_unlist(group))
		group_remove(group);
	kobject_put(&group->kobj);
}

static struct ms_group *group_of_node(struct ms_pending_node *node)
{
	return container_of(node, struct ms_group, pending.node);
}

static bool group_pending_get(struct ms_pending_node *node)
{
	return kobject_get_unless_zero(&group_of_node(node)->kobj);
}

static void group_pending_put(struct ms_pending_node *node)
{
	kobject_put(&group_of_node(node)->kobj);
}

static const struct ms_pending_ops group_pending_ops = {
	.get = group_pending_get,
	.put = group_pending_put,
};

static void level_pressed(struct ms_level *l, u32 before, u32 now)
{
	struct ms_group *group = ms_group_of_level(l);
	u64 charged = ms_limits_charged(l);

	trace_memstate_pressure(group->id, before, now, charged);
	if (before == MEMSTATE_PRESSURE_NONE && charged > READ_ONCE(l->core.high))
		ms_group_event(group, MEMSTATE_EVENT_HIGH);
	ms_group_kick(group, MS_KICK_PRESSURE);
}

static void level_set(struct ms_level *l)
{
	/* What is shown to the tasks below has changed in any case. */
	ms_group_kick(ms_group_of_level(l), MS_KICK_PRESSURE);
}

const struct ms_level_ops ms_group_level_ops = {
	.pressed = level_pressed,
	.set = level_set,
};

static struct ms_group *group_new(u64 id, struct ms_group *parent)
{
	struct ms_group *group;
	int ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);
	ret = ms_totals_init(&group->totals);
	if (ret)
		goto err_group;
	ms_pending_init(&group->pending, &group_pending_ops);
	group->id = id;
	group->depth = parent ? parent->depth + 1 : 0;
	group->parent = parent;
	if (parent) {
		ret = ms_pending_join(&parent->pending, &group->pending.node);
		if (ret)
			goto err_totals;
		kobject_get(&parent->kobj);
	}
	ms_limits_init(&group->limit, parent ? &parent->limit : NULL,
		       &ms_group_level_ops, MEMSTATE_UNLIMITED);
	ms_limits_init(&group->commit, parent ? &parent->commit : NULL, NULL,
		       MEMSTATE_UNLIMITED);
	group->observed.overcommit = MS_OVERCOMMIT_NONE;
	spin_lock_init(&group->observed.refusal.lock);
	ratelimit_state_init(&group->observed.refusal.log, LOG_INTERVAL, LOG_BURST);
	ratelimit_set_flags(&group->observed.refusal.log, RATELIMIT_MSG_ON_RELEASE);
	spin_lock_init(&group->observed.heirs);
	spin_lock_init(&group->observed.lock);
	INIT_LIST_HEAD(&group->observed.members);
	INIT_LIST_HEAD(&group->sibling);
	INIT_LIST_HEAD(&group->children);
	init_waitqueue_head(&group->wait);
	INIT_WORK(&group->work, group_work);
	refcount_set(&group->users, 1);
	kobject_init(&group->kobj, ms_group_ops->ktype);
	return group;

err_totals:
	ms_totals_exit(&group->totals);
err_group:
	kfree(group);
	return ERR_PTR(ret);
}

/* ---- cgroups -------------------------------------------------------------- */

static bool cgroup_online(const struct cgroup *cgrp)
{
	/* Cleared once, before the tracepoint of the removal. */
	return data_race(cgrp->self.flags) & CSS_ONLINE;
}

/* The cgroup is gone, and with it its use of the group. Once. Who watches is told. */
static void group_dead(struct ms_group *group)
{
	if (test_and_set_bit(MS_GROUP_DEAD, &group->flags))
		return;
	ms_group_kick(group, MS_KICK_EVENTS);
	ms_group_put(group);
}

/* List a group below one of which there is a use to take over. */
static struct ms_group *group_list(u64 id, struct ms_group *parent, struct ms_user *user,
				   enum ms_number number)
{
	struct ms_group *group;
	int ret = 0;

	lockdep_assert_held(&ms_groups_lock);
	group = group_new(id, parent);
	if (IS_ERR(group))
		return group;
	group->user = user;
	group->number = number;
	if (!ms_group_is_job(group))
		ret = ms_group_ops->appear(group);
	if (!ret)
		ret = xa_err(xa_store(&ms_groups, id, group, GFP_KERNEL));
	if (ret) {
		ms_group_ops->vanish(group);
		kobject_put(&group->kobj);
		return ERR_PTR(ret);
	}
	list_add_tail_rcu(&group->sibling, &parent->children);
	WRITE_ONCE(group->listed, true);
	return group;
}

/* The same for a cgroup whose parent has one. */
static struct ms_group *group_add_below(struct cgroup *cgrp, struct ms_group *parent,
					struct ms_user *user)
{
	struct ms_group *group = group_list(cgroup_id(cgrp), parent, user, MS_NUMBER_GROUPS);

	if (IS_ERR(group))
		return group;
	ms_group_ops->found(group);
	/* Listed first: either the probe finds it or we see it going. */
	smp_mb();
	if (!cgroup_online(cgrp))
		group_dead(group);
	return group;
}

static struct ms_group *group_add(struct cgroup *cgrp, struct ms_group *parent)
{
	struct ms_group *group;
	struct ms_user *user;

	lockdep_assert_held(&ms_groups_lock);
	if (parent->depth + 1 >= ms_param_groups_depth)
		return ERR_PTR(-ELOOP);
	user = ms_user_take(ms_user_of(current_cred()), MS_NUMBER_GROUPS);
	if (IS_ERR(user))
		return ERR_CAST(user);
	if (refcount_inc_not_zero(&parent->users)) {
		group = group_add_below(cgrp, parent, user);
		if (!IS_ERR(group))
			return group;
		ms_group_put(parent);
	} else {
		/* Its cgroup is gone, and so is the one below. */
		group = ERR_PTR(-ENOENT);
	}
	ms_user_give(user, MS_NUMBER_GROUPS);
	return group;
}

/* The group of a cgroup, made with those above it where they are missing. */
static struct ms_group *group_make(struct cgroup *cgrp)
{
	struct ms_group *group;

	lockdep_assert_held(&ms_groups_lock);
	while (!(group = xa_load(&ms_groups, cgroup_id(cgrp)))) {
		struct ms_group *parent = ms_group_root;
		struct cgroup *missing = cgrp, *above;

		for (; (above = cgroup_parent(missing)); missing = above) {
			parent = xa_load(&ms_groups, cgroup_id(above));
			if (parent)
				break;
		}
		/* That of the root is always there. */
		if (WARN_ON_ONCE(!parent))
			return ERR_PTR(-ENOENT);
		group = group_add(missing, parent);
		if (IS_ERR(group))
			break;
	}
	return group;
}

/* A use of a group that is there. */
static struct ms_group *group_find(u64 id)
{
	struct ms_group *group;

	rcu_read_lock();
	group = xa_load(&ms_groups, id);
	if (group && !refcount_inc_not_zero(&group->users))
		group = NULL;
	rcu_read_unlock();
	return group;
}

/**
 * ms_group_get() - the group of a cgroup
 * @cgrp:	the cgroup, of the default hierarchy, with a reference
 * @make:	make one if there is none, and those above it
 *
 * Context: process; may sleep. Return: the group, to be given back by
 * ms_group_put(); NULL: there is none; -ENOMEM; -ENFILE: too many groups, -EUSERS: of the
 * caller; -ELOOP: the cgroup lies too deep; -ENOENT: it is gone; -EINTR: killed.
 */
struct ms_group *ms_group_get(struct cgroup *cgrp, bool make)
{
	struct ms_group *group = group_find(cgroup_id(cgrp));

	if (group || !make)
		return group;
	if (mutex_lock_killable(&ms_groups_lock))
		return ERR_PTR(-EINTR);
	group = group_make(cgrp);
	/* The worker has not come to it yet, but it is on its way out. */
	if (!IS_ERR(group) && !refcount_inc_not_zero(&group->users))
		group = ERR_PTR(-ENOENT);
	mutex_unlock(&ms_groups_lock);
	return group;
}

/**
 * ms_group_near() - the group of a cgroup, or of the nearest one above it that has one
 * @cgrp: the cgroup, of the default hierarchy
 *
 * Context: any; RCU read lock held. Return: the group, to be given back by ms_group_put().
 */
struct ms_group *ms_group_near(struct cgroup *cgrp)
{
	struct ms_group *group;

	for (; cgrp; cgrp = cgroup_parent(cgrp)) {
		group = xa_load(&ms_groups, cgroup_id(cgrp));
		if (group && refcount_inc_not_zero(&group->users))
			return group;
	}
	/* That of the root never goes. */
	refcount_inc(&ms_group_root->users);
	return ms_group_root;
}

/**
 * ms_group_new_job() - make a job
 * @parent: the group or job below which it is to be, of which the caller has a use
 *
 * Context: process; may sleep. Return: the job, to be given back by ms_group_put(), and at its
 * end then if nobody else uses it; -ENFILE: too many jobs, -EUSERS: of the caller; -ELOOP: it
 * would lie too deep; -EINTR: killed; -ENOMEM.
 */
struct ms_group *ms_group_new_job(struct ms_group *parent)
{
	struct ms_user *user;
	struct ms_group *job;

	if (parent->depth + 1 >= ms_param_groups_depth)
		return ERR_PTR(-ELOOP);
	user = ms_user_take(ms_user_of(current_cred()), MS_NUMBER_JOBS);
	if (IS_ERR(user))
		return ERR_CAST(user);
	job = ERR_PTR(-EINTR);
	if (!mutex_lock_killable(&ms_groups_lock)) {
		refcount_inc(&parent->users);
		job = group_list(MEMSTATE_JOB_ID | ++ms_last_job, parent, user, MS_NUMBER_JOBS);
		if (IS_ERR(job))
			ms_group_put(parent);
		mutex_unlock(&ms_groups_lock);
	}
	if (IS_ERR(job))
		ms_user_give(user, MS_NUMBER_JOBS);
	return job;
}

/**
 * ms_group_put() - one user less
 * @group: the group
 *
 * Context: any.
 */
void ms_group_put(struct ms_group *group)
{
	/* Whoever sees zero may take it away, and free it, before it is kicked. */
	rcu_read_lock();
	if (refcount_dec_and_test(&group->users))
		ms_group_kick(group, MS_KICK_EVENTS);
	rcu_read_unlock();
}

/**
 * ms_groups_tell_observed() - whoever watches a group that is observed looks again
 *
 * Context: any.
 */
void ms_groups_tell_observed(void)
{
	struct ms_group *group;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&ms_groups, id, group)
		if (READ_ONCE(group->observed.why))
			ms_group_kick(group, MS_KICK_EVENTS);
	rcu_read_unlock();
}

/**
 * ms_group_limits() - what LIMIT_GET tells of a group
 * @group:	the group
 * @peak:	the reader's
 * @reset:	the reader's peak begins anew
 * @out:	where to put it
 *
 * Context: task context.
 */
void ms_group_limits(struct ms_group *group, struct ms_peak *peak, bool reset,
		     struct memstate_limit *out)
{
	u32 i;

	ms_limits_read(&group->limit, peak, reset, out);
	out->group = group->id;
	for (i = 0; i < MEMSTATE_NR_EVENTS; i++) {
		out->events[i] = atomic64_read(&group->events[i]);
		out->events_local[i] = atomic64_read(&group->events_local[i]);
	}
}

/**
 * ms_group_totals() - the books of a group
 * @group:	the group
 * @totals:	where to put them, as of the last drain of each task
 *
 * Context: may sleep.
 */
void ms_group_totals(struct ms_group *group, struct memstate_totals *totals)
{
	ms_totals_read(&group->totals, totals);
	totals->charged = ms_limits_charged(&group->limit);
}

/**
 * ms_group_gone() - a cgroup is removed
 * @id: its
 *
 * Context: any, also with interrupts off.
 */
void ms_group_gone(u64 id)
{
	struct ms_group *group;

	rcu_read_lock();
	group = xa_load(&ms_groups, id);
	if (group)
		group_dead(group);
	rcu_read_unlock();
}

/* ---- beginning and end --------------------------------------------------------- */

static int list_root(void)
{
	struct ms_group *root = group_new(cgroup_id(&cgrp_dfl_root.cgrp), NULL);
	int ret;

	if (IS_ERR(root))
		return PTR_ERR(root);
	ret = xa_err(xa_store(&ms_groups, root->id, root, GFP_KERNEL));
	if (ret) {
		kobject_put(&root->kobj);
		return ret;
	}
	root->listed = true;
	ms_group_root = root;
	return 0;
}

/**
 * ms_groups_init() - be ready for groups
 * @ops: what those above do with them
 *
 * The root's is not shown yet.
 *
 * Context: module init. Return: 0; -ENOMEM.
 */
int ms_groups_init(const struct ms_group_ops *ops)
{
	int ret;

	ms_group_ops = ops;
	ms_groups_wq = alloc_workqueue("memstate_groups", WQ_UNBOUND, 0);
	if (!ms_groups_wq)
		return -ENOMEM;
	ret = list_root();
	if (ret)
		destroy_workqueue(ms_groups_wq);
	return ret;
}

/**
 * ms_groups_quiet() - the worker does nothing any more
 *
 * Context: module exit; no task and no file is there any more, and no cgroup is gone.
 */
void ms_groups_quiet(void)
{
	u32 i;

	/* Each that goes lets go of the one above, which is work that a flush does not wait for. */
	for (i = 0; i < ms_param_groups_depth; i++)
		flush_workqueue(ms_groups_wq);
}

/**
 * ms_groups_hide() - remove the directories of all groups
 *
 * Context: module exit, after ms_groups_quiet(), while the device's is still there.
 */
void ms_groups_hide(void)
{
	struct ms_group *group;
	unsigned long id;

	xa_for_each(&ms_groups, id, group)
		ms_group_ops->vanish(group);
}

/**
 * ms_groups_exit() - forget all groups
 *
 * Context: module exit, after ms_groups_hide().
 */
void ms_groups_exit(void)
{
	struct ms_group *group;
	unsigned long id;

	destroy_workqueue(ms_groups_wq);
	xa_for_each(&ms_groups, id, group) {
		xa_erase(&ms_groups, id);
		if (group->user)
			ms_user_give(group->user, group->number);
		kobject_put(&group->kobj);
	}
	xa_destroy(&ms_groups);
}
