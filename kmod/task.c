// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "group.h"
#include "params.h"
#include "task.h"

/* Shards where SHARDS asks for 0. */
#define SHARDS_DEFAULT	64

static atomic64_t ms_task_serial;
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
 * ms_tasks_exit() - wait until what the last tasks had has been freed
 *
 * Context: module exit, when no books begin or end any more.
 */
void ms_tasks_exit(void)
{
	/* It is RCU that queues the work. */
	rcu_barrier();
	destroy_workqueue(ms_tasks_wq);
}

/* ---- an object --------------------------------------------------------------- */

/**
 * ms_task_new() - make a task, which is not to be seen yet
 * @owner:	who owns the address space
 * @mm:		the address space
 *
 * Context: process; may sleep. Return: the task, with one reference, or NULL.
 */
struct ms_task *ms_task_new(struct task_struct *owner, struct mm_struct *mm)
{
	struct ms_task *task;

	task = kzalloc(sizeof(*task), GFP_KERNEL_ACCOUNT);
	if (!task)
		return NULL;
	if (ms_unmaps_init(&task->unmaps, ms_param_unmaps_max)) {
		kfree(task);
		return NULL;
	}
	refcount_set(&task->refs, 1);
	mutex_init(&task->lock);
	mutex_init(&task->shards_lock);
	seqcount_mutex_init(&task->shown_seq, &task->lock);
	init_waitqueue_head(&task->wait);
	ms_ledger_init(&task->ledger, &task->lock);
	spin_lock_init(&task->show);
	task->head = MEMSTATE_RING_START;
	task->mm = mm;
	task->uid = task_cred_xxx(owner, euid);
	/* Another than us may be gone by now: NULL, number 0. */
	task->tgid = get_task_pid(owner, PIDTYPE_TGID);
	task->pid = pid_nr(task->tgid);
	task->serial = atomic64_inc_return(&ms_task_serial);
	return task;
}

/**
 * ms_task_get() - one reference more
 * @task: the task, of which the caller has one
 *
 * Context: any.
 */
void ms_task_get(struct ms_task *task)
{
	refcount_inc(&task->refs);
}

/**
 * ms_task_put() - give a reference back
 * @task: the task
 *
 * Context: may sleep.
 */
void ms_task_put(struct ms_task *task)
{
	if (!refcount_dec_and_test(&task->refs))
		return;
	/* Of books that never began. */
	ms_unmaps_destroy(&task->unmaps);
	put_pid(task->tgid);
	if (task->group)
		kobject_put(&task->group->kobj);
	if (task->space)
		task->space_put(task->space);
	kfree_rcu(task, rcu);
}

static void task_end_work(struct work_struct *work)
{
	struct ms_task *task = container_of(to_rcu_work(work), struct ms_task, end_work);
	struct ms_shards *shards;

	mutex_lock(&task->shards_lock);
	shards = task->shards;
	WRITE_ONCE(task->shards, NULL);
	mutex_unlock(&task->shards_lock);
	ms_shards_destroy(shards);
	ms_ring_destroy(task->end_ring);
	/* No notifier puts anything there any more, and nobody opens the books to take it. */
	ms_unmaps_destroy(&task->unmaps);
	ms_task_put(task);
}

/**
 * ms_task_strip() - give back what the books had that have ended
 * @task: the task, gone; no notifier finds it any more
 *
 * As soon as nobody looks at it: who still holds a descriptor has the object alone.
 *
 * Context: process; does not sleep.
 */
void ms_task_strip(struct ms_task *task)
{
	spin_lock(&task->show);
	task->end_ring = task->ring;
	WRITE_ONCE(task->ring, NULL);
	spin_unlock(&task->show);
	ms_task_get(task);
	INIT_RCU_WORK(&task->end_work, task_end_work);
	queue_rcu_work(ms_tasks_wq, &task->end_work);
}

/* ---- the tasks of a group ------------------------------------------------------ */

