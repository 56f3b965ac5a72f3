// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/mutex.h>

#include "commit.h"
#include "find.h"
#include "grow.h"
#include "hooks.h"
#include "job.h"
#include "observed.h"
#include "observed_group.h"
#include "observing.h"
#include "params.h"

static DEFINE_MUTEX(ms_observing_mutex);

/* Under that, read anywhere. */
static int hooks_missing = -EOPNOTSUPP;	/* 0: they are set; -EAGAIN: not before it matters */
static bool hooks_released;		/* they were, and an administrator has taken them away */
static unsigned int nr_on;		/* groups that are observed */

/* ---- hooks ------------------------------------------------------------------------------- */

/* One that is born in a group, of which it takes over the use. Under RCU. */
static void space_begin(struct mm_struct *mm, struct ms_group *group, enum ms_birth birth,
			struct ms_observed *parent)
{
	if (!ms_group_observed(group))
		ms_group_put(group);
	else if (!ms_observed_begin(mm, group, birth, parent))
		ms_find_later();
}

/* Unless it reports, and is trusted, and what it may commit is not limited. */
static bool matters(const struct ms_observed *o)
{
	return o && (READ_ONCE(o->at) || ms_commit_limited(o->group));
}

static struct ms_observed *hook_knows(struct mm_struct *mm)
{
	struct ms_observed *o;
	struct ms_group *group;

	if (!READ_ONCE(nr_on))
		return NULL;
	o = ms_observed_of(mm);
	/* A new image, by its first mapping. */
	if (!o && current->in_execve && mm == current->mm) {
		group = ms_job_near(current);
		space_begin(mm, group, MS_BORN_EXEC, NULL);
		o = ms_observed_of(mm);
		/* There is no memory to know it, and it would matter: it is refused all. */
		if (!o && ms_group_observed(group) && ms_commit_limited(group))
			return ERR_PTR(-ENOMEM);
	}
	return matters(o) ? o : NULL;
}

static bool hook_bear(struct task_struct *child, bool elsewhere)
{
	struct ms_group *group;
	bool may = true;

	if (!READ_ONCE(nr_on))
		return true;
	if (!ms_job_bear(child))
		return false;
	/* Who is born into another cgroup has moved there, and is not refused. */
	if (elsewhere || child->mm == current->mm)
		return true;
	rcu_read_lock();
	group = ms_job_near(current);
	if (ms_group_observed(group))
		may = ms_grow_child(child->mm, group);
	ms_group_put(group);
	rcu_read_unlock();
	return may;
}

static bool hook_give(struct mm_struct *mm)
{
	struct ms_observed *o;
	bool drop = false;
	u64 max;

	if (!READ_ONCE(nr_on))
		return false;
	rcu_read_lock();
	o = ms_observed_of(mm);
	if (matters(o)) {
		ms_observed_look_at(o, false);
		/* As long as there is room it may as well stay, as the program wishes. */
		max = ms_limit_lowest_max(&o->group->limit.core);
		drop = max != MEMSTATE_UNLIMITED &&
		       ms_limits_room(&o->group->limit) < max / 2;
	}
	rcu_read_unlock();
	return drop;
}

static void hook_end(struct mm_struct *mm)
{
	struct ms_observed *o;

	rcu_read_lock();
	o = ms_observed_of(mm);
	if (o)
		ms_observed_end(o);
	rcu_read_unlock();
}

static void hook_fork(struct task_struct *child)
{
	struct ms_group *group;
	struct ms_observed *o;

	if (!READ_ONCE(nr_on))
		return;
	ms_job_born(child);
	/* Who borrows his parent's until he is another image. */
	if (child->mm == current->mm)
		return;
	rcu_read_lock();
	o = ms_observed_of(child->mm);
	group = ms_job_near(child);
	if (!o)
		space_begin(child->mm, group, MS_BORN_FORK,
			    current->mm ? ms_observed_of(current->mm) : NULL);
	else if (o->group == group)
		ms_group_put(group);
	/* The parent has left meanwhile, and nothing is observed where it is now. */
	else if (!ms_group_observed(group)) {
		ms_observed_end(o);
		ms_group_put(group);
	}
	/* As a rule it is known since hook_bear(), but may have been found since, in no job yet. */
	else if (!ms_observed_move(o, group))
		ms_find_later();
	rcu_read_unlock();
}

static void hook_exit(struct task_struct *task)
{
	if (READ_ONCE(nr_on))
		ms_job_exit(task);
}

