// SPDX-License-Identifier: MIT
/* mremap: what it takes along leaves where the call begins, and arrives where it ends. */
#include <stdlib.h>

#include "effect.h"
#include "rules.h"
#include "sysrules.h"

static u32 make_piece(const struct ms_effect *e, struct memstate_record *out, u64 addr,
		      u64 bytes)
{
	struct memstate_range part = *e->last;

	part.end = part.start + bytes;
	return ms_sysrule_piece(out, &part, addr);
}

static u32 make_growth(const struct ms_effect *e, struct memstate_record *out,
		       u64 addr, u64 bytes)
{
	return ms_sysrule_growth(out, e->last, addr, bytes);
}

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
			ms_books_mark(b, addr + start, end - start, m->bits, 0);
	}
	/* What follows is of the same mapping; its pages are new. */
	if (bytes > old_bytes && old_bytes)
		last = ms_marks_at(&moved->marks, from + old_bytes - 1, &ignored);
	last &= ~(MS_MARK_GUARD | MS_MARK_WRITABLE);
	if (last)
		ms_books_mark(b, addr + old_bytes, bytes - old_bytes, last, 0);
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
		const struct ms_effect e = { .make = make_piece, .last = &p };
		u64 offset = p.start - from;

		if (offset >= bytes)
			break;
		if (p.end - from > bytes)
			p.end = from + bytes;
		ret = ms_effect_act(b, &e, addr + offset, p.end - p.start);
	}
	if (!ret && bytes > old_bytes && last && last->end == from + old_bytes) {
		const struct ms_effect e = { .make = make_growth, .last = last };

		ret = ms_effect_act(b, &e, addr + old_bytes, bytes - old_bytes);
	}
	return ret ? ret : arrive_marks(b, from, old_bytes, addr, bytes, moved);
}
