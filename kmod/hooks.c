// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/printk.h>

#include "compat.h"
#include "hooks.h"

#ifdef MS_CAN_HOOK

#include <linux/ftrace.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/tracepoint.h>
#include <trace/events/cgroup.h>
#include <trace/events/sched.h>

#include "growth.h"
#include "prove.h"

/* Mappings looked at, to see whether all of a range is anonymous. */
#define ANONYMOUS_MOST	1024

static const struct ms_hooks_user *hooks_user;

/* ---- the hooks ----------------------------------------------------------------------- */

/* What runs in place of the function; it returns to who has called that. */
static notrace unsigned long refused(void)
{
	return -ENOMEM;
}

static notrace bool expand_refused(void)
{
	return false;
}

static notrace bool expand_granted(void)
{
	return true;
}

/*
 * This and the next are called most, and do without ftrace's protection against recursion, which
 * is a sixth of what they cost: they are called by processes alone, with the mmap_lock held, and
 * what they call maps nothing.
 */
static void notrace hook_region(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ms_ftrace_regs(fregs);
	struct ms_observed *known;
	struct ms_growth g;

	rcu_read_lock();
	known = hooks_user->knows(current->mm);
	if (ms_proof_is_mine())
		ms_proof_saw(MS_PROOF_REGION, regs->di, regs->dx, ms_growth_is_data(regs->cx));
	else if (known &&
		 ms_growth_of_mmap(&g, (struct file *)regs->di, regs->si, regs->dx, regs->cx) &&
		 !hooks_user->grow(known, &g, false))
		regs->ip = (unsigned long)refused;
	rcu_read_unlock();
}

/*
 * mprotect asks twice: with the new flags, and if those are refused with the old ones; it
 * goes on where these are refused, too, as then it changes nothing that counts. So whoever
 * was refused by us, and would not have been by the kernel, is granted the second.
 */
static void expand_protect(struct pt_regs *regs, struct ms_observed *known, unsigned long flags)
{
	struct ms_growth g;

	if (ms_growth_of_expand(&g, flags, regs->dx, MS_SITE_MPROTECT)) {
		if (!hooks_user->grow(known, &g, true))
			regs->ip = (unsigned long)expand_refused;
	} else if (!(flags & VM_WRITE) && hooks_user->refused(known)) {
		regs->ip = (unsigned long)expand_granted;
	}
}

static void notrace hook_expand(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ms_ftrace_regs(fregs);
	struct mm_struct *mm = (struct mm_struct *)regs->di;
	unsigned long flags = ms_expand_flags(regs->si);
	struct ms_observed *known;
	struct ms_growth g;

	rcu_read_lock();
	known = hooks_user->knows(mm);
	if (ms_proof_is_mine()) {
		ms_proof_saw(MS_PROOF_FRESH + ms_site_of(parent_ip), regs->di, regs->dx,
			     ms_growth_is_data(flags));
	} else if (known && mm == current->mm) {
		switch (ms_site_of(parent_ip)) {
		case MS_SITE_MMAP:
			break;
		case MS_SITE_MPROTECT:
			expand_protect(regs, known, flags);
			break;
		default:
			if (ms_growth_of_expand(&g, flags, regs->dx, MS_SITE_FRESH) &&
			    !hooks_user->grow(known, &g, false))
				regs->ip = (unsigned long)expand_refused;
		}
	}
	rcu_read_unlock();
}

/* Whether all of a range is anonymous: only there MADV_FREE is allowed. */
static bool is_anonymous(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	struct vm_area_struct *vma;
	unsigned int most = ANONYMOUS_MOST;
	struct vma_iterator vmi;
	bool anonymous = true;

	if (!mmap_read_trylock(mm))
		return false;
	vma_iter_init(&vmi, mm, start);
	for_each_vma_range(vmi, vma, start + PAGE_ALIGN(len)) {
		anonymous = vma_is_anonymous(vma) && --most;
		if (!anonymous)
			break;
	}
	mmap_read_unlock(mm);
	return anonymous;
}

