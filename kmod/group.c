// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/rculist.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>
#include <trace/events/cgroup.h>

#include "charge.h"
#include "compat.h"
#include "group.h"
#include "params.h"
#include "sysfs.h"
#include "task.h"
#include "trace.h"
#include "users.h"

struct ms_group *ms_group_root;

static DEFINE_MUTEX(ms_groups_lock);
static DEFINE_XARRAY(ms_groups);
static struct workqueue_struct *ms_groups_wq;
static struct tracepoint *ms_rmdir_tracepoint;

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
	struct ms_group *parent = group->parent;
	bool gone;

	/* At zero it stays. */
	if (refcount_read(&group->users))
		return false;
	mutex_lock(&ms_groups_lock);
	gone = group->listed;
	if (gone) {
		xa_erase(&ms_groups, group->id);
		spin_lock(&parent->members_lock);
		WRITE_ONCE(group->listed, false);
		list_del_rcu(&group->sibling);
		spin_unlock(&parent->members_lock);
		ms_user_give(group->user, MS_NUMBER_GROUPS);
	}
	mutex_unlock(&ms_groups_lock);
	return gone;
}

static void group_remove(struct ms_group *group)
{
	struct ms_group *parent = group->parent;

	wake_up_interruptible_all(&group->wait);
	ms_sysfs_remove_group(group);
	kobject_put(&group->kobj);
	ms_group_put(parent);
}

static void group_tell_tasks(struct ms_group *group)
{
	struct ms_task *task;
	MS_DEFINE_WALK(walk);

	while ((task = ms_task_next(&walk, group))) {
		ms_charge_show(task);
		ms_task_put(task);
		cond_resched();
	}
}

