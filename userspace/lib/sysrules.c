// SPDX-License-Identifier: MIT
#include <sys/mman.h>
#include <unistd.h>

#include "rules.h"
#include "sysrules.h"

/**
 * ms_page_up() - round up to whole pages
 * @bytes: a length
 *
 * Context: any. Return: a multiple of the page size; 0 if it does not fit.
 */
u64 ms_page_up(u64 bytes)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) & ~(page - 1);
}

static bool droppable(int flags)
{
	return (flags & MAP_TYPE) == MS_MAP_DROPPABLE;
}

static bool accounted(int flags)
{
	return (flags & MAP_ANONYMOUS) &&
	       ((flags & MAP_TYPE) == MAP_PRIVATE || droppable(flags));
}

/**
 * ms_sysrule_mapped() - what a mapping of a length has in the end
 * @bytes:	length, any
 * @flags:	MAP_*
 *
 * Whole pages; of huge ones with MAP_HUGETLB. If it does not say which, those that a table
 * of pages is as long as, which is the default everywhere but where one has changed it.
 *
 * Context: any. Return: bytes; 0 if it does not fit.
 */
u64 ms_sysrule_mapped(u64 bytes, int flags)
{
	u64 page = ms_page_up(1), huge = page * (page / sizeof(u64));
	u32 order = (u32)flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	if (!(flags & MAP_ANONYMOUS) || !(flags & MAP_HUGETLB))
		return ms_page_up(bytes);
	if (order)
		huge = (u64)1 << order;
	return (bytes + huge - 1) & ~(huge - 1);
}

