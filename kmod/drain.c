// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched/signal.h>

#include "drain.h"
#include "group.h"
#include "mappings.h"

/* Steps for one reader of a group's totals, for all tasks together. */
#define GROUP_BUDGET	(8 * MS_BOOKS_BUDGET)

/**
 * ms_drain_unmaps() - apply the unmappings that come before the record in turn
 * @books:	from ms_books_lock()
 * @force:	all that there are
 *
 * Context: process; may sleep. Return: as ms_books_drain(), 0: there are no more.
 */
int ms_drain_unmaps(struct ms_books *books, bool force)
{
	struct ms_task *task = books->task;
	struct ms_unmap unmap;
	int ret;

	while (ms_unmaps_peek(&task->unmaps, task->head, force, &unmap)) {
		ret = ms_books_unmap(books, unmap.start, unmap.end);
		if (ret)
			return ret;
		ms_unmaps_pop(&task->unmaps, &unmap);
		if (books->budget <= 0)
			return -EAGAIN;
	}
	if (ms_unmaps_take_overflow(&task->unmaps, task->head, force))
		ms_resync_begin(&task->resync);
	return ms_resync_idle(&task->resync) ? 0 : ms_resync_run(books);
}

/* ---- the ring ------------------------------------------------------------ */

/**
 * ms_books_drain() - take what is published in the ring
 * @books:	from ms_books_lock()
 * @drain:	what became of it is added here
 *
 * Context: process; may sleep.
 * Return: 0: came to a slot that is not published; -EAGAIN: this pass has done
 * its share; -EBUSY: mappings are to be looked at first, and their lock is taken;
 * -ENOMEM: stopped before a record that will be applied later.
 */
int ms_books_drain(struct ms_books *books, struct ms_drain *drain)
{
	struct ms_task *task = books->task;
	struct ms_ring *ring = task->ring;
	struct memstate_record rec;
	bool published;
	int ret;

	do {
		/*
		 * First the record, then what was unmapped before it: whoever
		 * reports an address that he got after it was unmapped found
		 * that queued, and so do we.
		 */
		published = ring && ms_ring_peek(ring->slots, ring->entries,
						 task->head, &rec);
		ret = ms_drain_unmaps(books, false);
		if (ret || !published)
			return ret;

		ret = ms_books_record(books, &rec, NULL);
		if (ret == -ENOMEM)
			return ret;
		if (ret) {
			if (!drain->rejected++) {
				drain->error = -ret;
				drain->error_pos = task->head;
			}
		}
		drain->drained++;
		/* Release: pairs with ms_ring_stamp(). */
		smp_store_release(&task->head, task->head + 1);
	} while (books->budget > 0);
	return -EAGAIN;
}

/**
 * ms_books_begin() - open a task's books, drained
 * @books:	what to give to the other functions; @left says what kept the drain
 * @task:	the task
 *
 * One pass. Of the caller's own task as many as it takes to compare ledger and mappings
 * where that is due.
 *
 * Context: process; may sleep; no lock is held. Return: as ms_books_lock().
 */
