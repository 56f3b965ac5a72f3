// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/math.h>

#include "credit.h"
#include "task.h"

/* How often the shared word is tried when userspace keeps changing it. */
#define CREDIT_TRIES	64

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
		atomic64_add(bytes, (atomic64_t *)word);
}
