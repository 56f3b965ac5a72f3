// SPDX-License-Identifier: MIT
/*
 * What is Ready only because nobody has set anything aside for it.
 *
 * Model
 *
 *   A mapping made writable with MAP_NORESERVE is address space: the shadow of a sanitized
 *   program is terabytes of it. It is Ready by the rules, and shown apart. What was without
 *   access first and is made writable piece by piece (an arena of the C library) is wanted, and
 *   counts as any other. The sums follow each change by looking at the changed part before
 *   it and after it.
 */
#include "books.h"
#include "rules.h"

/* In a part of the books, bytes by class: add them, or take them off. */
static void count(struct ms_books *b, u64 addr, u64 end, bool add)
{
	u64 at = addr, next;

	while (at < end) {
		const struct ms_rangemap_entry *e = ms_rangemap_next(&b->map, at);
		struct memstate_range r;

		if (!e || e->start >= end)
			return;
		ms_rangemap_range(e, &r);
		r.start = r.start > at ? r.start : at;
		r.end = r.end < end ? r.end : end;
		for (at = r.start; r.state == MEMSTATE_READY && at < r.end; at = next) {
			u32 bits = ms_marks_at(&b->marks, at, &next);
			u64 *sum = &b->noreserve[r.class_];

			next = next < r.end ? next : r.end;
			if (bits & MS_MARK_NORESERVE)
				*sum += add ? next - at : -(next - at);
		}
		at = r.end;
	}
}

void ms_noreserve_before(struct ms_books *b, u64 addr, u64 bytes)
{
	if (b->has_noreserve)
		count(b, addr, addr + bytes, false);
}

void ms_noreserve_after(struct ms_books *b, u64 addr, u64 bytes)
{
	if (b->has_noreserve)
		count(b, addr, addr + bytes, true);
}

u64 ms_books_noreserve(const struct ms_books *b)
{
	u64 sum = 0;

	for (u32 c = 0; c < MEMSTATE_NR_CLASSES; c++)
		sum += b->noreserve[c];
	return sum;
}

struct memstate_totals ms_books_rest(const struct ms_books *b)
{
	struct memstate_totals t = b->totals;

	for (u32 c = 0; c < MEMSTATE_NR_CLASSES; c++)
		t.bytes[MEMSTATE_READY - 1][c] -= b->noreserve[c];
	return t;
}
