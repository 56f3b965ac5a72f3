// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The range map against an array with an element per page. */

#include <stdlib.h>

#include "rangemap.h"

#include "model.h"
#include "tap.h"

#define PAGES	256
#define BASE	((u64)0x7f0000000000)
#define STEPS	120000

static u64 seed = 0x9e3779b97f4a7c15;

static u32 rnd(u32 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)((seed >> 11) % below);
}

struct books {
	struct model_page page[PAGES];
	u64 transitions, drift, peak;
};

static u32 model_ranges(const struct model_page *p)
{
	u32 n = 0;

	for (u32 i = 0; i < PAGES; i++)
		n += p[i].state && (!i || !model_same(p[i], p[i - 1]));
	return n;
}

static u64 model_ready(const struct model_page *p)
{
	u64 n = 0;

	for (u32 i = 0; i < PAGES; i++)
		n += p[i].state == MEMSTATE_READY ? 4096 : 0;
	return n;
}

/* Ranges: every page, merged as far as can be, in order, nothing outside. */
static bool same_ranges(const struct ms_rangemap *m, const struct model_page *p)
{
	const struct ms_rangemap_entry *e, *last = NULL;
	struct model_page seen[PAGES] = {};
	struct memstate_range r;
	u64 addr = 0;

	while ((e = ms_rangemap_next(m, addr))) {
		if (e->start >= e->end || e->start < BASE ||
		    e->end > BASE + PAGES * 4096 || (last && e->start < last->end))
			return false;
		if (last && last->end == e->start && last->entry == e->entry)
			return false;
		ms_rangemap_range(e, &r);
		for (u64 a = e->start; a < e->end; a += 4096)
			seen[(a - BASE) / 4096] = (struct model_page){
				r.state, r.class_, r.flags & MEMSTATE_RANGE_LAZY,
				r.flags & MEMSTATE_RANGE_RO };
		addr = e->end;
		last = e;
	}
	for (u32 i = 0; i < PAGES; i++)
		if (!model_same(seen[i], p[i]))
			return false;
	return m->nr == model_ranges(p);
}

static bool same_totals(const struct memstate_totals *t, const struct books *b)
{
	struct memstate_totals w = {};

	for (u32 i = 0; i < PAGES; i++) {
		struct model_page p = b->page[i];

		if (!p.state)
			continue;
		w.bytes[p.state - 1][p.class_] += 4096;
		if (p.lazy && p.state == MEMSTATE_RESERVED)
			w.reserved_lazy += 4096;
		if (p.lazy && p.state == MEMSTATE_PREPARED)
			w.prepared_lazy += 4096;
		if (model_charged(p))
			w.ready_direct += 4096;
	}
	w.peak_ready = b->peak;
	w.transitions = b->transitions;
	w.drift = b->drift;
	w.ranges = model_ranges(b->page);
	return !memcmp(t, &w, sizeof(w));
}

static void random_change(struct ms_change *chg, struct model_record *rec)
{
	static const u8 froms[] = { 0, 1, 2, 3, MEMSTATE_MAPPED, MEMSTATE_ANY };
	u32 start = rnd(PAGES), pages = 1 + rnd(rnd(8) ? 6 : PAGES);

	if (pages > PAGES - start)
		pages = PAGES - start;
	rec->from = froms[rnd(6)];
	rec->to = rnd(6);
	rec->class_ = rnd(3);
	rec->flags = rnd(8);
	if (rec->to != MEMSTATE_RESERVED && rec->to != MEMSTATE_PREPARED)
		rec->flags &= ~(unsigned int)MEMSTATE_LAZY;
	*chg = (struct ms_change){ BASE + start * 4096, BASE + (start + pages) * 4096,
				   (u8)rec->from, (u8)rec->to, (u8)rec->class_,
				   (u8)rec->flags };
}

static void brute_force(u32 max, const char *name)
{
	struct ms_rangemap m, was;
	struct memstate_totals t = {}, t_was;
	static struct books b, next;
	u32 refused = 0, most = 0;
	bool good = true;

	memset(&b, 0, sizeof(b));
	ms_rangemap_init(&m, max);
	for (u32 step = 0; step < STEPS && good; step++) {
		struct model_record rec;
		struct ms_change chg;
		bool drift = false, full;
		u32 before, after;
		int ret;

		random_change(&chg, &rec);
		next = b;
		for (u64 a = chg.start; a < chg.end; a += 4096) {
			struct model_page *p = &next.page[(a - BASE) / 4096];

			*p = model_apply(*p, rec, &drift);
		}
		before = model_ranges(b.page);
		after = model_ranges(next.page);
		full = after > before && after > max;
		t_was = t;
		if (full && ms_rangemap_copy(&was, &m))
			good = false;
		ret = ms_rangemap_apply(&m, &chg, &t);
		if (ret != (full ? -ENOSPC : 0)) {
			printf("# step %u: apply gave %d\n", step, ret);
			good = false;
		}
		if (full) {
			refused++;
			good &= m.nr == was.nr && !memcmp(&t, &t_was, sizeof(t)) &&
				!memcmp(m.ranges, was.ranges, m.nr * sizeof(*m.ranges));
			ms_rangemap_destroy(&was);
			continue;
		}
		next.transitions++;
		next.drift += drift;
		if (model_ready(next.page) > next.peak)
			next.peak = model_ready(next.page);
		b = next;
		most = after > most ? after : most;
		if (step % 8 == 0 || step > STEPS - 100)
			good &= same_ranges(&m, b.page) && same_totals(&t, &b);
		if (!good)
			printf("# step %u: differs\n", step);
	}
	printf("# seed fixed, %u ranges at most, %u refused\n", most, refused);
	tap_ok(good, "%s", name);
	tap_ok(max >= PAGES ? !refused && most > 32 : refused > 100,
	       "%s: the test met what it is about", name);
	ms_rangemap_destroy(&m);
	tap_ok(!m.nr && !ms_rangemap_next(&m, 0), "%s: nothing left after destroy",
	       name);
}

