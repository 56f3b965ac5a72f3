// SPDX-License-Identifier: MIT
#include <string.h>

#include "arena.h"
#include "heap.h"
#include "knobs.h"
#include "lock.h"
#include "os.h"
#include "remote.h"

/* A full slab is looked at again when an eighth of its blocks, or so many, are free. */
#define WAKE_PART	8
#define WAKE_MAX	64

/* So often what was freed is told of, where nothing is allocated. */
#define PUBLISH_EVENTS	32

/* So much at a time is made of untouched memory. */
#define EXTEND_BYTES	4096

/* Long slabs are cached beside those of one slice. */
#define LONG_SLICES	(MS_SLAB_LONG >> MS_SLICE_SHIFT)

/* ---- lists of slabs ------------------------------------------------------------ */

static void avail_add(struct ms_heap *heap, struct ms_slab *slab)
{
	unsigned int c = slab->class_;

	ms_slab_set_state(slab, MS_SLAB_AVAIL);
	slab->next = NULL;
	slab->prev = heap->avail_last[c];
	if (slab->prev)
		slab->prev->next = slab;
	else
		heap->avail[c] = slab;
	heap->avail_last[c] = slab;
}

static void avail_del(struct ms_heap *heap, struct ms_slab *slab)
{
	unsigned int c = slab->class_;

	if (slab->prev)
		slab->prev->next = slab->next;
	else
		heap->avail[c] = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
	else
		heap->avail_last[c] = slab->prev;
}

static void set_current(struct ms_heap *heap, unsigned int c, struct ms_slab *slab)
{
	size_t size = ms_class_size(c), first;

	heap->bins[c] = slab;
	if (size > MS_DIRECT_MAX)
		return;
	first = c ? ms_class_size(c - 1) / MS_GRAIN + 1 : 0;
	for (size_t i = first; i <= size / MS_GRAIN; i++)
		heap->direct[i] = slab;
}

/* ---- counting -------------------------------------------------------------------- */

/**
 * ms_slab_count() - count what was allocated and freed since the last time
 * @heap:	the slab's owner
 * @slab:	the slab
 * @in_use:	how many of its blocks are in use now, as its state says or a walk has shown
 *
 * Context: the owner.
 */
void ms_slab_count(struct ms_heap *heap, struct ms_slab *slab, uint32_t in_use)
{
	uint32_t freed = slab->armed - slab->countdown;
	uint32_t alloced = in_use + freed - slab->used;
	size_t size = ms_class_size(slab->class_);

	slab->used = in_use;
	if (alloced) {
		ms_add(&heap->allocs[slab->class_], alloced);
		heap->sums.alloc_count += alloced;
		heap->sums.alloc_bytes += alloced * size;
	}
	if (freed) {
		ms_add(&heap->frees[slab->class_], freed);
		heap->sums.free_count += freed;
		heap->sums.free_bytes += freed * size;
	}
}

/**
 * ms_slab_list_length() - how many blocks a slab has at hand
 * @slab: the slab
 *
 * Context: the owner. Return: the number.
 */
uint32_t ms_slab_list_length(const struct ms_slab *slab)
{
	uint32_t n = 0;

	for (const void *p = slab->free; ms_slab_holds(slab, p); p = ms_link_load(p))
		n++;
	return n;
}

/* ---- slabs come and go ------------------------------------------------------------ */

static void slab_destroy(struct ms_slab *slab)
{
	uint32_t slices = slab->slices;

	ms_arena_tag(slab, slices, 0);
	ms_slab_set_state(slab, MS_RUN_NONE);
	ms_arena_give(slab, slices);
}

/* An empty slab: keep it, or give it back. */
static void slab_release(struct ms_heap *heap, struct ms_slab *slab)
{
	int kind = slab->slices == 1 ? 0 : slab->slices == LONG_SLICES ? 1 : -1;

	heap->nr_slabs[slab->class_]--;
	heap->sums.slab_slices -= slab->slices;
	heap->sums.idle_slices += slab->slices;
	if (kind < 0 || heap->nr_cached[kind] >= MS_CACHED_MAX ||
	    ms_knobs.decay_ms == 0) {
		slab_destroy(slab);
		return;
	}
	ms_slab_set_state(slab, MS_SLAB_CACHED);
	slab->next = heap->cached[kind];
	heap->cached[kind] = slab;
	ms_add(&heap->nr_cached[kind], 1);
}

static struct ms_slab *slab_cached(struct ms_heap *heap, uint32_t slices)
{
	int kind = slices == 1 ? 0 : slices == LONG_SLICES ? 1 : -1;
	struct ms_slab *slab;

