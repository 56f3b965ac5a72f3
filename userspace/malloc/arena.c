// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "background.h"
#include "knobs.h"
#include "lock.h"
#include "os.h"
#include "own.h"
#include "region.h"

#define NR_BINS		128
#define NR_ARENAS_MAX	64

/* The most that is reserved at once. */
#define RESERVE_MAX	((size_t)4 << 40)
/* More there is not, whatever is asked for. */
#define ADDRESSES	((size_t)1 << 46)
#define ARENA_ALIGN	((size_t)2 << 20)

/* An arena grows by this much, or by an eighth of what it has. */
#define GROW_MIN	(((size_t)1 << 20) >> MS_SLICE_SHIFT)
#define GROW_MAX	(((size_t)64 << 20) >> MS_SLICE_SHIFT)

/* What is reserved of one at first, and what it grows by at most, unless there is need of more. */
#define RESERVE_FIRST	((size_t)2 << 20)
#define RESERVE_STEP	((size_t)1 << 30)

/* Below this much that is free and dirty nobody looks at the clock. */
#define DIRTY_KEEP	(((size_t)1 << 20) >> MS_SLICE_SHIFT)
/* The clock is looked at once in so many calls, or slices. */
#define TICK_CALLS	16
/* Odd mappings; a process may have 65,530 of all kinds. */
#define ODD_MAX		8192
/* How many runs of a bin are tried before a longer one is taken. */
#define FIT_TRIES	8
/* Older is what was freed later: milliseconds, that wrap. */
#define AGE_MAX		0xffff0000u
/* How many runs are put back in one go. */
#define DROPS_LOCKED	16
/* How often who drops looks for what others have left to him. */
#define DROP_ROUNDS	4

/* Of what an arena is made, in this order, and so many bytes for each slice. */
enum { WORDS, TAGS, ENTRIES, HEAP, NR_PARTS };
static const size_t part_unit[NR_PARTS] = {
	sizeof(struct ms_remote), sizeof(uint32_t), sizeof(struct ms_slab), MS_SLICE,
};

/* Free runs by length: [0] clean, [1] dirty. */
static struct zone {
	struct ms_slab *bins[2][NR_BINS];
	uint64_t used[2][2];
} zones[2];

static struct arena {
	uintptr_t base;
	size_t nr_slices;		/* what it may become */
	size_t mapped;			/* slices */
	struct zone *zone;
	struct ms_slab *slabs;
	uint32_t *tags;
	struct ms_remote *remotes;
	struct ms_region parts[NR_PARTS];
} arenas[NR_ARENAS_MAX];
static unsigned int nr_arenas;

static struct ms_lock lock;

/* Runs that are in no list while they are dropped; under a lock of their own. */
static struct {
	struct ms_slab *run;
	uint32_t len;
	bool gone;
} drops[MS_OS_MANY];
static struct ms_os_range drop_ranges[MS_OS_MANY];
static struct ms_lock drop_lock;

static struct ms_slab *oldest, *newest;
static size_t dirty_slices, clean_slices;
static unsigned int calls;
static long nr_odd;
static size_t lost_slices;
static uint64_t purged_bytes, purges, grows;
/* Not told yet; atomic. */
static uint64_t dropped_slices;

struct ms_map ms_map;
struct ms_slab ms_slab_none;

static int64_t decay_ms(void)
{
	return __atomic_load_n(&ms_knobs.decay_ms, __ATOMIC_RELAXED);
}

/* ---- addresses ----------------------------------------------------------------- */

/* Others may have an arena in what this one may become. */
static size_t mapped_of(const struct arena *a)
{
	return __atomic_load_n(&a->mapped, __ATOMIC_RELAXED);
}

static struct arena *arena_of(const struct ms_slab *entry)
{
	unsigned int nr = __atomic_load_n(&nr_arenas, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < nr; i++)
		if ((uintptr_t)entry - (uintptr_t)arenas[i].slabs <
		    mapped_of(&arenas[i]) * sizeof(*entry))
			return &arenas[i];
	__builtin_unreachable();
}

void *ms_arena_addr(const struct ms_slab *entry)
{
	const struct arena *a = arena_of(entry);

	return (void *)(a->base + ((size_t)(entry - a->slabs) << MS_SLICE_SHIFT));
}

