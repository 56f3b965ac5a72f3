// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "books.h"
#include "mappings.h"
#include "params.h"
#include "resync.h"

/* Gaps in the mappings that are collected before they are applied. */
#define RESYNC_GAPS	16

/**
 * ms_resync_init() - nothing is to be compared
 * @r: of a new task
 *
 * Context: any.
 */
void ms_resync_init(struct ms_resync *r)
{
	*r = (struct ms_resync) { .refused = MS_RESYNC_NONE };
}

/**
 * ms_resync_begin() - compare everything, also what has been compared
 * @r: the task's
 *
 * Context: lock held.
 */
void ms_resync_begin(struct ms_resync *r)
{
	*r = (struct ms_resync) { .running = true, .refused = MS_RESYNC_NONE };
}

/* Make the ledger forget what has no mapping, from where it stands. */
static int resync_mm(struct ms_books *books, struct mm_struct *mm)
{
	struct ms_task *task = books->task;
	struct ms_resync *r = &task->resync;
	struct ms_gap gaps[RESYNC_GAPS];
	struct memstate_range range;

	while (ms_ledger_next(&task->ledger, r->pos, &range)) {
		u64 addr = max(r->pos, range.start);
		u32 i, nr;
		int ret;

		if (books->budget <= 0)
			return -EAGAIN;
		if (!mmap_read_trylock(mm))
			return -EBUSY;
		nr = ms_mappings_gaps(mm, &addr, range.end, gaps, RESYNC_GAPS,
				      &books->budget);
		mmap_read_unlock(mm);
		for (i = 0; i < nr; i++) {
			ret = ms_books_unmap(books, gaps[i].start, gaps[i].end);
			if (ret)
				return ret;
		}
		r->pos = addr;
		cond_resched();
	}
	return 0;
}

/* Is there something to go on with, or room for what was refused? */
static bool resync_due(struct ms_task *task)
{
	struct ms_resync *r = &task->resync;

	if (r->running)
		return true;
	if (r->refused == MS_RESYNC_NONE ||
	    task->ledger.nr_ranges >= READ_ONCE(ms_param_ranges_max))
		return false;
	*r = (struct ms_resync) {
		.running = true,
		.again = true,
		.pos = r->refused,
		.refused = MS_RESYNC_NONE,
	};
	return true;
}

/**
 * ms_resync_run() - go on with what is to be compared, if anything is
 * @books: from ms_books_lock()
 *
 * Context: process; may sleep. Return: 0: nothing is left that could be done now;
 * -EAGAIN: this pass has done its share; -EBUSY: the mmap lock is taken; -ENOMEM.
 */
int ms_resync_run(struct ms_books *books)
{
	struct ms_task *task = books->task;
	struct mm_struct *mm = task->mm;
	bool own = ms_task_is_current(task);
	int ret = 0;

	if (!resync_due(task))
		return 0;
	/* Without users it is about to be released, and the books with it. */
	if (!own && !mmget_not_zero(mm))
		return 0;
	while (resync_due(task)) {
		ret = resync_mm(books, mm);
		if (ret)
			break;
		task->resync.running = false;
		ms_task_count(task, resyncs, 1);
		ms_task_event(task);
	}
	/* Not here: its release would wait for the lock that we hold. */
	if (!own)
		mmput_async(mm);
	return ret;
}
