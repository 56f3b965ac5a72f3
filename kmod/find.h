/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All processes gone through, for who should be observed and is not known.
 *
 * Model
 *
 *   That is who was there before observing began, who has been moved, whose cgroup has a
 *   group only now, and what was missed for want of memory.
 *
 * Locking
 *
 *   find_mutex          mutex: one at a time
 *     mmap_lock         read, tried only, so that no growth is under way
 *       observed->lock  see observed.h
 *
 * Races
 *
 *   A space is not limited from its move until the worker has come to it, unless it is a new
 *   image by then.
 */
#ifndef MS_FIND_H
#define MS_FIND_H

struct ms_group;
struct ms_job_member;

void ms_find_on(bool on);
void ms_find_all(void);
void ms_find_soon(void);
void ms_find_later(void);
int ms_find_enter(struct ms_group *job, struct ms_job_member *fresh);
int ms_find_init(void);
void ms_find_exit(void);

#endif /* MS_FIND_H */
