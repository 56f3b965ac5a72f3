// SPDX-License-Identifier: MIT
/* Sums over all heaps, and whether their books are in order. */
#include <string.h>

#include "arena.h"
#include "figures.h"
#include "heaps.h"
#include "lock.h"
#include "publish.h"
#include "remote.h"
#include "slabs.h"

/*
 * The heaps whose slabs the caller may look into: its own, and all orphans. Of the others'
 * slabs it sees what waits there to be counted as freed.
 */
struct seen {
	struct ms_heap *heap;
	struct ms_heap *orphans;
	const char *wrong;
	uint64_t pending[MS_NR_CLASSES];
};

static struct ms_heap *may_see(const struct seen *seen, uint32_t owner)
{
	struct ms_heap *orphan = seen->orphans;

	if (owner == seen->heap->id)
		return seen->heap;
	while (orphan && orphan->id != owner)
		orphan = orphan->next;
	return orphan;
}

static uint32_t in_use_of(const struct ms_slab *slab)
{
	return slab->state == MS_SLAB_CURRENT ?
		       slab->extended - ms_slab_list_length(slab) :
		       slab->used - (slab->armed - slab->countdown);
}

static void slab_count(struct ms_slab *slab, uint32_t tag, void *arg)
{
	struct seen *seen = arg;
	struct ms_heap *heap = may_see(seen, ms_tag_heap(tag));

	if (heap && (slab->state == MS_SLAB_CURRENT || slab->state == MS_SLAB_AVAIL)) {
		ms_slab_recount(heap, slab);
		return;
	}
	seen->pending[ms_tag_class(tag)] += ms_remote_count(ms_remote_load(ms_remote_of(slab)));
	if (heap && slab->state == MS_SLAB_FULL) {
		ms_slab_count(heap, slab, in_use_of(slab));
		slab->armed = slab->countdown;
	}
}

static void slab_check(struct ms_slab *slab, uint32_t tag, void *arg)
{
	struct seen *seen = arg;
	uint32_t listed = 0, in_use;

	if (!may_see(seen, ms_tag_heap(tag)) || slab->state == MS_SLAB_CACHED)
		return;
	for (const void *p = slab->free; p != ms_list_end(); p = ms_link_load(p), listed++)
		if (!ms_slab_holds(slab, p) || listed > slab->capacity ||
		    ((uintptr_t)p - slab->base) % ms_class_size(slab->class_)) {
			seen->wrong = "a list of free blocks is damaged";
			return;
		}
	/* With what others have freed, and is not counted yet. */
	in_use = in_use_of(slab);
	if (in_use + listed != slab->extended || slab->extended > slab->capacity)
		seen->wrong = "blocks in use and free ones do not add up";
	if (slab->state == MS_SLAB_AVAIL && in_use &&
	    (!slab->countdown || slab->countdown > in_use))
		seen->wrong = "a slab is armed with more than the blocks in use";
}

/* Orphans cannot get a thread, nor lose a slab, while they are held. */
static void see(struct ms_heap *heap, ms_slab_fn fn, struct seen *seen)
{
	*seen = (struct seen) { .heap = heap };
	ms_heaps_hold();
	ms_lock(&heap->lock);
	ms_heap_collect(heap);
	seen->orphans = ms_orphans_hold();
	for (struct ms_heap *o = seen->orphans; o; o = o->next)
		ms_heap_collect(o);
	ms_arena_walk(fn, seen);
	for (struct ms_heap *o = seen->orphans; o; o = o->next)
		ms_heap_publish(o);
	ms_orphans_release();
	ms_heap_publish(heap);
	ms_unlock(&heap->lock);
	ms_heaps_release();
}

static uint64_t get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/**
 * ms_heap_figures() - sum up over all heaps
 * @heap:	the caller's
 * @f:		where to
 *
 * Context: without locks.
 */
void ms_heap_figures(struct ms_heap *heap, struct ms_heap_figures *f)
{
	uint32_t nr = ms_heaps_nr();
	struct ms_heap *h;
	struct seen seen;

	see(heap, slab_count, &seen);
	memset(f, 0, sizeof(*f));
	f->orphans = ms_orphans_nr();
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
		f->frees[c] = seen.pending[c];
		f->remote += seen.pending[c];
	}
	f->large_frees = get(&ms_heap_common.large_frees);
	f->large_free_bytes = get(&ms_heap_common.large_free_bytes);
	for (uint32_t id = 1; id < nr; id++) {
		h = ms_heap_by_id(id);
		for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
			f->allocs[c] += get(&h->allocs[c]);
			f->frees[c] += get(&h->frees[c]);
		}
		f->large_allocs += get(&h->large_allocs);
		f->large_alloc_bytes += get(&h->large_alloc_bytes);
		f->large_frees += get(&h->large_frees);
		f->large_free_bytes += get(&h->large_free_bytes);
		f->cached += get(&h->nr_cached[0]) +
			     get(&h->nr_cached[1]) * (MS_SLAB_LONG >> MS_SLICE_SHIFT);
		f->remote += get(&h->remote);
		f->refills += get(&h->refills);
		f->heaps++;
	}
}

/**
 * ms_heap_check() - whether slabs and their lists are as they should be
 * @heap: the caller's
 *
 * Context: without locks. Return: NULL, or what is wrong.
 */
const char *ms_heap_check(struct ms_heap *heap)
{
	struct seen seen;

	see(heap, slab_check, &seen);
	return seen.wrong;
}
