/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which groups are observed, and what the hooks are told of it.
 *
 * Model
 *
 *   A group is observed from OBSERVE on, or as long as it has a max that is for any program,
 *   and all below it are. Each address space there is
 *   known (observed.h): by its birth, by its first mapping as a new image, or because it is
 *   found (find.h). As long as no group is observed a hook looks at one variable.
 *
 * Locking
 *
 *   ms_observing_mutex  mutex: which groups are observed
 *     find_mutex        see find.h
 */
#ifndef MS_OBSERVING_H
#define MS_OBSERVING_H

#include <linux/types.h>

struct ms_group;

int ms_observing_set(struct ms_group *group, bool on);
void ms_observing_limit(struct ms_group *group, u32 set, u64 high, u64 max, bool reports);
void ms_observing_overcommit(struct ms_group *group, u32 percent);
void ms_observing_trust(struct ms_group *group, bool on);
void ms_observing_found(struct ms_group *group);
void ms_observing_vanish(struct ms_group *group);
bool ms_observing_can(void);
void ms_observing_init(void);
void ms_observing_exit(void);

#endif /* MS_OBSERVING_H */
