// SPDX-License-Identifier: MIT
#include "rangemap.h"

#include "raw.h"

#define ROOM_FIRST	(16384 / sizeof(struct ms_rangemap_entry))

/* Results of up to so many ranges are built on the stack. */
#define FEW		16

u32 ms_rangemap_fail_nth;

static int map_grow(struct ms_rangemap *m, u32 need)
{
	size_t size = sizeof(*m->ranges);
	u32 room = m->room ? m->room : ROOM_FIRST;
	void *p;

	if (need <= m->room)
		return 0;
	if (ms_rangemap_fail_nth && !--ms_rangemap_fail_nth)
		return -ENOMEM;
	while (room < need)
		room *= 2;
	if (m->ranges)
		p = ms_raw_mremap(m->ranges, m->room * size, room * size);
	else
		p = ms_raw_mmap(room * size);
	if (!p)
		return -ENOMEM;
	m->ranges = p;
	m->room = room;
	return 0;
}

/**
 * ms_rangemap_init() - make an empty map
 * @m:		the map
 * @max_ranges:	ranges that there may be
 *
 * Context: any. Return: 0; memory is taken when the first range is stored.
 */
int ms_rangemap_init(struct ms_rangemap *m, u32 max_ranges)
{
	*m = (struct ms_rangemap) { .max = max_ranges };
	return 0;
}

/**
 * ms_rangemap_destroy() - give the memory back
 * @m: the map, empty afterwards
 *
 * Context: any.
 */
void ms_rangemap_destroy(struct ms_rangemap *m)
{
	if (m->ranges)
		ms_raw_munmap(m->ranges, m->room * sizeof(*m->ranges));
	m->ranges = NULL;
	m->nr = 0;
	m->room = 0;
}

/**
 * ms_rangemap_copy() - make a map like another
 * @dst:	not initialised before
 * @src:	what to copy
 *
 * Context: any. Return: 0 or -ENOMEM, with @dst empty.
 */
int ms_rangemap_copy(struct ms_rangemap *dst, const struct ms_rangemap *src)
{
	int ret;

	ms_rangemap_init(dst, src->max);
	ret = map_grow(dst, src->nr);
	if (ret)
		return ret;
	if (src->nr)
		memcpy(dst->ranges, src->ranges, src->nr * sizeof(*src->ranges));
	dst->nr = src->nr;
	return 0;
}

