// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>

#include "charge.h"
#include "drain.h"
#include "group.h"
#include "params.h"
#include "task.h"
#include "trace.h"

/* Batches that a drain leaves in the credit word. */
#define CREDIT_KEEP	2

/* How often the shared word is tried when userspace keeps changing it. */
#define CREDIT_TRIES	64

/* ---- the credit word ------------------------------------------------------- */

static u64 *credit_word(const struct ms_task *task)
{
	struct ms_ring *ring = ms_task_ring(task);

	return ring && ring->credit ? &ring->control->credit : NULL;
}

/* What is charged and not held, by our own books. */
static u64 credit_real(const struct ms_task *task)
{
	const struct memstate_totals *t = &task->totals;
	u64 backed = READ_ONCE(task->limit.charged) + t->inherited + t->breached;

	return backed > t->ready_direct ? backed - t->ready_direct : 0;
}

/* Take from the word until @keep is left, no more than @most. */
static u64 credit_take(const struct ms_task *task, u64 keep, u64 most)
{
	u64 *word = credit_word(task);
	u32 tries;

	for (tries = 0; word && tries < CREDIT_TRIES; tries++) {
		u64 seen = READ_ONCE(*word), take;

		if (seen <= keep)
			break;
		take = min(seen - keep, most);
		if (cmpxchg64(word, seen, seen - take) == seen)
			return take;
	}
	return 0;
}

static void credit_give(const struct ms_task *task, u64 bytes)
{
	u64 *word = credit_word(task);

	if (bytes && word)
		xadd(word, bytes);
}

/* ---- records ---------------------------------------------------------------- */

static u64 debt(const struct memstate_totals *t)
{
	return t->inherited + t->breached;
}

/* Bytes that are held although nobody has paid for them. */
static void charge_breach(struct ms_task *task, u64 bytes)
{
	bytes -= ms_limits_charge_some(&task->limit, bytes);
	if (!bytes)
		return;
	ms_books_count(task, breached, bytes);
	ms_books_count(task, breaches, 1);
	ms_books_event(task);
	ms_group_event(task->group, MEMSTATE_EVENT_BREACH);
	trace_memstate_deny(task->pid, task->group->id, bytes, true);
}

static int charge_up(struct ms_task *task, u64 bytes, struct ms_terms *terms)
{
	u64 paid = min(terms->paid, bytes), held, backed;

	bytes -= paid;
	if (bytes && !ms_limits_charge(&task->limit, bytes, &terms->refused)) {
		if (terms->strict) {
			terms->wanted = bytes;
			return -EDQUOT;
		}
		if (terms->inherited) {
			u64 some = ms_limits_charge_some(&task->limit, bytes);

			ms_books_count(task, inherited, bytes - some);
		}
	}
	terms->paid -= paid;
	ms_books_count(task, ready_direct, paid + bytes);

	/* Whoever has really paid is through; who has not has no such charge. */
	held = task->totals.ready_direct;
	backed = READ_ONCE(task->limit.charged) + debt(&task->totals);
	if (held > backed)
		charge_breach(task, held - backed);
	return 0;
}

static void charge_down(struct ms_task *task, u64 bytes, struct ms_terms *terms)
{
	u64 owed;

	ms_books_count(task, ready_direct, -bytes);
	owed = min(bytes, task->totals.breached);
	ms_books_count(task, breached, -owed);
	bytes -= owed;
	owed = min(bytes, task->totals.inherited);
	ms_books_count(task, inherited, -owed);
	bytes -= owed;
	if (terms->hold)
		terms->paid += bytes;
	else
		ms_charge_back(task, bytes);
}

/**
 * ms_charge_record() - pay for what a record is about to do
 * @task:	the task
 * @delta:	by how much its Ready and lazy bytes change
 * @terms:	on what terms; what was paid is used up
 *
 * Context: lock held. Return: 0; -EDQUOT: strict terms, over a limit, nothing has
 * changed but terms->refused and terms->wanted.
 */
int ms_charge_record(struct ms_task *task, s64 delta, struct ms_terms *terms)
{
	if (delta > 0)
		return charge_up(task, delta, terms);
	if (delta < 0)
		charge_down(task, -delta, terms);
	return 0;
}

/**
 * ms_charge_back() - give back what is charged and needed no more
 * @task:	the task
 * @bytes:	how much
 *
 * To the credit word as long as that is low, else to the group.
 *
 * Context: lock held.
 */
void ms_charge_back(struct ms_task *task, u64 bytes)
{
	u64 keep = CREDIT_KEEP * (u64)ms_param_credit_batch, seen;
	u64 *word = credit_word(task);

	/* A lie about what was paid gives nothing. */
	bytes = min(bytes, credit_real(task));
	if (word && ms_limit_room(&task->limit)) {
		seen = READ_ONCE(*word);
		if (seen < keep) {
			u64 some = min(bytes, keep - seen);

			credit_give(task, some);
			bytes -= some;
		}
	}
	ms_limits_uncharge(&task->limit, bytes);
}

