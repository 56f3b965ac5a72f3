/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group: the limits and the books of one cgroup v2 node, or of a job, and all below it.
 *
 * Model
 *
 *   Made when the first task of the cgroup, or of one below it, begins its books,
 *   or when somebody sets a limit or watches. It knows its cgroup by id alone, so
 *   that a cgroup that is removed does not linger because of us. Only the cgroups of
 *   the default hierarchy count: ids of other hierarchies are numbers of their own. A
 *   probe on the kernel's own tracepoint tells of removals; a group goes when its
 *   cgroup is gone and nobody uses it: no task, no group below it. Files that watch it
 *   keep the object and see that it is gone.
 *
 *   A group knows what lies right below it (pending.h), and not what that is: a walk costs
 *   what there is to be seen. Who shows groups, and tells tasks of pressure, stands above
 *   and is called back (struct ms_group_ops).
 *
 *   The root cgroup's group is always there. Its books are the system's.
 *
 *   A job is a group that belongs to no cgroup: there as long as somebody is in it (job.h), or
 *   charged to it. It is not shown, and found only by who uses it already.
 *
 * Locking
 *
 *   ms_groups_lock   mutex: groups are made and taken out. Directories are made under
 *                    it, and removed by the worker without it, because that waits for
 *                    readers.
 *   RCU              groups are found. Who finds a group that way has it by @users or by
 *                    its object's references.
 */
#ifndef MS_GROUP_H
#define MS_GROUP_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/ratelimit_types.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "limits.h"
#include "pending.h"
#include "totals.h"
#include "users.h"

struct cgroup;
struct pid;

/* Somebody has asked for it; a limit is for any program. */
#define MS_OBSERVED_ASKED	1
#define MS_OBSERVED_LIMIT	2
#define MS_OBSERVED_COMMIT_MAX	4
#define MS_OBSERVED_ALL		7

/*
 * What is summed up over the address spaces in a group and below it: known ones; and, of those
 * that report nothing, how many, and bytes that they could write to, that are backed, that they
 * have inherited, that were granted and are not backed yet; bytes of arenas that nothing has
 * touched.
 */
enum ms_observed_sum {
	MS_OBSERVED_KNOWN,
	MS_OBSERVED_SPACES,
	MS_OBSERVED_COMMIT,
	MS_OBSERVED_BACKED,
	MS_OBSERVED_INHERITED,
	MS_OBSERVED_PENDING,
	MS_OBSERVED_ARENA,
	MS_OBSERVED_SHARED,
	MS_OBSERVED_SUMS
};

/**
 * struct ms_refusal_note - a growth that was refused
 * @nr:		how many there have been with it
 * @first:	when the first of them was, nanoseconds since boot
 * @last:	when it was
 * @pid:	whose it was, with a reference: it has a number in each namespace that sees it
 * @inner:	likewise, as his own pid namespace has it
 * @comm:	what he calls himself
 * @how:	MEMSTATE_REFUSED_*
 * @by:		the group whose limit it was
 * @bytes:	by how much he wanted to grow
 * @backed:	bytes charged to that group and backed
 * @charged:	bytes charged to it, what is pending included
 * @max:	its limit
 * @overcommit:	percent of that
 */
struct ms_refusal_note {
	u64 nr;
	u64 first;
	u64 last;
	struct pid *pid;
	pid_t inner;
	char comm[TASK_COMM_LEN];
	u32 how;
	u64 by;
	u64 bytes;
	u64 backed;
	u64 charged;
	u64 max;
	u32 overcommit;
};

/**
 * struct ms_refusal - refusals in a group
 * @lock:	protects @note
 * @note:	the last one
 * @log:	how many lines there may be
 */
struct ms_refusal {
	spinlock_t lock;
	struct ms_refusal_note note;
	struct ratelimit_state log;
};

/**
 * struct ms_group_observed - what observed.h knows of a group; sums are of all below it
 * @why:	MS_OBSERVED_*: why it is observed, and so are all below it
 * @overcommit:	percent of max that may be charged, what is pending included
 * @trust:	who reports is believed, in it and all below it
 * @sums:	by enum ms_observed_sum, each as of the last look
 * @excess:	bytes charged for who reports, beyond what he reports
 * @shrunk:	when much of it was given back, in jiffies
 * @copied:	see copies.h: bytes, when it was last asked for
 * @settled:	when they were last looked at before a refusal, in jiffies
 * @refusal:	see refusal.h
 * @heirs:	spinlock: who pays for what is inherited, of @members
 * @lock:	spinlock: to change @members
 * @members:	address spaces right in it; RCU
 */
struct ms_group_observed {
	unsigned int why;
	u32 overcommit;
	bool trust;
	atomic64_t sums[MS_OBSERVED_SUMS];
	atomic64_t excess;
	unsigned long shrunk;
	u64 copied;
	unsigned long settled;
	struct ms_refusal refusal;
	spinlock_t heirs;
	spinlock_t lock;
	struct list_head members;
};

/*
 * Bits of @flags: what the worker is to do: tell, look at what is observed, log; there is a
 * directory; the cgroup is gone.
 */
#define MS_KICK_EVENTS		0
#define MS_KICK_PRESSURE	1
#define MS_GROUP_SHOWN		2
#define MS_GROUP_DEAD		3
#define MS_KICK_SETTLE		4
#define MS_KICK_REFUSED		5

