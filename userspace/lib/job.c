// SPDX-License-Identifier: MIT
/* Jobs: a limit on the process itself and all that it starts, by a descriptor of the device. */
#include <fcntl.h>

#include "internal.h"

static int job_call(int fd, unsigned long request, void *arg)
{
	return (int)ms_raw3(SYS_ioctl, fd, request, arg);
}

/**
 * memstate_job() - put the process into a job: a limit on it and on all its descendants
 * @fd:		the device, open, which is bound to the job; or -1: it is opened, to be closed by
 *		the caller
 * @job:	in: @set and what that names; out: its @id
 *
 * It takes no memory, and no lock of ours: it may be called between fork or vfork and exec.
 *
 * Context: process. Return: the descriptor; -ENOENT: no device; -ENOTTY: the module knows nothing
 * of jobs; else as MEMSTATE_IOC_JOB, with nothing changed.
 */
int memstate_job(int fd, struct memstate_job *job)
{
	int opened = -1, ret;

	if (fd < 0) {
		opened = (int)ms_raw4(SYS_openat, AT_FDCWD, MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC, 0);
		if (opened < 0)
			return opened;
		fd = opened;
	}
	job->size = sizeof(*job);
	ret = job_call(fd, MEMSTATE_IOC_JOB, job);
	if (ret && opened >= 0)
		ms_raw1(SYS_close, opened);
	return ret ? ret : fd;
}

/**
 * memstate_job_observe() - see what is seen of a job, or make it tighter
 * @fd:		from memstate_job()
 * @observe:	as for memstate_group_observe()
 *
 * Context: process. Return: 0; -ESRCH: no job was made by the descriptor; -EPERM: it would not be
 * tighter; -EINVAL; -EBADF; -ENOTTY.
 */
int memstate_job_observe(int fd, struct memstate_observe *observe)
{
	observe->scope = MEMSTATE_SCOPE_JOB;
	observe->fd = 0;
	return job_call(fd, MEMSTATE_IOC_OBSERVE, observe);
}

/**
 * memstate_job_limit_apply() - lower the limits of a job
 * @fd:		from memstate_job()
 * @limit:	as for memstate_limit_apply(), but for MEMSTATE_LIMIT_REPORTS
 *
 * They are read by memstate_watch_read().
 *
 * Context: process. Return: as memstate_job_observe(); -EPERM: one would rise.
 */
int memstate_job_limit_apply(int fd, struct memstate_limit *limit)
{
	limit->scope = MEMSTATE_SCOPE_JOB;
	limit->fd = 0;
	return job_call(fd, MEMSTATE_IOC_LIMIT_SET, limit);
}

/**
 * memstate_job_totals() - what the processes of a job report
 * @fd:		from memstate_job()
 * @totals:	where to put it
 * @flags:	MEMSTATE_TOTALS_LAST: without draining them first
 *
 * Context: process. Return: as memstate_job_observe().
 */
int memstate_job_totals(int fd, struct memstate_totals *totals, unsigned int flags)
{
	struct memstate_get_totals arg = {
		.size = sizeof(arg), .flags = flags, .scope = MEMSTATE_SCOPE_JOB };
	int ret = job_call(fd, MEMSTATE_IOC_TOTALS, &arg);

	if (!ret)
		*totals = arg.totals;
	return ret;
}
