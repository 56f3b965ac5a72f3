/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel asks us: before an address space grows, gives memory back, or ends.
 *
 * Model
 *
 *   Entry hooks by ftrace, at functions that every way to more memory goes through. A hook
 *   lets the function run, or has it return a refusal in place of running; it never calls
 *   it, and never sleeps. What a growth is, is told from its arguments and from what is
 *   mapped there; what is made of it is the user's, by a table of functions. Nothing is
 *   known here of books.
 *
 *     mmap_region       every mapping: whoever maps, and whatever for
 *     may_expand_vm     brk, mremap, mprotect that makes writable
 *     cgroup_can_fork   a child has all that it needs, and nobody has seen it yet
 *     do_madvise        memory is given back
 *     exit_mmap         an address space ends
 *
 *   Tracepoints tell of processes that are born, threads that exit, and tasks moved between
 *   cgroups.
 *
 *   All or none: what a kernel does not have, what another holds, and what does not pass
 *   through a hook that it should pass (prove.h), is said by name, and then there are none.
 *   The first three change where a function goes on, which one user alone can do at a
 *   time: a livepatch of one of them keeps us out, and we keep it out until the hooks are
 *   taken away. Others who only look, tracers and probes, are not in the way.
 *
 * Locking
 *
 *   mmap_lock         write, by the kernel, where an address space grows
 *
 *   RCU               hooks and tracepoints run under its read lock: they may be preempted
 *                     where the kernel can be, and never sleep. When ms_hooks_clear()
 *                     returns none of them runs any more: it waits for RCU, and ftrace for
 *                     all tasks (synchronize_rcu_tasks()) before its trampolines go.
 *
 * Races
 *
 *   mprotect asks also where writable memory stays so, and does not tell: then a growth is
 *   told that does not come. If that is refused mprotect goes on all the same.
 */
#ifndef MS_HOOKS_H
#define MS_HOOKS_H

#include <linux/types.h>

#include "core/observe.h"

struct cgroup;
struct mm_struct;
struct ms_observed;
struct task_struct;

/**
 * struct ms_hooks_user - what is asked and told; none of it sleeps
 * @knows:	what is known of this address space, which is the caller's; NULL: it does not
 *		matter; an error: all is to be refused. RCU read lock held, as with the next two
 * @grow:	may it grow so? Kind and bytes are set; its mmap_lock is held for writing.
 *		false: it is refused with ENOMEM; where it may be asked twice (@twice), if the
 *		second answer is not false, too, or @refused is called
 * @refused:	was its last growth of those that may be asked twice refused? That is final
 * @bear:	may this child be born, another process than the caller, its cgroup the parent's
 *		or, if @elsewhere, another? false: its parent's fork fails with ENOMEM
 * @give:	memory is about to be given back, perhaps another's; true: it is to be
 *		dropped at once where the program only allows that (MADV_FREE)
 * @end:	one is about to end, known or not, and nobody uses it any more
 * @fork:	a process is born of the caller, and has not run; it has an address space of its
 *		own, or borrows the caller's
 * @exit:	a thread exits; the caller
 * @move:	a task has another cgroup; interrupts are off
 */
struct ms_hooks_user {
	struct ms_observed *(*knows)(struct mm_struct *mm);
	bool (*grow)(struct ms_observed *known, struct ms_growth *g, bool twice);
	bool (*refused)(struct ms_observed *known);
	bool (*bear)(struct task_struct *child, bool elsewhere);
	bool (*give)(struct mm_struct *mm);
	void (*end)(struct mm_struct *mm);
	void (*fork)(struct task_struct *child);
	void (*exit)(struct task_struct *task);
	void (*move)(struct task_struct *task, struct cgroup *to);
};

int ms_hooks_set(const struct ms_hooks_user *user);
void ms_hooks_clear(void);
ssize_t ms_hooks_show(char *buf);

#endif /* MS_HOOKS_H */
