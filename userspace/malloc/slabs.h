/* SPDX-License-Identifier: MIT */
/*
 * A heap's slabs: how they come and go, are counted, and are looked at again; and their blocks.
 *
 * Model and locking: heap.h.
 */
#ifndef MS_MALLOC_SLABS_H
#define MS_MALLOC_SLABS_H

#include "heap.h"
#include "say.h"

/* It has no block at hand. */
static inline bool ms_slab_is_exhausted(const struct ms_slab *slab)
{
	return slab->free == ms_list_end();
}

/* ---- lists ---------------------------------------------------------------------- */

MS_HIDDEN void ms_slab_set_current(struct ms_heap *heap, unsigned int c, struct ms_slab *slab);
MS_HIDDEN struct ms_slab *ms_slab_avail_take(struct ms_heap *heap, unsigned int c);
MS_HIDDEN struct ms_slab *ms_slab_cached(struct ms_heap *heap, uint32_t slices);
MS_HIDDEN bool ms_slabs_give_cached(struct ms_heap *heap);

/* ---- counting -------------------------------------------------------------------- */

MS_HIDDEN void ms_slab_count(struct ms_heap *heap, struct ms_slab *slab, uint32_t in_use);
MS_HIDDEN uint32_t ms_slab_list_length(const struct ms_slab *slab);

/* Count a slab that is not full; what others have freed of it becomes free blocks of its own. */
MS_HIDDEN void ms_slab_recount(struct ms_heap *heap, struct ms_slab *slab);

/* ---- coming and going ------------------------------------------------------------- */

MS_HIDDEN uint32_t ms_slab_tag(const struct ms_heap *heap, unsigned int c);
MS_HIDDEN void ms_slab_new(struct ms_heap *heap, struct ms_slab *slab, unsigned int c);
MS_HIDDEN bool ms_slab_leave(struct ms_heap *heap, struct ms_slab *slab);
MS_HIDDEN bool ms_slab_release_empty(struct ms_heap *heap, struct ms_slab *slab);
MS_HIDDEN bool ms_slab_release_listed(struct ms_heap *heap, struct ms_slab *slab);

/* ---- what is freed ------------------------------------------------------------------ */

MS_HIDDEN bool ms_slab_take(struct ms_heap *heap, struct ms_slab *slab);
MS_HIDDEN void ms_slab_event(struct ms_heap *heap, struct ms_slab *slab);

/* Look at slabs of which others have freed something. The heap's lock. */
MS_HIDDEN bool ms_heap_collect(struct ms_heap *heap);
MS_HIDDEN void ms_heap_seek(struct ms_heap *heap);

/* ---- blocks (blocks.c) ---------------------------------------------------------------- */

MS_HIDDEN void ms_slab_extend(struct ms_slab *slab, size_t size);

#ifdef MS_MALLOC_HARDENED
/* What a free block is filled with, behind its link; looked at when it is handed out. */
#define MS_FREE_BYTE	0xdf
MS_HIDDEN void ms_block_handed_out(void *block, size_t size);
MS_HIDDEN void ms_slab_suspect(const struct ms_slab *slab, const void *block);

/* Whether a block can be one that is in use: 4 % of time, so for the hardened build. */
static inline void ms_block_check(const struct ms_slab *slab, const void *block)
{
	const void *next = ms_link_load(block);

	if (MS_UNLIKELY(!ms_slab_starts(slab, block)))
		ms_malloc_die("free(): this is inside of a block", block);
	if (MS_UNLIKELY(ms_slab_holds(slab, next) || next == ms_list_end()))
		ms_slab_suspect(slab, block);
}
#endif

/* A block goes back to its slab; the caller owns it. */
static inline void ms_slab_free(struct ms_heap *heap, struct ms_slab *slab, void *block)
{
	void *head = slab->free;

#ifdef MS_MALLOC_HARDENED
	ms_block_check(slab, block);
	__builtin_memset((char *)block + sizeof(void *), MS_FREE_BYTE,
			 ms_class_size(slab->class_) - sizeof(void *));
#endif
	if (MS_UNLIKELY(head == block))
		ms_malloc_die("free(): this block is free already", block);
	ms_link_store(block, head);
	slab->free = block;
	if (MS_UNLIKELY(ms_slab_count_down(slab) == 0))
		ms_slab_event(heap, slab);
}

#endif /* MS_MALLOC_SLABS_H */
