/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which groups are observed, and what the hooks are told of it.
 *
 * Model
 *
 *   A group is observed from OBSERVE on, or as long as it has a max that is for any program, and
 *   a job always; and all below it are. Each address space there is
 *   known (observed.h): by its birth, by its first mapping as a new image, or because it is
 *   found (find.h). As long as no group is observed a hook looks at one variable.
 *
 *   The kernel is hooked at load, or where there are no jobs when an administrator first has
 *   something observed; if it could not be, he tries again by that. He may take the hooks
 *   away: then nothing is known of who is observed in name, and all is told as not enforced,
 *   until he sets them again. Then all jobs have ended: who is born meanwhile would be in none.
 *
 * Locking
 *
 *   ms_observing_mutex  mutex: which groups are observed
 *     find_mutex        see find.h
 */
#ifndef MS_OBSERVING_H
#define MS_OBSERVING_H

#include <linux/types.h>

struct memstate_observe;
struct ms_group;
struct ms_job_member;

int ms_observing_set(struct ms_group *group, bool on);
void ms_observing_limit(struct ms_group *group, u32 set, u64 high, u64 max, bool reports);
int ms_observing_commit(struct ms_group *group, u64 max);
void ms_observing_overcommit(struct ms_group *group, u32 percent);
void ms_observing_trust(struct ms_group *group, bool on);
int ms_observing_job(struct ms_group *job, const struct ms_group *above,
		     struct ms_job_member *fresh);
int ms_observing_tighten(struct ms_group *job, const struct memstate_observe *w);
void ms_observing_found(struct ms_group *group);
void ms_observing_vanish(struct ms_group *group);
bool ms_observing_can(void);
bool ms_observing_jobs(void);
bool ms_observing_enforced(void);
int ms_observing_hooks(bool on);
ssize_t ms_observing_show(char *buf);
void ms_observing_init(void);
void ms_observing_exit(void);

#endif /* MS_OBSERVING_H */