struct ms_slab *ms_slab_find_far(const void *p, uint32_t *tag)
{
	unsigned int nr = __atomic_load_n(&nr_arenas, __ATOMIC_ACQUIRE);

	*tag = 0;
	for (unsigned int i = 0; i < nr; i++) {
		size_t slice = ((uintptr_t)p - arenas[i].base) >> MS_SLICE_SHIFT;

		if (slice >= mapped_of(&arenas[i]))
			continue;
		*tag = ms_tag_load(&arenas[i].tags[slice]);
		return &arenas[i].slabs[slice - (*tag & MS_TAG_BACK_MASK)];
	}
	return NULL;
}

struct ms_remote *ms_remote_far(const struct ms_slab *slab)
{
	const struct arena *a = arena_of(slab);

	return &a->remotes[slab - a->slabs];
}

struct ms_slab *ms_remote_slab_far(const struct ms_remote *r)
{
	unsigned int nr = __atomic_load_n(&nr_arenas, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < nr; i++)
		if ((uintptr_t)r - (uintptr_t)arenas[i].remotes <
		    mapped_of(&arenas[i]) * sizeof(*r))
			return &arenas[i].slabs[r - arenas[i].remotes];
	__builtin_unreachable();
}

/**
 * ms_arena_owner() - whose a slab is
 * @slab: its first slice's entry
 *
 * Context: any. Return: its tag.
 */
uint32_t ms_arena_owner(const struct ms_slab *slab)
{
	const struct arena *a = arena_of(slab);

	return ms_tag_load(&a->tags[slab - a->slabs]);
}

/**
 * ms_arena_tag() - say whose a slab is
 * @slab:	its first slice's entry
 * @slices:	how many it has
 * @tag:	owner and class; 0: it is none any longer
 *
 * Context: who owns the run.
 */
void ms_arena_tag(struct ms_slab *slab, uint32_t slices, uint32_t tag)
{
	const struct arena *a = arena_of(slab);
	uint32_t *tags = &a->tags[slab - a->slabs];

	for (uint32_t i = 0; i < slices; i++)
		__atomic_store_n(&tags[i], tag ? tag | i : 0, __ATOMIC_RELAXED);
}

/* ---- free runs ----------------------------------------------------------------- */

_Static_assert(NR_BINS == 128, "a bit for each in two words, and bins for any uint32_t");

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
	struct zone *zone = arena_of(run)->zone;
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
		clean_slices += len;
		return;
	}
	dirty_slices += len;
	run->newer = NULL;
	run->older = newest;
	if (newest)
		newest->newer = run;
	else
		oldest = run;
	newest = run;
}

static void run_remove(struct ms_slab *run)
{
	bool dirty = ms_slab_state(run) == MS_RUN_DIRTY;
	unsigned int bin = bin_of(run->len);
	struct zone *zone = arena_of(run)->zone;
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
		clean_slices -= run->len;
	} else {
		dirty_slices -= run->len;
		if (run->older)
			run->older->newer = run->newer;
		else
			oldest = run->newer;
		if (run->newer)
			run->newer->older = run->older;
		else
			newest = run->older;
	}
	ms_slab_set_state(last, MS_RUN_NONE);
	ms_slab_set_state(run, MS_RUN_NONE);
}

/* Of two runs that become one. At most: it is the number of mappings to be careful of. */
static uint8_t odd_sum(unsigned int a, unsigned int b)
{
	if (a + b <= UINT8_MAX)
		return (uint8_t)(a + b);
	nr_odd -= a + b - UINT8_MAX;
	return UINT8_MAX;
}

/* A run becomes free, together with its neighbours of the same kind. */
static void run_free(struct ms_slab *run, uint32_t len, bool dirty)
{
	struct arena *a = arena_of(run);
	uint8_t state = dirty ? MS_RUN_DIRTY : MS_RUN_CLEAN;
	struct ms_slab *after = run + len;

	if (run > a->slabs && ms_slab_state(run - 1) == state) {
		struct ms_slab *before = run - run[-1].len;

		len += before->len;
		run_remove(before);
		before->odd = odd_sum(before->odd, run->odd);
		run = before;
	}
	if (after < a->slabs + a->mapped && ms_slab_state(after) == state) {
		len += after->len;
		run_remove(after);
		run->odd = odd_sum(run->odd, after->odd);
	}
	run_insert(run, len, dirty);
	if (dirty)
		run->stamp = ms_os_now_ms();
}

