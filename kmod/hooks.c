// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/printk.h>

#include "compat.h"
#include "hooks.h"

#ifdef MS_CAN_HOOK

#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/cgroup.h>
#include <trace/events/sched.h>

/* Mappings looked at that one growth replaces; of more it is taken to replace no others. */
#define REPLACED_MOST	1024

/* Pages that are mapped to see whether that is seen: a number that is not usual. */
#define PROOF_PAGES	5

static const struct ms_hooks_user *hooks_user;

/* Who proves the hooks, where, and what has been seen of it. */
static struct {
	struct task_struct *by;
	bool region;
	bool expand;
} proof;

/* ---- what a growth is ------------------------------------------------------------ */

/* As the kernel counts data_vm, and with mappings that grow down, which it does not. */
static bool is_data(unsigned long flags)
{
#ifdef VM_SHADOW_STACK
	if (flags & VM_SHADOW_STACK)
		return false;
#endif
	return (flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
}

/* Does the program choose where? Only mmap is asked; who maps for it does, too. */
static bool is_fixed(void)
{
	unsigned long flags;

	return ms_mmap_flags(&flags) && (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE));
}

/* What is mapped in a range: of that data, and private, and with MAP_NORESERVE. */
static void replaced(struct mm_struct *mm, unsigned long addr, unsigned long len,
		     u64 *data, u64 *private, bool *noreserve)
{
	struct vm_area_struct *vma;
	unsigned int most = REPLACED_MOST;
	struct vma_iterator vmi;

	vma_iter_init(&vmi, mm, addr);
	for_each_vma_range(vmi, vma, addr + len) {
		u64 bytes = min(vma->vm_end, addr + len) - max(vma->vm_start, addr);

		if (!(vma->vm_flags & VM_SHARED))
			*private += bytes;
		if (is_data(vma->vm_flags) && !(vma->vm_flags & VM_GROWSDOWN))
			*data += bytes;
		if (vma->vm_flags & VM_NORESERVE)
			*noreserve = true;
		if (!--most)
			break;
	}
}

/* May the caller map that? */
static bool region_may(struct file *file, unsigned long addr, unsigned long len,
		       unsigned long flags)
{
	struct ms_growth g = { .kind = MS_GROWTH_FRESH };
	u64 data = 0, private = 0;
	bool noreserve = false;

	if (!is_data(flags))
		return true;
	replaced(current->mm, addr, len, &data, &private, &noreserve);
	if (len <= data)
		return true;
	g.bytes = len - data;
	if (file || current->in_execve)
		g.kind = MS_GROWTH_UNASKED;
	else if (private == len)
		g.kind = noreserve ? MS_GROWTH_WITHIN_NORESERVE : MS_GROWTH_WITHIN;
	else if (flags & VM_NORESERVE)
		g.kind = is_fixed() ? MS_GROWTH_SHADOW : MS_GROWTH_NORESERVE;
	return hooks_user->grow(current->mm, &g);
}

/* ---- who asks to expand ------------------------------------------------------------ */

enum site {
	SITE_FRESH,	/* brk, mremap */
	SITE_MMAP,	/* what mmap_region has been asked for */
	SITE_MPROTECT,
	SITE_MASK = 3,
};

/* Where it is called from, shifted, and enum site: what never changes, found out once. */
static unsigned long sites[16];

static enum site site_find(unsigned long ip)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, ip);
	if (!strncmp(name, "mmap_region", 11) || !strncmp(name, "__mmap_region", 13))
		return SITE_MMAP;
	if (!strncmp(name, "mprotect", 8))
		return SITE_MPROTECT;
	return SITE_FRESH;
}

static enum site site_of(unsigned long ip)
{
	/* The bits that this drops are the same for all of the kernel's text. */
	unsigned long key = ip << 2, seen;
	enum site site;
	int i;

	for (i = 0; i < ARRAY_SIZE(sites); i++) {
		seen = READ_ONCE(sites[i]);
		if ((seen & ~(unsigned long)SITE_MASK) == key)
			return seen & SITE_MASK;
		if (!seen)
			break;
	}
	site = site_find(ip);
	for (; i < ARRAY_SIZE(sites); i++)
		if (!cmpxchg(&sites[i], 0, key | site))
			break;
	return site;
}

