/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The drain: takes records from the ring in order, and unmappings at their place between
 * them. And who reads: a task's totals, a group's.
 *
 * Model
 *
 *   Nothing in the shared pages is believed. Our position is private; a record is loaded
 *   once, copied, checked, then used. A pass is bounded by the work it does, not by what
 *   userspace says.
 *
 * Locking
 *
 *   task->lock: see books.h.
 */
#ifndef MS_DRAIN_H
#define MS_DRAIN_H

#include "books.h"

/**
 * struct ms_drain - what became of a drain
 * @drained:	records taken
 * @rejected:	of these, records that were not applied
 * @error:	errno (positive) of the first of these, or 0
 * @error_pos:	its position
 */
struct ms_drain {
	u32 drained;
	u32 rejected;
	u32 error;
	u32 error_pos;
};

int ms_books_drain(struct ms_books *books, struct ms_drain *drain);
int ms_books_begin(struct ms_books *books, struct ms_task *task);
int ms_drain_unmaps(struct ms_books *books, bool force);
int ms_drain_own(struct ms_task *task, struct ms_drain *drain);
int ms_drain_totals(struct ms_task *task, struct memstate_totals *totals,
		    bool last, bool nowait);
bool ms_drain_group(struct ms_group *group);

#endif /* MS_DRAIN_H */