static void group_work(struct work_struct *work)
{
	struct ms_group *group = container_of(work, struct ms_group, work);
	bool pressure = test_and_clear_bit(MS_KICK_PRESSURE, &group->flags);
	bool events = test_and_clear_bit(MS_KICK_EVENTS, &group->flags);

	if (pressure || events) {
		atomic64_inc(&group->changes);
		wake_up_interruptible_all(&group->wait);
		ms_sysfs_notify_group(group, pressure);
	}
	if (pressure)
		group_tell_tasks(group);
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
	ms_limits_init(&group->limit, parent ? &parent->limit : NULL, group,
		       MEMSTATE_UNLIMITED);
	init_waitqueue_head(&group->wait);
	INIT_WORK(&group->work, group_work);
	refcount_set(&group->users, 1);
	spin_lock_init(&group->members_lock);
	INIT_LIST_HEAD(&group->members);
	INIT_LIST_HEAD(&group->children);
	ms_sysfs_init_group(group);
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

/* Among the groups, and among those below its parent. */
static void group_list(struct ms_group *group, struct ms_group *parent)
{
	lockdep_assert_held(&ms_groups_lock);
	spin_lock(&parent->members_lock);
	group->order = ++parent->next_order;
	WRITE_ONCE(group->listed, true);
	list_add_tail_rcu(&group->sibling, &parent->children);
	spin_unlock(&parent->members_lock);
}

/* List a group for a cgroup whose parent has one, of which there is a use to take over. */
static struct ms_group *group_add_below(struct cgroup *cgrp, struct ms_group *parent,
					struct ms_user *user)
{
	u64 id = cgroup_id(cgrp);
	struct ms_group *group;
	int ret;

	group = group_new(id, parent);
	if (IS_ERR(group))
		return group;
	group->user = user;
	ret = ms_sysfs_add_group(group);
	if (!ret)
		ret = xa_err(xa_store(&ms_groups, id, group, GFP_KERNEL));
	if (ret) {
		ms_sysfs_remove_group(group);
		kobject_put(&group->kobj);
		return ERR_PTR(ret);
	}
	group_list(group, parent);
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

static struct ms_group *group_get(struct cgroup *cgrp, bool make)
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

/* A reference to the cgroup, of the default hierarchy, that somebody is in. */
static struct cgroup *cgroup_of(struct task_struct *task)
{
	struct cgroup *cgrp;

	rcu_read_lock();
	do {
		cgrp = task_dfl_cgroup(task);
	} while (!cgroup_tryget(cgrp));
	rcu_read_unlock();
	return cgrp;
}

/**
 * ms_group_of_task() - the group of somebody's cgroup
 * @task: of whom
 *
 * Context: process; may sleep. Return: the group, to be given back by
 * ms_group_put(); -ENOMEM; -ENFILE: too many groups, -EUSERS: of the caller; -ELOOP:
 * the cgroup lies too deep; -ENOENT: it is gone, as only that of who exits can be;
 * -EINTR: killed.
 */
struct ms_group *ms_group_of_task(struct task_struct *task)
{
	struct cgroup *cgrp = cgroup_of(task);
	struct ms_group *group;

	group = group_get(cgrp, true);
	cgroup_put(cgrp);
	return group;
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
 * ms_group_after() - the next one of a group and those below it
 * @group:	the one before, @top at first
 * @top:	the group
 *
 * Parents come before their children. What is taken out meanwhile is passed over, what
 * comes in may be.
 *
 * Context: RCU read lock held; @group's object stays. Return: the group, or NULL.
 */
struct ms_group *ms_group_after(struct ms_group *group, const struct ms_group *top)
{
	struct ms_group *next;

	next = list_first_or_null_rcu(&group->children, struct ms_group, sibling);
	for (; !next && group != top; group = group->parent) {
		struct list_head *list = &group->parent->children;

		/* Taken out after this: then what it points to has not been freed. */
		if (READ_ONCE(group->listed)) {
			next = list_next_or_null_rcu(list, &group->sibling,
						     struct ms_group, sibling);
			continue;
		}
		list_for_each_entry_rcu(next, list, sibling)
			if (next->order > group->order)
				break;
		if (&next->sibling == list)
			next = NULL;
	}
	return next;
}

/* May the caller write to the directory above, through the mount he came by? */
static int may_write_above(struct file *file)
{
	struct dentry *dentry = file->f_path.dentry, *parent;
	int ret;

	/* The root of a mount, that is, of a cgroup namespace: no way up. */
	if (dentry == file->f_path.mnt->mnt_root || IS_ROOT(dentry))
		return -EPERM;
	ret = mnt_want_write_file(file);
	if (ret)
		return ret;
	parent = dget_parent(dentry);
	ret = inode_permission(file_mnt_idmap(file), d_inode(parent),
			       MAY_WRITE | MAY_EXEC);
	dput(parent);
	mnt_drop_write_file(file);
	return ret == -EACCES ? -EPERM : ret;
}

/* May the caller set the limits of the cgroup whose directory this is? */
static int may_limit(struct cgroup *cgrp, int fd)
{
	struct file *file;
	int ret;

	if (capable(CAP_SYS_RESOURCE))
		return 0;
	file = fget_raw(fd);
	if (!file)
		return -EBADF;
	/* Another thread may have put another file in its place: then it does not count. */
	if (file_inode(file)->i_sb->s_magic != CGROUP2_SUPER_MAGIC ||
	    file_inode(file)->i_ino != cgroup_id(cgrp))
		ret = -EBADF;
	else
		ret = may_write_above(file);
	fput(file);
	return ret;
}

/* May the caller see what is not below its own cgroup? */
static bool may_read_all(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE) ||
	       ns_capable_noaudit(&init_user_ns, CAP_SYS_PTRACE);
}

/**
 * ms_group_may_read() - may the caller see a group's figures?
 * @group: the group
 *
 * What lies in its own cgroup and below; the root's are the system's, and for all.
 *
 * Context: process. Return: true if it may.
 */
bool ms_group_may_read(const struct ms_group *group)
{
	const struct ms_group *g;
	u64 own;

	if (group == ms_group_root)
		return true;
	rcu_read_lock();
	own = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	for (g = group; g; g = g->parent)
		if (g->id == own)
			return true;
	return may_read_all();
}

/* The same of a cgroup by its directory: also who may limit it. */
static bool may_read(struct cgroup *cgrp, int fd)
{
	bool below;

	rcu_read_lock();
	below = !cgroup_parent(cgrp) ||
		cgroup_is_descendant(cgrp, task_dfl_cgroup(current));
	rcu_read_unlock();
	return below || may_read_all() || !may_limit(cgrp, fd);
}

/**
 * ms_group_of_fd() - the group of a cgroup v2 directory, for who may see its figures
 * @fd:		descriptor of the directory
 * @make:	make one if there is none
 *
 * Context: process; may sleep. Return: the group, to be given back by
 * ms_group_put(); NULL: there is none; -EBADF: not such a directory; -ENOENT: the
 * cgroup is gone; -EACCES: it does not lie in the caller's own; else as
 * ms_group_of_task().
 */
struct ms_group *ms_group_of_fd(int fd, bool make)
{
	struct cgroup *cgrp = cgroup_get_from_fd(fd);
	struct ms_group *group;

	if (IS_ERR(cgrp))
		return ERR_CAST(cgrp);
	group = may_read(cgrp, fd) ? group_get(cgrp, make) : ERR_PTR(-EACCES);
	cgroup_put(cgrp);
	return group;
}

/**
 * ms_group_to_limit() - the group of a directory, for who may set its limits
 * @fd: descriptor of a cgroup v2 directory
 *
 * Who could have made or removed the cgroup may. So whoever owns a cgroup can limit
 * those below it, and never lift its own limit.
 *
 * Context: process; may sleep. Return: as ms_group_of_fd(), with
 * -EPERM or -EROFS in place of -EACCES.
 */
struct ms_group *ms_group_to_limit(int fd)
{
	struct cgroup *cgrp = cgroup_get_from_fd(fd);
	struct ms_group *group;
	int ret;

	if (IS_ERR(cgrp))
		return ERR_CAST(cgrp);
	ret = may_limit(cgrp, fd);
	group = ret ? ERR_PTR(ret) : group_get(cgrp, true);
	cgroup_put(cgrp);
	return group;
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

/* ---- removal of cgroups ----------------------------------------------------- */

/* Called with locks held and interrupts off. */
static void probe_rmdir(void *data, struct cgroup *cgrp, const char *path)
{
	struct ms_group *group;

	/* Each hierarchy of cgroup v1 has numbers of its own. */
	if (cgrp->root != &cgrp_dfl_root)
		return;
	rcu_read_lock();
	group = xa_load(&ms_groups, cgroup_id(cgrp));
	if (group)
		group_dead(group);
	rcu_read_unlock();
}

static void find_rmdir(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "cgroup_rmdir"))
		*(struct tracepoint **)found = tp;
}

static int watch_rmdir(void)
{
	check_trace_callback_type_cgroup_rmdir(probe_rmdir);
	for_each_kernel_tracepoint(find_rmdir, &ms_rmdir_tracepoint);
	if (!ms_rmdir_tracepoint) {
		pr_err("no tracepoint cgroup_rmdir in this kernel\n");
		return -ENOENT;
	}
	return tracepoint_probe_register(ms_rmdir_tracepoint, probe_rmdir, NULL);
}

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
 *
 * The root's has no directory yet.
 *
 * Context: module init. Return: 0; -ENOMEM; -ENOENT: the kernel does not tell of
 * removals.
 */
int ms_groups_init(void)
{
	int ret;

	ms_groups_wq = alloc_workqueue("memstate_groups", WQ_UNBOUND, 0);
	if (!ms_groups_wq)
		return -ENOMEM;
	ret = list_root();
	if (ret)
		goto err_wq;
	ret = watch_rmdir();
	if (ret)
		goto err_root;
	return 0;

err_root:
	xa_destroy(&ms_groups);
	kobject_put(&ms_group_root->kobj);
err_wq:
	destroy_workqueue(ms_groups_wq);
	return ret;
}

/**
 * ms_groups_quiet() - no group goes any more, and nobody is told of anything
 *
 * Context: module exit; no task and no file is there any more.
 */
void ms_groups_quiet(void)
{
	u32 i;

	tracepoint_probe_unregister(ms_rmdir_tracepoint, probe_rmdir, NULL);
	tracepoint_synchronize_unregister();
	/* A limit can still be written, which makes work. */
	ms_sysfs_mute_groups();
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
		ms_sysfs_remove_group(group);
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
			ms_user_give(group->user, MS_NUMBER_GROUPS);
		kobject_put(&group->kobj);
	}
	xa_destroy(&ms_groups);
}
