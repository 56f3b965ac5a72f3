// SPDX-License-Identifier: MIT
/* A trace, read line by line, and written to a recording. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "grown.h"
#include "trace.h"

/* Of one reading, so that samples are not kept waiting. */
#define READS_MAX	256

/**
 * ms_trace_start() - begin to collect transitions
 * @pid:	of this task only, or 0
 * @group:	of tasks below this cgroup only, or 0
 * @buffer_bytes: room for what has not been read, per processor
 *
 * Return: an instance, or NULL after a message.
 */
struct ms_trace *ms_trace_start(pid_t pid, uint64_t group, uint64_t buffer_bytes)
{
	struct ms_trace *t = ms_must(calloc(1, sizeof(*t)));

	t->fd = -1;
	t->group = group;
	if (ms_trace_open(t, pid, buffer_bytes)) {
		free(t);
		return NULL;
	}
	if (group)
		ms_trace_tasks(t);
	return t;
}

static int take_line(struct ms_trace *t, struct ms_record_file *f, const char *line, double start)
{
	struct ms_trace_event e;

	if (!ms_trace_parse(line, &e))
		return 0;
	if (e.kind == MS_TRACE_LOST)
		t->lost += e.value;
	else
		t->last = e.t - start;
	if (!ms_trace_wanted(t, &e))
		return 0;
	t->nr += e.kind != MS_TRACE_LOST;
	return ms_trace_write(f, &e, t->last);
}

/**
 * ms_trace_read() - write what has been collected
 * @t:		the instance
 * @f:		where to
 * @start:	when the recording began, seconds of the monotonic clock
 *
 * Return: 0; as ms_record_add().
 */
int ms_trace_read(struct ms_trace *t, struct ms_record_file *f, double start)
{
	int ret = 0;

	for (int i = 0; !ret && i < READS_MAX; i++) {
		ssize_t n = read(t->fd, t->text + t->held, MS_TRACE_TEXT - t->held);
		char *line = t->text, *end;

		if (n <= 0)
			return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
		t->text[t->held + (size_t)n] = '\0';
		while (!ret && (end = strchr(line, '\n'))) {
			*end = '\0';
			ret = take_line(t, f, line, start);
			line = end + 1;
			t->seen++;
		}
		t->held = strlen(line);
		/* No line of ours is that long. */
		if (t->held == MS_TRACE_TEXT)
			t->held = 0;
		memmove(t->text, line, t->held);
	}
	return ret;
}

/**
 * ms_trace_stop() - write the rest, and remove the instance
 * @t:		the instance, gone afterwards
 * @f:		where to, or NULL
 * @start:	as for ms_trace_read()
 * @nr:		where to put how many events were written
 * @lost:	where to put how many were not read in time
 *
 * Return: as ms_trace_read().
 */
int ms_trace_stop(struct ms_trace *t, struct ms_record_file *f, double start, uint64_t *nr,
		  uint64_t *lost)
{
	uint64_t before;
	int ret;

	ms_trace_halt(t);
	do {
		before = t->seen;
		ret = f ? ms_trace_read(t, f, start) : 0;
	} while (!ret && t->seen != before);
	*nr = t->nr;
	*lost = ms_trace_overrun(t);
	if (*lost < t->lost)
		*lost = t->lost;
	ms_trace_close(t);
	free(t->pids);
	free(t);
	return ret;
}
