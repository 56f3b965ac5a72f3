/* SPDX-License-Identifier: MIT */
/*
 * Ageing and dropping: dirty runs become clean.
 *
 * Model
 *
 *   Dirty runs stand in order of age. Once older than the decay time they become clean, in one go
 *   for all that are, by whoever next takes or gives a run; at once under pressure.
 *
 * Locking
 *
 *   Who drops takes runs out of the lists, and drops them without the arena's lock, holding a
 *   lock of its own before that.
 */
#ifndef MS_MALLOC_DROP_H
#define MS_MALLOC_DROP_H

#include "runs.h"

/* Drop what has been free for long, or all of it. Return: bytes that became Prepared. */
MS_HIDDEN size_t ms_drop(bool all);
/* The same, but left to who is at it already, if somebody is. */
MS_HIDDEN void ms_drop_try(bool all);

MS_HIDDEN bool ms_drop_tick(void);
MS_HIDDEN bool ms_drop_at_once(void);
MS_HIDDEN int64_t ms_drop_due(void);

/* Slices that were dropped since the last call: they are idle no longer. */
MS_HIDDEN uint64_t ms_drop_slices(void);

/**
 * struct ms_drop_figures - for the statistics
 * @bytes:	ever dropped
 * @runs:	that were
 */
struct ms_drop_figures {
	uint64_t bytes;
	uint64_t runs;
};

/* With the arena's lock. */
extern MS_HIDDEN struct ms_drop_figures ms_drop_sums;

/*
 * 1: somebody sleeps until there is something to drop.
 *
 * It says so, and then looks for work under the arena's lock; who gives does that under the lock,
 * and then looks whether it sleeps (ms_drop_news()). Whoever has the lock second sees what the
 * other has written. Settings are written before the exchange in ms_drop_wake() and read after
 * that by who has slept.
 */
extern MS_HIDDEN uint32_t ms_drop_asleep;
MS_HIDDEN void ms_drop_wake(void);

/* Something has become free. */
static inline void ms_drop_news(void)
{
	if (MS_UNLIKELY(__atomic_load_n(&ms_drop_asleep, __ATOMIC_RELAXED)))
		ms_drop_wake();
}

MS_HIDDEN void ms_drop_fork_prepare(void);
MS_HIDDEN void ms_drop_fork_done(void);

#endif /* MS_MALLOC_DROP_H */
