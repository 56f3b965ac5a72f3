// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <linux/xarray.h>
#include <trace/events/cgroup.h>

#include "charge.h"
#include "compat.h"
#include "group.h"
#include "params.h"
#include "sysfs.h"
#include "task.h"
#include "trace.h"

struct ms_group *ms_group_root;

static DEFINE_MUTEX(ms_groups_lock);
static DEFINE_XARRAY(ms_groups);
static u32 ms_nr_groups;
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
	bool gone;

	mutex_lock(&ms_groups_lock);
	gone = group->listed && READ_ONCE(group->dead) && !group->users;
	if (gone) {
		WRITE_ONCE(group->listed, false);
		xa_erase(&ms_groups, group->id);
		ms_nr_groups--;
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
	if (parent)
		ms_group_put(parent);
}

static void group_tell_tasks(struct ms_group *group)
{
	struct ms_task *task;
	u32 id = 0;

	while ((task = ms_task_next(&id, group))) {
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
	ms_pending_init(&group->pending, &group->kobj);
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

/* List a group for a cgroup whose parent has one. */
static struct ms_group *group_add(struct cgroup *cgrp, struct ms_group *parent)
{
	u64 id = cgroup_id(cgrp);
	struct ms_group *group;
	int ret;

	lockdep_assert_held(&ms_groups_lock);
	if (ms_nr_groups >= READ_ONCE(ms_param_groups_max))
		return ERR_PTR(-ENFILE);
	if (parent && parent->depth + 1 >= ms_param_groups_depth)
		return ERR_PTR(-ELOOP);
	group = group_new(id, parent);
	if (IS_ERR(group))
		return group;
	ret = xa_err(xa_store(&ms_groups, id, group, GFP_KERNEL));
	if (!ret) {
		ret = ms_sysfs_add_group(group);
		if (ret)
			xa_erase(&ms_groups, id);
	}
	if (ret) {
		kobject_put(&group->kobj);
		return ERR_PTR(ret);
	}
	group->listed = true;
	ms_nr_groups++;
	if (parent)
		parent->users++;
	/* Listed first: either the probe finds it or we see it going. */
	smp_mb();
	if (!cgroup_online(cgrp)) {
		WRITE_ONCE(group->dead, true);
		ms_group_kick(group, MS_KICK_EVENTS);
	}
	return group;
}

/* The group of a cgroup, made with those above it where they are missing. */
static struct ms_group *group_make(struct cgroup *cgrp)
{
	struct ms_group *group;

	lockdep_assert_held(&ms_groups_lock);
	while (!(group = xa_load(&ms_groups, cgroup_id(cgrp)))) {
		struct cgroup *missing = cgrp, *above;
		struct ms_group *parent = NULL;

		while ((above = cgroup_parent(missing))) {
			parent = xa_load(&ms_groups, cgroup_id(above));
			if (parent)
				break;
			missing = above;
		}
		group = group_add(missing, parent);
		if (IS_ERR(group))
			break;
	}
	return group;
}

static struct ms_group *group_get(struct cgroup *cgrp, bool make)
{
	struct ms_group *group;

	if (mutex_lock_killable(&ms_groups_lock))
		return ERR_PTR(-EINTR);
	group = make ? group_make(cgrp) : xa_load(&ms_groups, cgroup_id(cgrp));
	if (!IS_ERR_OR_NULL(group))
		group->users++;
	mutex_unlock(&ms_groups_lock);
	return group;
}

/**
 * ms_group_of_current() - the group of the caller's cgroup
 *
 * Context: process; may sleep. Return: the group, to be given back by
 * ms_group_put(); -ENOMEM; -ENFILE: too many groups; -ELOOP: the cgroup lies too
 * deep; -EINTR: killed.
 */
struct ms_group *ms_group_of_current(void)
{
	struct ms_group *group;
	struct cgroup *cgrp;

	rcu_read_lock();
	do {
		cgrp = task_dfl_cgroup(current);
	} while (!cgroup_tryget(cgrp));
	rcu_read_unlock();
	group = group_get(cgrp, true);
	cgroup_put(cgrp);
	return group;
}

/**
 * ms_group_of_fd() - the group of a cgroup v2 directory
 * @fd:		descriptor of the directory
 * @make:	make one if there is none
 *
 * Context: process; may sleep. Return: the group, to be given back by
 * ms_group_put(); NULL: there is none; -EBADF: not such a directory; -ENOENT: the
 * cgroup is gone; else as ms_group_of_current().
 */
struct ms_group *ms_group_of_fd(int fd, bool make)
{
	struct cgroup *cgrp = cgroup_get_from_fd(fd);
	struct ms_group *group;

	if (IS_ERR(cgrp))
		return ERR_CAST(cgrp);
	group = group_get(cgrp, make);
	cgroup_put(cgrp);
	return group;
}

/**
 * ms_group_put() - one user less
 * @group: the group
 *
 * Context: may sleep.
 */
void ms_group_put(struct ms_group *group)
{
	bool last;

	mutex_lock(&ms_groups_lock);
	last = !--group->users && READ_ONCE(group->dead);
	/* Under the lock: without a user only the worker keeps it. */
	if (last)
		ms_group_kick(group, MS_KICK_EVENTS);
	mutex_unlock(&ms_groups_lock);
}

/**
 * ms_group_below() - does a group lie below another, or is it that one?
 * @group:	the one
 * @above:	the other
 *
 * Context: any. Return: true if it does.
 */
bool ms_group_below(const struct ms_group *group, const struct ms_group *above)
{
	while (group && group->depth > above->depth)
		group = group->parent;
	return group == above;
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

/**
 * ms_group_to_limit() - the group of a directory, for who may set its limits
 * @fd: descriptor of a cgroup v2 directory
 *
 * Who could have made or removed the cgroup may. So whoever owns a cgroup can limit
 * those below it, and never lift its own limit.
 *
 * Context: process; may sleep. Return: as ms_group_of_fd(); -EPERM; -EROFS.
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
	if (group) {
		WRITE_ONCE(group->dead, true);
		ms_group_kick(group, MS_KICK_EVENTS);
	}
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

/* The root of the default hierarchy, whatever namespace the caller is in. */
static u64 root_id(void)
{
	struct cgroup *cgrp, *above;
	u64 id;

	rcu_read_lock();
	cgrp = task_dfl_cgroup(current);
	while ((above = cgroup_parent(cgrp)))
		cgrp = above;
	id = cgroup_id(cgrp);
	rcu_read_unlock();
	return id;
}

static int list_root(void)
{
	struct ms_group *root = group_new(root_id(), NULL);
	int ret;

	if (IS_ERR(root))
		return PTR_ERR(root);
	ret = xa_err(xa_store(&ms_groups, root->id, root, GFP_KERNEL));
	if (ret) {
		kobject_put(&root->kobj);
		return ret;
	}
	root->listed = true;
	root->users = 1;
	ms_nr_groups = 1;
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
 * ms_groups_hide() - remove the directories of all groups
 *
 * Context: module exit, while the device's directory is still there.
 */
void ms_groups_hide(void)
{
	struct ms_group *group;
	unsigned long id;

	mutex_lock(&ms_groups_lock);
	xa_for_each(&ms_groups, id, group)
		ms_sysfs_remove_group(group);
	mutex_unlock(&ms_groups_lock);
}

/**
 * ms_groups_exit() - forget all groups
 *
 * Context: module exit; no task and no file is there any more.
 */
void ms_groups_exit(void)
{
	struct ms_group *group;
	unsigned long id;

	tracepoint_probe_unregister(ms_rmdir_tracepoint, probe_rmdir, NULL);
	tracepoint_synchronize_unregister();
	destroy_workqueue(ms_groups_wq);
	xa_for_each(&ms_groups, id, group) {
		xa_erase(&ms_groups, id);
		kobject_put(&group->kobj);
	}
	xa_destroy(&ms_groups);
}
