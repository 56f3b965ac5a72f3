/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From cgroups to groups: by a task or a directory, who may see and limit which, and when
 * one is removed.
 *
 * Model
 *
 *   A probe on the kernel's own tracepoint tells of removals. Who may limit a cgroup is
 *   asked of the directory above it, as who could have made or removed it: whoever owns
 *   one can limit those below, and never lift its own limit.
 */
#ifndef MS_CGROUP_H
#define MS_CGROUP_H

#include <linux/types.h>

struct ms_group;
struct task_struct;

struct ms_group *ms_group_of_task(struct task_struct *task);
struct ms_group *ms_group_of_fd(int fd, bool make);
struct ms_group *ms_group_to_limit(int fd);
bool ms_group_may_read(const struct ms_group *group);

int ms_cgroups_watch(void);
void ms_cgroups_unwatch(void);

#endif /* MS_CGROUP_H */