static struct ms_slab *run_find(const struct zone *zone, bool dirty, uint32_t len)
{
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

/* Cut what is wanted out of a free run. */
static struct ms_slab *run_cut(struct ms_slab *run, uint32_t skip, uint32_t len)
{
	bool dirty = ms_slab_state(run) == MS_RUN_DIRTY;
	uint32_t stamp = dirty ? run->stamp : 0;
	uint32_t whole = run->len;
	struct ms_slab *rest;

	/* Each piece may have them all. */
	run[skip].odd = run->odd;
	nr_odd += skip ? run->odd : 0;
	if (whole > skip + len) {
		run[skip + len].odd = run->odd;
		nr_odd += run->odd;
	}
	run_remove(run);
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

/* ---- growing ------------------------------------------------------------------- */

static size_t reserve_default(void)
{
	size_t bytes = (size_t)64 << 30;

	while (bytes < RESERVE_MAX && bytes / 8 < ms_os_memory())
		bytes *= 2;
	while (bytes > MS_RESERVE_MIN && bytes > ms_os_address_limit() / 2)
		bytes /= 2;
	return bytes;
}

static size_t page_up(size_t bytes)
{
	size_t page = ms_os_page();

	return (bytes + page - 1) & ~(page - 1);
}

static size_t align_up(size_t bytes)
{
	return (bytes + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
}

/* Of what is known of so many slices the last page stays a guard. */
static size_t part_bytes(int part, size_t slices)
{
	return page_up(slices * part_unit[part]) + (part == HEAP ? 0 : ms_os_page());
}

/* Huge pages are asked for throughout, so that it stays one mapping. */
static void part_reserved(const struct arena *a, size_t was)
{
	const struct ms_region *heap = &a->parts[HEAP];

	if (a->zone == &zones[1] && ms_knobs.huge && heap->reserved > was)
		ms_os_huge((void *)(heap->base + was), heap->reserved - was);
}

/*
 * A place for a new arena that may become so long, or shorter, but at least so long; and so much of
 * it. It is none yet until arena_begin().
 */
static int arena_place(struct arena *a, struct zone *zone, size_t bytes, size_t least, size_t first)
{
	size_t firsts[NR_PARTS];

	if (a == arenas + NR_ARENAS_MAX)
		return -ENOMEM;
	if (bytes > ADDRESSES)
		bytes = ADDRESSES;
	*a = (struct arena) { .zone = zone };
	for (;; bytes /= 2) {
		bytes = align_up(bytes);
		if (bytes < least || bytes < MS_RESERVE_MIN)
			return -ENOMEM;
		if (first > bytes)
			first = bytes;
		for (int i = 0; i < NR_PARTS; i++) {
			a->parts[i].span = part_bytes(i, bytes >> MS_SLICE_SHIFT);
			firsts[i] = part_bytes(i, first >> MS_SLICE_SHIFT);
		}
		if (!ms_region_begin(a->parts, NR_PARTS, firsts, ARENA_ALIGN, MEMSTATE_HEAP))
			break;
	}
	a->nr_slices = bytes >> MS_SLICE_SHIFT;
	a->base = a->parts[HEAP].base;
	a->slabs = (struct ms_slab *)a->parts[ENTRIES].base;
	a->tags = (uint32_t *)a->parts[TAGS].base;
	a->remotes = (struct ms_remote *)a->parts[WORDS].base;
	part_reserved(a, 0);
	return 0;
}

static void arena_begin(struct arena *a)
{
	if (a == arenas) {
		ms_map.base = a->base;
		ms_map.tags = a->tags;
		ms_map.slabs = a->slabs;
		ms_map.remotes = a->remotes;
	}
	__atomic_store_n(&nr_arenas, nr_arenas + 1, __ATOMIC_RELEASE);
}

static int parts_reserve(struct arena *a, size_t slices)
{
	size_t was = a->parts[HEAP].reserved;
	int ret = 0;

	for (int i = 0; i < NR_PARTS && !ret; i++)
		ret = ms_region_reserve(&a->parts[i], part_bytes(i, slices), MEMSTATE_HEAP);
	part_reserved(a, was);
	return ret;
}

/* Address space for so many slices: as much again as there is, if that can be had. */
static int arena_reserve(struct arena *a, size_t slices)
{
	size_t has = a->parts[HEAP].reserved >> MS_SLICE_SHIFT, more = has, few, many;
	int ret;

	if (slices <= has)
		return 0;
	if (more > RESERVE_STEP >> MS_SLICE_SHIFT)
		more = RESERVE_STEP >> MS_SLICE_SHIFT;
	few = align_up(slices << MS_SLICE_SHIFT) >> MS_SLICE_SHIFT;
	many = few > has + more ? few : has + more;
	ret = parts_reserve(a, many < a->nr_slices ? many : a->nr_slices);
	if (ret && few < many)
		ret = parts_reserve(a, few < a->nr_slices ? few : a->nr_slices);
	/* It ends where its first part does; what has been reserved of the others is used up to there. */
	if (ret == -EEXIST)
		for (int i = 0; i < NR_PARTS; i++) {
			size_t last = (a->parts[i].reserved - (i == HEAP ? 0 : ms_os_page())) /
				      part_unit[i];

			if (a->nr_slices > last)
				a->nr_slices = last;
		}
	return ret;
}

/* Make more of it accessible. If that fails nothing is left. */
static int arena_map(struct arena *a, size_t step)
{
	size_t slices = a->mapped + step;
	struct ms_region was[NR_PARTS];
	int ret;

	memcpy(was, a->parts, sizeof(was));
	ret = arena_reserve(a, slices);
	if (!ret)
		ret = ms_region_map(&a->parts[HEAP], slices << MS_SLICE_SHIFT, MEMSTATE_HEAP);
	for (int i = 0; i < HEAP && !ret; i++)
		ret = ms_region_use(&a->parts[i], slices * part_unit[i]);
	if (ret)
		for (int i = 0; i < NR_PARTS; i++)
			ms_region_restore(&a->parts[i], &was[i],
					  i == HEAP ? MEMSTATE_HEAP : MEMSTATE_METADATA);
	return ret;
}

static size_t grow_step(const struct arena *a, size_t slices)
{
	size_t step = a->mapped / 8, room = a->nr_slices - a->mapped;

	if (step < GROW_MIN)
		step = GROW_MIN;
	if (step > GROW_MAX)
		step = GROW_MAX;
	if (step < slices)
		step = slices;
	return step < room ? step : room;
}

static void arena_grown(struct arena *a, size_t step)
{
	__atomic_store_n(&a->mapped, a->mapped + step, __ATOMIC_RELAXED);
	if (a == arenas)
		__atomic_store_n(&ms_map.nr_slices, a->mapped, __ATOMIC_RELAXED);
	grows++;
	run_free(a->slabs + a->mapped - step, (uint32_t)step, false);
}

static int arena_grow(struct arena *a, size_t slices)
{
	size_t step = grow_step(a, slices);
	int ret = arena_map(a, step);

	/* There may be room for less. */
	if (ret == -ENOMEM && step > slices) {
		step = slices;
		ret = arena_map(a, step);
	}
	if (!ret)
		arena_grown(a, step);
	return ret;
}

/* What there is of a zone: a new arena begins with as much, so that there are never many. */
static size_t zone_bytes(const struct zone *zone)
{
	size_t slices = 0;

	for (unsigned int i = 0; i < nr_arenas; i++)
		if (arenas[i].zone == zone)
			slices += arenas[i].mapped;
	return slices << MS_SLICE_SHIFT;
}

/* A new one, with room for so much; if it was said how much is to be reserved at once, that. */
static int arena_new(struct arena *a, struct zone *zone, size_t least)
{
	size_t bytes = ms_knobs.reserve ? ms_knobs.reserve : reserve_default();
	size_t first = zone_bytes(zone);

	if (first < RESERVE_FIRST)
		first = RESERVE_FIRST;
	if (first < least)
		first = least;
	if (bytes < least)
		bytes = least;
	return arena_place(a, zone, bytes, least, ms_knobs.reserve ? bytes : align_up(first));
}

static int arena_add(struct zone *zone, uint32_t slices)
{
	struct arena *a = &arenas[nr_arenas];
	size_t step;
	int ret;

	ret = arena_new(a, zone, align_up((size_t)slices << MS_SLICE_SHIFT));
	if (ret)
		return ret;
	step = grow_step(a, slices);
	ret = arena_map(a, step);
	if (ret) {
		ms_region_end(a->parts, NR_PARTS);
		return ret;
	}
	arena_begin(a);
	arena_grown(a, step);
	return 0;
}

/* How much a free run at the end of an arena adds to what it grows by. */
static size_t arena_tail(const struct arena *a)
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
static int grow(struct zone *zone, uint32_t slices, uint32_t charged)
{
	int ret = charged >= GROW_MIN ? ms_os_room(charge_of(charged)) : 0;

	if (ret)
		return ret;
	for (unsigned int i = 0; i < nr_arenas; i++) {
		size_t tail = arena_tail(&arenas[i]);

		if (arenas[i].zone != zone ||
		    arenas[i].nr_slices - arenas[i].mapped + tail < slices)
			continue;
		ret = arena_grow(&arenas[i], slices > tail ? slices - tail : 1);
		if (ret != -EEXIST)
			return ret;
	}
	return arena_add(zone, slices);
}

/**
 * ms_arena_init() - make the first arena
 *
 * Context: the caller's lock. Return: 0; -ENOMEM.
 */
int ms_arena_init(void)
{
	int ret;

	ms_os_begin();
	ms_map.secret = ms_os_random();
	/* No address of ours, and none that a block can begin at. */
	ms_map.end = ms_os_random() | (uintptr_t)1 << 63 | 1;
	ret = arena_new(arenas, &zones[0], 0);
	if (!ret)
		arena_begin(arenas);
	return ret;
}

/* ---- dropping ------------------------------------------------------------------ */

/* Odd mappings go back to what they were by the way. */
static bool renew(struct ms_slab *run, size_t bytes)
{
	if (!run->odd ||
	    ms_os_renew(ms_arena_addr(run), bytes, MEMSTATE_HEAP, false, ms_knobs.huge))
		return false;
	ms_lock(&lock);
	nr_odd -= run->odd;
	ms_unlock(&lock);
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

	while (nr < MS_OS_MANY && oldest && is_due(oldest, all, now)) {
		drops[nr].run = oldest;
		drops[nr++].len = oldest->len;
		run_remove(oldest);
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
			ms_unlock(&lock);
			ms_lock(&lock);
		}
		purges++;
		if (drops[i].gone) {
			bytes += (size_t)len << MS_SLICE_SHIFT;
			__atomic_fetch_add(&dropped_slices, len, __ATOMIC_RELAXED);
		}
		run_free(drops[i].run, len, !drops[i].gone);
	}
	purged_bytes += bytes;
	return bytes;
}

static bool dirty_due(bool all)
{
	uint32_t now = ms_os_now_ms();
	bool due;

	ms_lock(&lock);
	due = oldest && is_due(oldest, all, now);
	ms_unlock(&lock);
	return due;
}

/*
 * What is due is dropped in batches, by one thread at a time. What it is dropping nobody can
 * take: who needs that, having met a limit, waits for it, and gets told of it. Others leave
 * what they have to whoever is at it.
 */
static size_t scavenge(bool all, bool wait)
{
	int rounds = 0;
	bool go_on = true;
	size_t bytes = 0;
	uint64_t before;
	uint32_t now, nr;

	ms_lock(&lock);
	before = purged_bytes;
	ms_unlock(&lock);
	if (wait)
		ms_lock(&drop_lock);
	else if (!ms_trylock(&drop_lock))
		return 0;
	do {
		now = ms_os_now_ms();
		ms_lock(&lock);
		while (go_on && (nr = drops_take(all, now))) {
			ms_unlock(&lock);
			/* What could not be dropped (locked memory) is the newest now. */
			go_on = drops_do(nr);
			ms_lock(&lock);
			bytes += drops_give(nr);
		}
		if (wait)
			bytes = purged_bytes - before;
		ms_unlock(&lock);
		ms_unlock(&drop_lock);
		/* What was left to us after we had looked; but not for ever. */
	} while (go_on && ++rounds < DROP_ROUNDS && dirty_due(all) && ms_trylock(&drop_lock));
	return bytes;
}

/* ---- taking and giving ------------------------------------------------------- */

static bool tick(void)
{
	if (dirty_slices <= DIRTY_KEEP || decay_ms() < 0)
		return false;
	if (++calls % TICK_CALLS)
		return false;
	return ms_os_now_ms() - oldest->stamp >= (uint64_t)decay_ms();
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
	struct zone *zone = &zones[(size_t)slices << MS_SLICE_SHIFT >= MS_ZONE_HUGE_FROM];
	struct ms_slab *run = run_find(zone, true, slices + slack);

	*dirty = run;
	if (!run)
		run = run_find(zone, false, slices + slack);
	while (!run) {
		*ret = grow(zone, slices + slack, slices);
		if (*ret)
			return NULL;
		run = run_find(zone, false, slices + slack);
	}
	return run_cut(run, slack ? skip_of(run, align) : 0, slices);
}

/**
 * ms_arena_take() - take a run of slices, and charge it
 * @slices:	how many
 * @align:	of the address, a power of two
 * @run:	what was taken: private to the caller, its entry without a state
 *
 * Context: without locks. Return: 0; -E2BIG: over a limit, whatever were dropped; -ENOMEM:
 * no room, or over a limit, after everything that is free has been dropped.
 */
int ms_arena_take(uint32_t slices, size_t align, struct ms_run *run)
{
	uint32_t slack = align > MS_SLICE ? (uint32_t)(align >> MS_SLICE_SHIFT) - 1 : 0;
	bool dirty, due, idle;
	int tries, ret = 0;

	for (tries = 0; tries < 2; tries++) {
		ms_lock(&lock);
		run->entry = take_locked(slices, slack, align, &dirty, &ret);
		due = tick();
		idle = dirty_slices;
		ms_unlock(&lock);
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
					scavenge(!due, false);
				return 0;
			}
			ms_arena_give_clean(run->entry, slices);
		}
		if (ret == -E2BIG)
			return ret;
		if (!scavenge(true, true))
			break;
	}
	return -ENOMEM;
}

