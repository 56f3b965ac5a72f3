// SPDX-License-Identifier: MIT
#include <errno.h>

#include "drop.h"
#include "os.h"
#include "own.h"
#include "supply.h"

/* From so many slices on it is asked before an arena grows whether they can be charged. */
#define GROW_ASKED	(((size_t)1 << 20) >> MS_SLICE_SHIFT)
/* Odd mappings; a process may have 65,530 of all kinds. */
#define ODD_MAX		8192

static size_t lost_slices;

/* How much a free run at the end of an arena adds to what it grows by. */
static size_t tail_of(const struct ms_arena *a)
{
	const struct ms_slab *last = a->slabs + a->mapped - 1;

	return a->mapped && ms_slab_state(last) == MS_RUN_CLEAN ? last->len : 0;
}

/* What is to be charged for a run, and for what is known of its slices. */
static size_t charge_of(size_t slices)
{
	size_t known = slices * (sizeof(struct ms_slab) + sizeof(struct ms_remote) +
				 sizeof(uint32_t));
	size_t page = ms_os_page();

	return slices * MS_SLICE + (known + page - 1) / page * page;
}

/*
 * So that there is a clean run of so many slices, of which so many are to be charged. A large one
 * that is going to be refused is refused before anything is done.
 */
static int grow(unsigned int zone, uint32_t slices, uint32_t charged)
{
	int ret = charged >= GROW_ASKED ? ms_os_room(charge_of(charged)) : 0;
	struct ms_arena *a;
	size_t step;

	if (ret)
		return ret;
	for (a = ms_arenas; a < ms_arenas + ms_arenas_nr; a++) {
		size_t tail = tail_of(a);

		if (a->zone != zone || a->nr_slices - a->mapped + tail < slices)
			continue;
		ret = ms_arena_grow(a, slices > tail ? slices - tail : 1, &step);
		if (ret != -EEXIST)
			break;
	}
	if (a == ms_arenas + ms_arenas_nr)
		ret = ms_arena_add(zone, slices, &step);
	if (!ret)
		ms_run_free(a->slabs + a->mapped - step, (uint32_t)step, false);
	return ret;
}

/* Slices to leave out so that what follows is aligned. */
static uint32_t skip_of(const struct ms_slab *run, size_t align)
{
	uintptr_t addr = (uintptr_t)ms_arena_addr(run);

	return (uint32_t)((-addr & (align - 1)) >> MS_SLICE_SHIFT);
}

static struct ms_slab *take_locked(uint32_t slices, uint32_t slack, size_t align,
				   bool *dirty, int *ret)
{
	unsigned int zone = (size_t)slices << MS_SLICE_SHIFT >= MS_ZONE_HUGE_FROM ?
				    MS_ZONE_HUGE : MS_ZONE_SMALL;
	struct ms_slab *run = ms_run_find(zone, true, slices + slack);

	*dirty = run;
	if (!run)
		run = ms_run_find(zone, false, slices + slack);
	while (!run) {
		*ret = grow(zone, slices + slack, slices);
		if (*ret)
			return NULL;
		run = ms_run_find(zone, false, slices + slack);
	}
	return ms_run_cut(run, slack ? skip_of(run, align) : 0, slices);
}

/**
 * ms_supply_take() - take a run of slices, and charge it
 * @slices:	how many
 * @align:	of the address, a power of two
 * @run:	what was taken: private to the caller, its entry without a state
 *
 * Context: without locks. Return: 0; -E2BIG: over a limit, whatever were dropped; -ENOMEM:
 * no room, or over a limit, after everything that is free has been dropped.
 */
int ms_supply_take(uint32_t slices, size_t align, struct ms_run *run)
{
	uint32_t slack = align > MS_SLICE ? (uint32_t)(align >> MS_SLICE_SHIFT) - 1 : 0;
	bool dirty, due, idle;
	int tries, ret = 0;

	for (tries = 0; tries < 2; tries++) {
		ms_lock(&ms_arena_lock);
		run->entry = take_locked(slices, slack, align, &dirty, &ret);
		due = ms_drop_tick();
		idle = ms_runs.dirty;
		ms_unlock(&ms_arena_lock);
		if (run->entry) {
			run->addr = ms_arena_addr(run->entry);
			run->zero = !dirty;
			if (!dirty)
				ret = ms_os_used(run->addr, (size_t)slices << MS_SLICE_SHIFT,
						 MEMSTATE_HEAP);
			/* Books that are full do not take memory away. */
			if (ret != -EDQUOT)
				ret = 0;
			if (!ret) {
				if (due || (!dirty && idle && ms_os_pressed()))
					ms_drop_try(!due);
				return 0;
			}
			ms_supply_give_clean(run->entry, slices);
		}
		if (ret == -E2BIG)
			return ret;
		if (!ms_drop(true))
			break;
	}
	return -ENOMEM;
}

