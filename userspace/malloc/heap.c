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

/* Written with the lock, read without it where nothing depends on it but order. */
static void set_avail(struct ms_heap *heap, unsigned int c, struct ms_slab *slab)
{
	__atomic_store_n(&heap->avail[c], slab, __ATOMIC_RELAXED);
}

static void avail_add(struct ms_heap *heap, struct ms_slab *slab)
{
	unsigned int c = slab->class_;

	ms_slab_set_state(slab, MS_SLAB_AVAIL);
	slab->next = NULL;
	slab->prev = heap->avail_last[c];
	if (slab->prev)
		slab->prev->next = slab;
	else
		set_avail(heap, c, slab);
	heap->avail_last[c] = slab;
}

static void avail_del(struct ms_heap *heap, struct ms_slab *slab)
{
	unsigned int c = slab->class_;

	if (slab->prev)
		slab->prev->next = slab->next;
	else
		set_avail(heap, c, slab->next);
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

static bool cached_give(struct ms_heap *heap)
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

static bool is_exhausted(const struct ms_slab *slab)
{
	return slab->free == ms_list_end();
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
	slab->free = ms_list_end();
	heap->nr_slabs[c]++;
}

static uint32_t tag_of(const struct ms_heap *heap, unsigned int c)
{
	return heap->id << MS_TAG_HEAP_SHIFT | c << MS_TAG_CLASS_SHIFT;
}

/* A run, or an empty slab that was kept, becomes a slab of a class. */
static void slab_new(struct ms_heap *heap, struct ms_slab *slab, unsigned int c)
{
	heap->sums.slab_slices += slab->slices;
	ms_remote_reset(ms_remote_of(slab));
	slab_format(heap, slab, c);
	ms_arena_tag(slab, slab->slices, tag_of(heap, c));
}

/* ---- what others have freed ------------------------------------------------------- */

/* What is counted as freed by others is in use no longer; who calls counts the slab then. */
static bool take(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t nr;

	if (MS_LIKELY(!ms_remote_count(ms_remote_load(ms_remote_of(slab)))))
		return false;
	nr = ms_remote_take(slab);
	slab->countdown -= nr;
	ms_add(&heap->remote, nr);
	return true;
}

/* A slab that is not full, and of which nothing is in use, goes. Return: whether it did. */
static bool release_empty(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t left = ms_slab_countdown(slab), pending;
	uint64_t word;

	if (!left)
		return false;
	word = ms_remote_load(ms_remote_of(slab));
	pending = ms_remote_count(word);
	if (slab->used - (slab->armed - left) != pending)
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

/*
 * Look again when some blocks are free: to allocate from it, and to count them. @word: of the
 * slab; what waits there its owner will not free.
 */
static void arm_some(struct ms_slab *slab, uint64_t word)
{
	uint32_t pending = ms_remote_count(word);
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
 * Context: the heap's lock. Return: whether any was empty.
 */
bool ms_heap_collect(struct ms_heap *heap)
{
	struct ms_remote *r = ms_remote_inbox(heap), *next;
	struct ms_slab *slab;
	bool some = false;

	for (; r; r = next) {
		next = r->next;
		slab = ms_remote_slab(r);
		if (ms_remote_unlist(r) && ms_slab_state(slab) == MS_SLAB_FULL)
			avail_add(heap, slab);
		if (ms_slab_state(slab) == MS_SLAB_AVAIL)
			some |= release_empty(heap, slab);
	}
	return some;
}

/*
 * A slab that may be empty, and in the inbox: then it goes by that. Return: whether it is gone; it
 * may be anything by then.
 */
static bool release_listed(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t tag;

	ms_heap_collect(heap);
	tag = ms_arena_owner(slab);
	return ms_tag_heap(tag) != heap->id || tag & MS_TAG_BACK_MASK ||
	       ms_slab_state(slab) != MS_SLAB_AVAIL || release_empty(heap, slab);
}

/* A slab from which can be allocated, and that has been counted. Return: whether it is there. */
static bool keep_avail(struct ms_heap *heap, struct ms_slab *slab)
{
	struct ms_remote *r = ms_remote_of(slab);
	uint64_t word = ms_remote_load(r);

	arm_some(slab, word);
	word = ms_remote_know(r, slab->used, word);
	if (ms_slab_state(slab) != MS_SLAB_AVAIL)
		avail_add(heap, slab);
	/* Who freed the last one before the word said that it was could not do it. */
	return ms_remote_count(word) != slab->used || !release_listed(heap, slab);
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
		keep_avail(heap, slab);
	}
}

/**
 * ms_heap_empty() - give a slab back if it is empty
 * @heap:	a heap
 * @slab:	may be a slab of it, or anything else by now
 *
 * Context: the heap's lock.
 */
void ms_heap_empty(struct ms_heap *heap, struct ms_slab *slab)
{
	release_listed(heap, slab);
	ms_heap_publish(heap);
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
	ms_lock(&heap->lock);
	ms_slab_count(heap, slab, slab->used - slab->armed);
	ms_slab_arm(slab, 1);
	if (!release_empty(heap, slab))
		keep_avail(heap, slab);
	if (!(++heap->events % PUBLISH_EVENTS))
		ms_heap_publish(heap);
	ms_unlock(&heap->lock);
}

/* A slab that was current, and has been counted. Return: whether it is there. */
static bool leave(struct ms_heap *heap, struct ms_slab *slab)
{
	if (is_exhausted(slab) && slab->extended == slab->capacity && ms_remote_forget(slab)) {
		ms_slab_set_state(slab, MS_SLAB_FULL);
		arm_some(slab, 0);
		return true;
	}
	return keep_avail(heap, slab);
}

/* The list of the current slab is empty, and it is not to be extended. */
static void retire(struct ms_heap *heap, struct ms_slab *slab)
{
	if (slab == &ms_slab_none)
		return;
	ms_slab_count(heap, slab, slab->extended);
	leave(heap, slab);
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
	if (is_exhausted(slab))
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

static void *pop(struct ms_slab *slab)
{
	void *block = slab->free, *next;

	if (block == ms_list_end() || slab == &ms_slab_none)
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

/* A slab of an orphan, for who would otherwise take fresh memory. It is no orphan's then. */
static struct ms_slab *orphan_slab(struct ms_heap *heap, unsigned int c)
{
	struct ms_heap *orphan = ms_orphan_take();
	struct ms_slab *slab;

	if (!orphan)
		return NULL;
	ms_lock(&orphan->lock);
	ms_heap_collect(orphan);
	cached_give(orphan);
	slab = avail_hand_on(orphan, c);
	if (slab) {
		orphan->nr_slabs[c]--;
		/* In no list: nobody else looks at it from here on. */
		ms_slab_set_state(slab, MS_SLAB_CURRENT);
		ms_arena_tag(slab, slab->slices, tag_of(heap, c));
	}
	ms_unlock(&orphan->lock);
	ms_orphan_put(orphan);
	return slab;
}

/* A slab is the current one from now on. Return: its first block. */
static void *begin(struct ms_heap *heap, struct ms_slab *slab)
{
	activate(heap, slab);
	if (is_exhausted(slab))
		slab_extend(slab, ms_class_size(slab->class_));
	ms_heap_publish(heap);
	return pop(slab);
}

/* From what is untouched of the current slab, if there is nothing else: needs no lock. */
static void *refill_untouched(struct ms_heap *heap, unsigned int c)
{
	struct ms_slab *slab = heap->bins[c];

	ms_add(&heap->refills, 1);
	if (slab->extended == slab->capacity || __atomic_load_n(&heap->inbox, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&heap->avail[c], __ATOMIC_RELAXED) ||
	    ms_remote_count(ms_remote_load(ms_remote_of(slab))))
		return NULL;
	slab_extend(slab, ms_class_size(c));
	return pop(slab);
}

/* From what the heap has. @slices: how many a new slab has, if there is nothing. */
static void *refill_near(struct ms_heap *heap, unsigned int c, uint32_t *slices)
{
	struct ms_slab *slab = heap->bins[c];

	if (slab != &ms_slab_none && take(heap, slab))
		return pop(slab);
	if (MS_UNLIKELY(__atomic_load_n(&heap->inbox, __ATOMIC_RELAXED)))
		ms_heap_collect(heap);
	if (!heap->avail[c] && slab->extended < slab->capacity) {
		slab_extend(slab, ms_class_size(c));
		return pop(slab);
	}
	retire(heap, slab);
	set_current(heap, c, &ms_slab_none);
	slab = avail_take(heap, c);
	if (!slab) {
		*slices = ms_class_slices(c, heap->nr_slabs[c]);
		slab = slab_cached(heap, *slices);
		if (!slab)
			return NULL;
		heap->sums.idle_slices -= *slices;
		slab_new(heap, slab, c);
	}
	return begin(heap, slab);
}

/* From an orphan, or fresh. */
static void *refill_far(struct ms_heap *heap, unsigned int c, uint32_t slices)
{
	struct ms_slab *slab = orphan_slab(heap, c);
	struct ms_run run = { 0 };
	void *block;

	if (!slab && ms_arena_take(slices, MS_SLICE, &run))
		return NULL;
	ms_lock(&heap->lock);
	if (slab) {
		heap->nr_slabs[c]++;
	} else {
		slab = run.entry;
		slab->slices = (uint8_t)slices;
		slab->base = (uintptr_t)run.addr;
		if (!run.zero)
			heap->sums.idle_slices -= slices;
		slab_new(heap, slab, c);
	}
	block = begin(heap, slab);
	ms_unlock(&heap->lock);
	return block;
}

/**
 * ms_heap_refill() - a block of a class whose current slab has none at hand
 * @heap:	the caller's
 * @class_:	which
 *
 * Context: any. Return: the block; NULL: no memory, or over a limit, and no heap keeps an empty
 * slab.
 */
void *ms_heap_refill(struct ms_heap *heap, unsigned int class_)
{
	uint32_t slices = 0;
	void *block;

	block = refill_untouched(heap, class_);
	if (block)
		return block;
	do {
		ms_lock(&heap->lock);
		block = refill_near(heap, class_, &slices);
		ms_unlock(&heap->lock);
		if (!block)
			block = refill_far(heap, class_, slices);
		/* What is kept for later may be what is missing. */
	} while (!block && ms_heaps_trim());
	return block;
}

/**
 * ms_heap_alloc() - a block of a class
 * @heap:	the caller's
 * @class_:	which
 *
 * Context: any. Return: as ms_heap_refill().
 */
void *ms_heap_alloc(struct ms_heap *heap, unsigned int class_)
{
	void *block = pop(heap->bins[class_]);

	return block ? block : ms_heap_refill(heap, class_);
}

/* Current slabs are so no longer, or only empty ones. Return: whether there were any of those. */
static bool leave_current(struct ms_heap *heap, bool only_empty)
{
	bool some = false;

	for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
		struct ms_slab *slab = heap->bins[c];

		if (slab == &ms_slab_none)
			continue;
		take(heap, slab);
		ms_slab_count(heap, slab, slab->extended - ms_slab_list_length(slab));
		ms_slab_arm(slab, MS_NEVER);
		if (only_empty && slab->used)
			continue;
		set_current(heap, c, &ms_slab_none);
		some |= release_empty(heap, slab) || !leave(heap, slab);
	}
	return some;
}

/**
 * ms_heap_trim() - give empty slabs to the arena
 * @heap:	a heap, not of a thread that is gone in this child
 * @mine:	it is the caller's
 *
 * Context: without the heap's lock. Return: whether there were any.
 */
bool ms_heap_trim(struct ms_heap *heap, bool mine)
{
	struct ms_slab *slab, *next;
	bool some;

	ms_lock(&heap->lock);
	some = ms_heap_collect(heap);
	if (mine)
		some |= leave_current(heap, true);
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++)
		for (slab = heap->avail[c]; slab; slab = next) {
			next = slab->next;
			some |= release_empty(heap, slab);
		}
	some |= cached_give(heap);
	ms_heap_publish(heap);
	ms_unlock(&heap->lock);
	return some;
}

/**
 * ms_heap_settle() - keep nothing that others could not get at
 * @heap: one whose thread ends
 *
 * Context: without the heap's lock.
 */
void ms_heap_settle(struct ms_heap *heap)
{
	ms_lock(&heap->lock);
	ms_heap_collect(heap);
	leave_current(heap, false);
	cached_give(heap);
	ms_heap_publish(heap);
	ms_unlock(&heap->lock);
}
