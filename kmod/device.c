// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: files, mmap, poll, fdinfo.
 *
 * Model
 *
 *   What a file is bound to is in file.c. It watches that, or a group if told so by
 *   WATCH. What may be asked of it is in call.c, and in uring.c by io_uring.
 */

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "call.h"
#include "device.h"
#include "group.h"
#include "sysfs.h"
#include "task.h"
#include "uring.h"

/* All is there that belongs to the device. */
static bool ms_device_ready;

/* Below the mutex of all misc devices: what waits here makes everybody wait. */
static int memstate_open(struct inode *inode, struct file *filp)
{
	/* Acquire: pairs with the release in ms_device_begin(). */
	if (!smp_load_acquire(&ms_device_ready))
		return -ENODEV;
	return ms_file_open(filp) ?: nonseekable_open(inode, filp);
}

static int memstate_release(struct inode *inode, struct file *filp)
{
	ms_file_release(filp);
	return 0;
}

static int memstate_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct ms_file *file = ms_file_peek(filp);
	struct ms_task *task = file ? ms_file_bound(file) : NULL;
	struct ms_shards *shards;
	struct ms_ring *ring;

	/* Nothing has been set up. To bind it here would be to wait, with mmap_lock held. */
	if (!task)
		return -ENXIO;
	if (READ_ONCE(task->gone))
		return -ESRCH;
	if (!ms_task_is_current(task))
		return -EPERM;
	ring = ms_task_ring(task);
	if (!ring)
		return -ENXIO;
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if ((u64)vma->vm_pgoff << PAGE_SHIFT != MEMSTATE_OFF_SHARDS) {
		int ret = ms_ring_mmap(ring, vma);

		/*
		 * Before anything can be posted. Until a reader has found it idle; without
		 * the doorbell, for good.
		 */
		if (ring->mapped)
			ms_pending_mark(&task->pending, MS_PENDING_DRAIN);
		return ret;
	}
	shards = ms_task_shards(task);
	return shards ? ms_shards_mmap(shards, vma) : -ENXIO;
}

/*
 * It waits for nothing: epoll may hold a mutex of its own that is one for all. So it does not
 * begin books, and where there is nothing to watch yet it says so.
 */
static __poll_t memstate_poll(struct file *filp, poll_table *wait)
{
	struct ms_file *file = ms_file_peek(filp);
	/* Acquire: as in ms_file_events(). */
	struct ms_group *group = file ? smp_load_acquire(&file->watched) : NULL;
	struct ms_task *task = file ? ms_file_bound(file) : NULL;
	__poll_t mask = 0;

	if (!group && !task)
		return EPOLLERR;
	poll_wait(filp, group ? &group->wait : &task->wait, wait);
	if (group ? !READ_ONCE(group->listed) : READ_ONCE(task->gone))
		mask |= EPOLLHUP;
	if (ms_file_events(file) != READ_ONCE(file->seen))
		mask |= EPOLLPRI;
	return mask;
}

static long memstate_ioctl(struct file *filp, unsigned int cmd,
			   unsigned long arg)
{
	struct ms_file *file = ms_file_of(filp);

	return IS_ERR(file) ? PTR_ERR(file) : ms_call(file, cmd, (void __user *)arg);
}

/*
 * /proc/PID/fdinfo/FD: whose books these are, as a descriptor may be inherited, or passed on.
 * 0: they are closed or have not begun, or are those of a process that the reader cannot see.
 */
static void memstate_show_fdinfo(struct seq_file *m, struct file *filp)
{
	struct ms_file *file = ms_file_peek(filp);
	struct ms_task *task = file ? ms_file_bound(file) : NULL;
	/* Acquire: as in ms_file_events(). Set once. */
	struct ms_group *group = file ? smp_load_acquire(&file->watched) : NULL;
	u64 serial = 0;
	pid_t pid = 0;

	if (task && !READ_ONCE(task->gone)) {
		pid = pid_nr_ns(task->tgid, proc_pid_ns(file_inode(m->file)->i_sb));
		serial = task->serial;
	}
	seq_printf(m, "memstate-pid:\t%d\n", pid);
	seq_printf(m, "memstate-books:\t%llu\n", serial);
	if (group)
		seq_printf(m, "memstate-watched:\t%llu\n", group->id);
}

static const struct file_operations memstate_fops = {
	.owner = THIS_MODULE,
	.open = memstate_open,
	.release = memstate_release,
	.mmap = memstate_mmap,
	.poll = memstate_poll,
	.unlocked_ioctl = memstate_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = ms_uring_cmd,
	.show_fdinfo = memstate_show_fdinfo,
};

static struct miscdevice memstate_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memstate",
	.fops = &memstate_fops,
	.mode = 0666,
	.groups = ms_sysfs_groups,
};

/**
 * ms_device_register() - make /dev/memstate, which cannot be opened yet
 *
 * Nothing that comes after it may fail: who tries to open the device is in our code.
 *
 * Context: module init. Return: 0 or a negative errno.
 */
int ms_device_register(void)
{
	return misc_register(&memstate_misc);
}

/**
 * ms_device_begin() - let it be opened
 *
 * Context: module init, when all else is there.
 */
void ms_device_begin(void)
{
	/* Release: pairs with the acquire in memstate_open(). */
	smp_store_release(&ms_device_ready, true);
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
