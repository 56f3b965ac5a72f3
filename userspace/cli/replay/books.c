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
#include "effect.h"
#include "rules.h"
#include "sysrules.h"

/* A log is not a kernel: what a process did, it could do. */
#define RANGES_MAX	(1u << 24)

#define ALL_MARKS	(~0u)

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

static u32 make_mmap(const struct ms_effect *e, struct memstate_record *out, u64 addr,
		     u64 bytes)
{
	return ms_sysrule_mmap(out, addr, bytes, e->prot, e->flags);
}

static u32 make_munmap(const struct ms_effect *e, struct memstate_record *out,
		       u64 addr, u64 bytes)
{
	(void)e;
	return ms_sysrule_munmap(out, addr, bytes);
}

static u32 make_mprotect(const struct ms_effect *e, struct memstate_record *out,
			 u64 addr, u64 bytes)
{
	return ms_sysrule_mprotect(out, addr, bytes, e->prot);
}

static u32 make_madvise(const struct ms_effect *e, struct memstate_record *out,
			u64 addr, u64 bytes)
{
	return ms_sysrule_madvise(out, addr, bytes, e->prot);
}

static u32 make_unguard(const struct ms_effect *e, struct memstate_record *out, u64 addr,
			u64 bytes)
{
	(void)e;
	return ms_sysrule_unguard(out, addr, bytes);
}

static u32 make_droppable(const struct ms_effect *e, struct memstate_record *out, u64 addr,
			  u64 bytes)
{
	(void)e;
	return ms_sysrule_droppable(out, addr, bytes);
}

static const struct ms_effect guard = { .make = make_madvise, .prot = MS_MADV_GUARD_INSTALL };
static const struct ms_effect unguard = { .make = make_unguard };
static const struct ms_effect droppable = { .make = make_droppable };

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
	const struct ms_effect e = { make_mmap, prot, flags, NULL };
	int type = flags & MAP_TYPE;
	u32 marks = 0;
	int ret;

	bytes = ms_sysrule_mapped(bytes, flags);
	ret = ms_effect_act(b, &e, addr, bytes);
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
		ms_books_mark(b, addr, bytes, marks, ALL_MARKS);
	return ret;
}

int ms_books_unmap(struct ms_books *b, u64 addr, u64 bytes)
{
	const struct ms_effect e = { .make = make_munmap };
	int ret = ms_effect_act(b, &e, addr, bytes);

	if (!ret)
		ms_books_mark(b, addr, bytes, 0, ALL_MARKS);
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
		ms_books_mark(b, addr, bytes, MS_MARK_OTHER, 0);
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
	const struct ms_effect e = { .make = make_mprotect, .prot = prot };
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
	ret = ms_effect_marked(b, &e, addr, bytes, MS_MARK_GUARD, false);
	if (!ret)
		ret = ms_effect_marked(b, &droppable, addr, bytes, MS_MARK_DROPPABLE, true);
	bytes = ms_page_up(bytes);
	if (ret || !ms_books_possible(addr, bytes))
		return ret;
	/* A guard page stays one, and is something else when it is none any more. */
	end = addr + bytes;
	for (at = addr; at < end; at = next) {
		u32 marks = ms_marks_at(&b->marks, at, &next);

		next = next < end ? next : end;
		if (marks & MS_MARK_GUARD)
			ms_books_mark(b, at, next - at, prot & PROT_WRITE ? MS_MARK_WRITABLE : 0,
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
			ms_books_mark(b, r.start, r.end - r.start, MS_MARK_WRITABLE, 0);
		at = r.end;
	}
	ms_books_mark(b, addr, bytes, MS_MARK_GUARD, 0);
	return ms_effect_act(b, &guard, addr, bytes);
}

static int remove_guard(struct ms_books *b, u64 addr, u64 bytes)
{
	int ret = ms_effect_marked(b, &unguard, addr, bytes, MS_MARK_GUARD | MS_MARK_WRITABLE,
				   true);

	if (!ret)
		ret = ms_effect_marked(b, &droppable, addr, bytes, MS_MARK_DROPPABLE, true);
	if (!ret)
		ms_books_mark(b, addr, bytes, 0, MS_MARK_GUARD | MS_MARK_WRITABLE);
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
	const struct ms_effect e = { .make = make_madvise, .prot = advice };

	if (!ms_books_possible(addr, ms_page_up(bytes)))
		return -EINVAL;
	switch (advice) {
	case MADV_DONTFORK:
		ms_books_mark(b, addr, bytes, MS_MARK_DONTFORK, 0);
		return 0;
	case MADV_DOFORK:
		ms_books_mark(b, addr, bytes, 0, MS_MARK_DONTFORK);
		return 0;
	case MS_MADV_WIPEONFORK:
		ms_books_mark(b, addr, bytes, MS_MARK_WIPEONFORK, 0);
		return 0;
	case MS_MADV_KEEPONFORK:
		ms_books_mark(b, addr, bytes, 0, MS_MARK_WIPEONFORK);
		return 0;
	case MS_MADV_GUARD_INSTALL:
		return install_guard(b, addr, bytes);
	case MS_MADV_GUARD_REMOVE:
		return remove_guard(b, addr, bytes);
	default:
		break;
	}
	return ms_effect_marked(b, &e, addr, bytes, MS_MARK_GUARD, false);
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
		ms_books_mark(b, from, end - from, 0, ALL_MARKS);
	else
		ms_books_mark(b, end, from - end, 0, ALL_MARKS);
	b->brk = to;
	return ms_effect_apply(b, records, ms_sysrule_brk(records, from, end));
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
