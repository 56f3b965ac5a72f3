/* SPDX-License-Identifier: GPL-2.0-only */
/* Where ledger and mappings differ. */
#ifndef MS_AUDIT_H
#define MS_AUDIT_H

#include "task.h"

/**
 * struct ms_gap - a stretch without a mapping
 * @start:	first byte
 * @end:	one past the last byte
 */
struct ms_gap {
	u64 start;
	u64 end;
};

u32 ms_audit_gaps(struct mm_struct *mm, u64 *addr, u64 end, struct ms_gap *gaps,
		  u32 nr);
int ms_audit(struct ms_task *task, struct memstate_audit *audit,
	     struct memstate_finding *findings);

#endif /* MS_AUDIT_H */
