// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: files, ioctls, mmap, poll.
 *
 * Model
 *
 *   A file is bound to the task of its opener. Whoever holds it may read that
 *   task's books; only the task itself may report, set up and map its ring.
 *   An ioctl's structure is copied in whole, checked, handed to a handler, and
 *   copied out as far as the caller knows it.
 */

#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "audit.h"
#include "device.h"
#include "drain.h"
#include "params.h"
#include "sysfs.h"
#include "task.h"
#include "totals.h"

/**
 * struct ms_file - an open file
 * @task:	the books it is bound to
 * @events:	how many of the task's events its reader has seen
 */
struct ms_file {
	struct ms_task *task;
	u64 events;
};

/* May the caller report? */
static int file_may_report(const struct ms_file *file)
{
	if (READ_ONCE(file->task->gone))
		return -ESRCH;
	return ms_task_is_current(file->task) ? 0 : -EPERM;
}

static void file_seen(struct ms_file *file)
{
	WRITE_ONCE(file->events, READ_ONCE(file->task->events));
}

/* ---- handlers: the structure is private and its flags are checked -------- */

static int do_query(struct ms_file *file, void *arg)
{
	struct memstate_query *q = arg;

	if (q->__reserved)
		return -EINVAL;
	*q = (struct memstate_query) {
		.abi_version = MEMSTATE_ABI_VERSION,
		.page_size = PAGE_SIZE,
		.ring_entries_default = ms_param_ring_entries,
		.ring_entries_max = ms_param_ring_entries_max,
		.ranges_max = READ_ONCE(ms_param_ranges_max),
		.records_max = ms_param_records_max,
		.unmaps_max = ms_param_unmaps_max,
	};
	return 0;
}

static int do_setup(struct ms_file *file, void *arg)
{
	struct memstate_setup *s = arg;
	struct ms_task *task = file->task;
	struct ms_books books;
	int ret;

	ret = file_may_report(file);
	if (ret)
		return ret;
	if (s->ring_entries && (s->ring_entries < 2 ||
				!is_power_of_2(s->ring_entries) ||
				s->ring_entries > ms_param_ring_entries_max))
		return -EINVAL;

	ret = ms_books_lock(&books, task);
	if (ret)
		return ret;
	ret = ms_task_setup(task, s->ring_entries);
	ms_books_unlock(&books);
	if (ret)
		return ret;
	*s = (struct memstate_setup) {
		.ring_entries = task->ring->entries,
		.records_offset = PAGE_SIZE,
		.ring_bytes = ms_ring_bytes(task->ring),
		.totals_bytes = PAGE_SIZE,
	};
	return 0;
}

static int do_sync(struct ms_file *file, void *arg)
{
	struct memstate_sync *s = arg;
	struct ms_task *task = file->task;
	struct ms_drain drain;
	int ret;

	ret = file_may_report(file);
	if (ret)
		return ret;
	if (!ms_task_ring(task))
		return -ENXIO;
	ret = ms_drain_own(task, &drain);
	if (ret)
		return ret;
	*s = (struct memstate_sync) {
		.head = READ_ONCE(task->head),
		.drained = drain.drained,
		.rejected = drain.rejected,
		.error = drain.error,
		.error_pos = drain.error_pos,
	};
	s->pending = ms_ring_tail(task->ring, s->head) - s->head;
	return 0;
}

static int do_transition(struct ms_file *file, void *arg)
{
	struct memstate_transition *t = arg;
	struct memstate_record *records;
	int ret;

	ret = file_may_report(file);
	if (ret)
		return ret;
	t->done = 0;
	if (!t->nr || t->nr > ms_param_records_max)
		return -EINVAL;

	records = kvmalloc_array(t->nr, sizeof(*records), GFP_KERNEL_ACCOUNT);
	if (!records)
		return -ENOMEM;
	if (copy_from_user(records, u64_to_user_ptr(t->records),
			   t->nr * sizeof(*records)))
		ret = -EFAULT;
	else
		ret = ms_drain_records(file->task, records, t->nr, &t->done);
	kvfree(records);
	return ret;
}

