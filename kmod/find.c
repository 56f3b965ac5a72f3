// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "find.h"
#include "group.h"
#include "job.h"
#include "life.h"
#include "observed.h"
#include "params.h"

/* How often all processes are gone through at once if one could not be looked at. */
#define FIND_ROUNDS	10
/* When a worker does so again, and longer each time that it is in vain: who grows may be stuck. */
#define FIND_TICKS	max(1UL, msecs_to_jiffies(20))
#define FIND_TICKS_MOST	(5UL * HZ)
/* It rests so many times as long as it took. */
#define FIND_RESTS	4

static struct workqueue_struct *find_wq;

/* One at a time goes through the processes, if it is on. */
static DEFINE_MUTEX(find_mutex);
static bool find_is_on;
static unsigned long find_ticks;	/* when it is next tried, if it was in vain */
static unsigned long find_rested;	/* until then the worker rests, in jiffies */

/**
 * ms_find_on() - are processes to be found?
 * @on: whether; if not, none is any more when it returns
 *
 * Context: process; may sleep.
 */
void ms_find_on(bool on)
{
	mutex_lock(&find_mutex);
	find_is_on = on;
	mutex_unlock(&find_mutex);
}

static void find_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(find_later, find_work);

/* One process; false: it could not be looked at now. Under RCU. */
static bool find_one(struct task_struct *task)
{
	struct mm_struct *mm = get_task_mm(task);
	struct ms_observed *o;
	struct ms_group *group;
	bool done = true, on;
	enum ms_birth birth;

	if (!mm)
		return true;
	group = ms_job_near(ms_job_owner(mm, task));
	on = ms_group_observed(group);
	o = ms_observed_of(mm);
	if (o ? o->group == group && on : !on)
		goto out;
	/* So that no growth is under way. */
	done = mmap_read_trylock(mm);
	if (!done)
		goto out;
	if (!o) {
		/* Found before its first mapping, it is a new image as any other. */
		birth = data_race(task->in_execve != 0) ? MS_BORN_EXEC : MS_BORN_FOUND;
		done = ms_observed_begin(mm, group, birth, NULL);
		group = NULL;
	} else if (on) {
		done = ms_observed_move(o, group);
		group = NULL;
	} else {
		ms_observed_end(o);
	}
	mmap_read_unlock(mm);
out:
	if (group)
		ms_group_put(group);
	mmput_async(mm);
	return done;
}

/* The processes from a number on, as many as in one go. Return: where to go on; 0: at the end. */
static int find_batch(int nr, bool *done)
{
	unsigned int most = READ_ONCE(ms_param_observe_batch);
	struct task_struct *process, *thread;
	struct pid *pid = NULL;

	rcu_read_lock();
	while (most-- && (pid = find_ge_pid(nr, &init_pid_ns))) {
		nr = pid_nr(pid) + 1;
		process = pid_task(pid, PIDTYPE_TGID);
		if (!process || process->flags & PF_KTHREAD)
			continue;
		/*
		 * A leader that has exited has no mm; its threads do. Who is about to exit may be
		 * in no job any more, though others who have the mm are.
		 */
		for_each_thread(process, thread)
			if (READ_ONCE(thread->mm) &&
			    !(READ_ONCE(thread->flags) & PF_EXITING)) {
				*done &= find_one(thread);
				break;
			}
	}
	rcu_read_unlock();
	cond_resched();
	return pid ? nr : 0;
}

/* All of them, so often at the most. */
static void find_rounds(unsigned int rounds)
{
	unsigned long began = jiffies;
	bool done = false;
	int nr;

	lockdep_assert_held(&find_mutex);
	while (find_is_on && rounds-- && !done && !fatal_signal_pending(current)) {
		done = true;
		nr = 1;
		do {
			nr = find_batch(nr, &done);
		} while (nr && !fatal_signal_pending(current));
		done &= !nr;
	}
	WRITE_ONCE(find_rested, jiffies + FIND_RESTS * (jiffies - began));
	find_ticks = done ? FIND_TICKS : min(2 * find_ticks, FIND_TICKS_MOST);
	if (find_is_on && !done)
		queue_delayed_work(find_wq, &find_later, find_ticks);
}

