/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The comparison of ledger and mappings, where unmappings could not be kept.
 *
 * Model
 *
 *   Two things can happen to an unmapping: the queue is full (unmap.h), or what it
 *   leaves would be more ranges than a ledger may have. Either way the ledger holds
 *   what has no mapping any more, until it is compared: from the beginning after the
 *   first, after the second from the lowest address that was refused, when there is
 *   room for a range again. Each finds room for one refusal at least, or frees none
 *   and waits again.
 *
 *   It goes as far as the budget of a pass, and on from there in the next. What is
 *   unmapped behind it meanwhile is queued like everything else.
 *
 *   Nobody waits for the mmap lock with the books open: it is tried. The task itself
 *   lets go of its books and waits; others leave it to the next who comes.
 *
 * Locking
 *
 *   task->lock.
 */
#ifndef MS_RESYNC_H
#define MS_RESYNC_H

#include <linux/types.h>

struct ms_books;

/* Nothing was refused. */
#define MS_RESYNC_NONE	(~0ULL)

/**
 * struct ms_resync - how far a task's comparison has come
 * @running:	there is one to go on with
 * @again:	it is for what was refused, and counted, before
 * @pos:	all below has been compared
 * @refused:	lowest address of what was refused since it began, or MS_RESYNC_NONE
 */
struct ms_resync {
	bool running;
	bool again;
	u64 pos;
	u64 refused;
};

/**
 * ms_resync_idle() - is nothing to be compared, now or when there is room?
 * @r: the task's
 *
 * Context: lock held. Return: true if nothing is.
 */
static inline bool ms_resync_idle(const struct ms_resync *r)
{
	return !r->running && r->refused == MS_RESYNC_NONE;
}

void ms_resync_init(struct ms_resync *r);
void ms_resync_begin(struct ms_resync *r);
int ms_resync_run(struct ms_books *books);

#endif /* MS_RESYNC_H */
