// SPDX-License-Identifier: MIT
/*
 * The malloc family, and its fast paths.
 *
 * malloc: a load finds the current slab of the size, another its first free block, a
 * compare shows that it is one, and a third its successor. free: the slab's entry from the
 * address, a compare shows that it is this thread's, and the block goes to the front of
 * its list. No atomic operation, no lock, no report.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "abroad.h"
#include "arena.h"
#include "drop.h"
#include "first.h"
#include "heaps.h"
#include "large.h"
#include "names.h"
#include "os.h"
#include "refill.h"
#include "slabs.h"
#include "thread.h"
#include "trim.h"

#include <memstate-malloc.h>

/* A block is left as it is by realloc while more than this part of it is used. */
#define SHRINK_PART	2

static void *fail(void)
{
	errno = ENOMEM;
	return NULL;
}

/* ---- allocate ------------------------------------------------------------------- */

static inline void *slab_pop(struct ms_slab *slab)
{
	void *block = slab->free;

	if (MS_UNLIKELY(!ms_slab_holds(slab, block)))
		return NULL;
	slab->free = ms_link_load(block);
#ifdef MS_MALLOC_HARDENED
	ms_block_handed_out(block, ms_class_size(slab->class_));
#endif
	return block;
}

static __attribute__((noinline)) void *alloc_slow(unsigned int class_)
{
	struct ms_heap *heap = ms_heap_enter();
	void *block = NULL;

	if (!heap)
		return fail();
	if (MS_UNLIKELY(ms_first(heap, class_)))
		block = ms_first_alloc(heap, class_);
	/* The inlined path may have been that of no heap. */
	if (MS_LIKELY(!block))
		block = ms_heap_alloc(heap, class_);
	ms_heap_leave(heap);
	return block ? block : fail();
}

static __attribute__((noinline)) void *alloc_large(size_t size, size_t align, bool zero)
{
	struct ms_heap *heap = ms_heap_enter();
	void *block;

	if (!heap)
		return fail();
	block = ms_large_alloc(heap, size, align, zero);
	ms_heap_leave(heap);
	return block ? block : fail();
}

static inline void *alloc_class(unsigned int class_)
{
	void *block = slab_pop(ms_heap_mine->bins[class_]);

	return MS_LIKELY(block) ? block : alloc_slow(class_);
}

static inline void *alloc(size_t size)
{
	void *block;

	if (MS_LIKELY(size <= MS_DIRECT_MAX)) {
		block = slab_pop(ms_heap_mine->direct[(size + MS_GRAIN - 1) / MS_GRAIN]);
		return MS_LIKELY(block) ? block : alloc_slow(ms_class_of(size | !size));
	}
	if (size <= MS_SMALL_MAX)
		return alloc_class(ms_class_of(size));
	return alloc_large(size, MS_GRAIN, false);
}

static void *alloc_aligned(size_t align, size_t size)
{
	unsigned int c;

	if (align <= MS_GRAIN)
		return alloc(size);
	size |= !size;
	/* Slabs are aligned as slices are. */
	if (align <= MS_SLICE && size <= MS_SMALL_MAX)
		for (c = ms_class_of(size); c < MS_NR_CLASSES; c++)
			if (!(ms_class_size(c) & (align - 1)))
				return alloc_class(c);
	/* What lies between two aligned places is others'. */
	return alloc_large(size, align, false);
}

EXPORT void *NAME(malloc)(size_t size)
{
	return alloc(size);
}

static void *alloc_zero(size_t size)
{
	void *block;

	if (size > MS_SMALL_MAX)
		return alloc_large(size, MS_GRAIN, true);
	block = alloc(size);
	return MS_LIKELY(block) ? memset(block, 0, size) : NULL;
}

EXPORT void *NAME(calloc)(size_t nr, size_t size)
{
	size_t bytes;

	if (MS_UNLIKELY(__builtin_mul_overflow(nr, size, &bytes)))
		return fail();
	return alloc_zero(bytes);
}

/* ---- free ------------------------------------------------------------------------ */

/* The entry of the run that a block lies in, or the process ends. *@tag: 0: large. */
static struct ms_slab *run_of(const void *block, uint32_t *tag, const char *none)
{
	struct ms_slab *entry = ms_slab_find(block, tag);

	if (MS_UNLIKELY(!entry || ((uintptr_t)block & (MS_GRAIN - 1))))
		ms_malloc_die(none, block);
	if (!*tag && (ms_slab_state(entry) != MS_RUN_LARGE || ms_arena_addr(entry) != block))
		ms_malloc_die(none, block);
	return entry;
}

static size_t run_bytes(const struct ms_slab *entry, uint32_t tag)
{
	return tag ? ms_class_size(ms_tag_class(tag)) : ms_large_bytes(entry);
}

