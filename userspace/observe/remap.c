// SPDX-License-Identifier: MIT
/*
 * Calls that take what is in the books of a range along, or replace it: mremap, and mmap over
 * what is charged already.
 */
#include <stdarg.h>
#include <string.h>

#include "shim.h"

/* Pieces of a range that fit on the stack. */
#define PIECES_FEW	64

/**
 * struct pieces - what the books say of a range
 * @list:	the pieces, in order, clipped to the range
 * @nr:		how many
 * @room:	how many fit
 * @few:	where they stand if they are few
 */
struct pieces {
	struct memstate_range *list;
	u32 nr;
	u32 room;
	struct memstate_range few[PIECES_FEW];
};

static void pieces_free(struct pieces *p)
{
	if (p->list != p->few)
		ms_raw_munmap(p->list, p->room * sizeof(*p->list));
}

static bool pieces_grow(struct pieces *p)
{
	size_t bytes = 2 * p->room * sizeof(*p->list);
	struct memstate_range *list = ms_raw_mmap(bytes);

	if (!list)
		return false;
	memcpy(list, p->list, p->nr * sizeof(*list));
	pieces_free(p);
	p->list = list;
	p->room *= 2;
	return true;
}

/* False: the books cannot be read. */
static bool pieces_read(struct pieces *p, u64 start, u64 end)
{
	uint64_t cursor = start;
	uint32_t done, i;

	p->list = p->few;
	p->nr = 0;
	p->room = PIECES_FEW;
	do {
		if (p->nr == p->room && !pieces_grow(p))
			return false;
		if (memstate_ranges(&cursor, p->list + p->nr, p->room - p->nr,
				    &done))
			return false;
		for (i = 0; i < done; i++) {
			struct memstate_range *r = &p->list[p->nr];

			if (r->start >= end)
				return true;
			if (r->start < start)
				r->start = start;
			if (r->end > end)
				r->end = end;
			p->nr++;
		}
	} while (cursor);
	return true;
}

/*
 * Put pieces into the books at @addr, those that still fit, and what was appended.
 * @paid: what was charged for them; what is left goes back.
 */
static void pieces_put(const struct pieces *p, u64 old, u64 addr, u64 old_bytes,
		       u64 bytes, uint64_t *paid)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u32 i, nr;

	for (i = 0; i < p->nr; i++) {
		struct memstate_range r = p->list[i];

		if (r.start - old >= bytes)
			break;
		if (r.end - old > bytes)
			r.end = old + bytes;
		nr = ms_sysrule_piece(records, &r, addr + (r.start - old));
		memstate_apply_paid(records, nr, paid, MEMSTATE_TRANSITION_HOLD);
	}
	if (bytes > old_bytes && p->nr &&
	    p->list[p->nr - 1].end == old + old_bytes) {
		nr = ms_sysrule_growth(records, &p->list[p->nr - 1],
				       addr + old_bytes, bytes - old_bytes);
		memstate_apply_paid(records, nr, paid, MEMSTATE_TRANSITION_HOLD);
	}
}

/* Bytes of a range that are charged. */
static u64 pieces_charged(const struct pieces *p)
{
	u64 sum = 0;

	for (u32 i = 0; i < p->nr; i++)
		if (p->list[i].state == MEMSTATE_READY ||
		    (p->list[i].flags & MEMSTATE_RANGE_LAZY))
			sum += p->list[i].end - p->list[i].start;
	return sum;
}

/**
 * ms_mmap_over() - mmap over what is charged already: that takes only the difference
 * @addr:	where
 * @size:	length, any
 * @prot:	PROT_*
 * @flags:	MAP_*
 * @fd:		as for mmap
 * @offset:	likewise
 *
 * Context: any. Return: what the system call does; -ENOMEM: it would be over the limit all the
 * same, and has not been made.
 */
