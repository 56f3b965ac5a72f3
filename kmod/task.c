// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "charge.h"
#include "drain.h"
#include "group.h"
#include "mappings.h"
#include "params.h"
#include "sysfs.h"
#include "task.h"

/* Shards where SHARDS asks for 0. */
#define SHARDS_DEFAULT	64

static DEFINE_MUTEX(ms_tasks_lock);
/* Tasks whose books are open: all by id, and by pid those with a directory. */
static DEFINE_XARRAY_ALLOC1(ms_tasks);
static DEFINE_XARRAY(ms_tasks_by_pid);
static u32 ms_tasks_next_id;
static u32 ms_nr_tasks;
static struct workqueue_struct *ms_tasks_wq;

/**
 * ms_tasks_init() - be ready for tasks
 *
 * Context: module init. Return: 0 or -ENOMEM.
 */
int ms_tasks_init(void)
{
	ms_tasks_wq = alloc_workqueue("memstate", WQ_UNBOUND, 0);
	return ms_tasks_wq ? 0 : -ENOMEM;
}

/**
 * ms_tasks_exit() - wait until the last task has been freed
 *
 * Context: module exit, when nobody can open the device any more.
 */
void ms_tasks_exit(void)
{
	/* The last put of a notifier frees it later; that queues the work. */
	mmu_notifier_synchronize();
	destroy_workqueue(ms_tasks_wq);
	xa_destroy(&ms_tasks);
	xa_destroy(&ms_tasks_by_pid);
}

static struct ms_task *task_of(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct ms_task, notifier);
}

/**
 * ms_task_stamp() - the ring's tail at this instant
 * @task: the task
 *
 * Context: any. Return: a position, no more than a ring's length from head.
 */
u32 ms_task_stamp(struct ms_task *task)
{
	const struct ms_ring *ring = ms_task_ring(task);

	return ring ? ms_ring_stamp(ring, &task->head) : READ_ONCE(task->head);
}

/* Take the task's directory away, if it has one. */
static void task_unname(struct ms_task *task)
{
	lockdep_assert_held(&ms_tasks_lock);
	if (!task->named)
		return;
	task->named = false;
	xa_erase(&ms_tasks_by_pid, task->pid);
	ms_sysfs_remove_task(task);
}

/*
 * Give the task its directory. After an exec the old address space may linger
 * with somebody who reads it; the name goes to the new one. A task without a
 * directory is accounted like any other.
 */
static void task_name(struct ms_task *task)
{
	struct ms_task *old;

	lockdep_assert_held(&ms_tasks_lock);
	old = xa_load(&ms_tasks_by_pid, task->pid);
	if (old)
		task_unname(old);
	if (xa_is_err(xa_store(&ms_tasks_by_pid, task->pid, task, GFP_KERNEL)))
		return;
	if (ms_sysfs_add_task(task)) {
		xa_erase(&ms_tasks_by_pid, task->pid);
		return;
	}
	task->named = true;
}

/* Close the books: the end of the mm, or of the last file. */
static void task_bury(struct ms_task *task)
{
	lockdep_assert_held(&ms_tasks_lock);
	if (!task->listed)
		return;
	task->listed = false;
	xa_erase(&ms_tasks, task->id);
	ms_nr_tasks--;
	ms_pending_leave(&task->pending);
	task_unname(task);
	ms_drain_close(task);
	ms_group_put(task->group);
	wake_up_interruptible_all(&task->wait);
}

static int task_invalidate(struct mmu_notifier *notifier,
			   const struct mmu_notifier_range *range)
{
	struct ms_task *task = task_of(notifier);

	/* Of all events this is the only one that means what it says. */
	if (range->event == MMU_NOTIFY_UNMAP && !ms_mappings_stay(range)) {
		ms_unmaps_push(&task->unmaps, range->start, range->end,
			       ms_task_stamp(task));
		ms_pending_mark(&task->pending, MS_PENDING_DRAIN);
	}
	return 0;
}

static void task_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct ms_task *task = task_of(notifier);

	mutex_lock(&ms_tasks_lock);
	task_bury(task);
	mutex_unlock(&ms_tasks_lock);
}

static struct mmu_notifier *task_alloc(struct mm_struct *mm)
{
	struct ms_task *task;

	task = kzalloc(sizeof(*task), GFP_KERNEL_ACCOUNT);
	if (!task)
		return ERR_PTR(-ENOMEM);
	if (ms_unmaps_init(&task->unmaps, ms_param_unmaps_max)) {
		kfree(task);
		return ERR_PTR(-ENOMEM);
	}
	ms_sysfs_init_task(task);
	mutex_init(&task->lock);
	init_waitqueue_head(&task->wait);
	ms_ledger_init(&task->ledger, &task->lock);
	ms_resync_init(&task->resync);
	spin_lock_init(&task->show);
	task->head = MEMSTATE_RING_START;
	task->uid = current_euid();
	task->gid = current_egid();
	task->tgid = get_pid(task_tgid(current));
	task->pid = pid_nr(task->tgid);
	return &task->notifier;
}

static void task_free_work(struct work_struct *work)
{
	ms_task_put(container_of(work, struct ms_task, free_work));
}

/* Called where nothing may sleep, and the shared pages are to be unmapped. */
static void task_free(struct mmu_notifier *notifier)
{
	struct ms_task *task = task_of(notifier);

	INIT_WORK(&task->free_work, task_free_work);
	queue_work(ms_tasks_wq, &task->free_work);
}

static const struct mmu_notifier_ops task_notifier_ops = {
	.invalidate_range_start = task_invalidate,
	.release = task_release,
	.alloc_notifier = task_alloc,
	.free_notifier = task_free,
};

