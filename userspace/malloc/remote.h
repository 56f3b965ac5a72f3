/* SPDX-License-Identifier: MIT */
/*
 * Frees for others: a block goes into a list of its slab, through the block itself. So a free
 * needs no memory, cannot fail, and costs the same with any number of owners; and what was freed
 * lies with its slab, for whoever may take it there, not with the thread that freed it.
 *
 * Model
 *
 *   A slab's *word* has all that who frees has to know:
 *
 *     head	the block that was freed last, by its place in the slab: 16-byte grains, from 1
 *     count	how many there are in the list
 *     need	with so many the slab is empty, as far as its owner has counted; 0: current
 *     KNOWN	the owner looks here by itself: the slab is current, or listed as having blocks
 *     LISTED	the slab is in its owner's inbox, or somebody is about to put it there
 *
 *   Who frees links the block to the head and exchanges the word. Where the word has neither
 *   flag it has set LISTED, and puts the slab into the owner's inbox: once for each time that a
 *   slab has become full. The owner takes a list whole, in one exchange: it is a list of free
 *   blocks as the slab's own, so nothing is walked over.
 *
 *   Whose block makes the count what is needed gives the slab back in the owner's place
 *   (trim.h): the owner may sleep for ever. If somebody is at it, it is left to him;
 *   what is missed so is found by who is refused memory, or trims. All of it is checked in
 *   tools/testing/model/spin/remote.pml.
 *
 *   In use by the slab's counting is what has not been freed by its owner nor taken from the
 *   word: a slab is empty when that is as much as the word's count.
 *
 *   A slab with LISTED stays a slab of its owner, whatever is free in it: somebody may be about
 *   to write ms_remote.next. Without it no other thread touches an empty slab: each has ended
 *   with the exchange that freed its block.
 *
 * Barriers
 *
 *   Each exchange of a word is a release, for what the thread has done to the block, and an
 *   acquire, for who hears of it: take() of remote frees has all that has been written before
 *   they were made, and who finds neither flag set has what the owner wrote, the slab's tag too.
 *   The inbox is written with release and taken with acquire.
 */
#ifndef MS_MALLOC_REMOTE_H
#define MS_MALLOC_REMOTE_H

#include "heap.h"

#define MS_REMOTE_HEAD		UINT64_C(0xffff)
#define MS_REMOTE_ONE		(UINT64_C(1) << 16)
#define MS_REMOTE_NEED_SHIFT	32
#define MS_REMOTE_NEED		(UINT64_C(0xffff) << MS_REMOTE_NEED_SHIFT)
#define MS_REMOTE_KNOWN		(UINT64_C(1) << 48)
#define MS_REMOTE_LISTED	(UINT64_C(1) << 49)

static inline uint32_t ms_remote_count(uint64_t word)
{
	return (uint32_t)(word >> 16 & 0xffff);
}

static inline uint32_t ms_remote_need(uint64_t word)
{
	return (uint32_t)(word >> MS_REMOTE_NEED_SHIFT & 0xffff);
}

static inline uint64_t ms_remote_load(const struct ms_remote *r)
{
	return __atomic_load_n(&r->word, __ATOMIC_ACQUIRE);
}

static inline bool ms_remote_exchange(struct ms_remote *r, uint64_t *old, uint64_t word)
{
	return __atomic_compare_exchange_n(&r->word, old, word, true, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* Of a slab that is new, and so current. */
static inline void ms_remote_reset(struct ms_remote *r)
{
	__atomic_store_n(&r->word, MS_REMOTE_KNOWN, __ATOMIC_RELEASE);
}

MS_HIDDEN uint32_t ms_remote_take(struct ms_slab *slab);
MS_HIDDEN bool ms_remote_forget(struct ms_slab *slab);
MS_HIDDEN uint64_t ms_remote_know(struct ms_remote *r, uint32_t used, uint64_t old);
MS_HIDDEN struct ms_remote *ms_remote_inbox(struct ms_heap *heap);
MS_HIDDEN bool ms_remote_unlist(struct ms_remote *r);

#endif /* MS_MALLOC_REMOTE_H */
