// SPDX-License-Identifier: MIT
/*
 * The statistics that others read without this process's help: each heap's sums, written to
 * a shard that it shares with the kernel, or with the embedded back end.
 *
 * Model
 *
 *   A heap has the shard of its number. Those beyond the last one take turns at shard 0. In
 *   a child the shards are others, and zero: each heap tells everything once more, and what
 *   belongs to threads that are not there in the child is told by whoever comes first.
 */
#include <memstate.h>

#include "arena.h"
#include "drop.h"
#include "heaps.h"
#include "knobs.h"
#include "lock.h"
#include "publish.h"

static struct ms_lock shared_lock;

static void write_out(struct ms_heap *heap)
{
	const struct ms_sums *now = &heap->sums, *told = &heap->told;
	uint64_t bytes = (now->alloc_bytes - now->free_bytes) -
			 (told->alloc_bytes - told->free_bytes);
	uint64_t *set = memstate_shard_enter(heap->shard, heap->gen);

	memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, now->alloc_bytes - told->alloc_bytes);
	memstate_shard_add(set, MEMSTATE_ALLOC_COUNT, now->alloc_count - told->alloc_count);
	memstate_shard_add(set, MEMSTATE_FREE_BYTES, now->free_bytes - told->free_bytes);
	memstate_shard_add(set, MEMSTATE_FREE_COUNT, now->free_count - told->free_count);
	memstate_shard_add(set, MEMSTATE_IDLE_BYTES,
			   (now->idle_slices - told->idle_slices) << MS_SLICE_SHIFT);
	memstate_shard_add(set, MEMSTATE_SLAB_BYTES,
			   (now->slab_slices - told->slab_slices) << MS_SLICE_SHIFT);
	memstate_shard_add(set, MEMSTATE_REFILLS, now->refills - told->refills);
	memstate_shard_add(set, MEMSTATE_REMOTE_FREES, now->remote - told->remote);
	memstate_shard_add(set, MEMSTATE_IN_USE + MEMSTATE_HEAP, bytes);
	memstate_shard_exit(heap->shard);
	heap->told = *now;
}

static bool find_shard(struct ms_heap *heap, uint32_t epoch)
{
	heap->shared = false;
	heap->shard = heap->id ? memstate_shard(heap->id) : NULL;
	if (!heap->shard) {
		heap->shard = memstate_shard(0);
		heap->shared = true;
	}
	heap->gen = memstate_shard_gen();
	heap->epoch = epoch;
	heap->told = (struct ms_sums) { 0 };
	return heap->shard && heap->gen;
}

static void publish(struct ms_heap *heap, uint32_t epoch)
{
	if (MS_UNLIKELY(heap->epoch != epoch) && !find_shard(heap, epoch))
		return;
	if (MS_UNLIKELY(!heap->shard))
		return;
	if (MS_LIKELY(!heap->shared)) {
		write_out(heap);
		return;
	}
	ms_lock(&shared_lock);
	write_out(heap);
	ms_unlock(&shared_lock);
}

/* What is lost nobody else touches, nor orphans while they are held. */
static void publish_others(uint32_t epoch)
{
	uint32_t nr = ms_heaps_nr();
	struct ms_heap *orphan = ms_orphans_hold();

	for (; orphan; orphan = orphan->next) {
		ms_lock(&orphan->lock);
		publish(orphan, epoch);
		ms_unlock(&orphan->lock);
	}
	for (uint32_t id = 1; id < nr; id++) {
		struct ms_heap *heap = ms_heap_by_id(id);

		if (ms_heap_is_lost(heap) && heap->epoch != epoch)
			publish(heap, epoch);
	}
	ms_orphans_release();
}

/**
 * ms_heap_publish() - tell what has changed
 * @heap: the caller's
 *
 * Context: the heap's lock, on slow paths.
 */
void ms_heap_publish(struct ms_heap *heap)
{
	static const uint32_t *epoch_word;
	const uint32_t *word = __atomic_load_n(&epoch_word, __ATOMIC_RELAXED);
	uint32_t epoch;

	if (!ms_knobs.accounting)
		return;
	if (MS_UNLIKELY(!word || !__atomic_load_n(word, __ATOMIC_RELAXED))) {
		/* Makes the shards, in a child again. */
		word = memstate_shard_epoch();
		if (!word)
			return;
		__atomic_store_n(&epoch_word, word, __ATOMIC_RELAXED);
	}
	epoch = __atomic_load_n(word, __ATOMIC_RELAXED);
	heap->sums.refills = __atomic_load_n(&heap->refills, __ATOMIC_RELAXED);
	heap->sums.remote = heap->remote;
	heap->sums.idle_slices -= ms_drop_slices();
	/* Not where the caller holds orphans: those are not its own. */
	if (MS_UNLIKELY(heap->epoch != epoch && heap->epoch && heap == ms_heap_mine))
		publish_others(epoch);
	publish(heap, epoch);
}

void ms_publish_fork_prepare(void)
{
	ms_lock(&shared_lock);
}

void ms_publish_fork_done(void)
{
	ms_unlock(&shared_lock);
}
