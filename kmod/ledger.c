// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "ledger.h"

/* As much as the nodes of so many ranges take when they are half full. */
#define BALLAST_BYTES	256
#define BALLAST_RANGES	4

/* Ranges that are looked at or stored before others may run: a change can cover all. */
#define LEDGER_BREATH	512

struct ms_ballast {
	struct ms_ballast *next;
};

static ms_entry_t entry_of(void *value)
{
	return value ? xa_to_value(value) : MS_ENTRY_NONE;
}

static void *value_of(ms_entry_t e)
{
	return e == MS_ENTRY_NONE ? NULL : xa_mk_value(e);
}

/*
 * Memory of our own for each few ranges: it is charged to the task's memory cgroup,
 * which the nodes of the tree are not, as the tree asks for them before it looks at
 * our flags. And it is asked for before anything is stored: the stores may not fail,
 * or the books would hold half a transition, and a tree that gets some of the nodes
 * it wants and never the rest tries for ever.
 */
static bool ballast_grow(struct ms_ledger *l, u32 nr_ranges)
{
	while (l->nr_ballast * BALLAST_RANGES < nr_ranges) {
		struct ms_ballast *b = kmalloc(BALLAST_BYTES, GFP_KERNEL_ACCOUNT);

		if (!b)
			return false;
		b->next = l->ballast;
		l->ballast = b;
		l->nr_ballast++;
	}
	return true;
}

static void ballast_shrink(struct ms_ledger *l, u32 nr_ranges)
{
	while (l->ballast && (l->nr_ballast - 1) * BALLAST_RANGES >= nr_ranges) {
		struct ms_ballast *b = l->ballast;

		l->ballast = b->next;
		l->nr_ballast--;
		kfree(b);
	}
}

/**
 * ms_ledger_init() - make an empty ledger
 * @l:		the ledger
 * @lock:	held around every other call
 *
 * Context: any.
 */
void ms_ledger_init(struct ms_ledger *l, struct mutex *lock)
{
	mt_init_flags(&l->tree, MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&l->tree, lock);
	l->lock = lock;
	l->nr_ranges = 0;
	l->ballast = NULL;
	l->nr_ballast = 0;
}

/**
 * ms_ledger_destroy() - forget everything
 * @l: the ledger, empty afterwards
 *
 * Context: may sleep; lock held.
 */
void ms_ledger_destroy(struct ms_ledger *l)
{
	lockdep_assert_held(l->lock);
	__mt_destroy(&l->tree);
	l->nr_ranges = 0;
	ballast_shrink(l, 0);
}

/* A run of the resulting sequence, in order of addresses. */
static void plan_run(struct ms_plan *p, ms_entry_t e)
{
	if (e != MS_ENTRY_NONE && e != p->last)
		p->after++;
	p->last = e;
}

/* A run of equal entries inside the change. */
static void plan_piece(struct ms_plan *p, ms_entry_t old, u64 bytes)
{
	struct ms_effect *eff = p->eff;
	ms_entry_t new = ms_rule_apply(old, p->chg);

	if (!(++eff->steps % LEDGER_BREATH))
		cond_resched();
	if (!(p->chg->flags & MEMSTATE_ONLY) && !ms_rule_matches(old, p->chg))
		eff->drift = true;
	if (new != old) {
		eff->changed = true;
		ms_totals_move(&eff->totals, old, new, bytes);
		if (ms_entry_charged(new) && !ms_entry_charged(old))
			eff->charged += bytes;
		else if (ms_entry_charged(old) && !ms_entry_charged(new))
			eff->charged -= bytes;
	}
	plan_run(p, new);
}

/* Walk what the change covers and the bytes next to it. */
static void plan_make(struct ms_plan *p, struct ms_ledger *l)
{
	MA_STATE(mas, &l->tree, 0, 0);
	u64 start = p->chg->start, end = p->chg->end, pos = start;
	void *value;

	mas_set(&mas, start ? start - 1 : 0);
	while ((value = mas_find(&mas, end))) {
		ms_entry_t e = entry_of(value);
		u64 lo = mas.index, hi = (u64)mas.last + 1;

		p->before++;
		if (lo < start) {
			p->left = e;
			p->left_start = lo;
			plan_run(p, e);
		}
		if (lo > pos && pos < end) {
			plan_piece(p, MS_ENTRY_NONE, min(lo, end) - pos);
			pos = min(lo, end);
		}
		if (pos < min(hi, end)) {
			plan_piece(p, e, min(hi, end) - pos);
			pos = min(hi, end);
		}
		if (hi > end) {
			p->right = e;
			p->right_end = hi;
			plan_run(p, e);
			break;
		}
	}
	if (pos < end) {
		/* Only reached without a right neighbour. */
		plan_piece(p, MS_ENTRY_NONE, end - pos);
	}
	p->eff->ranges = p->after - p->before;
}

