// SPDX-License-Identifier: MIT
/*
 * What is recorded, read with as few calls as there can be: the totals of one moment by
 * one ioctl, limits and events by another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "record.h"

#define AT_ONCE	1024

/**
 * ms_source_group() - record a group
 * @s:		where to put it
 * @cgroup_fd:	descriptor of its directory, or MEMSTATE_SYSTEM
 * @name:	for messages
 *
 * Return: 0; 1 after a message.
 */
int ms_source_group(struct ms_source *s, int cgroup_fd, const char *name)
{
	*s = (struct ms_source) { .fd = memstate_watch_open(cgroup_fd) };
	return s->fd < 0 ? ms_limit_error(name, s->fd) : 0;
}

static int read_fd(const struct ms_source *s, uint32_t scope, struct ms_sample *sample)
{
	struct memstate_get_totals totals = {
		.size = sizeof(totals), .scope = scope, .fd = s->pidfd,
	};

	sample->limit = (struct memstate_limit) {
		.size = sizeof(sample->limit), .scope = scope, .fd = s->pidfd,
	};
	if (ioctl(s->fd, MEMSTATE_IOC_TOTALS, &totals))
		return -errno;
	sample->totals = totals.totals;
	sample->observed = totals.observed;
	sample->limited = !ioctl(s->fd, MEMSTATE_IOC_LIMIT_GET, &sample->limit);
	return 0;
}

/* One that reports nothing: what the module sees of it. Return: 0; 1 after a message. */
static int open_silent(struct ms_source *s, pid_t pid)
{
	struct ms_process_fds p;
	struct ms_sample sample = {};
	int ret = ms_process_open(pid, &p);

	s->fd = -1;
	if (!ret) {
		s->fd = p.device;
		s->pidfd = p.pidfd;
		ret = read_fd(s, MEMSTATE_SCOPE_PROCESS, &sample);
		if (!ret && !sample.observed.spaces)
			ret = -ENXIO;
		if (!ret)
			return 0;
		ms_source_close(s);
	}
	if (ret == -ENXIO)
		ms_err("process %d does not report, and is not observed; try: memstate observe %d",
		       pid, pid);
	else if (ret == -EACCES)
		ms_err("process %d is somebody else's", pid);
	else
		ms_err("process %d: %s", pid, ms_error_text(-ret));
	return 1;
}

/**
 * ms_source_task() - record a task
 * @s:		where to put it
 * @pid:	its process
 * @waiting:	it may not report yet, as it has just been started
 *
 * Return: 0; 1 after a message.
 */
int ms_source_task(struct ms_source *s, pid_t pid, bool waiting)
{
	struct memstate_totals totals;
	struct memstate_alloc alloc;

	*s = (struct ms_source) { .fd = -1, .pid = pid, .waiting = waiting };
	if (waiting)
		return 0;
	s->fd = ms_task_handle_quiet(pid);
	if (s->fd >= 0)
		return 0;
	if (s->fd == -ENXIO)
		return open_silent(s, pid);
	if (s->fd == -EPERM && !ms_sysfs_totals(pid, &totals, &alloc)) {
		ms_err("process %d may not be traced: its figures come from a file, as of when it last reported in full, and without limits",
		       pid);
		s->files = true;
		return 0;
	}
	/* Once more, for the message. */
	s->fd = ms_task_handle(pid);
	return s->fd < 0;
}

/* A process that runs another program has other books, and another descriptor. */
static int read_task(struct ms_source *s, struct ms_sample *sample)
{
	struct memstate_alloc alloc;
	int ret = 0;

	if (s->files)
		return ms_sysfs_totals(s->pid, &sample->totals, &alloc);
	if (s->pidfd)
		return read_fd(s, MEMSTATE_SCOPE_PROCESS, sample);
	if (s->fd < 0)
		s->fd = ms_task_handle_quiet(s->pid);
	if (s->fd >= 0)
		ret = read_fd(s, MEMSTATE_SCOPE_TASK, sample);
	if (s->fd >= 0 && !sample->totals.tasks) {
		close(s->fd);
		s->fd = -1;
	}
	return ret;
}

/**
 * ms_source_read() - figures of this moment
 * @s:		the source
 * @sample:	where to put them; all but the time. Zero where there are no books
 *
 * Return: 0; -errno.
 */
int ms_source_read(struct ms_source *s, struct ms_sample *sample)
{
	const struct memstate_totals *t = &sample->totals;
	double when = sample->t;
	int ret;

	memset(sample, 0, sizeof(*sample));
	sample->t = when;
	ret = s->pid ? read_task(s, sample) : read_fd(s, MEMSTATE_SCOPE_WATCHED, sample);
	if (ret)
		return ret;
	memcpy(sample->events, sample->limit.events, sizeof(sample->events));
	if (s->pid) {
		/* Of a task the books count these; its limit counts the others. */
		sample->events[MEMSTATE_EVENT_DENIED] = t->denied;
		sample->events[MEMSTATE_EVENT_BREACH] = t->breaches;
		sample->events[MEMSTATE_EVENT_DRIFT] = t->drift;
	}
	return 0;
}

void ms_source_close(struct ms_source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->pidfd)
		close(s->pidfd);
	s->pidfd = 0;
}

/**
 * ms_source_ranges() - the ledger of a task as it is, or its memory if it has none
 * @fd:		bound to the task; or of the device
 * @pidfd:	of the task then, else 0
 * @copy:	where to put it; its ranges are to be freed
 *
 * Return: 0; -errno.
 */
int ms_source_ranges(int fd, int pidfd, struct ms_ledger_copy *copy)
{
	struct memstate_ranges arg = {
		.size = sizeof(arg),
		.scope = pidfd ? MEMSTATE_SCOPE_PROCESS : MEMSTATE_SCOPE_TASK,
		.fd = pidfd,
	};
	uint32_t room = 0;

	*copy = (struct ms_ledger_copy) { .whole = true };
	do {
		if (room - copy->nr < AT_ONCE) {
			room = room ? 2 * room : 2 * AT_ONCE;
			copy->ranges = reallocarray(copy->ranges, room, sizeof(*copy->ranges));
			if (!copy->ranges)
				return -ENOMEM;
		}
		arg.ranges = (uintptr_t)(copy->ranges + copy->nr);
		arg.nr = AT_ONCE;
		if (ioctl(fd, MEMSTATE_IOC_RANGES, &arg)) {
			int error = errno;

			free(copy->ranges);
			copy->ranges = NULL;
			return -error;
		}
		if (copy->nr && arg.transitions != copy->version)
			copy->whole = false;
		copy->version = arg.transitions;
		copy->nr += arg.done;
	} while (arg.cursor && copy->nr + AT_ONCE <= MS_LEDGER_RANGES_MAX);
	if (arg.cursor)
		copy->whole = false;
	return 0;
}
