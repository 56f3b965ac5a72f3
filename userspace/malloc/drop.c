// SPDX-License-Identifier: MIT
#include <linux/futex.h>

#include "drop.h"
#include "knobs.h"
#include "os.h"
#include "raw.h"

/* Below this much that is free and dirty nobody looks at the clock. */
#define DIRTY_KEEP	(((size_t)1 << 20) >> MS_SLICE_SHIFT)
/* The clock is looked at once in so many calls. */
#define TICK_CALLS	16
/* Older is what was freed later: milliseconds, that wrap. */
#define AGE_MAX		0xffff0000u
/* How many runs are put back in one go. */
#define DROPS_LOCKED	16
/* How often who drops looks for what others have left to him. */
#define DROP_ROUNDS	4

/* Runs that are in no list while they are dropped. */
static struct {
	struct ms_slab *run;
	uint32_t len;
	bool gone;
} drops[MS_OS_MANY];
static struct ms_os_range drop_ranges[MS_OS_MANY];
static struct ms_lock drop_lock;

/* Not told yet; atomic. */
static uint64_t dropped_slices;
static unsigned int calls;

struct ms_drop_figures ms_drop_sums;
uint32_t ms_drop_asleep;

static int64_t decay_ms(void)
{
	return __atomic_load_n(&ms_knobs.decay_ms, __ATOMIC_RELAXED);
}

/* Odd mappings go back to what they were by the way. */
static bool renew(struct ms_slab *run, size_t bytes)
{
	if (!run->odd ||
	    ms_os_renew(ms_arena_addr(run), bytes, MEMSTATE_HEAP, false, ms_knobs.huge))
		return false;
	ms_lock(&ms_arena_lock);
	ms_runs.odd -= run->odd;
	ms_unlock(&ms_arena_lock);
	run->odd = 0;
	return true;
}

/* What is freed after we have looked at the clock is not: else there would be no end. */
static bool is_due(const struct ms_slab *run, bool all, uint32_t now)
{
	uint32_t age = now - run->stamp;
	int64_t decay = decay_ms();

	return age < AGE_MAX && (all || (decay >= 0 && age >= decay));
}

/* Out of the lists with what is due. Return: how many runs. */
static uint32_t drops_take(bool all, uint32_t now)
{
	uint32_t nr = 0;

	while (nr < MS_OS_MANY && ms_runs.oldest && is_due(ms_runs.oldest, all, now)) {
		drops[nr].run = ms_runs.oldest;
		drops[nr++].len = ms_runs.oldest->len;
		ms_run_remove(ms_runs.oldest);
	}
	return nr;
}

/* Ready to Prepared. Return: whether all could be dropped. */
static bool drops_do(uint32_t nr)
{
	struct ms_os_range *range = drop_ranges;
	bool all = true;

	for (uint32_t i = 0; i < nr; i++) {
		size_t bytes = (size_t)drops[i].len << MS_SLICE_SHIFT;

		drops[i].gone = renew(drops[i].run, bytes);
		if (!drops[i].gone)
			*range++ = (struct ms_os_range) {
				.addr = ms_arena_addr(drops[i].run), .bytes = bytes,
			};
	}
	if (range > drop_ranges)
		ms_os_unused_many(drop_ranges, (uint32_t)(range - drop_ranges), MEMSTATE_HEAP);
	range = drop_ranges;
	for (uint32_t i = 0; i < nr; i++) {
		if (!drops[i].gone)
			drops[i].gone = !range++->error;
		all &= drops[i].gone;
	}
	return all;
}

/* Back into the lists. Who wants the lock meanwhile gets it. */
static size_t drops_give(uint32_t nr)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t len = drops[i].len;

		if (i && !(i % DROPS_LOCKED)) {
			ms_unlock(&ms_arena_lock);
			ms_lock(&ms_arena_lock);
		}
		ms_drop_sums.runs++;
		if (drops[i].gone) {
			bytes += (size_t)len << MS_SLICE_SHIFT;
			__atomic_fetch_add(&dropped_slices, len, __ATOMIC_RELAXED);
		}
		ms_run_free(drops[i].run, len, !drops[i].gone);
	}
	ms_drop_sums.bytes += bytes;
	return bytes;
}

