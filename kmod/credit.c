// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/math.h>

#include "credit.h"
#include "params.h"
#include "task.h"

/* Batches of credit that a drain leaves in the word. */
#define CREDIT_KEEP	2

/* How often the shared word is tried when userspace keeps changing it. */
#define CREDIT_TRIES	64

/**
 * ms_credit_word() - where a task's credit stands
 * @task: the task, whose ring may be looked at
 *
 * Context: any. Return: the word, shared and hostile; NULL: it does not keep to the protocol.
 */
u64 *ms_credit_word(const struct ms_task *task)
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
u64 ms_credit_keep(void)
{
	return CREDIT_KEEP * (u64)ms_param_credit_batch;
}

/**
 * ms_credit_real() - what is charged and not held, by our own books
 * @task: the task
 *
 * Context: lock held, or a guess. Return: bytes.
 */
u64 ms_credit_real(const struct ms_task *task)
{
	const struct memstate_totals *t = &task->totals;
	u64 backed = ms_limits_charged(&task->limit) + t->inherited + t->breached;

	return backed > t->ready_direct ? backed - t->ready_direct : 0;
}

/**
 * ms_credit_take() - take whole pages from the word
 * @task:	the task, whose ring may be looked at
 * @keep:	until this is left
 * @most:	no more than this
 *
 * Context: any; does not sleep. Return: bytes that were taken.
 */
u64 ms_credit_take(const struct ms_task *task, u64 keep, u64 most)
{
	u64 *word = ms_credit_word(task);
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

/**
 * ms_credit_give() - put bytes into the word
 * @task:	the task, whose ring may be looked at
 * @bytes:	how much
 *
 * Context: any.
 */
void ms_credit_give(const struct ms_task *task, u64 bytes)
{
	u64 *word = ms_credit_word(task);

	if (bytes && word)
		ms_fetch_add64(word, bytes);
}
