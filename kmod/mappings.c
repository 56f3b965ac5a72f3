// SPDX-License-Identifier: GPL-2.0-only
#include <linux/memstate.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "mappings.h"

/* mremap(2) of 32-bit programs, on x86 as on arm. */
#define NR_MREMAP_32	163

/**
 * ms_mappings_gaps() - stretches of an address range that have no mapping
 * @mm:		the address space
 * @addr:	first byte; out: where to go on, @end when done
 * @end:	one past the last byte
 * @gaps:	where to put them
 * @nr:		room
 * @budget:	mappings that may be looked at; out: less those that were
 *
 * Context: mmap lock held. Return: how many.
 */
u32 ms_mappings_gaps(struct mm_struct *mm, u64 *addr, u64 end, struct ms_gap *gaps,
		     u32 nr, s32 *budget)
{
	u32 found = 0;

	lockdep_assert_held(&mm->mmap_lock);
	while (*addr < end && found < nr && (*budget)-- > 0) {
		struct vm_area_struct *vma = find_vma(mm, *addr);
		u64 next = vma ? min_t(u64, vma->vm_start, end) : end;

		if (next > *addr)
			gaps[found++] = (struct ms_gap) { *addr, next };
		*addr = vma ? min_t(u64, max_t(u64, vma->vm_end, next), end) : end;
	}
	return found;
}

static bool is_reserved(const struct vm_area_struct *vma)
{
	return vma_is_anonymous((struct vm_area_struct *)vma) &&
	       !(vma->vm_flags & (VM_WRITE | VM_SHARED));
}

/**
 * ms_mappings_reserved() - how much private anonymous memory may not be written
 * @mm:		the address space
 * @bytes:	where to put it
 *
 * Context: process; may sleep; mmap lock held. Return: 0; -EINTR: killed.
 */
int ms_mappings_reserved(struct mm_struct *mm, u64 *bytes)
{
	struct vm_area_struct *vma;
	struct vma_iterator vmi;

	*bytes = 0;
	vma_iter_init(&vmi, mm, 0);
	for_each_vma(vmi, vma) {
		if (is_reserved(vma))
			*bytes += vma->vm_end - vma->vm_start;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* What a mapping is to who reports nothing; false: it is not private memory. */
static bool range_of(const struct vm_area_struct *vma, struct memstate_range *range)
{
	bool writable = (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

	if (!writable && !is_reserved(vma))
		return false;
	*range = (struct memstate_range) {
		.start = vma->vm_start,
		.end = vma->vm_end,
		.state = writable ? MEMSTATE_PREPARED : MEMSTATE_RESERVED,
		.class_ = vma->vm_flags & VM_GROWSDOWN ? MEMSTATE_STACK : MEMSTATE_OTHER,
		.flags = MEMSTATE_RANGE_OBSERVED,
	};
	return true;
}

static bool range_goes_on(const struct memstate_range *range, const struct memstate_range *next)
{
	return range->end == next->start && range->state == next->state &&
	       range->class_ == next->class_;
}

/**
 * ms_mappings_ranges() - private memory, by what may be done with it
 * @mm:		the address space
 * @cursor:	where to begin; out: where to go on, 0 at the end
 * @ranges:	where to put it
 * @nr:		room
 *
 * Context: process; may sleep; mmap lock held. Return: how many; -EINTR: killed.
 */
int ms_mappings_ranges(struct mm_struct *mm, u64 *cursor, struct memstate_range *ranges, u32 nr)
{
	struct memstate_range next;
	struct vm_area_struct *vma;
	struct vma_iterator vmi;
	u32 done = 0;

	vma_iter_init(&vmi, mm, *cursor);
	*cursor = 0;
	for_each_vma(vmi, vma) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		if (!range_of(vma, &next))
			continue;
		if (done && range_goes_on(&ranges[done - 1], &next)) {
			ranges[done - 1].end = next.end;
		} else if (done < nr) {
			ranges[done++] = next;
		} else {
			*cursor = next.start;
			break;
		}
	}
	return done;
}

/**
 * ms_mappings_wait() - wait until who has the mmap lock gives it back
 * @mm: the address space
 *
 * For who has tried in vain to get it, where it must not be waited for: under the lock
 * of books, which others want. Then it is tried again.
 *
 * Context: process; may sleep; no lock is held. Return: 0; -EINTR: killed.
 */
int ms_mappings_wait(struct mm_struct *mm)
{
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	mmap_read_unlock(mm);
	cond_resched();
	return 0;
}

/*
 * Is the caller in mremap(2)? By whichever way he came: what has one of these numbers by
 * another way unmaps nothing.
 */
static bool in_mremap(void)
{
	int nr = syscall_get_nr(current, task_pt_regs(current));

#ifdef __X32_SYSCALL_BIT
	nr &= ~__X32_SYSCALL_BIT;
#endif
	return nr == __NR_mremap || (IS_ENABLED(CONFIG_COMPAT) && nr == NR_MREMAP_32);
}

/**
 * ms_mappings_stay() - does an event of unmapping leave the mapping there?
 * @range: what the notifier is told
 *
 * mremap(2) moves page tables before it unmaps the old place, and tells of that in the
 * same way. With MREMAP_DONTUNMAP, or when the move is undone, the mapping stays; else the
 * unmapping comes in its turn, when the mapping is not to be found any more. That alone
 * does not tell: where mmap(2) maps over another mapping, newer kernels tell of it while
 * the one or the other is there.
 *
 * Context: from the notifier. Within mremap(2) the caller holds the mmap lock.
 * Return: true if nothing is unmapped.
 */
bool ms_mappings_stay(const struct mmu_notifier_range *range)
{
	struct vm_area_struct *vma;

	if (current->mm != range->mm || !in_mremap())
		return false;
	vma = find_vma(range->mm, range->start);
	return vma && vma->vm_start < range->end;
}
