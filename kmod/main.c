// SPDX-License-Identifier: GPL-2.0-only
/* Module entry and exit. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>

#include "cgroup.h"
#include "charge.h"
#include "device.h"
#include "group.h"
#include "life.h"
#include "observed.h"
#include "observed_group.h"
#include "observing.h"
#include "params.h"
#include "refusal.h"
#include "sysfs.h"
#include "task.h"

#if BITS_PER_LONG != 64
#error "memstate needs a 64-bit kernel: a record's words are loaded whole"
#endif

/* What goes up: who stands below is told here whom to call. */

static void group_vanish(struct ms_group *group)
{
	ms_observing_vanish(group);
	ms_sysfs_remove_group(group);
}

static void task_appear(struct ms_task *task)
{
	ms_observed_reports(task->mm, &task->limit, true);
	ms_sysfs_add_task(task);
}

static void task_vanish(struct ms_task *task)
{
	ms_sysfs_remove_task(task);
	ms_observed_reports(task->mm, &task->limit, false);
}

static const struct ms_group_ops group_ops = {
	.ktype = &ms_sysfs_group_ktype,
	.appear = ms_sysfs_add_group,
	.found = ms_observing_found,
	.vanish = group_vanish,
	.notify = ms_sysfs_notify_group,
	.tell = ms_charge_tell,
	.settle = ms_observed_look_all,
	.refused = ms_refusal_log,
};

static const struct ms_life_ops life_ops = {
	.appear = task_appear,
	.vanish = task_vanish,
};

static int __init memstate_init(void)
{
	int ret;

	ret = ms_params_check();
	if (ret)
		return ret;

	ms_spaces_init(&life_ops);
	ret = ms_groups_init(&group_ops);
	if (ret)
		return ret;

	ret = ms_cgroups_watch();
	if (ret)
		goto err_groups;

	ret = ms_tasks_init();
	if (ret)
		goto err_cgroups;

	ret = ms_device_register();
	if (ret)
		goto err_tasks;

	/* From here on nothing fails. */
	ms_observing_init();
	ms_sysfs_init_hooks(ms_device_kobj());
	ms_sysfs_init_tasks(ms_device_kobj());
	ms_sysfs_init_groups(ms_device_kobj());
	ms_device_begin();
	return 0;

err_tasks:
	ms_tasks_exit();
err_cgroups:
	ms_cgroups_unwatch();
err_groups:
	ms_groups_quiet();
	ms_groups_exit();
	return ret;
}

/*
 * There is no file, so no books are open, and nobody can open one. First who still ends some:
 * the end of an address space does so without a file.
 */
static void __exit memstate_exit(void)
{
	ms_sysfs_exit_hooks(ms_device_kobj());
	ms_observing_exit();
	ms_spaces_exit();
	ms_cgroups_unwatch();
	/* A limit can still be written, which makes work. */
	ms_sysfs_mute_groups();
	ms_groups_quiet();
	ms_sysfs_exit_tasks();
	ms_sysfs_exit_groups();
	ms_device_unregister();
	ms_tasks_exit();
	ms_groups_exit();
}

module_init(memstate_init);
module_exit(memstate_exit);

MODULE_DESCRIPTION("Page-state accounting: Reserved, Prepared and Ready memory of tasks");
MODULE_AUTHOR("The memstate developers");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
