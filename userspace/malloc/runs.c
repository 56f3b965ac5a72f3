// SPDX-License-Identifier: MIT
#include "os.h"
#include "runs.h"

/* How many runs of a bin are tried before a longer one is taken. */
#define FIT_TRIES	8

struct ms_runs ms_runs;

_Static_assert(MS_NR_BINS == 128, "a bit for each in two words, and bins for any uint32_t");

static unsigned int bin_of(uint32_t len)
{
	unsigned int e;

	if (len < 8)
		return len;
	e = 31 - (unsigned int)__builtin_clz(len);
	return 8 + (e - 3) * 4 + ((len >> (e - 2)) & 3);
}

static void run_insert(struct ms_slab *run, uint32_t len, bool dirty)
{
	unsigned int bin = bin_of(len);
	struct ms_zone *zone = &ms_runs.zones[ms_arena_of(run)->zone];
	struct ms_slab *last = run + len - 1, *head = zone->bins[dirty][bin];

	ms_slab_set_state(run, dirty ? MS_RUN_DIRTY : MS_RUN_CLEAN);
	run->len = len;
	ms_slab_set_state(last, run->state);
	last->len = len;
	run->prev = NULL;
	run->next = head;
	if (head)
		head->prev = run;
	zone->bins[dirty][bin] = run;
	zone->used[dirty][bin / 64] |= UINT64_C(1) << bin % 64;
	if (!dirty) {
		ms_runs.clean += len;
		return;
	}
	ms_runs.dirty += len;
	run->newer = NULL;
	run->older = ms_runs.newest;
	if (ms_runs.newest)
		ms_runs.newest->newer = run;
	else
		ms_runs.oldest = run;
	ms_runs.newest = run;
}

/**
 * ms_run_remove() - a run is in no list any longer
 * @run: its first
 *
 * Context: the arena's lock.
 */
void ms_run_remove(struct ms_slab *run)
{
	bool dirty = ms_slab_state(run) == MS_RUN_DIRTY;
	unsigned int bin = bin_of(run->len);
	struct ms_zone *zone = &ms_runs.zones[ms_arena_of(run)->zone];
	struct ms_slab *last = run + run->len - 1;

	if (run->prev)
		run->prev->next = run->next;
	else
		zone->bins[dirty][bin] = run->next;
	if (run->next)
		run->next->prev = run->prev;
	if (!zone->bins[dirty][bin])
		zone->used[dirty][bin / 64] &= ~(UINT64_C(1) << bin % 64);
	if (!dirty) {
		ms_runs.clean -= run->len;
	} else {
		ms_runs.dirty -= run->len;
		if (run->older)
			run->older->newer = run->newer;
		else
			ms_runs.oldest = run->newer;
		if (run->newer)
			run->newer->older = run->older;
		else
			ms_runs.newest = run->older;
	}
	ms_slab_set_state(last, MS_RUN_NONE);
	ms_slab_set_state(run, MS_RUN_NONE);
}

/**
 * ms_run_odd_sum() - odd mappings of two runs that become one
 * @a:	of one
 * @b:	of the other
 *
 * Context: the arena's lock. Return: their sum, at most what an entry holds: it is the number of
 * mappings to be careful of.
 */
uint8_t ms_run_odd_sum(unsigned int a, unsigned int b)
{
	if (a + b <= UINT8_MAX)
		return (uint8_t)(a + b);
	ms_runs.odd -= a + b - UINT8_MAX;
	return UINT8_MAX;
}

/**
 * ms_run_free() - a run becomes free, together with its neighbours of the same kind
 * @run:	its first, blank
 * @len:	slices
 * @dirty:	it may hold memory
 *
 * Context: the arena's lock.
 */
void ms_run_free(struct ms_slab *run, uint32_t len, bool dirty)
{
	struct ms_arena *a = ms_arena_of(run);
	uint8_t state = dirty ? MS_RUN_DIRTY : MS_RUN_CLEAN;
	struct ms_slab *after = run + len;

	if (run > a->slabs && ms_slab_state(run - 1) == state) {
		struct ms_slab *before = run - run[-1].len;

		len += before->len;
		ms_run_remove(before);
		before->odd = ms_run_odd_sum(before->odd, run->odd);
		run = before;
	}
	if (after < a->slabs + a->mapped && ms_slab_state(after) == state) {
		len += after->len;
		ms_run_remove(after);
		run->odd = ms_run_odd_sum(run->odd, after->odd);
	}
	run_insert(run, len, dirty);
	if (dirty)
		run->stamp = ms_os_now_ms();
}

