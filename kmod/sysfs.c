// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

/*
 * Model
 *
 *   The same files exist for the system and for each group: a file is a value of
 *   struct memstate_totals, an attribute knows which. Class directories are attribute
 *   groups of their own. A task has one file with all of that in it: sysfs_task.c.
 *
 *   What is read is what was published last. Nothing is drained, and nobody's lock is
 *   waited for: who reads cannot make others work, nor see when they do.
 *
 *   System files are readable by all.
 */

#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "core/rules.h"
#include "group.h"
#include "observing.h"
#include "sysfs.h"
#include "sysfs_attrs.h"

/**
 * ms_sysfs_member() - what a file of totals shows
 * @attr:	the file, of a struct ms_attr
 * @totals:	what it shows a member of
 *
 * Context: any. Return: the value.
 */
u64 ms_sysfs_member(const struct attribute *attr, const struct memstate_totals *totals)
{
	const struct ms_attr *a = container_of(attr, struct ms_attr, dev.attr);

	if (a->offset != NOT_A_MEMBER)
		return *(const u64 *)((const char *)totals + a->offset);
	if (a->class_ == ALL_CLASSES)
		return ms_totals_state(totals, a->state);
	return totals->bytes[a->state - 1][a->class_];
}

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
	return sysfs_emit(buf, "%llu\n", ms_sysfs_member(attr, totals));
}

/**
 * ms_sysfs_limit() - a limit for people to read
 * @limit:	bytes or MEMSTATE_UNLIMITED
 * @text:	room for the number
 * @size:	how much
 *
 * Context: any. Return: @text.
 */
const char *ms_sysfs_limit(u64 limit, char *text, size_t size)
{
	if (limit == MEMSTATE_UNLIMITED)
		strscpy(text, "max", size);
	else
		snprintf(text, size, "%llu", limit);
	return text;
}

/**
 * ms_sysfs_pressure() - a pressure's name
 * @pressure: MEMSTATE_PRESSURE_*
 *
 * Context: any. Return: the name.
 */
const char *ms_sysfs_pressure(u32 pressure)
{
	static const char *const pressures[] = { "none", "high", "max" };

	return pressures[pressure];
}

/**
 * ms_sysfs_show_limit() - a file of a limit
 * @level:	the limit
 * @file:	which: of those that are the limit's own
 * @buf:	a page
 *
 * Context: any. Return: length.
 */
ssize_t ms_sysfs_show_limit(const struct ms_level *level, enum ms_limit_file file,
			    char *buf)
{
	const struct ms_limit *l = &level->core;
	char text[24];

	switch (file) {
	case MS_FILE_PRESSURE:
		return sysfs_emit(buf, "%s\n",
				  ms_sysfs_pressure(READ_ONCE(l->pressure)));
	case MS_FILE_PEAK:
		return sysfs_emit(buf, "%llu\n", ms_limit_peak(l));
	case MS_FILE_HIGH:
		ms_sysfs_limit(READ_ONCE(l->high), text, sizeof(text));
		break;
	default:
		ms_sysfs_limit(READ_ONCE(l->max), text, sizeof(text));
		break;
	}
	return sysfs_emit(buf, "%s\n", text);
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

	ms_group_totals(ms_group_root, &totals);
	return ms_sysfs_show_member(&attr->attr, &totals, buf);
}

/* Beside these there are bytes by state and class, two that are lazy, and tasks. */
#define MS_ONE(name, ...)	+ 1
static_assert(sizeof(struct memstate_totals) ==
	      sizeof(((struct memstate_totals *)NULL)->bytes) +
	      (3 MS_TOTALS_COUNTERS(MS_ONE)) * sizeof(u64));

MS_ATTRS(sys, 0444);
MS_ATTR_MEMBER(sys, 0444, nr_tasks, tasks);
MS_CLASS_GROUPS(sys, 0444);

/* What is hooked, a line each; an administrator takes the hooks away, or sets them again. */
static ssize_t hooks_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return ms_observing_show(buf);
}

static ssize_t hooks_store(struct device *dev, struct device_attribute *attr,
			   const char *buf, size_t length)
{
	bool on;

	return kstrtobool(buf, &on) ?: ms_observing_hooks(on) ?: length;
}

static DEVICE_ATTR_RW(hooks);

/**
 * ms_sysfs_init_hooks() - make the file hooks
 * @parent: the device's directory
 *
 * Context: module init.
 */
void ms_sysfs_init_hooks(struct kobject *parent)
{
	if (sysfs_create_file(parent, &dev_attr_hooks.attr))
		pr_err("no room for hooks\n");
}

/**
 * ms_sysfs_exit_hooks() - take it away
 * @parent: the device's directory
 *
 * Context: module exit; waits for who reads or writes it. From now on no hooks are set.
 */
void ms_sysfs_exit_hooks(struct kobject *parent)
{
	sysfs_remove_file(parent, &dev_attr_hooks.attr);
}

static struct attribute *sys_attrs[] = {
	MS_ATTRS_LIST(sys)
	&sys_nr_tasks.dev.attr,
	NULL
};

static const struct attribute_group sys_group = { .attrs = sys_attrs };
const struct attribute_group *ms_sysfs_groups[] = { MS_GROUPS_LIST(sys) };
