/* SPDX-License-Identifier: MIT */
/*
 * A block where the current slab has none at hand: from what the heap has, from an orphan, or
 * fresh.
 */
#ifndef MS_MALLOC_REFILL_H
#define MS_MALLOC_REFILL_H

#include "heap.h"

MS_HIDDEN void *ms_heap_alloc(struct ms_heap *heap, unsigned int class_);

#endif /* MS_MALLOC_REFILL_H */
