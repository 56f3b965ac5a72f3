/* SPDX-License-Identifier: MIT */
/*
 * The first blocks of a class in a heap.
 *
 * Model
 *
 *   A slab is charged whole, and there are 72 classes: a thread that allocates a block of each of
 *   thirty sizes would have thirty slabs. So a heap's first blocks of a class are of a coarser one,
 *   which many share, or large blocks where a slab would be long; there are few of them, so it does
 *   not matter that they are longer than need be. Who then allocates more gets a slab of the class.
 *   They are ordinary blocks of that other class: nobody else knows of it.
 */
#ifndef MS_MALLOC_FIRST_H
#define MS_MALLOC_FIRST_H

#include "heap.h"

/* Whether a heap is not to have a slab of a class yet. */
static inline bool ms_first(const struct ms_heap *heap, unsigned int class_)
{
	return heap->lent[class_] < MS_LENT_MAX;
}

MS_HIDDEN void *ms_first_alloc(struct ms_heap *heap, unsigned int class_);

#endif /* MS_MALLOC_FIRST_H */
