/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The drain: takes records from the ring, or from an ioctl, in order, and
 * unmappings at their place between them, and keeps a task's books by them.
 *
 * Model
 *
 *   Nothing in the shared pages is believed. Our position is private; a record
 *   is loaded once, copied, checked, then used. A pass is bounded by the work it
 *   does, not by what userspace says, and lets go of the lock between passes.
 *   The books show whole records only: what a pass did is published, to the
 *   task's page and to the system's statistics, before the lock is let go.
 *
 * Locking
 *
 *   task->lock: ms_books_lock() and ms_books_unlock().
 */
#ifndef MS_DRAIN_H
#define MS_DRAIN_H

#include "charge.h"
#include "task.h"

/**
 * struct ms_drain - what became of a drain
 * @drained:	records taken
 * @rejected:	of these, records that were not applied
 * @error:	errno (positive) of the first of these, or 0
 * @error_pos:	its position
 */
struct ms_drain {
	u32 drained;
	u32 rejected;
	u32 error;
	u32 error_pos;
};

/**
 * struct ms_books - a task's books while they are open for writing
 * @task:	the task
 * @memcg:	the task's memory cgroup
 * @memcg_before: what the caller's memory was charged to before
 * @budget:	steps that may still be taken in this pass
 */
struct ms_books {
	struct ms_task *task;
	struct mem_cgroup *memcg;
	struct mem_cgroup *memcg_before;
	s32 budget;
};

int ms_books_lock(struct ms_books *books, struct ms_task *task);
int ms_books_trylock(struct ms_books *books, struct ms_task *task);
void ms_books_unlock(struct ms_books *books);
int ms_books_drain(struct ms_books *books, struct ms_drain *drain);

int ms_drain_own(struct ms_task *task, struct ms_drain *drain);
int ms_drain_records(struct ms_task *task, const struct memstate_record *records,
		     u32 nr, u32 *done, struct ms_terms *terms);
int ms_drain_record_try(struct ms_task *task, const struct memstate_record *record,
			struct ms_terms *terms);
int ms_drain_totals(struct ms_task *task, struct memstate_totals *totals,
		    bool last, bool nowait);
void ms_drain_group(struct ms_group *group);
int ms_books_need(struct ms_books *books, u64 start, u64 bytes, u64 *need);
void ms_drain_open(struct ms_task *task);
void ms_drain_close(struct ms_task *task);

/* Count something in the task's books and, at the end of the pass, in its groups'. */
#define ms_books_count(task, member, n)			\
	do {						\
		struct ms_task *__task = (task);	\
		u64 __n = (n);				\
							\
		__task->totals.member += __n;		\
		__task->batch.member += __n;		\
		__task->dirty = true;			\
	} while (0)

/**
 * ms_books_event() - something that a poller should know of
 * @task: the task
 *
 * Context: any.
 */
static inline void ms_books_event(struct ms_task *task)
{
	atomic64_inc(&task->events);
}

#endif /* MS_DRAIN_H */
