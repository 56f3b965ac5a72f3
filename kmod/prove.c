// SPDX-License-Identifier: GPL-2.0-only
#include "compat.h"

#ifdef MS_CAN_HOOK

#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/static_call.h>
#include <linux/umh.h>
#include <uapi/linux/binfmts.h>

#include "prove.h"

/* Pages that are mapped to see whether that is seen: a number that is not usual. */
#define PROOF_PAGES	5
#define PROOF_BYTES	(PROOF_PAGES * PAGE_SIZE)

/* Other helpers may be born at the same time: which child it was is seen only then. */
#define PROOF_HELPERS	10

struct task_struct *ms_proof_by;

/* What is to be seen, and what has been; written by who proves and by his helper. */
static struct {
	unsigned long want[MS_PROOF_FORK][3];
	unsigned long seen;
	struct task_struct *child;
	struct task_struct *helper;
} proof;

/**
 * ms_proof_saw() - a hook is called
 * @id:	which, and of whom
 * @a:	first argument, as enum ms_proof_id has them
 * @b:	the second
 * @c:	the third
 *
 * Context: any; somebody proves, perhaps not the caller.
 */
void ms_proof_saw(enum ms_proof_id id, unsigned long a, unsigned long b, unsigned long c)
{
	switch (id) {
	case MS_PROOF_FORK:
		/* The helper's parent is a worker of the kernel's. */
		if (current->flags & PF_KTHREAD)
			WRITE_ONCE(proof.child, (struct task_struct *)a);
		break;
	case MS_PROOF_EXIT:
		if ((struct task_struct *)a == READ_ONCE(proof.helper) && !b)
			set_bit(id, &proof.seen);
		break;
	default:
		if (ms_proof_is_mine() && a == proof.want[id][0] && b == proof.want[id][1] &&
		    c == proof.want[id][2])
			set_bit(id, &proof.seen);
	}
}

static void want(enum ms_proof_id id, unsigned long a, unsigned long b, unsigned long c)
{
	proof.want[id][0] = a;
	proof.want[id][1] = b;
	proof.want[id][2] = c;
}

/* ---- calls as programs make them -------------------------------------------------- */

enum entry { ENTRY_MMAP, ENTRY_MPROTECT, ENTRY_MREMAP, ENTRY_MADVISE, ENTRY_BRK };

static struct kprobe entries[] = {
	[ENTRY_MMAP]	 = { .symbol_name = "__x64_sys_mmap" },
	[ENTRY_MPROTECT] = { .symbol_name = "__x64_sys_mprotect" },
	[ENTRY_MREMAP]	 = { .symbol_name = "__x64_sys_mremap" },
	[ENTRY_MADVISE]	 = { .symbol_name = "__x64_sys_madvise" },
	[ENTRY_BRK]	 = { .symbol_name = "__x64_sys_brk" },
};

/* Where they are, which only a probe tells: one that is never armed. */
static int entries_find(unsigned long *at)
{
	struct kprobe *found[ARRAY_SIZE(entries)];
	int i, ret = 0;

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		const char *name = entries[i].symbol_name;

		entries[i] = (struct kprobe) {
			.symbol_name = name,
			.flags = KPROBE_FLAG_DISABLED,
		};
		found[i] = &entries[i];
		ret = register_kprobe(&entries[i]);
		if (ret)
			break;
		at[i] = (unsigned long)entries[i].addr;
	}
	unregister_kprobes(found, i);
	return ret;
}

static long no_syscall(const struct pt_regs *regs)
{
	return -EOPNOTSUPP;
}

/* A direct call: a processor that watches indirect ones would not let us. */
DEFINE_STATIC_CALL(ms_proof_entry, no_syscall);

static long call_entry(unsigned long at, unsigned long a, unsigned long b, unsigned long c,
		       unsigned long d)
{
	struct pt_regs regs = {
		.di = a,
		.si = b,
		.dx = c,
		.r10 = d,
		.r8 = -1UL,
		.orig_ax = -1,
	};

	static_call_update(ms_proof_entry, (long (*)(const struct pt_regs *))at);
	return static_call(ms_proof_entry)(&regs);
}

static void prove_brk(unsigned long at)
{
	unsigned long brk = call_entry(at, 0, 0, 0, 0);

	want(MS_PROOF_FRESH, (unsigned long)current->mm, PROOF_PAGES, true);
	clear_bit(MS_PROOF_FRESH, &proof.seen);
	/* It may be in no page yet, or refuse, which is not our concern. */
	if (call_entry(at, PAGE_ALIGN(brk) + PROOF_BYTES, 0, 0, 0) == brk)
		set_bit(MS_PROOF_FRESH, &proof.seen);
	call_entry(at, brk, 0, 0, 0);
}

