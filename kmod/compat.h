/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernels, written so that the rest reads as for the
 * newest one. Kbuild asks the headers; only this file reads the answers.
 */
#ifndef MS_COMPAT_H
#define MS_COMPAT_H

#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/percpu_counter.h>
#ifdef MS_HAVE_EXEC_STATE
#include <linux/sched/exec_state.h>
#else
#include <linux/sched/coredump.h>
#endif
#include <linux/sched/signal.h>
#ifdef MS_HAVE_URING_CMD_H
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

#ifndef MS_HAVE_VM_FLAGS_SET
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#ifdef MS_HAVE_CONST_OWNERSHIP
#define MS_OWNERSHIP_CONST const
#else
#define MS_OWNERSHIP_CONST
#endif

#ifndef MS_HAVE_MNT_IDMAP
#define file_mnt_idmap(file)	file_mnt_user_ns(file)
#endif

/* What an SQE carries: shared with userspace, or a copy. */
static inline const void *ms_uring_payload(const struct io_uring_cmd *cmd)
{
#ifdef MS_HAVE_URING_SQE
	return cmd->sqe->cmd;
#else
	return cmd->cmd;
#endif
}

static inline void ms_uring_done(struct io_uring_cmd *cmd, int ret,
				 unsigned int issue_flags)
{
#ifdef MS_HAVE_URING_DONE_RES2
	io_uring_cmd_done(cmd, ret, 0, issue_flags);
#else
	io_uring_cmd_done(cmd, ret, issue_flags);
#endif
}

/* Bytes that a mm's counters may be off by, where they are read and not summed. */
static inline u64 ms_mm_slack(struct mm_struct *mm)
{
#ifdef MS_HAVE_MM_COUNTER_SUM
	return 2 * (u64)percpu_counter_batch * num_online_cpus() << PAGE_SHIFT;
#else
	/* Each thread keeps up to 64 pages to itself. */
	return (u64)atomic_read(&mm->mm_users) * 65 << PAGE_SHIFT;
#endif
}

/* Whom the kernel takes for the owner of a mm, or NULL. Under RCU. */
static inline struct task_struct *ms_mm_owner(const struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	return rcu_dereference(mm->owner);
#else
	return NULL;
#endif
}

#ifndef MS_HAVE_MM_COUNTER_SUM
/* What a mm's threads keep to themselves, of whom its owner is one. Under RCU. */
static inline long ms_mm_kept(struct mm_struct *mm)
{
	long kept = 0;
#ifdef SPLIT_RSS_COUNTING
	struct task_struct *owner = ms_mm_owner(mm), *t;

	if (owner)
		for_each_thread(owner, t)
			if (READ_ONCE(t->mm) == mm)
				kept += READ_ONCE(t->rss_stat.count[MM_ANONPAGES]) +
					READ_ONCE(t->rss_stat.count[MM_SWAPENTS]);
#endif
	return kept;
}
#endif

/* Bytes of a mm that are resident and anonymous, or swapped out. Under RCU. */
static inline u64 ms_mm_backed(struct mm_struct *mm, bool exact)
{
	long pages = 0;

	if (!exact) {
		pages = get_mm_counter(mm, MM_ANONPAGES) + get_mm_counter(mm, MM_SWAPENTS);
	} else {
#ifdef MS_HAVE_MM_COUNTER_SUM
		pages = get_mm_counter_sum(mm, MM_ANONPAGES) +
			get_mm_counter_sum(mm, MM_SWAPENTS);
#else
		pages = atomic_long_read(&mm->rss_stat.count[MM_ANONPAGES]) +
			atomic_long_read(&mm->rss_stat.count[MM_SWAPENTS]) + ms_mm_kept(mm);
#endif
	}
	return pages > 0 ? (u64)pages << PAGE_SHIFT : 0;
}

/* The pid that a pidfd means; it is one. */
static inline struct pid *ms_pidfd_pid(const struct file *file)
{
#ifdef PID_FS_MAGIC
	if (file_inode(file)->i_sb->s_magic == PID_FS_MAGIC)
		return file_inode(file)->i_private;
#endif
	return file->private_data;
}

/* Who may look at an image, whose mm this is: its owner; what capabilities are asked in. RCU. */
#ifdef MS_HAVE_EXEC_STATE
static inline bool ms_task_dumpable(struct task_struct *task, struct mm_struct *mm)
{
	const struct task_exec_state *state = rcu_dereference(task->exec_state);

	return state && READ_ONCE(state->dumpable) == TASK_DUMPABLE_OWNER;
}

static inline struct user_namespace *ms_task_user_ns(struct task_struct *task,
						     struct mm_struct *mm)
{
	const struct task_exec_state *state = rcu_dereference(task->exec_state);

	return state ? state->user_ns : &init_user_ns;
}
#else
static inline bool ms_task_dumpable(struct task_struct *task, struct mm_struct *mm)
{
	return get_dumpable(mm) == SUID_DUMP_USER;
}

static inline struct user_namespace *ms_task_user_ns(struct task_struct *task,
						     struct mm_struct *mm)
{
	return mm->user_ns;
}
#endif

/* Functions are hooked where their arguments can be read, and the way out be chosen. */
#if defined(CONFIG_X86_64) && defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && \
	!defined(CONFIG_PREEMPT_RT)
#define MS_CAN_HOOK

#include <linux/ftrace.h>
#include <linux/sched/task_stack.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

/* What has been saved of them: arguments, and where to go on. */
static __always_inline struct pt_regs *ms_ftrace_regs(struct ftrace_regs *fregs)
{
#ifdef MS_HAVE_ARCH_FTRACE_REGS
	return &arch_ftrace_regs(fregs)->regs;
#else
	return &fregs->regs;
#endif
}

/* may_expand_vm() takes flags, or a pointer to them: no flags look like a kernel's address. */
static inline unsigned long ms_expand_flags(unsigned long arg)
{
	return (long)arg < 0 ? *(const unsigned long *)arg : arg;
}

/* The flags that mmap was called with; false: the caller is not in mmap. */
static inline bool ms_mmap_flags(unsigned long *flags)
{
	const struct pt_regs *regs = current_pt_regs();

	if (in_ia32_syscall() || syscall_get_nr(current, (struct pt_regs *)regs) != __NR_mmap)
		return false;
	*flags = regs->r10;
	return true;
}

/* What the tracepoint of a thread's exit tells. */
#ifdef MS_HAVE_EXIT_GROUP_DEAD
#define MS_EXIT_TELLS	struct task_struct *task, bool last
#else
#define MS_EXIT_TELLS	struct task_struct *task
#endif

/* Since 6.13; older kernels refuse it. */
#define MS_MADV_GUARD_INSTALL	102

#endif /* MS_CAN_HOOK */

#endif /* MS_COMPAT_H */