	if (kind < 0 || !heap->nr_cached[kind])
		return NULL;
	slab = heap->cached[kind];
	heap->cached[kind] = slab->next;
	ms_add(&heap->nr_cached[kind], -UINT64_C(1));
	return slab;
}

/**
 * ms_heap_trim() - give empty slabs to the arena
 * @heap: the caller's
 *
 * Context: without locks. Return: whether there were any.
 */
bool ms_heap_trim(struct ms_heap *heap)
{
	bool some = false;

	for (int kind = 0; kind < 2; kind++) {
		while (heap->nr_cached[kind]) {
			struct ms_slab *slab = heap->cached[kind];

			heap->cached[kind] = slab->next;
			ms_add(&heap->nr_cached[kind], -UINT64_C(1));
			slab_destroy(slab);
			some = true;
		}
	}
	return some;
}

#ifdef MS_MALLOC_HARDENED
/**
 * ms_block_handed_out() - whether a free block is as it was left
 * @block:	the block
 * @size:	its length
 *
 * Takes the link away, so that the block does not look as if it were free.
 *
 * Context: any. Ends the process if not.
 */
void ms_block_handed_out(void *block, size_t size)
{
	const unsigned char *p = block;

	for (size_t i = sizeof(void *); i < size; i++)
		if (p[i] != MS_FREE_BYTE)
			ms_malloc_die("malloc(): a free block was written to", p + i);
	memset(block, MS_FREE_BYTE, sizeof(void *));
}

/**
 * ms_slab_suspect() - a block that is freed looks as if it were free
 * @slab:	its slab
 * @block:	the block
 *
 * Context: any. Ends the process if it is.
 */
void ms_slab_suspect(const struct ms_slab *slab, const void *block)
{
	uint32_t n = 0;

	for (const void *p = slab->free; ms_slab_holds(slab, p) && n <= slab->capacity;
	     p = ms_link_load(p), n++)
		if (p == block)
			ms_malloc_die("free(): this block is free already", block);
}

/* Blocks come in no order that can be foreseen. */
static void shuffle(uint32_t *order, uint32_t n)
{
	static uint64_t state;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j, other;

		state = (state ^ ms_map.secret) * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
		j = (uint32_t)((state >> 32) % (i + 1));
		other = order[i];
		order[i] = order[j];
		order[j] = other;
	}
}

static void link_blocks(struct ms_slab *slab, char *p, size_t size, uint32_t n)
{
	uint32_t order[EXTEND_BYTES / MS_GRAIN + EXTEND_BYTES / MS_GRAIN / 2];

	shuffle(order, n);
	while (n--) {
		char *block = p + order[n] * size;

		memset(block + sizeof(void *), MS_FREE_BYTE, size - sizeof(void *));
		ms_link_store(block, slab->free);
		slab->free = block;
	}
}
#else
static void link_blocks(struct ms_slab *slab, char *p, size_t size, uint32_t n)
{
	void *first = p;

	while (--n) {
		ms_link_store(p, p + size);
		p += size;
	}
	ms_link_store(p, slab->free);
	slab->free = first;
}
#endif

/* Put untouched blocks into the list of a slab that has none. */
static void slab_extend(struct ms_slab *slab, size_t size)
{
	uint32_t n = (uint32_t)(EXTEND_BYTES / size), left;
	char *p = (char *)slab->base + slab->extended * size;

	left = slab->capacity - slab->extended;
	if (n < 1)
		n = 1;
	if (n > left || left - n < n / 2)
		n = left;
	slab->extended = (uint16_t)(slab->extended + n);
	link_blocks(slab, p, size, n);
}

static void slab_format(struct ms_heap *heap, struct ms_slab *slab, unsigned int c)
{
	size_t size = ms_class_size(c);

	slab->class_ = (uint8_t)c;
	slab->capacity = (uint16_t)(((size_t)slab->slices << MS_SLICE_SHIFT) / size);
	slab->bytes = (uint32_t)(slab->capacity * size);
	slab->divisor = UINT64_MAX / size + 1;
	slab->extended = 0;
	slab->used = 0;
	slab->free = NULL;
	heap->nr_slabs[c]++;
}

static uint32_t tag_of(const struct ms_heap *heap, unsigned int c)
{
	return heap->id << MS_TAG_HEAP_SHIFT | c << MS_TAG_CLASS_SHIFT;
}

static struct ms_slab *slab_new(struct ms_heap *heap, unsigned int c)
{
	uint32_t slices = ms_class_slices(c, heap->nr_slabs[c]);
	struct ms_slab *slab = slab_cached(heap, slices);
	bool fresh = false;
	struct ms_run run;