/* Every second page, so that nothing merges. */
static int put(struct ms_rangemap *m, struct memstate_totals *t, u32 i)
{
	struct ms_change chg = { BASE + (u64)i * 8192, BASE + (u64)i * 8192 + 4096,
				 MEMSTATE_NONE, MEMSTATE_READY, 0, 0 };

	return ms_rangemap_apply(m, &chg, t);
}

static void test_no_memory(void)
{
	struct memstate_totals t = {}, zero = {}, t_was;
	struct ms_rangemap m, copy, was;
	u32 failed = 0, nr = 5000, good = 1;

	ms_rangemap_init(&m, 65536);
	ms_rangemap_fail_nth = 1;
	tap_is(put(&m, &t, 0), -ENOMEM, "apply_without_memory_says_so");
	tap_ok(!m.nr && !memcmp(&t, &zero, sizeof(t)),
	       "apply_without_memory_changes_nothing");
	for (u32 i = 0; i < nr; i++) {
		t_was = t;
		if (i) {
			ms_rangemap_fail_nth = 0;
			good &= !ms_rangemap_copy(&was, &m);
		}
		ms_rangemap_fail_nth = i ? 1 : 0;
		if (put(&m, &t, i)) {
			failed++;
			good &= m.nr == i && !memcmp(&t, &t_was, sizeof(t)) &&
				!memcmp(m.ranges, was.ranges, i * sizeof(*m.ranges));
			ms_rangemap_fail_nth = 0;
			good &= !put(&m, &t, i);
		}
		ms_rangemap_fail_nth = 0;
		if (i)
			ms_rangemap_destroy(&was);
	}
	tap_ok(failed > 1, "growth_was_made_to_fail (%u times)", failed);
	tap_ok(good && m.nr == nr && t.transitions == nr &&
		       ms_totals_state(&t, MEMSTATE_READY) == (u64)nr * 4096,
	       "growth_that_failed_changes_nothing_and_can_be_repeated");
	ms_rangemap_fail_nth = 1;
	tap_ok(ms_rangemap_copy(&copy, &m) == -ENOMEM && !copy.nr && !copy.ranges,
	       "copy_without_memory_is_empty");
	ms_rangemap_fail_nth = 0;
	tap_ok(!ms_rangemap_copy(&copy, &m) && copy.nr == m.nr &&
		       !memcmp(copy.ranges, m.ranges, m.nr * sizeof(*m.ranges)),
	       "copy_is_equal");
	put(&m, &t, nr);
	tap_ok(copy.nr == nr, "copy_is_on_its_own");
	ms_rangemap_destroy(&copy);
	ms_rangemap_destroy(&m);
}

static void test_edges(void)
{
	struct ms_change low = { 0, 4096, MEMSTATE_NONE, MEMSTATE_READY, 0, 0 };
	struct ms_change next = { 4096, 8192, MEMSTATE_NONE, MEMSTATE_READY, 0, 0 };
	struct ms_change none = { 0, (u64)1 << 47, MEMSTATE_ANY, MEMSTATE_NONE, 0, 0 };
	struct memstate_totals t = {};
	struct ms_rangemap m;

	ms_rangemap_init(&m, 1);
	tap_ok(!ms_rangemap_apply(&m, &low, &t) && m.nr == 1 && !m.ranges[0].start,
	       "range_at_address_0");
	tap_ok(!ms_rangemap_apply(&m, &next, &t) && m.nr == 1 && m.ranges[0].end == 8192,
	       "range_that_merges_needs_no_room");
	tap_ok(ms_rangemap_next(&m, 8191) == m.ranges && !ms_rangemap_next(&m, 8192),
	       "next_is_the_first_that_ends_behind");
	tap_ok(!ms_rangemap_apply(&m, &none, &t) && !m.nr &&
		       !ms_totals_charged(&t) && t.peak_ready == 8192,
	       "none_over_everything_empties_the_map");
	ms_rangemap_destroy(&m);
}

int main(void)
{
	brute_force(65536, "rangemap_equals_an_array_of_pages");
	brute_force(24, "rangemap_at_its_bound_refuses_and_changes_nothing");
	test_no_memory();
	test_edges();
	return tap_end();
}
