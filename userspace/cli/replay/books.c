// SPDX-License-Identifier: MIT
/*
 * The books of an address space.
 *
 * Model
 *
 *   What a call means is said by the rules that the shim has too (sysrules.h). Beside
 *   them stand marks, of what the rules have no state for: guard pages are Reserved
 *   whatever access is given to what they are in, and fork asks for advice given before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "books.h"
#include "rules.h"
#include "sysrules.h"

/* A log is not a kernel: what a process did, it could do. */
#define RANGES_MAX	(1u << 24)
#define ADDRESS_END	((u64)1 << 56)

/* A record holds less than 16 TiB; shadow memory is longer, and goes in parts. */
#define PART_BYTES	((u64)1 << 43)

#define ALL_MARKS	(~0u)

/**
 * struct effect - a call on a range
 * @make:	the records of a part of it
 * @prot:	PROT_*, or the advice
 * @flags:	MAP_*
 * @last:	piece that growth follows
 */
struct effect {
	u32 (*make)(const struct effect *e, struct memstate_record *out, u64 addr,
		    u64 bytes);
	int prot;
	int flags;
	const struct memstate_range *last;
};

struct ms_books *ms_books_new(void)
{
	struct ms_books *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	ms_rangemap_init(&b->map, RANGES_MAX);
	b->users = 1;
	return b;
}

void ms_books_put(struct ms_books *b)
{
	if (!b || --b->users)
		return;
	ms_rangemap_destroy(&b->map);
	ms_marks_free(&b->marks);
	free(b);
}

static int apply(struct ms_books *b, const struct memstate_record *records, u32 nr)
{
	struct ms_change chg;
	int ret = 0;

	for (u32 i = 0; !ret && i < nr; i++) {
		/* Not for us: an address that no kernel gives. */
		if (ms_record_decode(&records[i], ms_page_up(1), ADDRESS_END, &chg))
			continue;
		ret = ms_rangemap_apply(&b->map, &chg, &b->totals);
	}
	return ret;
}

static bool possible(u64 addr, u64 bytes)
{
	return addr <= ADDRESS_END && bytes <= ADDRESS_END - addr;
}

static int act(struct ms_books *b, const struct effect *e, u64 addr, u64 bytes)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 done, part;
	int ret = 0;

	bytes = ms_page_up(bytes);
	if (!possible(addr, bytes))
		return -EINVAL;
	ms_noreserve_before(b, addr, bytes);
	for (done = 0; !ret && done < bytes; done += part) {
		part = bytes - done < PART_BYTES ? bytes - done : PART_BYTES;
		ret = apply(b, records, e->make(e, records, addr + done, part));
	}
	ms_noreserve_after(b, addr, bytes);
	return ret;
}

/* The same of the parts that have these marks, or have them not. */
static int act_marked(struct ms_books *b, const struct effect *e, u64 addr, u64 bytes,
		      u32 marks, bool have)
{
	u64 end, at, next;
	int ret = 0;

	bytes = ms_page_up(bytes);
	if (!possible(addr, bytes))
		return -EINVAL;
	end = addr + bytes;
	for (at = addr; !ret && at < end; at = next) {
		bool has = (ms_marks_at(&b->marks, at, &next) & marks) == marks;

		next = next < end ? next : end;
		if (has == have)
			ret = act(b, e, at, next - at);
	}
	return ret;
}

static u32 make_mmap(const struct effect *e, struct memstate_record *out, u64 addr,
		     u64 bytes)
{
	return ms_sysrule_mmap(out, addr, bytes, e->prot, e->flags);
}

static u32 make_munmap(const struct effect *e, struct memstate_record *out,
		       u64 addr, u64 bytes)
{
	(void)e;
	return ms_sysrule_munmap(out, addr, bytes);
}

static u32 make_mprotect(const struct effect *e, struct memstate_record *out,
			 u64 addr, u64 bytes)
{
	return ms_sysrule_mprotect(out, addr, bytes, e->prot);
}

static u32 make_madvise(const struct effect *e, struct memstate_record *out,
			u64 addr, u64 bytes)
{
	return ms_sysrule_madvise(out, addr, bytes, e->prot);
}

static u32 make_piece(const struct effect *e, struct memstate_record *out, u64 addr,
		      u64 bytes)
{
	struct memstate_range part = *e->last;

	part.end = part.start + bytes;
	return ms_sysrule_piece(out, &part, addr);
}

