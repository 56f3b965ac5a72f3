/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/class/misc/memstate/: see Documentation/ABI/testing. */
#ifndef MS_SYSFS_H
#define MS_SYSFS_H

#include <linux/types.h>

struct attribute_group;
struct kobj_type;
struct kobject;
struct ms_group;
struct ms_task;

extern const struct attribute_group *ms_sysfs_groups[];
extern const struct kobj_type ms_sysfs_group_ktype;

void ms_sysfs_init_hooks(struct kobject *parent);
void ms_sysfs_exit_hooks(struct kobject *parent);

void ms_sysfs_init_tasks(struct kobject *parent);
void ms_sysfs_exit_tasks(void);
void ms_sysfs_add_task(struct ms_task *task);
void ms_sysfs_remove_task(struct ms_task *task);

void ms_sysfs_init_groups(struct kobject *parent);
void ms_sysfs_exit_groups(void);
void ms_sysfs_mute_groups(void);
int ms_sysfs_add_group(struct ms_group *group);
void ms_sysfs_remove_group(struct ms_group *group);
void ms_sysfs_notify_group(struct ms_group *group, bool pressure);

#endif /* MS_SYSFS_H */
