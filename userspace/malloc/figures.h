/* SPDX-License-Identifier: MIT */
/* Sums over all heaps, and whether their books are in order. */
#ifndef MS_MALLOC_FIGURES_H
#define MS_MALLOC_FIGURES_H

#include "heap.h"

/**
 * struct ms_heap_figures - sums over all heaps
 * @allocs:	blocks ever handed out, by class
 * @frees:	likewise taken back
 * @large_allocs: large blocks handed out
 * @large_alloc_bytes: their bytes
 * @large_frees: large blocks taken back
 * @large_free_bytes: their bytes
 * @cached:	slices of empty slabs that heaps keep
 * @remote:	blocks freed by others
 * @refills:	slow paths taken
 * @heaps:	heaps
 * @orphans:	of these without a thread
 */
struct ms_heap_figures {
	uint64_t allocs[MS_NR_CLASSES];
	uint64_t frees[MS_NR_CLASSES];
	uint64_t large_allocs;
	uint64_t large_alloc_bytes;
	uint64_t large_frees;
	uint64_t large_free_bytes;
	uint64_t cached;
	uint64_t remote;
	uint64_t refills;
	uint64_t heaps;
	uint64_t orphans;
};

/* Count what the slow paths have not yet, as far as it can be seen, and sum up. */
MS_HIDDEN void ms_heap_figures(struct ms_heap *heap, struct ms_heap_figures *f);

/* NULL, or what is wrong with the slabs of this heap and of orphans. */
MS_HIDDEN const char *ms_heap_check(struct ms_heap *heap);

#endif /* MS_MALLOC_FIGURES_H */
