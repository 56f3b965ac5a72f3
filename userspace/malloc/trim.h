/* SPDX-License-Identifier: MIT */
/* What heaps keep for later goes to the arenas: of one heap, or of all. */
#ifndef MS_MALLOC_TRIM_H
#define MS_MALLOC_TRIM_H

#include "heap.h"

/* Return: whether there was something. */
MS_HIDDEN bool ms_heaps_trim(void);

/* An empty slab of somebody else's is given back in his place. */
MS_HIDDEN void ms_heap_relieve(struct ms_slab *slab);

/* The thread ends. */
MS_HIDDEN void ms_heap_settle(struct ms_heap *heap);

#endif /* MS_MALLOC_TRIM_H */
