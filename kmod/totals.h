/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system's books: the sum over all tasks, twice.
 *
 * Model
 *
 *   Consistent: per-CPU statistics (core/stats.h), to which a drain adds what it
 *   did in one write. Direct: one atomic word of charged bytes, moved at each
 *   record. They are fed by different code and are equal at rest.
 *
 * Locking
 *
 *   Readers of the consistent ones take turns by a mutex of their own.
 */
#ifndef MS_TOTALS_H
#define MS_TOTALS_H

#include <linux/memstate.h>
#include <linux/types.h>

int ms_totals_init(void);
void ms_totals_exit(void);
void ms_totals_add(const struct memstate_totals *delta);
void ms_totals_charge(s64 bytes);
void ms_totals_read(struct memstate_totals *totals);

#endif /* MS_TOTALS_H */
