/* SPDX-License-Identifier: GPL-2.0-only */
/* Bounds of every resource: module parameters, documented in admin.rst. */
#ifndef MS_PARAMS_H
#define MS_PARAMS_H

#include <linux/types.h>

extern unsigned int ms_param_ring_entries;
extern unsigned int ms_param_ring_entries_max;
extern unsigned int ms_param_ranges_max;
extern unsigned int ms_param_records_max;
extern unsigned int ms_param_unmaps_max;
extern unsigned int ms_param_tasks_max;
extern unsigned int ms_param_tasks_per_user;
extern unsigned int ms_param_groups_max;
extern unsigned int ms_param_groups_per_user;
extern unsigned int ms_param_groups_depth;
extern unsigned int ms_param_jobs_max;
extern unsigned int ms_param_jobs_per_user;
extern unsigned int ms_param_credit_batch;
extern unsigned int ms_param_shards_max;
extern bool ms_param_observe;
extern unsigned int ms_param_observe_settle;
extern unsigned int ms_param_observe_settle_ms;
extern unsigned int ms_param_observe_batch;
extern bool ms_param_jobs;

int ms_params_check(void);

#endif /* MS_PARAMS_H */
