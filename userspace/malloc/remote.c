// SPDX-License-Identifier: MIT
#include "remote.h"
#include "say.h"

#ifdef MS_MALLOC_HARDENED
/* One that was freed twice meanwhile makes a ring of it. */
static void check_list(const struct ms_slab *slab, const void *block, uint32_t nr)
{
	while (nr-- && ms_slab_holds(slab, block))
		block = ms_link_load(block);
	if (block != ms_list_end())
		ms_malloc_die("free(): this block is free already", block);
}
#else
static void check_list(const struct ms_slab *slab, const void *block, uint32_t nr)
{
	(void)slab;
	(void)block;
	(void)nr;
}
#endif

/**
 * ms_remote_take() - put what others have freed of a slab before its own free blocks
 * @slab: the slab
 *
 * Context: the owner's lock, or a current slab's owner; who calls counts them. Where the slab has
 * free blocks it walks over those that are taken. Return: how many there were.
 */
uint32_t ms_remote_take(struct ms_slab *slab)
{
	struct ms_remote *r = ms_remote_of(slab);
	uint64_t old = ms_remote_load(r);
	uint32_t nr;
	void *first, *last;

	do {
		nr = ms_remote_count(old);
		if (!nr)
			return 0;
	} while (!ms_remote_exchange(r, &old, old & (MS_REMOTE_KNOWN | MS_REMOTE_LISTED)));
	first = (void *)(slab->base + (((old & MS_REMOTE_HEAD) - 1) << MS_GRAIN_SHIFT));
	check_list(slab, first, nr);
	if (slab->free != ms_list_end()) {
		last = first;
		for (uint32_t i = 1; i < nr && ms_slab_holds(slab, last); i++)
			last = ms_link_load(last);
		if (!ms_slab_holds(slab, last))
			ms_malloc_die("free(): a free block was written to, in the slab of",
				      (void *)slab->base);
		ms_link_store(last, slab->free);
	}
	slab->free = first;
	return nr;
}

/**
 * ms_remote_forget() - have the owner told when something of a full slab is freed
 * @slab: the slab, counted
 *
 * Context: the owner's lock. Return: whether that was done: not where something is there already.
 */
bool ms_remote_forget(struct ms_slab *slab)
{
	struct ms_remote *r = ms_remote_of(slab);
	uint64_t old = ms_remote_load(r), word;

	do {
		if (ms_remote_count(old))
			return false;
		word = (old & MS_REMOTE_LISTED) | (uint64_t)slab->used << MS_REMOTE_NEED_SHIFT;
	} while (!ms_remote_exchange(r, &old, word));
	return true;
}

/**
 * ms_remote_know() - the owner looks at a slab by itself from now on
 * @r:	its word
 * @used:	blocks in use, as they are counted
 * @old:	what the word was
 *
 * Context: the owner's lock. Return: what it is then.
 */
uint64_t ms_remote_know(struct ms_remote *r, uint32_t used, uint64_t old)
{
	uint64_t word;

	do {
		word = (old & ~MS_REMOTE_NEED) | MS_REMOTE_KNOWN |
		       (uint64_t)used << MS_REMOTE_NEED_SHIFT;
	} while (!ms_remote_exchange(r, &old, word));
	return word;
}

/**
 * ms_remote_inbox() - slabs of which something has been freed
 * @heap: their owner
 *
 * Context: the owner's lock; ms_remote_unlist() is to be called for each. Return: the first; NULL.
 */
struct ms_remote *ms_remote_inbox(struct ms_heap *heap)
{
	if (!__atomic_load_n(&heap->inbox, __ATOMIC_RELAXED))
		return NULL;
	/* Acquire: pairs with the release in post(). */
	return __atomic_exchange_n(&heap->inbox, NULL, __ATOMIC_ACQUIRE);
}

/**
 * ms_remote_unlist() - a slab is in the inbox no longer
 * @r: its word; the next one has been read from it
 *
 * Context: the owner's lock. Return: whether there is something in it: the owner looks at it by
 * itself from now on. If not, that has been taken before, and it will be told again.
 */
bool ms_remote_unlist(struct ms_remote *r)
{
	uint64_t old = ms_remote_load(r), word;

	do {
		word = old & ~MS_REMOTE_LISTED;
		if (ms_remote_count(old))
			word |= MS_REMOTE_KNOWN;
	} while (!ms_remote_exchange(r, &old, word));
	return word & MS_REMOTE_KNOWN;
}