/* Store one run of the change, one with its neighbours where they are equal. */
static void plan_store(struct ms_plan *p, struct ms_ledger *l, u64 start, u64 end,
		       ms_entry_t e)
{
	MA_STATE(mas, &l->tree, 0, 0);
	int ret;

	if (e != MS_ENTRY_NONE && start == p->chg->start && e == p->left)
		start = p->left_start;
	if (e != MS_ENTRY_NONE && end == p->chg->end && e == p->right)
		end = p->right_end;
	mas_set_range(&mas, start, end - 1);
	ret = mas_store_gfp(&mas, value_of(e), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	WARN_ON_ONCE(ret);
}

/* Store a change that makes different things of different pieces. */
static void plan_store_pieces(struct ms_plan *p, struct ms_ledger *l)
{
	u64 end = p->chg->end, pos = p->chg->start, run = pos;
	ms_entry_t run_entry = MS_ENTRY_NONE;
	bool run_changed = false;
	u32 steps = 0;

	while (pos < end) {
		MA_STATE(mas, &l->tree, pos, pos);
		void *value = mas_find(&mas, end - 1);
		ms_entry_t old = MS_ENTRY_NONE, new;
		u64 next = end;

		if (!(++steps % LEDGER_BREATH))
			cond_resched();
		if (value && mas.index <= pos) {
			old = entry_of(value);
			next = min((u64)mas.last + 1, end);
		} else if (value) {
			next = mas.index;
		}
		new = ms_rule_apply(old, p->chg);
		if (pos != run && new != run_entry) {
			if (run_changed)
				plan_store(p, l, run, pos, run_entry);
			run = pos;
			run_changed = false;
		}
		run_entry = new;
		run_changed |= new != old;
		pos = next;
	}
	if (run_changed)
		plan_store(p, l, run, end, run_entry);
}

/**
 * ms_ledger_look() - see what a change would do
 * @l:		the ledger
 * @chg:	the change, checked; to be there until the plan is done with
 * @p:		where to put the plan
 * @eff:	where to put what it would do
 *
 * Context: may sleep; lock held.
 */
void ms_ledger_look(struct ms_ledger *l, const struct ms_change *chg,
		    struct ms_plan *p, struct ms_effect *eff)
{
	lockdep_assert_held(l->lock);
	memset(eff, 0, sizeof(*eff));
	*p = (struct ms_plan) { .chg = chg, .eff = eff };
	plan_make(p, l);
}

/**
 * ms_ledger_prepare() - make sure that a plan can be committed
 * @l:		the ledger, unchanged since ms_ledger_look()
 * @p:		the plan
 * @ranges_max:	how many ranges there may be afterwards, unless they get fewer
 *
 * Context: may sleep; lock held. Return: 0; -ENOSPC: too many ranges; -ENOMEM.
 */
int ms_ledger_prepare(struct ms_ledger *l, const struct ms_plan *p, u32 ranges_max)
{
	const struct ms_effect *eff = p->eff;

	lockdep_assert_held(l->lock);
	if (!eff->changed || eff->ranges <= 0)
		return 0;
	if (l->nr_ranges + eff->ranges > ranges_max)
		return -ENOSPC;
	return ballast_grow(l, l->nr_ranges + eff->ranges) ? 0 : -ENOMEM;
}

/**
 * ms_ledger_commit() - do what was planned
 * @l:	the ledger, unchanged since ms_ledger_prepare()
 * @p:	the plan
 *
 * Context: may sleep; lock held.
 */
void ms_ledger_commit(struct ms_ledger *l, struct ms_plan *p)
{
	const struct ms_change *chg = p->chg;

	lockdep_assert_held(l->lock);
	if (!p->eff->changed)
		return;
	if (ms_rule_uniform(chg))
		plan_store(p, l, chg->start, chg->end,
			   ms_rule_apply(MS_ENTRY_NONE, chg));
	else
		plan_store_pieces(p, l);
	l->nr_ranges += p->eff->ranges;
	ballast_shrink(l, l->nr_ranges);
}

/**
 * ms_ledger_next() - the first range that ends behind an address
 * @l:		the ledger
 * @addr:	the address
 * @range:	where to put it
 *
 * Context: any; lock held. Return: false if there is none.
 */
bool ms_ledger_next(struct ms_ledger *l, u64 addr, struct memstate_range *range)
{
	MA_STATE(mas, &l->tree, addr, addr);
	ms_entry_t e;

	lockdep_assert_held(l->lock);
	e = entry_of(mas_find(&mas, ULONG_MAX));
	if (e == MS_ENTRY_NONE)
		return false;
	*range = (struct memstate_range) {
		.start = mas.index,
		.end = (u64)mas.last + 1,
		.state = ms_entry_state(e),
		.class_ = ms_entry_class(e),
		.flags = (ms_entry_lazy(e) ? MEMSTATE_RANGE_LAZY : 0) |
			 (ms_entry_ro(e) ? MEMSTATE_RANGE_RO : 0),
	};
	return true;
}