/**
 * ms_run_find() - a free run
 * @nr:		of which zone
 * @dirty:	a dirty one, or a clean one
 * @len:	slices at least
 *
 * Context: the arena's lock. Return: the first of one that fits well; NULL.
 */
struct ms_slab *ms_run_find(unsigned int nr, bool dirty, uint32_t len)
{
	const struct ms_zone *zone = &ms_runs.zones[nr];
	unsigned int bin = bin_of(len), word, tries = 0;
	struct ms_slab *run;
	uint64_t rest;

	for (run = zone->bins[dirty][bin]; run && tries < FIT_TRIES; run = run->next, tries++)
		if (run->len >= len)
			return run;
	bin++;
	for (word = bin / 64; word < 2; word++) {
		rest = zone->used[dirty][word];
		if (word == bin / 64)
			rest &= ~UINT64_C(0) << bin % 64;
		if (rest)
			return zone->bins[dirty][word * 64 +
						 (unsigned int)__builtin_ctzll(rest)];
	}
	return NULL;
}

/**
 * ms_run_cut() - take what is wanted out of a free run
 * @run:	its first
 * @skip:	slices that stay free before it
 * @len:	slices to take
 *
 * Context: the arena's lock. Return: the first of these; they are in no list.
 */
struct ms_slab *ms_run_cut(struct ms_slab *run, uint32_t skip, uint32_t len)
{
	bool dirty = ms_slab_state(run) == MS_RUN_DIRTY;
	uint32_t stamp = dirty ? run->stamp : 0;
	uint32_t whole = run->len;
	struct ms_slab *rest;

	/* Each piece may have them all. */
	run[skip].odd = run->odd;
	ms_runs.odd += skip ? run->odd : 0;
	if (whole > skip + len) {
		run[skip + len].odd = run->odd;
		ms_runs.odd += run->odd;
	}
	ms_run_remove(run);
	if (skip) {
		run_insert(run, skip, dirty);
		if (dirty)
			run->stamp = stamp;
	}
	rest = run + skip + len;
	if (whole > skip + len) {
		run_insert(rest, whole - skip - len, dirty);
		if (dirty)
			rest->stamp = stamp;
	}
	return run + skip;
}

static const char *bin_check(unsigned int nr, int dirty, unsigned int bin,
			     size_t *sums)
{
	const struct ms_zone *zone = &ms_runs.zones[nr];
	const struct ms_slab *run = zone->bins[dirty][bin];

	if (!run != !(zone->used[dirty][bin / 64] >> bin % 64 & 1))
		return "a bin's bit does not say whether it is empty";
	for (; run; run = run->next) {
		const struct ms_arena *a = ms_arena_of(run);
		const struct ms_slab *end = run + run->len;

		sums[dirty] += run->len;
		if (bin_of(run->len) != bin || a->zone != nr)
			return "a run stands in another bin";
		if (run->state != (dirty ? MS_RUN_DIRTY : MS_RUN_CLEAN) ||
		    end[-1].state != run->state || end[-1].len != run->len)
			return "the two ends of a run disagree";
		if (end < a->slabs + a->mapped && ms_slab_state(end) == run->state)
			return "neighbours are not one run";
	}
	return NULL;
}

/**
 * ms_runs_check() - whether the free runs are as they should be
 *
 * Context: the arena's lock. Return: NULL, or what is wrong.
 */
const char *ms_runs_check(void)
{
	size_t sums[2] = { 0, 0 }, aged = 0;
	const char *wrong = NULL;

	for (unsigned int i = 0; i < 4 * MS_NR_BINS && !wrong; i++)
		wrong = bin_check(i & 1, i >> 1 & 1, i >> 2, sums);
	for (const struct ms_slab *run = ms_runs.oldest; run; run = run->newer)
		aged += run->len;
	if (!wrong && (sums[0] != ms_runs.clean || sums[1] != ms_runs.dirty || aged != sums[1]))
		wrong = "the runs do not add up";
	return wrong;
}