/**
 * ms_arena_give() - a run is free from now on, and may hold memory
 * @entry:	its first; blank but for what run_insert() sets
 * @slices:	how many
 *
 * Context: without locks.
 */
void ms_arena_give(struct ms_slab *entry, uint32_t slices)
{
	bool due;

	ms_lock(&lock);
	if (entry->odd == MS_ODD_WHOLE) {
		entry->odd++;
		nr_odd++;
	}
	run_free(entry, slices, true);
	due = tick();
	ms_unlock(&lock);
	ms_background_news();
	if (MS_UNLIKELY(due || decay_ms() == 0 || ms_os_pressed()))
		scavenge(!due, false);
}

/* A block has grown: it may be several mappings now, and that is two at least. */
static void odd_join(struct ms_slab *entry, struct ms_slab *taken)
{
	unsigned int whole = entry->odd == MS_ODD_WHOLE;

	ms_lock(&lock);
	nr_odd += whole;
	entry->odd = odd_sum(entry->odd + whole, taken->odd);
	taken->odd = 0;
	ms_unlock(&lock);
}

/**
 * ms_arena_extend() - take what follows a run
 * @entry:	its first
 * @slices:	how many it has
 * @more:	how many to add
 * @clean:	also by what holds no memory yet
 * @zero:	what was added reads as zeros
 *
 * Context: without locks. Return: whether it could be done.
 */
