// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/memcontrol.h>
#include <linux/mmu_notifier.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "books.h"
#include "cgroup.h"
#include "charge.h"
#include "group.h"
#include "job.h"
#include "life.h"
#include "mappings.h"
#include "task.h"
#include "users.h"

#define SPACES_BITS	8

/**
 * struct ms_space - an address space that has had books
 * @notifier:	holds the mm (not its pages) until it is freed
 * @node:	in its bucket; not hashed before and after
 * @refs:	the notifier, and tasks
 * @rcu:	whoever looks for a space may be looking at it
 * @lock:	protects @task, and nr_files of that
 * @task:	the books that are open, with a reference; RCU
 */
struct ms_space {
	struct mmu_notifier notifier;
	struct hlist_node node;
	refcount_t refs;
	struct rcu_head rcu;
	spinlock_t lock;
	struct ms_task __rcu *task;
};

struct spaces_bucket {
	spinlock_t lock;
	struct hlist_head spaces;
};

static struct spaces_bucket ms_spaces[1 << SPACES_BITS] = {
	[0 ... (1 << SPACES_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(ms_spaces.lock),
		.spaces = HLIST_HEAD_INIT,
	},
};

static const struct ms_life_ops *ms_life_ops;

/* Notifiers that have not been freed. */
static atomic_t ms_nr_spaces;

static struct ms_space *space_of(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct ms_space, notifier);
}

static struct spaces_bucket *bucket_of(const struct mm_struct *mm)
{
	return &ms_spaces[hash_ptr(mm, SPACES_BITS)];
}

static void space_put(struct ms_space *space)
{
	if (refcount_dec_and_test(&space->refs))
		kfree_rcu(space, rcu);
}

/* ---- death ---------------------------------------------------------------------- */

/* Take the open books out of their space: who gets them ends them. */
static struct ms_task *space_take(struct ms_space *space)
{
	struct ms_task *task;

	lockdep_assert_held(&space->lock);
	task = rcu_dereference_protected(space->task, lockdep_is_held(&space->lock));
	RCU_INIT_POINTER(space->task, NULL);
	return task;
}

static void task_end(struct ms_task *task)
{
	ms_life_ops->vanish(task);
	ms_pending_leave(&task->pending);
	ms_books_close(task);
	ms_group_put(task->group);
	ms_user_give(task->user, MS_NUMBER_TASKS);
	wake_up_interruptible_all(&task->wait);
	ms_task_strip(task);
	ms_task_put(task);
}

/**
 * ms_task_close() - undo ms_task_open()
 * @task: the task; the last one closes its books
 *
 * Context: may sleep.
 */
void ms_task_close(struct ms_task *task)
{
	struct ms_space *space = task->space;
	struct ms_task *last = NULL;

	spin_lock(&space->lock);
	/* Unless the mm has ended them, and the space has none. */
	if (!--task->nr_files && rcu_access_pointer(space->task) == task)
		last = space_take(space);
	spin_unlock(&space->lock);
	if (last)
		task_end(last);
	ms_task_put(task);
}

/* Take a space out of the table. False: it is not there any more. */
static bool space_unhash(struct ms_space *space)
{
	struct spaces_bucket *b = bucket_of(space->notifier.mm);
	bool hashed;

	spin_lock(&b->lock);
	hashed = !hlist_unhashed(&space->node);
	if (hashed)
		hlist_del_init_rcu(&space->node);
	spin_unlock(&b->lock);
	return hashed;
}

static void space_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct ms_space *space = space_of(notifier);
	struct ms_task *task;

	spin_lock(&space->lock);
	task = space_take(space);
	spin_unlock(&space->lock);
	if (task)
		task_end(task);
	if (space_unhash(space))
		mmu_notifier_put(notifier);
}