static void hook_move(struct task_struct *task, struct cgroup *to)
{
	if (READ_ONCE(nr_on))
		ms_find_soon();
}

static const struct ms_hooks_user hooks_user = {
	.knows = hook_knows,
	.grow = ms_grow,
	.refused = ms_grow_refused,
	.bear = hook_bear,
	.give = hook_give,
	.end = hook_end,
	.fork = hook_fork,
	.exit = hook_exit,
	.move = hook_move,
};

/* ---- hooks come and go --------------------------------------------------------------------- */

/* Kernel text is changed, by an administrator's act. */
static int hooks_set(void)
{
	int ret;

	lockdep_assert_held(&ms_observing_mutex);
	if (!hooks_missing)
		return 0;
	ret = ms_find_init();
	if (!ret)
		ret = ms_hooks_set(&hooks_user);
	WRITE_ONCE(hooks_missing, ret);
	if (ret)
		return ret;
	WRITE_ONCE(hooks_released, false);
	ms_find_on(true);
	if (nr_on)
		ms_find_all();
	return 0;
}

/* They are to be there because something is observed. */
static int hooks_want(void)
{
	if (!hooks_missing)
		return 0;
	if (!ms_param_observe || hooks_released || !capable(CAP_SYS_ADMIN))
		return hooks_missing == -EAGAIN ? -EOPNOTSUPP : hooks_missing;
	return hooks_set();
}

static void hooks_release(void)
{
	lockdep_assert_held(&ms_observing_mutex);
	if (hooks_missing)
		return;
	ms_hooks_clear();
	WRITE_ONCE(hooks_missing, -EBUSY);
	WRITE_ONCE(hooks_released, true);
	ms_find_on(false);
	/* Who is born unseen would be in none. */
	ms_jobs_forget();
	ms_observed_forget();
	if (nr_on)
		pr_notice("hooks are taken away: limits of %u groups are not enforced for programs that report nothing\n",
			  nr_on);
	ms_groups_tell_observed();
}

/**
 * ms_observing_hooks() - have the kernel hooked, or not any more
 * @on: whether
 *
 * Without hooks whatever is observed stays so in name, and nothing is known of it.
 *
 * Context: process; sleeps. Return: 0; -EPERM: it is the administrator's; -EOPNOTSUPP: this
 * kernel cannot be hooked, or the module was told not to; -EBUSY: another has hooked it.
 */
int ms_observing_hooks(bool on)
{
	int ret = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!ms_param_observe)
		return -EOPNOTSUPP;
	mutex_lock(&ms_observing_mutex);
	if (!on) {
		hooks_release();
	} else if (hooks_missing) {
		ret = hooks_set();
		if (!ret && nr_on)
			pr_notice("hooks are set: limits of %u groups are enforced\n", nr_on);
		ms_groups_tell_observed();
	}
	mutex_unlock(&ms_observing_mutex);
	return ret;
}

/**
 * ms_observing_show() - what is hooked, and what is not; a line each
 * @buf: a page
 *
 * Context: process; sleeps. Return: length.
 */
ssize_t ms_observing_show(char *buf)
{
	ssize_t n;

	mutex_lock(&ms_observing_mutex);
	n = ms_hooks_show(buf);
	mutex_unlock(&ms_observing_mutex);
	return n;
}

/* ---- what is asked of it --------------------------------------------------------------------- */

static int observing_set(struct ms_group *group, unsigned int why, bool on)
{
	unsigned int before = group->observed.why;
	unsigned int now = on ? before | why : before & ~why;
	int ret;

	lockdep_assert_held(&ms_observing_mutex);
	ret = on ? hooks_want() : 0;
	if (ret)
		return ret;
	if (test_bit(MS_GROUP_DEAD, &group->flags))
		return 0;
	WRITE_ONCE(group->observed.why, now);
	if (!before == !now)
		return 0;
	/* At the end it is none. */
	if (now || nr_on)
		WRITE_ONCE(nr_on, nr_on + (now ? 1 : -1));
	/*
	 * Who forks or moves from now on sees it, or is found: the list of processes is
	 * looked at after this, and they look after they are on it.
	 */
	smp_mb();
	ms_find_all();
	return 0;
}

/**
 * ms_observing_set() - observe a group, or do not, whatever its limit is
 * @group:	the group
 * @on:		whether
 *
 * When it returns all address spaces below the group are known, but for who grows all the time.
 *
 * Context: process; may sleep. Return: 0; -EOPNOTSUPP: this kernel cannot be hooked, or the
 * administrator does not want it; -EBUSY: another has hooked it, or the hooks have been taken
 * away; -ENOMEM.
 */
