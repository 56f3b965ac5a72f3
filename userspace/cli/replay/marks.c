// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "marks.h"

/* The first one that ends behind @addr. */
static u32 find(const struct ms_marks *m, u64 addr)
{
	u32 low = 0, high = m->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (m->list[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void put(struct ms_marks *m, u64 start, u64 end, u32 bits)
{
	struct ms_mark *last = m->nr ? &m->list[m->nr - 1] : NULL;

	if (start >= end || !bits)
		return;
	if (last && last->end == start && last->bits == bits) {
		last->end = end;
		return;
	}
	if (m->nr == m->room) {
		m->room = m->room ? 2 * m->room : 16;
		m->list = reallocarray(m->list, m->room, sizeof(*m->list));
		if (!m->list)
			abort();
	}
	m->list[m->nr++] = (struct ms_mark) { start, end, bits };
}

/* Others stand in place of those from @i on to before @j. */
static void splice(struct ms_marks *m, u32 i, u32 j, const struct ms_marks *others)
{
	u32 nr = m->nr - (j - i) + others->nr;

	if (nr > m->room) {
		m->room = 2 * nr;
		m->list = reallocarray(m->list, m->room, sizeof(*m->list));
		if (!m->list)
			abort();
	}
	if (m->nr > j)
		memmove(&m->list[i + others->nr], &m->list[j], (m->nr - j) * sizeof(*m->list));
	if (others->nr)
		memcpy(&m->list[i], others->list, others->nr * sizeof(*m->list));
	m->nr = nr;
}

/**
 * ms_marks_change() - change marks of a range
 * @m:		the marks
 * @start:	first byte
 * @end:	behind the last
 * @set:	bits that it has afterwards
 * @clear:	bits that it has not, unless they are in @set
 */
void ms_marks_change(struct ms_marks *m, u64 start, u64 end, u32 set, u32 clear)
{
	struct ms_marks changed = {};
	u32 i = find(m, start), j;
	u64 at = start;

	if (start >= end || (!set && (i == m->nr || m->list[i].start >= end)))
		return;
	/* Neighbours may become one with what is changed. */
	if (i && m->list[i - 1].end == start)
		i--;
	for (j = i; j < m->nr && m->list[j].start <= end; j++) {
		const struct ms_mark *e = &m->list[j];
		u64 from = e->start > start ? e->start : start;
		u64 to = e->end < end ? e->end : end;

		if (e->start >= end) {
			put(&changed, at, end, set);
			at = end;
		}
		if (e->end <= start || e->start >= end) {
			put(&changed, e->start, e->end, e->bits);
			continue;
		}
		put(&changed, e->start, from, e->bits);
		put(&changed, at, from, set);
		put(&changed, from, to, (e->bits & ~clear) | set);
		at = to;
		if (e->end > end)
			put(&changed, end, e->end, e->bits);
	}
	put(&changed, at, end, set);
	splice(m, i, j, &changed);
	ms_marks_free(&changed);
}

/**
 * ms_marks_at() - the marks of an address
 * @m:		the marks
 * @addr:	it
 * @end:	where others begin, or nothing is known any more
 *
 * Return: MS_MARK_*.
 */
u32 ms_marks_at(const struct ms_marks *m, u64 addr, u64 *end)
{
	u32 i = find(m, addr);

	*end = ~0ull;
	if (i == m->nr)
		return 0;
	*end = m->list[i].start > addr ? m->list[i].start : m->list[i].end;
	return m->list[i].start > addr ? 0 : m->list[i].bits;
}

/* Where the marks of an address begin; itself if it has none. */
u64 ms_marks_start(const struct ms_marks *m, u64 addr)
{
	u32 i = find(m, addr);

	return i < m->nr && m->list[i].start <= addr ? m->list[i].start : addr;
}

void ms_marks_copy(struct ms_marks *to, const struct ms_marks *from)
{
	*to = (struct ms_marks) {};
	for (u32 i = 0; i < from->nr; i++)
		put(to, from->list[i].start, from->list[i].end, from->list[i].bits);
}

void ms_marks_free(struct ms_marks *m)
{
	free(m->list);
	*m = (struct ms_marks) {};
}
