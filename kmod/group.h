/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group: the limits and the books of one cgroup v2 node and all below it.
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
 *   A group knows the tasks that are in it and the groups right below it: a walk costs
 *   what there is to be seen.
 *
 *   The root cgroup's group is always there. Its books are the system's.
 *
 * Locking
 *
 *   ms_groups_lock   mutex: groups are made and taken out. Directories are made under
 *                    it, and removed by the worker without it, because that waits for
 *                    readers.
 *     members_lock   spinlock, one a group: its two lists
 *   RCU              groups are found, and the lists are walked. Who finds a group
 *                    that way has it by @users or by its object's references.
 */
#ifndef MS_GROUP_H
#define MS_GROUP_H

#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "limits.h"
#include "pending.h"
#include "totals.h"

struct cgroup;
struct ms_user;
struct task_struct;

/* Bits of @flags: what the worker is to do; there is a directory; the cgroup is gone. */
#define MS_KICK_EVENTS		0
#define MS_KICK_PRESSURE	1
#define MS_GROUP_SHOWN		2
#define MS_GROUP_DEAD		3

/**
 * struct ms_group - limits and books of a cgroup and all below it
 * @kobj:	its directory in sysfs, and the object's reference count
 * @id:		the cgroup's
 * @depth:	groups above it
 * @parent:	the group above it, with a use of it; NULL at the root
 * @limit:	see limits.h; its parent is @parent's
 * @totals:	the books
 * @pending:	who below it has something pending
 * @events:	counts by enum memstate_event, with those of groups below
 * @events_local: of its own limit and tasks only
 * @changes:	moves on with each event and each change of pressure
 * @wait:	who polls
 * @flags:	MS_KICK_*: what the worker has not done yet; MS_GROUP_SHOWN, MS_GROUP_DEAD
 * @work:	tells of events and pressure; removes the group
 * @rcu:	whoever finds it that way may be looking at it
 * @user:	for whom it is counted; NULL at the root
 * @users:	the cgroup, as long as it is there; tasks, groups below, calls under way
 * @listed:	among the groups; written under ms_groups_lock and its parent's
 *		@members_lock, read under RCU
 * @order:	where it stands among its parent's @children; set once
 * @sibling:	among these
 * @members_lock: to change the two lists
 * @next_order:	of who comes next into one of them; under @members_lock
 * @members:	tasks in it, in the order of theirs; RCU
 * @children:	groups right below it, in the order of theirs; RCU
 */
struct ms_group {
	struct kobject kobj;
	u64 id;
	u32 depth;
	struct ms_group *parent;
	struct ms_level limit;
	struct ms_totals totals;
	struct ms_pending pending;
	atomic64_t events[MEMSTATE_NR_EVENTS];
	atomic64_t events_local[MEMSTATE_NR_EVENTS];
	atomic64_t changes;
	wait_queue_head_t wait;
	unsigned long flags;
	struct work_struct work;
	struct rcu_head rcu;
	struct ms_user *user;
	refcount_t users;
	bool listed;
	u64 order;
	struct list_head sibling;
	spinlock_t members_lock;
	u64 next_order;
	struct list_head members;
	struct list_head children;
};

extern struct ms_group *ms_group_root;

int ms_groups_init(void);
void ms_groups_quiet(void);
void ms_groups_hide(void);
void ms_groups_exit(void);

struct ms_group *ms_group_of_task(struct task_struct *task);
struct ms_group *ms_group_of_fd(int fd, bool make);
bool ms_group_may_read(const struct ms_group *group);
void ms_group_put(struct ms_group *group);
struct ms_group *ms_group_after(struct ms_group *group, const struct ms_group *top);
void ms_group_release(struct kobject *kobj);
struct ms_group *ms_group_to_limit(int fd);

void ms_group_totals(struct ms_group *group, struct memstate_totals *totals);
void ms_group_event(struct ms_group *group, enum memstate_event event);
void ms_group_kick(struct ms_group *group, int what);
void ms_group_limits(struct ms_group *group, struct ms_peak *peak, bool reset,
		     struct memstate_limit *out);

#endif /* MS_GROUP_H */