/**
 * ms_supply_give() - a run is free from now on, and may hold memory
 * @entry:	its first, blank
 * @slices:	how many
 *
 * Context: without locks.
 */
void ms_supply_give(struct ms_slab *entry, uint32_t slices)
{
	bool due;

	ms_lock(&ms_arena_lock);
	if (entry->odd == MS_ODD_WHOLE) {
		entry->odd++;
		ms_runs.odd++;
	}
	ms_run_free(entry, slices, true);
	due = ms_drop_tick();
	ms_unlock(&ms_arena_lock);
	ms_drop_news();
	if (MS_UNLIKELY(due || ms_drop_at_once()))
		ms_drop_try(!due);
}

/* A block has grown: it may be several mappings now, and that is two at least. */
static void odd_join(struct ms_slab *entry, struct ms_slab *taken)
{
	unsigned int whole = entry->odd == MS_ODD_WHOLE;

	ms_lock(&ms_arena_lock);
	ms_runs.odd += whole;
	entry->odd = ms_run_odd_sum(entry->odd + whole, taken->odd);
	taken->odd = 0;
	ms_unlock(&ms_arena_lock);
}

/**
 * ms_supply_extend() - take what follows a run
 * @entry:	its first
 * @slices:	how many it has
 * @more:	how many to add
 * @clean:	also by what holds no memory yet
 * @zero:	what was added reads as zeros
 *
 * Context: without locks. Return: whether it could be done.
 */
bool ms_supply_extend(struct ms_slab *entry, uint32_t slices, uint32_t more, bool clean,
		      bool *zero)
{
	struct ms_slab *after = entry + slices, *taken = NULL;
	const struct ms_arena *a;
	bool dirty = false;

	ms_lock(&ms_arena_lock);
	a = ms_arena_of(entry);
	if (after < a->slabs + a->mapped &&
	    (ms_slab_state(after) == MS_RUN_DIRTY ||
	     (clean && ms_slab_state(after) == MS_RUN_CLEAN)) && after->len >= more) {
		dirty = ms_slab_state(after) == MS_RUN_DIRTY;
		taken = ms_run_cut(after, 0, more);
	}
	ms_unlock(&ms_arena_lock);
	if (!taken)
		return false;
	*zero = !dirty;
	if (!dirty && ms_os_used(ms_arena_addr(taken), (size_t)more << MS_SLICE_SHIFT,
				 MEMSTATE_HEAP) == -EDQUOT) {
		ms_supply_give_clean(taken, more);
		return false;
	}
	if (entry->odd | taken->odd)
		odd_join(entry, taken);
	return true;
}

/**
 * ms_supply_take_alike() - a run for what is elsewhere now, to be moved there
 * @entry:	the first of that
 * @slices:	how many to take
 *
 * They lie alike in respect of huge pages: so these are moved as they are.
 *
 * Context: without locks. Return: the first, not charged; NULL: @entry is in the other zone (it
 * has grown there), there is no room, or there is memory already: copying adds none to it, and
 * moving would.
 */
struct ms_slab *ms_supply_take_alike(const struct ms_slab *entry, uint32_t slices)
{
	uintptr_t in = (uintptr_t)ms_arena_addr(entry) & (MS_ZONE_HUGE_FROM - 1);
	uint32_t slack = (MS_ZONE_HUGE_FROM >> MS_SLICE_SHIFT) - 1;
	struct ms_slab *run = NULL;

