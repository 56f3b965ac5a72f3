/* SPDX-License-Identifier: MIT */
/*
 * The embedded back end's ledger: a sorted array of ranges.
 *
 * The kernel's is a maple tree. Both must give the same ranges for the same
 * records, byte for byte; each is the other's oracle in the tests, so they share
 * the rules (core/rules.h) and nothing else.
 */
#ifndef MS_RANGEMAP_H
#define MS_RANGEMAP_H

#include "rules.h"

struct ms_rangemap_entry {
	u64 start;
	u64 end;
	ms_entry_t entry;
};

/**
 * struct ms_rangemap - ranges in order of addresses; neighbours that touch differ
 * @ranges:	the array, in memory of its own from mmap
 * @nr:		ranges in use
 * @room:	ranges that fit
 * @max:	ranges that there may be
 */
struct ms_rangemap {
	struct ms_rangemap_entry *ranges;
	u32 nr;
	u32 room;
	u32 max;
};

int ms_rangemap_init(struct ms_rangemap *m, u32 max_ranges);
void ms_rangemap_destroy(struct ms_rangemap *m);
int ms_rangemap_copy(struct ms_rangemap *dst, const struct ms_rangemap *src);
int ms_rangemap_apply(struct ms_rangemap *m, const struct ms_change *chg,
		      struct memstate_totals *t);
u64 ms_rangemap_need(const struct ms_rangemap *m, u64 start, u64 bytes);
const struct ms_rangemap_entry *ms_rangemap_next(const struct ms_rangemap *m,
						 u64 addr);
void ms_rangemap_range(const struct ms_rangemap_entry *e,
		       struct memstate_range *range);

/* Tests make the n-th growth of any map fail; 0: none. */
extern u32 ms_rangemap_fail_nth;

#endif /* MS_RANGEMAP_H */