static int do_totals(struct ms_file *file, void *arg)
{
	struct memstate_get_totals *t = arg;

	if (t->__reserved)
		return -EINVAL;
	switch (t->scope) {
	case MEMSTATE_SCOPE_TASK:
		file_seen(file);
		return ms_drain_totals(file->task, &t->totals);
	case MEMSTATE_SCOPE_SYSTEM:
		ms_drain_all();
		ms_totals_read(&t->totals);
		return 0;
	default:
		return -EINVAL;
	}
}

/* Collect ranges from the cursor on: one view, as the lock is held. */
static int ranges_collect(struct ms_task *task, struct memstate_ranges *r,
			  struct memstate_range *ranges, u32 nr)
{
	struct ms_drain drain = {};
	struct ms_books books;
	u64 addr = r->cursor;
	int ret;

	r->cursor = 0;
	r->done = 0;
	r->transitions = 0;
	ret = ms_books_lock(&books, task);
	if (ret)
		return ret == -ESRCH ? 0 : ret;
	ms_books_drain(&books, &drain);
	while (ms_ledger_next(&task->ledger, addr, &ranges[r->done])) {
		addr = ranges[r->done].end;
		if (++r->done == nr) {
			struct memstate_range more;

			if (ms_ledger_next(&task->ledger, addr, &more))
				r->cursor = addr;
			break;
		}
	}
	r->transitions = task->totals.transitions + task->totals.unmaps;
	ms_books_unlock(&books);
	return 0;
}

static int do_ranges(struct ms_file *file, void *arg)
{
	struct memstate_ranges *r = arg;
	u32 nr = min(r->nr, ms_param_records_max);
	struct memstate_range *ranges;
	int ret;

	if (!nr)
		return -EINVAL;
	ranges = kvmalloc_array(nr, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;
	file_seen(file);
	ret = ranges_collect(file->task, r, ranges, nr);
	if (!ret && copy_to_user(u64_to_user_ptr(r->ranges), ranges,
				 r->done * sizeof(*ranges)))
		ret = -EFAULT;
	kvfree(ranges);
	return ret;
}

static int do_audit(struct ms_file *file, void *arg)
{
	struct memstate_audit *a = arg;
	u32 given = a->nr;
	struct memstate_finding *findings;
	int ret;

	a->nr = min(given, ms_param_records_max);
	if (!a->nr)
		return -EINVAL;
	findings = kvmalloc_array(a->nr, sizeof(*findings), GFP_KERNEL_ACCOUNT);
	if (!findings)
		return -ENOMEM;
	a->done = 0;
	a->checked_bytes = 0;
	ret = ms_audit(file->task, a, findings);
	if (!ret && copy_to_user(u64_to_user_ptr(a->findings), findings,
				 a->done * sizeof(*findings)))
		ret = -EFAULT;
	a->nr = given;
	kvfree(findings);
	return ret;
}

/* ---- ioctl dispatch ------------------------------------------------------ */

/*
 * What each ioctl takes. Each structure begins with __u32 size, __u32 flags; no
 * flag is defined yet. A caller that knows less than @size_min is no caller of
 * any version.
 */
static const struct ms_ioctl {
	unsigned int cmd;
	u32 size;
	u32 size_min;
	bool out_on_error;
	int (*handler)(struct ms_file *file, void *arg);
} ms_ioctls[] = {
	{ MEMSTATE_IOC_QUERY, sizeof(struct memstate_query),
	  sizeof(struct memstate_query), false, do_query },
	{ MEMSTATE_IOC_SETUP, sizeof(struct memstate_setup),
	  sizeof(struct memstate_setup), false, do_setup },
	{ MEMSTATE_IOC_SYNC, sizeof(struct memstate_sync),
	  sizeof(struct memstate_sync), false, do_sync },
	{ MEMSTATE_IOC_TRANSITION, sizeof(struct memstate_transition),
	  sizeof(struct memstate_transition), true, do_transition },
	{ MEMSTATE_IOC_TOTALS, sizeof(struct memstate_get_totals),
	  sizeof(struct memstate_get_totals), false, do_totals },
	{ MEMSTATE_IOC_RANGES, sizeof(struct memstate_ranges),
	  sizeof(struct memstate_ranges), false, do_ranges },
	{ MEMSTATE_IOC_AUDIT, sizeof(struct memstate_audit),
	  sizeof(struct memstate_audit), false, do_audit },
};

/* The head of every structure. */
struct ms_ioctl_head {
	u32 size;
	u32 flags;
};

union ms_ioctl_arg {
	struct ms_ioctl_head head;
	struct memstate_query query;
	struct memstate_setup setup;
	struct memstate_sync sync;
	struct memstate_transition transition;
	struct memstate_get_totals totals;
	struct memstate_ranges ranges;
	struct memstate_audit audit;
};

static long ioctl_run(const struct ms_ioctl *ioc, struct ms_file *file,
		      void __user *user)
{
	union ms_ioctl_arg arg;
	u32 size;
	int ret, out;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < ioc->size_min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	memset(&arg, 0, sizeof(arg));
	ret = copy_struct_from_user(&arg, ioc->size, user, size);
	if (ret)
		return ret;
	if (arg.head.flags)
		return -EINVAL;

	ret = ioc->handler(file, &arg);
	if (ret && !ioc->out_on_error)
		return ret;
	arg.head.size = ioc->size;
	out = copy_to_user(user, &arg, min(size, ioc->size)) ? -EFAULT : 0;
	return ret ?: out;
}

static long memstate_ioctl(struct file *filp, unsigned int cmd,
			   unsigned long user)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ms_ioctls); i++) {
		if (ms_ioctls[i].cmd == cmd)
			return ioctl_run(&ms_ioctls[i], filp->private_data,
					 (void __user *)user);
	}
	return -ENOTTY;
}

