// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "core/stats.h"
#include "totals.h"

/* Each member of struct memstate_totals is one counter. */
#define NR_COUNTERS	(sizeof(struct memstate_totals) / sizeof(u64))
static_assert(NR_COUNTERS <= MS_STATS_MAX);

static DEFINE_MUTEX(ms_totals_lock);
static struct ms_stats ms_totals;
static atomic64_t ms_totals_direct;
static atomic64_t ms_totals_peak;

/**
 * ms_totals_init() - make the per-CPU counters
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int ms_totals_init(void)
{
	int cpu;

	ms_totals.shards = kcalloc(nr_cpu_ids, sizeof(*ms_totals.shards),
				   GFP_KERNEL);
	if (!ms_totals.shards)
		return -ENOMEM;
	ms_totals.nr_shards = nr_cpu_ids;
	ms_totals.nr_counters = NR_COUNTERS;
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct ms_stats_shard *shard;

		shard = kzalloc_node(sizeof(*shard), GFP_KERNEL,
				     cpu_possible(cpu) ? cpu_to_node(cpu) :
							 NUMA_NO_NODE);
		if (!shard) {
			ms_totals_exit();
			return -ENOMEM;
		}
		ms_totals.shards[cpu] = shard;
	}
	return 0;
}

/**
 * ms_totals_exit() - free the counters
 *
 * Context: may sleep; nobody counts any more.
 */
void ms_totals_exit(void)
{
	int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		kfree(ms_totals.shards[cpu]);
	kfree(ms_totals.shards);
}

/**
 * ms_totals_add() - add what a task's books have changed by
 * @delta: the changes; they wrap. Direct count and peak are not taken from here
 *
 * Context: task context, may be preempted before and after.
 */
void ms_totals_add(const struct memstate_totals *delta)
{
	const u64 *d = (const u64 *)delta;
	struct ms_stats_shard *shard;
	u64 *set;
	u32 i;

	shard = ms_totals.shards[get_cpu()];
	set = ms_stats_enter(&ms_totals, shard);
	for (i = 0; i < NR_COUNTERS; i++) {
		if (d[i])
			ms_stats_add(set, i, d[i]);
	}
	ms_stats_exit(shard);
	put_cpu();
}

/**
 * ms_totals_charge() - move the direct count
 * @bytes: by how much
 *
 * Context: any.
 */
void ms_totals_charge(s64 bytes)
{
	s64 now = atomic64_add_return(bytes, &ms_totals_direct);
	s64 peak = atomic64_read(&ms_totals_peak);

	while (now > peak &&
	       !atomic64_try_cmpxchg(&ms_totals_peak, &peak, now))
		;
}

/**
 * ms_totals_read() - read the system's books
 * @totals: where to put them
 *
 * Context: may sleep.
 */
void ms_totals_read(struct memstate_totals *totals)
{
	mutex_lock(&ms_totals_lock);
	ms_stats_read(&ms_totals, (u64 *)totals);
	mutex_unlock(&ms_totals_lock);
	totals->ready_direct = atomic64_read(&ms_totals_direct);
	totals->peak_ready = atomic64_read(&ms_totals_peak);
}