/* Called with bottom halves off. */
static void space_free(struct mmu_notifier *notifier)
{
	space_put(space_of(notifier));
	if (atomic_dec_and_test(&ms_nr_spaces))
		wake_up_var(&ms_nr_spaces);
}

/* ---- a space -------------------------------------------------------------------- */

static int space_invalidate(struct mmu_notifier *notifier,
			    const struct mmu_notifier_range *range)
{
	struct ms_space *space = space_of(notifier);
	struct ms_task *task;

	/* Of all events this is the only one that means what it says. */
	if (range->event != MMU_NOTIFY_UNMAP)
		return 0;
	rcu_read_lock();
	task = rcu_dereference(space->task);
	if (task && !ms_mappings_stay(range)) {
		ms_unmaps_push(&task->unmaps, range->start, range->end,
			       ms_task_stamp(task));
		ms_pending_mark(&task->pending, MS_PENDING_DRAIN);
	}
	rcu_read_unlock();
	return 0;
}

static struct mmu_notifier *space_alloc(struct mm_struct *mm)
{
	struct ms_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);

	if (!space)
		return ERR_PTR(-ENOMEM);
	refcount_set(&space->refs, 1);
	spin_lock_init(&space->lock);
	atomic_inc(&ms_nr_spaces);
	return &space->notifier;
}

static const struct mmu_notifier_ops space_ops = {
	.invalidate_range_start = space_invalidate,
	.release = space_release,
	.alloc_notifier = space_alloc,
	.free_notifier = space_free,
};

/* The space of the caller's own mm, whose lock is held. */
static struct ms_space *space_get(struct mm_struct *mm)
{
	struct mmu_notifier *notifier = mmu_notifier_get_locked(&space_ops, mm);
	struct spaces_bucket *b = bucket_of(mm);
	struct ms_space *space;

	if (IS_ERR(notifier))
		return ERR_CAST(notifier);
	space = space_of(notifier);
	/* Only we could put it there, and only the mm's end takes it away. */
	if (!hlist_unhashed(&space->node)) {
		mmu_notifier_put(notifier);
		return space;
	}
	spin_lock(&b->lock);
	hlist_add_head_rcu(&space->node, &b->spaces);
	spin_unlock(&b->lock);
	return space;
}

/* One more file for the open books. NULL: there are none. */
static struct ms_task *space_task(struct ms_space *space)
{
	struct ms_task *task;

	lockdep_assert_held(&space->lock);
	task = rcu_dereference_protected(space->task, lockdep_is_held(&space->lock));
	if (task) {
		task->nr_files++;
		ms_task_get(task);
	}
	return task;
}

/* Under RCU. */
static struct ms_space *space_find(const struct mm_struct *mm)
{
	struct ms_space *space;

	hlist_for_each_entry_rcu(space, &bucket_of(mm)->spaces, node)
		if (space->notifier.mm == mm)
			return space;
	return NULL;
}

/**
 * ms_task_find() - the open books of an address space
 * @mm: the space
 *
 * Context: any that may be preempted. Return: the task, with a reference to be given back by
 * ms_task_put(), or NULL: there are none.
 */
struct ms_task *ms_task_find(const struct mm_struct *mm)
{
	struct ms_task *task = NULL;
	struct ms_space *space;

	rcu_read_lock();
	space = space_find(mm);
	if (space) {
		spin_lock(&space->lock);
		task = rcu_dereference_protected(space->task, lockdep_is_held(&space->lock));
		if (task)
			ms_task_get(task);
		spin_unlock(&space->lock);
	}
	rcu_read_unlock();
	return task;
}

/**
 * ms_task_limit_of() - what the open books of an address space are charged
 * @mm: the space
 *
 * Context: any that may be preempted. Return: the level, there until those above are told that
 * the task vanishes; NULL: there are no books.
 */
const struct ms_level *ms_task_limit_of(const struct mm_struct *mm)
{
	struct ms_space *space;
	struct ms_task *task = NULL;

	rcu_read_lock();
	space = space_find(mm);
	if (space)
		task = rcu_dereference(space->task);
	rcu_read_unlock();
	return task ? &task->limit : NULL;
}

