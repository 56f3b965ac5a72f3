// SPDX-License-Identifier: MIT
/*
 * A job for a program: a limit that anybody may set on himself and all that he starts. It begins
 * when the program's process enters it, before it becomes the program, and ends with the last
 * process in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "place.h"

/*
 * Not for one that is told to report: our own books, as those of who tells it, would be its
 * process's until it is executed, and what has books can enter no job.
 */
static int job_make(struct ms_place *p, const struct ms_place_wish *w, char *why, size_t size)
{
	struct memstate_query q = { .size = sizeof(q) };
	int ret = -EOPNOTSUPP;

	if (w->observe && !w->trust)
		p->job = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	if (p->job >= 0 && !ioctl(p->job, MEMSTATE_IOC_QUERY, &q) &&
	    q.features & MEMSTATE_FEATURE_JOBS)
		ret = 0;
	if (ret) {
		snprintf(why, size, "the module has no jobs");
		if (p->job >= 0)
			close(p->job);
	}
	p->observed = !ret;
	return ret;
}

static uint64_t given(uint64_t bytes, uint32_t bit, uint32_t *set)
{
	if (bytes == MEMSTATE_UNLIMITED)
		return 0;
	*set |= bit;
	return bytes;
}

static int job_enter(const struct ms_place *p)
{
	const struct ms_place_wish *w = &p->wish;
	struct memstate_observe o = { .size = sizeof(o), .set = MEMSTATE_OBSERVE_TRUST };
	struct memstate_job job = { .size = sizeof(job) };
	uint32_t set = 0;
	int ret;

	job.high = given(w->high, MEMSTATE_JOB_HIGH, &set);
	job.max = given(w->max, MEMSTATE_JOB_MAX, &set);
	job.commit_max = given(w->commit_max, MEMSTATE_JOB_COMMIT_MAX, &set);
	job.set = set;
	ret = memstate_job(p->job, &job);
	/* A job believes who reports, until it is told not to. */
	return ret < 0 ? ret : memstate_job_observe(p->job, &o);
}

static int job_limit(const struct ms_place *p, struct memstate_limit *l)
{
	return memstate_watch_read(p->job, l);
}

static int job_seen(const struct ms_place *p, struct memstate_observe *w)
{
	return memstate_job_observe(p->job, w);
}

static bool job_refused(const struct ms_place *p, struct ms_refusal *r)
{
	return ms_refusal_watched(p->job, r);
}

/* It goes with its last process; one that never began has nobody in it. */
static int job_end(struct ms_place *p)
{
	struct pollfd job = { .fd = p->job };

	if (p->limit.group & MEMSTATE_JOB_ID && (poll(&job, 1, 0) < 1 || !(job.revents & POLLHUP)))
		return -EBUSY;
	close(p->job);
	p->job = -1;
	return 0;
}

const struct ms_place_kind ms_place_job = {
	.name = "job",
	.make = job_make,
	.enter = job_enter,
	.limit = job_limit,
	.seen = job_seen,
	.refused = job_refused,
	.end = job_end,
};
