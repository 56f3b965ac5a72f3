// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "pages.h"
#include "ring.h"
#include "shards.h"

/* For how many microseconds a read gives way to writers. */
#define SHARDS_NAP_US	10

/**
 * ms_shards_create() - make shards
 * @ring:	of the same task: its totals page tells the generation
 * @nr:		how many
 *
 * The pages are charged to the memory cgroup of the caller.
 *
 * Context: may sleep. Return: the shards, or NULL for want of memory.
 */
struct ms_shards *ms_shards_create(struct ms_ring *ring, u32 nr)
{
	u32 nr_pages = DIV_ROUND_UP(nr * sizeof(struct memstate_alloc_shard),
				    PAGE_SIZE);
	struct ms_shards *shards;

	shards = kvzalloc(struct_size(shards, pages, nr_pages), GFP_KERNEL_ACCOUNT);
	if (!shards)
		return NULL;
	shards->nr = nr;
	shards->nr_pages = nr_pages;
	shards->shards = ms_pages_create(shards->pages, nr_pages);
	if (!shards->shards) {
		kvfree(shards);
		return NULL;
	}
	ms_fold_init(&shards->fold, &ring->totals->alloc_gen, shards->shards, nr);
	return shards;
}

/**
 * ms_shards_destroy() - give them back
 * @shards: the shards, or NULL
 *
 * Context: may sleep; nobody uses @shards any more, and its ring is still there.
 */
void ms_shards_destroy(struct ms_shards *shards)
{
	if (!shards)
		return;
	ms_pages_destroy(shards->shards, shards->pages, shards->nr_pages);
	kvfree(shards);
}

/**
 * ms_shards_mmap() - map the shards
 * @shards:	the shards
 * @vma:	from the device's mmap, shared and not executable
 *
 * Context: mmap lock held for writing. Return: 0; -EINVAL: wrong length; -ENOMEM.
 */
int ms_shards_mmap(struct ms_shards *shards, struct vm_area_struct *vma)
{
	return ms_pages_mmap(shards->pages, shards->nr_pages, vma);
}

/* ---- readers ---------------------------------------------------------------- */

/* Complete the round under way; false: a writer did not come to its end. */
static bool shards_finish(struct ms_shards *shards, u32 *naps)
{
	while (!ms_fold_try(&shards->fold)) {
		if (!*naps)
			return false;
		--*naps;
		usleep_range(SHARDS_NAP_US, 2 * SHARDS_NAP_US);
	}
	return true;
}

/**
 * ms_shards_read() - bring the sums up to date
 * @shards:	the shards
 * @naps:	how often it may still give way to writers
 *
 * Begins a new round, after what another reader had to leave.
 *
 * Context: process; may sleep, with @naps; one at a time. Return: false: the sums are those
 * of the round before, as a writer did not come to its end.
 */
bool ms_shards_read(struct ms_shards *shards, u32 *naps)
{
	if (shards->fold.round && !shards_finish(shards, naps))
		return false;
	ms_fold_begin(&shards->fold);
	return shards_finish(shards, naps);
}
