/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The credit word of a task, in its ring: what has been charged for it in advance.
 *
 * Races
 *
 *   It is moved from both sides, and nothing in it is believed: see charge.h.
 */
#ifndef MS_CREDIT_H
#define MS_CREDIT_H

#include <linux/types.h>

struct ms_task;

u64 *ms_credit_word(const struct ms_task *task);
u64 ms_credit_keep(void);
u64 ms_credit_real(const struct ms_task *task);
u64 ms_credit_take(const struct ms_task *task, u64 keep, u64 most);
void ms_credit_give(const struct ms_task *task, u64 bytes);

#endif /* MS_CREDIT_H */
