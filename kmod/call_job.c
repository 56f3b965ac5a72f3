// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of jobs: to be made. The rest is asked of them as of groups. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "cgroup.h"
#include "core/observe.h"
#include "file.h"
#include "group.h"
#include "handlers.h"
#include "job.h"
#include "observing.h"

#define JOB_SETS	(MEMSTATE_JOB_HIGH | MEMSTATE_JOB_MAX | MEMSTATE_JOB_COMMIT_MAX | \
			 MEMSTATE_JOB_OVERCOMMIT)

static bool job_is_valid(const struct memstate_job *j)
{
	if (j->set & ~JOB_SETS || j->id)
		return false;
	if (j->set & MEMSTATE_JOB_OVERCOMMIT ?
	    j->overcommit < MS_OVERCOMMIT_NONE || j->overcommit > MS_OVERCOMMIT_MOST :
	    j->overcommit)
		return false;
	return (!j->high || j->set & MEMSTATE_JOB_HIGH) && (!j->max || j->set & MEMSTATE_JOB_MAX) &&
	       (!j->commit_max || j->set & MEMSTATE_JOB_COMMIT_MAX);
}

/* Nobody is in it yet. */
static void job_limit(struct ms_group *job, const struct memstate_job *j)
{
	u32 set = (j->set & MEMSTATE_JOB_HIGH ? MEMSTATE_LIMIT_HIGH : 0) |
		  (j->set & MEMSTATE_JOB_MAX ? MEMSTATE_LIMIT_MAX : 0);

	if (set)
		ms_limits_set(&job->limit, set, j->high, j->max);
	if (j->set & MEMSTATE_JOB_COMMIT_MAX)
		ms_limits_set(&job->commit, MEMSTATE_LIMIT_MAX, 0, j->commit_max);
	if (j->set & MEMSTATE_JOB_OVERCOMMIT)
		ms_observing_overcommit(job, j->overcommit);
	/* It is one's own limit. */
	WRITE_ONCE(job->observed.trust, true);
}

/* The job, in which the caller is, with a use of it. */
static struct ms_group *job_make(const struct memstate_job *j, struct ms_job_member *fresh)
{
	struct ms_group *above = ms_group_of_task(current), *job;
	int ret;

	if (IS_ERR(above))
		return above;
	job = ms_group_new_job(above);
	if (!IS_ERR(job)) {
		job_limit(job, j);
		ret = ms_observing_job(job, above, fresh);
		if (ret) {
			ms_group_put(job);
			job = ERR_PTR(ret);
		}
	}
	ms_group_put(above);
	return job;
}

/* Until the caller's address space does not grow: nothing of ours is held meanwhile. */
static int wait_for_growth(void)
{
	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	mmap_read_unlock(current->mm);
	return 0;
}

/* The file's lock is held, so that it makes no other. */
static int file_job(struct ms_file *file, struct memstate_job *j)
{
	struct ms_job_member *fresh;
	struct ms_group *job;
	int ret = 0;

	if (file->job || file->watched)
		return -EEXIST;
	fresh = ms_job_member_new();
	if (!fresh)
		return -ENOMEM;
	do {
		job = job_make(j, fresh);
		if (job == ERR_PTR(-EAGAIN))
			ret = wait_for_growth();
	} while (job == ERR_PTR(-EAGAIN) && !ret);
	if (IS_ERR(job)) {
		kfree(fresh);
		return ret ?: PTR_ERR(job);
	}
	j->id = job->id;
	kobject_get(&job->kobj);
	/* Release: pairs with the acquire in ms_file_group(). */
	smp_store_release(&file->job, ms_file_group_ref(job));
	/* Release: pairs with the acquire in ms_file_events(). */
	smp_store_release(&file->watched, job);
	ms_file_seen(file);
	return 0;
}

int ms_call_job(struct ms_file *file, void *arg)
{
	struct memstate_job *j = arg;
	int ret;

	if (!job_is_valid(j))
		return -EINVAL;
	if (mutex_lock_killable(&file->lock))
		return -EINTR;
	ret = file_job(file, j);
	mutex_unlock(&file->lock);
	return ret;
}
