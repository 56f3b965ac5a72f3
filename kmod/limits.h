/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits in force: the one small interface that everything is charged through.
 *
 * Model
 *
 *   The tree (core/limit.h) has the tasks at its leaves and the groups above them.
 *   What happens at a limit, an event, is counted at its group and at those above,
 *   and tasks below learn of it by the pressure word in their shared page; a
 *   worker does the telling. A limit does not know whose it is: it calls back (@ops).
 *   Who waits for room does so at the limit that has
 *   refused him (waiters.h).
 *
 *   A kernel whose own controller takes regions from modules (dmem) could stand
 *   behind these functions instead.
 *
 * Locking
 *
 *   level->readers     mutex: readers of peaks of this limit take turns
 *   level->waiters.lock
 *
 *   A charge takes none. It is tried without being preempted, and again while it
 *   depends on what others are about to do (LIMITS_TRIES).
 */
#ifndef MS_LIMITS_H
#define MS_LIMITS_H

#include <linux/mutex.h>

#include "core/limit.h"
#include "waiters.h"

struct ms_level;

/**
 * struct ms_level_ops - what is done where a limit notices something
 * @pressed:	its pressure was @before and is @now
 * @set:	other limits are in force
 */
struct ms_level_ops {
	void (*pressed)(struct ms_level *l, u32 before, u32 now);
	void (*set)(struct ms_level *l);
};

/**
 * struct ms_level - a limit in force
 * @core:	see core/limit.h
 * @ops:	of whoever has it; NULL: nobody is told
 * @waiters:	who waits for room in it
 * @readers:	one at a time has to do with its readers' peaks
 */
struct ms_level {
	struct ms_limit core;
	const struct ms_level_ops *ops;
	struct ms_waiters waiters;
	struct mutex readers;
};

void ms_limits_init(struct ms_level *l, struct ms_level *parent,
		    const struct ms_level_ops *ops, u64 bound);
bool ms_limits_charge(struct ms_level *l, u64 bytes, struct ms_level **refused);
u64 ms_limits_charge_some(struct ms_level *l, u64 bytes);
void ms_limits_force(struct ms_level *l, u64 bytes);
void ms_limits_uncharge(struct ms_level *l, u64 bytes);
void ms_limits_set(struct ms_level *l, u32 set, u64 high, u64 max);
bool ms_limits_lower(struct ms_level *l, u32 set, u64 high, u64 max);
void ms_limits_read(struct ms_level *l, struct ms_peak *peak, bool reset,
		    struct memstate_limit *out);
void ms_limits_peak_end(struct ms_peak *peak);
int ms_limits_wait(struct ms_waiter *w, struct ms_level *l, u64 wanted, ktime_t end);
void ms_limits_wait_end(struct ms_waiter *w);

/**
 * ms_level_of() - the level of a limit
 * @l: the limit
 *
 * Context: any. Return: what it is part of.
 */
static inline struct ms_level *ms_level_of(struct ms_limit *l)
{
	return container_of(l, struct ms_level, core);
}

/**
 * ms_limits_charged() - what is charged
 * @l: the level
 *
 * Context: any. Return: bytes.
 */
static inline u64 ms_limits_charged(const struct ms_level *l)
{
	return ms_limit_charged(&l->core);
}

/**
 * ms_limits_room() - what could be charged
 * @l: the level
 *
 * Context: any; a guess. Return: bytes, or MEMSTATE_UNLIMITED.
 */
static inline u64 ms_limits_room(const struct ms_level *l)
{
	return ms_limit_room(&l->core);
}

#endif /* MS_LIMITS_H */
