/* SPDX-License-Identifier: MIT */
/* What memstate top shows, and where it comes from. */
#ifndef MS_CLI_TOP_H
#define MS_CLI_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "files.h"

/* Of figures: not known; of limits: there is none. */
#define TOP_UNKNOWN	MS_FILE_UNKNOWN
#define TOP_UNLIMITED	MS_FILE_UNLIMITED

/**
 * struct top_paths - where figures come from
 * @sysfs:	the module's directory
 * @mountinfo:	mounts, of which one is of type cgroup2
 * @proc:	processes
 */
struct top_paths {
	const char *sysfs;
	const char *mountinfo;
	const char *proc;
};

enum top_pressure {
	TOP_PRESSURE_UNKNOWN,
	TOP_PRESSURE_NONE,
	TOP_PRESSURE_HIGH,
	TOP_PRESSURE_MAX,
};

/**
 * struct top_row - a group with all below it, or a task
 * @task:	it is a task
 * @id:		cgroup id, or process id
 * @parent:	cgroup id of the group that it is in, 0 for the root
 * @depth:	how many rows it is below
 * @nr_tasks:	of a group: how many report
 * @reserved:	reported, bytes
 * @prepared:	likewise
 * @ready:	likewise
 * @charged:	enforced: what counts against the limits, bytes
 * @high:	enforced: the limit, or TOP_UNLIMITED
 * @max:	likewise
 * @pressure:	enforced: enum top_pressure
 * @anon:	observed: anonymous memory, by the cgroup's memory.stat or the
 *		task's status
 * @name:	last part of the cgroup's path, or the task's name
 *
 * What is not known is TOP_UNKNOWN.
 */
struct top_row {
	bool task;
	uint64_t id;
	uint64_t parent;
	unsigned int depth;
	uint64_t nr_tasks;
	uint64_t reserved;
	uint64_t prepared;
	uint64_t ready;
	uint64_t charged;
	uint64_t high;
	uint64_t max;
	enum top_pressure pressure;
	uint64_t anon;
	char name[256];
};

/**
 * struct top_data - everything at one time
 * @rows:	in the order in which they are shown: each below its parent
 * @nr:		how many
 * @room:	for how many
 * @groups:	how many of them are groups
 * @others:	how many tasks are somebody else's, and not among the rows
 * @when:	time of day
 */
struct top_data {
	struct top_row *rows;
	size_t nr;
	size_t room;
	size_t groups;
	size_t others;
	time_t when;
};

int ms_top_collect(const struct top_paths *paths, bool tasks, struct top_data *data);
void ms_top_free(struct top_data *data);
uint64_t ms_top_reported(const struct top_row *row);
uint64_t ms_top_unaccounted(const struct top_row *row);
uint64_t ms_top_coverage(const struct top_row *row);

int ms_top(const struct top_paths *paths, int argc, char **argv);

#endif /* MS_CLI_TOP_H */
