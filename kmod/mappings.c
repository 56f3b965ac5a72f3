// SPDX-License-Identifier: GPL-2.0-only
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "mappings.h"

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

	mmap_assert_locked(mm);
	while (*addr < end && found < nr && (*budget)-- > 0) {
		struct vm_area_struct *vma = find_vma(mm, *addr);
		u64 next = vma ? min_t(u64, vma->vm_start, end) : end;

		if (next > *addr)
			gaps[found++] = (struct ms_gap) { *addr, next };
		*addr = vma ? min_t(u64, max_t(u64, vma->vm_end, next), end) : end;
	}
	return found;
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
