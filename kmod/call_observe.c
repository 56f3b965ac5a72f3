// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of what reports nothing. */
#include <linux/capability.h>
#include <linux/err.h>

#include "cgroup.h"
#include "core/observe.h"
#include "file.h"
#include "group.h"
#include "handlers.h"
#include "observed.h"
#include "observed_group.h"
#include "observing.h"
#include "process.h"

/* Whoever may set limits may have observed; the others may look. */
static struct ms_group *observe_group(struct ms_file *file, const struct memstate_observe *w)
{
	struct ms_group *group;

	if (w->set && w->scope == MEMSTATE_SCOPE_GROUP)
		group = ms_file_group_ref(ms_group_to_limit(w->fd));
	else
		group = ms_file_group(file, w->scope, w->fd, true);
	if (!group)
		return ERR_PTR(-EINVAL);
	if (IS_ERR(group) || !w->set || w->scope == MEMSTATE_SCOPE_GROUP ||
	    ms_group_is_job(group) || capable(CAP_SYS_RESOURCE))
		return group;
	ms_file_group_put(group);
	return ERR_PTR(-EPERM);
}

static int observe_process(struct memstate_observe *w)
{
	struct ms_process p;
	int ret = ms_process_get(&p, w->fd, false);

	if (ret)
		return ret;
	ret = ms_observed_read_one(p.task, p.mm, w);
	w->enforced = ms_observing_enforced();
	ms_process_put(&p);
	return ret;
}

/* Each value is in range. */
static int observe_set(struct ms_group *group, const struct memstate_observe *w)
{
	int ret = 0;

	if (ms_group_is_job(group))
		return w->set ? ms_observing_tighten(group, w) : 0;
	if (w->set & MEMSTATE_OBSERVE_ON)
		ret = ms_observing_set(group, w->on);
	if (!ret && (w->set & MEMSTATE_OBSERVE_COMMIT_MAX))
		ret = ms_observing_commit(group, w->commit_max);
	if (!ret && (w->set & MEMSTATE_OBSERVE_OVERCOMMIT))
		ms_observing_overcommit(group, w->overcommit);
	if (!ret && (w->set & MEMSTATE_OBSERVE_TRUST))
		ms_observing_trust(group, w->trust);
	return ret;
}

int ms_call_observe(struct ms_file *file, void *arg)
{
	struct memstate_observe *w = arg;
	struct ms_group *group;
	int ret;

	if (w->set & ~(MEMSTATE_OBSERVE_ON | MEMSTATE_OBSERVE_OVERCOMMIT |
		       MEMSTATE_OBSERVE_TRUST | MEMSTATE_OBSERVE_COMMIT_MAX) ||
	    w->on > 1 || (w->on && !(w->set & MEMSTATE_OBSERVE_ON)) ||
	    w->trust > 1 || (w->trust && !(w->set & MEMSTATE_OBSERVE_TRUST)))
		return -EINVAL;
	if (w->set & MEMSTATE_OBSERVE_OVERCOMMIT ?
	    w->overcommit < MS_OVERCOMMIT_NONE || w->overcommit > MS_OVERCOMMIT_MOST :
	    w->overcommit)
		return -EINVAL;
	if (w->commit_max && !(w->set & MEMSTATE_OBSERVE_COMMIT_MAX))
		return -EINVAL;
	if (w->scope == MEMSTATE_SCOPE_TASK ||
	    (w->set && (w->scope == MEMSTATE_SCOPE_WATCHED || w->scope == MEMSTATE_SCOPE_PROCESS)))
		return -EINVAL;
	if (w->scope == MEMSTATE_SCOPE_PROCESS)
		return observe_process(w);
	group = observe_group(file, w);
	if (IS_ERR(group))
		return PTR_ERR(group);
	ret = observe_set(group, w);
	if (!ret)
		ms_observed_read(group, w);
	w->enforced = ms_observing_enforced();
	ms_file_group_put(group);
	return ret;
}
