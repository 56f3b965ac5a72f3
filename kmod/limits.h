/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits in force: the one small interface that everything is charged through.
 *
 * Model
 *
 *   The tree (core/limit.h) has the tasks at its leaves and the groups above them.
 *   What happens at a limit, an event, is counted at its group and at those above,
 *   and tasks below learn of it by the pressure word in their shared page; a
 *   worker does the telling.
 *
 *   A kernel whose own controller takes regions from modules (dmem) could stand
 *   behind these functions instead.
 *
 * Locking
 *
 *   ms_limits_lock, a spinlock, innermost. Nothing is allocated under it, and only
 *   work is queued.
 */
#ifndef MS_LIMITS_H
#define MS_LIMITS_H

#include <linux/wait.h>

#include "core/limit.h"

struct ms_group;
struct ms_task;

/* Who waits for room. */
extern wait_queue_head_t ms_limits_waiters;

bool ms_limits_charge(struct ms_limit *l, u64 bytes, struct ms_limit **refused);
u64 ms_limits_charge_some(struct ms_limit *l, u64 bytes);
void ms_limits_uncharge(struct ms_limit *l, u64 bytes);
void ms_limits_set(struct ms_limit *l, u32 set, u64 high, u64 max);
void ms_limits_read(struct ms_limit *l, struct ms_peak *peak, bool reset,
		    struct memstate_limit *out);
void ms_limits_peak_end(struct ms_peak *peak);

#endif /* MS_LIMITS_H */