	if (!slab) {
		if (ms_arena_take(slices, MS_SLICE, &run))
			return NULL;
		fresh = run.zero;
		slab = run.entry;
		slab->slices = (uint8_t)slices;
		slab->base = (uintptr_t)run.addr;
	}
	heap->sums.slab_slices += slices;
	if (!fresh)
		heap->sums.idle_slices -= slices;
	ms_arena_tag(slab, slices, tag_of(heap, c));
	slab_format(heap, slab, c);
	ms_remote_reset(ms_remote_of(slab));
	return slab;
}

/* ---- what others have freed ------------------------------------------------------- */

/* What is counted as freed by others is in use no longer; who calls counts the slab then. */
static bool take(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t nr = ms_remote_take(slab);

	slab->countdown -= nr;
	ms_add(&heap->remote, nr);
	return nr;
}

/* A slab that is not full, and of which nothing is in use, goes. Return: whether it did. */
static bool release_empty(struct ms_heap *heap, struct ms_slab *slab)
{
	uint64_t word = ms_remote_load(ms_remote_of(slab));
	uint32_t pending = ms_remote_count(word);

	if (slab->used - (slab->armed - slab->countdown) != pending)
		return false;
	/* It goes when it is taken from the inbox. */
	if (word & MS_REMOTE_LISTED)
		return false;
	slab->countdown -= pending;
	ms_add(&heap->remote, pending);
	ms_slab_count(heap, slab, 0);
	ms_remote_reset(ms_remote_of(slab));
	if (ms_slab_state(slab) == MS_SLAB_AVAIL)
		avail_del(heap, slab);
	slab_release(heap, slab);
	return true;
}

/* Look again when some blocks are free: to allocate from it, and to count them. */
static void arm_some(struct ms_slab *slab)
{
	uint32_t pending = ms_remote_count(ms_remote_load(ms_remote_of(slab)));
	uint32_t some = slab->capacity / WAKE_PART;

	if (some > WAKE_MAX)
		some = WAKE_MAX;
	if (some > slab->used - pending)
		some = slab->used - pending;
	ms_slab_arm(slab, some ? some : 1);
}

/**
 * ms_heap_collect() - look at slabs of which others have freed something
 * @heap: the caller's
 *
 * They can be allocated from, or are empty.
 *
 * Context: any.
 */
void ms_heap_collect(struct ms_heap *heap)
{
	struct ms_remote *r = ms_remote_inbox(heap), *next;
	struct ms_slab *slab;

	for (; r; r = next) {
		next = r->next;
		slab = ms_remote_slab(r);
		if (ms_remote_unlist(r) && ms_slab_state(slab) == MS_SLAB_FULL)
			avail_add(heap, slab);
		if (ms_slab_state(slab) == MS_SLAB_AVAIL)
			release_empty(heap, slab);
	}
}

/**
 * ms_slab_recount() - count a slab, with what others have freed of it
 * @heap:	its owner
 * @slab:	the slab, current or listed as having blocks; gone, if it is the latter and empty
 *
 * Context: the owner.
 */
void ms_slab_recount(struct ms_heap *heap, struct ms_slab *slab)
{
	if (ms_slab_state(slab) == MS_SLAB_CURRENT) {
		take(heap, slab);
		ms_slab_count(heap, slab, slab->extended - ms_slab_list_length(slab));
		ms_slab_arm(slab, MS_NEVER);
	} else if (!release_empty(heap, slab)) {
		take(heap, slab);
		ms_slab_count(heap, slab, slab->used - (slab->armed - slab->countdown));
		arm_some(slab);
	}
}

/* ---- the slow path ---------------------------------------------------------------- */

/**
 * ms_slab_event() - as many blocks of a slab are free as was waited for
 * @heap: its owner, the caller's
 * @slab: the slab
 *
 * Context: any.
 */
void ms_slab_event(struct ms_heap *heap, struct ms_slab *slab)
{
	bool listed = ms_slab_state(slab) == MS_SLAB_AVAIL;

	if (!release_empty(heap, slab)) {
		ms_slab_count(heap, slab, slab->used - slab->armed);
		arm_some(slab);
		if (!listed) {
			ms_remote_know(slab);
			avail_add(heap, slab);
		}
	}
	if (!(++heap->events % PUBLISH_EVENTS))
		ms_heap_publish(heap);
}

/* The list of the current slab is empty, and it is not to be extended. */
static void retire(struct ms_heap *heap, struct ms_slab *slab)
{
	if (slab == &ms_slab_none)
		return;
	ms_slab_count(heap, slab, slab->extended);
	arm_some(slab);
	if (slab->extended < slab->capacity || !ms_remote_forget(slab))
		avail_add(heap, slab);
	else
		ms_slab_set_state(slab, MS_SLAB_FULL);
}