static void notrace hook_madvise(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ms_ftrace_regs(fregs);
	struct mm_struct *mm = (struct mm_struct *)regs->di;
	int advice = regs->cx, bit;

	switch (advice) {
	case MADV_FREE:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_REMOVE:
	case MADV_PAGEOUT:
	case MS_MADV_GUARD_INSTALL:
		break;
	default:
		return;
	}
	bit = ftrace_test_recursion_trylock(ip, parent_ip);
	if (bit < 0)
		return;
	if (ms_proof_is_mine())
		ms_proof_saw(MS_PROOF_MADVISE, regs->si, regs->dx, advice);
	/* The kernel may drop what was freed so at any time; now is one. */
	else if (hooks_user->give(mm) && advice == MADV_FREE &&
		 is_anonymous(mm, regs->si, regs->dx))
		regs->cx = MADV_DONTNEED;
	ftrace_test_recursion_unlock(bit);
}

static void notrace hook_exit(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct mm_struct *mm = (struct mm_struct *)ms_ftrace_regs(fregs)->di;
	int bit = ftrace_test_recursion_trylock(ip, parent_ip);

	if (bit < 0)
		return;
	if (ms_proving())
		ms_proof_saw(MS_PROOF_EXIT, (unsigned long)current,
			     atomic_read(&mm->mm_users), 0);
	hooks_user->end(mm);
	ftrace_test_recursion_unlock(bit);
}

/* The child has not been seen by anybody yet; threads, and who has no address space, are none. */
static void notrace hook_fork(unsigned long ip, unsigned long parent_ip,
			      struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ms_ftrace_regs(fregs);
	struct task_struct *child = (struct task_struct *)regs->di;
	const struct kernel_clone_args *args = (const struct kernel_clone_args *)regs->si;
	int bit;

	if ((!child->mm || same_thread_group(child, current)) && !ms_proving())
		return;
	bit = ftrace_test_recursion_trylock(ip, parent_ip);
	if (bit < 0)
		return;
	if (ms_proving())
		ms_proof_saw(MS_PROOF_FORK, (unsigned long)child, 0, 0);
	if (child->mm && !same_thread_group(child, current) &&
	    !hooks_user->bear(child, args->flags & CLONE_INTO_CGROUP))
		regs->ip = (unsigned long)refused;
	ftrace_test_recursion_unlock(bit);
}

/* What became of a hook. */
enum hook_state {
	HOOK_OFF,
	HOOK_SET,
	HOOK_MISSING,
	HOOK_HELD,
	HOOK_DISABLED,
	HOOK_UNPROVED,
	HOOK_FAILED,
};

static const char *const states[] = {
	[HOOK_OFF]	= "off",
	[HOOK_SET]	= "set",
	[HOOK_MISSING]	= "missing: this kernel has no such function that can be hooked",
	[HOOK_HELD]	= "held: a livepatch or another module changes this function",
	[HOOK_DISABLED]	= "disabled: kernel.ftrace_enabled is 0",
	[HOOK_UNPROVED]	= "unproved: calls that should pass through it did not",
	[HOOK_FAILED]	= "failed: ftrace refuses",
};

/**
 * struct hook - a function and what is called before it
 * @name:	the function's
 * @func:	what is called
 * @flags:	FTRACE_OPS_FL_*
 * @proofs:	bits of enum ms_proof_id: what it must have seen
 * @state:	what became of it
 * @ops:	as ftrace knows it, while it is set
 */
struct hook {
	const char *name;
	ftrace_func_t func;
	unsigned long flags;
	u32 proofs;
	enum hook_state state;
	struct ftrace_ops ops;
};

