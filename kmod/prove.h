/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Are hooked functions what is called? Calls of our own, which must pass through the hooks.
 *
 * Model
 *
 *   That a function is there does not mean that it is what is called: one that was copied
 *   into its caller would pass unseen, and so would a limit. So whoever sets the hooks makes
 *   the calls that programs make, at the kernel's own entries for them: mmap, mprotect,
 *   mremap, madvise, brk, on some pages of his own. The hooks say what they have seen
 *   (ms_proof_saw()), and it is compared with what was to be seen, argument by argument.
 *
 *   For the end of an address space, and for fork, a helper is started whose image cannot
 *   be loaded, because its argument is too long: it is born by fork, gets an address space,
 *   fails before anything of the image was looked at, and the space ends. No program runs.
 *
 * Locking
 *
 *   One at a time proves: the caller's lock.
 *
 * Races
 *
 *   brk is not called where there are other threads, who could call it, too. Its function
 *   for growth is believed there.
 */
#ifndef MS_PROVE_H
#define MS_PROVE_H

#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/types.h>

/**
 * enum ms_proof_id - what is to be seen by which hook, and of whom
 * @MS_PROOF_REGION:	mmap_region, of mmap: file, length, is it data
 * @MS_PROOF_FRESH:	may_expand_vm, of mremap and brk: mm, pages, is it data
 * @MS_PROOF_MMAP:	likewise, of mmap_region
 * @MS_PROOF_MPROTECT:	likewise, of mprotect
 * @MS_PROOF_MADVISE:	do_madvise, of madvise: start, length, advice
 * @MS_PROOF_FORK:	cgroup_can_fork: the child
 * @MS_PROOF_EXIT:	exit_mmap: who ends it, its users
 */
enum ms_proof_id {
	MS_PROOF_REGION,
	/* As enum ms_site has them. */
	MS_PROOF_FRESH,
	MS_PROOF_MMAP,
	MS_PROOF_MPROTECT,
	MS_PROOF_MADVISE,
	MS_PROOF_FORK,
	MS_PROOF_EXIT,
};

extern struct task_struct *ms_proof_by;

void ms_proof_saw(enum ms_proof_id id, unsigned long a, unsigned long b, unsigned long c);
int ms_prove(u32 *seen);

/**
 * ms_proving() - is somebody at it?
 *
 * Context: any. Return: true: what hooks see is to be told to ms_proof_saw().
 */
static inline bool ms_proving(void)
{
	return unlikely(READ_ONCE(ms_proof_by));
}

/**
 * ms_proof_is_mine() - is it the caller?
 *
 * Context: any. Return: true: nothing is to be made of this call but that it was seen.
 */
static inline bool ms_proof_is_mine(void)
{
	return unlikely(READ_ONCE(ms_proof_by) == current);
}

#endif /* MS_PROVE_H */
