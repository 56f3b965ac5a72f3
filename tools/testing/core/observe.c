// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rule for what reports nothing: programs of each kind against a limit, and all of it
 * at random against the rule's other form.
 */

#include "tap.h"

#include "../../../kmod/core/observe.c"

#define KIB	((u64)1 << 10)
#define MIB	((u64)1 << 20)

/* One limit, and who is below it. */
static struct ms_observe_level level;

/* A program: what the kernel would say of it, and what we know. */
struct prog {
	u64 data_vm;
	u64 backed;
	struct ms_observe o;
};

static void limit(u64 max)
{
	level = (struct ms_observe_level) { .max = max, .overcommit = MS_OVERCOMMIT_NONE };
}

/* Take it out of the sums, or put it in. */
static void sum(const struct prog *p, int sign)
{
	level.charged += (u64)sign * ms_observe_charge(&p->o);
	level.pending += (u64)sign * p->o.pending;
	level.arena += (u64)sign * p->o.arena;
}

static struct prog started(u64 data_vm, u64 backed)
{
	struct prog p = { .data_vm = data_vm, .backed = backed };

	ms_observe_begin(&p.o, data_vm, backed, ms_observe_full(&level));
	sum(&p, 1);
	return p;
}

static struct prog forked(const struct prog *parent)
{
	struct prog p = *parent;

	ms_observe_fork(&p.o, p.data_vm, p.backed);
	sum(&p, 1);
	return p;
}

static void ended(struct prog *p)
{
	sum(p, -1);
	*p = (struct prog) {};
}

static void look(struct prog *p)
{
	sum(p, -1);
	ms_observe_look(&p->o, p->data_vm, p->backed);
	sum(p, 1);
}

static bool grow(struct prog *p, enum ms_growth_kind kind, u64 bytes)
{
	struct ms_growth g = { .kind = kind, .bytes = bytes };

	look(p);
	ms_observe_ask(&p->o, &g, level.max);
	if (!ms_observe_fits(&p->o, &g, &level))
		return false;
	sum(p, -1);
	ms_observe_grant(&p->o, &g);
	sum(p, 1);
	p->data_vm += bytes;
	return true;
}

static bool fresh(struct prog *p, u64 bytes)
{
	return grow(p, MS_GROWTH_FRESH, bytes);
}

static void touch(struct prog *p, u64 bytes)
{
	p->backed += bytes;
}

/* DONTNEED: the kernel looks before that is done. */
static void give_back(struct prog *p, u64 bytes)
{
	look(p);
	p->backed -= bytes;
}

/* Nobody looks. */
static void unmap(struct prog *p, u64 bytes, u64 backed)
{
	p->data_vm -= bytes;
	p->backed -= backed;
}

/* Grow and touch until it is refused: what is backed then. */
static u64 fill(struct prog *p, enum ms_growth_kind kind, u64 piece)
{
	while (grow(p, kind, piece))
		touch(p, piece);
	return p->backed;
}

static u64 breached(void)
{
	return level.charged > level.max ? level.charged - level.max : 0;
}

/* ---- programs ------------------------------------------------------------------ */

static void test_fill(void)
{
	static const u64 pieces[] = { 4 * KIB, 64 * KIB, 132 * KIB, MIB };
	struct prog p;
	u64 most;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		limit(64 * MIB);
		p = started(MIB, MIB / 2);
		most = fill(&p, MS_GROWTH_FRESH, pieces[i]);
		tap_ok(most > 62 * MIB && most <= 64 * MIB && !breached(),
		       "fresh_memory_by_%lluk_is_refused_below_max", pieces[i] / KIB);
	}
	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	fill(&p, MS_GROWTH_FRESH, MIB);
	tap_ok(fresh(&p, 132 * KIB) && fresh(&p, 132 * KIB) && !fresh(&p, 2 * MIB),
	       "who_was_refused_much_is_granted_little");

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	most = fill(&p, MS_GROWTH_WITHIN, 4 * MIB);
	tap_ok(most > 60 * MIB && most <= 68 * MIB && breached() <= 4 * MIB,
	       "steps_in_a_reservation_pass_max_by_one_at_most");
	tap_ok(!grow(&p, MS_GROWTH_WITHIN, 4 * KIB) && !fresh(&p, 4 * KIB),
	       "and_then_all_growth_is_refused");
	p.backed -= 20 * MIB;
	tap_ok(grow(&p, MS_GROWTH_WITHIN, 4 * MIB), "until_it_has_fallen");
}

