/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is observed below a group: looked at together.
 *
 * Model
 *
 *   Memory that goes is not told, and is seen by looking: before somebody is refused, and
 *   when somebody reads.
 *
 * Locking
 *
 *   RCU, under which members are gone through; the locks of one space at a time.
 */
#ifndef MS_OBSERVED_GROUP_H
#define MS_OBSERVED_GROUP_H

struct memstate_observe;
struct ms_group;

void ms_observed_settle(struct ms_group *top);
void ms_observed_read(struct ms_group *group, struct memstate_observe *out);

#endif /* MS_OBSERVED_GROUP_H */
