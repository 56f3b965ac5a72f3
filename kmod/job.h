/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which processes are in which job.
 *
 * Model
 *
 *   A job is a group without a cgroup, below the group or the job in which its maker was. Who
 *   is in one is known by a small object for each process, from its birth to its last thread's
 *   end: exec leaves it as it is. It is found by the kernel's own object of the process, which
 *   is only compared. Each has a use of its job, so that a job ends when nobody is in it, and
 *   nothing is charged to it.
 *
 *   A child's object is made before the child can be refused no more, and kept with its parent's,
 *   for the thread that forks; it is found from the moment that the child is born. If it is not
 *   born after all the thread has the object for the next.
 *
 *   Wherever its cgroup is, a process is charged to its job, unless there is a group that limits
 *   or observes and is not above the job: that may not be evaded. Then it is charged there.
 *
 * Locking
 *
 *   RCU             who is in what
 *   bucket->lock    spinlock: the table, and who is about to be born of who is in the bucket
 *
 *   An object goes to another job by one store: that is below the one before, which it keeps.
 *
 * Races
 *
 *   Who is being born of one thread while another makes a job may be in that, or in the one
 *   before.
 */
#ifndef MS_JOB_H
#define MS_JOB_H

#include <linux/types.h>

struct mm_struct;
struct ms_group;
struct ms_job_member;
struct task_struct;

struct ms_group *ms_job_near(struct task_struct *task);
bool ms_job_stays(struct task_struct *task, const struct ms_group *group);
struct task_struct *ms_job_owner(const struct mm_struct *mm, struct task_struct *task);
struct ms_job_member *ms_job_member_new(void);
int ms_job_may_enter(const struct ms_group *above);
void ms_job_enter(struct ms_group *job, struct ms_job_member *fresh);
bool ms_job_bear(const struct task_struct *child);
void ms_job_born(const struct task_struct *child);
void ms_job_exit(const struct task_struct *task);
void ms_jobs_forget(void);

#endif /* MS_JOB_H */