static void test_later(void)
{
	struct prog p;
	int granted = 0;

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	for (int i = 0; i < 16; i++)
		granted += fresh(&p, 8 * MIB);
	tap_is(granted, 7, "sixteen_times_8m_touched_later_is_seven_times");
	for (int i = 0; i < 100; i++)
		look(&p);
	tap_ok(!fresh(&p, 8 * MIB), "waiting_does_not_help");
	touch(&p, 56 * MIB);
	look(&p);
	tap_is(breached(), 0, "and_nothing_is_breached_when_it_is_touched");
	ended(&p);
	tap_ok(!level.charged && !level.pending && !level.arena, "nothing_is_left_of_it");
}

static void test_threads(void)
{
	struct prog p;
	int granted = 0;

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	/* Stacks of 8 MiB by mprotect, of which little is used. */
	for (int i = 0; i < 200; i++) {
		granted += grow(&p, MS_GROWTH_WITHIN, 8 * MIB);
		touch(&p, 16 * KIB);
	}
	tap_is(granted, 200, "two_hundred_stacks_are_granted");
	look(&p);
	tap_ok(level.charged < 8 * MIB, "and_cost_what_they_use");

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	granted = 0;
	for (int i = 0; i < 400; i++)
		if (grow(&p, MS_GROWTH_WITHIN, 8 * MIB)) {
			granted++;
			touch(&p, 230 * KIB);
		}
	tap_ok(granted > 270 && granted < 290 && breached() <= MIB,
	       "threads_that_use_theirs_are_refused_at_max");
}

static void test_arenas(void)
{
	struct prog p;

	/* mimalloc maps by 32 MiB; jemalloc takes all memory so, by less. */
	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	tap_ok(grow(&p, MS_GROWTH_NORESERVE, 32 * MIB) && !p.o.pending,
	       "an_arena_costs_nothing_yet");
	tap_ok(grow(&p, MS_GROWTH_NORESERVE, 32 * MIB), "two_fit_untouched");
	tap_ok(!grow(&p, MS_GROWTH_NORESERVE, 32 * MIB), "three_do_not");
	touch(&p, 60 * MIB);
	look(&p);
	tap_ok(p.o.arena <= 5 * MIB, "what_is_touched_is_no_untouched_arena");
	tap_ok(!grow(&p, MS_GROWTH_NORESERVE, 32 * MIB), "nor_does_that_make_room");

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	tap_ok(fill(&p, MS_GROWTH_NORESERVE, 2 * MIB) <= 64 * MIB && !breached(),
	       "small_ones_count_whole");
	tap_ok(!grow(&p, MS_GROWTH_NORESERVE, 16 * MIB), "also_the_largest_of_them");

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	tap_ok(grow(&p, MS_GROWTH_SHADOW, 256 * MIB) &&
	       grow(&p, MS_GROWTH_NORESERVE, 65 * MIB) && level.charged < MIB,
	       "shadows_and_what_can_never_fit_cost_what_they_use");
	tap_ok(grow(&p, MS_GROWTH_UNASKED, 200 * MIB) && level.charged < MIB,
	       "nor_does_a_file_or_an_image");

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	tap_ok(!grow(&p, MS_GROWTH_WITHIN, 70 * MIB) && grow(&p, MS_GROWTH_WITHIN, 60 * MIB),
	       "a_large_step_in_a_reservation_must_fit_whole");
	tap_is(p.o.pending, MS_AHEAD_STEP, "though_it_counts_little");
	tap_ok(grow(&p, MS_GROWTH_WITHIN_NORESERVE, MIB) && p.o.pending == 2 * MS_AHEAD_STEP,
	       "a_small_step_of_a_thread_s_heap_counts_little");
	tap_ok(grow(&p, MS_GROWTH_WITHIN_NORESERVE, 40 * MIB) && p.o.pending > 40 * MIB,
	       "a_large_one_counts_whole");
}

