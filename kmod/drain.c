// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uidgid.h>

#include "charge.h"
#include "drain.h"
#include "group.h"
#include "mappings.h"
#include "params.h"
#include "trace.h"

/*
 * Steps before the lock is let go: a range or gap that is looked at, one that is stored,
 * a record, a limit that is charged.
 */
#define DRAIN_BUDGET	32768

/* As many for one reader of a group's totals, for all tasks together. */
#define GROUP_BUDGET	(8 * DRAIN_BUDGET)

/* How often, and for how many microseconds, a claimed slot is waited for. */
#define DRAIN_WAITS	100
#define DRAIN_WAIT_US	50

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

/* What happened in a pass, in one count for each group. */
static void books_tell(atomic64_t *events, const struct memstate_totals *batch)
{
	if (batch->drift)
		atomic64_add(batch->drift, &events[MEMSTATE_EVENT_DRIFT]);
	if (batch->breaches)
		atomic64_add(batch->breaches, &events[MEMSTATE_EVENT_BREACH]);
}

/* Once a pass, as it costs the depth of the tree. True: there is something to publish. */
static bool books_flush(struct ms_task *task)
{
	const struct memstate_totals *batch = &task->batch;
	u64 charged = ms_limits_charged(&task->limit);
	bool changed = task->dirty || charged != task->totals.charged;
	struct ms_group *group;

	task->totals.charged = charged;
	if (!task->dirty)
		return changed;
	books_tell(task->group->events_local, batch);
	for (group = task->group; group; group = group->parent) {
		ms_totals_add(&group->totals, batch);
		books_tell(group->events, batch);
		if (batch->drift || batch->breaches)
			ms_group_kick(group, MS_KICK_EVENTS);
	}
	task->dirty = false;
	memset(&task->batch, 0, sizeof(task->batch));
	return true;
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
}

/* What a pass has done is seen by all before its slots are used again. */
static void books_end(struct ms_task *task)
{
	if (books_flush(task))
		books_publish(task);
	if (task->ring)
		ms_ring_release(&task->ring->totals->head, task->head);
}

/* Is there something to drain, as far as one can tell? */
static bool task_has_pending(struct ms_task *task)
{
	return ms_task_stamp(task) != READ_ONCE(task->head) ||
	       ms_unmaps_pending(&task->unmaps) || READ_ONCE(task->resync.running);
}

/* Can it post without ringing? Then it is never known to be idle. */
static bool task_is_silent(const struct ms_task *task)
{
	const struct ms_ring *ring = task->ring;

	return ring && READ_ONCE(ring->mapped) && !ms_ring_bell(ring);
}

static bool books_pending(struct ms_pending_node *node, xa_mark_t mark)
{
	struct ms_task *task = container_of(node, struct ms_task, pending);

	return task_is_silent(task) || task_has_pending(task);
}

/* The task is idle, and what it posts next is made known; or it is not. */
static void books_take(struct ms_task *task)
{
	lockdep_assert_held(&task->lock);
	if (!task_is_silent(task))
		ms_pending_take(&task->pending, MS_PENDING_DRAIN,
				ms_ring_bell(task->ring), books_pending);
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
	books->take = false;
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
	books_end(task);
	/* Only now that the groups have it. */
	if (books->take)
		books_take(task);
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

/* Limits on the way from a task to the root. */
static u32 books_levels(const struct ms_task *task)
{
	return task->group->depth + 2;
}

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
	if (task->effect.charged)
		books->budget -= books_levels(task);
	ret = ms_charge_record(task, task->effect.charged, terms);
	if (ret)
		return ret;
	if (task->effect.changed)
		books->budget -= task->effect.steps;
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
		if ((task->ring->flags & MEMSTATE_SETUP_CREDIT) &&
		    chg.to == MEMSTATE_READY)
			terms->paid = chg.end - chg.start;
	}
	if (!ret)
		ret = books_change(books, &chg, READ_ONCE(ms_param_ranges_max),
				   terms);
	if (ret == -ENOMEM || ret == -EDQUOT)
		return ret;
	if (terms == &ring_terms && terms->paid) {
		books->budget -= books_levels(task);
		ms_charge_back(task, terms->paid);
	}

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

/* It has happened, and the books cannot show it. */
static void books_refuse_unmap(struct ms_task *task, u64 start)
{
	struct ms_resync *r = &task->resync;

	r->refused = min(r->refused, start);
	pr_warn_ratelimited("memstate: a process of user %u has unmapped more than ranges_max=%u ranges can show\n",
			    from_kuid(&init_user_ns, task->uid),
			    READ_ONCE(ms_param_ranges_max));
	if (r->running && r->again)
		return;
	ms_books_count(task, rejected, 1);
	ms_books_event(task);
}

/**
 * ms_books_unmap() - make the books forget a range that has no mapping
 * @books:	from ms_books_lock()
 * @start:	first byte
 * @end:	one past the last byte
 *
 * Where that would make too many ranges the books stay as they are, and a comparison
 * makes up for it as soon as there is room.
 *
 * Context: process; may sleep. Return: 0 or -ENOMEM.
 */
int ms_books_unmap(struct ms_books *books, u64 start, u64 end)
{
	const struct ms_change chg = {
		.start = start,
		.end = end,
		.from = MEMSTATE_ANY,
		.to = MEMSTATE_NONE,
	};
	struct ms_task *task = books->task;
	struct ms_terms terms = {};
	int ret;

	books->budget--;
	ret = books_change(books, &chg, READ_ONCE(ms_param_ranges_max), &terms);
	if (ret == -ENOSPC) {
		books_refuse_unmap(task, start);
		return 0;
	}
	if (!ret && task->effect.changed) {
		ms_books_count(task, unmaps, 1);
		trace_memstate_unmap(task->pid, start, end - start);
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
		if (ret == -EBUSY)
			ret = ms_mappings_wait(task->mm);
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
	if (ret == -EDQUOT || ret == -EBUSY || (!ret && !done)) {
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
	if (silent && !task_has_pending(task)) {
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
		left |= drain_pending(container_of(node, struct ms_task, pending),
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
	books_end(task);
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
