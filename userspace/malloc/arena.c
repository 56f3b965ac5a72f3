// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "knobs.h"
#include "os.h"
#include "own.h"

/* The most that an arena may become. */
#define RESERVE_MAX	((size_t)4 << 40)
/* More there is not, whatever is asked for. */
#define ADDRESSES	((size_t)1 << 46)
#define ARENA_ALIGN	((size_t)2 << 20)

/* What is reserved of one at first, and what it grows by at most, unless there is need of more. */
#define RESERVE_FIRST	((size_t)2 << 20)
#define RESERVE_STEP	((size_t)1 << 30)

/* An arena grows by this much, or by an eighth of what it has. */
#define GROW_MIN	(((size_t)1 << 20) >> MS_SLICE_SHIFT)
#define GROW_MAX	(((size_t)64 << 20) >> MS_SLICE_SHIFT)

/* Bytes for each slice. */
static const size_t part_unit[MS_NR_PARTS] = {
	sizeof(struct ms_remote), sizeof(uint32_t), sizeof(struct ms_slab), MS_SLICE,
};

struct ms_arena ms_arenas[MS_NR_ARENAS_MAX];
unsigned int ms_arenas_nr;
struct ms_lock ms_arena_lock;
uint64_t ms_arena_grows;

struct ms_map ms_map;
struct ms_slab ms_slab_none;

/* ---- addresses ----------------------------------------------------------------- */

/* Others may have an arena in what this one may become. */
static size_t mapped_of(const struct ms_arena *a)
{
	return __atomic_load_n(&a->mapped, __ATOMIC_RELAXED);
}

/**
 * ms_arena_of() - where a slice is
 * @entry: its entry
 *
 * Context: any. Return: the arena.
 */
struct ms_arena *ms_arena_of(const struct ms_slab *entry)
{
	unsigned int nr = __atomic_load_n(&ms_arenas_nr, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < nr; i++)
		if ((uintptr_t)entry - (uintptr_t)ms_arenas[i].slabs <
		    mapped_of(&ms_arenas[i]) * sizeof(*entry))
			return &ms_arenas[i];
	__builtin_unreachable();
}

/**
 * ms_arena_addr() - where a slice is, as memory
 * @entry: its entry
 *
 * Context: any. Return: its first byte.
 */
void *ms_arena_addr(const struct ms_slab *entry)
{
	const struct ms_arena *a = ms_arena_of(entry);

	return (void *)(a->base + ((size_t)(entry - a->slabs) << MS_SLICE_SHIFT));
}

struct ms_slab *ms_slab_find_far(const void *p, uint32_t *tag)
{
	unsigned int nr = __atomic_load_n(&ms_arenas_nr, __ATOMIC_ACQUIRE);

	*tag = 0;
	for (unsigned int i = 0; i < nr; i++) {
		size_t slice = ((uintptr_t)p - ms_arenas[i].base) >> MS_SLICE_SHIFT;

		if (slice >= mapped_of(&ms_arenas[i]))
			continue;
		*tag = ms_tag_load(&ms_arenas[i].tags[slice]);
		return &ms_arenas[i].slabs[slice - (*tag & MS_TAG_BACK_MASK)];
	}
	return NULL;
}

struct ms_remote *ms_remote_far(const struct ms_slab *slab)
{
	const struct ms_arena *a = ms_arena_of(slab);

	return &a->remotes[slab - a->slabs];
}

struct ms_slab *ms_remote_slab_far(const struct ms_remote *r)
{
	unsigned int nr = __atomic_load_n(&ms_arenas_nr, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < nr; i++)
		if ((uintptr_t)r - (uintptr_t)ms_arenas[i].remotes <
		    mapped_of(&ms_arenas[i]) * sizeof(*r))
			return &ms_arenas[i].slabs[r - ms_arenas[i].remotes];
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
	const struct ms_arena *a = ms_arena_of(slab);

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
	const struct ms_arena *a = ms_arena_of(slab);
	uint32_t *tags = &a->tags[slab - a->slabs];

