// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "audit.h"
#include "charge.h"
#include "drain.h"
#include "group.h"
#include "params.h"
#include "trace.h"

/* Ranges, gaps and records looked at before the lock is let go. */
#define DRAIN_BUDGET	16384

/* How often, and for how many microseconds, a claimed slot is waited for. */
#define DRAIN_WAITS	100
#define DRAIN_WAIT_US	50

/* Gaps in the mappings that are collected before they are applied. */
#define RESYNC_GAPS	16

/* ---- the books of one task ---------------------------------------------- */

static void totals_add(struct memstate_totals *to,
		       const struct memstate_totals *delta)
{
	const u64 *d = (const u64 *)delta;
	u64 *t = (u64 *)to;
	u32 i;

	for (i = 0; i < sizeof(*to) / sizeof(u64); i++)
		t[i] += d[i];
}

/* Make the effect of one change part of the books. */
static void books_apply(struct ms_task *task)
{
	const struct ms_effect *eff = &task->effect;
	u64 ready;

	if (!eff->changed)
		return;
	totals_add(&task->totals, &eff->totals);
	totals_add(&task->batch, &eff->totals);
	task->dirty = true;
	ms_books_count(task, ranges, (s64)eff->ranges);
	ready = ms_totals_state(&task->totals, MEMSTATE_READY);
	if (ready > task->totals.peak_ready)
		task->totals.peak_ready = ready;
}

static void books_flush(struct ms_task *task)
{
	struct ms_group *group;

	task->totals.charged = READ_ONCE(task->limit.charged);
	if (!task->dirty)
		return;
	for (group = task->group; group; group = group->parent)
		ms_totals_add(&group->totals, &task->batch);
	task->dirty = false;
	memset(&task->batch, 0, sizeof(task->batch));
}

/* Show the task what its books say. Only we write the page. */
static void books_publish(struct ms_task *task)
{
	struct ms_ring *ring = task->ring;
	struct memstate_totals_page *page;
	u32 seq;

	ms_task_publish(task);
	if (!ring)
		return;
	page = ring->totals;
	seq = page->seq;
	WRITE_ONCE(page->seq, seq + 1);
	/* Odd before any of the figures: the reader's fence pairs with it. */
	smp_wmb();
	memcpy(&page->totals, &task->totals, sizeof(page->totals));
	/* Release: pairs with the reader's acquire of seq. */
	smp_store_release(&page->seq, seq + 2);
	ms_ring_release(&page->head, task->head);
}

static int books_locked(struct ms_books *books, struct ms_task *task)
{
	if (task->gone) {
		mutex_unlock(&task->lock);
		return -ESRCH;
	}
	books->task = task;
	/* Asked for each time: held for longer, it would outlive its cgroup. */
	books->memcg = get_mem_cgroup_from_mm(task->mm);
	books->memcg_before = set_active_memcg(books->memcg);
	books->budget = DRAIN_BUDGET;
	return 0;
}

/**
 * ms_books_lock() - open a task's books for writing
 * @books:	what to give to the other functions
 * @task:	the task
 *
 * Memory taken until ms_books_unlock() is charged to the task's memory cgroup,
 * whoever the caller is.
 *
 * Context: process; may sleep.
 * Return: 0; -EINTR: killed while waiting; -ESRCH: the books are closed.
 */
int ms_books_lock(struct ms_books *books, struct ms_task *task)
{
	if (mutex_lock_killable(&task->lock))
		return -EINTR;
	return books_locked(books, task);
}

/**
 * ms_books_trylock() - open a task's books if nobody else has them open
 * @books:	what to give to the other functions
 * @task:	the task
 *
 * Context: process; may sleep. Return: as ms_books_lock(), but -EAGAIN: somebody has.
 */
int ms_books_trylock(struct ms_books *books, struct ms_task *task)
{
	if (!mutex_trylock(&task->lock))
		return -EAGAIN;
	return books_locked(books, task);
}

/**
 * ms_books_unlock() - publish what was done and close the books
 * @books: from ms_books_lock()
 *
 * Context: process; may sleep.
 */
void ms_books_unlock(struct ms_books *books)
{
	struct ms_task *task = books->task;
	const struct memstate_totals *b = &task->batch;
	bool events = b->drift || b->rejected || b->resyncs || b->denied ||
		      b->breaches;

	ms_charge_settle(task);
	books_flush(task);
	books_publish(task);
	/* Of groups a worker tells. */
	if (ms_charge_has_own(task))
		ms_charge_show(task);
	set_active_memcg(books->memcg_before);
	mem_cgroup_put(books->memcg);
	mutex_unlock(&task->lock);
	if (events)
		wake_up_interruptible_all(&task->wait);
}