/* May the caller's memory grow by so many pages? */
static bool expand_may(unsigned long flags, unsigned long pages, enum site site)
{
	struct ms_growth g = { .kind = MS_GROWTH_FRESH, .bytes = (u64)pages << PAGE_SHIFT };

	/* A stack's growth by fault comes here, too, and is granted always. */
	if (!is_data(flags) || (flags & VM_GROWSDOWN) || !pages)
		return true;
	if (current->in_execve)
		g.kind = MS_GROWTH_UNASKED;
	else if (site == SITE_MPROTECT)
		g.kind = flags & VM_NORESERVE ? MS_GROWTH_WITHIN_NORESERVE :
						MS_GROWTH_WITHIN;
	return hooks_user->grow(current->mm, &g);
}

/* ---- the hooks ----------------------------------------------------------------------- */

/* What runs in place of the function; it returns to who has called that. */
static notrace unsigned long region_refused(void)
{
	return -ENOMEM;
}

static notrace bool expand_refused(void)
{
	return false;
}

static void notrace hook_region(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ms_ftrace_regs(fregs);
	int bit = ftrace_test_recursion_trylock(ip, parent_ip);

	if (bit < 0)
		return;
	if (READ_ONCE(proof.by) == current)
		proof.region = !regs->di && regs->dx == PROOF_PAGES * PAGE_SIZE &&
			       is_data(regs->cx);
	else if (hooks_user->knows(current->mm) &&
		 !region_may((struct file *)regs->di, regs->si, regs->dx, regs->cx))
		regs->ip = (unsigned long)region_refused;
	ftrace_test_recursion_unlock(bit);
}

static void notrace hook_expand(unsigned long ip, unsigned long parent_ip,
				struct ftrace_ops *op, struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ms_ftrace_regs(fregs);
	int bit = ftrace_test_recursion_trylock(ip, parent_ip);
	struct mm_struct *mm = (struct mm_struct *)regs->di;
	enum site site;

	if (bit < 0)
		return;
	if (READ_ONCE(proof.by) == current) {
		proof.expand = mm == current->mm && regs->dx == PROOF_PAGES &&
			       is_data(ms_expand_flags(regs->si)) &&
			       site_of(parent_ip) == SITE_MMAP;
	} else if (mm == current->mm && hooks_user->knows(mm)) {
		site = site_of(parent_ip);
		if (site != SITE_MMAP &&
		    !expand_may(ms_expand_flags(regs->si), regs->dx, site))
			regs->ip = (unsigned long)expand_refused;
	}
	ftrace_test_recursion_unlock(bit);
}

/* Whether all of a range is anonymous: only there MADV_FREE is allowed. */
static bool is_anonymous(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	struct vm_area_struct *vma;
	unsigned int most = REPLACED_MOST;
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
	/* The kernel may drop what was freed so at any time; now is one. */
	if (hooks_user->knows(mm) && hooks_user->give(mm) && advice == MADV_FREE &&
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
	hooks_user->end(mm);
	ftrace_test_recursion_unlock(bit);
}

/**
 * struct hook - a function and what is called before it
 * @name:	the function's
 * @ops:	how
 */
struct hook {
	char *name;
	struct ftrace_ops ops;
};

static struct hook hooks[] = {
	/* In this order: what is seen by one is known to the next. */
	{ "mmap_region", { .func = hook_region,
			   .flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT } },
	{ "may_expand_vm", { .func = hook_expand,
			     .flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT } },
	{ "do_madvise", { .func = hook_madvise, .flags = FTRACE_OPS_FL_PERMANENT } },
	{ "exit_mmap", { .func = hook_exit, .flags = FTRACE_OPS_FL_PERMANENT } },
};

static void hook_clear(struct hook *hook)
{
	unregister_ftrace_function(&hook->ops);
	ftrace_free_filter(&hook->ops);
}

static int hook_set(struct hook *hook)
{
	int ret = ftrace_set_filter(&hook->ops, (unsigned char *)hook->name,
				    strlen(hook->name), 1);

	if (ret) {
		pr_notice("no function %s that can be hooked in this kernel\n", hook->name);
		ftrace_free_filter(&hook->ops);
		return -EOPNOTSUPP;
	}
	ret = register_ftrace_function(&hook->ops);
	if (ret) {
		pr_notice("%s cannot be hooked (%d): %s\n", hook->name, ret,
			  ret == -EBUSY ? "another has, or kernel.ftrace_enabled is 0" :
					  "refused by ftrace");
		ftrace_free_filter(&hook->ops);
	}
	return ret;
}

static int hooks_prove(void)
{
	unsigned long addr;

	if (!current->mm) {
		pr_notice("hooks can be proved by a process only\n");
		return -EOPNOTSUPP;
	}
	proof.region = false;
	proof.expand = false;
	WRITE_ONCE(proof.by, current);
	addr = vm_mmap(NULL, 0, PROOF_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	WRITE_ONCE(proof.by, NULL);
	if (IS_ERR_VALUE(addr))
		return addr;
	vm_munmap(addr, PROOF_PAGES * PAGE_SIZE);
	if (!proof.region)
		pr_notice("mmap_region is not what maps in this kernel\n");
	if (!proof.expand)
		pr_notice("may_expand_vm is not what is asked in this kernel\n");
	return proof.region && proof.expand ? 0 : -EOPNOTSUPP;
}

/* ---- tracepoints ----------------------------------------------------------------------- */

static void probe_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	/* Threads, and who borrows its parent's until it is another image. */
	if (child->mm && child->mm != parent->mm)
		hooks_user->fork(parent, child);
}

static void probe_move(void *data, struct cgroup *to, const char *path,
		       struct task_struct *task, bool threadgroup)
{
	hooks_user->move(task, to);
}

static struct tracepoint *point_fork, *point_move;

static void find_point(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "sched_process_fork"))
		point_fork = tp;
	if (!strcmp(tp->name, "cgroup_attach_task"))
		point_move = tp;
}