long ms_mmap_over(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 start = (u64)addr, bytes = ms_sysrule_mapped(size, flags), old, more;
	uint64_t paid = 0;
	struct pieces p;
	long ret = -ENOMEM;

	if (!ms_aligned(addr) || !pieces_read(&p, start, start + bytes))
		return -ENOMEM;
	old = pieces_charged(&p);
	more = bytes > old ? bytes - old : 0;
	if (!old || !ms_charge(more))
		goto out;

	ms_sysrule_munmap(records, start, bytes);
	memstate_apply_paid(records, 1, &paid, MEMSTATE_TRANSITION_HOLD);
	ret = ms_raw6(SYS_mmap, (long)addr, (long)size, prot, flags, fd, offset);
	if (ms_raw_failed(ret)) {
		pieces_put(&p, start, start, bytes, bytes, &paid);
		paid += more;
	} else {
		paid += more;
		memstate_apply_paid(records,
				    ms_sysrule_mmap(records, (u64)ret, bytes, prot, flags),
				    &paid, MEMSTATE_TRANSITION_HOLD);
	}
	memstate_uncharge(paid);
out:
	pieces_free(&p);
	return ret;
}

/* What growing by mremap will make Ready. */
static u64 growth_charge(const struct pieces *p, u64 old_end, u64 more)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u32 nr;

	if (!p->nr || p->list[p->nr - 1].end != old_end)
		return 0;
	nr = ms_sysrule_growth(records, &p->list[p->nr - 1], old_end, ms_page_up(1));
	return nr && ((records[0].w0 >> MEMSTATE_TO_SHIFT) & MEMSTATE_FIELD_MASK) ==
			     MEMSTATE_READY ? more : 0;
}

static long remap_pieces(struct pieces *p, u64 from, u64 old_bytes, u64 bytes,
			 int flags, void *to)
{
	struct memstate_record record;
	uint64_t paid = 0, kept = 0;
	u64 more = 0;
	long ret;

	if (bytes > old_bytes)
		more = growth_charge(p, from + old_bytes, bytes - old_bytes);
	/* A copy, too: the old range stays, without its contents, and its charge. */
	if (flags & MREMAP_DONTUNMAP)
		kept = pieces_charged(p);
	if (!ms_charge(more + kept))
		return -ENOMEM;

	ms_sysrule_munmap(&record, from, old_bytes);
	memstate_apply_paid(&record, 1, &paid, MEMSTATE_TRANSITION_HOLD);
	ret = ms_raw5(SYS_mremap, from, old_bytes, bytes, flags, to);
	if (ms_raw_failed(ret)) {
		pieces_put(p, from, from, old_bytes, old_bytes, &paid);
		memstate_uncharge(more + kept);
	} else {
		/* Whatever was at the new place has been replaced. */
		ms_sysrule_munmap(&record, (u64)ret, bytes);
		memstate_apply_paid(&record, 1, &(uint64_t){ 0 }, 0);
		paid += more + kept;
		pieces_put(p, from, (u64)ret, old_bytes, bytes, &paid);
		if (flags & MREMAP_DONTUNMAP) {
			pieces_put(p, from, from, old_bytes, old_bytes, &paid);
			ms_post(&record, ms_sysrule_madvise(&record, from, old_bytes,
							    MADV_DONTNEED));
		}
	}
	memstate_uncharge(paid);
	return ret;
}

static long remap(void *old, size_t old_size, size_t size, int flags, void *to)
{
	u64 old_bytes = ms_page_up(old_size), bytes = ms_page_up(size);
	struct pieces p;
	long ret;

	if (!old_bytes || !bytes || !ms_aligned(old) || !ms_books_work() ||
	    !pieces_read(&p, (u64)old, (u64)old + old_bytes))
		return ms_raw5(SYS_mremap, old, old_size, size, flags, to);
	ret = remap_pieces(&p, (u64)old, old_bytes, bytes, flags, to);
	pieces_free(&p);
	return ret;
}

PUBLIC void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	void *to = NULL;
	va_list args;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_start(args, flags);
		to = va_arg(args, void *);
		va_end(args);
	}
	return ms_pointer_result(remap(old, old_size, size, flags, to));
}

