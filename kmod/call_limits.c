// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of limits: charges, limits themselves, who watches them, what they refused. */
#include <linux/capability.h>
#include <linux/mm.h>

#include "cgroup.h"
#include "charge.h"
#include "group.h"
#include "file.h"
#include "handlers.h"
#include "life.h"
#include "observed.h"
#include "observing.h"
#include "process.h"
#include "refusal.h"
#include "request.h"

int ms_call_charge(struct ms_file *file, void *arg)
{
	struct memstate_charge *c = arg;
	bool trim = c->flags & MEMSTATE_CHARGE_TRIM;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	if (trim && c->flags != MEMSTATE_CHARGE_TRIM)
		return -EINVAL;
	if (trim != !c->bytes || !PAGE_ALIGNED(c->bytes | c->addr) ||
	    c->bytes >= TASK_SIZE_MAX)
		return -EINVAL;
	if (c->addr && !(c->flags & MEMSTATE_CHARGE_RANGE))
		return -EINVAL;
	if (c->timeout_ns && !(c->flags & MEMSTATE_CHARGE_WAIT))
		return -EINVAL;
	c->refused_by = 0;
	c->room = 0;
	return ms_request(file->task, c);
}

/* A request without frills, and there is room. */
int ms_try_charge(struct ms_file *file, void *arg)
{
	struct memstate_charge *c = arg;

	if (c->flags || c->addr || c->timeout_ns || !c->bytes ||
	    !PAGE_ALIGNED(c->bytes) || c->bytes >= TASK_SIZE_MAX)
		return -EAGAIN;
	if (ms_file_may_report(file) || !ms_request_fast(file->task, c->bytes))
		return -EAGAIN;
	c->refused_by = 0;
	c->room = 0;
	return 0;
}

/* A task's own limits only go down. */
static int limit_set_own(struct ms_file *file, const struct memstate_limit *l)
{
	struct ms_level *own;
	int ret;

	ret = ms_file_may_report(file);
	if (ret)
		return ret;
	own = &file->task->limit;
	if (capable(CAP_SYS_RESOURCE))
		ms_limits_set(own, l->set, l->high, l->max);
	else if (!ms_limits_lower(own, l->set, l->high, l->max))
		return -EPERM;
	ms_charge_show(file->task);
	return 0;
}

int ms_call_limit_set(struct ms_file *file, void *arg)
{
	struct memstate_limit *l = arg;
	bool reports = l->flags & MEMSTATE_LIMIT_REPORTS;
	struct ms_group *group;

	if (!l->set || (l->set & ~(MEMSTATE_LIMIT_HIGH | MEMSTATE_LIMIT_MAX)) ||
	    l->scope == MEMSTATE_SCOPE_WATCHED)
		return -EINVAL;
	if (reports && (l->scope == MEMSTATE_SCOPE_TASK || l->scope == MEMSTATE_SCOPE_JOB ||
			!(l->set & MEMSTATE_LIMIT_MAX)))
		return -EINVAL;
	if (l->scope == MEMSTATE_SCOPE_GROUP)
		group = ms_file_group_ref(ms_group_to_limit(l->fd));
	else
		group = ms_file_group(file, l->scope, l->fd, true);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group)
		return limit_set_own(file, l);
	/* A job's only go down, too, whoever sets them. */
	if (ms_group_is_job(group)) {
		bool lower = ms_limits_lower(&group->limit, l->set, l->high, l->max);

		ms_file_group_put(group);
		return lower ? 0 : -EPERM;
	}
	/* Without a directory there is nothing else to go by. */
	if (l->scope != MEMSTATE_SCOPE_GROUP && !capable(CAP_SYS_RESOURCE)) {
		ms_file_group_put(group);
		return -EPERM;
	}
	ms_observing_limit(group, l->set, l->high, l->max, reports);
	ms_file_group_put(group);
	return 0;
}