bool ms_arena_extend(struct ms_slab *entry, uint32_t slices, uint32_t more, bool clean,
		     bool *zero)
{
	struct ms_slab *after = entry + slices, *taken = NULL;
	const struct arena *a;
	bool dirty = false;

	ms_lock(&lock);
	a = arena_of(entry);
	if (after < a->slabs + a->mapped &&
	    (ms_slab_state(after) == MS_RUN_DIRTY ||
	     (clean && ms_slab_state(after) == MS_RUN_CLEAN)) && after->len >= more) {
		dirty = ms_slab_state(after) == MS_RUN_DIRTY;
		taken = run_cut(after, 0, more);
	}
	ms_unlock(&lock);
	if (!taken)
		return false;
	*zero = !dirty;
	if (!dirty && ms_os_used(ms_arena_addr(taken), (size_t)more << MS_SLICE_SHIFT,
				 MEMSTATE_HEAP) == -EDQUOT) {
		ms_arena_give_clean(taken, more);
		return false;
	}
	if (entry->odd | taken->odd)
		odd_join(entry, taken);
	return true;
}

/**
 * ms_arena_take_alike() - a run for what is elsewhere now, to be moved there
 * @entry:	the first of that
 * @slices:	how many to take
 *
 * They lie alike in respect of huge pages: so these are moved as they are.
 *
 * Context: without locks. Return: the first, not charged; NULL: @entry is in the other zone (it
 * has grown there), there is no room, or there is memory already: copying adds none to it, and
 * moving would.
 */
