// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "group.h"
#include "job.h"

#define TABLE_BITS	10

/**
 * struct ms_job_member - a process that is in a job
 * @node:	in its bucket; RCU
 * @rcu:	whoever finds it that way may be looking at it
 * @process:	the kernel's object of the process; only compared
 * @job:	with a use of it
 * @unborn:	who is about to be born of its threads, at most one of each; under the bucket's lock
 * @by:		of one who is: the thread; only compared
 */
struct ms_job_member {
	struct hlist_node node;
	struct rcu_head rcu;
	const struct signal_struct *process;
	struct ms_group *job;
	struct hlist_head unborn;
	const struct task_struct *by;
};

struct job_bucket {
	spinlock_t lock;
	struct hlist_head members;
};

static struct job_bucket job_table[1 << TABLE_BITS] = {
	[0 ... (1 << TABLE_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(job_table.lock),
		.members = HLIST_HEAD_INIT,
	},
};

static struct job_bucket *bucket_of(const struct signal_struct *process)
{
	return &job_table[hash_ptr(process, TABLE_BITS)];
}

/* Under RCU, or with the lock of its bucket. */
static struct ms_job_member *member_of(const struct task_struct *task)
{
	struct job_bucket *b = bucket_of(task->signal);
	struct ms_job_member *m;

	hlist_for_each_entry_rcu(m, &b->members, node, lockdep_is_held(&b->lock))
		if (m->process == task->signal)
			return m;
	return NULL;
}

/* ---- where somebody is charged ---------------------------------------------------------- */

static bool is_above(const struct ms_group *group, const struct ms_group *below)
{
	while (below && below != group)
		below = below->parent;
	return below;
}

/* Whether who is in a job, and in the cgroup of that group, is charged to the job. */
static bool job_holds(const struct ms_group *job, const struct ms_group *near)
{
	for (; near && !is_above(near, job); near = near->parent)
		if (READ_ONCE(near->observed.why) ||
		    READ_ONCE(near->limit.core.max) != MEMSTATE_UNLIMITED)
			return false;
	return true;
}

/**
 * ms_job_near() - the group in which somebody is: his job, or that of his cgroup
 * @task: of whom
 *
 * Context: any; RCU read lock held. Return: the job; or the group of the cgroup, or of the
 * nearest one above it that has one; to be given back by ms_group_put().
 */
struct ms_group *ms_job_near(struct task_struct *task)
{
	struct ms_group *near = ms_group_near(task_dfl_cgroup(task)), *job;
	struct ms_job_member *m = member_of(task);

	if (!m)
		return near;
	job = READ_ONCE(m->job);
	if (!job_holds(job, near) || !refcount_inc_not_zero(&job->users))
		return near;
	ms_group_put(near);
	return job;
}

/**
 * ms_job_stays() - would somebody be in the same job, if he were asked for once more?
 * @task:	of whom
 * @group:	in which he was
 *
 * Context: any. Return: false: he is in another job, or in one, or in none.
 */
bool ms_job_stays(struct task_struct *task, const struct ms_group *group)
{
	struct ms_group *near;
	bool stays;

	rcu_read_lock();
	near = ms_job_near(task);
	rcu_read_unlock();
	stays = near == group || (!ms_group_is_job(near) && !ms_group_is_job(group));
	ms_group_put(near);
	return stays;
}

/**
 * ms_job_owner() - whose an address space is
 * @mm:		the space
 * @task:	a thread that has it
 *
 * Context: any; RCU read lock held. Return: who owns it, if that is known, or @task.
 */
struct task_struct *ms_job_owner(const struct mm_struct *mm, struct task_struct *task)
{
	struct task_struct *owner = ms_mm_owner(mm);

	/* Who exits hands it on. */
	return owner && !(READ_ONCE(owner->flags) & PF_EXITING) ? owner : task;
}

/* ---- who enters --------------------------------------------------------------------------- */

/**
 * ms_job_member_new() - what it takes to enter a job
 *
 * Context: process; may sleep. Return: for ms_job_enter(), or kfree(); NULL: there is no memory.
 */
struct ms_job_member *ms_job_member_new(void)
{
	return kzalloc(sizeof(struct ms_job_member), GFP_KERNEL_ACCOUNT);
}

/**
 * ms_job_may_enter() - may the caller enter a job?
 * @above: what that is below
 *
 * Context: process. Return: 0; -EAGAIN: he is in another group now; -EXDEV: he is in a job, and
 * charged elsewhere, so that he would get out of it.
 */
int ms_job_may_enter(const struct ms_group *above)
{
	struct ms_job_member *m;
	struct ms_group *near;
	int ret = 0;

	rcu_read_lock();
	near = ms_job_near(current);
	m = member_of(current);
	if (m && READ_ONCE(m->job) != near)
		ret = -EXDEV;
	else if (near != above)
		ret = -EAGAIN;
	ms_group_put(near);
	rcu_read_unlock();
	return ret;
}

/**
 * ms_job_enter() - the caller's process is in a job from now on
 * @job:	the job, below the one that he is in
 * @fresh:	from ms_job_member_new(), and gone after that
 *
 * Context: process; does not sleep.
 */
void ms_job_enter(struct ms_group *job, struct ms_job_member *fresh)
{
	struct job_bucket *b = bucket_of(current->signal);
	struct ms_group *before = NULL;
	struct ms_job_member *m;

	refcount_inc(&job->users);
	spin_lock(&b->lock);
	m = member_of(current);
	if (m) {
		before = m->job;
		WRITE_ONCE(m->job, job);
	} else {
		fresh->process = current->signal;
		fresh->job = job;
		hlist_add_head_rcu(&fresh->node, &b->members);
	}
	spin_unlock(&b->lock);
	if (m) {
		ms_group_put(before);
		kfree(fresh);
	}
}

/* ---- birth -------------------------------------------------------------------------------- */

/* Who is to be born of the caller's process, by the caller, or NULL. */
static struct ms_job_member *unborn_of(struct ms_job_member *m, const struct task_struct *by)
{
	struct ms_job_member *u;

