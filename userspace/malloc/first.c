// SPDX-License-Identifier: MIT
#include "first.h"
#include "large.h"
#include "refill.h"

/*
 * Powers of two, which are aligned to themselves, so that it fits whatever the class was chosen
 * for.
 * @up_to: bytes; @blocks: that it has of each class, at most MS_LENT_MAX. What they cost beyond
 * what was asked for is less than the slab.
 */
static const struct {
	uint16_t up_to;
	uint8_t blocks;
} lenders[] = {
	{ 256, 8 }, { 1024, 4 }, { 2048, 2 }, { 4096, 2 },
};

#define LARGE_BLOCKS	2

static void *lent(struct ms_heap *heap, unsigned int c, uint8_t blocks, size_t size)
{
	void *block;

	if (heap->lent[c] >= blocks) {
		heap->lent[c] = MS_LENT_MAX;
		return NULL;
	}
	block = size > MS_SMALL_MAX ? ms_large_alloc(heap, ms_class_size(c), MS_GRAIN, false) :
				      ms_heap_alloc(heap, ms_class_of(size));
	heap->lent[c] += !!block;
	return block;
}

/**
 * ms_first_alloc() - a block for a class of which the heap is not to have a slab yet
 * @heap:	the caller's
 * @class_:	the class
 *
 * Context: any. Return: a block that is long enough, and aligned as one of the class; NULL: it is
 * to be one of the class.
 */
void *ms_first_alloc(struct ms_heap *heap, unsigned int class_)
{
	size_t size = ms_class_size(class_);

	for (size_t i = 0; i < sizeof(lenders) / sizeof(lenders[0]); i++) {
		if (size == lenders[i].up_to)
			break;
		if (size < lenders[i].up_to)
			return lent(heap, class_, lenders[i].blocks, lenders[i].up_to);
	}
	if (size > lenders[sizeof(lenders) / sizeof(lenders[0]) - 1].up_to)
		return lent(heap, class_, LARGE_BLOCKS, SIZE_MAX);
	heap->lent[class_] = MS_LENT_MAX;
	return NULL;
}