/* Index of the first range that ends behind @addr. */
static u32 map_find(const struct ms_rangemap *m, u64 addr)
{
	u32 low = 0, high = m->nr;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (m->ranges[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/**
 * ms_rangemap_next() - the first range that ends behind an address
 * @m:		the map
 * @addr:	the address
 *
 * Context: any. Return: the range, valid until the map changes, or NULL.
 */
const struct ms_rangemap_entry *ms_rangemap_next(const struct ms_rangemap *m,
						 u64 addr)
{
	u32 i = map_find(m, addr);

	return i < m->nr ? &m->ranges[i] : NULL;
}

/**
 * ms_rangemap_range() - a range as the ABI shows it
 * @e:		the range
 * @range:	where to put it
 *
 * Context: any.
 */
void ms_rangemap_range(const struct ms_rangemap_entry *e,
		       struct memstate_range *range)
{
	*range = (struct memstate_range) {
		.start = e->start,
		.end = e->end,
		.state = ms_entry_state(e->entry),
		.class_ = ms_entry_class(e->entry),
		.flags = (ms_entry_lazy(e->entry) ? MEMSTATE_RANGE_LAZY : 0) |
			 (ms_entry_ro(e->entry) ? MEMSTATE_RANGE_RO : 0),
	};
}

/**
 * struct builder - the ranges that will stand in place of those a change touches
 * @out:	where they go; NULL: only count them
 * @nr:		how many
 * @end:	where the last one ends
 * @entry:	what it is
 */
struct builder {
	struct ms_rangemap_entry *out;
	u32 nr;
	u64 end;
	ms_entry_t entry;
};

static void build(struct builder *b, u64 start, u64 end, ms_entry_t entry)
{
	if (start == end || entry == MS_ENTRY_NONE)
		return;
	if (b->nr && b->end == start && b->entry == entry) {
		if (b->out)
			b->out[b->nr - 1].end = end;
	} else {
		if (b->out)
			b->out[b->nr] = (struct ms_rangemap_entry) {
				start, end, entry };
		b->nr++;
	}
	b->end = end;
	b->entry = entry;
}

/**
 * struct walk - what came of walking a change
 * @delta:	of bytes and lazy bytes; wraps
 * @charged:	delta of charged bytes
 * @drift:	*from* disagreed somewhere
 * @changed:	something will be different
 */
struct walk {
	struct memstate_totals delta;
	s64 charged;
	bool drift;
	bool changed;
};

static void walk_piece(struct walk *w, struct builder *b,
		       const struct ms_change *chg, u64 start, u64 end,
		       ms_entry_t old)
{
	ms_entry_t new_ = ms_rule_apply(old, chg);
	u64 bytes = end - start;

	if (start == end)
		return;
	if (!(chg->flags & MEMSTATE_ONLY) && !ms_rule_matches(old, chg))
		w->drift = true;
	if (new_ != old) {
		w->changed = true;
		ms_totals_move(&w->delta, old, new_, bytes);
		w->charged += (ms_entry_charged(new_) ? (s64)bytes : 0) -
			      (ms_entry_charged(old) ? (s64)bytes : 0);
	}
	build(b, start, end, new_);
}

/* Walk ranges first to last - 1, which touch or overlap the change. */
static void walk(const struct ms_rangemap *m, u32 first, u32 last,
		 const struct ms_change *chg, struct walk *w, struct builder *b)
{
	u64 pos = chg->start;
	u32 i;

	for (i = first; i < last; i++) {
		const struct ms_rangemap_entry *r = &m->ranges[i];
		u64 from = r->start > chg->start ? r->start : chg->start;
		u64 to = r->end < chg->end ? r->end : chg->end;

		if (r->start < chg->start)
			build(b, r->start, r->end < chg->start ? r->end : chg->start,
			      r->entry);
		if (from < to) {
			walk_piece(w, b, chg, pos, from, MS_ENTRY_NONE);
			walk_piece(w, b, chg, from, to, r->entry);
			pos = to;
		}
		if (r->end > chg->end) {
			/* nothing follows this one */
			walk_piece(w, b, chg, pos, chg->end, MS_ENTRY_NONE);
			pos = chg->end;
			build(b, r->start > chg->end ? r->start : chg->end, r->end,
			      r->entry);
		}
	}
	walk_piece(w, b, chg, pos, chg->end, MS_ENTRY_NONE);
}

static void totals_apply(struct memstate_totals *t, const struct walk *w, u32 nr)
{
	u32 state, class_;
	u64 ready;

	for (state = 0; state < MEMSTATE_NR_STATES - 1; state++)
		for (class_ = 0; class_ < MEMSTATE_NR_CLASSES; class_++)
			t->bytes[state][class_] += w->delta.bytes[state][class_];
	t->reserved_lazy += w->delta.reserved_lazy;
	t->prepared_lazy += w->delta.prepared_lazy;
	t->ready_direct += (u64)w->charged;
	t->ranges = nr;
	ready = ms_totals_state(t, MEMSTATE_READY);
	if (ready > t->peak_ready)
		t->peak_ready = ready;
}

/* Put what walk() builds in place of ranges first to last - 1. */
static int map_replace(struct ms_rangemap *m, u32 first, u32 last, u32 nr_new,
		       const struct ms_change *chg)
{
	struct ms_rangemap_entry few[FEW];
	struct builder b = { .out = few };
	struct walk w = {};
	u32 behind = m->nr - last, moved = last;
	int ret;

	/* Many are built in place: then what they replace moves out of the way. */
	ret = map_grow(m, nr_new > FEW ? m->nr + nr_new : first + nr_new + behind);
	if (ret)
		return ret;
	if (nr_new > FEW) {
		moved = last + nr_new;
		memmove(&m->ranges[first + nr_new], &m->ranges[first],
			(m->nr - first) * sizeof(*m->ranges));
		b.out = &m->ranges[first];
	}
	walk(m, first + moved - last, moved, chg, &w, &b);
	memmove(&m->ranges[first + nr_new], &m->ranges[moved],
		behind * sizeof(*m->ranges));
	if (nr_new <= FEW)
		memcpy(&m->ranges[first], few, nr_new * sizeof(few[0]));
	m->nr = first + nr_new + behind;
	return 0;
}

/**
 * ms_rangemap_apply() - apply a change
 * @m:		the map
 * @chg:	the change, checked
 * @t:		totals to keep
 *
 * Context: whoever owns the map.
 * Return: 0; -ENOSPC: more ranges than there may be; -ENOMEM. On error nothing
 * has changed.
 */
int ms_rangemap_apply(struct ms_rangemap *m, const struct ms_change *chg,
		      struct memstate_totals *t)
{
	/* One that ends where the change begins may merge with it. */
	u32 first = map_find(m, chg->start ? chg->start - 1 : 0);
	u32 last = first;
	struct builder b = {};
	struct walk w = {};
	int ret;

	while (last < m->nr && m->ranges[last].start <= chg->end)
		last++;
	walk(m, first, last, chg, &w, &b);
	if (w.changed) {
		u32 nr = m->nr - (last - first) + b.nr;

		if (nr > m->nr && nr > m->max)
			return -ENOSPC;
		ret = map_replace(m, first, last, b.nr, chg);
		if (ret)
			return ret;
	}
	totals_apply(t, &w, m->nr);
	t->transitions++;
	t->drift += w.drift;
	return 0;
}

/**
 * ms_rangemap_need() - what it takes to make Ready what is there of a range
 * @m:		the map
 * @start:	first byte
 * @bytes:	length
 *
 * Context: any. Return: bytes that are neither Ready nor lazy.
 */
u64 ms_rangemap_need(const struct ms_rangemap *m, u64 start, u64 bytes)
{
	const struct ms_rangemap_entry *e;
	u64 end = start + bytes, need = 0;

	while (start < end && (e = ms_rangemap_next(m, start)) && e->start < end) {
		u64 from = e->start > start ? e->start : start;
		u64 to = e->end < end ? e->end : end;

		if (!ms_entry_charged(e->entry))
			need += to - from;
		start = to;
	}
	return need;
}