	hlist_for_each_entry(u, &m->unborn, node)
		if (u->by == by)
			return u;
	return NULL;
}

/**
 * ms_job_bear() - a child is about to be born, and will be in its parent's job
 * @child: the child, of the caller; another process
 *
 * Context: task context; does not sleep. Return: false: there is no memory, and it must not be.
 */
bool ms_job_bear(const struct task_struct *child)
{
	struct job_bucket *b = bucket_of(current->signal);
	struct ms_job_member *m, *u = NULL, *fresh;
	bool is;

	rcu_read_lock();
	is = member_of(current);
	rcu_read_unlock();
	if (!is)
		return true;
	fresh = kzalloc(sizeof(*fresh), GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN);
	spin_lock(&b->lock);
	m = member_of(current);
	if (m) {
		/* One of the last time, who was not born. */
		u = unborn_of(m, current);
		if (!u && fresh) {
			u = fresh;
			u->by = current;
			hlist_add_head(&u->node, &m->unborn);
			fresh = NULL;
		}
		if (u)
			u->process = child->signal;
	}
	spin_unlock(&b->lock);
	kfree(fresh);
	return u || !m;
}

/**
 * ms_job_born() - a child has been born
 * @child: the child, of the caller; it has not run
 *
 * Context: task context; does not sleep.
 */
void ms_job_born(const struct task_struct *child)
{
	struct job_bucket *b = bucket_of(current->signal);
	struct ms_job_member *m, *u = NULL;

	rcu_read_lock();
	m = member_of(current);
	rcu_read_unlock();
	if (!m)
		return;
	spin_lock(&b->lock);
	m = member_of(current);
	if (m)
		u = unborn_of(m, current);
	if (u && u->process == child->signal) {
		hlist_del(&u->node);
		u->by = NULL;
		u->job = m->job;
		refcount_inc(&u->job->users);
	} else {
		/* Its birth began before there was a job. */
		u = NULL;
	}
	spin_unlock(&b->lock);
	if (!u)
		return;
	b = bucket_of(child->signal);
	spin_lock(&b->lock);
	hlist_add_head_rcu(&u->node, &b->members);
	spin_unlock(&b->lock);
}

/* ---- end ---------------------------------------------------------------------------------- */

/* Out of the table. Its bucket is locked. */
static void member_unlist(struct ms_job_member *m)
{
	struct ms_job_member *u;
	struct hlist_node *next;

	hlist_for_each_entry_safe(u, next, &m->unborn, node) {
		hlist_del(&u->node);
		kfree(u);
	}
	hlist_del_rcu(&m->node);
}

static void member_free(struct ms_job_member *m)
{
	ms_group_put(m->job);
	kfree_rcu(m, rcu);
}

/**
 * ms_job_exit() - a thread exits
 * @task: the thread, the caller; its process has ended if it is the last
 *
 * Context: task context; does not sleep.
 */
void ms_job_exit(const struct task_struct *task)
{
	struct job_bucket *b = bucket_of(task->signal);
	struct ms_job_member *m, *u = NULL;
	bool last = false;

	rcu_read_lock();
	m = member_of(task);
	rcu_read_unlock();
	if (!m)
		return;
	spin_lock(&b->lock);
	m = member_of(task);
	if (m) {
		u = unborn_of(m, task);
		if (u)
			hlist_del(&u->node);
		/* Several may find that, and one takes it out. */
		last = !atomic_read(&task->signal->live);
		if (last)
			member_unlist(m);
	}
	spin_unlock(&b->lock);
	kfree(u);
	if (last)
		member_free(m);
}

/**
 * ms_jobs_forget() - nobody is in a job any more
 *
 * Context: process; does not sleep; nothing is hooked any more.
 */
void ms_jobs_forget(void)
{
	struct ms_job_member *m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(job_table); i++) {
		struct job_bucket *b = &job_table[i];

		spin_lock(&b->lock);
		while (!hlist_empty(&b->members)) {
			m = hlist_entry(b->members.first, struct ms_job_member, node);
			member_unlist(m);
			spin_unlock(&b->lock);
			member_free(m);
			spin_lock(&b->lock);
		}
		spin_unlock(&b->lock);
	}
}