/**
 * ms_charge_settle() - pay debts of breaches, give back what credit is too much
 * @task: the task, drained
 *
 * Context: lock held.
 */
void ms_charge_settle(struct ms_task *task)
{
	u64 some;

	if (task->totals.breached) {
		some = min(task->totals.breached, credit_real(task));
		/* What it was given since pays first. */
		some += ms_limits_charge_some(&task->limit,
					      task->totals.breached - some);
		ms_books_count(task, breached, -some);
	}
	some = credit_take(task, CREDIT_KEEP * (u64)ms_param_credit_batch,
			   credit_real(task));
	ms_limits_uncharge(&task->limit, some);
}

/**
 * ms_charge_trim() - give all unused credit back to the group
 * @task: the task
 *
 * Context: lock held. Return: bytes.
 */
u64 ms_charge_trim(struct ms_task *task)
{
	u64 bytes = credit_take(task, 0, credit_real(task));

	ms_limits_uncharge(&task->limit, bytes);
	return bytes;
}

/**
 * ms_charge_close() - the task is gone: all that was charged for it goes back
 * @task: the task
 *
 * Context: lock held.
 */
void ms_charge_close(struct ms_task *task)
{
	ms_limits_uncharge(&task->limit, task->limit.charged);
}

/**
 * ms_charge_has_own() - has a task a limit of its own?
 * @task: the task
 *
 * Context: any. Return: true if it has.
 */
bool ms_charge_has_own(const struct ms_task *task)
{
	return (READ_ONCE(task->limit.high) & READ_ONCE(task->limit.max)) !=
	       MEMSTATE_UNLIMITED;
}

/**
 * ms_charge_show() - show a task its limits and what pressure there is
 * @task: the task
 *
 * Context: any that may be preempted.
 */
void ms_charge_show(struct ms_task *task)
{
	struct ms_ring *ring = ms_task_ring(task);
	bool changed;
	u64 high, max;
	u32 pressure;

	/* Whoever comes last shows what is true then. */
	spin_lock(&task->show);
	ms_limit_lowest(&task->limit, &high, &max, &pressure);
	if (ring) {
		WRITE_ONCE(ring->totals->group, task->group->id);
		WRITE_ONCE(ring->totals->max, max);
		WRITE_ONCE(ring->totals->high, high);
		WRITE_ONCE(ring->totals->pressure, pressure);
	}
	changed = task->pressure != pressure;
	task->pressure = pressure;
	spin_unlock(&task->show);
	if (changed) {
		ms_books_event(task);
		wake_up_interruptible_all(&task->wait);
	}
}

/* ---- requests ---------------------------------------------------------------- */

/* NULL: a task's own. */
static struct ms_group *group_of_limit(const struct ms_limit *l)
{
	return l ? l->owner : NULL;
}

/* Take the unused credit of one task back. */
static bool revoke_one(struct ms_task *task)
{
	struct ms_drain drain = {};
	struct ms_books books;
	bool some = false;

	/* Once the books have ended the ring may go at any moment. */
	if (!ms_task_ring(task) || ms_books_lock(&books, task))
		return false;
	if (credit_word(task)) {
		ms_books_drain(&books, &drain);
		some = ms_charge_trim(task);
	}
	ms_books_unlock(&books);
	return some;
}

/**
 * ms_charge_revoke() - take unused credit back from whoever shares a limit
 * @task:	who wants it
 * @terms:	terms->refused: the limit
 *
 * Context: process; may sleep; no task's lock is held. Return: true if it is worth
 * another try.
 */
bool ms_charge_revoke(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_group *group = group_of_limit(terms->refused);
	struct ms_task *other;
	bool some = false;
	MS_DEFINE_WALK(walk);

	if (!group)
		return revoke_one(task);
	ms_group_event(group, MEMSTATE_EVENT_MAX);
	while ((other = ms_task_next(&walk, group))) {
		some |= revoke_one(other);
		ms_task_put(other);
		if (fatal_signal_pending(current))
			break;
		/* Enough is enough: the others keep theirs. */
		if (some && ms_limit_room(terms->refused) >= terms->wanted)
			break;
		cond_resched();
	}
	return some || ms_limit_room(terms->refused) >= terms->wanted;
}

/**
 * ms_charge_denied() - a charge has been refused for good
 * @task:	whose
 * @terms:	terms->refused, terms->wanted; refused_by is set
 *
 * Context: lock held.
 */
void ms_charge_denied(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_group *group = group_of_limit(terms->refused);

	terms->refused_by = group ? group->id : 0;
	ms_books_count(task, denied, 1);
	ms_books_event(task);
	if (group)
		ms_group_event(group, MEMSTATE_EVENT_DENIED);
	trace_memstate_deny(task->pid, terms->refused_by, terms->wanted, false);
}

/**
 * ms_charge_fast() - the usual request, granted where there is room
 * @task:	the task, the caller's
 * @bytes:	how much, a multiple of the page size, not 0
 *
 * Nothing is drained. A task with a limit of its own goes the long way, at the end of
 * which it is shown what pressure there is. The task cannot be closed meanwhile: the
 * caller holds the file and belongs to the address space.
 *
 * Context: process; does not sleep; no lock is held. Return: true if it was granted;
 * else nothing has changed.
 */
