/* SPDX-License-Identifier: GPL-2.0-only */
/* What allocators count: of a task, and of all tasks of a group. */
#ifndef MS_ALLOC_H
#define MS_ALLOC_H

struct memstate_alloc;
struct ms_group;
struct ms_task;

int ms_alloc_of_task(struct ms_task *task, struct memstate_alloc *out);
int ms_alloc_now(struct ms_task *task, struct memstate_alloc *out);
int ms_alloc_of_group(struct ms_group *group, struct memstate_alloc *out);

#endif /* MS_ALLOC_H */
