/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Growth of an address space that reports nothing: granted, or refused.
 *
 * Model
 *
 *   What a growth asks for is charged before it happens (core/observe.h), to its group and all
 *   above, and all of it to what may be committed (commit.h). A limit that is in the way
 *   refuses after others below it have been looked at.
 *
 *   mprotect asks for the same twice (hooks.h). What has refused it is kept in between, so that
 *   one request is one refusal.
 *
 * Locking
 *
 *   mmap_lock           write, the kernel's
 *     observed->lock    see observed.h
 *       above_max       spinlock: one at a time is charged above max
 *
 * Races
 *
 *   Two who grow at once where overcommit or the room for new images lets them pass max take
 *   turns; those who do not need that never pass it.
 */
#ifndef MS_GROW_H
#define MS_GROW_H

#include <linux/types.h>

struct mm_struct;
struct ms_group;
struct ms_growth;
struct ms_observed;

bool ms_grow(struct ms_observed *o, struct ms_growth *g, bool twice);
bool ms_grow_refused(struct ms_observed *o);
bool ms_grow_child(struct mm_struct *mm, struct ms_group *group);

#endif /* MS_GROW_H */
