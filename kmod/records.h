/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records that a task hands over: applied after those in its ring, at once, and refused
 * where a limit does not allow them. Credit is taken back from others first.
 */
#ifndef MS_RECORDS_H
#define MS_RECORDS_H

#include "charge.h"

struct memstate_record;

int ms_records_apply(struct ms_task *task, const struct memstate_record *records,
		     u32 nr, u32 *done, struct ms_terms *terms);
int ms_records_try(struct ms_task *task, const struct memstate_record *record,
		   struct ms_terms *terms);

#endif /* MS_RECORDS_H */
