/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A task's books while they are open for writing: each change goes to ledger, totals and
 * charge together, and to the groups once a pass.
 *
 * Model
 *
 *   The books show whole records only: what a pass did is published, to the task's page
 *   and to the groups' statistics, before the lock is let go. A pass is bounded by the
 *   steps it takes (MS_BOOKS_BUDGET).
 *
 * Locking
 *
 *   task->lock: from ms_books_lock() to ms_books_unlock().
 */
#ifndef MS_BOOKS_H
#define MS_BOOKS_H

#include "charge.h"
#include "task.h"

/*
 * Steps before the lock is let go: a range or gap that is looked at, one that is stored,
 * a record, a limit that is charged.
 */
#define MS_BOOKS_BUDGET	32768

/**
 * struct ms_books - a task's books while they are open for writing
 * @task:	the task
 * @memcg:	the task's memory cgroup
 * @memcg_before: what the caller's memory was charged to before
 * @budget:	steps that may still be taken in this pass
 * @take:	the task is to be unmarked if it turns out idle
 * @left:	what a drain at the beginning said: 0, or why it stopped early
 */
struct ms_books {
	struct ms_task *task;
	struct mem_cgroup *memcg;
	struct mem_cgroup *memcg_before;
	s32 budget;
	bool take;
	int left;
};

int ms_books_lock(struct ms_books *books, struct ms_task *task);
int ms_books_trylock(struct ms_books *books, struct ms_task *task);
void ms_books_unlock(struct ms_books *books);
bool ms_books_pending(struct ms_task *task);
int ms_books_record(struct ms_books *books, const struct memstate_record *rec,
		    struct ms_terms *terms);
int ms_books_need(struct ms_books *books, u64 start, u64 bytes, u64 *need);
int ms_books_unmap(struct ms_books *books, u64 start, u64 end);
void ms_books_open(struct ms_task *task);
void ms_books_close(struct ms_task *task);

#endif /* MS_BOOKS_H */
