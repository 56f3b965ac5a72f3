/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A task: the books of one address space.
 *
 * Model
 *
 *   One struct ms_task per mm, whoever in the process opens the device and
 *   however often. It is found through the mm's notifier, which also tells of
 *   unmappings and of the mm's end. The books vanish with the mm (exit, exec) or
 *   with the last descriptor or mapping of the device, whichever is first; the
 *   object stays until nobody refers to it.
 *
 * Locking
 *
 *   ms_tasks_lock           which tasks there are, nr_files, who has which name
 *     kernfs active (a task's directory, when it is removed)
 *       task->lock          everything below "under lock"
 *         mmap_lock         tried, when ledger and mappings are compared
 *           unmaps.lock     spinlock, from the notifier
 *         task->show        spinlock
 *         waiters.lock      spinlock, of each limit; innermost
 *       task->shards->lock  readers of its allocator's statistics take turns
 *     mmap_lock             in open, for the notifier
 *     ms_groups_lock        when the task leaves its group
 *
 *   The notifier's unmap callback takes unmaps.lock, then those of marks, only. Its
 *   release callback (exit, exec) takes ms_tasks_lock; nobody who holds that waits for an
 *   mm to go away.
 */
#ifndef MS_TASK_H
#define MS_TASK_H

#include <linux/kobject.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
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

/**
 * struct ms_task - the books of one address space
 * @notifier:	tells of unmappings and the end; holds the mm (not its pages)
 * @kobj:	its directory in sysfs, and the object's reference count
 * @uid:	owner of the directory
 * @gid:	owner of the directory
 * @tgid:	thread group that opened the device first
 * @pid:	its number, as init sees it
 * @group:	of the cgroup that it was in; a use of it until @gone, a reference after
 * @free_work:	gives the last reference back where one may sleep
 * @wait:	who polls
 * @limit:	its own limit, below its group's; charged also without the lock
 * @show:	one at a time shows it its limits
 * @pressure:	what it was last shown; under show
 * @unmaps:	see unmap.h
 * @pending:	marked while there may be something to drain
 * @ring:	shared pages; NULL until SETUP, then never changes
 * @shards:	statistics of its allocator; NULL until SHARDS, then never changes
 * @head:	position up to which the ring is drained; written under lock
 * @events:	number of things worth a look: drift, rejections, comparisons,
 *		refusals, breaches, changes of pressure
 * @gone:	the books are closed; written under lock
 * @id:		key among the tasks; under ms_tasks_lock
 * @nr_files:	open files; under ms_tasks_lock
 * @listed:	among the tasks; under ms_tasks_lock
 * @named:	has its directory; under ms_tasks_lock
 * @lock:	protects all below
 * @ledger:	the ranges
 * @resync:	how far they have been compared with the mappings
 * @totals:	the consistent books, exact at each record
 * @batch:	what they have that the system's do not have yet
 * @dirty:	there is something in @batch
 * @effect:	scratch
 */
struct ms_task {
	/* set once */
	struct mmu_notifier notifier;
	struct kobject kobj;
	kuid_t uid;
	kgid_t gid;
	struct pid *tgid;
	pid_t pid;
	struct ms_group *group;

	/* with locking of their own */
	struct work_struct free_work;
	wait_queue_head_t wait;
	atomic64_t events;
	struct ms_level limit;
	spinlock_t show;
	u32 pressure;
	struct ms_unmaps unmaps;
	struct ms_pending_node pending;

	/* written under lock, read anywhere */
	struct ms_ring *ring;
	struct ms_shards *shards;
	u32 head;
	bool gone;

	/* under ms_tasks_lock */
	u32 id;
	u32 nr_files;
	bool listed;
	bool named;

	struct mutex lock;
	struct ms_ledger ledger;
	struct ms_resync resync;
	struct memstate_totals totals;
	struct memstate_totals batch;
	bool dirty;
	struct ms_effect effect;
};

int ms_tasks_init(void);
void ms_tasks_exit(void);
struct ms_task *ms_task_open(void);
void ms_task_close(struct ms_task *task);
struct ms_task *ms_task_next(u32 *id, const struct ms_group *group);
void ms_task_put(struct ms_task *task);
int ms_task_setup(struct ms_task *task, u32 entries, u32 flags);
int ms_task_setup_shards(struct ms_task *task, u32 nr);
u32 ms_task_stamp(struct ms_task *task);

/**
 * ms_task_is_current() - does the caller belong to the task?
 * @task: the task
 *
 * Context: process. Return: true if its address space is the bound one.
 */
static inline bool ms_task_is_current(const struct ms_task *task)
{
	return current->mm && current->mm == task->notifier.mm;
}

/**
 * ms_task_ring() - the task's ring
 * @task: the task
 *
 * Context: any. Return: the ring, or NULL before SETUP.
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
 * Context: any. Return: the shards, or NULL before SHARDS.
 */
static inline struct ms_shards *ms_task_shards(const struct ms_task *task)
{
	/* Acquire: pairs with the release in ms_task_setup_shards(). */
	return smp_load_acquire(&task->shards);
}

#endif /* MS_TASK_H */
