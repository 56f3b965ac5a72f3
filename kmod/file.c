// SPDX-License-Identifier: GPL-2.0-only
#include <linux/fs.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "cgroup.h"
#include "file.h"
#include "group.h"
#include "life.h"

/* In private_data: it is the opener's mm, and nothing has been asked yet. */
#define FILE_MM	1UL

/* NULL: it is the object. */
static struct mm_struct *file_mm(const void *data)
{
	return (unsigned long)data & FILE_MM ?
	       (struct mm_struct *)((unsigned long)data & ~FILE_MM) : NULL;
}

/**
 * ms_file_open() - note who opens
 * @filp: the file
 *
 * Context: process; does not sleep. Return: 0; -EINVAL: no address space.
 */
int ms_file_open(struct file *filp)
{
	struct mm_struct *mm = current->mm;

	if (!mm)
		return -EINVAL;
	mmgrab(mm);
	filp->private_data = (void *)((unsigned long)mm | FILE_MM);
	return 0;
}

/**
 * ms_file_peek() - the object of a file that has been asked something
 * @filp: the file
 *
 * Context: any. Return: the object, or NULL: it has not been.
 */
struct ms_file *ms_file_peek(const struct file *filp)
{
	/* Acquire: pairs with the cmpxchg in ms_file_of(). */
	void *data = smp_load_acquire(&filp->private_data);

	return file_mm(data) ? NULL : data;
}

/**
 * ms_file_of() - the object of a file that is asked something
 * @filp: the file
 *
 * Context: process; may sleep. Return: the object, or -ENOMEM.
 */
struct ms_file *ms_file_of(struct file *filp)
{
	void *data = READ_ONCE(filp->private_data);
	struct ms_file *file = ms_file_peek(filp);

	if (file)
		return file;
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return ERR_PTR(-ENOMEM);
	file->mm = file_mm(data);
	mutex_init(&file->lock);
	/* Release: pairs with the acquire in ms_file_peek(). */
	if (cmpxchg(&filp->private_data, data, (void *)file) == data)
		return file;
	kfree(file);
	return ms_file_peek(filp);
}

/**
 * ms_file_release() - give back what a file has
 * @filp: the file, which nobody uses any more
 *
 * Context: process; may sleep.
 */
void ms_file_release(struct file *filp)
{
	struct ms_file *file = ms_file_peek(filp);

	if (!file) {
		mmdrop(file_mm(filp->private_data));
		return;
	}
	ms_limits_peak_end(&file->peak);
	if (file->peak_group)
		kobject_put(&file->peak_group->kobj);
	if (file->watched)
		kobject_put(&file->watched->kobj);
	if (file->job)
		kobject_put(&file->job->kobj);
	if (file->task)
		ms_task_close(file->task);
	else
		mmdrop(file->mm);
	kfree(file);
}

/**
 * ms_file_task() - the books of a file, to be read
 * @file: the file
 *
 * Binds it, where the caller may. Then @file keeps the task, and through it knows the
 * address space again, without a reference to that.
 *
 * Context: process; may sleep. Return: the task; NULL: there are no books yet, and the
 * caller is not who could begin them; else as ms_task_open().
 */
struct ms_task *ms_file_task(struct ms_file *file)
{
	struct ms_task *task = ms_file_bound(file), *other;

	/* Only compared: whoever lives in an mm of this address has the one that opened. */
	if (task || current->mm != file->mm)
		return task;
	task = ms_task_open();
	if (IS_ERR(task))
		return task;
	if (!READ_ONCE(file->watched))
		WRITE_ONCE(file->seen, atomic64_read(&task->events));
	/* Release: pairs with the acquire in ms_file_bound(). */
	other = cmpxchg(&file->task, NULL, task);
	if (other) {
		ms_task_close(task);
		return other;
	}
	mmdrop(file->mm);
	return task;
}

