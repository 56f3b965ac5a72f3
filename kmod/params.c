// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "params.h"

/* Slots in a ring can be no more than half of the positions, nor a huge vmap. */
#define MS_RING_ENTRIES_LIMIT	(1u << 20)
#define MS_RANGES_LIMIT		(1u << 24)
#define MS_RECORDS_LIMIT	(1u << 16)
#define MS_UNMAPS_LIMIT		(1u << 16)
#define MS_DEPTH_LIMIT		1024
#define MS_BATCH_LIMIT		(1u << 30)
#define MS_SHARDS_LIMIT		4096
/* What one task can be charged is below 2^47: no sum of them overflows. */
#define MS_TASKS_LIMIT		(1u << 16)
#define MS_GROUPS_LIMIT		(1u << 24)
#define MS_SETTLE_LIMIT		(1u << 16)

/**
 * struct ms_bound - a parameter that may change at run time, within these bounds
 * @value:	the parameter
 * @low:	the least it may be
 * @high:	the most
 */
struct ms_bound {
	unsigned int *value;
	unsigned int low;
	unsigned int high;
};

static int params_check_range(const char *name, unsigned int value,
			      unsigned int low, unsigned int high)
{
	if (value >= low && value <= high)
		return 0;
	pr_err("%s=%u is not in %u..%u\n", name, value, low, high);
	return -EINVAL;
}

static int bound_set(const char *text, const struct kernel_param *kp)
{
	const struct ms_bound *bound = kp->arg;
	unsigned int value;
	int ret;

	ret = kstrtouint(text, 0, &value) ?:
	      params_check_range(kp->name, value, bound->low, bound->high);
	if (!ret)
		WRITE_ONCE(*bound->value, value);
	return ret;
}

static int bound_get(char *buffer, const struct kernel_param *kp)
{
	const struct ms_bound *bound = kp->arg;

	return scnprintf(buffer, PAGE_SIZE, "%u\n", READ_ONCE(*bound->value));
}

static const struct kernel_param_ops bound_ops = {
	.set = bound_set,
	.get = bound_get,
};