static void test_ahead(void)
{
	struct prog p;

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	for (int i = 0; i < 100; i++)
		grow(&p, MS_GROWTH_WITHIN, MIB);
	tap_is(p.o.pending, MS_AHEAD_MOST, "ahead_in_reservations_is_bounded");
	touch(&p, MIB / 2);
	look(&p);
	tap_is(p.o.ahead, MIB / 2, "what_was_touched_is_no_longer_ahead");
	tap_ok(grow(&p, MS_GROWTH_WITHIN, MIB) && p.o.ahead == MIB / 2 + MS_AHEAD_STEP,
	       "and_more_may_be");
}

static void test_again(void)
{
	struct prog p;
	int refused = 0;

	/* RW and RX by turns, just below max, beside an arena or not. */
	for (u64 arena = 0; arena <= 256 * MIB; arena += 256 * MIB) {
		limit(64 * MIB);
		p = started(59 * MIB + arena, 59 * MIB);
		refused += !fresh(&p, 4 * MIB);
		touch(&p, 4 * MIB);
		for (int i = 0; i < 1000; i++) {
			unmap(&p, 4 * MIB, 0);
			refused += !grow(&p, MS_GROWTH_WITHIN, 4 * MIB);
		}
	}
	tap_is(refused, 0, "write_or_execute_is_never_refused");

	/* Below max by a tenth: map, touch, unmap; give back, touch again. */
	for (u64 arena = 0; arena <= 1024 * MIB; arena += 1024 * MIB) {
		limit(64 * MIB);
		p = started(53 * MIB + arena, 53 * MIB);
		for (int i = 0; i < 3000; i++) {
			refused += !fresh(&p, 4 * MIB);
			touch(&p, 4 * MIB);
			give_back(&p, 4 * MIB);
			touch(&p, 4 * MIB);
			unmap(&p, 4 * MIB, 4 * MIB);
		}
		look(&p);
		tap_is(level.charged, 53 * MIB, "churn_leaves_nothing_charged");
	}
	tap_is(refused, 0, "churn_is_never_refused");

	/* Given back, and kept mapped. */
	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	for (int i = 0; i < 100; i++) {
		refused += !fresh(&p, 4 * MIB);
		touch(&p, 4 * MIB);
		give_back(&p, 4 * MIB);
	}
	tap_is(refused, 0, "what_was_given_back_makes_room");
	touch(&p, 100 * MIB);
	tap_ok(!fresh(&p, 4 * KIB) && breached() > 30 * MIB, "used_again_it_is_a_breach");
}