/**
 * ms_file_may_report() - may the caller report? If so, the file is bound
 * @file: the file
 *
 * Context: process; may sleep. Return: 0; -EPERM: not the bound task; -ESRCH: the task
 * is gone; else as ms_task_open().
 */
int ms_file_may_report(struct ms_file *file)
{
	struct ms_task *task = ms_file_task(file);

	if (IS_ERR(task))
		return PTR_ERR(task);
	if (task && READ_ONCE(task->gone))
		return -ESRCH;
	return task && ms_task_is_current(task) ? 0 : -EPERM;
}

/**
 * ms_file_events() - what has happened to what the file watches
 * @file: the file
 *
 * Context: any. Return: a count that changes with each event.
 */
s64 ms_file_events(const struct ms_file *file)
{
	/* Acquire: a group is whole before it is watched. */
	struct ms_group *group = smp_load_acquire(&file->watched);
	struct ms_task *task = ms_file_bound(file);

	if (group)
		return atomic64_read(&group->changes);
	return task ? atomic64_read(&task->events) : 0;
}

/**
 * ms_file_seen() - the file's reader has seen all that has happened
 * @file: the file
 *
 * Context: any.
 */
void ms_file_seen(struct ms_file *file)
{
	WRITE_ONCE(file->seen, ms_file_events(file));
}

/* ---- scopes --------------------------------------------------------------------- */

/**
 * ms_file_group_ref() - a reference in place of a use: the group may go, the object stays
 * @group: the group, or NULL, or an error
 *
 * Context: process. Return: the same.
 */
struct ms_group *ms_file_group_ref(struct ms_group *group)
{
	if (!IS_ERR_OR_NULL(group)) {
		kobject_get(&group->kobj);
		ms_group_put(group);
	}
	return group;
}

/**
 * ms_file_group() - the group that a scope means
 * @file:	the file
 * @scope:	MEMSTATE_SCOPE_*
 * @fd:		with SCOPE_GROUP the directory, else 0
 * @make:	make it if there is none
 *
 * Context: process; may sleep. Return: the group, with a reference, to be given back by
 * ms_file_group_put(); NULL: a task's own, or SCOPE_GROUP finds none; -EINVAL; -ESRCH: there are
 * no books, or no job; else as ms_group_of_fd().
 */
struct ms_group *ms_file_group(struct ms_file *file, u32 scope, s32 fd,
			       bool make)
{
	struct ms_group *group;
	struct ms_task *task;

	if (scope != MEMSTATE_SCOPE_GROUP && fd)
		return ERR_PTR(-EINVAL);
	switch (scope) {
	case MEMSTATE_SCOPE_TASK:
		return NULL;
	case MEMSTATE_SCOPE_SYSTEM:
		group = ms_group_root;
		break;
	case MEMSTATE_SCOPE_GROUP:
		return ms_file_group_ref(ms_group_of_fd(fd, make));
	case MEMSTATE_SCOPE_OWN_GROUP:
		task = ms_file_task(file);
		if (IS_ERR_OR_NULL(task))
			return task ? ERR_CAST(task) : ERR_PTR(-ESRCH);
		group = task->group;
		break;
	case MEMSTATE_SCOPE_WATCHED:
		/* Acquire: as in ms_file_events(). */
		group = smp_load_acquire(&file->watched);
		if (!group)
			return NULL;
		break;
	case MEMSTATE_SCOPE_JOB:
		/* Acquire: pairs with the release in ms_call_job(). */
		group = smp_load_acquire(&file->job);
		if (!group)
			return ERR_PTR(-ESRCH);
		break;
	default:
		return ERR_PTR(-EINVAL);
	}
	kobject_get(&group->kobj);
	return group;
}

/**
 * ms_file_group_put() - give back what ms_file_group() gave
 * @group: the group, or NULL
 *
 * Context: process; may sleep.
 */
void ms_file_group_put(struct ms_group *group)
{
	if (group)
		kobject_put(&group->kobj);
}