/**
 * ms_task_mm() - a task's address space, for whoever does not have its books open
 * @task: the task
 *
 * The mm is there as long as the space has the books: its end takes them first.
 *
 * Context: any that may be preempted. Return: the mm, to be given back by mmput(), or
 * NULL: it has no users any more, or the books are closed.
 */
struct mm_struct *ms_task_mm(struct ms_task *task)
{
	struct ms_space *space = task->space;
	struct mm_struct *mm = NULL;

	spin_lock(&space->lock);
	if (rcu_access_pointer(space->task) == task && mmget_not_zero(task->mm))
		mm = task->mm;
	spin_unlock(&space->lock);
	return mm;
}

/**
 * ms_spaces_exit() - forget all address spaces
 *
 * The end of one may have taken books that another process had a file of, and may not
 * have ended them yet when that is closed: when this returns it has.
 *
 * Context: module exit, before all that books are ended with goes; there is no file, so
 * that no books are open and none begin.
 */
void ms_spaces_exit(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ms_spaces); i++) {
		struct spaces_bucket *b = &ms_spaces[i];
		struct ms_space *space;

		spin_lock(&b->lock);
		while (!hlist_empty(&b->spaces)) {
			space = hlist_entry(b->spaces.first, struct ms_space, node);
			hlist_del_init_rcu(&space->node);
			spin_unlock(&b->lock);
			mmu_notifier_put(&space->notifier);
			spin_lock(&b->lock);
		}
		spin_unlock(&b->lock);
	}
	/*
	 * mmu_notifier_synchronize() waits for who is in space_release(), and for a grace
	 * period, but not for callbacks on other processors. The last one counts down, and
	 * then runs to its end with bottom halves off.
	 */
	mmu_notifier_synchronize();
	wait_var_event(&ms_nr_spaces, !atomic_read(&ms_nr_spaces));
	synchronize_rcu();
}

/**
 * ms_spaces_init() - be ready for address spaces
 * @ops: what those above do with tasks
 *
 * Context: module init.
 */
void ms_spaces_init(const struct ms_life_ops *ops)
{
	ms_life_ops = ops;
}

/* ---- birth ---------------------------------------------------------------------- */

/* Whose books they are: not who shares the mm, by vfork() or clone(), and opens first. */
static struct task_struct *owner_of(const struct mm_struct *mm)
{
	struct task_struct *owner;

	rcu_read_lock();
	owner = get_task_struct(ms_job_owner(mm, current));
	rcu_read_unlock();
	return owner;
}

static struct ms_user *user_of(struct task_struct *owner)
{
	kuid_t uid;

	rcu_read_lock();
	uid = ms_user_of(__task_cred(owner));
	rcu_read_unlock();
	return ms_user_take(uid, MS_NUMBER_TASKS);
}

static struct ms_group *group_of(struct task_struct *owner)
{
	struct ms_group *group = ms_group_of_task(owner);

	/* It has begun to exit just now. */
	if (group == ERR_PTR(-ENOENT) && owner != current)
		group = ms_group_of_task(current);
	return group;
}

/* What never was to be seen. */
static void task_drop(struct ms_task *task)
{
	ms_pending_leave(&task->pending);
	ms_group_put(task->group);
	ms_user_give(task->user, MS_NUMBER_TASKS);
	ms_task_put(task);
}

/* All of a task that can fail. */
static struct ms_task *task_prepare(struct task_struct *owner, struct mm_struct *mm)
{
	struct ms_user *user = user_of(owner);
	struct ms_group *group;
	struct ms_task *task;

