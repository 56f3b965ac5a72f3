// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "alloc.h"
#include "group.h"
#include "task.h"

/* How often a read gives way to writers, in all, of whatever number of tasks. */
#define ALLOC_NAPS	4

/* Add a task's sums to what there is. */
static int alloc_add(struct ms_task *task, struct memstate_alloc *out, u32 *naps)
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
		if (!ms_shards_read(shards, naps))
			out->flags |= MEMSTATE_ALLOC_STALE;
		for (c = 0; c < MEMSTATE_ALLOC_COUNTERS; c++)
			out->counters[c] += shards->fold.sums[c];
		out->nr_shards += shards->nr;
	}
	mutex_unlock(&task->shards_lock);
	return 0;
}

/**
 * ms_alloc_of_task() - what a task's allocator counts
 * @task:	the task, not only the caller's
 * @out:	where to put it; zero if there are no shards, or the books are closed
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed.
 */
int ms_alloc_of_task(struct ms_task *task, struct memstate_alloc *out)
{
	u32 naps = ALLOC_NAPS;

	memset(out, 0, sizeof(*out));
	return alloc_add(task, out, &naps);
}

/**
 * ms_alloc_now() - the same without giving way to writers
 * @task:	the task
 * @out:	where to put it
 *
 * Context: process; may sleep while another reads. Return: 0; -EINTR: killed.
 */
int ms_alloc_now(struct ms_task *task, struct memstate_alloc *out)
{
	u32 naps = 0;

	memset(out, 0, sizeof(*out));
	return alloc_add(task, out, &naps);
}

/**
 * ms_alloc_of_group() - the sum over the tasks of a group
 * @group:	tasks in it and below it
 * @out:	where to put it
 *
 * A task without shards costs two loads. All of them together are waited for no
 * longer than one.
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed.
 */
int ms_alloc_of_group(struct ms_group *group, struct memstate_alloc *out)
{
	struct ms_pending_walk walk;
	struct ms_pending_node *node;
	u32 naps = ALLOC_NAPS;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	ms_pending_begin(&walk, &group->pending, MS_PENDING_ALL);
	while (!ret && (node = ms_pending_next(&walk))) {
		ret = alloc_add(ms_task_of(node), out, &naps);
		ms_pending_put(node);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	ms_pending_end(&walk);
	return ret;
}
