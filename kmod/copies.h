/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was copied by writing after a fork.
 *
 * Model
 *
 *   A child shares its parent's memory, and is charged for what it has beside. Where one of
 *   them writes, one page becomes two, and no counter of either says so. The kernel's own
 *   controller counts each page once, whoever has mapped it: what it has as anonymous for the
 *   group's cgroup, beyond what is charged and less what is shared memory, are copies; no more
 *   than was inherited. It is a second figure, not a charge: it goes when the pages go, and
 *   a growth is refused that would not fit with it.
 *
 *   Read are the lengths of the controller's lists, which are exact but for some pages on their
 *   way to them. Where the controller is not enabled for the cgroup itself, nothing is known.
 *
 *   Memory that is just being freed is not charged any more, and still on these lists. So
 *   where much went in the last moments the lower of two figures counts.
 *
 * Locking
 *
 *   RCU, under which cgroups are gone through.
 */
#ifndef MS_COPIES_H
#define MS_COPIES_H

#include <linux/types.h>

struct ms_group;
struct mm_struct;

u64 ms_copies_most(const struct ms_group *group);
u64 ms_copies(struct ms_group *group, const struct mm_struct *mm, u64 backed);

#endif /* MS_COPIES_H */