	if (ms_arena_of(entry)->zone != MS_ZONE_HUGE)
		return NULL;
	ms_lock(&ms_arena_lock);
	if (ms_runs.odd < ODD_MAX && !ms_run_find(MS_ZONE_HUGE, true, slices)) {
		run = ms_run_find(MS_ZONE_HUGE, false, slices + slack);
		if (!run && !grow(MS_ZONE_HUGE, slices + slack, slices - entry->len))
			run = ms_run_find(MS_ZONE_HUGE, false, slices + slack);
	}
	if (run) {
		in = (in - (uintptr_t)ms_arena_addr(run)) & (MS_ZONE_HUGE_FROM - 1);
		run = ms_run_cut(run, (uint32_t)(in >> MS_SLICE_SHIFT), slices);
	}
	ms_unlock(&ms_arena_lock);
	return run;
}

/**
 * ms_supply_give_clean() - a run is free from now on, and holds nothing
 * @entry:	its first
 * @slices:	how many
 *
 * Context: without locks.
 */
void ms_supply_give_clean(struct ms_slab *entry, uint32_t slices)
{
	ms_lock(&ms_arena_lock);
	ms_run_free(entry, slices, false);
	ms_unlock(&ms_arena_lock);
}

/**
 * ms_supply_odd() - a block has moved
 * @from:	where it was: no odd mapping any longer
 * @to:		where it is: one
 *
 * Context: without locks; both are the caller's.
 */
void ms_supply_odd(struct ms_slab *from, struct ms_slab *to)
{
	ms_lock(&ms_arena_lock);
	ms_runs.odd += MS_ODD_WHOLE - from->odd - to->odd;
	ms_unlock(&ms_arena_lock);
	from->odd = 0;
	to->odd = MS_ODD_WHOLE;
}

/**
 * ms_supply_lose() - a run is never used again: somebody else may have the addresses
 * @slices: how many it has
 *
 * Context: without locks.
 */
void ms_supply_lose(uint32_t slices)
{
	ms_lock(&ms_arena_lock);
	lost_slices += slices;
	ms_unlock(&ms_arena_lock);
}

/**
 * ms_supply_trim() - give back the end of a run
 * @entry:	its first
 * @keep:	how many slices it keeps
 * @slices:	how many it has
 *
 * Context: without locks.
 */
void ms_supply_trim(struct ms_slab *entry, uint32_t keep, uint32_t slices)
{
	entry[keep].odd = entry->odd;
	if (entry->odd) {
		ms_lock(&ms_arena_lock);
		ms_runs.odd += entry->odd;
		ms_unlock(&ms_arena_lock);
	}
	ms_supply_give(entry + keep, slices - keep);
}

/**
 * ms_supply_figures() - for the statistics
 * @f: where to put them
 *
 * Context: without locks.
 */
void ms_supply_figures(struct ms_supply_figures *f)
{
	f->meta = ms_own_mapped();
	ms_lock(&ms_arena_lock);
	f->reserved = 0;
	f->mapped = 0;
	for (unsigned int i = 0; i < ms_arenas_nr; i++) {
		f->reserved += ms_arenas[i].parts[MS_PART_HEAP].reserved;
		f->mapped += ms_arenas[i].mapped << MS_SLICE_SHIFT;
		for (int part = 0; part < MS_PART_HEAP; part++)
			f->meta += ms_arenas[i].parts[part].mapped;
	}
	f->dirty = ms_runs.dirty << MS_SLICE_SHIFT;
	f->taken = f->mapped - f->dirty - ((ms_runs.clean + lost_slices) << MS_SLICE_SHIFT);
	f->purged = ms_drop_sums.bytes;
	f->purges = ms_drop_sums.runs;
	f->grows = ms_arena_grows;
	ms_unlock(&ms_arena_lock);
}

/**
 * ms_supply_check() - whether the free runs are as they should be
 *
 * Context: without locks. Return: NULL, or what is wrong.
 */
const char *ms_supply_check(void)
{
	const char *wrong;

	ms_lock(&ms_arena_lock);
	wrong = ms_runs_check();
	ms_unlock(&ms_arena_lock);
	return wrong;
}

void ms_supply_fork_prepare(void)
{
	ms_drop_fork_prepare();
	ms_lock(&ms_arena_lock);
	ms_own_fork_prepare();
}

void ms_supply_fork_done(void)
{
	ms_own_fork_done();
	ms_unlock(&ms_arena_lock);
	ms_drop_fork_done();
}