static u32 make_growth(const struct effect *e, struct memstate_record *out,
		       u64 addr, u64 bytes)
{
	return ms_sysrule_growth(out, e->last, addr, bytes);
}

static u32 make_unguard(const struct effect *e, struct memstate_record *out, u64 addr,
			u64 bytes)
{
	(void)e;
	return ms_sysrule_unguard(out, addr, bytes);
}

static u32 make_droppable(const struct effect *e, struct memstate_record *out, u64 addr,
			  u64 bytes)
{
	(void)e;
	return ms_sysrule_droppable(out, addr, bytes);
}

static const struct effect guard = { .make = make_madvise, .prot = MS_MADV_GUARD_INSTALL };
static const struct effect unguard = { .make = make_unguard };
static const struct effect droppable = { .make = make_droppable };

static void mark(struct ms_books *b, u64 addr, u64 bytes, u32 set, u32 clear)
{
	bytes = ms_page_up(bytes);
	if (!possible(addr, bytes))
		return;
	ms_noreserve_before(b, addr, bytes);
	ms_marks_change(&b->marks, addr, addr + bytes, set, clear);
	ms_noreserve_after(b, addr, bytes);
}

/**
 * ms_books_map() - a mapping was made
 * @b:		the books
 * @addr:	where it is
 * @bytes:	its length, any
 * @prot:	PROT_*
 * @flags:	MAP_*
 */
int ms_books_map(struct ms_books *b, u64 addr, u64 bytes, int prot, int flags)
{
	const struct effect e = { make_mmap, prot, flags, NULL };
	int type = flags & MAP_TYPE;
	u32 marks = 0;
	int ret;

	bytes = ms_sysrule_mapped(bytes, flags);
	ret = act(b, &e, addr, bytes);
	if (flags & MAP_ANONYMOUS && (type == MAP_PRIVATE || type == MS_MAP_DROPPABLE)) {
		if (type == MS_MAP_DROPPABLE)
			marks |= MS_MARK_DROPPABLE | MS_MARK_WIPEONFORK;
		/* What has no access first is made writable where it is wanted. */
		if (flags & MAP_NORESERVE && prot & PROT_WRITE) {
			marks |= MS_MARK_NORESERVE;
			b->has_noreserve = true;
		}
		marks |= flags & MAP_GROWSDOWN ? MS_MARK_GROWSDOWN : 0;
	} else {
		marks = MS_MARK_OTHER;
	}
	if (!ret)
		mark(b, addr, bytes, marks, ALL_MARKS);
	return ret;
}

int ms_books_unmap(struct ms_books *b, u64 addr, u64 bytes)
{
	const struct effect e = { .make = make_munmap };
	int ret = act(b, &e, addr, bytes);

	if (!ret)
		mark(b, addr, bytes, 0, ALL_MARKS);
	return ret;
}

/**
 * ms_books_replace() - what is not accounted takes the place of what lay there
 * @b:		the books
 * @addr:	where it is
 * @bytes:	its length, any
 */
int ms_books_replace(struct ms_books *b, u64 addr, u64 bytes)
{
	int ret = ms_books_unmap(b, addr, bytes);

	if (!ret)
		mark(b, addr, bytes, MS_MARK_OTHER, 0);
	return ret;
}

/**
 * ms_books_protect() - access was changed
 * @b:		the books
 * @addr:	first byte
 * @bytes:	length, any
 * @prot:	PROT_*
 */
int ms_books_protect(struct ms_books *b, u64 addr, u64 bytes, int prot)
{
	const struct effect e = { .make = make_mprotect, .prot = prot };
	u64 at, next, end;
	int ret;

	/* From where the mapping begins. */
	if (prot & PROT_GROWSDOWN && addr) {
		u64 begin = addr;

		while (begin && ms_marks_at(&b->marks, begin - 1, &next) & MS_MARK_GROWSDOWN)
			begin = ms_marks_start(&b->marks, begin - 1);
		bytes += addr - begin;
		addr = begin;
	}
	ret = act_marked(b, &e, addr, bytes, MS_MARK_GUARD, false);
	if (!ret)
		ret = act_marked(b, &droppable, addr, bytes, MS_MARK_DROPPABLE, true);
	bytes = ms_page_up(bytes);
	if (ret || !possible(addr, bytes))
		return ret;
	/* A guard page stays one, and is something else when it is none any more. */
	end = addr + bytes;
	for (at = addr; at < end; at = next) {
		u32 marks = ms_marks_at(&b->marks, at, &next);

		next = next < end ? next : end;
		if (marks & MS_MARK_GUARD)
			mark(b, at, next - at, prot & PROT_WRITE ? MS_MARK_WRITABLE : 0,
			     MS_MARK_WRITABLE);
	}
	return 0;
}