	for (uint32_t i = 0; i < slices; i++)
		__atomic_store_n(&tags[i], tag ? tag | i : 0, __ATOMIC_RELAXED);
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
	return page_up(slices * part_unit[part]) + (part == MS_PART_HEAP ? 0 : ms_os_page());
}

/* Huge pages are asked for throughout, so that it stays one mapping. */
static void part_reserved(const struct ms_arena *a, size_t was)
{
	const struct ms_region *heap = &a->parts[MS_PART_HEAP];

	if (a->zone == MS_ZONE_HUGE && ms_knobs.huge && heap->reserved > was)
		ms_os_huge((void *)(heap->base + was), heap->reserved - was);
}

/*
 * A place for a new arena that may become so long, or shorter, but at least so long; and so much of
 * it. It is none yet until arena_begin().
 */
static int arena_place(struct ms_arena *a, unsigned int zone, size_t bytes, size_t least,
		       size_t first)
{
	size_t firsts[MS_NR_PARTS];

	if (a == ms_arenas + MS_NR_ARENAS_MAX)
		return -ENOMEM;
	if (bytes > ADDRESSES)
		bytes = ADDRESSES;
	*a = (struct ms_arena) { .zone = zone };
	for (;; bytes /= 2) {
		bytes = align_up(bytes);
		if (bytes < least || bytes < MS_RESERVE_MIN)
			return -ENOMEM;
		if (first > bytes)
			first = bytes;
		for (int i = 0; i < MS_NR_PARTS; i++) {
			a->parts[i].span = part_bytes(i, bytes >> MS_SLICE_SHIFT);
			firsts[i] = part_bytes(i, first >> MS_SLICE_SHIFT);
		}
		if (!ms_region_begin(a->parts, MS_NR_PARTS, firsts, ARENA_ALIGN, MEMSTATE_HEAP))
			break;
	}
	a->nr_slices = bytes >> MS_SLICE_SHIFT;
	a->base = a->parts[MS_PART_HEAP].base;
	a->slabs = (struct ms_slab *)a->parts[MS_PART_ENTRIES].base;
	a->tags = (uint32_t *)a->parts[MS_PART_TAGS].base;
	a->remotes = (struct ms_remote *)a->parts[MS_PART_WORDS].base;
	part_reserved(a, 0);
	return 0;
}

static void arena_begin(struct ms_arena *a)
{
	if (a == ms_arenas) {
		ms_map.base = a->base;
		ms_map.tags = a->tags;
		ms_map.slabs = a->slabs;
		ms_map.remotes = a->remotes;
	}
	__atomic_store_n(&ms_arenas_nr, ms_arenas_nr + 1, __ATOMIC_RELEASE);
}

static int parts_reserve(struct ms_arena *a, size_t slices)
{
	size_t was = a->parts[MS_PART_HEAP].reserved;
	int ret = 0;

	for (int i = 0; i < MS_NR_PARTS && !ret; i++)
		ret = ms_region_reserve(&a->parts[i], part_bytes(i, slices), MEMSTATE_HEAP);
	part_reserved(a, was);
	return ret;
}

/* Address space for so many slices: as much again as there is, if that can be had. */
static int arena_reserve(struct ms_arena *a, size_t slices)
{
	size_t has = a->parts[MS_PART_HEAP].reserved >> MS_SLICE_SHIFT, more = has, few, many;
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
	/* It ends where its first part does; what there is of the others is used up to there. */
	if (ret == -EEXIST)
		for (int i = 0; i < MS_NR_PARTS; i++) {
			size_t guard = i == MS_PART_HEAP ? 0 : ms_os_page();
			size_t last = (a->parts[i].reserved - guard) / part_unit[i];

			if (a->nr_slices > last)
				a->nr_slices = last;
		}
	return ret;
}

