/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A task: the books of one address space.
 *
 * Model
 *
 *   One struct ms_task per mm that has books, whoever in the process opens the device
 *   and however often. They are named and owned by who owns the mm, and not by who
 *   shares it. life.[ch] begins and ends them: with the mm (exit, exec) or with the
 *   last descriptor or mapping of the device, whichever is first. With the books go
 *   ring, shards and queue; the object, which is small, stays until nobody refers to
 *   it. Books that begin after others have ended, of the same mm, are another object.
 *
 * Locking
 *
 *   task->lock          mutex: everything below "under lock"
 *     mmap_lock         tried, when ledger and mappings are compared
 *       unmaps.lock     spinlock, from the notifier
 *     task->show        spinlock
 *     waiters.lock      spinlock, of each limit; innermost
 *   task->shards_lock   mutex: readers of its allocator's statistics take turns, and
 *                       whoever takes the shards away
 *
 *   The notifier's unmap callback takes unmaps.lock, then those of marks, only.
 *
 *   The ring may be looked at by whoever has the books open (they are not @gone), by
 *   the task itself, which holds a file, and under RCU. The shards: by the task itself
 *   and under shards_lock.
 */
#ifndef MS_TASK_H
#define MS_TASK_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/sysfs.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "ledger.h"
#include "limits.h"
#include "pending.h"
#include "resync.h"
#include "ring.h"
#include "shards.h"
#include "unmap.h"

struct ms_group;
struct ms_space;
struct ms_user;

/**
 * struct ms_task - the books of one address space
 * @mm:		the address space: there under lock until @gone, else see ms_task_mm()
 * @space:	see life.c; with a reference
 * @space_put:	gives that back
 * @uid:	of who owns the mm, when the books began; may read their file
 * @user:	as whom they are counted; until @gone
 * @tgid:	the owner's thread group
 * @pid:	its number, as init sees it
 * @serial:	number of the books, of which there are no two
 * @name:	the same as text: their file in sysfs
 * @file:	that file
 * @group:	of the cgroup that it was in; a use of it until @gone, a reference after
 * @refs:	files, whoever goes through the tasks, the books themselves
 * @rcu:	whoever goes through the tasks may be looking at it
 * @end_work:	frees what the books had
 * @end_ring:	the ring, for that
 * @wait:	who polls
 * @limit:	its own limit, below its group's; charged also without the lock
 * @show:	one at a time shows it its limits
 * @pressure:	what it was last shown; under show
 * @unmaps:	see unmap.h
 * @pending:	below its group; marked while there may be something to drain
 * @ring:	shared pages; NULL until SETUP and after the end
 * @shards:	statistics of its allocator; NULL until SHARDS and after the end
 * @shards_lock: one reader at a time
 * @head:	position up to which the ring is drained; written under lock
 * @events:	number of things worth a look: drift, rejections, comparisons,
 *		refusals, breaches, changes of pressure
 * @gone:	the books are closed; written under lock
 * @nr_files:	files that are bound to it; under the space's lock
 * @lock:	protects all below
 * @ledger:	the ranges
 * @resync:	how far they have been compared with the mappings
 * @totals:	the consistent books, exact at each record
 * @batch:	what they have that the system's do not have yet
 * @dirty:	there is something in @batch
 * @effect:	scratch
 * @shown_seq:	for whoever reads @shown without the lock
 * @shown:	@totals as of the last time that the books were closed after writing
 */
struct ms_task {
	/* set once */
	struct mm_struct *mm;
	struct ms_space *space;
	void (*space_put)(struct ms_space *space);
	kuid_t uid;
	struct ms_user *user;
	struct pid *tgid;
	pid_t pid;
	u64 serial;
	char name[24];
	struct attribute file;
	struct ms_group *group;

	/* with locking of their own */
	refcount_t refs;
	struct rcu_head rcu;
	struct rcu_work end_work;
	struct ms_ring *end_ring;
	wait_queue_head_t wait;
	atomic64_t events;
	struct ms_level limit;
	spinlock_t show;
	u32 pressure;
	struct ms_unmaps unmaps;
	struct ms_pending_node pending;
	struct mutex shards_lock;

	/* written under lock, read anywhere */
	struct ms_ring *ring;
	struct ms_shards *shards;
	u32 head;
	bool gone;

	/* under the space's lock */
	u32 nr_files;

	struct mutex lock;
	struct ms_ledger ledger;
	struct ms_resync resync;
	struct memstate_totals totals;
	struct memstate_totals batch;
	bool dirty;
	struct ms_effect effect;
	seqcount_mutex_t shown_seq;
	struct memstate_totals shown;
};

int ms_tasks_init(void);
void ms_tasks_exit(void);
struct ms_task *ms_task_new(struct task_struct *owner, struct mm_struct *mm);
void ms_task_get(struct ms_task *task);
void ms_task_put(struct ms_task *task);
int ms_task_join(struct ms_task *task, struct ms_group *group);
void ms_task_strip(struct ms_task *task);
int ms_task_setup(struct ms_task *task, u32 entries, u32 flags);
int ms_task_setup_shards(struct ms_task *task, u32 nr);
u32 ms_task_stamp(struct ms_task *task);
void ms_task_publish(struct ms_task *task);
void ms_task_shown(struct ms_task *task, struct memstate_totals *totals);

/**
 * ms_task_of() - the task that a walk has come to
 * @node: its node
 *
 * Context: any. Return: the task.
 */
static inline struct ms_task *ms_task_of(struct ms_pending_node *node)
{
	return container_of(node, struct ms_task, pending);
}

/**
 * ms_task_is_current() - does the caller belong to the task?
 * @task: the task
 *
 * Once the books are gone the mm may be, too, and another may lie where it lay: but
 * whoever has that one came later, and sees that they are gone.
 *
 * Context: process. Return: true if the books are open and its address space is theirs.
 */
static inline bool ms_task_is_current(const struct ms_task *task)
{
	return !READ_ONCE(task->gone) && current->mm && current->mm == task->mm;
}

/**
 * ms_task_ring() - the task's ring
 * @task: the task
 *
 * Context: see above who may look at it. Return: the ring, or NULL before SETUP and
 * after the end.
 */
static inline struct ms_ring *ms_task_ring(const struct ms_task *task)
{
	/* Acquire: pairs with the release in ms_task_setup(). */
	return smp_load_acquire(&task->ring);
}

/**
 * ms_task_shards() - the task's statistics shards
 * @task: the task
 *
 * Context: see above who may look at them. Return: the shards, or NULL before SHARDS
 * and after the end.
 */
static inline struct ms_shards *ms_task_shards(const struct ms_task *task)
{
	/* Acquire: pairs with the release in ms_task_setup_shards(). */
	return smp_load_acquire(&task->shards);
}

/* Count something in the task's books and, at the end of the pass, in its groups'. */
#define ms_task_count(task, member, n)			\
	do {						\
		struct ms_task *__task = (task);	\
		u64 __n = (n);				\
							\
		__task->totals.member += __n;		\
		__task->batch.member += __n;		\
		__task->dirty = true;			\
	} while (0)

/**
 * ms_task_event() - something that a poller should know of
 * @task: the task
 *
 * Context: any.
 */
static inline void ms_task_event(struct ms_task *task)
{
	atomic64_inc(&task->events);
}

#endif /* MS_TASK_H */
