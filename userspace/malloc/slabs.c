// SPDX-License-Identifier: MIT
#include "arena.h"
#include "knobs.h"
#include "lock.h"
#include "publish.h"
#include "remote.h"
#include "slabs.h"
#include "supply.h"

/* A full slab is looked at again when an eighth of its blocks, or so many, are free. */
#define WAKE_PART	8
#define WAKE_MAX	64

/* So often what was freed is told of, where nothing is allocated. */
#define PUBLISH_EVENTS	32

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

/**
 * ms_slab_set_current() - say from which slab a heap allocates
 * @heap:	the caller's
 * @c:		blocks of which class
 * @slab:	the slab; ms_slab_none: from none
 *
 * Context: the heap's lock.
 */
void ms_slab_set_current(struct ms_heap *heap, unsigned int c, struct ms_slab *slab)
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
	ms_supply_give(slab, slices);
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

/**
 * ms_slab_cached() - an empty slab that was kept
 * @heap:	the caller's
 * @slices:	how long it is to be
 *
 * Context: the heap's lock. Return: the slab, in no list; NULL: there is none.
 */
struct ms_slab *ms_slab_cached(struct ms_heap *heap, uint32_t slices)
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
 * ms_slabs_give_cached() - give the empty slabs that were kept to the arena
 * @heap: the heap
 *
 * Context: the heap's lock. Return: whether there were any.
 */
bool ms_slabs_give_cached(struct ms_heap *heap)
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

/**
 * ms_slab_tag() - what the slices of a slab are tagged with
 * @heap:	its owner
 * @c:		its class
 *
 * Context: any. Return: the tag of the first.
 */
uint32_t ms_slab_tag(const struct ms_heap *heap, unsigned int c)
{
	return heap->id << MS_TAG_HEAP_SHIFT | c << MS_TAG_CLASS_SHIFT;
}

/**
 * ms_slab_new() - a run, or an empty slab that was kept, becomes a slab of a class
 * @heap:	the caller's
 * @slab:	its entry, with its length and place
 * @c:		the class
 *
 * Context: the heap's lock.
 */
void ms_slab_new(struct ms_heap *heap, struct ms_slab *slab, unsigned int c)
{
	heap->sums.slab_slices += slab->slices;
	ms_remote_reset(ms_remote_of(slab));
	slab_format(heap, slab, c);
	ms_arena_tag(slab, slab->slices, ms_slab_tag(heap, c));
}

/* ---- what others have freed ------------------------------------------------------- */

/**
 * ms_slab_take() - have what others have freed of a slab
 * @heap:	its owner
 * @slab:	the slab; who calls counts it then
 *
 * What is counted as freed by others is in use no longer.
 *
 * Context: the heap's lock, or a current slab's owner. Return: whether there was something.
 */
bool ms_slab_take(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t nr;

	if (MS_LIKELY(!ms_remote_count(ms_remote_load(ms_remote_of(slab)))))
		return false;
	nr = ms_remote_take(slab);
	slab->countdown -= nr;
	ms_add(&heap->remote, nr);
	return true;
}

/**
 * ms_slab_release_empty() - a slab that is not full, and of which nothing is in use, goes
 * @heap:	its owner
 * @slab:	the slab
 *
 * Context: the heap's lock. Return: whether it did.
 */
bool ms_slab_release_empty(struct ms_heap *heap, struct ms_slab *slab)
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
			some |= ms_slab_release_empty(heap, slab);
	}
	return some;
}

/**
 * ms_slab_release_listed() - the same of one that may be in the inbox: then it goes by that
 * @heap:	a heap
 * @slab:	may be a slab of it, or anything else by now
 *
 * Context: the heap's lock. Return: whether it is gone; it may be anything by then.
 */
bool ms_slab_release_listed(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t tag;

	ms_heap_collect(heap);
	tag = ms_arena_owner(slab);
	return ms_tag_heap(tag) != heap->id || tag & MS_TAG_BACK_MASK ||
	       ms_slab_state(slab) != MS_SLAB_AVAIL || ms_slab_release_empty(heap, slab);
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
	return ms_remote_count(word) != slab->used || !ms_slab_release_listed(heap, slab);
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
		ms_slab_take(heap, slab);
		ms_slab_count(heap, slab, slab->extended - ms_slab_list_length(slab));
		ms_slab_arm(slab, MS_NEVER);
	} else if (!ms_slab_release_empty(heap, slab)) {
		ms_slab_take(heap, slab);
		ms_slab_count(heap, slab, slab->used - (slab->armed - slab->countdown));
		keep_avail(heap, slab);
	}
}

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
	if (!ms_slab_release_empty(heap, slab))
		keep_avail(heap, slab);
	if (!(++heap->events % PUBLISH_EVENTS))
		ms_heap_publish(heap);
	ms_unlock(&heap->lock);
}

static void seek(struct ms_slab *slab, uint32_t tag, void *arg)
{
	struct ms_heap *heap = arg;

	if (ms_tag_heap(tag) != heap->id || ms_slab_state(slab) != MS_SLAB_FULL ||
	    slab->countdown == slab->armed)
		return;
	ms_slab_count(heap, slab, slab->used - (slab->armed - slab->countdown));
	ms_slab_arm(slab, 1);
	if (!ms_slab_release_empty(heap, slab))
		keep_avail(heap, slab);
}

/**
 * ms_heap_seek() - look at all full slabs, of which too few blocks are free to have been looked at
 * @heap: the caller's
 *
 * Goes through everything there is: for who would be refused otherwise.
 *
 * Context: the heap's lock.
 */
void ms_heap_seek(struct ms_heap *heap)
{
	ms_arena_walk(seek, heap);
}

/**
 * ms_slab_leave() - a slab was current until now
 * @heap:	its owner
 * @slab:	the slab, counted
 *
 * Context: the heap's lock. Return: whether it is there still.
 */
bool ms_slab_leave(struct ms_heap *heap, struct ms_slab *slab)
{
	if (ms_slab_is_exhausted(slab) && slab->extended == slab->capacity &&
	    ms_remote_forget(slab)) {
		ms_slab_set_state(slab, MS_SLAB_FULL);
		arm_some(slab, 0);
		return true;
	}
	return keep_avail(heap, slab);
}

/**
 * ms_slab_avail_take() - a slab that has free blocks
 * @heap:	the heap
 * @c:		of which class
 *
 * Context: the heap's lock. Return: the one that has had them for longest, counted, in no list;
 * NULL.
 */
struct ms_slab *ms_slab_avail_take(struct ms_heap *heap, unsigned int c)
{
	struct ms_slab *slab = heap->avail[c];

	if (!slab)
		return NULL;
	avail_del(heap, slab);
	if (ms_slab_is_exhausted(slab))
		ms_slab_take(heap, slab);
	ms_slab_count(heap, slab, slab->used - (slab->armed - slab->countdown));
	return slab;
}
