/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A group: the limits and the books of one cgroup v2 node and all below it.
 *
 * Model
 *
 *   Made when the first task of the cgroup, or of one below it, opens the device,
 *   or when somebody sets a limit or watches. It knows its cgroup by id alone, so
 *   that a cgroup that is removed does not linger because of us. A probe on the
 *   kernel's own tracepoint tells of removals; a group goes when its cgroup is gone
 *   and nobody uses it: no task, no group below it. Files that watch it keep the
 *   object and see that it is gone.
 *
 *   The root cgroup's group is always there. Its books are the system's.
 *
 * Locking
 *
 *   ms_groups_lock   mutex: which groups there are, @users. Directories are made
 *                    under it, and removed by the worker without it, because that
 *                    waits for readers.
 */
#ifndef MS_GROUP_H
#define MS_GROUP_H

#include <linux/kobject.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "limits.h"
#include "pending.h"
#include "totals.h"

struct cgroup;

/* Bits of @flags: what the worker is to do; there is a directory. */
#define MS_KICK_EVENTS		0
#define MS_KICK_PRESSURE	1
#define MS_GROUP_SHOWN		2

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
 * @flags:	MS_KICK_*: what the worker has not done yet; MS_GROUP_SHOWN
 * @work:	tells of events and pressure; removes the group
 * @rcu:	the removal of a cgroup may be looking at it
 * @dead:	the cgroup is gone
 * @users:	tasks, groups below, calls under way; under ms_groups_lock
 * @listed:	among the groups; written under ms_groups_lock
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
	bool dead;
	u32 users;
	bool listed;
};

extern struct ms_group *ms_group_root;

int ms_groups_init(void);
void ms_groups_hide(void);
void ms_groups_exit(void);

struct ms_group *ms_group_of_current(void);
struct ms_group *ms_group_of_fd(int fd, bool make);
void ms_group_put(struct ms_group *group);
void ms_group_release(struct kobject *kobj);
struct ms_group *ms_group_to_limit(int fd);
bool ms_group_below(const struct ms_group *group, const struct ms_group *above);

void ms_group_totals(struct ms_group *group, struct memstate_totals *totals);
void ms_group_event(struct ms_group *group, enum memstate_event event);
void ms_group_kick(struct ms_group *group, int what);
void ms_group_limits(struct ms_group *group, struct ms_peak *peak, bool reset,
		     struct memstate_limit *out);

#endif /* MS_GROUP_H */
