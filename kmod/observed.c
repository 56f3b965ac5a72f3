// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "core/observe.h"
#include "group.h"
#include "hooks.h"
#include "observed.h"
#include "params.h"
#include "trace.h"

#define TABLE_BITS	10

/* Others are looked at before a refusal; not more of them, as the caller is not preempted. */
#define SETTLE_MOST	256
/* Soon after the last time only so many, and only right in the group. */
#define SETTLE_TICKS	max(1UL, msecs_to_jiffies(10))
#define SETTLE_FEW	8

/* How often all processes are gone through if one could not be looked at, and when again. */
#define FIND_ROUNDS	10
#define FIND_TICKS	max(1UL, msecs_to_jiffies(20))

/**
 * struct ms_observed - an address space that reports nothing
 * @node:	in its bucket; RCU
 * @member:	in its group's members; RCU
 * @mm:		the space, held
 * @group:	its group, with a use of it
 * @rcu:	whoever finds it that way may be looking at it
 * @lock:	protects all below
 * @core:	its state
 * @data_vm:	bytes, at the last look
 * @gone:	it is charged nothing any more, and another may be in its place
 * @reports:	it has books of its own
 * @forked:	others may have inherited from it
 * @parent:	from whom it has inherited; only compared
 */
struct ms_observed {
	struct hlist_node node;
	struct list_head member;
	struct mm_struct *mm;
	struct ms_group *group;
	struct rcu_head rcu;

	spinlock_t lock;
	struct ms_observe core;
	u64 data_vm;
	bool gone;
	bool reports;
	bool forked;
	const struct ms_observed *parent;
};

