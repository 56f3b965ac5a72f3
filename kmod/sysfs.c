// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model
 *
 *   The same files exist for the system and for each task: a file is a value of
 *   struct memstate_totals, an attribute knows which. Reading drains first.
 *   Class directories are attribute groups of their own. A task has its limits and
 *   what its allocator counts besides.
 *
 *   System files are readable by all. A task's belong to the task's user.
 */

#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "drain.h"
#include "group.h"
#include "sysfs.h"
#include "sysfs_attrs.h"

/**
 * ms_sysfs_show_member() - a file of totals
 * @attr:	the file, of a struct ms_attr
 * @totals:	what it shows a member of
 * @buf:	a page
 *
 * Context: any. Return: length.
 */
ssize_t ms_sysfs_show_member(const struct attribute *attr,
			     const struct memstate_totals *totals, char *buf)
{
	const struct ms_attr *a = container_of(attr, struct ms_attr, dev.attr);
	u64 value;

	if (a->offset != NOT_A_MEMBER)
		value = *(const u64 *)((const char *)totals + a->offset);
	else if (a->class_ == ALL_CLASSES)
		value = ms_totals_state(totals, a->state);
	else
		value = totals->bytes[a->state - 1][a->class_];
	return sysfs_emit(buf, "%llu\n", value);
}

/**
 * ms_sysfs_show_limit() - a file of a limit
 * @level:	the limit
 * @file:	which of those that a task has, too
 * @buf:	a page
 *
 * Context: any. Return: length.
 */
ssize_t ms_sysfs_show_limit(const struct ms_level *level, enum ms_limit_file file,
			    char *buf)
{
	static const char *const pressures[] = { "none", "high", "max" };
	const struct ms_limit *l = &level->core;
	u64 value;

	switch (file) {
	case MS_FILE_PRESSURE:
		return sysfs_emit(buf, "%s\n", pressures[READ_ONCE(l->pressure)]);
	case MS_FILE_PEAK:
		return sysfs_emit(buf, "%llu\n", ms_limit_peak(l));
	case MS_FILE_HIGH:
		value = READ_ONCE(l->high);
		break;
	default:
		value = READ_ONCE(l->max);
		break;
	}
	if (value == MEMSTATE_UNLIMITED)
		return sysfs_emit(buf, "max\n");
	return sysfs_emit(buf, "%llu\n", value);
}

/**
 * ms_sysfs_show_system() - a file of the system's totals
 * @dev:	the device
 * @attr:	the file
 * @buf:	a page
 *
 * Context: may sleep. Return: length.
 */
ssize_t ms_sysfs_show_system(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct memstate_totals totals;

	ms_drain_group(ms_group_root);
	ms_group_totals(ms_group_root, &totals);
	return ms_sysfs_show_member(&attr->attr, &totals, buf);
}

MS_ATTRS(sys, 0444);
MS_ATTR_MEMBER(sys, 0444, nr_tasks, tasks);
MS_CLASS_GROUPS(sys, 0444);

static struct attribute *sys_attrs[] = {
	MS_ATTRS_LIST(sys),
	&sys_nr_tasks.dev.attr,
	NULL
};

static const struct attribute_group sys_group = { .attrs = sys_attrs };
const struct attribute_group *ms_sysfs_groups[] = { MS_GROUPS_LIST(sys) };

MS_ATTRS(task, 0400);
MS_CLASS_GROUPS(task, 0400);

/* Shown only: a task limits itself by LIMIT_SET. */
static struct ms_limit_attr task_limit_attrs[] = {
	{ { "group", 0400 }, MS_FILE_GROUP },
	{ { "high", 0400 }, MS_FILE_HIGH },
	{ { "max", 0400 }, MS_FILE_MAX },
	{ { "peak", 0400 }, MS_FILE_PEAK },
	{ { "pressure", 0400 }, MS_FILE_PRESSURE },
};

/**
 * struct alloc_attr - a file of what a task's allocator counts
 * @attr:	what sysfs knows of it
 * @plus:	the counter that it shows
 * @minus:	less this one, or NO_COUNTER
 */
struct alloc_attr {
	struct attribute attr;
	u8 plus;
	u8 minus;
};

#define NO_COUNTER	MEMSTATE_ALLOC_COUNTERS

static struct alloc_attr task_alloc_attrs[] = {
	{ { "alloc_data_bytes", 0400 }, MEMSTATE_ALLOC_BYTES, MEMSTATE_FREE_BYTES },
	{ { "alloc_allocated_bytes", 0400 }, MEMSTATE_ALLOC_BYTES, NO_COUNTER },
	{ { "alloc_allocated_count", 0400 }, MEMSTATE_ALLOC_COUNT, NO_COUNTER },
	{ { "alloc_freed_bytes", 0400 }, MEMSTATE_FREE_BYTES, NO_COUNTER },
	{ { "alloc_freed_count", 0400 }, MEMSTATE_FREE_COUNT, NO_COUNTER },
	{ { "alloc_idle_bytes", 0400 }, MEMSTATE_IDLE_BYTES, NO_COUNTER },
	{ { "alloc_slab_bytes", 0400 }, MEMSTATE_SLAB_BYTES, NO_COUNTER },
	{ { "alloc_nr_shards", 0400 }, NO_COUNTER, NO_COUNTER },
};