/* ---- one change ---------------------------------------------------------- */

static int books_change(struct ms_books *books, const struct ms_change *chg,
			u32 ranges_max, struct ms_terms *terms)
{
	struct ms_task *task = books->task;
	struct ms_plan plan;
	int ret;

	ms_ledger_look(&task->ledger, chg, &plan, &task->effect);
	books->budget -= task->effect.steps;
	ret = ms_ledger_prepare(&task->ledger, &plan, ranges_max);
	if (ret)
		return ret;
	ret = ms_charge_record(task, task->effect.charged, terms);
	if (ret)
		return ret;
	ms_ledger_commit(&task->ledger, &plan);
	books_apply(task);
	return 0;
}

/*
 * -EINVAL or -ENOSPC: counted, the books unchanged; -EDQUOT, -ENOMEM: try again
 * later. From the ring (no terms) what goes to Ready has been paid for in full, if
 * the task keeps to that.
 */
static int books_record(struct ms_books *books, const struct memstate_record *rec,
			struct ms_terms *terms)
{
	struct ms_task *task = books->task;
	struct ms_terms ring_terms = {};
	struct ms_change chg = {};
	int ret;

	books->budget--;
	/* The task's own bound: the caller may be another, and a 32-bit one. */
	ret = ms_record_decode(rec, PAGE_SIZE, task->mm->task_size,
			       &chg);
	if (!terms) {
		terms = &ring_terms;
		if (task->ring->credit && chg.to == MEMSTATE_READY)
			terms->paid = chg.end - chg.start;
	}
	if (!ret)
		ret = books_change(books, &chg, READ_ONCE(ms_param_ranges_max),
				   terms);
	if (ret == -ENOMEM || ret == -EDQUOT)
		return ret;
	if (terms == &ring_terms)
		ms_charge_back(task, terms->paid);

	trace_memstate_transition(task->pid, rec, ret);
	if (ret) {
		ms_books_count(task, rejected, 1);
		ms_books_event(task);
		return ret;
	}
	ms_books_count(task, transitions, 1);
	if (task->effect.drift) {
		ms_books_count(task, drift, 1);
		ms_books_event(task);
		ms_group_event(task->group, MEMSTATE_EVENT_DRIFT);
		trace_memstate_drift(task->pid, rec);
	}
	return 0;
}

/**
 * ms_books_need() - what it takes to make Ready what the books have of a range
 * @books:	from ms_books_lock(), drained
 * @start:	first byte
 * @bytes:	length
 * @need:	where to put it: bytes that are not charged yet
 *
 * Context: process; may sleep. Return: 0; -EINVAL: not a range of pages of the
 * task's address space.
 */
int ms_books_need(struct ms_books *books, u64 start, u64 bytes, u64 *need)
{
	struct ms_task *task = books->task;
	u64 end = task->mm->task_size;
	struct ms_change chg = {
		.start = start,
		.end = start + bytes,
		.from = MEMSTATE_MAPPED,
		.to = MEMSTATE_READY,
		.flags = MEMSTATE_ONLY,
	};
	struct ms_plan plan;

	if (start >= end || bytes > end - start || !bytes ||
	    !PAGE_ALIGNED(start | bytes))
		return -EINVAL;
	ms_ledger_look(&task->ledger, &chg, &plan, &task->effect);
	books->budget -= task->effect.steps;
	*need = task->effect.charged;
	return 0;
}

/* ---- unmappings ---------------------------------------------------------- */

static int books_unmap(struct ms_books *books, u64 start, u64 end)
{
	const struct ms_change chg = {
		.start = start,
		.end = end,
		.from = MEMSTATE_ANY,
		.to = MEMSTATE_NONE,
	};
	struct ms_terms terms = {};
	int ret;

	books->budget--;
	/* It has happened, however many ranges that makes. */
	ret = books_change(books, &chg, U32_MAX, &terms);
	if (!ret && books->task->effect.changed) {
		ms_books_count(books->task, unmaps, 1);
		trace_memstate_unmap(books->task->pid, start, end - start);
	}
	return ret;
}