struct ms_slab *ms_arena_take_alike(const struct ms_slab *entry, uint32_t slices)
{
	uintptr_t in = (uintptr_t)ms_arena_addr(entry) & (MS_ZONE_HUGE_FROM - 1);
	uint32_t slack = (MS_ZONE_HUGE_FROM >> MS_SLICE_SHIFT) - 1;
	struct zone *zone = &zones[1];
	struct ms_slab *run = NULL;

	if (arena_of(entry)->zone != zone)
		return NULL;
	ms_lock(&lock);
	if (nr_odd < ODD_MAX && !run_find(zone, true, slices)) {
		run = run_find(zone, false, slices + slack);
		if (!run && !grow(zone, slices + slack, slices - entry->len))
			run = run_find(zone, false, slices + slack);
	}
	if (run) {
		in = (in - (uintptr_t)ms_arena_addr(run)) & (MS_ZONE_HUGE_FROM - 1);
		run = run_cut(run, (uint32_t)(in >> MS_SLICE_SHIFT), slices);
	}
	ms_unlock(&lock);
	return run;
}

/**
 * ms_arena_give_clean() - a run is free from now on, and holds nothing
 * @entry:	its first
 * @slices:	how many
 *
 * Context: without locks.
 */
void ms_arena_give_clean(struct ms_slab *entry, uint32_t slices)
{
	ms_lock(&lock);
	run_free(entry, slices, false);
	ms_unlock(&lock);
}

