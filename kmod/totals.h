/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books of a group: the sum over all tasks in it and below it, twice.
 *
 * Model
 *
 *   Consistent: per-CPU statistics (core/stats.h), to which a drain adds what it
 *   did in one write to each group from the task's up to the root. Direct: one
 *   atomic word of bytes that are Ready or lazy. They are fed by different code and
 *   are equal at rest. Reading costs the same whatever the number of tasks.
 *
 * Locking
 *
 *   Readers of the consistent ones take turns by a spinlock of their own: whoever has it
 *   cannot be kept from running, as a cgroup with little of a processor could do.
 */
#ifndef MS_TOTALS_H
#define MS_TOTALS_H

#include <linux/atomic.h>
#include <linux/memstate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/stats.h"

/**
 * struct ms_totals - the books of a group
 * @lock:	one reader at a time
 * @stats:	the consistent ones
 * @direct:	Ready and lazy bytes
 * @peak:	the most that was
 */
struct ms_totals {
	spinlock_t lock;
	struct ms_stats stats;
	atomic64_t direct;
	atomic64_t peak;
};

int ms_totals_init(struct ms_totals *t);
void ms_totals_exit(struct ms_totals *t);
void ms_totals_add(struct ms_totals *t, const struct memstate_totals *delta);
void ms_totals_read(struct ms_totals *t, struct memstate_totals *totals);

#endif /* MS_TOTALS_H */
