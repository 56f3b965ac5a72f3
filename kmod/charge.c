// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/math.h>
#include <linux/sched/signal.h>

#include "charge.h"
#include "drain.h"
#include "group.h"
#include "params.h"
#include "task.h"
#include "trace.h"

/*
 * No task is charged more than this for what it holds, whatever its address space: so
 * the charges of 2^16 tasks, with their credit, add up in 64 bits.
 */
#define HELD_MAX	BIT_ULL(47)

/* How often the shared word is tried when userspace keeps changing it. */
#define CREDIT_TRIES	64

/*
 * What one request waits for others' books, in all: how often, and for how many microseconds.
 * Whoever has them open may do so for long, or be kept from running meanwhile.
 */
#define REVOKE_WAITS	100
#define REVOKE_WAIT_US	50

/* Steps of draining them that it does, in all. */
#define REVOKE_WORK	(8 * 32768)

/* ---- the credit word ------------------------------------------------------- */

static u64 *credit_word(const struct ms_task *task)
{
	struct ms_ring *ring = ms_task_ring(task);

	return ring && (ring->flags & MEMSTATE_SETUP_CREDIT) ?
		       &ring->control->credit : NULL;
}

/* Bytes of credit that a drain leaves in the word. */
static u64 credit_keep(void)
{
	return MS_CREDIT_KEEP * (u64)ms_param_credit_batch;
}

/* What is charged and not held, by our own books. */
static u64 credit_real(const struct ms_task *task)
{
	const struct memstate_totals *t = &task->totals;
	u64 backed = ms_limits_charged(&task->limit) + t->inherited + t->breached;

	return backed > t->ready_direct ? backed - t->ready_direct : 0;
}

/* Take whole pages from the word until @keep is left, no more than @most. */
static u64 credit_take(const struct ms_task *task, u64 keep, u64 most)
{
	u64 *word = credit_word(task);
	u32 tries;

	for (tries = 0; word && tries < CREDIT_TRIES; tries++) {
		u64 seen = READ_ONCE(*word), take;

		if (seen <= keep)
			break;
		take = round_down(min(seen - keep, most), PAGE_SIZE);
		if (!take)
			break;
		if (cmpxchg64(word, seen, seen - take) == seen)
			return take;
	}
	return 0;
}

static void credit_give(const struct ms_task *task, u64 bytes)
{
	u64 *word = credit_word(task);

	if (bytes && word)
		ms_fetch_add64(word, bytes);
}

/* ---- records ---------------------------------------------------------------- */

static u64 debt(const struct memstate_totals *t)
{
	return t->inherited + t->breached;
}

/**
 * ms_charge_open() - nothing is charged for a task yet
 * @task:	the task
 * @group:	its group
 * @task_size:	length of its address space
 *
 * Context: any; nobody uses the task yet.
 */
void ms_charge_open(struct ms_task *task, struct ms_group *group, u64 task_size)
{
	ms_limits_init(&task->limit, &group->limit, NULL,
		       min(round_up(task_size, PAGE_SIZE), HELD_MAX) + credit_keep());
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
	trace_memstate_deny(task->pid, task->group->id, bytes, true);
}