/**
 * struct ms_group - limits and books of a cgroup, or a job, and all below it
 * @kobj:	its directory in sysfs, and the object's reference count
 * @id:		the cgroup's; a job's has MEMSTATE_JOB_ID
 * @depth:	groups above it
 * @parent:	the group above it, with a use of it; NULL at the root
 * @limit:	see limits.h; its parent is @parent's
 * @commit:	likewise, of what observed spaces could write to: commit.h
 * @totals:	the books
 * @pending:	who is below it, and has something pending
 * @observed:	what is known of address spaces that report nothing
 * @events:	counts by enum memstate_event, with those of groups below
 * @events_local: of its own limit and tasks only
 * @changes:	moves on with each event and each change of pressure
 * @wait:	who polls
 * @flags:	MS_KICK_*: what the worker has not done yet; MS_GROUP_SHOWN, MS_GROUP_DEAD
 * @work:	tells of events and pressure; removes the group
 * @rcu:	whoever finds it that way may be looking at it
 * @user:	for whom it is counted; NULL at the root
 * @number:	as what: MS_NUMBER_GROUPS, or MS_NUMBER_JOBS
 * @sibling:	among the children of @parent, as long as it is @listed; RCU
 * @children:	groups right below it; written under ms_groups_lock
 * @users:	the cgroup, as long as it is there; who is in a job; tasks, groups below, calls
 *		under way
 * @listed:	among the groups; written under ms_groups_lock
 */
struct ms_group {
	struct kobject kobj;
	u64 id;
	u32 depth;
	struct ms_group *parent;
	struct ms_level limit;
	struct ms_level commit;
	struct ms_totals totals;
	struct ms_pending pending;
	struct ms_group_observed observed;
	atomic64_t events[MEMSTATE_NR_EVENTS];
	atomic64_t events_local[MEMSTATE_NR_EVENTS];
	atomic64_t changes;
	wait_queue_head_t wait;
	unsigned long flags;
	struct work_struct work;
	struct rcu_head rcu;
	struct ms_user *user;
	enum ms_number number;
	struct list_head sibling;
	struct list_head children;
	refcount_t users;
	bool listed;
};

/**
 * struct ms_group_ops - what those above do with groups
 * @ktype:	of its directory; its release is ms_group_release()
 * @appear:	a group comes; may fail
 * @found:	it has come, and is found from now on
 * @vanish:	it goes; also if it did not come
 * @notify:	there are events, or another pressure
 * @tell:	the tasks below are to be told of limits and pressure
 * @settle:	what is observed below is to be looked at
 * @refused:	it has refused
 */
struct ms_group_ops {
	const struct kobj_type *ktype;
	int (*appear)(struct ms_group *group);
	void (*found)(struct ms_group *group);
	void (*vanish)(struct ms_group *group);
	void (*notify)(struct ms_group *group, bool pressure);
	void (*tell)(struct ms_group *group);
	void (*settle)(struct ms_group *group);
	void (*refused)(struct ms_group *group);
};

extern struct ms_group *ms_group_root;

extern const struct ms_level_ops ms_group_level_ops;

int ms_groups_init(const struct ms_group_ops *ops);
void ms_groups_quiet(void);
void ms_groups_hide(void);
void ms_groups_exit(void);

struct ms_group *ms_group_get(struct cgroup *cgrp, bool make);
struct ms_group *ms_group_near(struct cgroup *cgrp);
struct ms_group *ms_group_new_job(struct ms_group *parent);
void ms_group_put(struct ms_group *group);
void ms_group_gone(u64 id);
void ms_group_release(struct kobject *kobj);

void ms_group_totals(struct ms_group *group, struct memstate_totals *totals);
void ms_group_settle(struct ms_group *group);
void ms_group_event(struct ms_group *group, enum memstate_event event);
void ms_groups_tell_observed(void);
void ms_group_kick(struct ms_group *group, int what);
void ms_group_limits(struct ms_group *group, struct ms_peak *peak, bool reset,
		     struct memstate_limit *out);

/**
 * ms_group_of_level() - whose limit it is
 * @l: the level, or NULL
 *
 * Context: any. Return: the group; NULL: a task's own.
 */
static inline struct ms_group *ms_group_of_level(struct ms_level *l)
{
	return l && l->ops == &ms_group_level_ops ?
		       container_of(l, struct ms_group, limit) : NULL;
}

/**
 * ms_group_is_job() - does it belong to no cgroup?
 * @group: the group
 *
 * Context: any. Return: true: it is a job.
 */
static inline bool ms_group_is_job(const struct ms_group *group)
{
	return group->number == MS_NUMBER_JOBS;
}

/**
 * ms_group_cgroup() - the cgroup of a group
 * @group: the group
 *
 * Context: any. Return: the cgroup's id; of a job that of where it was made.
 */
static inline u64 ms_group_cgroup(const struct ms_group *group)
{
	while (ms_group_is_job(group))
		group = group->parent;
	return group->id;
}

/**
 * ms_group_observed() - are programs in it observed that report nothing?
 * @group: the group
 *
 * Context: any. Return: true if it is, or one above is.
 */
static inline bool ms_group_observed(const struct ms_group *group)
{
	for (; group; group = group->parent)
		if (READ_ONCE(group->observed.why))
			return true;
	return false;
}

#endif /* MS_GROUP_H */