bool ms_charge_fast(struct ms_task *task, u64 bytes)
{
	struct ms_limit *refused;
	u64 have;

	if (!credit_word(task) || ms_charge_has_own(task))
		return false;
	have = credit_take(task, 0, bytes);
	if (have == bytes)
		return true;
	if (ms_limits_charge(&task->limit, bytes - have + ms_param_credit_batch,
			     &refused)) {
		credit_give(task, ms_param_credit_batch);
		trace_memstate_charge(task->pid, task->group->id, bytes,
				      READ_ONCE(task->limit.charged));
		return true;
	}
	credit_give(task, have);
	return false;
}

/* Credit for the caller, as far as it can be had at once. */
static int request_now(struct ms_task *task, const struct memstate_charge *arg,
		       u64 *granted, struct ms_terms *terms)
{
	struct ms_drain drain = {};
	struct ms_books books;
	u64 need = arg->bytes, have;
	int ret;

	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	/* Want of memory: then more is asked for than needed, and given back. */
	ms_books_drain(&books, &drain);
	if (arg->flags & MEMSTATE_CHARGE_RANGE)
		ret = ms_books_need(&books, arg->addr, arg->bytes, &need);
	if (ret)
		goto out;

	have = credit_take(task, 0, need);
	terms->wanted = need - have;
	if (ms_limits_charge(&task->limit, terms->wanted + ms_param_credit_batch,
			     &terms->refused)) {
		credit_give(task, ms_param_credit_batch);
	} else if (!ms_limits_charge(&task->limit, terms->wanted,
				     &terms->refused)) {
		credit_give(task, have);
		ret = -EDQUOT;
		goto out;
	}
	*granted = need;
	trace_memstate_charge(task->pid, task->group->id, need,
			      READ_ONCE(task->limit.charged));
out:
	ms_books_unlock(&books);
	return ret;
}

static int request_trim(struct ms_task *task, struct memstate_charge *arg)
{
	struct ms_drain drain = {};
	struct ms_books books;
	int ret;

	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	ms_books_drain(&books, &drain);
	arg->bytes = ms_charge_trim(task);
	ms_books_unlock(&books);
	return 0;
}

static void request_denied(struct ms_task *task, struct memstate_charge *arg,
			   struct ms_terms *terms)
{
	struct ms_books books;

	if (ms_books_lock(&books, task))
		return;
	ms_charge_denied(task, terms);
	arg->refused_by = terms->refused_by;
	arg->room = ms_limit_room(terms->refused);
	ms_books_unlock(&books);
}

/* Try, and take credit back from others, and try again. */
static int request_try(struct ms_task *task, const struct memstate_charge *arg,
		       u64 *granted, struct ms_terms *terms)
{
	u32 rounds = 0;
	int ret;

	do {
		ret = request_now(task, arg, granted, terms);
		if (fatal_signal_pending(current))
			break;
	} while (ret == -EDQUOT && rounds++ < MS_REVOKE_ROUNDS &&
		 ms_charge_revoke(task, terms));
	return ret;
}

/* Until there is room where there was none, or the time is over. */
static int request_wait(const struct ms_terms *terms, ktime_t end)
{
	ktime_t left = ktime_sub(end, ktime_get());
	const struct ms_limit *l = terms->refused;
	u64 wanted = terms->wanted;
	int ret;

	if (left <= 0)
		return -ETIME;
	ret = wait_event_interruptible_hrtimeout(ms_limits_waiters,
						 ms_limit_room(l) >= wanted, left);
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

/**
 * ms_charge_request() - what CHARGE does
 * @task:	the task, the caller's
 * @arg:	the request, its flags and alignment checked
 *
 * Context: process; may sleep.
 * Return: 0; -EDQUOT; -EINTR; -EINVAL: with RANGE, beyond the address space; -ENXIO:
 * no ring with credit; -ESRCH.
 */
int ms_charge_request(struct ms_task *task, struct memstate_charge *arg)
{
	struct ms_terms terms = {};
	u64 granted = 0;
	ktime_t end;
	int ret;

	if (!credit_word(task))
		return -ENXIO;
	if (arg->flags & MEMSTATE_CHARGE_TRIM)
		return request_trim(task, arg);

	end = ktime_add_safe(ktime_get(), ns_to_ktime(min_t(u64, arg->timeout_ns,
							    KTIME_MAX)));
	ret = request_try(task, arg, &granted, &terms);
	while (ret == -EDQUOT && (arg->flags & MEMSTATE_CHARGE_WAIT)) {
		ret = request_wait(&terms, end);
		if (ret == -EINTR)
			return ret;
		if (ret) {
			/* Whatever its siblings have got together meanwhile. */
			ret = request_try(task, arg, &granted, &terms);
			break;
		}
		ret = request_try(task, arg, &granted, &terms);
	}
	if (ret == -EDQUOT)
		request_denied(task, arg, &terms);
	if (!ret)
		arg->bytes = granted;
	return ret;
}