int ms_books_begin(struct ms_books *books, struct ms_task *task)
{
	struct ms_drain drain = {};
	int ret;

	for (;;) {
		ret = ms_books_lock(books, task);
		if (ret)
			return ret;
		ret = ms_books_drain(books, &drain);
		if ((ret != -EAGAIN && ret != -EBUSY) ||
		    !task->resync.running || !ms_task_is_current(task))
			break;
		ms_books_unlock(books);
		if (ret == -EBUSY && ms_mappings_wait(task->mm))
			return -EINTR;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	books->left = ret;
	return 0;
}

/**
 * ms_drain_own() - drain one's own ring as far as it was claimed on entry
 * @task:	the task, the caller's
 * @drain:	what became of it
 *
 * Context: process; may sleep.
 * Return: 0, also where a slot is not published yet; -ENOMEM; -EINTR: killed;
 * -ESRCH.
 */
int ms_drain_own(struct ms_task *task, struct ms_drain *drain)
{
	u32 end = ms_task_stamp(task);
	struct ms_books books;
	int ret;

	memset(drain, 0, sizeof(*drain));
	do {
		ret = ms_books_lock(&books, task);
		if (ret)
			return ret;
		ret = ms_books_drain(&books, drain);
		if (ret == -EAGAIN && (s32)(task->head - end) >= 0 &&
		    !task->resync.running)
			ret = 0;
		ms_books_unlock(&books);
		if (ret == -EBUSY && ms_mappings_wait(task->mm))
			return -EINTR;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (ret == -EAGAIN || ret == -EBUSY);
	return ret;
}

/* ---- readers ------------------------------------------------------------- */

/**
 * ms_drain_totals() - a task's totals
 * @task:	the task, not only the caller's
 * @totals:	where to put them; zero if the books are closed
 * @last:	as of the last drain; else drained first
 * @nowait:	only if nobody else has the books open
 *
 * As of ms_books_begin(), with @nowait one pass: of a task that reports faster than
 * that, an exact prefix.
 *
 * Context: process; may sleep. Return: 0; 1: something may be left; -EINTR: killed;
 * -EAGAIN: with @nowait, somebody has.
 */
int ms_drain_totals(struct ms_task *task, struct memstate_totals *totals, bool last,
		    bool nowait)
{
	struct ms_drain drain = {};
	struct ms_books books;
	int ret;

	memset(totals, 0, sizeof(*totals));
	if (nowait)
		ret = ms_books_trylock(&books, task);
	else if (last)
		ret = ms_books_lock(&books, task);
	else
		ret = ms_books_begin(&books, task);
	if (ret)
		return ret == -ESRCH ? 0 : ret;
	/* Want of memory, too: what was drained is still a prefix. */
	if (last)
		books.left = 0;
	else if (nowait)
		books.left = ms_books_drain(&books, &drain);
	ms_charge_settle(task);
	*totals = task->totals;
	totals->charged = ms_limits_charged(&task->limit);
	ret = books.left ? 1 : 0;
	ms_books_unlock(&books);
	return ret;
}

/* One pass over a task of a group; true: something of it is left. */
static bool drain_pending(struct ms_task *task, s32 *budget)
{
	const struct ms_ring *ring;
	struct ms_drain drain = {};
	struct ms_books books;
	bool silent;
	s32 before;
	int ret;

	*budget -= 1;
	rcu_read_lock();
	ring = ms_task_ring(task);
	silent = ring && !ms_ring_bell(ring);
	rcu_read_unlock();
	if (silent && !ms_books_pending(task)) {
		/* Pairs with the release of the lock: then the groups have it. */
		smp_mb();
		return mutex_is_locked(&task->lock);
	}
	ret = ms_task_is_current(task) ? ms_books_lock(&books, task) :
					 ms_books_trylock(&books, task);
	if (ret)
		return ret != -ESRCH;
	before = min(*budget, books.budget);
	books.budget = before;
	ret = ms_books_drain(&books, &drain);
	*budget -= before - books.budget;
	books.take = true;
	ms_books_unlock(&books);
	return ret;
}

/**
 * ms_drain_group() - drain whoever has something to drain
 * @group: tasks in it and below it; the caller has a reference
 *
 * For readers of a group's totals. They pay for what they do, within bounds
 * (GROUP_BUDGET), and wait for nobody but their own threads. Idle tasks cost nothing, if
 * they ring; else two loads.
 *
 * Context: process; may sleep. Return: true if something may be left: there was more to
 * do than that, another has a task's books open, or the caller was killed.
 */
bool ms_drain_group(struct ms_group *group)
{
	struct ms_pending_walk walk;
	struct ms_pending_node *node;
	s32 budget = GROUP_BUDGET;
	bool left = false;

	ms_pending_begin(&walk, &group->pending, MS_PENDING_DRAIN);
	while ((node = ms_pending_next(&walk))) {
		left |= drain_pending(ms_task_of(node),
				      &budget);
		ms_pending_put(node);
		if (budget <= 0 || fatal_signal_pending(current)) {
			left = true;
			break;
		}
		cond_resched();
	}
	ms_pending_end(&walk);
	return left;
}
