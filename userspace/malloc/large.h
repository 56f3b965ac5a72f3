/* SPDX-License-Identifier: MIT */
/* Blocks that are runs of slices of their own. */
#ifndef MS_MALLOC_LARGE_H
#define MS_MALLOC_LARGE_H

#include "heap.h"

/* No address space has more; the number of slices fits 32 bits. */
#define MS_LARGE_MAX	((size_t)1 << 45)

MS_HIDDEN void *ms_large_alloc(struct ms_heap *heap, size_t size, size_t align, bool zero);
MS_HIDDEN void ms_large_free(struct ms_heap *heap, struct ms_slab *entry);
MS_HIDDEN void *ms_large_resize(struct ms_heap *heap, struct ms_slab *entry, size_t size);

static inline size_t ms_large_bytes(const struct ms_slab *entry)
{
	return (size_t)entry->len << MS_SLICE_SHIFT;
}

#endif /* MS_MALLOC_LARGE_H */