/* At load and later the same is asked of it. */
#define MS_BOUND(_name, _low, _high)					\
	static const struct ms_bound bound_##_name = {			\
		&ms_param_##_name, _low, _high };			\
	module_param_cb(_name, &bound_ops, (void *)&bound_##_name, 0644); \
	__MODULE_PARM_TYPE(_name, "uint")

unsigned int ms_param_ring_entries = 4096;
module_param_named(ring_entries, ms_param_ring_entries, uint, 0444);
MODULE_PARM_DESC(ring_entries, "Slots of a ring where SETUP asks for 0 (power of two)");

unsigned int ms_param_ring_entries_max = 65536;
module_param_named(ring_entries_max, ms_param_ring_entries_max, uint, 0444);
MODULE_PARM_DESC(ring_entries_max, "Most slots of a ring (power of two)");

unsigned int ms_param_ranges_max = 65536;
MS_BOUND(ranges_max, 1, MS_RANGES_LIMIT);
MODULE_PARM_DESC(ranges_max, "Most ranges in a task's ledger");

unsigned int ms_param_records_max = 4096;
module_param_named(records_max, ms_param_records_max, uint, 0444);
MODULE_PARM_DESC(records_max, "Most records in one TRANSITION, most entries in one RANGES or AUDIT");

unsigned int ms_param_unmaps_max = 256;
module_param_named(unmaps_max, ms_param_unmaps_max, uint, 0444);
MODULE_PARM_DESC(unmaps_max, "Unmappings queued per task before ledger and mappings are compared");

unsigned int ms_param_tasks_max = 65536;
MS_BOUND(tasks_max, 1, MS_TASKS_LIMIT);
MODULE_PARM_DESC(tasks_max, "Most tasks that have books");

unsigned int ms_param_tasks_per_user;
MS_BOUND(tasks_per_user, 0, MS_TASKS_LIMIT);
MODULE_PARM_DESC(tasks_per_user, "Most of them of one user (0: a quarter of tasks_max)");

unsigned int ms_param_groups_max = 65536;
MS_BOUND(groups_max, 1, MS_GROUPS_LIMIT);
MODULE_PARM_DESC(groups_max, "Most groups: cgroups with books of their own");

unsigned int ms_param_groups_per_user;
MS_BOUND(groups_per_user, 0, MS_GROUPS_LIMIT);
MODULE_PARM_DESC(groups_per_user, "Most of them made for one user (0: a quarter of groups_max)");

unsigned int ms_param_groups_depth = 64;
module_param_named(groups_depth, ms_param_groups_depth, uint, 0444);
MODULE_PARM_DESC(groups_depth, "Most groups and jobs from the root to a task");

unsigned int ms_param_jobs_max = 4096;
MS_BOUND(jobs_max, 1, MS_GROUPS_LIMIT);
MODULE_PARM_DESC(jobs_max, "Most jobs: limits that programs have set on themselves");

unsigned int ms_param_jobs_per_user;
MS_BOUND(jobs_per_user, 0, MS_GROUPS_LIMIT);
MODULE_PARM_DESC(jobs_per_user, "Most of them made for one user (0: a quarter of jobs_max)");

unsigned int ms_param_credit_batch = 256 * 1024;
module_param_named(credit_batch, ms_param_credit_batch, uint, 0444);
MODULE_PARM_DESC(credit_batch, "Bytes charged in advance where there is room (multiple of the page size)");

unsigned int ms_param_shards_max = 256;
module_param_named(shards_max, ms_param_shards_max, uint, 0444);
MODULE_PARM_DESC(shards_max, "Most statistics shards of a task");

bool ms_param_observe = true;
module_param_named(observe, ms_param_observe, bool, 0444);
MODULE_PARM_DESC(observe, "Hook the kernel, so that programs that report nothing can be observed");

unsigned int ms_param_observe_settle = 256;
MS_BOUND(observe_settle, 1, MS_SETTLE_LIMIT);
MODULE_PARM_DESC(observe_settle, "Most programs looked at, without a pause, before one is refused");

unsigned int ms_param_observe_settle_ms = 10;
MS_BOUND(observe_settle_ms, 1, 1000);
MODULE_PARM_DESC(observe_settle_ms, "Milliseconds before that is done again for the same group");

unsigned int ms_param_observe_batch = 64;
MS_BOUND(observe_batch, 1, MS_SETTLE_LIMIT);
MODULE_PARM_DESC(observe_batch, "Most programs that a reader or worker looks at without a pause");

bool ms_param_jobs = true;
module_param_named(jobs, ms_param_jobs, bool, 0444);
MODULE_PARM_DESC(jobs, "Hook the kernel at load, so that anybody can limit himself; 0: no jobs, and when an administrator has something observed");

static int params_check_power(const char *name, unsigned int value)
{
	if (is_power_of_2(value))
		return 0;
	pr_err("%s=%u is not a power of two\n", name, value);
	return -EINVAL;
}

/**
 * ms_params_check() - are those that are set at load within their bounds?
 *
 * Context: module init. Return: 0; -EINVAL: the log says which is not.
 */
int ms_params_check(void)
{
	int ret;

	ret = params_check_range("ring_entries_max", ms_param_ring_entries_max,
				 2, MS_RING_ENTRIES_LIMIT) ?:
	      params_check_power("ring_entries_max", ms_param_ring_entries_max) ?:
	      params_check_range("ring_entries", ms_param_ring_entries,
				 2, ms_param_ring_entries_max) ?:
	      params_check_power("ring_entries", ms_param_ring_entries) ?:
	      params_check_range("records_max", ms_param_records_max,
				 1, MS_RECORDS_LIMIT) ?:
	      params_check_range("unmaps_max", ms_param_unmaps_max,
				 1, MS_UNMAPS_LIMIT) ?:
	      params_check_range("groups_depth", ms_param_groups_depth,
				 1, MS_DEPTH_LIMIT) ?:
	      params_check_range("credit_batch", ms_param_credit_batch,
				 0, MS_BATCH_LIMIT) ?:
	      params_check_range("shards_max", ms_param_shards_max,
				 1, MS_SHARDS_LIMIT);
	if (!ret && !PAGE_ALIGNED(ms_param_credit_batch)) {
		pr_err("credit_batch=%u is no multiple of the page size\n",
		       ms_param_credit_batch);
		ret = -EINVAL;
	}
	return ret;
}
