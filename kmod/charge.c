// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bits.h>
#include <linux/math.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "charge.h"
#include "credit.h"
#include "group.h"
#include "refusal.h"
#include "task.h"
#include "trace.h"

/*
 * No task is charged more than this for what it holds, whatever its address space: so
 * the charges of 2^16 tasks, with their credit, add up in 64 bits.
 */
#define HELD_MAX	BIT_ULL(47)

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
		       min(round_up(task_size, PAGE_SIZE), HELD_MAX) + ms_credit_keep());
}

/* Bytes that are held although nobody has paid for them. */
static void charge_breach(struct ms_task *task, u64 bytes)
{
	bytes -= ms_limits_charge_some(&task->limit, bytes);
	if (!bytes)
		return;
	ms_task_count(task, breached, bytes);
	ms_task_count(task, breaches, 1);
	ms_task_event(task);
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

			ms_task_count(task, inherited, bytes - some);
		}
	}
	terms->paid -= paid;
	ms_task_count(task, ready_direct, paid + bytes);

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

	ms_task_count(task, ready_direct, -bytes);
	owed = min(bytes, task->totals.breached);
	ms_task_count(task, breached, -owed);
	bytes -= owed;
	owed = min(bytes, task->totals.inherited);
	ms_task_count(task, inherited, -owed);
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
	u64 keep = ms_credit_keep(), seen;
	u64 *word = ms_credit_word(task);

	/* A lie about what was paid gives nothing. */
	bytes = round_down(min(bytes, ms_credit_real(task)), PAGE_SIZE);
	if (word && ms_limits_room(&task->limit)) {
		seen = READ_ONCE(*word);
		if (seen < keep) {
			u64 some = round_down(min(bytes, keep - seen), PAGE_SIZE);

			ms_credit_give(task, some);
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
		some = min(task->totals.breached, ms_credit_real(task));
		/* What it was given since pays first. */
		some += ms_limits_charge_some(&task->limit,
					      task->totals.breached - some);
		ms_task_count(task, breached, -some);
	}
	some = ms_credit_take(task, ms_credit_keep(), ms_credit_real(task));
	ms_limits_uncharge(&task->limit, some);
	if (ms_credit_word(task) && ms_credit_real(task))
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
	u64 bytes = ms_credit_take(task, 0, ms_credit_real(task));

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
		ms_task_event(task);
		wake_up_interruptible_all(&task->wait);
	}
}

/**
 * ms_charge_tell() - show all tasks of a group their limits and what pressure there is
 * @group: tasks in it and below it
 *
 * Context: process; may sleep.
 */
void ms_charge_tell(struct ms_group *group)
{
	struct ms_pending_walk walk;
	struct ms_pending_node *node;

	ms_pending_begin(&walk, &group->pending, MS_PENDING_ALL);
	while ((node = ms_pending_next(&walk))) {
		ms_charge_show(ms_task_of(node));
		ms_pending_put(node);
		cond_resched();
	}
	ms_pending_end(&walk);
}

/**
 * ms_charge_denied() - a charge has been refused for good
 * @task:	whose: the caller's
 * @terms:	terms->refused, terms->wanted; refused_by is set
 *
 * Context: lock held.
 */
void ms_charge_denied(struct ms_task *task, struct ms_terms *terms)
{
	struct ms_group *group = ms_group_of_level(terms->refused);

	terms->refused_by = group ? group->id : 0;
	ms_task_count(task, denied, 1);
	ms_task_event(task);
	if (group) {
		rcu_read_lock();
		ms_refusal(task->group, group, terms->wanted, MEMSTATE_REFUSED_CHARGE);
		rcu_read_unlock();
	}
	trace_memstate_deny(task->pid, terms->refused_by, terms->wanted, false);
}
