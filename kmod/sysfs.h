/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/class/misc/memstate/: one value per file; see Documentation/ABI/testing. */
#ifndef MS_SYSFS_H
#define MS_SYSFS_H

struct attribute_group;
struct kobject;
struct ms_task;

extern const struct attribute_group *ms_sysfs_groups[];

int ms_sysfs_init(struct kobject *parent);
void ms_sysfs_exit(void);
void ms_sysfs_init_task(struct ms_task *task);
int ms_sysfs_add_task(struct ms_task *task);
void ms_sysfs_remove_task(struct ms_task *task);

#endif /* MS_SYSFS_H */