static void activate(struct ms_heap *heap, struct ms_slab *slab)
{
	ms_slab_set_state(slab, MS_SLAB_CURRENT);
	ms_slab_arm(slab, MS_NEVER);
	set_current(heap, slab->class_, slab);
}

static struct ms_slab *avail_take(struct ms_heap *heap, unsigned int c)
{
	struct ms_slab *slab = heap->avail[c];

	if (!slab)
		return NULL;
	avail_del(heap, slab);
	if (!slab->free)
		take(heap, slab);
	ms_slab_count(heap, slab, slab->used - (slab->armed - slab->countdown));
	return slab;
}

/* Of an orphan's slabs the next one, unless it may be about to be put into its inbox. */
static struct ms_slab *avail_hand_on(struct ms_heap *orphan, unsigned int c)
{
	struct ms_slab *slab = orphan->avail[c];

	if (!slab || ms_remote_load(ms_remote_of(slab)) & MS_REMOTE_LISTED)
		return NULL;
	return avail_take(orphan, c);
}

/* A slab of an orphan, for who would otherwise take fresh memory. */
static struct ms_slab *orphan_slab(struct ms_heap *heap, unsigned int c)
{
	struct ms_heap *orphan = ms_orphan_take();
	struct ms_slab *slab;

	if (!orphan)
		return NULL;
	ms_heap_collect(orphan);
	ms_heap_trim(orphan);
	slab = avail_hand_on(orphan, c);
	if (slab) {
		orphan->nr_slabs[c]--;
		heap->nr_slabs[c]++;
		ms_arena_tag(slab, slab->slices, tag_of(heap, c));
	}
	ms_orphan_put(orphan);
	return slab;
}

static void *pop(struct ms_slab *slab)
{
	void *block = slab->free, *next;

	if (!block)
		return NULL;
	if (!ms_slab_holds(slab, block))
		ms_malloc_die("malloc(): a free block was written to, or freed twice, in the slab of",
			      (void *)slab->base);
	next = ms_link_load(block);
	slab->free = next;
#ifdef MS_MALLOC_HARDENED
	ms_block_handed_out(block, ms_class_size(slab->class_));
#endif
	return block;
}

/**
 * ms_heap_refill() - a block of a class whose current slab has none at hand
 * @heap:	the caller's
 * @class_:	which
 *
 * Context: any. Return: the block; NULL: no memory, or over a limit.
 */
void *ms_heap_refill(struct ms_heap *heap, unsigned int class_)
{
	struct ms_slab *slab = heap->bins[class_];
	void *block;

	ms_add(&heap->refills, 1);
	/* May be that only the inlined path did not know. */
	block = pop(slab);
	if (block)
		return block;
	if (slab != &ms_slab_none && take(heap, slab))
		return pop(slab);
	ms_heap_collect(heap);
	if (!heap->avail[class_] && slab->extended < slab->capacity) {
		slab_extend(slab, ms_class_size(class_));
		return pop(slab);
	}
	retire(heap, slab);
	set_current(heap, class_, &ms_slab_none);
	slab = avail_take(heap, class_);
	if (!slab)
		slab = orphan_slab(heap, class_);
	if (!slab)
		slab = slab_new(heap, class_);
	if (!slab) {
		/* What is kept for later may be what is missing. */
		if (!ms_heap_trim(heap))
			return NULL;
		ms_arena_scavenge(true);
		slab = slab_new(heap, class_);
		if (!slab)
			return NULL;
	}
	activate(heap, slab);
	if (!slab->free)
		slab_extend(slab, ms_class_size(class_));
	ms_heap_publish(heap);
	return pop(slab);
}

/**
 * ms_heap_settle() - keep nothing that others could not get at
 * @heap: one whose thread ends
 *
 * Context: without locks.
 */
void ms_heap_settle(struct ms_heap *heap)
{
	ms_heap_collect(heap);
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
		struct ms_slab *slab = heap->bins[c];

		if (slab == &ms_slab_none)
			continue;
		set_current(heap, c, &ms_slab_none);
		take(heap, slab);
		ms_slab_count(heap, slab, slab->extended - ms_slab_list_length(slab));
		ms_slab_arm(slab, 1);
		if (release_empty(heap, slab))
			continue;
		arm_some(slab);
		if (slab->free || slab->extended < slab->capacity || !ms_remote_forget(slab))
			avail_add(heap, slab);
		else
			ms_slab_set_state(slab, MS_SLAB_FULL);
	}
	ms_heap_trim(heap);
	ms_heap_publish(heap);
}
