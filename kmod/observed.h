/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address spaces that report nothing, and the groups that they are in.
 *
 * Model
 *
 *   A group is observed from OBSERVE on, and all below it are. Each address space there is
 *   known by a small object, found by its mm: made when it is born by fork, when a new image
 *   maps its first, when its process comes from another cgroup, or when observing begins. It
 *   belongs to its cgroup's group, or to the nearest one above that there is. Its state is
 *   core/observe.h's; what that charges is charged to the group, and what was seen too late
 *   is charged all the same.
 *
 *   There is no ledger: the kernel's own counters are the books. They are looked at when
 *   the space grows or gives memory back, when somebody else is about to be refused, and
 *   when somebody reads. One that has books of its own is reported, and not charged here.
 *
 *   What was missed for want of memory, and who is moved, is found by a worker that goes
 *   through all processes.
 *
 * Locking
 *
 *   mmap_lock           read, tried only, or the grower's own
 *     observed->lock    spinlock: its state, and what is charged for it
 *       group->observed.lock  spinlock: who is in a group
 *       waiters.lock    by what is charged and given back
 *   bucket->lock        spinlock: the table
 *   ms_observe_mutex    mutex: which groups are observed
 *   above_max           spinlock: one at a time is charged above max
 *
 *   An object never changes its group: it is replaced.
 *
 * Races
 *
 *   A space is not limited from its move until the worker has come to it, unless it is a new
 *   image by then. Two who grow at once where overcommit or the room for new images lets
 *   them pass max take turns; those who do not need that never pass it.
 */
#ifndef MS_OBSERVED_H
#define MS_OBSERVED_H

#include <linux/types.h>

struct memstate_observe;
struct mm_struct;
struct ms_group;

int ms_observed_set(struct ms_group *group, bool on);
void ms_observed_overcommit(struct ms_group *group, u32 percent);
void ms_observed_read(struct ms_group *group, struct memstate_observe *out);
void ms_observed_reports(struct mm_struct *mm, bool reports);
void ms_observed_found(struct ms_group *group);
void ms_observed_vanish(struct ms_group *group);
bool ms_observed_can(void);
void ms_observed_init(void);
void ms_observed_exit(void);

#endif /* MS_OBSERVED_H */
