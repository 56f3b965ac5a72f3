/* SPDX-License-Identifier: GPL-2.0-only */
/* What is mapped in an address space. */
#ifndef MS_MAPPINGS_H
#define MS_MAPPINGS_H

#include <linux/types.h>

struct memstate_range;
struct mm_struct;
struct mmu_notifier_range;

/**
 * struct ms_gap - a stretch without a mapping
 * @start:	first byte
 * @end:	one past the last byte
 */
struct ms_gap {
	u64 start;
	u64 end;
};

u32 ms_mappings_gaps(struct mm_struct *mm, u64 *addr, u64 end, struct ms_gap *gaps,
		     u32 nr, s32 *budget);
int ms_mappings_reserved(struct mm_struct *mm, u64 *bytes);
int ms_mappings_ranges(struct mm_struct *mm, u64 *cursor, struct memstate_range *ranges, u32 nr);
int ms_mappings_wait(struct mm_struct *mm);
bool ms_mappings_stay(const struct mmu_notifier_range *range);

#endif /* MS_MAPPINGS_H */
