/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits in force: the one small interface that everything is charged through.
 *
 * Model
 *
 *   The tree (core/limit.h) has the tasks at its leaves and the groups above them.
 *   What happens at a limit, an event, is counted at its group and at those above,
 *   and tasks below learn of it by the pressure word in their shared page; a
 *   worker does the telling. Who waits for room does so at the limit that has
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

struct ms_group;

/**
 * struct ms_level - a limit in force
 * @core:	see core/limit.h; its owner is the group, NULL: it is a task's own
 * @waiters:	who waits for room in it
 * @readers:	one at a time has to do with its readers' peaks
 */
struct ms_level {
	struct ms_limit core;
	struct ms_waiters waiters;
	struct mutex readers;
};

void ms_limits_init(struct ms_level *l, struct ms_level *parent,
		    struct ms_group *group, u64 bound);
bool ms_limits_charge(struct ms_level *l, u64 bytes, struct ms_level **refused);
u64 ms_limits_charge_some(struct ms_level *l, u64 bytes);
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

/**
 * ms_limits_group() - whose limit it is
 * @l: the level, or NULL
 *
 * Context: any. Return: the group; NULL: a task's own.
 */
static inline struct ms_group *ms_limits_group(const struct ms_level *l)
{
	return l ? l->core.owner : NULL;
}

#endif /* MS_LIMITS_H */