static struct observed_bucket {
	spinlock_t lock;
	struct hlist_head spaces;
} observed_table[1 << TABLE_BITS] = {
	[0 ... (1 << TABLE_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(observed_table.lock),
		.spaces = HLIST_HEAD_INIT,
	},
};

static DEFINE_MUTEX(ms_observe_mutex);
static DEFINE_SPINLOCK(above_max);
/* Under ms_observe_mutex, read anywhere. */
static int hooks_missing = -EOPNOTSUPP;	/* 0: they are set */
static unsigned int nr_on;		/* groups that are observed */

static struct workqueue_struct *observed_wq;

static void find_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(observed_find_work, find_work);

/* In a moment go through all processes. */
static void find_soon(unsigned long ticks)
{
	queue_delayed_work(observed_wq, &observed_find_work, ticks);
}

static struct observed_bucket *bucket_of(const struct mm_struct *mm)
{
	return &observed_table[hash_ptr(mm, TABLE_BITS)];
}

/* Under RCU. */
static struct ms_observed *observed_of(const struct mm_struct *mm)
{
	struct ms_observed *o;

	hlist_for_each_entry_rcu(o, &bucket_of(mm)->spaces, node)
		if (o->mm == mm)
			return o;
	return NULL;
}

static bool group_on(const struct ms_group *group)
{
	for (; group; group = group->parent)
		if (READ_ONCE(group->observed.on))
			return true;
	return false;
}

/* ---- sums ------------------------------------------------------------------------ */

static void sums_add(struct ms_group *group, s64 pending, s64 arena)
{
	if (!pending && !arena)
		return;
	for (; group; group = group->parent) {
		if (pending)
			atomic64_add(pending, &group->observed.pending);
		if (arena)
			atomic64_add(arena, &group->observed.arena);
	}
}

/* Its state was @before and is another: what is charged follows. */
static void observed_changed(struct ms_observed *o, const struct ms_observe *before)
{
	u64 was = ms_observe_charge(before), is = ms_observe_charge(&o->core);

	lockdep_assert_held(&o->lock);
	sums_add(o->group, o->core.pending - before->pending,
		 o->core.arena - before->arena);
	if (is > was)
		ms_limits_force(&o->group->limit, is - was);
	else
		ms_limits_uncharge(&o->group->limit, was - is);
}

static u64 mm_data(const struct mm_struct *mm)
{
	/* data_race: a munmap may end with the mmap_lock held for reading; one page or another. */
	return (u64)data_race(READ_ONCE(mm->data_vm)) << PAGE_SHIFT;
}

/* Its mmap_lock is held, so that no growth is under way. */
static void observed_look(struct ms_observed *o, bool exact)
{
	struct ms_observe before = o->core;

	lockdep_assert_held(&o->lock);
	if (o->gone || o->reports)
		return;
	o->data_vm = mm_data(o->mm);
	ms_observe_look(&o->core, o->data_vm, ms_mm_backed(o->mm, exact));
	observed_changed(o, &before);
}

/* Another's, if it does not grow just now. As long as it is not gone the mm is there. */
static void observed_look_at(struct ms_observed *o, bool exact)
{
	spin_lock(&o->lock);
	if (!o->gone && mmap_read_trylock(o->mm)) {
		observed_look(o, exact);
		mmap_read_unlock(o->mm);
	}
	spin_unlock(&o->lock);
}

/* ---- birth and death ----------------------------------------------------------------- */

/* A space, its state still empty; takes over the use of the group. */
static struct ms_observed *observed_new(struct mm_struct *mm, struct ms_group *group)
{
	struct ms_observed *o = kzalloc(sizeof(*o), GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN);

	if (!o) {
		/* The worker will find it, when there is memory again. */
		find_soon(FIND_TICKS);
		return NULL;
	}
	mmgrab(mm);
	o->mm = mm;
	o->group = group;
	spin_lock_init(&o->lock);
	return o;
}

static void observed_free(struct ms_observed *o)
{
	ms_group_put(o->group);
	mmdrop(o->mm);
	kfree_rcu(o, rcu);
}

/* Into the table and its group; false: there is one already. Its lock is held. */
static bool observed_list(struct ms_observed *o)
{
	struct observed_bucket *b = bucket_of(o->mm);
	bool first;

	spin_lock(&b->lock);
	first = !observed_of(o->mm);
	if (first)
		hlist_add_head_rcu(&o->node, &b->spaces);
	spin_unlock(&b->lock);
	if (!first)
		return false;
	spin_lock(&o->group->observed.lock);
	list_add_tail_rcu(&o->member, &o->group->observed.members);
	spin_unlock(&o->group->observed.lock);
	return true;
}

/* Whoever has forked ends, or goes elsewhere: one who has inherited pays for it now. */
static void observed_heir(struct ms_observed *o, u64 own)
{
	struct ms_observed *child;

	list_for_each_entry_rcu(child, &o->group->observed.members, member) {
		struct ms_observe before;

		if (READ_ONCE(child->parent) != o || child == o)
			continue;
		spin_lock(&child->lock);
		child->parent = NULL;
		before = child->core;
		own -= ms_observe_heir(&child->core, own);
		observed_changed(child, &before);
		spin_unlock(&child->lock);
	}
}

/* Charged nothing any more. False: another was faster. */
static bool observed_close(struct ms_observed *o)
{
	struct ms_observe before, last;
	bool forked;

	spin_lock(&o->lock);
	if (o->gone) {
		spin_unlock(&o->lock);
		return false;
	}
	before = o->core;
	last = o->core;
	ms_observe_look(&last, mm_data(o->mm), ms_mm_backed(o->mm, true));
	memset(&o->core, 0, sizeof(o->core));
	observed_changed(o, &before);
	o->gone = true;
	forked = o->forked;
	spin_lock(&o->group->observed.lock);
	list_del_rcu(&o->member);
	spin_unlock(&o->group->observed.lock);
	spin_unlock(&o->lock);
	if (forked)
		observed_heir(o, ms_observe_own(&last));
	return true;
}

static void observed_end(struct ms_observed *o)
{
	struct observed_bucket *b = bucket_of(o->mm);

	if (!observed_close(o))
		return;
	spin_lock(&b->lock);
	hlist_del_rcu(&o->node);
	spin_unlock(&b->lock);
	observed_free(o);
}

static bool group_full(struct ms_group *group)
{
	for (; group; group = group->parent) {
		struct ms_observe_level level = {
			.max = READ_ONCE(group->limit.core.max),
			.charged = ms_limits_charged(&group->limit),
		};

		if (ms_observe_full(&level))
			return true;
	}
	return false;
}

enum birth {
	BORN_FORK,
	BORN_EXEC,
	BORN_FOUND,
};

/* A mm is known from now on. Under RCU; takes over the use of the group. */
static void observed_begin(struct mm_struct *mm, struct ms_group *group, enum birth birth,
			   struct ms_observed *parent)
{
	const struct ms_observe nothing = {};
	struct ms_observed *o = observed_new(mm, group);
	u64 backed;

	if (!o) {
		ms_group_put(group);
		return;
	}
	o->data_vm = mm_data(mm);
	backed = ms_mm_backed(mm, birth == BORN_FOUND);
	spin_lock(&o->lock);
	if (!observed_list(o)) {
		spin_unlock(&o->lock);
		observed_free(o);
		return;
	}
	if (birth == BORN_FORK)
		ms_observe_fork(&o->core, o->data_vm, backed);
	else
		ms_observe_begin(&o->core, o->data_vm, backed,
				 birth == BORN_EXEC && group_full(group));
	if (parent && parent->group == group) {
		o->parent = parent;
		WRITE_ONCE(parent->forked, true);
	}
	observed_changed(o, &nothing);
	spin_unlock(&o->lock);
}

/* A mm is known, and its process is in another group now; takes over the use of that. */
static void observed_move(struct ms_observed *o, struct ms_group *group)
{
	struct observed_bucket *b = bucket_of(o->mm);
	struct ms_observed *n = observed_new(o->mm, group);
	const struct ms_observe nothing = {};

	if (!n) {
		ms_group_put(group);
		return;
	}
	spin_lock(&o->lock);
	n->core = o->core;
	n->data_vm = o->data_vm;
	n->reports = o->reports;
	spin_unlock(&o->lock);
	if (!observed_close(o)) {
		observed_free(n);
		return;
	}
	spin_lock(&n->lock);
	spin_lock(&b->lock);
	hlist_replace_rcu(&o->node, &n->node);
	spin_unlock(&b->lock);
	spin_lock(&group->observed.lock);
	list_add_tail_rcu(&n->member, &group->observed.members);
	spin_unlock(&group->observed.lock);
	observed_changed(n, &nothing);
	spin_unlock(&n->lock);
	observed_free(o);
}

/* ---- growth ---------------------------------------------------------------------------- */

/* What a limit says about a growth. */
static bool level_fits(const struct ms_observed *o, const struct ms_growth *g,
		       struct ms_group *group)
{
	struct ms_observe_level level = {
		.max = READ_ONCE(group->limit.core.max),
		.overcommit = READ_ONCE(group->observed.overcommit),
		.charged = ms_limits_charged(&group->limit),
		.pending = max(atomic64_read(&group->observed.pending), 0LL),
		.arena = max(atomic64_read(&group->observed.arena), 0LL),
	};

	return ms_observe_fits(&o->core, g, &level);
}

/* The lowest group that refuses, or NULL. */
static struct ms_group *fits_not(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group = o->group;

	while (group && level_fits(o, g, group))
		group = group->parent;
	return group;
}

/* May it be charged above some max? */
static bool may_pass(const struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *group;

	for (group = o->group; group; group = group->parent) {
		u64 max = READ_ONCE(group->limit.core.max);

		if (ms_observe_top(&o->core, g, max, READ_ONCE(group->observed.overcommit)) > max)
			return true;
	}
	return false;
}

/* Charge what a growth asks for, or say which group refuses. */
static struct ms_group *growth_charge(struct ms_observed *o, const struct ms_growth *g)
{
	struct ms_group *no = fits_not(o, g);
	struct ms_level *refused;

	if (no || !g->ask)
		return no;
	if (!may_pass(o, g))
		return ms_limits_charge(&o->group->limit, g->ask, &refused) ?
			       NULL : container_of(refused, struct ms_group, limit);
	spin_lock(&above_max);
	no = fits_not(o, g);
	if (!no)
		ms_limits_force(&o->group->limit, g->ask);
	spin_unlock(&above_max);
	return no;
}

/* Look at the space, and try. NULL: granted, or it is not to be asked. */
static struct ms_group *growth_try(struct ms_observed *o, struct ms_growth *g, bool exact)
{
	u64 room = ms_limits_room(&o->group->limit), high, max;
	struct ms_group *no;
	u32 pressure;

	lockdep_assert_held(&o->lock);
	if (o->gone || o->reports)
		return NULL;
	exact = exact || (room != MEMSTATE_UNLIMITED &&
			  room < g->bytes + ms_mm_slack(o->mm) + MS_LAST_ROOM);
	observed_look(o, exact);
	ms_limit_lowest(&o->group->limit.core, &high, &max, &pressure);
	ms_observe_ask(&o->core, g, max);
	no = growth_charge(o, g);
	if (no)
		return no;
	ms_observe_grant(&o->core, g);
	o->data_vm += g->bytes;
	sums_add(o->group, g->ask, g->arena);
	return NULL;
}

static bool group_below(const struct ms_group *group, const struct ms_group *top)
{
	while (group && group != top)
		group = group->parent;
	return group;
}

/* Look at those right in a group, @most of them at the most. Return: how many are left. */
static unsigned int settle_members(struct ms_group *group, unsigned int most)
{
	struct ms_observed *o;

	list_for_each_entry_rcu(o, &group->observed.members, member) {
		if (!most)
			break;
		observed_look_at(o, true);
		most--;
	}
	return most;
}

/*
 * Look at those below a group, whose memory may have gone unseen. So that a refusal does not
 * cost more where there are more of them, not at all of them each time.
 */
static void settle(struct ms_group *top)
{
	unsigned long id = 0, now = jiffies, settled = READ_ONCE(top->observed.settled);
	unsigned int most = SETTLE_MOST;
	struct ms_group *group;

	if ((settled && time_before(now, settled + SETTLE_TICKS)) ||
	    cmpxchg(&top->observed.settled, settled, now ?: 1) != settled) {
		settle_members(top, SETTLE_FEW);
		return;
	}
	while (most && (group = ms_group_after(&id)))
		if (group_below(group, top))
			most = settle_members(group, most);
}

static void refused(struct ms_observed *o, struct ms_group *group, const struct ms_growth *g)
{
	ms_group_event(group, MEMSTATE_EVENT_DENIED);
	trace_memstate_refuse(current, group->id, g->bytes, ms_limits_charged(&group->limit),
			      atomic64_read(&group->observed.pending));
}

static bool hook_grow(struct mm_struct *mm, struct ms_growth *g)
{
	struct ms_observed *o;
	struct ms_group *no = NULL;

	rcu_read_lock();
	o = observed_of(mm);
	if (o) {
		spin_lock(&o->lock);
		no = growth_try(o, g, false);
		spin_unlock(&o->lock);
		if (no) {
			settle(no);
			spin_lock(&o->lock);
			no = growth_try(o, g, true);
			spin_unlock(&o->lock);
		}
		if (no)
			refused(o, no, g);
	}
	rcu_read_unlock();
	return !no;
}

/* ---- the other hooks --------------------------------------------------------------------- */

static bool hook_knows(struct mm_struct *mm)
{
	struct ms_observed *o;
	bool known;

	if (!READ_ONCE(nr_on))
		return false;
	rcu_read_lock();
	o = observed_of(mm);
	/* A new image, by its first mapping. */
	if (!o && current->in_execve && mm == current->mm) {
		struct ms_group *group = ms_group_near(task_dfl_cgroup(current));

		if (group_on(group))
			observed_begin(mm, group, BORN_EXEC, NULL);
		else
			ms_group_put(group);
		o = observed_of(mm);
	}
	known = o && !READ_ONCE(o->reports);
	rcu_read_unlock();
	return known;
}

static bool hook_give(struct mm_struct *mm)
{
	struct ms_observed *o;
	bool drop = false;
	u64 high, max;
	u32 pressure;

	rcu_read_lock();
	o = observed_of(mm);
	if (o) {
		observed_look_at(o, false);
		/* As long as there is room it may as well stay, as the program wishes. */
		ms_limit_lowest(&o->group->limit.core, &high, &max, &pressure);
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
	o = observed_of(mm);
	if (o)
		observed_end(o);
	rcu_read_unlock();
}

static void hook_fork(struct task_struct *parent, struct task_struct *child)
{
	struct ms_group *group;

	if (!READ_ONCE(nr_on))
		return;
	rcu_read_lock();
	group = ms_group_near(task_dfl_cgroup(child));
	if (group_on(group))
		observed_begin(child->mm, group, BORN_FORK,
			       parent->mm ? observed_of(parent->mm) : NULL);
	else
		ms_group_put(group);
	rcu_read_unlock();
}

static void hook_move(struct task_struct *task, struct cgroup *to)
{
	if (READ_ONCE(nr_on))
		find_soon(0);
}

static const struct ms_hooks_user hooks_user = {
	.knows = hook_knows,
	.grow = hook_grow,
	.give = hook_give,
	.end = hook_end,
	.fork = hook_fork,
	.move = hook_move,
};

/* ---- who is there already ------------------------------------------------------------------ */

/* One process; false: it could not be looked at now. Under RCU. */
static bool find_one(struct task_struct *task)
{
	struct mm_struct *mm = get_task_mm(task);
	struct ms_observed *o;
	struct ms_group *group;
	bool done = true, on;

	if (!mm)
		return true;
	group = ms_group_near(task_dfl_cgroup(task));
	on = group_on(group);
	o = observed_of(mm);
	if (o ? o->group == group && on : !on)
		goto out;
	/* So that no growth is under way. */
	done = mmap_read_trylock(mm);
	if (!done)
		goto out;
	if (!o) {
		observed_begin(mm, group, BORN_FOUND, NULL);
		group = NULL;
	} else if (on) {
		observed_move(o, group);
		group = NULL;
	} else {
		observed_end(o);
	}
	mmap_read_unlock(mm);
out:
	if (group)
		ms_group_put(group);
	mmput_async(mm);
	return done;
}

/* All processes that should be known are, and no others. */
static void find_all(void)
{
	struct task_struct *process, *thread;
	unsigned int rounds;
	bool done = false;

	for (rounds = 0; rounds < FIND_ROUNDS && !done; rounds++) {
		done = true;
		rcu_read_lock();
		for_each_process(process)
			/* A leader that has exited has no mm; its threads do. */
			for_each_thread(process, thread)
				if (READ_ONCE(thread->mm)) {
					if (!(thread->flags & PF_KTHREAD))
						done &= find_one(thread);
					break;
				}
		rcu_read_unlock();
		cond_resched();
	}
	if (!done)
		find_soon(FIND_TICKS);
}

static void find_work(struct work_struct *work)
{
	mutex_lock(&ms_observe_mutex);
	find_all();
	mutex_unlock(&ms_observe_mutex);
}

/* ---- what is asked of it --------------------------------------------------------------------- */

/**
 * ms_observed_set() - observe a group, or do not
 * @group:	the group
 * @on:		whether
 *
 * When it returns all address spaces below the group are known, but for who grows all the time.
 *
 * Context: process; may sleep. Return: 0; -EOPNOTSUPP: this kernel cannot be hooked, or the
 * administrator does not want it; -EBUSY: another has hooked it; -ENOMEM.
 */
int ms_observed_set(struct ms_group *group, bool on)
{
	int ret = 0;

	mutex_lock(&ms_observe_mutex);
	if (on)
		ret = hooks_missing;
	if (ret || on == group->observed.on || test_bit(MS_GROUP_DEAD, &group->flags))
		goto out;
	WRITE_ONCE(group->observed.on, on);
	WRITE_ONCE(nr_on, nr_on + (on ? 1 : -1));
	/*
	 * Who forks or moves from now on sees it, or is found: the list of processes is
	 * looked at after this, and they look after they are on it.
	 */
	smp_mb();
	find_all();
out:
	mutex_unlock(&ms_observe_mutex);
	return ret;
}

/**
 * ms_observed_overcommit() - how much may be committed in a group
 * @group:	the group
 * @percent:	of its max, at least MS_OVERCOMMIT_NONE, at most MS_OVERCOMMIT_MOST
 *
 * Context: any.
 */
void ms_observed_overcommit(struct ms_group *group, u32 percent)
{
	WRITE_ONCE(group->observed.overcommit, percent);
}

/**
 * ms_observed_read() - what is observed below a group
 * @group:	the group
 * @out:	where to put it: all that is out, and state and overcommit
 *
 * Each address space is looked at, exactly, unless it grows just then.
 *
 * Context: process.
 */
void ms_observed_read(struct ms_group *group, struct memstate_observe *out)
{
	struct ms_observed *o;
	struct ms_group *below;
	unsigned long id = 0;
	u64 charged, max;

	out->on = group_on(group);
	out->overcommit = READ_ONCE(group->observed.overcommit);
	out->spaces = 0;
	out->commit = 0;
	out->backed = 0;
	out->inherited = 0;
	out->pending = 0;
	rcu_read_lock();
	while ((below = ms_group_after(&id))) {
		if (!group_below(below, group))
			continue;
		list_for_each_entry_rcu(o, &below->observed.members, member) {
			observed_look_at(o, true);
			spin_lock(&o->lock);
			if (!o->gone && !o->reports) {
				out->spaces++;
				out->commit += o->data_vm;
				out->backed += o->core.backed;
				out->inherited += o->core.inherited;
				out->pending += o->core.pending;
			}
			spin_unlock(&o->lock);
		}
	}
	rcu_read_unlock();
	max = READ_ONCE(group->limit.core.max);
	charged = ms_limits_charged(&group->limit);
	out->breached = charged > max ? charged - max : 0;
}

/**
 * ms_observed_reports() - an address space has books of its own, or has none any more
 * @mm:		the space
 * @reports:	whether
 *
 * Context: any that may be preempted.
 */
void ms_observed_reports(struct mm_struct *mm, bool reports)
{
	struct ms_observe before;
	struct ms_observed *o;

	rcu_read_lock();
	o = observed_of(mm);
	if (o) {
		spin_lock(&o->lock);
		if (!o->gone && o->reports != reports) {
			before = o->core;
			if (reports)
				memset(&o->core, 0, sizeof(o->core));
			else
				ms_observe_begin(&o->core, mm_data(mm),
						 ms_mm_backed(mm, true), false);
			observed_changed(o, &before);
			WRITE_ONCE(o->reports, reports);
		}
		spin_unlock(&o->lock);
	}
	rcu_read_unlock();
}

/**
 * ms_observed_found() - there is a new group, and those in it may be known as in one above
 * @group: the group
 *
 * Context: any.
 */
void ms_observed_found(struct ms_group *group)
{
	if (group_on(group))
		find_soon(0);
}

/**
 * ms_observed_vanish() - a group goes, with nobody in it or below
 * @group: the group
 *
 * Context: process; may sleep.
 */
void ms_observed_vanish(struct ms_group *group)
{
	mutex_lock(&ms_observe_mutex);
	if (group->observed.on) {
		WRITE_ONCE(group->observed.on, false);
		WRITE_ONCE(nr_on, nr_on - 1);
	}
	mutex_unlock(&ms_observe_mutex);
}

/**
 * ms_observed_can() - can anything be observed?
 *
 * Context: any. Return: true if it can.
 */
bool ms_observed_can(void)
{
	return !READ_ONCE(hooks_missing);
}

/**
 * ms_observed_init() - hook the kernel, if that is wanted and can be done
 *
 * Without it the module does all but observe.
 *
 * Context: module init.
 */
void ms_observed_init(void)
{
	int ret = -EOPNOTSUPP;

	if (ms_param_observe) {
		observed_wq = alloc_workqueue("memstate_observed", WQ_UNBOUND, 0);
		ret = observed_wq ? ms_hooks_set(&hooks_user) : -ENOMEM;
	}
	mutex_lock(&ms_observe_mutex);
	hooks_missing = ret;
	mutex_unlock(&ms_observe_mutex);
	if (ret)
		pr_notice("programs that report nothing are not observed\n");
}

/**
 * ms_observed_exit() - forget all address spaces
 *
 * Context: module exit; nobody asks for anything any more.
 */
void ms_observed_exit(void)
{
	struct ms_observed *o;
	unsigned int i;

	bool set;

	mutex_lock(&ms_observe_mutex);
	set = !hooks_missing;
	hooks_missing = -EOPNOTSUPP;
	WRITE_ONCE(nr_on, 0);
	mutex_unlock(&ms_observe_mutex);
	if (set)
		ms_hooks_clear();
	cancel_delayed_work_sync(&observed_find_work);
	if (observed_wq)
		destroy_workqueue(observed_wq);
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(observed_table); i++)
		hlist_for_each_entry_rcu(o, &observed_table[i].spaces, node)
			observed_end(o);
	rcu_read_unlock();
}
