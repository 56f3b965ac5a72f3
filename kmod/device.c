// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: files, mmap, poll, fdinfo.
 *
 * Model
 *
 *   A file is bound to the task of its opener, and watches that, or a group if told
 *   so by WATCH. What may be asked of it is in call.c, and in uring.c by io_uring.
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
	mutex_init(&file->lock);
	ms_file_seen(file);
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int memstate_release(struct inode *inode, struct file *filp)
{
	struct ms_file *file = filp->private_data;

	ms_file_end(file);
	ms_task_close(file->task);
	kfree(file);
	return 0;
}

static int memstate_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct ms_file *file = filp->private_data;
	struct ms_shards *shards;
	struct ms_ring *ring;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	ring = ms_task_ring(file->task);
	if (!ring)
		return -ENXIO;
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if ((u64)vma->vm_pgoff << PAGE_SHIFT != MEMSTATE_OFF_SHARDS)
		return ms_ring_mmap(ring, vma);
	shards = ms_task_shards(file->task);
	return shards ? ms_shards_mmap(shards, vma) : -ENXIO;
}

static __poll_t memstate_poll(struct file *filp, poll_table *wait)
{
	struct ms_file *file = filp->private_data;
	/* Acquire: as in ms_file_events(). */
	struct ms_group *group = smp_load_acquire(&file->watched);
	__poll_t mask = 0;

	poll_wait(filp, group ? &group->wait : &file->task->wait, wait);
	if (group ? !READ_ONCE(group->listed) : READ_ONCE(file->task->gone))
		mask |= EPOLLHUP;
	if (ms_file_events(file) != READ_ONCE(file->seen))
		mask |= EPOLLPRI;
	return mask;
}

static long memstate_ioctl(struct file *filp, unsigned int cmd,
			   unsigned long arg)
{
	return ms_call(filp->private_data, cmd, (void __user *)arg);
}

/*
 * /proc/PID/fdinfo/FD: whose books these are, as a descriptor may be inherited, or passed on.
 * 0: they are closed, or those of a process that the reader cannot see.
 */
static void memstate_show_fdinfo(struct seq_file *m, struct file *filp)
{
	struct ms_file *file = filp->private_data;
	/* Acquire: as in ms_file_events(). Set once. */
	struct ms_group *group = smp_load_acquire(&file->watched);
	pid_t pid = 0;

	if (!READ_ONCE(file->task->gone))
		pid = pid_nr_ns(file->task->tgid, proc_pid_ns(file_inode(m->file)->i_sb));
	seq_printf(m, "memstate-pid:\t%d\n", pid);
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
