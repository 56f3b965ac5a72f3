// SPDX-License-Identifier: GPL-2.0-only
/*
 * tasks/<serial>: a task's figures, one "key value" in each line.
 *
 * Model
 *
 *   The file is named by the serial number of the books: a name is the same for all who
 *   read, and a pid is not. It begins with the pid, as the reader's namespace has it.
 *   Then come what the system has as files, with the class before a dot, the task's own
 *   limits, and what its allocator counts.
 *
 *   Who may read is asked at each read, of who reads: the owner's user, where he sees
 *   the process, as he could read the same in /proc; or CAP_SYS_PTRACE in the initial
 *   user namespace.
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kobject.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/user_namespace.h>

#include "alloc.h"
#include "group.h"
#include "sysfs.h"
#include "sysfs_attrs.h"
#include "task.h"

static struct kobject *tasks_dir;

/**
 * struct alloc_line - a line of what a task's allocator counts
 * @key:	its key
 * @plus:	the counter that it shows
 * @minus:	less this one, or NO_COUNTER
 */
struct alloc_line {
	const char *key;
	u8 plus;
	u8 minus;
};

#define NO_COUNTER	MEMSTATE_ALLOC_COUNTERS

static const struct alloc_line alloc_lines[] = {
	{ "alloc_data_bytes", MEMSTATE_ALLOC_BYTES, MEMSTATE_FREE_BYTES },
	{ "alloc_allocated_bytes", MEMSTATE_ALLOC_BYTES, NO_COUNTER },
	{ "alloc_allocated_count", MEMSTATE_ALLOC_COUNT, NO_COUNTER },
	{ "alloc_freed_bytes", MEMSTATE_FREE_BYTES, NO_COUNTER },
	{ "alloc_freed_count", MEMSTATE_FREE_COUNT, NO_COUNTER },
	{ "alloc_idle_bytes", MEMSTATE_IDLE_BYTES, NO_COUNTER },
	{ "alloc_slab_bytes", MEMSTATE_SLAB_BYTES, NO_COUNTER },
};

static int emit_totals(struct ms_task *task, char *buf, int at)
{
	const struct attribute_group **group;
	struct memstate_totals totals;
	struct attribute **attr;

	ms_task_shown(task, &totals);
	for (group = ms_sysfs_groups; *group; group++) {
		const char *class_ = (*group)->name;

		for (attr = (*group)->attrs; *attr; attr++) {
			/* Of one there is one. */
			if (ms_sysfs_offset(*attr) == offsetof(typeof(totals), tasks))
				continue;
			at += sysfs_emit_at(buf, at, "%s%s%s %llu\n", class_ ?: "",
					    class_ ? "." : "", (*attr)->name,
					    ms_sysfs_member(*attr, &totals));
		}
	}
	return at;
}

static int emit_limits(const struct ms_level *level, char *buf, int at)
{
	const struct ms_limit *l = &level->core;
	char high[24], max[24];

	return at + sysfs_emit_at(buf, at, "high %s\nmax %s\npeak %llu\npressure %s\n",
				  ms_sysfs_limit(READ_ONCE(l->high), high, sizeof(high)),
				  ms_sysfs_limit(READ_ONCE(l->max), max, sizeof(max)),
				  ms_limit_peak(l),
				  ms_sysfs_pressure(READ_ONCE(l->pressure)));
}

static int emit_alloc(const struct memstate_alloc *alloc, char *buf, int at)
{
	const struct alloc_line *l;

	for (l = alloc_lines; l < alloc_lines + ARRAY_SIZE(alloc_lines); l++) {
		u64 value = alloc->counters[l->plus];

		if (l->minus != NO_COUNTER)
			value -= alloc->counters[l->minus];
		at += sysfs_emit_at(buf, at, "%s %llu\n", l->key, value);
	}
	return at + sysfs_emit_at(buf, at, "alloc_nr_shards %u\n", alloc->nr_shards);
}

static ssize_t task_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct ms_task *task = container_of(attr, struct ms_task, file);
	pid_t pid = pid_nr_ns(task->tgid, task_active_pid_ns(current));
	struct memstate_alloc alloc;
	int ret, at;

	if (!(pid && uid_eq(task->uid, current_fsuid())) &&
	    !ns_capable_noaudit(&init_user_ns, CAP_SYS_PTRACE))
		return -EACCES;
	ret = ms_alloc_now(task, &alloc);
	if (ret)
		return ret;
	at = sysfs_emit(buf, "pid %d\ngroup %llu\n", pid, ms_group_cgroup(task->group));
	at = emit_totals(task, buf, at);
	at = emit_limits(&task->limit, buf, at);
	return emit_alloc(&alloc, buf, at);
}

static const struct sysfs_ops tasks_sysfs_ops = {
	.show = task_show,
};

static void tasks_release(struct kobject *kobj)
{
	kfree(kobj);
}

static const struct kobj_type tasks_ktype = {
	.sysfs_ops = &tasks_sysfs_ops,
	.release = tasks_release,
};

/**
 * ms_sysfs_add_task() - make a task's file
 * @task: the task
 *
 * A task without one is accounted like any other.
 *
 * Context: may sleep.
 */
void ms_sysfs_add_task(struct ms_task *task)
{
	if (!tasks_dir)
		return;
	snprintf(task->name, sizeof(task->name), "%llu", task->serial);
	sysfs_attr_init(&task->file);
	task->file.name = task->name;
	task->file.mode = 0444;
	if (sysfs_create_file(tasks_dir, &task->file))
		task->file.name = NULL;
}

/**
 * ms_sysfs_remove_task() - take it away, if it is there
 * @task: the task
 *
 * Context: may sleep; waits for who reads it, which takes no lock that could be held
 * for long.
 */
void ms_sysfs_remove_task(struct ms_task *task)
{
	if (task->file.name)
		sysfs_remove_file(tasks_dir, &task->file);
}

/**
 * ms_sysfs_init_tasks() - make tasks/
 * @parent: the device's directory
 *
 * Context: module init.
 */
void ms_sysfs_init_tasks(struct kobject *parent)
{
	struct kobject *dir = kzalloc(sizeof(*dir), GFP_KERNEL);

	if (dir && kobject_init_and_add(dir, &tasks_ktype, parent, "tasks")) {
		kobject_put(dir);
		dir = NULL;
	}
	if (!dir)
		pr_err("no room for tasks/\n");
	tasks_dir = dir;
}

/**
 * ms_sysfs_exit_tasks() - take it away
 *
 * Context: module exit; no books are open.
 */
void ms_sysfs_exit_tasks(void)
{
	kobject_put(tasks_dir);
}