/* What may be written becomes a guard page that knows it. */
static int install_guard(struct ms_books *b, u64 addr, u64 bytes)
{
	u64 at = addr, end = addr + ms_page_up(bytes);

	while (at < end) {
		const struct ms_rangemap_entry *e = ms_rangemap_next(&b->map, at);
		struct memstate_range r;

		if (!e || e->start >= end)
			break;
		ms_rangemap_range(e, &r);
		r.start = r.start > at ? r.start : at;
		r.end = r.end < end ? r.end : end;
		if (r.state >= MEMSTATE_PREPARED && !(r.flags & MEMSTATE_RANGE_RO))
			mark(b, r.start, r.end - r.start, MS_MARK_WRITABLE, 0);
		at = r.end;
	}
	mark(b, addr, bytes, MS_MARK_GUARD, 0);
	return act(b, &guard, addr, bytes);
}

static int remove_guard(struct ms_books *b, u64 addr, u64 bytes)
{
	int ret = act_marked(b, &unguard, addr, bytes, MS_MARK_GUARD | MS_MARK_WRITABLE, true);

	if (!ret)
		ret = act_marked(b, &droppable, addr, bytes, MS_MARK_DROPPABLE, true);
	if (!ret)
		mark(b, addr, bytes, 0, MS_MARK_GUARD | MS_MARK_WRITABLE);
	return ret;
}

/**
 * ms_books_advise() - advice was given
 * @b:		the books
 * @addr:	first byte
 * @bytes:	length, any
 * @advice:	MADV_*
 */
int ms_books_advise(struct ms_books *b, u64 addr, u64 bytes, int advice)
{
	const struct effect e = { .make = make_madvise, .prot = advice };

	if (!possible(addr, ms_page_up(bytes)))
		return -EINVAL;
	switch (advice) {
	case MADV_DONTFORK:
		mark(b, addr, bytes, MS_MARK_DONTFORK, 0);
		return 0;
	case MADV_DOFORK:
		mark(b, addr, bytes, 0, MS_MARK_DONTFORK);
		return 0;
	case MS_MADV_WIPEONFORK:
		mark(b, addr, bytes, MS_MARK_WIPEONFORK, 0);
		return 0;
	case MS_MADV_KEEPONFORK:
		mark(b, addr, bytes, 0, MS_MARK_WIPEONFORK);
		return 0;
	case MS_MADV_GUARD_INSTALL:
		return install_guard(b, addr, bytes);
	case MS_MADV_GUARD_REMOVE:
		return remove_guard(b, addr, bytes);
	default:
		break;
	}
	return act_marked(b, &e, addr, bytes, MS_MARK_GUARD, false);
}

/**
 * ms_books_brk() - the break was moved, or asked for
 * @b:	the books
 * @to:	where it is
 */
int ms_books_brk(struct ms_books *b, u64 to)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 from = ms_page_up(b->brk ? b->brk : to), end = ms_page_up(to);

	/* Whatever was there has been given up, or is new: no mark is left when it changes. */
	if (from < end)
		mark(b, from, end - from, 0, ALL_MARKS);
	else
		mark(b, end, from - end, 0, ALL_MARKS);
	b->brk = to;
	return apply(b, records, ms_sysrule_brk(records, from, end));
}

/**
 * ms_books_fork() - a child's books
 * @from:	its parent's
 *
 * Return: a copy, without what fork leaves out and with what it empties.
 */
struct ms_books *ms_books_fork(const struct ms_books *from)
{
	struct ms_books *b = ms_books_new();

	if (ms_rangemap_copy(&b->map, &from->map))
		abort();
	ms_marks_copy(&b->marks, &from->marks);
	b->totals = from->totals;
	b->brk = from->brk;
	b->has_noreserve = from->has_noreserve;
	memcpy(b->noreserve, from->noreserve, sizeof(b->noreserve));
	for (u32 i = 0; i < from->marks.nr; i++) {
		const struct ms_mark *m = &from->marks.list[i];

		if (m->bits & MS_MARK_DONTFORK)
			ms_books_unmap(b, m->start, m->end - m->start);
		else if (m->bits & MS_MARK_WIPEONFORK && m->bits & MS_MARK_GUARD)
			remove_guard(b, m->start, m->end - m->start);
		if (m->bits & MS_MARK_WIPEONFORK)
			ms_books_advise(b, m->start, m->end - m->start, MADV_DONTNEED);
	}
	b->totals.transitions = 0;
	b->totals.drift = 0;
	return b;
}

