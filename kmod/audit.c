// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "audit.h"
#include "drain.h"
#include "life.h"
#include "mappings.h"

/* Ranges and mappings that one AUDIT call looks at, so that it lets go of the locks. */
#define AUDIT_STEPS	4096

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
		       struct memstate_finding *findings, u32 *steps)
{
	lockdep_assert_held(&mm->mmap_lock);
	while (addr < range->end && audit->done < audit->nr &&
	       ++*steps < AUDIT_STEPS) {
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

/*
 * Open the books and take the mmap lock: neither is waited for with the other held, as
 * what holds them up may be another's page fault, or another's drain.
 */
static int audit_lock(struct ms_books *books, struct ms_task *task)
{
	struct mm_struct *mm = task->mm;
	int ret;

	for (;;) {
		ret = ms_books_begin(books, task);
		if (ret)
			return ret;
		if (books->left == -ENOMEM) {
			ms_books_unlock(books);
			return -ENOMEM;
		}
		if (mmap_read_trylock(mm))
			return 0;
		ms_books_unlock(books);
		ret = ms_mappings_wait(mm);
		if (ret)
			return ret;
	}
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
	struct memstate_range range;
	struct mm_struct *mm = ms_task_mm(task);
	struct ms_books books;
	u64 addr = audit->cursor;
	u32 steps = 0;
	int ret;

	if (!mm)
		return -ESRCH;
	ret = audit_lock(&books, task);
	if (ret)
		goto out_mm;

	audit->cursor = 0;
	while (ms_ledger_next(&task->ledger, addr, &range)) {
		addr = audit_range(mm, &range, max(addr, range.start), audit,
				   findings, &steps);
		if (addr < range.end || steps >= AUDIT_STEPS) {
			audit->cursor = addr;
			break;
		}
	}
	mmap_read_unlock(mm);
	ms_books_unlock(&books);
out_mm:
	mmput(mm);
	return ret;
}