/**
 * ms_sysrule_mmap() - a mapping was made
 * @out:	where to put the records
 * @addr:	where it is
 * @bytes:	its length, any
 * @prot:	PROT_*
 * @flags:	MAP_*
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_mmap(struct memstate_record *out, u64 addr, u64 bytes, int prot,
		    int flags)
{
	u32 class_ = flags & MAP_STACK ? MEMSTATE_STACK :
		     prot & PROT_EXEC ? MEMSTATE_CODE : MEMSTATE_HEAP;

	u32 writable = droppable(flags) ? MEMSTATE_PREPARED : MEMSTATE_READY;

	bytes = ms_page_up(bytes);
	if (!bytes)
		return 0;
	if (!accounted(flags))
		return ms_sysrule_munmap(out, addr, bytes);
	out[0] = ms_record_make(addr, bytes, MEMSTATE_ANY,
				prot & PROT_WRITE ? writable : MEMSTATE_RESERVED, class_, 0);
	return 1;
}

/**
 * ms_sysrule_munmap() - addresses were given up
 * @out:	where to put the records
 * @addr:	first byte
 * @bytes:	length, any
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_munmap(struct memstate_record *out, u64 addr, u64 bytes)
{
	bytes = ms_page_up(bytes);
	if (!bytes)
		return 0;
	out[0] = ms_record_make(addr, bytes, MEMSTATE_ANY, MEMSTATE_NONE, 0, 0);
	return 1;
}

/**
 * ms_sysrule_mprotect() - access was changed
 * @out:	where to put the records
 * @addr:	first byte
 * @bytes:	length, any
 * @prot:	PROT_*
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_mprotect(struct memstate_record *out, u64 addr, u64 bytes,
			int prot)
{
	u32 class_ = prot & PROT_EXEC ? MEMSTATE_CODE : MEMSTATE_HEAP;
	u32 flags = MEMSTATE_ONLY |
		    (prot & PROT_EXEC ? 0 : MEMSTATE_KEEP_CLASS);
	u32 to;

	bytes = ms_page_up(bytes);
	if (!bytes)
		return 0;
	if (prot & PROT_WRITE) {
		to = MEMSTATE_READY;
	} else if (prot & (PROT_READ | PROT_EXEC)) {
		to = MEMSTATE_KEEP_RO;
	} else {
		to = MEMSTATE_RESERVED;
		flags |= MEMSTATE_LAZY;
	}
	out[0] = ms_record_make(addr, bytes, MEMSTATE_MAPPED, to, class_, flags);
	return 1;
}

/**
 * ms_sysrule_madvise() - advice was given
 * @out:	where to put the records
 * @addr:	first byte
 * @bytes:	length, any
 * @advice:	MADV_*
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_madvise(struct memstate_record *out, u64 addr, u64 bytes,
		       int advice)
{
	u64 huge;

	bytes = ms_page_up(bytes);
	if (advice == MS_MADV_COLLAPSE) {
		/* Whole huge pages only; each of them is present afterwards. */
		huge = ms_sysrule_mapped(1, MAP_ANONYMOUS | MAP_HUGETLB);
		bytes += addr;
		addr = (addr + huge - 1) & ~(huge - 1);
		bytes &= ~(huge - 1);
		bytes = bytes > addr ? bytes - addr : 0;
	}
	if (!bytes)
		return 0;
	switch (advice) {
	case MS_MADV_COLLAPSE:
	case MS_MADV_POPULATE_WRITE:
		/* What was dropped is there again. */
		out[0] = ms_record_make(addr, bytes, MEMSTATE_PREPARED, MEMSTATE_READY, 0,
					MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
		return 1;
	case MS_MADV_GUARD_INSTALL:
		/* No access, and nothing in them. */
		out[0] = ms_record_make(addr, bytes, MEMSTATE_MAPPED, MEMSTATE_RESERVED, 0,
					MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
		return 1;
	case MADV_FREE:
	case MADV_DONTNEED:
	case MS_MADV_DONTNEED_LOCKED:
		break;
	default:
		return 0;
	}
	out[0] = ms_record_make(addr, bytes, MEMSTATE_READY, MEMSTATE_PREPARED, 0,
				MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS |
					MEMSTATE_LAZY);
	if (advice == MADV_FREE)
		return 1;
	/* Dropped while without access: that is really given up. */
	out[1] = ms_record_make(addr, bytes, MEMSTATE_RESERVED, MEMSTATE_RESERVED,
				0, MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
	return 2;
}

/**
 * ms_sysrule_unguard() - guard pages of what may be written are none any more
 * @out:	where to put the records
 * @addr:	first byte
 * @bytes:	length, any
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_unguard(struct memstate_record *out, u64 addr, u64 bytes)
{
	bytes = ms_page_up(bytes);
	if (!bytes)
		return 0;
	out[0] = ms_record_make(addr, bytes, MEMSTATE_RESERVED, MEMSTATE_READY, 0,
				MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
	return 1;
}

/**
 * ms_sysrule_droppable() - a range of MAP_DROPPABLE has become writable
 * @out:	where to put the records
 * @addr:	first byte
 * @bytes:	length, any
 *
 * The kernel may drop it whenever it likes to: it is Prepared, and not charged.
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_droppable(struct memstate_record *out, u64 addr, u64 bytes)
{
	bytes = ms_page_up(bytes);
	if (!bytes)
		return 0;
	out[0] = ms_record_make(addr, bytes, MEMSTATE_READY, MEMSTATE_PREPARED, 0,
				MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
	return 1;
}

/**
 * ms_sysrule_piece() - a piece arrives where mremap has moved it
 * @out:	where to put the records
 * @piece:	what it was
 * @addr:	where it begins now
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_piece(struct memstate_record *out,
		     const struct memstate_range *piece, u64 addr)
{
	u64 bytes = piece->end - piece->start;

	out[0] = ms_record_make(addr, bytes, MEMSTATE_ANY, piece->state,
				piece->class_,
				piece->flags & MEMSTATE_RANGE_LAZY ?
					MEMSTATE_LAZY : 0);
	if (!(piece->flags & MEMSTATE_RANGE_RO))
		return 1;
	out[1] = ms_record_make(addr, bytes, MEMSTATE_MAPPED, MEMSTATE_KEEP_RO,
				piece->class_, 0);
	return 2;
}

/**
 * ms_sysrule_growth() - what mremap appends
 * @out:	where to put the records
 * @last:	the piece before it
 * @addr:	where it begins
 * @bytes:	length, a multiple of the page size
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_growth(struct memstate_record *out,
		      const struct memstate_range *last, u64 addr, u64 bytes)
{
	bool writable = last->state >= MEMSTATE_PREPARED &&
			!(last->flags & MEMSTATE_RANGE_RO);

	out[0] = ms_record_make(addr, bytes, MEMSTATE_ANY,
				writable ? MEMSTATE_READY : MEMSTATE_RESERVED,
				last->class_, 0);
	return 1;
}

/**
 * ms_sysrule_brk() - the break was moved
 * @out:	where to put the records
 * @from:	the old break
 * @to:		the new one
 *
 * Context: any. Return: number of records.
 */
u32 ms_sysrule_brk(struct memstate_record *out, u64 from, u64 to)
{
	from = ms_page_up(from);
	to = ms_page_up(to);
	if (to > from)
		out[0] = ms_record_make(from, to - from, MEMSTATE_ANY,
					MEMSTATE_READY, MEMSTATE_HEAP, 0);
	else if (to < from)
		return ms_sysrule_munmap(out, to, from - to);
	return to != from;
}
