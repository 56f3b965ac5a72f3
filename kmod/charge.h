/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The charge of one task: what its memory costs, and its debts.
 *
 * Model
 *
 *   task->limit.charged is what the task's groups have been charged for it. Of that,
 *   what the books do not show as held is *credit*: it stands in the shared credit
 *   word, or is on its way from there to a record. Nothing in that word is believed:
 *   more than charged less held is never taken back, and what a record makes held
 *   beyond the charge is a *breach*: charged as far as there is room, the rest a
 *   debt that is paid as soon as there is. What a child has inherited and does not
 *   fit is a debt, too, and is only paid by giving memory up.
 *
 *   held = ready_direct of the books
 *   held <= charged + inherited + breached, and the difference is credit
 *
 * Locking
 *
 *   task->lock, but for the functions that say otherwise. limit.charged may rise
 *   without it, while the task itself charges: then there is more credit than was
 *   seen, never less.
 */
#ifndef MS_CHARGE_H
#define MS_CHARGE_H

#include "limits.h"

struct ms_group;
struct ms_task;

/**
 * struct ms_terms - on what terms records are applied
 * @paid:	bytes that were taken from credit for them and not used yet
 * @strict:	what is neither paid nor fits under a limit is refused
 * @hold:	what is given up is added to @paid
 * @inherited:	what does not fit was there before a fork
 * @met:	its group has been told of that: one request, one event
 * @refused:	the limit that refused
 * @refused_by:	its cgroup id, 0: the task's own
 * @wanted:	bytes that were refused
 * @waits:	how often others' books have been waited for
 * @work:	steps of draining others that have been done
 */
struct ms_terms {
	u64 paid;
	bool strict;
	bool hold;
	bool inherited;
	bool met;
	struct ms_level *refused;
	u64 refused_by;
	u64 wanted;
	u32 waits;
	s32 work;
};

void ms_charge_open(struct ms_task *task, struct ms_group *group, u64 task_size);
int ms_charge_record(struct ms_task *task, s64 delta, struct ms_terms *terms);
void ms_charge_back(struct ms_task *task, u64 bytes);
void ms_charge_settle(struct ms_task *task);
u64 ms_charge_trim(struct ms_task *task);
void ms_charge_close(struct ms_task *task);
void ms_charge_show(struct ms_task *task);
void ms_charge_tell(struct ms_group *group);
bool ms_charge_has_own(const struct ms_task *task);

void ms_charge_denied(struct ms_task *task, struct ms_terms *terms);

#endif /* MS_CHARGE_H */