static bool task_pending_get(struct ms_pending_node *node)
{
	return refcount_inc_not_zero(&ms_task_of(node)->refs);
}

static void task_pending_put(struct ms_pending_node *node)
{
	ms_task_put(ms_task_of(node));
}

static const struct ms_pending_ops task_pending_ops = {
	.get = task_pending_get,
	.put = task_pending_put,
};

/**
 * ms_task_join() - come below a group
 * @task:	the task, whole but for its space; whoever goes through the tasks sees it
 * @group:	its group, a use of which becomes the task's, also on error
 *
 * Context: process; may sleep. Return: 0; else as ms_pending_join().
 */
int ms_task_join(struct ms_task *task, struct ms_group *group)
{
	task->group = group;
	kobject_get(&group->kobj);
	task->pending = (struct ms_pending_node) { .ops = &task_pending_ops };
	return ms_pending_join(&group->pending, &task->pending);
}

/* ---- what it shares and shows ---------------------------------------------------- */

/**
 * ms_task_stamp() - the ring's tail at this instant
 * @task: the task
 *
 * Context: any. Return: a position, no more than a ring's length from head.
 */
u32 ms_task_stamp(struct ms_task *task)
{
	const struct ms_ring *ring;
	u32 stamp;

	rcu_read_lock();
	ring = ms_task_ring(task);
	stamp = ring ? ms_ring_stamp(ring, &task->head) : READ_ONCE(task->head);
	rcu_read_unlock();
	return stamp;
}

/**
 * ms_task_publish() - show the books to whoever does not open them
 * @task: the task
 *
 * Context: lock held; does not sleep.
 */
void ms_task_publish(struct ms_task *task)
{
	write_seqcount_begin(&task->shown_seq);
	task->shown = task->totals;
	write_seqcount_end(&task->shown_seq);
}

/**
 * ms_task_shown() - what was published last
 * @task:	the task
 * @totals:	where to put it
 *
 * Context: any. Waits for nobody who holds a lock.
 */
void ms_task_shown(struct ms_task *task, struct memstate_totals *totals)
{
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&task->shown_seq);
		*totals = task->shown;
	} while (read_seqcount_retry(&task->shown_seq, seq));
}

/*
 * Another user of the ring that there is, in the same process: a program beside a library.
 * Where one of them does not ring, nobody is asked to.
 */
static int ring_share(struct ms_task *task, u32 entries, u32 flags)
{
	struct ms_ring *ring = task->ring;

	if ((entries && entries != ring->entries) ||
	    ((flags ^ ring->flags) & MEMSTATE_SETUP_CREDIT))
		return -EEXIST;
	if (ring->flags & ~flags & MEMSTATE_SETUP_DOORBELL) {
		u32 *bell = ms_ring_bell(ring);

		WRITE_ONCE(ring->flags, ring->flags & ~MEMSTATE_SETUP_DOORBELL);
		ms_pending_mark(&task->pending, MS_PENDING_DRAIN);
		/* Release: whoever finds it zero counts on the mark. */
		smp_store_release(bell, 0);
	}
	return 0;
}

/**
 * ms_task_setup() - make the task's ring
 * @task:	the task
 * @entries:	slots, a power of two; 0: the default, or what there is
 * @flags:	MEMSTATE_SETUP_*: protocols that the task keeps to
 *
 * Context: may sleep; lock held.
 * Return: 0; -EEXIST: there is one of another size, or the one is with CREDIT and the
 * other is not; -ENOMEM.
 */
int ms_task_setup(struct ms_task *task, u32 entries, u32 flags)
{
	struct ms_ring *ring = task->ring;

	lockdep_assert_held(&task->lock);
	if (ring)
		return ring_share(task, entries, flags);

	if (!entries)
		entries = ms_param_ring_entries;
	ring = ms_ring_create(entries, flags);
	if (!ring)
		return -ENOMEM;
	/* Release: pairs with the acquire in ms_task_ring(). */
	smp_store_release(&task->ring, ring);
	/* Its page is still empty. */
	task->dirty = true;
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