/* Make more of it accessible. If that fails nothing is left. */
static int arena_map(struct ms_arena *a, size_t step)
{
	size_t slices = a->mapped + step;
	struct ms_region was[MS_NR_PARTS];
	int ret;

	memcpy(was, a->parts, sizeof(was));
	ret = arena_reserve(a, slices);
	if (!ret)
		ret = ms_region_map(&a->parts[MS_PART_HEAP], slices << MS_SLICE_SHIFT,
				    MEMSTATE_HEAP);
	for (int i = 0; i < MS_PART_HEAP && !ret; i++)
		ret = ms_region_use(&a->parts[i], slices * part_unit[i]);
	if (ret)
		for (int i = 0; i < MS_NR_PARTS; i++)
			ms_region_restore(&a->parts[i], &was[i],
					  i == MS_PART_HEAP ? MEMSTATE_HEAP : MEMSTATE_METADATA);
	return ret;
}

static size_t grow_step(const struct ms_arena *a, size_t slices)
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

static void arena_grown(struct ms_arena *a, size_t step)
{
	__atomic_store_n(&a->mapped, a->mapped + step, __ATOMIC_RELAXED);
	if (a == ms_arenas)
		__atomic_store_n(&ms_map.nr_slices, a->mapped, __ATOMIC_RELAXED);
	ms_arena_grows++;
}

/**
 * ms_arena_grow() - make more of an arena accessible
 * @a:		the arena
 * @slices:	so many at least
 * @step:	how many it was: its last ones, in no list yet
 *
 * Context: the lock. Return: 0; -EEXIST: it is full; -ENOMEM, -EDQUOT: nothing has changed.
 */
int ms_arena_grow(struct ms_arena *a, size_t slices, size_t *step)
{
	int ret;

	*step = grow_step(a, slices);
	ret = arena_map(a, *step);
	/* There may be room for less. */
	if (ret == -ENOMEM && *step > slices) {
		*step = slices;
		ret = arena_map(a, *step);
	}
	if (!ret)
		arena_grown(a, *step);
	return ret;
}

/* What there is of a zone: a new arena begins with as much, so that there are never many. */
static size_t zone_bytes(unsigned int zone)
{
	size_t slices = 0;

	for (unsigned int i = 0; i < ms_arenas_nr; i++)
		if (ms_arenas[i].zone == zone)
			slices += ms_arenas[i].mapped;
	return slices << MS_SLICE_SHIFT;
}

/* A new one, with room for so much; if it was said how much is to be reserved at once, that. */
static int arena_new(struct ms_arena *a, unsigned int zone, size_t least)
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

/**
 * ms_arena_add() - another arena
 * @zone:	whose
 * @slices:	so many are accessible at least
 * @step:	how many: all that it has, in no list yet
 *
 * Context: the lock. Return: 0; -ENOMEM, -EDQUOT: nothing has changed.
 */
int ms_arena_add(unsigned int zone, uint32_t slices, size_t *step)
{
	struct ms_arena *a = &ms_arenas[ms_arenas_nr];
	int ret;

	ret = arena_new(a, zone, align_up((size_t)slices << MS_SLICE_SHIFT));
	if (ret)
		return ret;
	*step = grow_step(a, slices);
	ret = arena_map(a, *step);
	if (ret) {
		ms_region_end(a->parts, MS_NR_PARTS);
		return ret;
	}
	arena_begin(a);
	arena_grown(a, *step);
	return 0;
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
	unsigned int nr = __atomic_load_n(&ms_arenas_nr, __ATOMIC_ACQUIRE);
	size_t mapped;

	for (unsigned int i = 0; i < nr; i++) {
		ms_lock(&ms_arena_lock);
		mapped = ms_arenas[i].mapped;
		ms_unlock(&ms_arena_lock);
		for (size_t slice = 0; slice < mapped; slice++) {
			uint32_t tag = ms_tag_load(&ms_arenas[i].tags[slice]);

			if (tag && !(tag & MS_TAG_BACK_MASK))
				fn(&ms_arenas[i].slabs[slice], tag, arg);
		}
	}
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
	ret = arena_new(ms_arenas, MS_ZONE_SMALL, 0);
	if (!ret)
		arena_begin(ms_arenas);
	return ret;
}
