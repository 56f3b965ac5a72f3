// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/sched/task.h>
#include <linux/tracepoint.h>
#include <linux/user_namespace.h>
#include <trace/events/cgroup.h>

#include "cgroup.h"
#include "compat.h"
#include "group.h"
#include "job.h"

static struct tracepoint *ms_rmdir_tracepoint;

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
 * ms_group_of_task() - the group of somebody's cgroup, or the job that he is in
 * @task: of whom
 *
 * Context: process; may sleep. Return: the group, to be given back by
 * ms_group_put(); -ENOMEM; -ENFILE: too many groups, -EUSERS: of the caller; -ELOOP:
 * the cgroup lies too deep; -ENOENT: it is gone, as only that of who exits can be;
 * -EINTR: killed.
 */
struct ms_group *ms_group_of_task(struct task_struct *task)
{
	struct ms_group *group;
	struct cgroup *cgrp;

	rcu_read_lock();
	group = ms_job_near(task);
	rcu_read_unlock();
	if (ms_group_is_job(group))
		return group;
	ms_group_put(group);
	cgrp = cgroup_of(task);
	group = ms_group_get(cgrp, true);
	cgroup_put(cgrp);
	return group;
}

/* ---- who may ----------------------------------------------------------------------- */

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

/* ---- directories ------------------------------------------------------------------- */

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
	group = may_read(cgrp, fd) ? ms_group_get(cgrp, make) : ERR_PTR(-EACCES);
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
	group = ret ? ERR_PTR(ret) : ms_group_get(cgrp, true);
	cgroup_put(cgrp);
	return group;
}

/* ---- removal ----------------------------------------------------------------------- */

/* Called with locks held and interrupts off. */
static void probe_rmdir(void *data, struct cgroup *cgrp, const char *path)
{
	/* Each hierarchy of cgroup v1 has numbers of its own. */
	if (cgrp->root == &cgrp_dfl_root)
		ms_group_gone(cgroup_id(cgrp));
}

static void find_rmdir(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "cgroup_rmdir"))
		*(struct tracepoint **)found = tp;
}

/**
 * ms_cgroups_watch() - hear of cgroups that are removed
 *
 * Context: module init. Return: 0; -ENOMEM; -ENOENT: the kernel does not tell of
 * removals.
 */
int ms_cgroups_watch(void)
{
	check_trace_callback_type_cgroup_rmdir(probe_rmdir);
	for_each_kernel_tracepoint(find_rmdir, &ms_rmdir_tracepoint);
	if (!ms_rmdir_tracepoint) {
		pr_err("no tracepoint cgroup_rmdir in this kernel\n");
		return -ENOENT;
	}
	return tracepoint_probe_register(ms_rmdir_tracepoint, probe_rmdir, NULL);
}

/**
 * ms_cgroups_unwatch() - hear of none any more
 *
 * Context: module init and exit; may sleep.
 */
void ms_cgroups_unwatch(void)
{
	tracepoint_probe_unregister(ms_rmdir_tracepoint, probe_rmdir, NULL);
	tracepoint_synchronize_unregister();
}