static int charge_up(struct ms_task *task, u64 bytes, struct ms_terms *terms)
{
	u64 paid = round_down(min(terms->paid, bytes), PAGE_SIZE), held, backed;

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
	backed = ms_limits_charged(&task->limit) + debt(&task->totals);
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
	u64 keep = credit_keep(), seen;
	u64 *word = credit_word(task);

	/* A lie about what was paid gives nothing. */
	bytes = round_down(min(bytes, credit_real(task)), PAGE_SIZE);
	if (word && ms_limits_room(&task->limit)) {
		seen = READ_ONCE(*word);
		if (seen < keep) {
			u64 some = round_down(min(bytes, keep - seen), PAGE_SIZE);

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
	some = credit_take(task, credit_keep(), credit_real(task));
	ms_limits_uncharge(&task->limit, some);
	if (credit_word(task) && credit_real(task))
		ms_pending_mark(&task->pending, MS_PENDING_CREDIT);
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
	ms_limits_uncharge(&task->limit, ms_limits_charged(&task->limit));
}

/**
 * ms_charge_has_own() - has a task a limit of its own?
 * @task: the task
 *
 * Context: any. Return: true if it has.
 */
bool ms_charge_has_own(const struct ms_task *task)
{
	const struct ms_limit *own = &task->limit.core;

	return (READ_ONCE(own->high) & READ_ONCE(own->max)) != MEMSTATE_UNLIMITED;
}

/**
 * ms_charge_show() - show a task its limits and what pressure there is
 * @task: the task
 *
 * Context: any that may be preempted.
 */
void ms_charge_show(struct ms_task *task)
{
	struct ms_ring *ring;
	bool changed;
	u64 high, max;
	u32 pressure;

	/* Whoever comes last shows what is true then; and ms_task_strip() takes the ring. */
	spin_lock(&task->show);
	ring = ms_task_ring(task);
	ms_limit_lowest(&task->limit.core, &high, &max, &pressure);
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

/* Open a task's books; another's only if they are free, or soon. */
static int revoke_lock(struct ms_books *books, struct ms_task *task,
		       struct ms_terms *terms)
{
	int ret;

	if (ms_task_is_current(task))
		return ms_books_lock(books, task);
	while ((ret = ms_books_trylock(books, task)) == -EAGAIN &&
	       terms->waits < REVOKE_WAITS && !fatal_signal_pending(current)) {
		terms->waits++;
		usleep_range(REVOKE_WAIT_US, 2 * REVOKE_WAIT_US);
	}
	return ret;
}

/* What it has given up comes first. Another's work is bounded; what is in its word is not. */
static void revoke_drain(struct ms_books *books, struct ms_terms *terms)
{
	struct ms_drain drain = {};
	s32 before;

	if (ms_task_is_current(books->task)) {
		ms_books_drain(books, &drain);
		return;
	}
	before = min_t(s32, books->budget, REVOKE_WORK - terms->work);
	if (before <= 0)
		return;
	books->budget = before;
	ms_books_drain(books, &drain);
	terms->work += before - books->budget;
}

static bool revoke_pending(struct ms_pending_node *node, xa_mark_t mark)
{
	return credit_real(container_of(node, struct ms_task, pending));
}

/*
 * Take the unused credit of one task back. What its charge is more than it holds may be in
 * the hands of one of its threads, and come into the word later: so it is known to have
 * credit until that is nothing.
 */
static bool revoke_one(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_books books;
	bool some = false;

	/* Once the books have ended the ring may go at any moment. */
	if (!ms_task_ring(task) || revoke_lock(&books, task, terms))
		return false;
	if (!credit_word(task))
		goto out;
	revoke_drain(&books, terms);
	books.take = !ms_task_is_current(task);
	some = ms_charge_trim(task);
	ms_pending_take(&task->pending, MS_PENDING_CREDIT, NULL, revoke_pending);
out:
	ms_books_unlock(&books);
	return some;
}

/* Has it anything to give, as far as that is seen without its lock? */
static bool revoke_worth(struct ms_task *task)
{
	const u64 *word;
	bool some;

	rcu_read_lock();
	word = credit_word(task);
	some = word && (READ_ONCE(*word) >= PAGE_SIZE ||
			ms_task_stamp(task) != READ_ONCE(task->head) ||
			ms_unmaps_pending(&task->unmaps));
	rcu_read_unlock();
	return some;
}

/* It is idle: then the next who is refused need not look, if it rings. */
static void revoke_pass(struct ms_task *task)
{
	struct ms_books books;

	if (ms_books_trylock(&books, task))
		return;
	books.take = true;
	ms_books_unlock(&books);
}

/* Enough is enough: the others keep theirs. */
static bool revoke_enough(const struct ms_terms *terms)
{
	return ms_limits_room(terms->refused) >= terms->wanted;
}

/* From those below a group that are marked; true: there was something. */
static bool revoke_marked(struct ms_group *group, xa_mark_t mark,
			  struct ms_terms *terms)
{
	struct ms_pending_walk walk;
	struct ms_pending_node *node;
	bool some = false;

	ms_pending_begin(&walk, &group->pending, mark);
	while ((node = ms_pending_next(&walk))) {
		struct ms_task *task = container_of(node, struct ms_task, pending);

		if (revoke_worth(task))
			some |= revoke_one(task, terms);
		else if (mark == MS_PENDING_DRAIN)
			revoke_pass(task);
		ms_pending_put(node);
		if (fatal_signal_pending(current) || (some && revoke_enough(terms)))
			break;
		cond_resched();
	}
	ms_pending_end(&walk);
	return some;
}

/* Could it be granted if everybody gave up everything? Max may be written meanwhile. */
static bool revoke_may_do(const struct ms_terms *terms)
{
	u64 max = READ_ONCE(terms->refused->core.max);

	return max == MEMSTATE_UNLIMITED || terms->wanted <= max;
}

/**
 * ms_charge_revoke() - take unused credit back from whoever shares a limit
 * @task:	who wants it
 * @terms:	terms->refused: the limit
 *
 * Asked are those that may have something, by the marks that they have; where even all
 * of it would not do, nobody. Whose books are open for longer than one can wait for is passed
 * over (REVOKE_WAITS).
 *
 * Context: process; may sleep; no task's lock is held. Return: true if it is worth
 * another try.
 */
bool ms_charge_revoke(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_group *group = ms_limits_group(terms->refused);
	bool some;

	if (group && !terms->met)
		ms_group_event(group, MEMSTATE_EVENT_MAX);
	terms->met = true;
	if (!revoke_may_do(terms))
		return false;
	if (!group)
		return revoke_one(task, terms);
	/* Who has given memory up has more to give than who has credit. */
	some = revoke_marked(group, MS_PENDING_DRAIN, terms);
	if (!revoke_enough(terms))
		some |= revoke_marked(group, MS_PENDING_CREDIT, terms);
	return some || revoke_enough(terms);
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
	struct ms_group *group = ms_limits_group(terms->refused);

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
	struct ms_level *refused;
	u64 have;

	if (!credit_word(task) || ms_charge_has_own(task))
		return false;
	have = credit_take(task, 0, bytes);
	if (have == bytes)
		return true;
	if (ms_limits_charge(&task->limit, bytes - have + ms_param_credit_batch,
			     &refused)) {
		credit_give(task, ms_param_credit_batch);
		ms_pending_mark(&task->pending, MS_PENDING_CREDIT);
		trace_memstate_charge(task->pid, task->group->id, bytes,
				      ms_limits_charged(&task->limit));
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
			      ms_limits_charged(&task->limit));
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
	arg->room = ms_limits_room(terms->refused);
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

/*
 * Wait where it was refused, and try again, until it is granted, refused elsewhere, or
 * the time is over.
 */
static int request_wait(struct ms_task *task, const struct memstate_charge *arg,
			u64 *granted, struct ms_terms *terms, ktime_t end)
{
	struct ms_waiter waiter = {};
	int ret, last;

	do {
		last = ms_limits_wait(&waiter, terms->refused, terms->wanted, end);
		ret = last;
		/* Also when it is over: whatever the siblings have got together. */
		if (!last || last == -ETIME)
			ret = request_try(task, arg, granted, terms);
	} while (ret == -EDQUOT && !last);
	ms_limits_wait_end(&waiter);
	return ret;
}

/**
 * ms_charge_request() - what CHARGE does
 * @task:	the task, the caller's
 * @arg:	the request, its flags and alignment checked
 *
 * Context: process; may sleep.
 * Return: 0; -EDQUOT; -ENOSPC: so many wait at that limit that it was not waited for;
 * -ERESTARTNOHAND: a signal, or other work on the way to userspace, and arg->timeout_ns
 * is what is left; -EINVAL: with RANGE, beyond the address space; -ENXIO: no ring with
 * credit; -EINTR: killed; -ESRCH.
 */
int ms_charge_request(struct ms_task *task, struct memstate_charge *arg)
{
	struct ms_terms terms = { .refused = &task->limit };
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
	if (ret == -EDQUOT && (arg->flags & MEMSTATE_CHARGE_WAIT))
		ret = request_wait(task, arg, &granted, &terms, end);
	if (ret == -EDQUOT || ret == -ENOSPC)
		request_denied(task, arg, &terms);
	if (ret == -ERESTARTNOHAND)
		arg->timeout_ns = max_t(s64, ktime_to_ns(ktime_sub(end, ktime_get())),
					0);
	if (!ret)
		arg->bytes = granted;
	return ret;
}
