/* SPDX-License-Identifier: MIT */
/* What memstate top shows, and where it comes from. */
#ifndef MS_CLI_TOP_H
#define MS_CLI_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <linux/memstate.h>

#include "files.h"

/* Of figures: not known; of limits: there is none. */
#define TOP_UNKNOWN	MS_FILE_UNKNOWN
#define TOP_UNLIMITED	MS_FILE_UNLIMITED

/**
 * struct top_paths - where figures come from
 * @sysfs:	the module's directory
 * @mountinfo:	mounts, of which one is of type cgroup2
 * @proc:	processes
 * @fresh:	called before they are read; NULL: nothing is
 */
struct top_paths {
	const char *sysfs;
	const char *mountinfo;
	const char *proc;
	void (*fresh)(void);
};

/* Reserved, Prepared and Ready, without None: of a state from MEMSTATE_RESERVED on. */
#define TOP_NR_STATES	(MEMSTATE_NR_STATES - 1)

/* What ms_top_collect() reads besides groups. */
#define TOP_TASKS	1U
#define TOP_CLASSES	2U
#define TOP_OTHERS	4U	/* with TOP_TASKS: those that nobody reports or observes */

enum top_pressure {
	TOP_PRESSURE_UNKNOWN,
	TOP_PRESSURE_NONE,
	TOP_PRESSURE_HIGH,
	TOP_PRESSURE_MAX,
};

/**
 * struct top_row - a group with all below it, or a task
 * @task:	it is a task
 * @observed:	of a task: it reports nothing, and the module observes it: its Ready and
 *		Prepared are what the kernel counts
 * @other:	of a task: it reports nothing, and nobody observes it: likewise
 * @observes:	of a group: what reports nothing is observed there
 * @unenforced:	and yet no limit is in force for it
 * @id:		cgroup id, or process id
 * @parent:	cgroup id of the group that it is in, 0 for the root
 * @books:	which books these are: their serial number, or the cgroup id
 * @nr_tasks:	of a group: how many report
 * @reserved:	reported, bytes
 * @prepared:	likewise
 * @ready:	likewise
 * @classes:	reported, by state and class; TOP_UNKNOWN where it was not read
 * @charged:	enforced: what counts against the limits, bytes
 * @high:	enforced: the limit, or TOP_UNLIMITED
 * @max:	likewise
 * @pressure:	enforced: enum top_pressure
 * @anon:	observed: anonymous memory, by the cgroup's memory.stat or the
 *		task's status
 * @swap:	observed: what of it is swapped out, and not in @anon
 * @backed:	observed: of what reports nothing, what is resident or swapped out
 * @name:	last part of the cgroup's path, or the task's name
 *
 * @up:		the row that it is below, NULL: none; from ms_top_arrange() on
 * @depth:	below how many rows it is; likewise
 * @context:	it is there only for what is below it; likewise
 * @past:	its earlier readings, NULL: none; from ms_top_history_add() on
 *
 * What is not known is TOP_UNKNOWN.
 */
struct top_row {
	bool task;
	bool observed;
	bool other;
	bool observes;
	bool unenforced;
	uint64_t id;
	uint64_t parent;
	uint64_t books;
	uint64_t nr_tasks;
	uint64_t reserved;
	uint64_t prepared;
	uint64_t ready;
	uint64_t classes[TOP_NR_STATES][MEMSTATE_NR_CLASSES];
	uint64_t charged;
	uint64_t high;
	uint64_t max;
	enum top_pressure pressure;
	uint64_t anon;
	uint64_t swap;
	uint64_t backed;
	char name[256];
	const struct top_row *up;
	unsigned int depth;
	bool context;
	const struct top_past *past;
};

/**
 * struct top_data - everything at one time
 * @rows:	groups, then tasks, as they were found
 * @nr:		how many
 * @room:	for how many
 * @groups:	how many of them are groups
 * @others:	how many tasks are somebody else's, and not among the rows
 * @classes:	bytes by class were read
 * @when:	time of day
 */
struct top_data {
	struct top_row *rows;
	size_t nr;
	size_t room;
	size_t groups;
	size_t others;
	bool classes;
	time_t when;
};

int ms_top_collect(const struct top_paths *paths, unsigned int what, struct top_data *data);
void ms_top_free(struct top_data *data);
uint64_t ms_top_reported(const struct top_row *row);
uint64_t ms_top_accounted(const struct top_row *row);
uint64_t ms_top_unaccounted(const struct top_row *row);
uint64_t ms_top_coverage(const struct top_row *row);

int ms_top(const struct top_paths *paths, int argc, char **argv);

#endif /* MS_CLI_TOP_H */