/* Make the ledger forget what has no mapping. */
static int books_resync_mm(struct ms_books *books, struct mm_struct *mm)
{
	struct ms_task *task = books->task;
	struct ms_gap gaps[RESYNC_GAPS];
	struct memstate_range range;
	u64 addr = 0;
	int ret;

	while (ms_ledger_next(&task->ledger, addr, &range)) {
		u32 i, nr;

		addr = max(addr, range.start);
		nr = ms_audit_gaps(mm, &addr, range.end, gaps, RESYNC_GAPS);
		for (i = 0; i < nr; i++) {
			ret = books_unmap(books, gaps[i].start, gaps[i].end);
			if (ret)
				return ret;
		}
		cond_resched();
	}
	return 0;
}

static int books_resync(struct ms_books *books)
{
	struct ms_task *task = books->task;
	struct mm_struct *mm = task->mm;
	bool own = ms_task_is_current(task);
	int ret;

	/* Without users it is about to be released, and the books with it. */
	if (!own && !mmget_not_zero(mm))
		return 0;
	ret = books_resync_mm(books, mm);
	/* Not here: its release would wait for the lock that we hold. */
	if (!own)
		mmput_async(mm);
	if (!ret) {
		ms_books_count(task, resyncs, 1);
		ms_books_event(task);
	}
	return ret;
}

/* Apply the unmappings that come before the record at our position. */
static int books_unmaps(struct ms_books *books, bool force)
{
	struct ms_task *task = books->task;
	struct ms_unmap unmap;
	int ret;

	while (ms_unmaps_peek(&task->unmaps, task->head, force, &unmap)) {
		ret = books_unmap(books, unmap.start, unmap.end);
		if (ret)
			return ret;
		ms_unmaps_pop(&task->unmaps, &unmap);
		if (books->budget <= 0)
			return -EAGAIN;
	}
	if (ms_unmaps_take_overflow(&task->unmaps, task->head, force)) {
		ret = books_resync(books);
		if (ret) {
			ms_unmaps_set_overflow(&task->unmaps, task->head);
			return ret;
		}
	}
	return 0;
}

/* ---- the ring ------------------------------------------------------------ */

/**
 * ms_books_drain() - take what is published in the ring
 * @books:	from ms_books_lock()
 * @drain:	what became of it is added here
 *
 * Context: process; may sleep.
 * Return: 0: came to a slot that is not published; -EAGAIN: this pass has done
 * its share; -ENOMEM: stopped before a record that will be applied later.
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
		ret = books_unmaps(books, false);
		if (ret || !published)
			return ret;

		ret = books_record(books, &rec, NULL);
		if (ret == -ENOMEM)
			return ret;
		if (ret) {
			if (!drain->rejected++) {
				drain->error = -ret;
				drain->error_pos = task->head;
			}
		}
		drain->drained++;
		WRITE_ONCE(task->head, task->head + 1);
	} while (books->budget > 0);
	return -EAGAIN;
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
		if (ret == -EAGAIN && (s32)(task->head - end) >= 0)
			ret = 0;
		ms_books_unlock(&books);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (ret == -EAGAIN);
	return ret;
}

/*
 * Come to the end of the ring before records that are given without it. A slot
 * that is claimed and not published is being written by another thread, or by
 * this one below a signal handler: that is waited for, but not for long.
 */
static int drain_before_records(struct ms_task *task)
{
	struct ms_drain drain;
	int ret, waits;

	for (waits = 0; waits < DRAIN_WAITS; waits++) {
		ret = ms_drain_own(task, &drain);
		if (ret)
			return ret;
		if (ms_task_stamp(task) == READ_ONCE(task->head))
			return 0;
		usleep_range(DRAIN_WAIT_US, 2 * DRAIN_WAIT_US);
	}
	return 0;
}

