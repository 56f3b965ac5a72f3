// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pages.h"
#include "shards.h"
#include "task.h"

/* How often a read gives way to writers, in all, and for how many microseconds. */
#define SHARDS_NAPS	4
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

/* A new round, after what another reader had to leave; false: it is not complete. */
static bool shards_round(struct ms_shards *shards, u32 *naps)
{
	if (shards->fold.round && !shards_finish(shards, naps))
		return false;
	ms_fold_begin(&shards->fold);
	return shards_finish(shards, naps);
}

/* Add a task's sums to what there is. */
static int shards_add(struct ms_task *task, struct memstate_alloc *out, u32 *naps)
{
	struct ms_shards *shards;
	u32 c;

	if (!ms_task_shards(task) || READ_ONCE(task->gone))
		return 0;
	if (mutex_lock_killable(&task->shards_lock))
		return -EINTR;
	/* They may have gone just now. */
	shards = task->shards;
	if (shards) {
		if (!shards_round(shards, naps))
			out->flags |= MEMSTATE_ALLOC_STALE;
		for (c = 0; c < MEMSTATE_ALLOC_COUNTERS; c++)
			out->counters[c] += shards->fold.sums[c];
		out->nr_shards += shards->nr;
	}
	mutex_unlock(&task->shards_lock);
	return 0;
}

/**
 * ms_shards_of_task() - what a task's allocator counts
 * @task:	the task, not only the caller's
 * @out:	where to put it; zero if there are no shards, or the books are closed
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed.
 */
int ms_shards_of_task(struct ms_task *task, struct memstate_alloc *out)
{
	u32 naps = SHARDS_NAPS;

	memset(out, 0, sizeof(*out));
	return shards_add(task, out, &naps);
}

/**
 * ms_shards_now() - the same without giving way to writers
 * @task:	the task
 * @out:	where to put it
 *
 * Context: process; may sleep while another reads. Return: 0; -EINTR: killed.
 */
int ms_shards_now(struct ms_task *task, struct memstate_alloc *out)
{
	u32 naps = 0;

	memset(out, 0, sizeof(*out));
	return shards_add(task, out, &naps);
}

/**
 * ms_shards_of_group() - the sum over the tasks of a group
 * @group:	tasks in it and below it
 * @out:	where to put it
 *
 * A task without shards costs two loads. All of them together are waited for no
 * longer than one.
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed.
 */
int ms_shards_of_group(struct ms_group *group, struct memstate_alloc *out)
{
	u32 naps = SHARDS_NAPS;
	struct ms_task *task;
	MS_DEFINE_WALK(walk);
	int ret = 0;

	memset(out, 0, sizeof(*out));
	while (!ret && (task = ms_task_next(&walk, group))) {
		ret = shards_add(task, out, &naps);
		ms_task_put(task);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	return ret;
}