static struct hook hooks[] = {
	/* In this order: what is seen by one is known to the next. */
	{ "mmap_region", hook_region, FTRACE_OPS_FL_IPMODIFY, BIT(MS_PROOF_REGION) },
	{ "may_expand_vm", hook_expand, FTRACE_OPS_FL_IPMODIFY,
	  BIT(MS_PROOF_MMAP) | BIT(MS_PROOF_MPROTECT) | BIT(MS_PROOF_FRESH) },
	{ "cgroup_can_fork", hook_fork, FTRACE_OPS_FL_IPMODIFY, BIT(MS_PROOF_FORK) },
	{ "do_madvise", hook_madvise, 0, BIT(MS_PROOF_MADVISE) },
	{ "exit_mmap", hook_exit, 0, BIT(MS_PROOF_EXIT) },
};

/*
 * Permanent: while it is there kernel.ftrace_enabled cannot be cleared, which would let
 * everybody pass. -EINVAL: no such function; -EBUSY: it is cleared, or another changes it.
 */
static int ops_set(struct ftrace_ops *ops, const char *name, ftrace_func_t func,
		   unsigned long flags)
{
	int ret;

	*ops = (struct ftrace_ops) { .func = func, .flags = FTRACE_OPS_FL_PERMANENT | flags };
	ret = ftrace_set_filter(ops, (unsigned char *)name, strlen(name), 1) ? -EINVAL :
	      register_ftrace_function(ops);
	if (ret)
		ftrace_free_filter(ops);
	return ret;
}

static void ops_clear(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_free_filter(ops);
}

static void hook_clear(struct hook *hook)
{
	ops_clear(&hook->ops);
	hook->state = HOOK_OFF;
}

static void notrace hook_nothing(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *op, struct ftrace_regs *fregs)
{
}

/* Is it ftrace as a whole that is off? Then one is refused, too, who would change nothing. */
static bool ftrace_is_off(const char *name)
{
	static struct ftrace_ops ops;
	int ret = ops_set(&ops, name, hook_nothing, 0);

	if (!ret)
		ops_clear(&ops);
	return ret == -EBUSY;
}

static void hook_set(struct hook *hook)
{
	switch (ops_set(&hook->ops, hook->name, hook->func, hook->flags)) {
	case 0:
		hook->state = HOOK_SET;
		break;
	case -EINVAL:
		hook->state = HOOK_MISSING;
		break;
	case -EBUSY:
		hook->state = ftrace_is_off(hook->name) ? HOOK_DISABLED : HOOK_HELD;
		break;
	default:
		hook->state = HOOK_FAILED;
	}
}

/* ---- tracepoints ----------------------------------------------------------------------- */

static void probe_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	if (child->mm && !same_thread_group(child, parent))
		hooks_user->fork(child);
}

static void probe_exit(void *data, MS_EXIT_TELLS)
{
	hooks_user->exit(task);
}

static void probe_move(void *data, struct cgroup *to, const char *path,
		       struct task_struct *task, bool threadgroup)
{
	hooks_user->move(task, to);
}

/**
 * struct point - a tracepoint and what is called by it
 * @name:	its name
 * @probe:	what is called
 * @tp:	the tracepoint, if there is one
 * @state:	what became of it
 */
struct point {
	const char *name;
	void *probe;
	struct tracepoint *tp;
	enum hook_state state;
};

static struct point points[] = {
	{ .name = "sched_process_fork", .probe = probe_fork },
	{ .name = "sched_process_exit", .probe = probe_exit },
	{ .name = "cgroup_attach_task", .probe = probe_move },
};

static void find_point(struct tracepoint *tp, void *unused)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (!strcmp(tp->name, points[i].name))
			points[i].tp = tp;
}

static void points_set(void)
{
	int i;

	check_trace_callback_type_sched_process_fork(probe_fork);
	check_trace_callback_type_sched_process_exit(probe_exit);
	check_trace_callback_type_cgroup_attach_task(probe_move);
	for_each_kernel_tracepoint(find_point, NULL);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		struct point *p = &points[i];

		if (!p->tp)
			p->state = HOOK_MISSING;
		else
			p->state = tracepoint_probe_register(p->tp, p->probe, NULL) ?
					   HOOK_FAILED : HOOK_SET;
	}
}

