// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model
 *
 *   The same files exist for the system and for each task: a file is a value of
 *   struct memstate_totals, an attribute knows which. Reading drains first.
 *   Class directories are attribute groups of their own.
 *
 *   System files are readable by all. A task's belong to the task's user.
 */

#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/memcontrol.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "drain.h"
#include "sysfs.h"
#include "totals.h"

/**
 * struct ms_attr - a file
 * @dev:	what sysfs knows of it; a task's files only use @dev.attr
 * @offset:	of a member of struct memstate_totals, or NOT_A_MEMBER
 * @state:	else the state whose bytes it shows,
 * @class_:	in this class, or in all of them if ALL_CLASSES
 */
struct ms_attr {
	struct device_attribute dev;
	int offset;
	u8 state;
	u8 class_;
};

#define NOT_A_MEMBER	(-1)
#define ALL_CLASSES	MEMSTATE_NR_CLASSES

static ssize_t attr_show(const struct attribute *attr,
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

static ssize_t sys_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	struct memstate_totals totals;

	ms_drain_all();
	ms_totals_read(&totals);
	return attr_show(&attr->attr, &totals, buf);
}

/*
 * Each file twice: the system's (0444) and a task's (0400). prefix is sys or
 * task.
 */
#define MS_ATTR(prefix, _mode, _id, _name, _offset, _state, _class)	\
	static struct ms_attr prefix##_##_id = {			\
		.dev.attr = { .name = _name, .mode = _mode },		\
		.dev.show = sys_show,					\
		.offset = _offset,					\
		.state = _state,					\
		.class_ = _class,					\
	}

#define MS_ATTR_MEMBER(prefix, mode, name, member)			\
	MS_ATTR(prefix, mode, name, #name,				\
		offsetof(struct memstate_totals, member), 0, 0)

#define MS_ATTRS(prefix, mode)						\
	MS_ATTR(prefix, mode, reserved, "reserved", NOT_A_MEMBER,	\
		MEMSTATE_RESERVED, ALL_CLASSES);			\
	MS_ATTR(prefix, mode, prepared, "prepared", NOT_A_MEMBER,	\
		MEMSTATE_PREPARED, ALL_CLASSES);			\
	MS_ATTR(prefix, mode, ready, "ready", NOT_A_MEMBER,		\
		MEMSTATE_READY, ALL_CLASSES);				\
	MS_ATTR_MEMBER(prefix, mode, reserved_lazy, reserved_lazy);	\
	MS_ATTR_MEMBER(prefix, mode, prepared_lazy, prepared_lazy);	\
	MS_ATTR_MEMBER(prefix, mode, ready_direct, ready_direct);	\
	MS_ATTR_MEMBER(prefix, mode, peak_ready, peak_ready);		\
	MS_ATTR_MEMBER(prefix, mode, transitions, transitions);		\
	MS_ATTR_MEMBER(prefix, mode, drift, drift);			\
	MS_ATTR_MEMBER(prefix, mode, rejected, rejected);		\
	MS_ATTR_MEMBER(prefix, mode, unmaps, unmaps);			\
	MS_ATTR_MEMBER(prefix, mode, resyncs, resyncs);			\
	MS_ATTR_MEMBER(prefix, mode, ranges, ranges)

#define MS_ATTRS_LIST(prefix)						\
	&prefix##_reserved.dev.attr,					\
	&prefix##_prepared.dev.attr,					\
	&prefix##_ready.dev.attr,						\
	&prefix##_reserved_lazy.dev.attr,					\
	&prefix##_prepared_lazy.dev.attr,					\
	&prefix##_ready_direct.dev.attr,					\
	&prefix##_peak_ready.dev.attr,					\
	&prefix##_transitions.dev.attr,					\
	&prefix##_drift.dev.attr,						\
	&prefix##_rejected.dev.attr,					\
	&prefix##_unmaps.dev.attr,						\
	&prefix##_resyncs.dev.attr,						\
	&prefix##_ranges.dev.attr

#define MS_CLASS_GROUP(prefix, mode, id, class_)			\
	MS_ATTR(prefix##_##id, mode, reserved, "reserved",		\
		NOT_A_MEMBER, MEMSTATE_RESERVED, class_);		\
	MS_ATTR(prefix##_##id, mode, prepared, "prepared",		\
		NOT_A_MEMBER, MEMSTATE_PREPARED, class_);		\
	MS_ATTR(prefix##_##id, mode, ready, "ready",			\
		NOT_A_MEMBER, MEMSTATE_READY, class_);			\
	static struct attribute *prefix##_##id##_attrs[] = {		\
		&prefix##_##id##_reserved.dev.attr,				\
		&prefix##_##id##_prepared.dev.attr,				\
		&prefix##_##id##_ready.dev.attr,				\
		NULL							\
	};								\
	static const struct attribute_group prefix##_##id##_group = {	\
		.name = #id,						\
		.attrs = prefix##_##id##_attrs,				\
	}

#define MS_CLASS_GROUPS(prefix, mode)					\
	MS_CLASS_GROUP(prefix, mode, heap, MEMSTATE_HEAP);		\
	MS_CLASS_GROUP(prefix, mode, stack, MEMSTATE_STACK);		\
	MS_CLASS_GROUP(prefix, mode, metadata, MEMSTATE_METADATA);	\
	MS_CLASS_GROUP(prefix, mode, code, MEMSTATE_CODE);		\
	MS_CLASS_GROUP(prefix, mode, other, MEMSTATE_OTHER);		\
	MS_CLASS_GROUP(prefix, mode, user1, MEMSTATE_USER1);		\
	MS_CLASS_GROUP(prefix, mode, user2, MEMSTATE_USER2);		\
	MS_CLASS_GROUP(prefix, mode, user3, MEMSTATE_USER3)

#define MS_GROUPS_LIST(prefix)						\
	&prefix##_group,						\
	&prefix##_heap_group,						\
	&prefix##_stack_group,						\
	&prefix##_metadata_group,					\
	&prefix##_code_group,						\
	&prefix##_other_group,						\
	&prefix##_user1_group,						\
	&prefix##_user2_group,						\
	&prefix##_user3_group,						\
	NULL

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

static struct attribute *task_attrs[] = {
	MS_ATTRS_LIST(task),
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

static ssize_t task_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct memstate_totals totals;
	int ret;

	ret = ms_drain_totals(task_of(kobj), &totals);
	return ret ?: attr_show(attr, &totals, buf);
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

	ms_ring_destroy(task->ring);
	ms_unmaps_destroy(&task->unmaps);
	mem_cgroup_put(task->memcg);
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
 * ms_sysfs_init() - make tasks/
 * @parent: the device's directory
 *
 * Context: module init.
 * Return: 0 or -ENOMEM.
 */
int ms_sysfs_init(struct kobject *parent)
{
	struct kobject *dir = kobject_create_and_add("tasks", parent);

	if (!dir)
		return -ENOMEM;
	WRITE_ONCE(tasks_dir, dir);
	return 0;
}

/**
 * ms_sysfs_exit() - take it away
 *
 * Context: module exit.
 */
void ms_sysfs_exit(void)
{
	kobject_put(tasks_dir);
}
