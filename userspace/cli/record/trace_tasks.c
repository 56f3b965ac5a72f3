// SPDX-License-Identifier: MIT
/* Of a trace: which tasks lie below the group that is recorded. */
#include <fcntl.h>
#include <stdlib.h>

#include "cli.h"
#include "files.h"
#include "grown.h"
#include "trace.h"

static bool below_group(const struct ms_trace *t, uint64_t id)
{
	char path[128];

	/* No hierarchy is that deep; files that change under us shall not make a circle. */
	for (int i = 0; id && id != t->group && i < 64; i++) {
		snprintf(path, sizeof(path), SYSFS_DIR "/groups/%llu/parent",
			 (unsigned long long)id);
		if (ms_file_u64(AT_FDCWD, path, &id))
			return false;
	}
	return id && id == t->group;
}

static size_t find_pid(const struct ms_trace *t, pid_t pid)
{
	size_t i = 0;

	while (i < t->nr_pids && t->pids[i] != pid)
		i++;
	return i;
}

static void add_pid(struct ms_trace *t, pid_t pid)
{
	if (find_pid(t, pid) < t->nr_pids)
		return;
	t->pids = ms_must(reallocarray(t->pids, t->nr_pids + 1, sizeof(*t->pids)));
	t->pids[t->nr_pids++] = pid;
}

static int add_task(const struct ms_figures *f, pid_t pid, void *arg)
{
	struct ms_trace *t = arg;
	uint64_t group;

	if (pid && !ms_figure_u64(f, "group", &group) && below_group(t, group))
		add_pid(t, pid);
	return 0;
}

/**
 * ms_trace_tasks() - find the tasks that are there
 * @t: the trace, of a group
 */
void ms_trace_tasks(struct ms_trace *t)
{
	ms_sysfs_tasks(add_task, t);
}

/**
 * ms_trace_wanted() - is it of whom we record?
 * @t:	the trace
 * @e:	what has happened; tasks that begin and end are noted
 */
bool ms_trace_wanted(struct ms_trace *t, const struct ms_trace_event *e)
{
	size_t i;

	if (!t->group || e->kind == MS_TRACE_LOST)
		return true;
	if (e->kind == MS_TRACE_OPEN && below_group(t, e->value))
		add_pid(t, e->pid);
	i = find_pid(t, e->pid);
	if (i == t->nr_pids)
		return false;
	if (e->kind == MS_TRACE_CLOSE)
		t->pids[i] = t->pids[--t->nr_pids];
	return true;
}