static void points_clear(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (points[i].state == HOOK_SET) {
			tracepoint_probe_unregister(points[i].tp, points[i].probe, NULL);
			points[i].state = HOOK_OFF;
		}
	tracepoint_synchronize_unregister();
}

/* ---- all of it --------------------------------------------------------------------------- */

/* Each must have seen what passes through it. */
static int hooks_prove(void)
{
	u32 seen;
	int i, ret = ms_prove(&seen);

	if (ret) {
		pr_notice("hooks cannot be proved (%d)\n", ret);
		ret = -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].proofs & ~seen) {
			hook_clear(&hooks[i]);
			hooks[i].state = HOOK_UNPROVED;
			ret = -EOPNOTSUPP;
		}
	return ret;
}

/* The worst of what became of them. */
static int hooks_result(void)
{
	int i, ret = 0;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].state == HOOK_HELD || hooks[i].state == HOOK_DISABLED)
			ret = ret ?: -EBUSY;
		else if (hooks[i].state != HOOK_SET)
			ret = -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (points[i].state != HOOK_SET)
			ret = -EOPNOTSUPP;
	return ret;
}

static void hooks_log(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].state > HOOK_SET)
			pr_notice("hook %s %s\n", hooks[i].name, states[hooks[i].state]);
	for (i = 0; i < ARRAY_SIZE(points); i++)
		if (points[i].state > HOOK_SET)
			pr_notice("tracepoint %s %s\n", points[i].name, states[points[i].state]);
}

/**
 * ms_hooks_set() - from now on be asked
 * @user: who is
 *
 * All or none. Which are missing, held by another or not proved stands in the kernel's log,
 * and is shown by ms_hooks_show().
 *
 * Context: process; sleeps; not while they are set. Return: 0; -EOPNOTSUPP: this kernel does
 * not have what it takes; -EBUSY: another changes the same functions, or ftrace is off.
 */
int ms_hooks_set(const struct ms_hooks_user *user)
{
	int i, ret;

	hooks_user = user;
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		hook_set(&hooks[i]);
	points_set();
	ret = hooks_result() ?: hooks_prove();
	if (ret) {
		hooks_log();
		ms_hooks_clear();
	}
	return ret;
}

/**
 * ms_hooks_clear() - be asked no more
 *
 * Context: process; sleeps. When it returns nothing of the user's is called any more.
 */
void ms_hooks_clear(void)
{
	int i;

	points_clear();
	for (i = ARRAY_SIZE(hooks) - 1; i >= 0; i--)
		if (hooks[i].state == HOOK_SET)
			hook_clear(&hooks[i]);
}

/**
 * ms_hooks_show() - what is hooked, and what became of each hook; a line each
 * @buf: a page
 *
 * Context: any that excludes ms_hooks_set() and ms_hooks_clear(). Return: length.
 */
ssize_t ms_hooks_show(char *buf)
{
	ssize_t n = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		n += sysfs_emit_at(buf, n, "%s %s\n", hooks[i].name, states[hooks[i].state]);
	for (i = 0; i < ARRAY_SIZE(points); i++)
		n += sysfs_emit_at(buf, n, "%s %s\n", points[i].name, states[points[i].state]);
	return n;
}

#else /* !MS_CAN_HOOK */

#include <linux/sysfs.h>

int ms_hooks_set(const struct ms_hooks_user *user)
{
	pr_notice("functions cannot be hooked on this architecture, or by this configuration\n");
	return -EOPNOTSUPP;
}

void ms_hooks_clear(void)
{
}

ssize_t ms_hooks_show(char *buf)
{
	return sysfs_emit(buf,
			  "functions missing: this architecture has none that can be hooked\n");
}

#endif /* MS_CAN_HOOK */