static struct attribute *task_attrs[] = {
	MS_ATTRS_LIST(task),
	&task_alloc_attrs[0].attr,
	&task_alloc_attrs[1].attr,
	&task_alloc_attrs[2].attr,
	&task_alloc_attrs[3].attr,
	&task_alloc_attrs[4].attr,
	&task_alloc_attrs[5].attr,
	&task_alloc_attrs[6].attr,
	&task_alloc_attrs[7].attr,
	&task_limit_attrs[0].attr,
	&task_limit_attrs[1].attr,
	&task_limit_attrs[2].attr,
	&task_limit_attrs[3].attr,
	&task_limit_attrs[4].attr,
	NULL
};

static const struct attribute_group task_group = { .attrs = task_attrs };
static const struct attribute_group *task_groups[] = { MS_GROUPS_LIST(task) };

/* ---- a task's directory -------------------------------------------------- */

static struct kobject *tasks_dir;

static struct ms_task *task_of(const struct kobject *kobj)
{
	return container_of(kobj, struct ms_task, kobj);
}

static ssize_t task_show_alloc(struct ms_task *task, const struct alloc_attr *a,
			       char *buf)
{
	struct memstate_alloc alloc;
	u64 value;
	int ret;

	ret = ms_shards_of_task(task, &alloc);
	if (ret)
		return ret;
	value = a->plus == NO_COUNTER ? alloc.nr_shards : alloc.counters[a->plus];
	if (a->minus != NO_COUNTER)
		value -= alloc.counters[a->minus];
	return sysfs_emit(buf, "%llu\n", value);
}

static ssize_t task_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct ms_limit_attr *a = ms_limit_attr_of(attr, task_limit_attrs);
	struct ms_task *task = task_of(kobj);
	struct memstate_totals totals;
	int ret;

	if (a && a->file == MS_FILE_GROUP)
		return sysfs_emit(buf, "%llu\n", task->group->id);
	if (a)
		return ms_sysfs_show_limit(&task->limit, a->file, buf);
	if (attr >= &task_alloc_attrs[0].attr &&
	    attr <= &task_alloc_attrs[ARRAY_SIZE(task_alloc_attrs) - 1].attr)
		return task_show_alloc(task, container_of(attr, struct alloc_attr, attr),
				       buf);
	ret = ms_drain_totals(task, &totals, false, false);
	return ret < 0 ? ret : ms_sysfs_show_member(attr, &totals, buf);
}

static const struct sysfs_ops task_sysfs_ops = {
	.show = task_show,
};

static void task_get_ownership(MS_OWNERSHIP_CONST struct kobject *kobj,
			       kuid_t *uid, kgid_t *gid)
{
	const struct ms_task *task = task_of(kobj);

	*uid = task->uid;
	*gid = task->gid;
}

static void task_kobj_release(struct kobject *kobj)
{
	struct ms_task *task = task_of(kobj);

	ms_shards_destroy(task->shards);
	ms_ring_destroy(task->ring);
	ms_unmaps_destroy(&task->unmaps);
	if (task->group)
		kobject_put(&task->group->kobj);
	put_pid(task->tgid);
	kfree(task);
}

static const struct kobj_type task_ktype = {
	.sysfs_ops = &task_sysfs_ops,
	.default_groups = task_groups,
	.get_ownership = task_get_ownership,
	.release = task_kobj_release,
};

/**
 * ms_sysfs_init_task() - make the object countable
 * @task: the task, with one reference afterwards
 *
 * Context: any.
 */
void ms_sysfs_init_task(struct ms_task *task)
{
	kobject_init(&task->kobj, &task_ktype);
}

/**
 * ms_sysfs_add_task() - make tasks/<pid>/
 * @task: the task
 *
 * Context: may sleep. Return: 0 or a negative errno.
 */
int ms_sysfs_add_task(struct ms_task *task)
{
	struct kobject *dir = READ_ONCE(tasks_dir);

	/* The device can be opened a moment before its directory is there. */
	if (!dir)
		return -ENOENT;
	return kobject_add(&task->kobj, dir, "%d", task->pid);
}

/**
 * ms_sysfs_remove_task() - take it away
 * @task: the task
 *
 * Context: may sleep; waits for who reads one of its files, so the caller does
 * not hold task->lock.
 */
void ms_sysfs_remove_task(struct ms_task *task)
{
	kobject_del(&task->kobj);
}

/**
 * ms_sysfs_init() - make tasks/ and groups/
 * @parent: the device's directory
 *
 * Context: module init.
 * Return: 0 or a negative errno.
 */
int ms_sysfs_init(struct kobject *parent)
{
	struct kobject *dir = kobject_create_and_add("tasks", parent);
	int ret;

	if (!dir)
		return -ENOMEM;
	ret = ms_sysfs_init_groups(parent);
	if (ret) {
		kobject_put(dir);
		return ret;
	}
	WRITE_ONCE(tasks_dir, dir);
	return 0;
}

/**
 * ms_sysfs_exit() - take them away
 *
 * Context: module exit.
 */
void ms_sysfs_exit(void)
{
	kobject_put(tasks_dir);
	ms_sysfs_exit_groups();
}
