/* SPDX-License-Identifier: MIT */
/*
 * Every transition, from the module's tracepoints.
 *
 * Model
 *
 *   The tracing directory can have instances, each with buffers of its own. One is made
 *   for us and removed afterwards (trace_instance.c), so that nobody else's tracing is disturbed.
 *   It is read as text (trace.c), whose form is the module's own (kmod/trace.h), a line of which
 *   is taken apart by trace_event.c.
 *
 *   A task's events are selected by the kernel. A group's are by us: a table has
 *   which tasks lie below it (trace_tasks.c), from the module's files at the start and from
 *   memstate_open afterwards.
 */
#ifndef MS_RECORD_TRACE_H
#define MS_RECORD_TRACE_H

#include <limits.h>

#include "record.h"

#define MS_TRACE_TEXT	65536

/**
 * struct ms_trace - an instance of our own
 * @dir:	its directory
 * @fd:		trace_pipe
 * @group:	cgroup id whose tasks' events are kept, 0: all
 * @pids:	its tasks
 * @nr_pids:	how many
 * @text:	what was read
 * @held:	a line's beginning, whose end is to come
 * @seen:	lines read
 * @nr:		events written
 * @lost:	events that were overwritten before they were read
 * @last:	time of the last event, seconds since the start
 */
struct ms_trace {
	char dir[PATH_MAX];
	int fd;
	uint64_t group;
	pid_t *pids;
	size_t nr_pids;
	char text[MS_TRACE_TEXT + 1];
	size_t held;
	uint64_t seen;
	uint64_t nr;
	uint64_t lost;
	double last;
};

/* ---- trace_tasks.c: which tasks lie below a group -------------------------------------- */

void ms_trace_tasks(struct ms_trace *t);
bool ms_trace_wanted(struct ms_trace *t, const struct ms_trace_event *e);

/* ---- trace_instance.c: the instance ---------------------------------------------------- */

int ms_trace_open(struct ms_trace *t, pid_t pid, uint64_t buffer_bytes);
void ms_trace_halt(const struct ms_trace *t);
uint64_t ms_trace_overrun(const struct ms_trace *t);
void ms_trace_close(struct ms_trace *t);

#endif /* MS_RECORD_TRACE_H */