static __attribute__((noinline)) void free_slow(void *block)
{
	struct ms_slab *entry;
	struct ms_heap *heap;
	uint32_t tag;

	if (!block)
		return;
	entry = run_of(block, &tag,
		       "free(): this is no block of this allocator, or free already");
	if (tag) {
		/* No thread without a heap has this number. */
		heap = ms_heap_mine;
		if (ms_tag_heap(tag) == heap->id)
			ms_slab_free(heap, entry, block);
		else
			ms_remote_free(block, entry, tag);
		return;
	}
	heap = ms_heap_enter_free();
	ms_large_free(heap, entry);
	ms_heap_leave(heap);
}

static inline void release(void *block)
{
	size_t slice = ((uintptr_t)block - ms_map.base) >> MS_SLICE_SHIFT;
	struct ms_heap *heap = ms_heap_mine;
	uint32_t tag;

	if (MS_LIKELY(slice < ms_map_slices())) {
		tag = ms_tag_load(&ms_map.tags[slice]);
		if (MS_LIKELY(ms_tag_heap(tag) == heap->id)) {
			slice -= tag & MS_TAG_BACK_MASK;
			ms_slab_free(heap, &ms_map.slabs[slice], block);
			return;
		}
		if (MS_LIKELY(tag)) {
			slice -= tag & MS_TAG_BACK_MASK;
			ms_remote_free(block, &ms_map.slabs[slice], tag);
			return;
		}
	}
	free_slow(block);
}

EXPORT void NAME(free)(void *block)
{
	release(block);
}

EXPORT void NAME(cfree)(void *block)
{
	release(block);
}

EXPORT void NAME(free_sized)(void *block, size_t size)
{
	(void)size;
	release(block);
}

EXPORT void NAME(free_aligned_sized)(void *block, size_t align, size_t size)
{
	(void)align;
	(void)size;
	release(block);
}

/* ---- resize ---------------------------------------------------------------------- */

/* Return: where the block is then; NULL: it has to be copied. */
static void *resize(void *block, struct ms_slab *entry, uint32_t tag, size_t old, size_t size)
{
	struct ms_heap *heap;

	if (size <= old && size >= old / SHRINK_PART)
		return block;
	if (tag || size <= MS_SMALL_MAX)
		return NULL;
	heap = ms_heap_enter();
	if (!heap)
		return NULL;
	block = ms_large_resize(heap, entry, size);
	ms_heap_leave(heap);
	return block;
}

EXPORT void *NAME(realloc)(void *block, size_t size)
{
	struct ms_slab *entry;
	uint32_t tag;
	size_t old;
	void *copy;

	if (!block)
		return alloc(size);
	if (!size) {
		release(block);
		return NULL;
	}
	entry = run_of(block, &tag,
		       "realloc(): this is no block of this allocator, or free already");
	old = run_bytes(entry, tag);
	copy = resize(block, entry, tag, old, size);
	if (copy)
		return copy;
	copy = alloc(size);
	if (!copy)
		return size <= old ? block : NULL;
	memcpy(copy, block, size < old ? size : old);
	release(block);
	return copy;
}

EXPORT void *NAME(reallocarray)(void *block, size_t nr, size_t size)
{
	size_t bytes;

	if (MS_UNLIKELY(__builtin_mul_overflow(nr, size, &bytes)))
		return fail();
	return NAME(realloc)(block, bytes);
}

/* ---- aligned --------------------------------------------------------------------- */

static bool is_power_of_2(size_t n)
{
	return n && !(n & (n - 1));
}

EXPORT void *NAME(memalign)(size_t align, size_t size)
{
	if (align > (SIZE_MAX >> 1) + 1) {
		errno = EINVAL;
		return NULL;
	}
	/* As glibc does: the next power of two. */
	while (!is_power_of_2(align))
		align = align ? (align | (align - 1)) + 1 : MS_GRAIN;
	return alloc_aligned(align, size);
}

EXPORT void *NAME(aligned_alloc)(size_t align, size_t size)
{
	if (!is_power_of_2(align)) {
		errno = EINVAL;
		return NULL;
	}
	return alloc_aligned(align, size);
}

EXPORT int NAME(posix_memalign)(void **out, size_t align, size_t size)
{
	int saved = errno;
	void *block;

	if (!is_power_of_2(align) || align % sizeof(void *))
		return EINVAL;
	block = alloc_aligned(align, size);
	errno = saved;
	if (!block)
		return ENOMEM;
	*out = block;
	return 0;
}

EXPORT void *NAME(valloc)(size_t size)
{
	return alloc_aligned(ms_os_page(), size);
}

EXPORT void *NAME(pvalloc)(size_t size)
{
	size_t page = ms_os_page(), rounded = (size + page - 1) & ~(page - 1);

	if (rounded < size)
		return fail();
	return alloc_aligned(page, rounded ? rounded : page);
}

/* ---- ask ------------------------------------------------------------------------- */

EXPORT size_t NAME(malloc_usable_size)(void *block)
{
	struct ms_slab *entry;
	uint32_t tag;

	if (!block)
		return 0;
	entry = run_of(block, &tag,
		       "malloc_usable_size(): this is no block of this allocator");
	return run_bytes(entry, tag);
}

EXPORT int NAME(malloc_trim)(size_t pad)
{
	bool some = ms_heaps_trim();

	(void)pad;
	return ms_drop(true) || some;
}
