/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: which state and class each range of a task's address space has.
 *
 * Model
 *
 *   A maple tree from address to entry (core/rules.h); None is absent. Ranges
 *   of equal entry that touch are one range. A change is looked at by walking what
 *   it covers, prepared for by asking for memory, and only then committed, which
 *   cannot fail: it is applied whole or not at all.
 *
 * Locking
 *
 *   The owner's mutex, given to ms_ledger_init(); it serves as the tree's lock.
 */
#ifndef MS_LEDGER_H
#define MS_LEDGER_H

#include <linux/maple_tree.h>
#include <linux/mutex.h>

#include "core/rules.h"

struct ms_ballast;

/**
 * struct ms_ledger - the ranges of one task
 * @tree:	entries by address
 * @lock:	the owner's
 * @nr_ranges:	how many there are
 * @nr_ballast:	how many pieces of ballast
 * @ballast:	memory that is charged in place of the tree's
 */
struct ms_ledger {
	struct maple_tree tree;
	struct mutex *lock;
	u32 nr_ranges;
	u32 nr_ballast;
	struct ms_ballast *ballast;
};

/**
 * struct ms_effect - what a change did, or would have done
 * @totals:	deltas of bytes and lazy bytes; they wrap, and add up
 * @charged:	delta of Ready + lazy bytes, counted apart from @totals
 * @ranges:	delta of the number of ranges
 * @steps:	ranges and gaps that were looked at: the work it took
 * @drift:	*from* disagreed with some of it
 * @changed:	something is different now
 */
struct ms_effect {
	struct memstate_totals totals;
	s64 charged;
	s32 ranges;
	u32 steps;
	bool drift;
	bool changed;
};

/**
 * struct ms_plan - a change, seen against what the ledger holds
 * @chg:	the change
 * @eff:	what it will do
 * @left:	entry of the range that reaches to the byte before the change
 * @left_start:	where that one begins
 * @right:	entry of the range that holds the byte behind the change
 * @right_end:	where that one ends
 * @before:	ranges that overlap or touch the change
 * @after:	ranges that will be there in their stead
 * @last:	entry of the piece before, as it will be
 */
struct ms_plan {
	const struct ms_change *chg;
	struct ms_effect *eff;
	ms_entry_t left;
	u64 left_start;
	ms_entry_t right;
	u64 right_end;
	s32 before;
	s32 after;
	ms_entry_t last;
};

void ms_ledger_init(struct ms_ledger *l, struct mutex *lock);
void ms_ledger_destroy(struct ms_ledger *l);
void ms_ledger_look(struct ms_ledger *l, const struct ms_change *chg,
		    struct ms_plan *p, struct ms_effect *eff);
int ms_ledger_prepare(struct ms_ledger *l, const struct ms_plan *p, u32 ranges_max);
void ms_ledger_commit(struct ms_ledger *l, struct ms_plan *p);
bool ms_ledger_next(struct ms_ledger *l, u64 addr, struct memstate_range *range);

#endif /* MS_LEDGER_H */
