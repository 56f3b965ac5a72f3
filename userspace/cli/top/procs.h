/* SPDX-License-Identifier: MIT */
/* Rows of processes that report nothing. */
#ifndef MS_CLI_TOP_PROCS_H
#define MS_CLI_TOP_PROCS_H

#include "cgroup_dirs.h"
#include "top.h"

struct top_row *ms_top_add_row(struct top_data *data);
int ms_top_processes(int proc, struct ms_cgroup_dirs *cg, bool all, struct top_data *data);

#endif /* MS_CLI_TOP_PROCS_H */
