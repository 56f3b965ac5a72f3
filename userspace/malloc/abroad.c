// SPDX-License-Identifier: MIT
#include "abroad.h"
#include "arena.h"
#include "heaps.h"
#include "remote.h"
#include "say.h"
#include "trim.h"

#ifdef MS_MALLOC_HARDENED
#include "slabs.h"

/* Whether it looks as a block does that is free: its link, and what is behind that. */
static bool looks_free(const struct ms_slab *slab, const void *block, size_t size)
{
	const unsigned char *p = block;
	const void *next = ms_link_load(block);

	for (size_t i = sizeof(void *); i < size; i++)
		if (p[i] != MS_FREE_BYTE)
			return false;
	return next == ms_list_end() || ms_slab_holds(slab, next);
}

static void check(const struct ms_slab *slab, uint32_t tag, void *block)
{
	size_t size = ms_class_size(ms_tag_class(tag));

	if (!ms_slab_starts(slab, block))
		ms_malloc_die("free(): this is inside of a block", block);
	if (looks_free(slab, block, size))
		ms_malloc_die("free(): this block is free already", block);
	__builtin_memset((char *)block + sizeof(void *), MS_FREE_BYTE, size - sizeof(void *));
}

#else
static void check(const struct ms_slab *slab, uint32_t tag, void *block)
{
	(void)slab;
	(void)tag;
	(void)block;
}
#endif

/* LISTED is ours, and the slab stays what it is until it is taken from the inbox. */
static void post(struct ms_slab *slab, struct ms_remote *r)
{
	struct ms_heap *owner = ms_heap_by_id(ms_tag_heap(ms_arena_owner(slab)));

	r->next = __atomic_load_n(&owner->inbox, __ATOMIC_RELAXED);
	/* Release: pairs with the exchange in ms_remote_inbox(). */
	while (!__atomic_compare_exchange_n(&owner->inbox, &r->next, r, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

/**
 * ms_remote_free() - free what belongs to another heap, or to any
 * @block:	the block
 * @slab:	its slab
 * @tag:	of its slice
 *
 * Context: any; the thread needs no heap.
 */
void ms_remote_free(void *block, struct ms_slab *slab, uint32_t tag)
{
	struct ms_remote *r = ms_remote_of(slab);
	uintptr_t base = (uintptr_t)block & ~(MS_SLICE - 1);
	uint64_t old, word, place;

	base -= (uintptr_t)(tag & MS_TAG_BACK_MASK) << MS_SLICE_SHIFT;
	if (MS_UNLIKELY((uintptr_t)block & (MS_GRAIN - 1)))
		ms_malloc_die("free(): this is inside of a block", block);
	check(slab, tag, block);
	place = (((uintptr_t)block - base) >> MS_GRAIN_SHIFT) + 1;
	old = __atomic_load_n(&r->word, __ATOMIC_RELAXED);
	do {
		uint64_t head = old & MS_REMOTE_HEAD;

		if (MS_UNLIKELY(head == place))
			ms_malloc_die("free(): this block is free already", block);
		ms_link_store(block, head ? (void *)(base + ((head - 1) << MS_GRAIN_SHIFT)) :
					    ms_list_end());
		word = ((old & ~MS_REMOTE_HEAD) | place) + MS_REMOTE_ONE;
		if (!(old & (MS_REMOTE_KNOWN | MS_REMOTE_LISTED)))
			word |= MS_REMOTE_LISTED;
	} while (MS_UNLIKELY(!ms_remote_exchange(r, &old, word)));
	if (MS_UNLIKELY((word ^ old) & MS_REMOTE_LISTED)) {
		post(slab, r);
		/* Who freed the last one meanwhile, and be it the owner, could not do it. */
		word = ms_remote_load(r);
		if (ms_remote_count(word) >= ms_remote_need(word))
			ms_heap_relieve(slab);
	} else if (MS_UNLIKELY(ms_remote_need(word) &&
			       ms_remote_count(word) >= ms_remote_need(word))) {
		ms_heap_relieve(slab);
	}
}