static int prove_growth(void)
{
	unsigned long at[ARRAY_SIZE(entries)], mm = (unsigned long)current->mm;
	unsigned long addr, moved;
	int ret = entries_find(at);

	if (ret)
		return ret;
	WRITE_ONCE(ms_proof_by, current);
	want(MS_PROOF_REGION, 0, PROOF_BYTES, true);
	want(MS_PROOF_MMAP, mm, PROOF_PAGES, true);
	addr = call_entry(at[ENTRY_MMAP], 0, PROOF_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS);
	if (IS_ERR_VALUE(addr)) {
		ret = addr;
		goto out;
	}
	want(MS_PROOF_MADVISE, addr, PROOF_BYTES, MADV_DONTNEED);
	call_entry(at[ENTRY_MADVISE], addr, PROOF_BYTES, MADV_DONTNEED, 0);
	want(MS_PROOF_MPROTECT, mm, PROOF_PAGES, true);
	call_entry(at[ENTRY_MPROTECT], addr, PROOF_BYTES, PROT_NONE, 0);
	call_entry(at[ENTRY_MPROTECT], addr, PROOF_BYTES, PROT_READ | PROT_WRITE, 0);
	want(MS_PROOF_FRESH, mm, 2 * PROOF_PAGES, true);
	moved = call_entry(at[ENTRY_MREMAP], addr, PROOF_BYTES, 3 * PROOF_BYTES,
			   MREMAP_MAYMOVE);
	if (IS_ERR_VALUE(moved))
		vm_munmap(addr, PROOF_BYTES);
	else
		vm_munmap(moved, 3 * PROOF_BYTES);
	if (test_bit(MS_PROOF_FRESH, &proof.seen) && thread_group_empty(current))
		prove_brk(at[ENTRY_BRK]);
out:
	WRITE_ONCE(ms_proof_by, NULL);
	return ret;
}

/* ---- a helper that does not come to run ------------------------------------------------ */

/* It is born, and has no image yet. */
static int helper_born(struct subprocess_info *info, struct cred *new)
{
	if (READ_ONCE(proof.child) == current)
		set_bit(MS_PROOF_FORK, &proof.seen);
	WRITE_ONCE(proof.helper, current);
	return 0;
}

/* -E2BIG: it had an address space, and has none any more. */
static int helper_run(char *path, char *argument)
{
	char *argv[3] = { path, argument, NULL }, *envp[1] = { NULL };
	struct subprocess_info *info;

	info = call_usermodehelper_setup(path, argv, envp, GFP_KERNEL, helper_born, NULL, NULL);
	if (!info)
		return -ENOMEM;
	return call_usermodehelper_exec(info, UMH_WAIT_EXEC);
}

static int prove_life(void)
{
	/* A file that is there, and may be executed: the caller's own. */
	char *path = kasprintf(GFP_KERNEL, "/proc/%d/exe", task_tgid_nr(current));
	char *argument = kvmalloc(MAX_ARG_STRLEN + 1, GFP_KERNEL);
	int i, ret = -ENOMEM;

	if (!path || !argument)
		goto out;
	memset(argument, 'x', MAX_ARG_STRLEN);
	argument[MAX_ARG_STRLEN] = '\0';
	WRITE_ONCE(ms_proof_by, current);
	for (i = 0; i < PROOF_HELPERS; i++) {
		ret = helper_run(path, argument);
		if (ret != -E2BIG)
			break;
		ret = 0;
		if (test_bit(MS_PROOF_FORK, &proof.seen))
			break;
	}
	WRITE_ONCE(ms_proof_by, NULL);
	WRITE_ONCE(proof.helper, NULL);
out:
	kvfree(argument);
	kfree(path);
	return ret;
}

/**
 * ms_prove() - make the calls that hooks must see
 * @seen: bits of enum ms_proof_id: of what was seen as expected
 *
 * Context: process, that has an address space; sleeps; the hooks are set; one at a time.
 * Return: 0: all calls were made; what they, or the helper, could not be made for.
 */
int ms_prove(u32 *seen)
{
	int ret = -ESRCH;

	proof.seen = 0;
	if (current->mm)
		ret = prove_growth() ?: prove_life();
	*seen = proof.seen;
	return ret;
}

#endif /* MS_CAN_HOOK */