static void test_fork(void)
{
	struct prog p, c, d;

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	fresh(&p, 40 * MIB);
	touch(&p, 40 * MIB);
	look(&p);
	c = forked(&p);
	tap_is(ms_observe_charge(&c.o), 0, "a_child_costs_nothing_yet");
	fresh(&c, 10 * MIB);
	touch(&c, 10 * MIB);
	look(&c);
	tap_ok(ms_observe_own(&c.o) == 10 * MIB && level.charged == 50 * MIB + MIB / 2,
	       "and_then_what_it_has_beside");
	tap_ok(!fresh(&c, 20 * MIB), "refused_at_max_with_its_parent");
	d = forked(&c);
	tap_is(ms_observe_charge(&d.o), 0, "nor_does_a_grandchild");
	ended(&d);

	/* A daemon: the parent ends, the child has all of it. */
	sum(&c, -1);
	tap_is(ms_observe_heir(&c.o, ms_observe_own(&p.o)), 40 * MIB + MIB / 2,
	       "an_heir_takes_over_what_it_has_inherited");
	sum(&c, 1);
	ended(&p);
	tap_is(level.charged, 50 * MIB + MIB / 2, "so_nothing_is_lost_with_a_parent");
	tap_ok(!fresh(&c, 20 * MIB), "and_the_limit_holds");
	sum(&c, -1);
	tap_is(ms_observe_heir(&c.o, 100 * MIB), 0, "once_only");
	sum(&c, 1);

	/* What is given back of the inherited is so first. */
	limit(64 * MIB);
	p = started(40 * MIB, 40 * MIB);
	c = forked(&p);
	give_back(&c, 30 * MIB);
	look(&c);
	tap_ok(ms_observe_charge(&c.o) == 0 && c.o.inherited == 10 * MIB,
	       "inherited_is_never_more_than_there_is");
}

static void test_start(void)
{
	struct prog hog, p, q;
	u64 full;

	limit(64 * MIB);
	hog = started(MIB, MIB / 2);
	fill(&hog, MS_GROWTH_FRESH, 4 * KIB);
	full = level.charged;
	p = started(256 * KIB, 64 * KIB);
	tap_ok(!fresh(&hog, 4 * KIB), "who_fills_a_group_is_refused");
	tap_ok(fresh(&p, 7 * MIB), "what_starts_then_is_granted_some");
	touch(&p, 7 * MIB);
	tap_ok(!fresh(&p, 2 * MIB), "not_more_than_that");
	q = started(256 * KIB, 64 * KIB);
	tap_ok(!fresh(&q, 2 * MIB) && fresh(&q, 512 * KIB), "all_of_them_share_it");
	tap_ok(level.charged <= 64 * MIB + 64 * MIB / MS_START_PART, "an_eighth_of_max");
	ended(&p);
	ended(&q);
	look(&hog);
	tap_is(level.charged, full, "and_it_is_there_again_for_the_next");
	tap_ok(!fresh(&hog, 4 * KIB), "out_of_reach_of_who_was_there");

	limit(64 * MIB);
	p = started(MIB, MIB / 2);
	tap_is(p.o.start, 0, "where_there_is_room_nobody_has_more");
	tap_ok(!fresh(&p, 65 * MIB), "so_max_is_max");

	limit(1024 * MIB);
	hog = started(1024 * MIB, 1024 * MIB);
	for (int i = 0; i < 10; i++) {
		p = started(256 * KIB, 64 * KIB);
		fresh(&p, 7 * MIB);
	}
	tap_ok(level.charged <= 1024 * MIB + MS_START_ROOMS * MS_START_PENDING, "it_is_bounded");

	/* As jemalloc begins. */
	limit(64 * MIB);
	hog = started(MIB, MIB / 2);
	fill(&hog, MS_GROWTH_FRESH, 4 * KIB);
	p = started(2500 * KIB, 300 * KIB);
	tap_ok(grow(&p, MS_GROWTH_NORESERVE, 2 * MIB) && grow(&p, MS_GROWTH_NORESERVE, 2 * MIB) &&
	       grow(&p, MS_GROWTH_NORESERVE, 4 * MIB), "what_it_maps_ahead_is_more_than_it_uses");
	tap_ok(!grow(&p, MS_GROWTH_NORESERVE, 8 * MIB), "and_is_bounded");
	touch(&p, 8 * MIB);
	tap_ok(!fresh(&p, 64 * KIB), "it_cannot_go_on_when_it_has_used_that");
}

