/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process that a pidfd means, for who may look at it.
 *
 * Model
 *
 *   The kernel's own ways from a pidfd to its process, and to say who may look at one, are not
 *   for modules. A pidfd is known by what shows it in fdinfo, which nothing else has. Who may
 *   look is never more than who may read the process's files in /proc by the kernel's own
 *   rules: what those grant by a security module's consent is not granted here.
 *
 * Locking
 *
 *   exec_update_lock    read, of the process: who may look at it and its memory are of one image
 *     task_lock         by get_task_mm()
 */
#ifndef MS_PROCESS_H
#define MS_PROCESS_H

#include <linux/types.h>

struct mm_struct;
struct task_struct;

/**
 * struct ms_process - a process that may be looked at
 * @task:	a thread of it that has its memory, with a reference
 * @mm:		its memory, with a use of it
 */
struct ms_process {
	struct task_struct *task;
	struct mm_struct *mm;
};

int ms_process_get(struct ms_process *p, int fd, bool addresses);
void ms_process_put(struct ms_process *p);

#endif /* MS_PROCESS_H */