static bool dirty_due(bool all)
{
	uint32_t now = ms_os_now_ms();
	bool due;

	ms_lock(&ms_arena_lock);
	due = ms_runs.oldest && is_due(ms_runs.oldest, all, now);
	ms_unlock(&ms_arena_lock);
	return due;
}

/*
 * What is due is dropped in batches, by one thread at a time. What it is dropping nobody can
 * take: who needs that, having met a limit, waits for it, and gets told of it. Others leave
 * what they have to whoever is at it.
 */
static size_t drop(bool all, bool wait)
{
	int rounds = 0;
	bool go_on = true;
	size_t bytes = 0;
	uint64_t before;
	uint32_t now, nr;

	ms_lock(&ms_arena_lock);
	before = ms_drop_sums.bytes;
	ms_unlock(&ms_arena_lock);
	if (wait)
		ms_lock(&drop_lock);
	else if (!ms_trylock(&drop_lock))
		return 0;
	do {
		now = ms_os_now_ms();
		ms_lock(&ms_arena_lock);
		while (go_on && (nr = drops_take(all, now))) {
			ms_unlock(&ms_arena_lock);
			/* What could not be dropped (locked memory) is the ms_runs.newest now. */
			go_on = drops_do(nr);
			ms_lock(&ms_arena_lock);
			bytes += drops_give(nr);
		}
		if (wait)
			bytes = ms_drop_sums.bytes - before;
		ms_unlock(&ms_arena_lock);
		ms_unlock(&drop_lock);
		/* What was left to us after we had looked; but not for ever. */
	} while (go_on && ++rounds < DROP_ROUNDS && dirty_due(all) && ms_trylock(&drop_lock));
	return bytes;
}

/**
 * ms_drop() - make free memory Prepared
 * @all: not only what is older than the decay time
 *
 * Context: without locks. Return: bytes that were dropped, by whomever, meanwhile.
 */
size_t ms_drop(bool all)
{
	return drop(all, true);
}

/**
 * ms_drop_try() - the same, unless somebody else is at it
 * @all: not only what is older than the decay time
 *
 * Context: without locks.
 */
void ms_drop_try(bool all)
{
	drop(all, false);
}

/**
 * ms_drop_tick() - whether it is time, as far as is known without looking too often
 *
 * Context: the arena's lock. Return: whether something is due.
 */
bool ms_drop_tick(void)
{
	if (ms_runs.dirty <= DIRTY_KEEP || decay_ms() < 0)
		return false;
	if (++calls % TICK_CALLS)
		return false;
	return ms_os_now_ms() - ms_runs.oldest->stamp >= (uint64_t)decay_ms();
}

/**
 * ms_drop_at_once() - whether nothing is to be kept that is free
 *
 * Context: any. Return: whether it is so, by the settings or because a limit is near.
 */
bool ms_drop_at_once(void)
{
	return decay_ms() == 0 || ms_os_pressed();
}

/**
 * ms_drop_due() - when something is to be dropped
 *
 * Context: without locks. Return: milliseconds until then, 0: now; -1: nothing is free.
 */
int64_t ms_drop_due(void)
{
	int64_t decay = decay_ms(), age = -1;

	ms_lock(&ms_arena_lock);
	if (ms_runs.oldest && decay >= 0)
		age = ms_os_now_ms() - ms_runs.oldest->stamp;
	ms_unlock(&ms_arena_lock);
	if (age < 0)
		return -1;
	return age < decay ? decay - age : 0;
}

uint64_t ms_drop_slices(void)
{
	if (!__atomic_load_n(&dropped_slices, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(&dropped_slices, 0, __ATOMIC_RELAXED);
}

/**
 * ms_drop_wake() - there is something to drop, or a setting has changed
 *
 * Context: without locks.
 */
void ms_drop_wake(void)
{
	if (__atomic_exchange_n(&ms_drop_asleep, 0, __ATOMIC_SEQ_CST))
		ms_raw4(SYS_futex, &ms_drop_asleep, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL);
}

void ms_drop_fork_prepare(void)
{
	ms_lock(&drop_lock);
}

void ms_drop_fork_done(void)
{
	ms_unlock(&drop_lock);
}