static void test_overcommit(void)
{
	struct prog p;

	limit(256 * MIB);
	p = started(MIB, MIB / 2);
	fresh(&p, 122 * MIB);
	tap_ok(!fresh(&p, 140 * MIB), "untouched_memory_is_refused_at_max");
	level.overcommit = 200;
	tap_ok(fresh(&p, 140 * MIB), "unless_more_may_be_committed");
	tap_ok(!fresh(&p, 256 * MIB), "not_more_than_that_is");
	touch(&p, 250 * MIB);
	look(&p);
	tap_ok(!fresh(&p, 8 * MIB), "what_is_backed_never_passes_max");
	tap_ok(fresh(&p, 4 * MIB), "up_to_it_there_is_room");

	limit(MEMSTATE_UNLIMITED);
	p = started(MIB, MIB / 2);
	tap_ok(fresh(&p, (u64)1 << 46) && fresh(&p, (u64)1 << 46), "without_a_limit_nothing_is");
	tap_ok(p.o.pending == MS_PENDING_MOST && level.charged < 2 * MS_PENDING_MOST,
	       "but_what_is_counted_is_bounded");
	limit(0);
	p = started(MIB, MIB / 2);
	tap_ok(!fresh(&p, 4 * KIB), "with_none_at_all_everything_is");
}

/* ---- the other form, at random ---------------------------------------------------- */

/* From the words of the design: idle is kept, pending is what is left. */
struct model {
	u64 data_vm, backed, inherited;
	s64 idle, last;
	u64 ahead, arena;
};

static s64 lesser(s64 a, s64 b)
{
	return a < b ? a : b;
}

static void model_look(struct model *m, u64 data_vm, u64 backed)
{
	s64 p = (s64)data_vm - (s64)backed;

	m->data_vm = data_vm;
	m->backed = backed;
	m->inherited = (u64)lesser((s64)m->inherited, (s64)backed);
	if (p > m->last)
		m->idle += p - m->last;
	m->idle = lesser(m->idle, p);
	m->last = p;
	m->ahead = (u64)lesser((s64)m->ahead, p - m->idle);
	m->arena = m->idle > 0 ? (u64)lesser((s64)m->arena, m->idle) : 0;
}

static u64 model_charge(const struct model *m)
{
	return m->data_vm - m->inherited - (u64)m->idle;
}

static u64 model_ask(const struct model *m, enum ms_growth_kind kind, u64 delta, u64 max,
		     u64 *arena)
{
	u64 ahead = delta < 64 * KIB ? delta : 64 * KIB;

	*arena = 0;
	if (ahead > MIB - m->ahead)
		ahead = MIB - m->ahead;
	if (kind == MS_GROWTH_FRESH)
		return delta;
	if (kind == MS_GROWTH_WITHIN)
		return ahead;
	if (kind == MS_GROWTH_WITHIN_NORESERVE)
		return delta > MIB ? delta : ahead;
	if (kind == MS_GROWTH_NORESERVE && delta <= 16 * MIB)
		return delta;
	if (kind == MS_GROWTH_NORESERVE && delta <= max)
		*arena = delta;
	return 0;
}

static bool model_fits(const struct ms_observe_level *l, enum ms_growth_kind kind, u64 delta,
		       u64 ask, u64 arena)
{
	u64 committed = l->max * l->overcommit / 100, backed = l->charged - l->pending;
	u64 whole = kind == MS_GROWTH_WITHIN && delta > 8 * MIB ? delta : ask;
	u64 last = l->max / 8 < 512 * KIB ? l->max / 8 : 512 * KIB;

	if (kind == MS_GROWTH_UNASKED)
		return true;
	if (delta > 136 * KIB && whole == ask)
		whole = ask + last;
	if (l->charged + whole > committed || backed + whole > l->max)
		return false;
	return !arena || (l->charged + l->arena + arena) * 4 <= committed * 5;
}

