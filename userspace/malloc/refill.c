// SPDX-License-Identifier: MIT
#include "arena.h"
#include "heaps.h"
#include "lock.h"
#include "publish.h"
#include "refill.h"
#include "remote.h"
#include "say.h"
#include "slabs.h"
#include "supply.h"
#include "trim.h"

/* The list of the current slab is empty, and it is not to be extended. */
static void retire(struct ms_heap *heap, struct ms_slab *slab)
{
	if (slab == &ms_slab_none)
		return;
	ms_slab_count(heap, slab, slab->extended);
	ms_slab_leave(heap, slab);
}

static void activate(struct ms_heap *heap, struct ms_slab *slab)
{
	ms_slab_set_state(slab, MS_SLAB_CURRENT);
	ms_slab_arm(slab, MS_NEVER);
	ms_slab_set_current(heap, slab->class_, slab);
}

/* Of an orphan's slabs the next one, unless it may be about to be put into its inbox. */
static struct ms_slab *avail_hand_on(struct ms_heap *orphan, unsigned int c)
{
	struct ms_slab *slab = orphan->avail[c];

	if (!slab || ms_remote_load(ms_remote_of(slab)) & MS_REMOTE_LISTED)
		return NULL;
	return ms_slab_avail_take(orphan, c);
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
	ms_slabs_give_cached(orphan);
	slab = avail_hand_on(orphan, c);
	if (slab) {
		orphan->nr_slabs[c]--;
		/* In no list: nobody else looks at it from here on. */
		ms_slab_set_state(slab, MS_SLAB_CURRENT);
		ms_arena_tag(slab, slab->slices, ms_slab_tag(heap, c));
	}
	ms_unlock(&orphan->lock);
	ms_orphan_put(orphan);
	return slab;
}

/* A slab is the current one from now on. Return: its first block. */
static void *begin(struct ms_heap *heap, struct ms_slab *slab)
{
	activate(heap, slab);
	if (ms_slab_is_exhausted(slab))
		ms_slab_extend(slab, ms_class_size(slab->class_));
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
	ms_slab_extend(slab, ms_class_size(c));
	return pop(slab);
}

/* From slabs of the class that the heap has. */
static void *refill_own(struct ms_heap *heap, unsigned int c)
{
	struct ms_slab *slab = heap->bins[c];

	if (slab != &ms_slab_none && ms_slab_take(heap, slab))
		return pop(slab);
	if (MS_UNLIKELY(__atomic_load_n(&heap->inbox, __ATOMIC_RELAXED)))
		ms_heap_collect(heap);
	if (!heap->avail[c] && slab->extended < slab->capacity) {
		ms_slab_extend(slab, ms_class_size(c));
		return pop(slab);
	}
	retire(heap, slab);
	ms_slab_set_current(heap, c, &ms_slab_none);
	slab = ms_slab_avail_take(heap, c);
	return slab ? begin(heap, slab) : NULL;
}

/* From what the heap has. @slices: how many a new slab has, if there is nothing. */
static void *refill_near(struct ms_heap *heap, unsigned int c, uint32_t *slices)
{
	void *block = refill_own(heap, c);
	struct ms_slab *slab;

	if (block)
		return block;
	*slices = ms_class_slices(c, heap->nr_slabs[c]);
	slab = ms_slab_cached(heap, *slices);
	if (!slab)
		return NULL;
	heap->sums.idle_slices -= *slices;
	ms_slab_new(heap, slab, c);
	return begin(heap, slab);
}

static void *refill_orphan(struct ms_heap *heap, unsigned int c)
{
	struct ms_slab *slab = orphan_slab(heap, c);
	void *block;

	if (!slab)
		return NULL;
	ms_lock(&heap->lock);
	heap->nr_slabs[c]++;
	block = begin(heap, slab);
	ms_unlock(&heap->lock);
	return block;
}

/* From an orphan, or fresh. */
static void *refill_far(struct ms_heap *heap, unsigned int c, uint32_t slices)
{
	void *block = refill_orphan(heap, c);
	struct ms_slab *slab;
	struct ms_run run;

	if (block)
		return block;
	if (ms_supply_take(slices, MS_SLICE, &run))
		return NULL;
	ms_lock(&heap->lock);
	slab = run.entry;
	slab->slices = (uint8_t)slices;
	slab->base = (uintptr_t)run.addr;
	if (!run.zero)
		heap->sums.idle_slices -= slices;
	ms_slab_new(heap, slab, c);
	block = begin(heap, slab);
	ms_unlock(&heap->lock);
	return block;
}

/*
 * What is free in full slabs; or of a coarser class, where there is no memory for one of this. It
 * is aligned as one of the class, by the lowest bit of its size.
 */
static void *refill_rest(struct ms_heap *heap, unsigned int c)
{
	size_t size = ms_class_size(c), align = size & -size;
	void *block;

	ms_lock(&heap->lock);
	ms_heap_seek(heap);
	block = refill_own(heap, c);
	while (!block && ++c < MS_NR_CLASSES) {
		if (ms_class_size(c) & (align - 1))
			continue;
		block = pop(heap->bins[c]);
		if (!block)
			block = refill_own(heap, c);
	}
	ms_unlock(&heap->lock);
	return block;
}

/* Where all else has been refused: a slab as short as one can be, or what others have left. */
static void *refill_at_last(struct ms_heap *heap, unsigned int c, uint32_t slices)
{
	uint32_t few = ms_class_slices(c, 0);
	void *block = few < slices ? refill_far(heap, c, few) : NULL;

	for (uint32_t nr = ms_orphans_nr(); nr && !block; nr--)
		block = refill_orphan(heap, c);
	return block ? block : refill_rest(heap, c);
}

static void *refill(struct ms_heap *heap, unsigned int class_)
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
	return block ? block : refill_at_last(heap, class_, slices);
}

/**
 * ms_heap_alloc() - a block of a class
 * @heap:	the caller's
 * @class_:	which
 *
 * Context: any. Return: the block; NULL: no memory, or over a limit, and no heap keeps an empty
 * slab.
 */
void *ms_heap_alloc(struct ms_heap *heap, unsigned int class_)
{
	void *block = pop(heap->bins[class_]);

	return block ? block : refill(heap, class_);
}
