// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kallsyms.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>

#include "compat.h"
#include "process.h"

/* Whether a descriptor is a pidfd: by name, as its operations are not for modules. */
static bool is_pidfd(const struct file *file)
{
	char name[KSYM_SYMBOL_LEN];

	if (!file->f_op->show_fdinfo)
		return false;
	sprint_symbol_no_offset(name, (unsigned long)file->f_op->show_fdinfo);
	return !strcmp(name, "pidfd_show_fdinfo");
}

/* A reference to what the descriptor means. */
static struct pid *pid_of_fd(int fd)
{
	struct file *file = fget(fd);
	struct pid *pid = ERR_PTR(-EBADF);

	if (!file)
		return pid;
	if (is_pidfd(file))
		pid = get_pid(ms_pidfd_pid(file));
	fput(file);
	return pid;
}

/* The kernel's rule for /proc, without a security module's consent. Under RCU. */
static bool may_look(struct task_struct *task, struct mm_struct *mm, bool addresses)
{
	const struct cred *me = current_cred(), *it = __task_cred(task);
	struct user_namespace *ns = ms_task_user_ns(task, mm);

	if (same_thread_group(task, current))
		return true;
	if (ns_capable(ns, CAP_SYS_PTRACE) && ns_capable(it->user_ns, CAP_SYS_PTRACE))
		return true;
	return !addresses && ms_task_dumpable(task, mm) && me->user_ns == it->user_ns &&
	       uid_eq(me->fsuid, it->uid) && uid_eq(me->fsuid, it->euid) &&
	       uid_eq(me->fsuid, it->suid) && gid_eq(me->fsgid, it->gid) &&
	       gid_eq(me->fsgid, it->egid) && gid_eq(me->fsgid, it->sgid) &&
	       cap_issubset(it->cap_permitted, me->cap_effective);
}

/* A thread that has memory: a leader that has exited has none. */
static struct task_struct *thread_of(struct task_struct *leader, struct mm_struct **mm)
{
	struct task_struct *thread, *found = NULL;

	rcu_read_lock();
	for_each_thread(leader, thread) {
		*mm = get_task_mm(thread);
		if (*mm) {
			found = get_task_struct(thread);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static int process_look(struct ms_process *p, struct task_struct *leader, bool addresses)
{
	bool may;

	p->task = thread_of(leader, &p->mm);
	if (!p->task)
		return -ESRCH;
	rcu_read_lock();
	may = may_look(p->task, p->mm, addresses);
	rcu_read_unlock();
	if (may)
		return 0;
	ms_process_put(p);
	return -EACCES;
}

/**
 * ms_process_get() - the process of a pidfd, for who may look at it
 * @p:		where to put it
 * @fd:		the pidfd
 * @addresses:	where its memory lies is to be told, and not only how much it is
 *
 * Context: process; may sleep. Return: 0, to be given back by ms_process_put(); -EBADF: not
 * a pidfd; -ESRCH: it has no memory; -EACCES: the caller may not look at it; -EINTR: killed.
 */
int ms_process_get(struct ms_process *p, int fd, bool addresses)
{
	struct pid *pid = pid_of_fd(fd);
	struct task_struct *leader;
	int ret;

	if (IS_ERR(pid))
		return PTR_ERR(pid);
	leader = get_pid_task(pid, PIDTYPE_PID);
	put_pid(pid);
	if (!leader)
		return -ESRCH;
	ret = down_read_killable(&leader->signal->exec_update_lock);
	if (!ret) {
		ret = process_look(p, leader, addresses);
		up_read(&leader->signal->exec_update_lock);
	}
	put_task_struct(leader);
	return ret;
}

/**
 * ms_process_put() - undo ms_process_get()
 * @p: what it gave
 *
 * Context: process; may sleep.
 */
void ms_process_put(struct ms_process *p)
{
	mmput(p->mm);
	put_task_struct(p->task);
}