/* One pass over records that were handed over. */
static int drain_records_pass(struct ms_books *books,
			      const struct memstate_record *records, u32 nr,
			      u32 *done, struct ms_terms *terms)
{
	int ret = books_unmaps(books, true);

	while (!ret && *done < nr && books->budget > 0) {
		/* In an array the sequence has no meaning, and is 0. */
		if (records[*done].w1 >> 32)
			ret = -EINVAL;
		else
			ret = books_record(books, &records[*done], terms);
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
 * ms_drain_records() - apply records now, after those in the ring
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
int ms_drain_records(struct ms_task *task, const struct memstate_record *records,
		     u32 nr, u32 *done, struct ms_terms *terms)
{
	struct ms_books books;
	u32 revoked = 0;
	int ret;

	ret = drain_before_records(task);
	if (ret)
		return ret;

	do {
		ret = ms_books_lock(&books, task);
		if (ret)
			return ret;
		ret = drain_records_pass(&books, records, nr, done, terms);
		if (ret == -EDQUOT && revoked > MS_REVOKE_ROUNDS)
			ms_charge_denied(task, terms);
		ms_books_unlock(&books);
		if (ret == -EDQUOT && revoked <= MS_REVOKE_ROUNDS) {
			/* Then once more, to be told why not. */
			revoked = ms_charge_revoke(task, terms) ? revoked + 1 :
								  U32_MAX;
			ret = 0;
		}
		if (!ret && fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (!ret && *done < nr);
	return ret;
}

/**
 * ms_drain_record_try() - apply a record now, if nothing has to be waited for
 * @task:	the task, the caller's
 * @record:	private copy
 * @terms:	on what terms; what is left of them
 *
 * Context: process; may sleep for memory. Return: as ms_drain_records(), but -EAGAIN:
 * something has to be, with nothing of the record applied: another has the books open,
 * the ring is not at its end, credit has to be taken back from others first.
 */
int ms_drain_record_try(struct ms_task *task, const struct memstate_record *record,
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
		ret = drain_records_pass(&books, record, 1, &done, terms);
	if (ret == -EDQUOT || (!ret && !done)) {
		*terms = before;
		ret = -EAGAIN;
	}
	ms_books_unlock(&books);
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
 * One pass: of a task that reports faster than that, an exact prefix.
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed; -EAGAIN: with @nowait,
 * somebody has.
 */
int ms_drain_totals(struct ms_task *task, struct memstate_totals *totals, bool last,
		    bool nowait)
{
	struct ms_drain drain = {};
	struct ms_books books;
	int ret;

	memset(totals, 0, sizeof(*totals));
	ret = nowait ? ms_books_trylock(&books, task) : ms_books_lock(&books, task);
	if (ret)
		return ret == -ESRCH ? 0 : ret;
	/* Want of memory: what was drained is still a prefix. */
	if (!last)
		ms_books_drain(&books, &drain);
	ms_charge_settle(task);
	*totals = task->totals;
	totals->charged = READ_ONCE(task->limit.charged);
	ms_books_unlock(&books);
	return 0;
}

/**
 * ms_drain_group() - drain whoever has something to drain
 * @group: tasks in it and below it
 *
 * For readers of a group's totals. A task that has posted nothing since costs two
 * loads.
 *
 * Context: process; may sleep.
 */
void ms_drain_group(struct ms_group *group)
{
	struct memstate_totals totals;
	struct ms_task *task;
	MS_DEFINE_WALK(walk);

	while ((task = ms_task_next(&walk, group))) {
		if (ms_task_stamp(task) != READ_ONCE(task->head) ||
		    ms_unmaps_pending(&task->unmaps))
			ms_drain_totals(task, &totals, false, false);
		ms_task_put(task);
		if (fatal_signal_pending(current))
			return;
		cond_resched();
	}
}

/* ---- beginning and end --------------------------------------------------- */

/**
 * ms_drain_open() - begin to keep a task's books
 * @task: the task
 *
 * Context: process; may sleep.
 */
void ms_drain_open(struct ms_task *task)
{
	mutex_lock(&task->lock);
	ms_books_count(task, tasks, 1);
	books_flush(task);
	trace_memstate_open(task->pid, task->group->id);
	mutex_unlock(&task->lock);
}

/**
 * ms_drain_close() - end them, and take all they hold out of the system's
 * @task: the task
 *
 * Events that were counted stay counted in the system's totals.
 *
 * Context: process; may sleep.
 */
void ms_drain_close(struct ms_task *task)
{
	struct memstate_totals *t = &task->totals;
	u32 state, class_;

	mutex_lock(&task->lock);
	task->gone = true;
	for (state = 0; state < MEMSTATE_NR_STATES - 1; state++)
		for (class_ = 0; class_ < MEMSTATE_NR_CLASSES; class_++)
			task->batch.bytes[state][class_] -= t->bytes[state][class_];
	task->batch.reserved_lazy -= t->reserved_lazy;
	task->batch.prepared_lazy -= t->prepared_lazy;
	task->batch.ranges -= t->ranges;
	task->batch.tasks -= t->tasks;
	task->dirty = true;
	task->batch.ready_direct -= t->ready_direct;
	task->batch.inherited -= t->inherited;
	task->batch.breached -= t->breached;
	ms_charge_close(task);
	books_flush(task);
	memset(t, 0, sizeof(*t));
	ms_ledger_destroy(&task->ledger);
	books_publish(task);
	trace_memstate_close(task->pid);
	mutex_unlock(&task->lock);
}