int ms_observing_set(struct ms_group *group, bool on)
{
	int ret;

	mutex_lock(&ms_observing_mutex);
	ret = observing_set(group, on ? MS_OBSERVED_ASKED : MS_OBSERVED_ALL, on);
	mutex_unlock(&ms_observing_mutex);
	return ret;
}

/**
 * ms_observing_limit() - set a group's limits, for any program
 * @group:	the group
 * @set:	which: MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_MAX
 * @high:	bytes or MEMSTATE_UNLIMITED
 * @max:	bytes or MEMSTATE_UNLIMITED
 * @reports:	no: for what is reported only
 *
 * As long as it has a max it is observed, where that can be done.
 *
 * Context: process; may sleep.
 */
void ms_observing_limit(struct ms_group *group, u32 set, u64 high, u64 max, bool reports)
{
	bool any = max != MEMSTATE_UNLIMITED && !reports;

	if (!(set & MEMSTATE_LIMIT_MAX)) {
		ms_limits_set(&group->limit, set, high, max);
		return;
	}
	mutex_lock(&ms_observing_mutex);
	if (any)
		observing_set(group, MS_OBSERVED_LIMIT, true);
	ms_limits_set(&group->limit, set, high, max);
	if (!any)
		observing_set(group, MS_OBSERVED_LIMIT, false);
	mutex_unlock(&ms_observing_mutex);
}

/**
 * ms_observing_commit() - set what may be committed in a group
 * @group:	the group
 * @max:	bytes or MEMSTATE_UNLIMITED
 *
 * As long as it has one it is observed.
 *
 * Context: process; may sleep. Return: 0; as ms_observing_set(), with nothing set.
 */
int ms_observing_commit(struct ms_group *group, u64 max)
{
	int ret = 0;

	mutex_lock(&ms_observing_mutex);
	if (max != MEMSTATE_UNLIMITED)
		ret = observing_set(group, MS_OBSERVED_COMMIT_MAX, true);
	if (!ret)
		ms_limits_set(&group->commit, MEMSTATE_LIMIT_MAX, 0, max);
	if (max == MEMSTATE_UNLIMITED)
		observing_set(group, MS_OBSERVED_COMMIT_MAX, false);
	mutex_unlock(&ms_observing_mutex);
	return ret;
}

/**
 * ms_observing_overcommit() - how much may be committed in a group
 * @group:	the group
 * @percent:	of its max, at least MS_OVERCOMMIT_NONE, at most MS_OVERCOMMIT_MOST
 *
 * Context: any.
 */
void ms_observing_overcommit(struct ms_group *group, u32 percent)
{
	WRITE_ONCE(group->observed.overcommit, percent);
}

/**
 * ms_observing_trust() - believe who reports, in a group and all below it, or do not
 * @group:	the group
 * @on:		whether
 *
 * Context: process; may sleep.
 */
void ms_observing_trust(struct ms_group *group, bool on)
{
	WRITE_ONCE(group->observed.trust, on);
	ms_observed_look_all(group);
}

/**
 * ms_observing_job() - the caller's process enters a job, which is observed from now on
 * @job:	the job, with its limits
 * @above:	below which that is
 * @fresh:	from ms_job_member_new(), and gone after that
 *
 * Context: process; may sleep. Return: 0; -EOPNOTSUPP: this kernel cannot be hooked, or the
 * administrator does not want it; -EBUSY: another has hooked it, or the hooks have been taken
 * away; -EAGAIN: the process is in another group now, or grows just now; -EXDEV: it is in a job
 * and not charged to it; -EALREADY: it has books; -EINTR: killed; -ENOMEM. On error nobody is
 * in the job, and @fresh is still there.
 */
int ms_observing_job(struct ms_group *job, const struct ms_group *above,
		     struct ms_job_member *fresh)
{
	int ret;

	if (mutex_lock_killable(&ms_observing_mutex))
		return -EINTR;
	/* Where there are jobs the hooks are there, or nobody sets them for one. */
	ret = !ms_param_jobs || hooks_missing == -EAGAIN ? -EOPNOTSUPP : hooks_missing;
	if (!ret)
		ret = ms_job_may_enter(above);
	if (!ret) {
		/* Before there is anybody to be seen; ms_observing_vanish() undoes it. */
		WRITE_ONCE(job->observed.why, MS_OBSERVED_ASKED);
		WRITE_ONCE(nr_on, nr_on + 1);
		ret = ms_find_enter(job, fresh);
	}
	mutex_unlock(&ms_observing_mutex);
	return ret;
}