static int points_set(void)
{
	int ret;

	check_trace_callback_type_sched_process_fork(probe_fork);
	check_trace_callback_type_cgroup_attach_task(probe_move);
	for_each_kernel_tracepoint(find_point, NULL);
	if (!point_fork || !point_move) {
		pr_notice("no tracepoint %s in this kernel\n",
			  point_fork ? "cgroup_attach_task" : "sched_process_fork");
		return -EOPNOTSUPP;
	}
	ret = tracepoint_probe_register(point_fork, probe_fork, NULL);
	if (ret)
		return ret;
	ret = tracepoint_probe_register(point_move, probe_move, NULL);
	if (ret) {
		tracepoint_probe_unregister(point_fork, probe_fork, NULL);
		tracepoint_synchronize_unregister();
	}
	return ret;
}

static void points_clear(void)
{
	tracepoint_probe_unregister(point_move, probe_move, NULL);
	tracepoint_probe_unregister(point_fork, probe_fork, NULL);
	tracepoint_synchronize_unregister();
}

/* ---- all of it --------------------------------------------------------------------------- */

/**
 * ms_hooks_set() - from now on be asked
 * @user: who is
 *
 * What is missing, or is held by another, stands in the kernel's log.
 *
 * Context: process; sleeps; not while they are set. Return: 0; -EOPNOTSUPP: this kernel does
 * not have what it takes; -EBUSY: another changes the same functions, or ftrace is off; -ENOMEM.
 */
int ms_hooks_set(const struct ms_hooks_user *user)
{
	int i, ret = 0;

	hooks_user = user;
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		ret = hook_set(&hooks[i]);
		if (ret)
			goto err_hooks;
	}
	ret = hooks_prove();
	if (ret)
		goto err_hooks;
	ret = points_set();
	if (ret)
		goto err_hooks;
	return 0;

err_hooks:
	while (i--)
		hook_clear(&hooks[i]);
	return ret;
}

/**
 * ms_hooks_clear() - be asked no more
 *
 * Context: process; sleeps; they are set.
 */
void ms_hooks_clear(void)
{
	int i;

	points_clear();
	for (i = ARRAY_SIZE(hooks) - 1; i >= 0; i--)
		hook_clear(&hooks[i]);
}

#else /* !MS_CAN_HOOK */

int ms_hooks_set(const struct ms_hooks_user *user)
{
	pr_notice("no mmap_region, may_expand_vm, do_madvise, exit_mmap that can be hooked here\n");
	return -EOPNOTSUPP;
}

void ms_hooks_clear(void)
{
}

#endif /* MS_CAN_HOOK */