/**
 * ms_arena_odd() - a block has moved
 * @from:	where it was: no odd mapping any longer
 * @to:		where it is: one
 *
 * Context: without locks; both are the caller's.
 */
void ms_arena_odd(struct ms_slab *from, struct ms_slab *to)
{
	ms_lock(&lock);
	nr_odd += MS_ODD_WHOLE - from->odd - to->odd;
	ms_unlock(&lock);
	from->odd = 0;
	to->odd = MS_ODD_WHOLE;
}

/**
 * ms_arena_lose() - a run is never used again: somebody else may have the addresses
 * @slices: how many it has
 *
 * Context: without locks.
 */
void ms_arena_lose(uint32_t slices)
{
	ms_lock(&lock);
	lost_slices += slices;
	ms_unlock(&lock);
}

/**
 * ms_arena_trim() - give back the end of a run
 * @entry:	its first
 * @keep:	how many slices it keeps
 * @slices:	how many it has
 *
 * Context: without locks.
 */
void ms_arena_trim(struct ms_slab *entry, uint32_t keep, uint32_t slices)
{
	entry[keep].odd = entry->odd;
	if (entry->odd) {
		ms_lock(&lock);
		nr_odd += entry->odd;
		ms_unlock(&lock);
	}
	ms_arena_give(entry + keep, slices - keep);
}

/**
 * ms_arena_scavenge() - make free memory Prepared
 * @all: not only what is older than the decay time
 *
 * Context: without locks. Return: bytes that were dropped, by whomever, meanwhile.
 */
size_t ms_arena_scavenge(bool all)
{
	return scavenge(all, true);
}