static u64 rnd(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/* Some pages, mostly few. */
static u64 pages(u64 *seed)
{
	return (1 + rnd(seed) % ((u64)1 << rnd(seed) % 15)) * 4 * KIB;
}

static u64 up_to(u64 some, u64 most)
{
	return some < most ? some : most;
}

static void test_random(void)
{
	u64 seed = 88172645463325252, bad = 0, granted = 0, refused = 0;
	struct model m = {};
	struct prog p = {};

	for (int n = 0; n < 500000; n++) {
		struct ms_growth g = { .kind = (enum ms_growth_kind)(rnd(&seed) % 6),
				       .bytes = pages(&seed) };
		u64 some = pages(&seed), arena, ask;
		bool fits;

		switch (n ? rnd(&seed) % 9 : 0) {
		case 0:
			if (n && rnd(&seed) % 50)
				break;
			limit(rnd(&seed) % (64 * MIB));
			level.overcommit += rnd(&seed) % 3 * 50;
			p = started(rnd(&seed) % (32 * MIB), 0);
			/* Stacks are backed and no data. */
			p.backed = rnd(&seed) % (33 * MIB);
			if (rnd(&seed) % 2)
				ms_observe_begin(&p.o, p.data_vm, p.backed, false);
			else
				ms_observe_fork(&p.o, p.data_vm, p.backed);
			m = (struct model) { .data_vm = p.data_vm, .backed = p.backed,
					     .inherited = p.o.inherited };
			m.idle = (s64)p.data_vm - (s64)p.backed;
			m.last = m.idle;
			level.charged = ms_observe_charge(&p.o);
			level.pending = 0;
			level.arena = 0;
			break;
		case 1:
			touch(&p, up_to(some, p.data_vm + 8 * MIB - up_to(p.backed, p.data_vm)));
			break;
		case 2:
			p.backed -= up_to(some, p.backed);
			break;
		case 3:
			unmap(&p, up_to(some, p.data_vm), 0);
			break;
		case 4:
			some = up_to(some, up_to(p.data_vm, p.backed));
			unmap(&p, some, some);
			break;
		case 5:
			look(&p);
			model_look(&m, p.data_vm, p.backed);
			break;
		default:
			look(&p);
			model_look(&m, p.data_vm, p.backed);
			ms_observe_ask(&p.o, &g, level.max);
			ask = model_ask(&m, g.kind, g.bytes, level.max, &arena);
			fits = ms_observe_fits(&p.o, &g, &level);
			bad += g.ask != ask || g.arena != arena ||
			       fits != model_fits(&level, g.kind, g.bytes, ask, arena);
			granted += fits;
			refused += !fits;
			if (!fits)
				break;
			bad += !grow(&p, g.kind, g.bytes);
			m.data_vm += g.bytes;
			m.idle += (s64)g.bytes - (s64)ask;
			m.last += (s64)g.bytes;
			m.arena += arena;
			if (g.kind == MS_GROWTH_WITHIN ||
			    (g.kind == MS_GROWTH_WITHIN_NORESERVE && g.bytes <= MIB))
				m.ahead += ask;
		}
		bad += ms_observe_charge(&p.o) != model_charge(&m) ||
		       p.o.unbacked != m.last || p.o.inherited != m.inherited ||
		       p.o.pending != (u64)(m.last - m.idle) || p.o.ahead != m.ahead ||
		       p.o.arena != m.arena || level.charged != ms_observe_charge(&p.o) ||
		       level.pending != p.o.pending || level.arena != p.o.arena;
	}
	tap_is(bad, 0, "random_programs_agree_with_the_other_form");
	tap_ok(granted > 10000 && refused > 10000, "random_programs_%llu_granted_%llu_refused",
	       (unsigned long long)granted, (unsigned long long)refused);
}

int main(void)
{
	test_fill();
	test_later();
	test_threads();
	test_arenas();
	test_ahead();
	test_again();
	test_fork();
	test_start();
	test_overcommit();
	test_random();
	return tap_end();
}
