// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "arena.h"
#include "large.h"
#include "lock.h"
#include "move.h"
#include "publish.h"
#include "supply.h"
#include "trim.h"

static uint32_t slices_of(size_t size)
{
	return (uint32_t)((size + MS_SLICE - 1) >> MS_SLICE_SHIFT);
}

/* @allocs slices were handed out and @frees taken back; @dirty less are idle now. */
static void count(struct ms_heap *heap, uint64_t allocs, uint64_t frees, uint64_t dirty)
{
	ms_lock(&heap->lock);
	ms_add(&heap->large_allocs, allocs != 0);
	ms_add(&heap->large_alloc_bytes, allocs << MS_SLICE_SHIFT);
	ms_add(&heap->large_frees, frees != 0);
	ms_add(&heap->large_free_bytes, frees << MS_SLICE_SHIFT);
	heap->sums.alloc_count += allocs != 0;
	heap->sums.alloc_bytes += allocs << MS_SLICE_SHIFT;
	heap->sums.free_count += frees != 0;
	heap->sums.free_bytes += frees << MS_SLICE_SHIFT;
	heap->sums.slab_slices += allocs - frees;
	heap->sums.idle_slices -= dirty;
	ms_heap_publish(heap);
	ms_unlock(&heap->lock);
}

/**
 * ms_large_alloc() - a block that no slab can hold
 * @heap:	the caller's
 * @size:	bytes, not 0
 * @align:	of the address, a power of two
 * @zero:	its contents are to be zeros
 *
 * Context: any. Return: the block; NULL: no memory, or over a limit.
 */
void *ms_large_alloc(struct ms_heap *heap, size_t size, size_t align, bool zero)
{
	struct ms_run run;
	int ret;

	if (size > MS_LARGE_MAX || align > MS_LARGE_MAX)
		return NULL;
	/* What heaps keep for later may be what is missing. */
	while ((ret = ms_supply_take(slices_of(size), align, &run)))
		if (ret == -E2BIG || !ms_heaps_trim())
			return NULL;
	run.entry->len = slices_of(size);
	ms_slab_set_state(run.entry, MS_RUN_LARGE);
	count(heap, run.entry->len, 0, run.zero ? 0 : run.entry->len);
	if (zero && !run.zero)
		memset(run.addr, 0, size);
	return run.addr;
}

/**
 * ms_large_free() - the block is not used any longer
 * @heap:	the caller's
 * @entry:	its first slice's entry
 *
 * Context: any.
 */
void ms_large_free(struct ms_heap *heap, struct ms_slab *entry)
{
	uint32_t len = entry->len;

	count(heap, 0, len, -(uint64_t)len);
	ms_slab_set_state(entry, MS_RUN_NONE);
	ms_supply_give(entry, len);
}

/*
 * Into memory that is there already; or else where there is none yet; or else elsewhere. One
 * that has moved rather moves again, because then it still is one mapping.
 * Return: where it is then; NULL: it has to be copied.
 */
static struct ms_slab *longer(struct ms_slab *entry, uint32_t old, uint32_t len, bool *zero)
{
	struct ms_slab *to;

	if (ms_supply_extend(entry, old, len - old, entry->odd != MS_ODD_WHOLE, zero))
		return entry;
	if (old < MS_ZONE_HUGE_FROM >> MS_SLICE_SHIFT)
		return NULL;
	to = ms_move(entry, old, len);
	if (to)
		ms_slab_set_state(to, MS_RUN_LARGE);
	else if (entry->odd == MS_ODD_WHOLE && ms_supply_extend(entry, old, len - old, true, zero))
		to = entry;
	return to;
}

/**
 * ms_large_resize() - make a block longer or shorter without copying it
 * @heap:	the caller's
 * @entry:	its first slice's entry
 * @size:	bytes, more than a slab's block can have
 *
 * Context: any. Return: the block, where it is now; NULL: it could not be done.
 */
void *ms_large_resize(struct ms_heap *heap, struct ms_slab *entry, size_t size)
{
	uint32_t old = entry->len, len;
	bool zero = true;

	if (size > MS_LARGE_MAX)
		return NULL;
	len = slices_of(size);
	if (len > old) {
		entry = longer(entry, old, len, &zero);
		if (!entry)
			return NULL;
		count(heap, len, old, zero ? 0 : len - old);
	} else if (len < old) {
		ms_supply_trim(entry, len, old);
		count(heap, len, old, -(uint64_t)(old - len));
	}
	entry->len = len;
	return ms_arena_addr(entry);
}