/* ---- the other file operations ------------------------------------------- */

static int memstate_open(struct inode *inode, struct file *filp)
{
	struct ms_file *file;
	struct ms_task *task;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	task = ms_task_open();
	if (IS_ERR(task)) {
		kfree(file);
		return PTR_ERR(task);
	}
	file->task = task;
	file_seen(file);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int memstate_release(struct inode *inode, struct file *filp)
{
	struct ms_file *file = filp->private_data;

	ms_task_close(file->task);
	kfree(file);
	return 0;
}

static int memstate_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct ms_file *file = filp->private_data;
	struct ms_ring *ring;
	int ret;

	ret = file_may_report(file);
	if (ret)
		return ret;
	ring = ms_task_ring(file->task);
	return ring ? ms_ring_mmap(ring, vma) : -ENXIO;
}

static __poll_t memstate_poll(struct file *filp, poll_table *wait)
{
	struct ms_file *file = filp->private_data;
	struct ms_task *task = file->task;
	__poll_t mask = 0;

	poll_wait(filp, &task->wait, wait);
	if (READ_ONCE(task->gone))
		mask |= EPOLLHUP;
	if (READ_ONCE(task->events) != READ_ONCE(file->events))
		mask |= EPOLLPRI;
	return mask;
}

static const struct file_operations memstate_fops = {
	.owner = THIS_MODULE,
	.open = memstate_open,
	.release = memstate_release,
	.mmap = memstate_mmap,
	.poll = memstate_poll,
	.unlocked_ioctl = memstate_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice memstate_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memstate",
	.fops = &memstate_fops,
	.mode = 0666,
	.groups = ms_sysfs_groups,
};

/**
 * ms_device_register() - make /dev/memstate
 *
 * Context: module init. Return: 0 or a negative errno.
 */
int ms_device_register(void)
{
	return misc_register(&memstate_misc);
}

/**
 * ms_device_unregister() - take it away
 *
 * Context: module exit.
 */
void ms_device_unregister(void)
{
	misc_deregister(&memstate_misc);
}

/**
 * ms_device_kobj() - the device's directory in sysfs
 *
 * Context: after ms_device_register(). Return: the directory.
 */
struct kobject *ms_device_kobj(void)
{
	return &memstate_misc.this_device->kobj;
}