/**
 * ms_find_all() - all processes that should be known are, and no others
 *
 * But for who grows all the time, or if the caller is killed: a worker comes to these.
 *
 * Context: process; may sleep.
 */
void ms_find_all(void)
{
	mutex_lock(&find_mutex);
	find_ticks = FIND_TICKS;
	find_rounds(FIND_ROUNDS);
	mutex_unlock(&find_mutex);
}

/* The caller's own address space is charged to a job from now on. Its mmap_lock is held. */
static int find_take(struct mm_struct *mm, struct ms_group *job)
{
	struct ms_observed *o;
	int ret = 0;

	/* None begin as long as that is held. */
	if (ms_task_limit_of(mm))
		return -EALREADY;
	refcount_inc(&job->users);
	rcu_read_lock();
	o = ms_observed_of(mm);
	if (!(o ? ms_observed_move(o, job) : ms_observed_begin(mm, job, MS_BORN_FOUND, NULL)))
		ret = -ENOMEM;
	rcu_read_unlock();
	return ret;
}

/**
 * ms_find_enter() - the caller's process is in a job from now on, and charged to it
 * @job:	the job, below the one that he is in
 * @fresh:	from ms_job_member_new(), and gone after that
 *
 * Its address space is, if that is its own.
 *
 * Context: process; may sleep. Return: 0; -EALREADY: the space has books; -EAGAIN: it grows just
 * now; -EINTR: killed; -ENOMEM. On error nothing has changed, and @fresh is still there.
 */
int ms_find_enter(struct ms_group *job, struct ms_job_member *fresh)
{
	struct mm_struct *mm = current->mm;
	int ret = -EAGAIN;
	bool own;

	/* So that nobody finds the space who does not know yet that the process is in the job. */
	if (mutex_lock_killable(&find_mutex))
		return -EINTR;
	if (mmap_read_trylock(mm)) {
		rcu_read_lock();
		own = same_thread_group(ms_job_owner(mm, current), current);
		rcu_read_unlock();
		ret = own ? find_take(mm, job) : 0;
		if (!ret)
			ms_job_enter(job, fresh);
		mmap_read_unlock(mm);
	}
	mutex_unlock(&find_mutex);
	return ret;
}

static void find_work(struct work_struct *work)
{
	mutex_lock(&find_mutex);
	find_rounds(1);
	mutex_unlock(&find_mutex);
}

/**
 * ms_find_soon() - have a worker go through all processes
 *
 * At once, unless it has just done so: whoever moves to and fro is not to keep it busy.
 *
 * Context: any, also with interrupts off.
 */
void ms_find_soon(void)
{
	unsigned long rested = READ_ONCE(find_rested), now = jiffies;

	mod_delayed_work(find_wq, &find_later, time_after(rested, now) ? rested - now : 0);
}

/**
 * ms_find_later() - likewise, when there may be memory again
 *
 * Context: as above.
 */
void ms_find_later(void)
{
	queue_delayed_work(find_wq, &find_later, FIND_TICKS);
}

/**
 * ms_find_init() - be ready to go through processes
 *
 * Context: process; one at a time. If it is ready already, nothing is done. Return: 0; -ENOMEM.
 */
int ms_find_init(void)
{
	if (find_wq)
		return 0;
	find_ticks = FIND_TICKS;
	find_rested = jiffies;
	find_wq = alloc_workqueue("memstate_find", WQ_UNBOUND, 0);
	return find_wq ? 0 : -ENOMEM;
}

/**
 * ms_find_exit() - go through none any more
 *
 * Context: module exit, or after ms_find_init() has failed; nobody asks for it any more, and it
 * is not on.
 */
void ms_find_exit(void)
{
	if (!find_wq)
		return;
	cancel_delayed_work_sync(&find_later);
	destroy_workqueue(find_wq);
	find_wq = NULL;
}
