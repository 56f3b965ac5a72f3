// SPDX-License-Identifier: MIT
/* Frees for others: gathered in batches, posted, collected. */
#include "arena.h"
#include "heap.h"
#include "lock.h"

/* A batch is posted when it stands for so much memory. */
#define BATCH_BYTES	((uint32_t)64 << 10)
#define SPARE_MAX	8

/* How many blocks ahead they are fetched. */
#define AHEAD		6

static pthread_mutex_t batches_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ms_batch *batches;

/* Nobody's. */
struct ms_batch ms_batch_none;

_Static_assert(sizeof(struct ms_batch) == 2048, "half a page");

static struct ms_batch *batch_get(struct ms_heap *heap)
{
	struct ms_batch *b = heap->spare;

	if (b) {
		heap->spare = b->next;
		heap->nr_spare--;
		return b;
	}
	ms_lock(&batches_lock);
	while (heap->nr_spare < SPARE_MAX / 2 && (b = batches)) {
		batches = b->next;
		b->next = heap->spare;
		heap->spare = b;
		heap->nr_spare++;
	}
	ms_unlock(&batches_lock);
	b = heap->spare;
	if (b) {
		heap->spare = b->next;
		heap->nr_spare--;
		return b;
	}
	return ms_meta_alloc(sizeof(*b));
}

static void batch_put(struct ms_heap *heap, struct ms_batch *b)
{
	b->next = heap->spare;
	heap->spare = b;
	if (++heap->nr_spare <= SPARE_MAX)
		return;
	ms_lock(&batches_lock);
	while (heap->nr_spare > SPARE_MAX / 2) {
		b = heap->spare;
		heap->spare = b->next;
		heap->nr_spare--;
		b->next = batches;
		batches = b;
	}
	ms_unlock(&batches_lock);
}

static void batch_post(struct ms_batch *b)
{
	struct ms_heap *owner = ms_heap_by_id(b->owner);

	b->next = __atomic_load_n(&owner->inbox, __ATOMIC_RELAXED);
	/* Release: pairs with the exchange in ms_heap_collect(). */
	while (!__atomic_compare_exchange_n(&owner->inbox, &b->next, b, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/**
 * ms_heap_flush() - post what is gathered
 * @heap: the caller's
 *
 * Context: any.
 */
void ms_heap_flush(struct ms_heap *heap)
{
	for (unsigned int i = 0; i < MS_NR_OUT; i++) {
		if (heap->out[i] == &ms_batch_none)
			continue;
		batch_post(heap->out[i]);
		heap->out[i] = &ms_batch_none;
	}
}

/**
 * ms_heap_free_remote() - free what belongs to another heap
 * @heap:	the caller's
 * @tag:	of the block's slab
 * @block:	the block
 *
 * Context: any. If there is no memory for a batch, the block is lost.
 */
void ms_heap_free_remote(struct ms_heap *heap, uint32_t tag, void *block)
{
	uint32_t owner = ms_tag_heap(tag);
	unsigned int slot = owner % MS_NR_OUT;
	struct ms_batch *b = heap->out[slot];

	if (MS_UNLIKELY(b->owner != owner)) {
		if (b != &ms_batch_none)
			batch_post(b);
		heap->out[slot] = &ms_batch_none;
		b = batch_get(heap);
		if (!b)
			return;
		heap->out[slot] = b;
		b->owner = owner;
		b->nr = 0;
		b->bytes = 0;
	}
	b->blocks[b->nr++] = block;
	b->bytes += (uint32_t)ms_class_size(ms_tag_class(tag));
	if (MS_UNLIKELY(b->nr == MS_BATCH_BLOCKS || b->bytes >= BATCH_BYTES)) {
		heap->out[slot] = &ms_batch_none;
		batch_post(b);
	}
}

/**
 * ms_heap_collect() - take what others have freed
 * @heap: the caller's
 *
 * Context: any. Return: whether there was something.
 */
bool ms_heap_collect(struct ms_heap *heap)
{
	struct ms_batch *b, *next;

	if (MS_LIKELY(!__atomic_load_n(&heap->inbox, __ATOMIC_RELAXED)))
		return false;
	/* Acquire: pairs with the release in batch_post(). */
	b = __atomic_exchange_n(&heap->inbox, NULL, __ATOMIC_ACQUIRE);
	for (; b; b = next) {
		next = b->next;
		for (uint32_t i = 0; i < b->nr; i++) {
			void *block = b->blocks[i];
			uint32_t tag;
			struct ms_slab *slab = ms_slab_find(block, &tag);

			__builtin_prefetch(b->blocks[(i + AHEAD) % MS_BATCH_BLOCKS], 1);
			if (MS_LIKELY(ms_tag_heap(tag) == heap->id))
				ms_slab_free(heap, slab, block);
			else if (tag)
				ms_heap_free_remote(heap, tag, block);
			else
				ms_malloc_die("free(): this block is free already",
					      block);
		}
		ms_add(&heap->remote, b->nr);
		batch_put(heap, b);
	}
	return true;
}

void ms_batches_fork_prepare(void)
{
	ms_lock(&batches_lock);
}

void ms_batches_fork_done(void)
{
	ms_unlock(&batches_lock);
}