/* Would that be tighter than it is? */
static bool is_tighter(const struct ms_group *job, const struct memstate_observe *w)
{
	if (w->set & MEMSTATE_OBSERVE_ON && !w->on)
		return false;
	if (w->set & MEMSTATE_OBSERVE_OVERCOMMIT && w->overcommit > job->observed.overcommit)
		return false;
	if (w->set & MEMSTATE_OBSERVE_TRUST && w->trust && !job->observed.trust)
		return false;
	return !(w->set & MEMSTATE_OBSERVE_COMMIT_MAX) ||
	       w->commit_max <= job->commit.core.max;
}

/**
 * ms_observing_tighten() - make tighter what is set of a job
 * @job:	the job
 * @w:		what OBSERVE sets, of which each value is in range
 *
 * Context: process; may sleep. Return: 0; -EPERM: that would not be tighter, and nothing is set.
 */
int ms_observing_tighten(struct ms_group *job, const struct memstate_observe *w)
{
	bool tighter;

	mutex_lock(&ms_observing_mutex);
	tighter = is_tighter(job, w);
	if (tighter && w->set & MEMSTATE_OBSERVE_COMMIT_MAX)
		ms_limits_set(&job->commit, MEMSTATE_LIMIT_MAX, 0, w->commit_max);
	if (tighter && w->set & MEMSTATE_OBSERVE_OVERCOMMIT)
		ms_observing_overcommit(job, w->overcommit);
	if (tighter && w->set & MEMSTATE_OBSERVE_TRUST)
		ms_observing_trust(job, w->trust);
	mutex_unlock(&ms_observing_mutex);
	return tighter ? 0 : -EPERM;
}

/**
 * ms_observing_found() - there is a new group, and those in it may be known as in one above
 * @group: the group
 *
 * Context: any.
 */
void ms_observing_found(struct ms_group *group)
{
	if (ms_group_observed(group))
		ms_find_soon();
}

/**
 * ms_observing_vanish() - a group goes, with nobody in it or below
 * @group: the group
 *
 * Context: process; may sleep.
 */
void ms_observing_vanish(struct ms_group *group)
{
	mutex_lock(&ms_observing_mutex);
	if (group->observed.why) {
		WRITE_ONCE(group->observed.why, 0);
		if (nr_on)
			WRITE_ONCE(nr_on, nr_on - 1);
	}
	mutex_unlock(&ms_observing_mutex);
}

/**
 * ms_observing_can() - can anything be observed?
 *
 * Context: any. Return: true if it can.
 */
bool ms_observing_can(void)
{
	int missing = READ_ONCE(hooks_missing);

	return !missing || missing == -EAGAIN;
}

/**
 * ms_observing_jobs() - can jobs be made?
 *
 * Context: any. Return: true if they can.
 */
bool ms_observing_jobs(void)
{
	return ms_param_jobs && ms_observing_enforced();
}

/**
 * ms_observing_enforced() - are limits enforced for what is observed?
 *
 * Context: any. Return: false: nothing is hooked.
 */
bool ms_observing_enforced(void)
{
	return !READ_ONCE(hooks_missing);
}

/**
 * ms_observing_init() - hook the kernel, if that is wanted and can be done
 *
 * Without it the module does all but observe. Where there are no jobs, only an administrator
 * has something observed, and the kernel is hooked when one does.
 *
 * Context: module init.
 */
void ms_observing_init(void)
{
	int ret = -EOPNOTSUPP;

	mutex_lock(&ms_observing_mutex);
	if (ms_param_observe)
		ret = ms_param_jobs ? hooks_set() : -EAGAIN;
	WRITE_ONCE(hooks_missing, ret);
	mutex_unlock(&ms_observing_mutex);
	if (ret && ret != -EAGAIN)
		pr_notice("programs that report nothing are not observed\n");
}

/**
 * ms_observing_exit() - observe nothing any more
 *
 * Context: module exit; nobody asks for anything any more.
 */
void ms_observing_exit(void)
{
	bool set;

	mutex_lock(&ms_observing_mutex);
	set = !hooks_missing;
	hooks_missing = -EOPNOTSUPP;
	/* A limit can still be written, and would have them set again. */
	hooks_released = true;
	WRITE_ONCE(nr_on, 0);
	mutex_unlock(&ms_observing_mutex);
	if (set)
		ms_hooks_clear();
	/* And would have processes found. */
	ms_find_on(false);
	ms_find_exit();
	ms_jobs_forget();
	ms_observed_forget();
}
