// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "totals.h"

/* Each member of struct memstate_totals is one counter. */
#define NR_COUNTERS	(sizeof(struct memstate_totals) / sizeof(u64))
static_assert(NR_COUNTERS <= MS_STATS_MAX);

/**
 * ms_totals_init() - make the per-CPU counters
 * @t: the books, zero
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int ms_totals_init(struct ms_totals *t)
{
	struct ms_stats *stats = &t->stats;
	int cpu;

	spin_lock_init(&t->lock);
	stats->shards = kcalloc(nr_cpu_ids, sizeof(*stats->shards),
				GFP_KERNEL_ACCOUNT);
	if (!stats->shards)
		return -ENOMEM;
	stats->nr_shards = nr_cpu_ids;
	stats->nr_counters = NR_COUNTERS;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct ms_stats_shard *shard;

		shard = kzalloc_node(sizeof(*shard), GFP_KERNEL_ACCOUNT,
				     cpu_possible(cpu) ? cpu_to_node(cpu) :
							 NUMA_NO_NODE);
		if (!shard) {
			ms_totals_exit(t);
			return -ENOMEM;
		}
		stats->shards[cpu] = shard;
	}
	return 0;
}

/**
 * ms_totals_exit() - free the counters
 * @t: the books
 *
 * Context: any; nobody counts any more.
 */
void ms_totals_exit(struct ms_totals *t)
{
	int cpu;

	if (!t->stats.shards)
		return;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		kfree(t->stats.shards[cpu]);
	kfree(t->stats.shards);
	t->stats.shards = NULL;
}

static void totals_direct(struct ms_totals *t, s64 bytes)
{
	s64 now = atomic64_add_return(bytes, &t->direct);
	s64 peak = atomic64_read(&t->peak);

	while (now > peak && !atomic64_try_cmpxchg(&t->peak, &peak, now))
		;
}

/**
 * ms_totals_add() - add what a task's books have changed by
 * @t:		the books
 * @delta:	the changes; they wrap. The peak and the charge are not taken from here
 *
 * Context: task context, may be preempted before and after.
 */
void ms_totals_add(struct ms_totals *t, const struct memstate_totals *delta)
{
	const u64 *d = (const u64 *)delta;
	struct ms_stats_shard *shard;
	u64 *set;
	u32 i;

	shard = t->stats.shards[get_cpu()];
	set = ms_stats_enter(&t->stats, shard);
	for (i = 0; i < NR_COUNTERS; i++) {
		if (d[i])
			ms_stats_add(set, i, d[i]);
	}
	ms_stats_exit(shard);
	put_cpu();
	if (delta->ready_direct)
		totals_direct(t, delta->ready_direct);
}

/**
 * ms_totals_read() - read the books
 * @t:		the books
 * @totals:	where to put them; the charge is not among them
 *
 * Context: process; does not sleep.
 */
void ms_totals_read(struct ms_totals *t, struct memstate_totals *totals)
{
	spin_lock(&t->lock);
	ms_stats_read(&t->stats, (u64 *)totals);
	spin_unlock(&t->lock);
	totals->ready_direct = atomic64_read(&t->direct);
	totals->peak_ready = atomic64_read(&t->peak);
}
