// SPDX-License-Identifier: MIT
#include "arena.h"
#include "heaps.h"
#include "lock.h"
#include "publish.h"
#include "remote.h"
#include "slabs.h"
#include "trim.h"

/* Current slabs are so no longer, or only empty ones. Return: whether there were any of those. */
static bool leave_current(struct ms_heap *heap, bool only_empty)
{
	bool some = false;

	for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
		struct ms_slab *slab = heap->bins[c];

		if (slab == &ms_slab_none)
			continue;
		ms_slab_take(heap, slab);
		ms_slab_count(heap, slab, slab->extended - ms_slab_list_length(slab));
		ms_slab_arm(slab, MS_NEVER);
		if (only_empty && slab->used)
			continue;
		ms_slab_set_current(heap, c, &ms_slab_none);
		some |= ms_slab_release_empty(heap, slab) || !ms_slab_leave(heap, slab);
	}
	return some;
}

/* Not one of a thread that is gone in this child. @mine: it is the caller's. */
static bool trim(struct ms_heap *heap, bool mine)
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
			some |= ms_slab_release_empty(heap, slab);
		}
	some |= ms_slabs_give_cached(heap);
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
	ms_slabs_give_cached(heap);
	ms_heap_publish(heap);
	ms_unlock(&heap->lock);
}

/**
 * ms_heaps_trim() - give what heaps keep for later to the arena
 *
 * Context: without locks. Return: whether there was something.
 */
bool ms_heaps_trim(void)
{
	uint32_t nr = ms_heaps_nr();
	bool some = false;

	/* Others go on while handlers of fork allocate, and we have no locks then. */
	if (MS_UNLIKELY(ms_in_fork))
		return ms_heap_mine != &ms_heap_none && trim(ms_heap_mine, true);
	ms_heaps_hold();
	for (uint32_t id = 1; id < nr; id++) {
		struct ms_heap *heap = ms_heap_by_id(id);

		if (!ms_heap_is_lost(heap))
			some |= trim(heap, heap == ms_heap_mine);
	}
	ms_heaps_release();
	return some;
}

/**
 * ms_heap_relieve() - another thread's slab seems to be empty: give it back
 * @slab: the slab, or what was one
 *
 * If its owner is at it, or somebody else, it is left to them.
 *
 * Context: without locks.
 */
void ms_heap_relieve(struct ms_slab *slab)
{
	uint32_t id = ms_tag_heap(ms_arena_owner(slab));
	struct ms_heap *heap;

	if (!id || ms_in_fork || !ms_heaps_try())
		return;
	heap = ms_heap_by_id(id);
	if (!ms_heap_is_lost(heap) && ms_trylock(&heap->lock)) {
		ms_slab_release_listed(heap, slab);
		ms_heap_publish(heap);
		ms_unlock(&heap->lock);
	}
	ms_heaps_release();
}
