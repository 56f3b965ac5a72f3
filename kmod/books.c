// SPDX-License-Identifier: GPL-2.0-only
#include <linux/memcontrol.h>
#include <linux/uidgid.h>

#include "books.h"
#include "group.h"
#include "params.h"
#include "trace.h"

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
	ms_task_count(task, ranges, (s64)eff->ranges);
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

/* ---- idle or not ---------------------------------------------------------------- */

/**
 * ms_books_pending() - is there something to drain, as far as one can tell?
 * @task: the task
 *
 * Context: any; the ring may be looked at. Return: true if there seems to be.
 */
bool ms_books_pending(struct ms_task *task)
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

static bool task_pending(struct ms_pending_node *node, xa_mark_t mark)
{
	struct ms_task *task = ms_task_of(node);

	return task_is_silent(task) || ms_books_pending(task);
}

/* The task is idle, and what it posts next is made known; or it is not. */
static void books_take(struct ms_task *task)
{
	lockdep_assert_held(&task->lock);
	if (!task_is_silent(task))
		ms_pending_take(&task->pending, MS_PENDING_DRAIN,
				ms_ring_bell(task->ring), task_pending);
}

/* ---- open and closed ------------------------------------------------------------ */

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
	books->budget = MS_BOOKS_BUDGET;
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

/* ---- one change ----------------------------------------------------------------- */

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

/**
 * ms_books_record() - apply a record
 * @books:	from ms_books_lock()
 * @rec:	private copy
 * @terms:	on what terms; NULL: it comes from the ring, and what goes to Ready has been
 *		paid for in full, if the task keeps to that
 *
 * Context: process; may sleep. Return: 0; -EINVAL or -ENOSPC: counted, the books
 * unchanged; -EDQUOT, -ENOMEM: to be tried again later.
 */
int ms_books_record(struct ms_books *books, const struct memstate_record *rec,
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
		ms_task_count(task, rejected, 1);
		ms_task_event(task);
		return ret;
	}
	ms_task_count(task, transitions, 1);
	if (task->effect.drift) {
		ms_task_count(task, drift, 1);
		ms_task_event(task);
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

/* ---- unmappings ----------------------------------------------------------------- */

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
	ms_task_count(task, rejected, 1);
	ms_task_event(task);
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
		ms_task_count(task, unmaps, 1);
		trace_memstate_unmap(task->pid, start, end - start);
	}
	return ret;
}

/* ---- beginning and end ---------------------------------------------------------- */

/**
 * ms_books_open() - begin to keep a task's books
 * @task: the task
 *
 * Context: process; may sleep.
 */
void ms_books_open(struct ms_task *task)
{
	mutex_lock(&task->lock);
	ms_task_count(task, tasks, 1);
	books_end(task);
	trace_memstate_open(task->pid, task->group->id);
	mutex_unlock(&task->lock);
}

/**
 * ms_books_close() - end them, and take all they hold out of the system's
 * @task: the task
 *
 * Events that were counted stay counted in the system's totals.
 *
 * Context: process; may sleep.
 */
void ms_books_close(struct ms_task *task)
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
