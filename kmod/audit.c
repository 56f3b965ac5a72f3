// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "audit.h"
#include "drain.h"
#include "life.h"

/* Ranges that one AUDIT call looks at, so that it lets go of the locks. */
#define AUDIT_RANGES	4096

/**
 * ms_audit_gaps() - stretches of an address range that have no mapping
 * @mm:		the address space; the caller makes sure that it has users
 * @addr:	first byte; out: where to go on, @end when done
 * @end:	one past the last byte
 * @gaps:	where to put them
 * @nr:		room
 *
 * Context: process; may sleep; takes the mmap lock. Return: how many.
 */
u32 ms_audit_gaps(struct mm_struct *mm, u64 *addr, u64 end, struct ms_gap *gaps,
		  u32 nr)
{
	u32 found = 0;

	mmap_read_lock(mm);
	while (*addr < end && found < nr) {
		struct vm_area_struct *vma = find_vma(mm, *addr);
		u64 next = vma ? min_t(u64, vma->vm_start, end) : end;

		if (next > *addr)
			gaps[found++] = (struct ms_gap) { *addr, next };
		*addr = vma ? min_t(u64, max_t(u64, vma->vm_end, next), end) : end;
	}
	mmap_read_unlock(mm);
	return found;
}

/* What is wrong with a stretch of a range, given its mapping? 0: nothing. */
static u32 audit_kind(const struct memstate_range *range,
		      const struct vm_area_struct *vma)
{
	if (!vma)
		return MEMSTATE_AUDIT_UNMAPPED;
	if (range->state == MEMSTATE_READY &&
	    !(range->flags & MEMSTATE_RANGE_RO) && !(vma->vm_flags & VM_WRITE))
		return MEMSTATE_AUDIT_NOT_WRITABLE;
	return 0;
}

/* Compare one range from @addr on; return where it went on to. */
static u64 audit_range(struct mm_struct *mm, const struct memstate_range *range,
		       u64 addr, struct memstate_audit *audit,
		       struct memstate_finding *findings)
{
	lockdep_assert_held(&mm->mmap_lock);
	while (addr < range->end && audit->done < audit->nr) {
		struct vm_area_struct *vma = find_vma(mm, addr);
		u64 next = range->end;
		u32 kind;

		if (vma && vma->vm_start > addr) {
			next = min_t(u64, vma->vm_start, next);
			vma = NULL;
		} else if (vma) {
			next = min_t(u64, vma->vm_end, next);
		}
		kind = audit_kind(range, vma);
		if (kind)
			findings[audit->done++] = (struct memstate_finding) {
				.start = addr,
				.end = next,
				.kind = kind,
				.state = range->state,
				.class_ = range->class_,
				.flags = range->flags,
			};
		audit->checked_bytes += next - addr;
		addr = next;
	}
	return addr;
}

/**
 * ms_audit() - compare a task's ledger with its mappings
 * @task:	the task
 * @audit:	in: cursor, nr; out: cursor, done, checked_bytes
 * @findings:	room for nr findings
 *
 * Context: process; may sleep.
 * Return: 0; -ESRCH: the task is gone; -EINTR: killed; -ENOMEM: the ring could
 * not be drained.
 */
int ms_audit(struct ms_task *task, struct memstate_audit *audit,
	     struct memstate_finding *findings)
{
	struct mm_struct *mm = ms_task_mm(task);
	struct ms_drain drain = {};
	struct memstate_range range;
	struct ms_books books;
	u64 addr = audit->cursor;
	u32 nr_ranges = 0;
	int ret;

	if (!mm)
		return -ESRCH;
	ret = ms_books_lock(&books, task);
	if (ret)
		goto out_mm;
	ret = ms_books_drain(&books, &drain);
	if (ret == -ENOMEM)
		goto out_books;
	ret = 0;

	audit->cursor = 0;
	mmap_read_lock(mm);
	while (ms_ledger_next(&task->ledger, addr, &range)) {
		addr = audit_range(mm, &range, max(addr, range.start), audit,
				   findings);
		if (addr < range.end || ++nr_ranges == AUDIT_RANGES) {
			audit->cursor = addr;
			break;
		}
	}
	mmap_read_unlock(mm);
out_books:
	ms_books_unlock(&books);
out_mm:
	mmput(mm);
	return ret;
}
