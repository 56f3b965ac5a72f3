/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics shards: what a task's allocator counts, in memory that it writes and we
 * read.
 *
 * Model
 *
 *   A task has one region of shards, made by SHARDS and there until its books end.
 *   Its threads write (the protocol stands at struct memstate_alloc_shard); whoever
 *   reads folds what they wrote into sums of our own (core/fold.h). The generation that
 *   tells them which set to write lies in the totals page, where they cannot.
 *
 *   The shards are hostile. A read looks at each shard's sequence and takes the closed
 *   set of each: a fixed number of words, none of which decides where anything is.
 *   For shards in the middle of a write a read waits a few times (alloc.c). Past that it
 *   answers with the sums of the last complete round; the next reader goes on with the
 *   round.
 *
 * Locking
 *
 *   task->shards_lock: readers of a task's shards take turns, and whoever takes them
 *   away. Below it there is nothing but the nap, which ends by itself; above it nothing
 *   of task->lock.
 *
 * Races
 *
 *   Books may end while their shards are read. The region goes when the reader is
 *   done; what is told is what there was a moment before.
 */
#ifndef MS_SHARDS_H
#define MS_SHARDS_H

#include <linux/mm_types.h>

#include "core/fold.h"

struct ms_ring;

/**
 * struct ms_shards - the shards of a task
 * @nr:		how many; does not change, nor do the next three
 * @nr_pages:	pages of the mapping
 * @shards:	written by the task at any moment, hostile
 * @fold:	the reader; under the task's shards_lock
 * @pages:	the pages of the mapping
 */
struct ms_shards {
	u32 nr;
	u32 nr_pages;
	struct memstate_alloc_shard *shards;
	struct ms_fold fold;
	struct page *pages[];
};

struct ms_shards *ms_shards_create(struct ms_ring *ring, u32 nr);
void ms_shards_destroy(struct ms_shards *shards);
int ms_shards_mmap(struct ms_shards *shards, struct vm_area_struct *vma);
bool ms_shards_read(struct ms_shards *shards, u32 *naps);

/**
 * ms_shards_bytes() - length of the mapping
 * @shards: the shards
 *
 * Context: any. Return: bytes.
 */
static inline size_t ms_shards_bytes(const struct ms_shards *shards)
{
	return (size_t)shards->nr_pages << PAGE_SHIFT;
}

#endif /* MS_SHARDS_H */
