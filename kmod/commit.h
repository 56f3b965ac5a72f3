/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What address spaces could write to without asking again, counted, and never above commit_max.
 *
 * Model
 *
 *   Each group has a second level (limits.h), against which each observed space is charged
 *   its data_vm, reported or not. A growth is charged before it happens, all or none, at each
 *   level above; what has gone is given back at a look. So at any time
 *
 *     data_vm of a space  <=  what it is charged
 *
 *   and where a level has a commit_max the sum of what is charged there never passes it. A child
 *   is charged its copy before anybody sees it; its parent's fork fails where that does not
 *   fit. Above it stands only what was there before: attached, moved in, or a commit_max set
 *   below what is charged. Then nothing more is granted until enough has been given back.
 *
 *   Where there is a commit_max, what is in nobody's count is refused: mappings that grow down,
 *   which the kernel takes for stacks, and address spaces for which there is no memory to
 *   know them.
 *
 * Locking
 *
 *   mmap_lock           so that data_vm does not rise: the grower's own, for writing; or
 *                       read, tried only, of who looks
 *     observed->lock    what a space is charged
 *
 * Races
 *
 *   Of one space no more than 2 TiB (MS_COMMIT_MOST) are counted.
 *   mremap that moves is in data_vm twice for a moment, under its mmap_lock, while nothing can
 *   be written in either place. Only the new is charged.
 */
#ifndef MS_COMMIT_H
#define MS_COMMIT_H

#include <linux/minmax.h>
#include <linux/types.h>

#include "core/observe.h"

struct ms_group;
struct ms_observed;

/* What one space is charged at the most, so that the sum of 2^22 of them is below 2^64. */
#define MS_COMMIT_MOST		MS_PENDING_MOST

/**
 * ms_commit_of() - what a space is charged
 * @bytes: what it could write to
 *
 * Context: any. Return: that, or the most that there is.
 */
static inline u64 ms_commit_of(u64 bytes)
{
	return min(bytes, MS_COMMIT_MOST);
}

bool ms_commit_limited(const struct ms_group *group);
struct ms_group *ms_commit_charge(struct ms_group *group, u64 bytes);
struct ms_group *ms_commit_grow(struct ms_observed *o, const struct ms_growth *g);
void ms_commit_settle(struct ms_observed *o);
void ms_commit_force(struct ms_observed *o, u64 bytes);
void ms_commit_end(struct ms_observed *o);

#endif /* MS_COMMIT_H */