static int task_list(struct ms_task *task, struct ms_group *group)
{
	int ret;

	lockdep_assert_held(&ms_tasks_lock);
	if (ms_nr_tasks >= READ_ONCE(ms_param_tasks_max))
		return -ENFILE;
	task->group = group;
	ms_charge_open(task, group, task->notifier.mm->task_size);
	ret = xa_alloc_cyclic(&ms_tasks, &task->id, task, xa_limit_32b,
			      &ms_tasks_next_id, GFP_KERNEL);
	if (ret < 0) {
		task->group = NULL;
		return ret;
	}
	task->pending = (struct ms_pending_node) { .kobj = &task->kobj };
	ret = ms_pending_join(&group->pending, &task->pending);
	if (ret) {
		xa_erase(&ms_tasks, task->id);
		task->group = NULL;
		return ret;
	}
	kobject_get(&group->kobj);
	ms_nr_tasks++;
	task->listed = true;
	ms_drain_open(task);
	task_name(task);
	return 0;
}

/**
 * ms_task_open() - the task of the calling process
 *
 * Context: process; may sleep. Each success is undone by ms_task_close().
 * Return: the task; -EINVAL: no address space; -ENFILE: too many tasks or groups;
 * -ELOOP: the cgroup lies too deep; -EINTR; -ENOMEM.
 */
struct ms_task *ms_task_open(void)
{
	struct mmu_notifier *notifier;
	struct ms_group *group;
	struct ms_task *task;
	bool joined = false;
	int ret = 0;

	if (!current->mm)
		return ERR_PTR(-EINVAL);
	group = ms_group_of_current();
	if (IS_ERR(group))
		return ERR_CAST(group);

	mutex_lock(&ms_tasks_lock);
	notifier = mmu_notifier_get(&task_notifier_ops, current->mm);
	if (IS_ERR(notifier)) {
		mutex_unlock(&ms_tasks_lock);
		ms_group_put(group);
		return ERR_CAST(notifier);
	}
	task = task_of(notifier);
	if (!task->nr_files) {
		ret = task_list(task, group);
		joined = !ret;
	}
	if (!ret)
		task->nr_files++;
	mutex_unlock(&ms_tasks_lock);
	if (!joined)
		ms_group_put(group);
	if (ret) {
		mmu_notifier_put(notifier);
		return ERR_PTR(ret);
	}
	return task;
}

/**
 * ms_task_close() - undo ms_task_open()
 * @task: the task; the last one closes its books
 *
 * Context: may sleep.
 */
void ms_task_close(struct ms_task *task)
{
	mutex_lock(&ms_tasks_lock);
	if (!--task->nr_files)
		task_bury(task);
	mmu_notifier_put(&task->notifier);
	mutex_unlock(&ms_tasks_lock);
}

/**
 * ms_task_next() - go through all tasks whose books are open
 * @id:		where to go on; 0 at first
 * @group:	only tasks in or below this one
 *
 * Context: may sleep. Return: a task to give back by ms_task_put(), or NULL.
 */
struct ms_task *ms_task_next(u32 *id, const struct ms_group *group)
{
	unsigned long index = *id;
	struct ms_task *task;

	mutex_lock(&ms_tasks_lock);
	do {
		task = xa_find_after(&ms_tasks, &index, U32_MAX, XA_PRESENT);
	} while (task && !ms_group_below(task->group, group));
	if (task)
		kobject_get(&task->kobj);
	mutex_unlock(&ms_tasks_lock);
	*id = index;
	return task;
}

/**
 * ms_task_put() - give a reference back
 * @task: the task
 *
 * Context: may sleep.
 */
void ms_task_put(struct ms_task *task)
{
	kobject_put(&task->kobj);
}

/**
 * ms_task_setup() - make the task's ring
 * @task:	the task
 * @entries:	slots, a power of two; 0: the default, or what there is
 * @flags:	MEMSTATE_SETUP_*: protocols that the task keeps to
 *
 * Context: may sleep; lock held.
 * Return: 0; -EEXIST: there is one of another size, or with other @flags; -ENOMEM.
 */
int ms_task_setup(struct ms_task *task, u32 entries, u32 flags)
{
	struct ms_ring *ring = task->ring;

	lockdep_assert_held(&task->lock);
	if (ring)
		return (entries && entries != ring->entries) ||
		       flags != ring->flags ? -EEXIST : 0;

	if (!entries)
		entries = ms_param_ring_entries;
	ring = ms_ring_create(entries, flags);
	if (!ring)
		return -ENOMEM;
	/* Release: pairs with the acquire in ms_task_ring(). */
	smp_store_release(&task->ring, ring);
	/* Until a reader has found it idle; without the doorbell, for good. */
	ms_pending_mark(&task->pending, MS_PENDING_DRAIN);
	ms_charge_show(task);
	return 0;
}

/**
 * ms_task_setup_shards() - make the task's statistics shards
 * @task:	the task
 * @nr:		how many; 0: the default, or those there are
 *
 * Context: may sleep; lock held.
 * Return: 0; -ENXIO: there is no ring; -EEXIST: there is another number; -ENOMEM.
 */
int ms_task_setup_shards(struct ms_task *task, u32 nr)
{
	struct ms_shards *shards = task->shards;

	lockdep_assert_held(&task->lock);
	if (!task->ring)
		return -ENXIO;
	if (shards)
		return nr && nr != shards->nr ? -EEXIST : 0;

	if (!nr)
		nr = min_t(u32, SHARDS_DEFAULT, ms_param_shards_max);
	shards = ms_shards_create(task->ring, nr);
	if (!shards)
		return -ENOMEM;
	/* Release: pairs with the acquire in ms_task_shards(). */
	smp_store_release(&task->shards, shards);
	return 0;
}
