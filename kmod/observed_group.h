/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is observed below a group: looked at together.
 *
 * Model
 *
 *   Memory that goes is not told, and is seen by looking: before somebody is refused, and
 *   when somebody reads. The sums of each group follow from each look. Groups in and below
 *   which nobody is known are passed over.
 *
 * Locking
 *
 *   RCU, under which members are gone through; the locks of one space at a time. Who sleeps
 *   in between has a reference to the last one, and through it to its group: both stay where
 *   they are.
 */
#ifndef MS_OBSERVED_GROUP_H
#define MS_OBSERVED_GROUP_H

struct memstate_observe;
struct memstate_totals_observed;
struct ms_group;

void ms_observed_settle(struct ms_group *top);
void ms_observed_look_all(struct ms_group *top);
void ms_observed_totals(const struct ms_group *group, struct memstate_totals_observed *out);
void ms_observed_read(struct ms_group *group, struct memstate_observe *out);

#endif /* MS_OBSERVED_GROUP_H */
