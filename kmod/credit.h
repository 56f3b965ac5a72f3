/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The credit word of a task, in its ring: what has been charged for it in advance.
 *
 * Races
 *
 *   It is moved from both sides, and nothing in it is believed: see charge.h.
 */
#ifndef MS_CREDIT_H
#define MS_CREDIT_H

#include "params.h"
#include "task.h"

/* Batches of credit that a drain leaves in the word. */
#define MS_CREDIT_KEEP	2

u64 ms_credit_take(const struct ms_task *task, u64 keep, u64 most);
void ms_credit_give(const struct ms_task *task, u64 bytes);

/**
 * ms_credit_word() - where a task's credit stands
 * @task: the task, whose ring may be looked at
 *
 * Context: any. Return: the word, shared and hostile; NULL: it does not keep to the protocol.
 */
static inline u64 *ms_credit_word(const struct ms_task *task)
{
	struct ms_ring *ring = ms_task_ring(task);

	return ring && (ring->flags & MEMSTATE_SETUP_CREDIT) ?
		       &ring->control->credit : NULL;
}

/**
 * ms_credit_keep() - what a drain leaves in the word
 *
 * Context: any. Return: bytes.
 */
static inline u64 ms_credit_keep(void)
{
	return MS_CREDIT_KEEP * (u64)ms_param_credit_batch;
}

/**
 * ms_credit_real() - what is charged and not held, by our own books
 * @task: the task
 *
 * Context: lock held, or a guess. Return: bytes.
 */
static inline u64 ms_credit_real(const struct ms_task *task)
{
	const struct memstate_totals *t = &task->totals;
	u64 backed = ms_limits_charged(&task->limit) + t->inherited + t->breached;

	return backed > t->ready_direct ? backed - t->ready_direct : 0;
}

#endif /* MS_CREDIT_H */
