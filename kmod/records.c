// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/sched/signal.h>

#include "drain.h"
#include "mappings.h"
#include "records.h"
#include "revoke.h"

/* How often, and for how many microseconds, a claimed slot is waited for. */
#define RECORDS_WAITS	100
#define RECORDS_WAIT_US	50

/*
 * Come to the end of the ring before records that are given without it. A slot
 * that is claimed and not published is being written by another thread, or by
 * this one below a signal handler: that is waited for, but not for long.
 */
static int records_before(struct ms_task *task)
{
	struct ms_drain drain;
	int ret, waits;

	for (waits = 0; waits < RECORDS_WAITS; waits++) {
		ret = ms_drain_own(task, &drain);
		if (ret)
			return ret;
		if (ms_task_stamp(task) == READ_ONCE(task->head))
			return 0;
		usleep_range(RECORDS_WAIT_US, 2 * RECORDS_WAIT_US);
	}
	return 0;
}

/* One pass over records that were handed over. */
static int records_pass(struct ms_books *books,
			const struct memstate_record *records, u32 nr,
			u32 *done, struct ms_terms *terms)
{
	int ret = ms_drain_unmaps(books, true);

	while (!ret && *done < nr && books->budget > 0) {
		/* In an array the sequence has no meaning, and is 0. */
		if (records[*done].w1 >> 32)
			ret = -EINVAL;
		else
			ret = ms_books_record(books, &records[*done], terms);
		if (!ret)
			(*done)++;
	}
	/* What is left is the caller's only with hold, or after an error. */
	if (!ret && *done == nr && !terms->hold) {
		ms_charge_back(books->task, terms->paid);
		terms->paid = 0;
	}
	return ret == -EAGAIN ? 0 : ret;
}

/**
 * ms_records_apply() - apply records now, after those in the ring
 * @task:	the task, the caller's
 * @records:	private copies
 * @nr:		how many
 * @done:	how many were applied, also on error
 * @terms:	on what terms; what is left of them, also on error
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL, -ENOSPC, -EDQUOT, -ENOMEM: the books are as if the record at
 * @done and those after it had not been given; -EINTR: killed; -ESRCH.
 */
int ms_records_apply(struct ms_task *task, const struct memstate_record *records,
		     u32 nr, u32 *done, struct ms_terms *terms)
{
	struct ms_books books;
	u32 revoked = 0;
	int ret;

	ret = records_before(task);
	if (ret)
		return ret;

	do {
		ret = ms_books_lock(&books, task);
		if (ret)
			return ret;
		ret = records_pass(&books, records, nr, done, terms);
		if (ret == -EDQUOT && revoked > MS_REVOKE_ROUNDS)
			ms_charge_denied(task, terms);
		ms_books_unlock(&books);
		if (ret == -EDQUOT && revoked <= MS_REVOKE_ROUNDS) {
			/* Then once more, to be told why not. */
			revoked = ms_revoke(task, terms) ? revoked + 1 :
								  U32_MAX;
			ret = 0;
		}
		if (ret == -EBUSY)
			ret = ms_mappings_wait(task->mm);
		if (!ret && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (!ret && *done < nr);
	return ret;
}

/**
 * ms_records_try() - apply a record now, if nothing has to be waited for
 * @task:	the task, the caller's
 * @record:	private copy
 * @terms:	on what terms; what is left of them
 *
 * Context: process; may sleep for memory. Return: as ms_records_apply(), but -EAGAIN:
 * something has to be, with nothing of the record applied: another has the books open,
 * the ring is not at its end, credit has to be taken back from others first.
 */
int ms_records_try(struct ms_task *task, const struct memstate_record *record,
		   struct ms_terms *terms)
{
	const struct ms_terms before = *terms;
	struct ms_drain drain = {};
	struct ms_books books;
	u32 done = 0;
	int ret;

	ret = ms_books_trylock(&books, task);
	if (ret)
		return ret;
	ret = ms_books_drain(&books, &drain);
	if (!ret && ms_task_stamp(task) != task->head)
		ret = -EAGAIN;
	if (!ret)
		ret = records_pass(&books, record, 1, &done, terms);
	if (ret == -EDQUOT || ret == -EBUSY || (!ret && !done)) {
		*terms = before;
		ret = -EAGAIN;
	}
	ms_books_unlock(&books);
	return ret;
}
