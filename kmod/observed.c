// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "commit.h"
#include "compat.h"
#include "copies.h"
#include "job.h"
#include "life.h"
#include "mappings.h"
#include "observed.h"
#include "task.h"

#define TABLE_BITS	10

/* Where less is given back at once nobody waits for it. */
#define SHRUNK		((s64)1 << 20)

static struct observed_bucket {
	spinlock_t lock;
	struct hlist_head spaces;
} observed_table[1 << TABLE_BITS] = {
	[0 ... (1 << TABLE_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(observed_table.lock),
		.spaces = HLIST_HEAD_INIT,
	},
};

static struct observed_bucket *bucket_of(const struct mm_struct *mm)
{
	return &observed_table[hash_ptr(mm, TABLE_BITS)];
}

/**
 * ms_observed_of() - what is known of an address space
 * @mm: the space
 *
 * Context: any; RCU read lock held, as long as it is used. Return: the object, or NULL.
 */
struct ms_observed *ms_observed_of(const struct mm_struct *mm)
{
	struct ms_observed *o;

	hlist_for_each_entry_rcu(o, &bucket_of(mm)->spaces, node)
		if (o->mm == mm)
			return o;
	return NULL;
}

/* ---- what follows from its state ------------------------------------------------- */

/* What one adds to the sums of its groups. */
static void sums_of(const struct ms_observed *o, s64 sums[MS_OBSERVED_SUMS])
{
	bool is = !o->gone && !o->books;

	sums[MS_OBSERVED_KNOWN] = !o->gone;
	sums[MS_OBSERVED_SPACES] = is;
	sums[MS_OBSERVED_COMMIT] = is ? o->data_vm : 0;
	sums[MS_OBSERVED_BACKED] = is ? o->core.backed : 0;
	sums[MS_OBSERVED_INHERITED] = is ? o->core.inherited : 0;
	sums[MS_OBSERVED_PENDING] = is ? o->core.pending : 0;
	sums[MS_OBSERVED_ARENA] = o->core.arena;
	sums[MS_OBSERVED_SHARED] = o->gone ? 0 : o->shared;
}

/* Its pages may still be on their way to the kernel. */
static void has_shrunk(struct ms_group *group)
{
	for (; group; group = group->parent)
		WRITE_ONCE(group->observed.shrunk, jiffies ?: 1);
}

static void sums_follow(struct ms_observed *o)
{
	s64 now[MS_OBSERVED_SUMS], differ = 0;
	struct ms_group *group;
	int i;

	sums_of(o, now);
	/* Each growth comes by here, and most change nothing. */
#pragma GCC unroll 8
	for (i = 0; i < MS_OBSERVED_SUMS; i++)
		differ |= now[i] ^ o->sums[i];
	if (likely(!differ))
		return;
	for (i = 0; i < MS_OBSERVED_SUMS; i++) {
		s64 change = now[i] - o->sums[i];

		if (!change)
			continue;
		for (group = o->group; group; group = group->parent)
			atomic64_add(change, &group->observed.sums[i]);
		if (i == MS_OBSERVED_BACKED && change <= -SHRUNK)
			has_shrunk(o->group);
		o->sums[i] = now[i];
	}
}

/* What is charged beyond what its books are, from the lowest group on that does not trust these. */
static void excess_add(struct ms_group *group, s64 bytes)
{
	for (; group; group = group->parent)
		atomic64_add(bytes, &group->observed.excess);
}

/* The lowest group that does not trust who reports, or NULL. */
static struct ms_group *group_wary(struct ms_group *group)
{
	struct ms_group *wary = group;

	for (; group; group = group->parent)
		if (READ_ONCE(group->observed.trust))
			wary = group->parent;
	return wary;
}

/* Whatever it is charged elsewhere it is charged no more. */
static void charge_leave(struct ms_observed *o)
{
	if (!o->at)
		return;
	if (o->books)
		excess_add(o->at, -(s64)o->charged);
	ms_limits_uncharge(&o->at->limit, o->charged);
	o->charged = 0;
	WRITE_ONCE(o->at, NULL);
}

/* What it is to be charged, beyond what its books are. */
static u64 observed_owes(const struct ms_observed *o)
{
	u64 bytes = ms_observe_charge(&o->core);

	return o->books ? bytes - min(bytes, ms_limits_charged(o->books)) : bytes;
}

/**
 * ms_observed_follow() - its state has changed: what is charged follows, and the sums do
 * @o: the space
 *
 * Context: its lock.
 */
void ms_observed_follow(struct ms_observed *o)
{
	struct ms_group *at = o->gone ? NULL : o->books ? group_wary(o->group) : o->group;
	u64 now = at ? observed_owes(o) : 0;

	lockdep_assert_held(&o->lock);
	if (at != o->at) {
		charge_leave(o);
		WRITE_ONCE(o->at, at);
	}
	if (now != o->charged && o->books)
		excess_add(at, now - o->charged);
	if (now > o->charged)
		ms_limits_force(&at->limit, now - o->charged);
	else if (now < o->charged)
		ms_limits_uncharge(&at->limit, o->charged - now);
	o->charged = now;
	if (o->gone)
		ms_commit_end(o);
	sums_follow(o);
}

/**
 * ms_observed_granted() - a growth is about to happen, and its state has that
 * @o:		the space
 * @bytes:	what has been charged for it, where it is charged
 *
 * Context: its lock.
 */
void ms_observed_granted(struct ms_observed *o, u64 bytes)
{
	if (o->books)
		excess_add(o->at, bytes);
	o->charged += bytes;
	ms_observed_follow(o);
}

static u64 mm_data(const struct mm_struct *mm)
{
	/* data_race: a munmap may end with the mmap_lock held for reading; one page or another. */
	return (u64)data_race(READ_ONCE(mm->data_vm)) << PAGE_SHIFT;
}

/**
 * ms_observed_look() - see what has become of a space
 * @o:		the space
 * @exact:	and not to within what each processor or thread keeps to itself
 *
 * Nothing follows yet: ms_observed_follow().
 *
 * Context: its lock, and its mmap_lock, so that no growth is under way; RCU read lock held.
 */
void ms_observed_look(struct ms_observed *o, bool exact)
{
	lockdep_assert_held(&o->lock);
	o->data_vm = mm_data(o->mm);
	ms_observe_look(&o->core, o->data_vm, ms_mm_backed(o->mm, exact));
	o->shared = (u64)get_mm_counter(o->mm, MM_SHMEMPAGES) << PAGE_SHIFT;
}

/**
 * ms_observed_look_at() - likewise, of another's, if it does not grow just now; all follows
 * @o:		the space
 * @exact:	as above
 *
 * Context: any that may be preempted; RCU read lock held.
 */
void ms_observed_look_at(struct ms_observed *o, bool exact)
{
	spin_lock(&o->lock);
	/* As long as it is not gone the mm is there. */
	if (!o->gone && mmap_read_trylock(o->mm)) {
		ms_observed_look(o, exact);
		ms_observed_follow(o);
		ms_commit_settle(o);
		mmap_read_unlock(o->mm);
	}
	spin_unlock(&o->lock);
}

/* ---- birth and death ----------------------------------------------------------------- */

/* A space, its state still empty; takes over the use of the group. */
static struct ms_observed *observed_new(struct mm_struct *mm, struct ms_group *group)
{
	struct ms_observed *o = kzalloc(sizeof(*o), GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN);

	if (!o)
		return NULL;
	mmgrab(mm);
	o->mm = mm;
	o->group = group;
	refcount_set(&o->refs, 1);
	INIT_LIST_HEAD(&o->member);
	spin_lock_init(&o->lock);
	return o;
}

/**
 * ms_observed_put() - one reference less
 * @o: the space
 *
 * It stays among its group's as long as there is one: who goes through them, and sleeps in
 * between, goes on from there.
 *
 * Context: any that is not an interrupt; does not sleep.
 */
void ms_observed_put(struct ms_observed *o)
{
	if (!refcount_dec_and_test(&o->refs))
		return;
	spin_lock(&o->group->observed.lock);
	list_del_rcu(&o->member);
	spin_unlock(&o->group->observed.lock);
	ms_group_put(o->group);
	mmdrop(o->mm);
	kfree_rcu(o, rcu);
}

static void observed_join(struct ms_observed *o)
{
	spin_lock(&o->group->observed.lock);
	list_add_tail_rcu(&o->member, &o->group->observed.members);
	spin_unlock(&o->group->observed.lock);
}

/* Into the table and its group; false: there is one already. Its lock is held. */
static bool observed_list(struct ms_observed *o)
{
	struct observed_bucket *b = bucket_of(o->mm);
	bool first;

	spin_lock(&b->lock);
	first = !ms_observed_of(o->mm);
	if (first)
		hlist_add_head_rcu(&o->node, &b->spaces);
	spin_unlock(&b->lock);
	if (first)
		observed_join(o);
	return first;
}

/* Who has inherited from it, in its group, and most; or NULL. */
static struct ms_observed *heir_of(const struct ms_observed *o)
{
	struct ms_observed *child, *heir = NULL;
	u64 inherited, most = 0;

	list_for_each_entry_rcu(child, &o->group->observed.members, member) {
		if (child->parent != o || READ_ONCE(child->gone))
			continue;
		/* data_race: any of them will do. */
		inherited = data_race(child->core.inherited);
		if (!heir || inherited > most) {
			heir = child;
			most = inherited;
		}
	}
	return heir;
}

/*
 * It pays for what it shares with others: what @own was charged for, or, where nobody else is left
 * who could, all. False: it has ended as well.
 */
static bool heir_pays(struct ms_observed *heir, const struct ms_observed *parent, u64 own)
{
	bool pays;

	spin_lock(&heir->lock);
	pays = !heir->gone;
	if (pays) {
		ms_observe_heir(&heir->core, parent ? own : U64_MAX);
		ms_observed_follow(heir);
		heir->parent = parent;
	}
	spin_unlock(&heir->lock);
	return pays;
}

/*
 * Whoever has forked has ended, or gone elsewhere: one who has inherited is the payer of the others
 * now. None of the group begins, or is let go, meanwhile.
 */
static void observed_heir(struct ms_observed *o, u64 own)
{
	struct ms_observed *child, *heir;

	lockdep_assert_held(&o->group->observed.heirs);
	do {
		heir = heir_of(o);
	} while (heir && !heir_pays(heir, o->parent, own));
	list_for_each_entry_rcu(child, &o->group->observed.members, member) {
		if (child->parent != o)
			continue;
		child->parent = heir ?: o->parent;
		if (heir)
			heir->forked = true;
	}
}

/* The lowest that is above both, or one of them. */
static struct ms_group *group_common(struct ms_group *a, struct ms_group *b)
{
	while (a != b) {
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	}
	return a;
}

/*
 * Charged nothing any more, and found no more, or @next in its place, which then has its state
 * and what it is charged. False: another was faster.
 */
static bool observed_close(struct ms_observed *o, struct ms_observed *next)
{
	struct observed_bucket *b = bucket_of(o->mm);
	struct ms_observe last;

	spin_lock(&o->lock);
	if (o->gone) {
		spin_unlock(&o->lock);
		return false;
	}
	last = o->core;
	ms_observe_look(&last, mm_data(o->mm), ms_mm_backed(o->mm, true));
	if (next) {
		next->core = o->core;
		/* Who is charged for it in a group above both may end before it. */
		if (ms_group_observed(group_common(o->group, next->group)))
			ms_observe_heir(&next->core, U64_MAX);
		next->data_vm = o->data_vm;
		next->shared = o->shared;
		next->books = o->books;
		/* First, so that what is above both is not left for others in between. */
		ms_commit_force(next, o->commit);
	}
	memset(&o->core, 0, sizeof(o->core));
	WRITE_ONCE(o->gone, true);
	ms_observed_follow(o);
	/* Nobody else has it yet. */
	if (next) {
		spin_lock_nested(&next->lock, SINGLE_DEPTH_NESTING);
		ms_observed_follow(next);
		spin_unlock(&next->lock);
		observed_join(next);
	}
	spin_lock(&b->lock);
	if (next)
		hlist_replace_rcu(&o->node, &next->node);
	else
		hlist_del_rcu(&o->node);
	spin_unlock(&b->lock);
	spin_unlock(&o->lock);
	spin_lock(&o->group->observed.heirs);
	if (o->forked)
		observed_heir(o, ms_observe_own(&last));
	spin_unlock(&o->group->observed.heirs);
	ms_observed_put(o);
	return true;
}

/**
 * ms_observed_end() - a space is charged nothing any more, and forgotten
 * @o: the space
 *
 * Context: any; RCU read lock held.
 */
void ms_observed_end(struct ms_observed *o)
{
	observed_close(o, NULL);
}

static bool group_full(struct ms_group *group)
{
	for (; group; group = group->parent) {
		struct ms_observe_level level = {
			.max = READ_ONCE(group->limit.core.max),
			/* What is inherited may have been copied. */
			.charged = ms_limits_charged(&group->limit) + ms_copies_most(group),
		};

		if (ms_observe_full(&level))
			return true;
	}
	return false;
}

/* It was never to be seen. */
static void observed_drop(struct ms_observed *o)
{
	ms_group_put(o->group);
	mmdrop(o->mm);
	kfree(o);
}

/* Who is charged for what it has inherited. */
static void observed_parent(struct ms_observed *o, struct ms_observed *parent)
{
	if (!parent)
		return;
	lockdep_assert_held(&o->group->observed.heirs);
	if (parent->group == o->group && !READ_ONCE(parent->gone)) {
		o->parent = parent;
		parent->forked = true;
	} else if (ms_group_observed(group_common(parent->group, o->group))) {
		/* Nobody who is found when that ends. */
		ms_observe_heir(&o->core, U64_MAX);
	}
}

/* Of what it could write to @commit is charged already, and is its own if it is not known yet. */
static bool observed_begin(struct mm_struct *mm, struct ms_group *group, enum ms_birth birth,
			   struct ms_observed *parent, u64 commit)
{
	struct ms_observed *o = observed_new(mm, group);
	u64 backed;

	if (!o) {
		ms_limits_uncharge(&group->commit, commit);
		ms_group_put(group);
		return false;
	}
	o->data_vm = mm_data(mm);
	backed = ms_mm_backed(mm, birth != MS_BORN_FORK);
	spin_lock(&group->observed.heirs);
	spin_lock(&o->lock);
	if (!observed_list(o)) {
		spin_unlock(&o->lock);
		spin_unlock(&group->observed.heirs);
		ms_limits_uncharge(&group->commit, commit);
		observed_drop(o);
		return true;
	}
	if (birth == MS_BORN_FORK)
		ms_observe_fork(&o->core, o->data_vm, backed);
	else
		ms_observe_begin(&o->core, o->data_vm, backed,
				 birth == MS_BORN_EXEC && group_full(group));
	observed_parent(o, parent);
	if (birth != MS_BORN_FORK) {
		/* Listed first: pairs with ms_observed_reports(). One sees the other. */
		smp_mb();
		o->books = ms_task_limit_of(mm);
	}
	ms_observed_follow(o);
	o->commit = commit;
	ms_commit_settle(o);
	spin_unlock(&o->lock);
	spin_unlock(&group->observed.heirs);
	return true;
}

/**
 * ms_observed_begin() - an address space is known from now on
 * @mm:		the space
 * @group:	its group, of which it takes over a use
 * @birth:	how it has come about
 * @parent:	with MS_BORN_FORK: whose copy it is, if that is known
 *
 * Context: any; RCU read lock held. Return: false: there is no memory.
 */
bool ms_observed_begin(struct mm_struct *mm, struct ms_group *group, enum ms_birth birth,
		       struct ms_observed *parent)
{
	return observed_begin(mm, group, birth, parent, 0);
}

/**
 * ms_observed_bear() - a child is known from now on
 * @mm:		its address space, a copy of its parent's, which nobody has seen yet
 * @group:	its group
 * @parent:	whose copy it is, if that is known
 * @commit:	bytes that are charged for it already: all that it could write to
 *
 * Context: task context, of the parent; does not sleep; RCU read lock held. Return: false:
 * there is no memory, and what was charged is given back.
 */
bool ms_observed_bear(struct mm_struct *mm, struct ms_group *group,
		      struct ms_observed *parent, u64 commit)
{
	/* Whoever calls has a use of it, so that there is one more to be had. */
	refcount_inc(&group->users);
	return observed_begin(mm, group, MS_BORN_FORK, parent, commit);
}

/**
 * ms_observed_move() - a space is known, and its process is in another group now
 * @o:		the space
 * @group:	the group, of which it takes over a use
 *
 * Context: any; RCU read lock held. Return: false: there is no memory.
 */
bool ms_observed_move(struct ms_observed *o, struct ms_group *group)
{
	struct ms_observed *next = observed_new(o->mm, group);

	if (!next) {
		ms_group_put(group);
		return false;
	}
	if (!observed_close(o, next))
		observed_drop(next);
	return true;
}

/**
 * ms_observed_reports() - an address space has books of its own, or has none any more
 * @mm:		the space
 * @books:	what these are charged
 * @begin:	they begin; else they end
 *
 * Context: any that may be preempted.
 */
void ms_observed_reports(struct mm_struct *mm, const struct ms_level *books, bool begin)
{
	struct ms_observed *o;
	bool gone;

	/* After that they are found, or not: pairs with ms_observed_begin(). */
	smp_mb();
	rcu_read_lock();
	do {
		o = ms_observed_of(mm);
		if (!o)
			break;
		spin_lock(&o->lock);
		gone = o->gone;
		/* Others may have begun meanwhile. */
		if (!gone && (begin || o->books == books)) {
			/* What was charged beyond some books is not beyond others. */
			charge_leave(o);
			WRITE_ONCE(o->books, begin ? books : NULL);
			ms_observed_follow(o);
		}
		spin_unlock(&o->lock);
		/* Another is in its place, or none. */
	} while (gone);
	rcu_read_unlock();
}

/* ---- one process ------------------------------------------------------------------------ */

/* Under RCU, and its mmap_lock is held. False: nothing is known of it. */
static bool observed_figures(struct mm_struct *mm, struct memstate_observe *out)
{
	struct ms_observed *o = ms_observed_of(mm);
	bool known = false;

	if (!o)
		return false;
	spin_lock(&o->lock);
	if (!o->gone) {
		ms_observed_look(o, true);
		ms_observed_follow(o);
		known = true;
		out->spaces = !o->books;
		out->excess = o->books ? o->charged : 0;
		out->commit = o->data_vm;
		out->backed = o->core.backed;
		out->inherited = o->core.inherited;
		out->pending = o->core.pending;
		out->group = o->group->id;
	}
	spin_unlock(&o->lock);
	return known;
}

/**
 * ms_observed_read_one() - what is seen of one process, observed or not
 * @task:	a thread of it
 * @mm:		its memory, with a use of it
 * @out:	where to put it
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed.
 */
int ms_observed_read_one(struct task_struct *task, struct mm_struct *mm,
			 struct memstate_observe *out)
{
	struct ms_task *books = ms_task_find(mm);
	struct ms_group *group;
	int ret;

	*out = (struct memstate_observe) {
		.scope = out->scope, .fd = out->fd, .reports = books ? 1 : 0 };
	if (books)
		ms_task_put(books);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = ms_mappings_reserved(mm, &out->reserved);
	rcu_read_lock();
	group = ms_job_near(task);
	out->on = ms_group_observed(group);
	out->overcommit = READ_ONCE(group->observed.overcommit);
	out->trust = READ_ONCE(group->observed.trust);
	out->commit_max = READ_ONCE(group->commit.core.max);
	out->group = group->id;
	if (!observed_figures(mm, out)) {
		out->commit = mm_data(mm);
		out->backed = ms_mm_backed(mm, true);
	}
	rcu_read_unlock();
	mmap_read_unlock(mm);
	ms_group_put(group);
	return ret;
}

/**
 * ms_observed_totals_one() - what is observed of one process
 * @mm:		its memory, with a use of it
 * @look:	look at it; else as of the last look
 * @out:	where to put it; zeros if it is not
 *
 * Context: process; may sleep. Return: 0; -EINTR: killed.
 */
int ms_observed_totals_one(struct mm_struct *mm, bool look, struct memstate_totals_observed *out)
{
	struct ms_observed *o;

	memset(out, 0, sizeof(*out));
	if (look && mmap_read_lock_killable(mm))
		return -EINTR;
	rcu_read_lock();
	o = ms_observed_of(mm);
	if (o) {
		spin_lock(&o->lock);
		if (look && !o->gone) {
			ms_observed_look(o, true);
			ms_observed_follow(o);
		}
		out->spaces = o->sums[MS_OBSERVED_SPACES];
		out->commit = o->sums[MS_OBSERVED_COMMIT];
		out->backed = o->sums[MS_OBSERVED_BACKED];
		out->inherited = o->sums[MS_OBSERVED_INHERITED];
		out->pending = o->sums[MS_OBSERVED_PENDING];
		out->excess = o->books ? o->charged : 0;
		out->charged = o->charged;
		spin_unlock(&o->lock);
	}
	rcu_read_unlock();
	if (look)
		mmap_read_unlock(mm);
	return 0;
}

/**
 * ms_observed_limits_one() - what LIMIT_GET tells of one process
 * @task:	a thread of it
 * @mm:		its memory, with a use of it
 * @books:	its books, or NULL
 * @out:	where to put it
 *
 * Context: process; may sleep.
 */
void ms_observed_limits_one(struct task_struct *task, struct mm_struct *mm, struct ms_task *books,
			    struct memstate_limit *out)
{
	struct memstate_totals_observed t;
	struct ms_peak none = {};
	struct ms_group *group;
	u32 pressure;

	if (books) {
		ms_limits_read(&books->limit, &none, false, out);
		out->group = books->group->id;
	}
	ms_observed_totals_one(mm, false, &t);
	out->charged += t.charged;
	out->peak = max(out->peak, out->charged);
	out->peak_reader = max(out->peak_reader, out->charged);
	if (books)
		return;
	rcu_read_lock();
	group = ms_job_near(task);
	rcu_read_unlock();
	out->high = MEMSTATE_UNLIMITED;
	out->max = MEMSTATE_UNLIMITED;
	out->lowest_high = MEMSTATE_UNLIMITED;
	out->lowest_max = MEMSTATE_UNLIMITED;
	out->group = group->id;
	if (t.spaces) {
		ms_limit_lowest(&group->limit.core, &out->lowest_high, &out->lowest_max, &pressure);
		out->pressure = pressure;
	}
	ms_group_put(group);
}

/**
 * ms_observed_forget() - forget all address spaces
 *
 * Context: module exit; nothing is hooked any more.
 */
void ms_observed_forget(void)
{
	struct ms_observed *o;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(observed_table); i++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(o, &observed_table[i].spaces, node)
			ms_observed_end(o);
		rcu_read_unlock();
		cond_resched();
	}
}