	if (IS_ERR(user))
		return ERR_CAST(user);
	group = group_of(owner);
	if (IS_ERR(group)) {
		ms_user_give(user, MS_NUMBER_TASKS);
		return ERR_CAST(group);
	}
	task = ms_task_new(owner, mm);
	if (!task) {
		ms_group_put(group);
		ms_user_give(user, MS_NUMBER_TASKS);
		return ERR_PTR(-ENOMEM);
	}
	task->user = user;
	task->space_put = space_put;
	ms_resync_init(&task->resync);
	ms_charge_open(task, group, mm->task_size);
	if (ms_task_join(task, group)) {
		task_drop(task);
		return ERR_PTR(-ENOMEM);
	}
	return task;
}

/*
 * The open books of the caller's mm, which are @fresh if there are none. -EAGAIN: those are for
 * a job in which the owner is no more, or for none, and he is in one now.
 */
static struct ms_task *space_open(struct mm_struct *mm, struct task_struct *owner,
				  struct ms_task *fresh)
{
	struct ms_space *space;
	struct ms_task *task;
	bool stays;

	if (mmap_write_lock_killable(mm))
		return ERR_PTR(-EINTR);
	/* Whoever enters a job holds that for reading, and looks for books. */
	stays = ms_job_stays(owner, fresh->group);
	space = space_get(mm);
	if (IS_ERR(space)) {
		mmap_write_unlock(mm);
		return ERR_CAST(space);
	}
	spin_lock(&space->lock);
	task = space_task(space);
	if (!task && !stays) {
		task = ERR_PTR(-EAGAIN);
	} else if (!task) {
		refcount_inc(&space->refs);
		fresh->space = space;
		rcu_assign_pointer(space->task, fresh);
		task = space_task(space);
	}
	spin_unlock(&space->lock);
	mmap_write_unlock(mm);
	return task;
}

static struct ms_task *task_begin(struct mm_struct *mm)
{
	struct task_struct *owner = owner_of(mm);
	struct ms_task *fresh, *task;

	fresh = task_prepare(owner, mm);
	if (IS_ERR(fresh)) {
		put_task_struct(owner);
		return fresh;
	}
	task = space_open(mm, owner, fresh);
	put_task_struct(owner);
	if (task != fresh) {
		task_drop(fresh);
		return task;
	}
	/* Neither can end before we are done: we have a file, and live in the mm. */
	ms_books_open(task);
	/* A limit was set before it could be told: pairs with the compare-and-swap of that. */
	smp_mb();
	ms_charge_show(task);
	ms_life_ops->appear(task);
	return task;
}

/* The open books of a mm, if there are some. */
static struct ms_task *task_find(const struct mm_struct *mm)
{
	struct ms_task *task = NULL;
	struct ms_space *space;

	rcu_read_lock();
	hlist_for_each_entry_rcu(space, &bucket_of(mm)->spaces, node) {
		if (space->notifier.mm != mm)
			continue;
		spin_lock(&space->lock);
		task = space_task(space);
		spin_unlock(&space->lock);
		break;
	}
	rcu_read_unlock();
	return task;
}

/**
 * ms_task_open() - the open books of the caller's address space, begun if there are none
 *
 * Context: process with an address space; may sleep. Each success is undone by
 * ms_task_close(). Return: the task; -ENFILE: too many tasks or groups; -EUSERS: of its
 * user; -ELOOP: the cgroup lies too deep; -ENOENT: it is gone; -EINTR: killed; -ENOMEM.
 * On error nothing is left.
 */
struct ms_task *ms_task_open(void)
{
	struct mm_struct *mm = current->mm;
	struct mem_cgroup *memcg, *before;
	struct ms_task *task = task_find(mm);

	if (task)
		return task;
	/* That of the owner. */
	memcg = get_mem_cgroup_from_mm(mm);
	before = set_active_memcg(memcg);
	do {
		task = task_begin(mm);
	} while (task == ERR_PTR(-EAGAIN));
	set_active_memcg(before);
	mem_cgroup_put(memcg);
	return task;
}