/* ---- mremap: leaves where it begins, arrives where it ends ------------------- */

void ms_moved_drop(struct ms_moved *moved)
{
	free(moved->pieces);
	ms_marks_free(&moved->marks);
	*moved = (struct ms_moved) {};
}

/* Doubled at each power of two. */
static void add_piece(struct ms_moved *moved, const struct memstate_range *r)
{
	u32 nr = moved->nr;

	if (!(nr & (nr - 1))) {
		moved->pieces = reallocarray(moved->pieces, nr ? 2 * (size_t)nr : 1,
					     sizeof(*r));
		if (!moved->pieces)
			abort();
	}
	moved->pieces[moved->nr++] = *r;
}

/**
 * ms_books_take() - remember what is in a range that moves
 * @b:		the books
 * @addr:	where it begins
 * @bytes:	its length, whole pages
 * @moved:	what is there; ms_moved_drop() it
 */
void ms_books_take(const struct ms_books *b, u64 addr, u64 bytes, struct ms_moved *moved)
{
	u64 end = addr + bytes, at, next;

	ms_moved_drop(moved);
	for (at = addr; at < end; at = next) {
		const struct ms_rangemap_entry *e = ms_rangemap_next(&b->map, at);
		struct memstate_range r;

		if (!e || e->start >= end)
			break;
		ms_rangemap_range(e, &r);
		r.start = r.start < addr ? addr : r.start;
		r.end = r.end > end ? end : r.end;
		add_piece(moved, &r);
		next = e->end;
	}
	for (at = addr; at < end; at = next) {
		u32 bits = ms_marks_at(&b->marks, at, &next);

		next = next < end ? next : end;
		if (bits)
			ms_marks_change(&moved->marks, at, next, bits, 0);
	}
}

static int arrive_marks(struct ms_books *b, u64 from, u64 old_bytes, u64 addr, u64 bytes,
			const struct ms_moved *moved)
{
	u32 last = 0;
	u64 ignored;

	for (u32 i = 0; i < moved->marks.nr; i++) {
		const struct ms_mark *m = &moved->marks.list[i];
		u64 start = m->start - from, end = m->end - from;

		end = end < bytes ? end : bytes;
		if (start < end)
			mark(b, addr + start, end - start, m->bits, 0);
	}
	/* What follows is of the same mapping; its pages are new. */
	if (bytes > old_bytes && old_bytes)
		last = ms_marks_at(&moved->marks, from + old_bytes - 1, &ignored);
	last &= ~(MS_MARK_GUARD | MS_MARK_WRITABLE);
	if (last)
		mark(b, addr + old_bytes, bytes - old_bytes, last, 0);
	return 0;
}

/**
 * ms_books_arrive() - what was taken comes to another place
 * @b:		the books
 * @from:	where it was
 * @old_bytes:	its length there, whole pages
 * @addr:	where it is now
 * @bytes:	its length, whole pages
 * @moved:	what ms_books_take() has found
 */
int ms_books_arrive(struct ms_books *b, u64 from, u64 old_bytes, u64 addr, u64 bytes,
		    const struct ms_moved *moved)
{
	const struct memstate_range *last = moved->nr ? &moved->pieces[moved->nr - 1] : NULL;
	/* Whatever was there has been replaced. */
	int ret = ms_books_unmap(b, addr, bytes);

	for (u32 i = 0; !ret && i < moved->nr; i++) {
		struct memstate_range p = moved->pieces[i];
		const struct effect e = { .make = make_piece, .last = &p };
		u64 offset = p.start - from;

		if (offset >= bytes)
			break;
		if (p.end - from > bytes)
			p.end = from + bytes;
		ret = act(b, &e, addr + offset, p.end - p.start);
	}
	if (!ret && bytes > old_bytes && last && last->end == from + old_bytes) {
		const struct effect e = { .make = make_growth, .last = last };

		ret = act(b, &e, addr + old_bytes, bytes - old_bytes);
	}
	return ret ? ret : arrive_marks(b, from, old_bytes, addr, bytes, moved);
}