/**
 * ms_arena_due() - when something is to be dropped
 *
 * Context: without locks. Return: milliseconds until then, 0: now; -1: nothing is free.
 */
int64_t ms_arena_due(void)
{
	int64_t decay = decay_ms(), age = -1;

	ms_lock(&lock);
	if (oldest && decay >= 0)
		age = ms_os_now_ms() - oldest->stamp;
	ms_unlock(&lock);
	if (age < 0)
		return -1;
	return age < decay ? decay - age : 0;
}

uint64_t ms_arena_dropped(void)
{
	if (!__atomic_load_n(&dropped_slices, __ATOMIC_RELAXED))
		return 0;
	return __atomic_exchange_n(&dropped_slices, 0, __ATOMIC_RELAXED);
}

/**
 * ms_arena_figures() - for the statistics
 * @f: where to put them
 *
 * Context: without locks.
 */
void ms_arena_figures(struct ms_arena_figures *f)
{
	f->meta = ms_own_mapped();
	ms_lock(&lock);
	f->reserved = 0;
	f->mapped = 0;
	for (unsigned int i = 0; i < nr_arenas; i++) {
		f->reserved += arenas[i].parts[HEAP].reserved;
		f->mapped += arenas[i].mapped << MS_SLICE_SHIFT;
		for (int part = 0; part < HEAP; part++)
			f->meta += arenas[i].parts[part].mapped;
	}
	f->dirty = dirty_slices << MS_SLICE_SHIFT;
	f->taken = f->mapped - f->dirty - ((clean_slices + lost_slices) << MS_SLICE_SHIFT);
	f->purged = purged_bytes;
	f->purges = purges;
	f->grows = grows;
	ms_unlock(&lock);
}

/**
 * ms_arena_walk() - call a function with each slab
 * @fn:		the function; of a slab that is not the caller's it may only look at the tag
 * @arg:	for it
 *
 * Context: without locks.
 */
void ms_arena_walk(ms_slab_fn fn, void *arg)
{
	unsigned int nr = __atomic_load_n(&nr_arenas, __ATOMIC_ACQUIRE);
	size_t mapped;

	for (unsigned int i = 0; i < nr; i++) {
		ms_lock(&lock);
		mapped = arenas[i].mapped;
		ms_unlock(&lock);
		for (size_t slice = 0; slice < mapped; slice++) {
			uint32_t tag = ms_tag_load(&arenas[i].tags[slice]);

			if (tag && !(tag & MS_TAG_BACK_MASK))
				fn(&arenas[i].slabs[slice], tag, arg);
		}
	}
}

static const char *bin_check(const struct zone *zone, int dirty, unsigned int bin,
			     size_t *sums)
{
	const struct ms_slab *run = zone->bins[dirty][bin];

	if (!run != !(zone->used[dirty][bin / 64] >> bin % 64 & 1))
		return "a bin's bit does not say whether it is empty";
	for (; run; run = run->next) {
		const struct arena *a = arena_of(run);
		const struct ms_slab *end = run + run->len;

		sums[dirty] += run->len;
		if (bin_of(run->len) != bin || a->zone != zone)
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
 * ms_arena_check() - whether the free runs are as they should be
 *
 * Context: without locks. Return: NULL, or what is wrong.
 */
const char *ms_arena_check(void)
{
	size_t sums[2] = { 0, 0 }, aged = 0;
	const char *wrong = NULL;

	ms_lock(&lock);
	for (int i = 0; i < 4 * NR_BINS && !wrong; i++)
		wrong = bin_check(&zones[i & 1], i >> 1 & 1, (unsigned int)i >> 2, sums);
	for (const struct ms_slab *run = oldest; run; run = run->newer)
		aged += run->len;
	if (!wrong && (sums[0] != clean_slices || sums[1] != dirty_slices || aged != dirty_slices))
		wrong = "the runs do not add up";
	ms_unlock(&lock);
	return wrong;
}

void ms_arena_fork_prepare(void)
{
	ms_lock(&drop_lock);
	ms_lock(&lock);
	ms_own_fork_prepare();
}

void ms_arena_fork_done(void)
{
	ms_own_fork_done();
	ms_unlock(&lock);
	ms_unlock(&drop_lock);
}