/* The file's own peak is of what it last began anew for. */
static void file_peak_moves(struct ms_file *file, struct ms_group *group)
{
	if (file->peak_group == group)
		return;
	ms_limits_peak_end(&file->peak);
	ms_file_group_put(file->peak_group);
	if (group)
		kobject_get(&group->kobj);
	file->peak_group = group;
}

static int process_limits(struct memstate_limit *l)
{
	struct ms_process p;
	struct ms_task *task;
	int ret = ms_process_get(&p, l->fd, false);

	if (ret)
		return ret;
	memset(l, 0, sizeof(*l));
	task = ms_task_find(p.mm);
	ms_observed_limits_one(p.task, p.mm, task, l);
	if (task)
		ms_task_put(task);
	ms_process_put(&p);
	return 0;
}

int ms_call_limit_get(struct ms_file *file, void *arg)
{
	struct memstate_limit *l = arg;
	bool reset = l->flags & MEMSTATE_LIMIT_RESET_PEAK;
	struct ms_task *task = NULL;
	struct ms_group *group;

	if (l->set || (reset && l->scope == MEMSTATE_SCOPE_PROCESS))
		return -EINVAL;
	if (l->scope == MEMSTATE_SCOPE_PROCESS)
		return process_limits(l);
	group = ms_file_group(file, l->scope, l->fd, reset);
	if (IS_ERR(group))
		return PTR_ERR(group);
	if (!group && l->scope != MEMSTATE_SCOPE_GROUP)
		task = ms_file_task(file);
	if (IS_ERR(task))
		return PTR_ERR(task);
	ms_file_seen(file);
	if (!group && !task) {
		/* Nobody has reported in it, and nobody has limited it. */
		*l = (struct memstate_limit) {
			.high = MEMSTATE_UNLIMITED,
			.max = MEMSTATE_UNLIMITED,
			.lowest_high = MEMSTATE_UNLIMITED,
			.lowest_max = MEMSTATE_UNLIMITED,
		};
		return 0;
	}
	memset(l, 0, sizeof(*l));
	mutex_lock(&file->lock);
	if (reset)
		file_peak_moves(file, group);
	if (group)
		ms_group_limits(group, &file->peak, reset, l);
	else
		ms_limits_read(&task->limit, &file->peak, reset, l);
	mutex_unlock(&file->lock);
	ms_file_group_put(group);
	return 0;
}

int ms_call_watch(struct ms_file *file, void *arg)
{
	struct memstate_watch *w = arg;
	struct ms_group *group;
	struct ms_task *task;
	int ret = 0;

	if (w->scope == MEMSTATE_SCOPE_WATCHED)
		return -EINVAL;
	group = ms_file_group(file, w->scope, w->fd, true);
	if (IS_ERR(group))
		return PTR_ERR(group);
	task = group ? NULL : ms_file_task(file);
	if (!group && IS_ERR_OR_NULL(task))
		return task ? PTR_ERR(task) : -ESRCH;
	mutex_lock(&file->lock);
	if (!file->watched)
		/* Release: pairs with the acquire in ms_file_events(). */
		smp_store_release(&file->watched, group);
	else if (file->watched != group)
		ret = -EBUSY;
	else
		ms_file_group_put(group);
	mutex_unlock(&file->lock);
	if (ret)
		ms_file_group_put(group);
	ms_file_seen(file);
	return ret;
}

int ms_call_refusal(struct ms_file *file, void *arg)
{
	struct memstate_last_refusal *r = arg;
	struct ms_group *group;

	if (r->scope == MEMSTATE_SCOPE_TASK)
		return -EINVAL;
	group = ms_file_group(file, r->scope, r->fd, false);
	if (IS_ERR(group))
		return PTR_ERR(group);
	/* A task, or there is nothing to watch. */
	if (!group && r->scope != MEMSTATE_SCOPE_GROUP)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	if (group)
		ms_refusal_read(group, r);
	ms_file_group_put(group);
	return 0;
}
