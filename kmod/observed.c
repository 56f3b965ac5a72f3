// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "life.h"
#include "observed.h"
#include "task.h"

#define TABLE_BITS	10

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

/**
 * ms_observed_look() - see what has become of a space
 * @o:		the space
 * @exact:	and not to within what each processor or thread keeps to itself
 *
 * Context: its lock, and its mmap_lock, so that no growth is under way; RCU read lock held.
 */
void ms_observed_look(struct ms_observed *o, bool exact)
{
	struct ms_observe before = o->core;

	lockdep_assert_held(&o->lock);
	if (o->gone || o->reports)
		return;
	o->data_vm = mm_data(o->mm);
	ms_observe_look(&o->core, o->data_vm, ms_mm_backed(o->mm, exact));
	observed_changed(o, &before);
}

/**
 * ms_observed_look_at() - likewise, of another's, if it does not grow just now
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
		mmap_read_unlock(o->mm);
	}
	spin_unlock(&o->lock);
}

/**
 * ms_observed_grant() - a growth is about to happen
 * @o:	the space
 * @g:	the growth; what it asks for has been charged
 *
 * Context: its lock.
 */
void ms_observed_grant(struct ms_observed *o, const struct ms_growth *g)
{
	ms_observe_grant(&o->core, g);
	o->data_vm += g->bytes;
	sums_add(o->group, g->ask, g->arena);
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
	first = !ms_observed_of(o->mm);
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

/**
 * ms_observed_end() - a space is charged nothing any more, and forgotten
 * @o: the space
 *
 * Context: any; RCU read lock held.
 */
void ms_observed_end(struct ms_observed *o)
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
	const struct ms_observe nothing = {};
	struct ms_observed *o = observed_new(mm, group);
	u64 backed;

	if (!o) {
		ms_group_put(group);
		return false;
	}
	o->data_vm = mm_data(mm);
	backed = ms_mm_backed(mm, birth == MS_BORN_FOUND);
	spin_lock(&o->lock);
	if (!observed_list(o)) {
		spin_unlock(&o->lock);
		observed_free(o);
		return true;
	}
	if (birth == MS_BORN_FORK)
		ms_observe_fork(&o->core, o->data_vm, backed);
	else
		ms_observe_begin(&o->core, o->data_vm, backed,
				 birth == MS_BORN_EXEC && group_full(group));
	if (parent && parent->group == group) {
		o->parent = parent;
		WRITE_ONCE(parent->forked, true);
	}
	observed_changed(o, &nothing);
	spin_unlock(&o->lock);
	return true;
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
	struct observed_bucket *b = bucket_of(o->mm);
	struct ms_observed *n = observed_new(o->mm, group);
	const struct ms_observe nothing = {};

	if (!n) {
		ms_group_put(group);
		return false;
	}
	spin_lock(&o->lock);
	n->core = o->core;
	n->data_vm = o->data_vm;
	n->reports = o->reports;
	spin_unlock(&o->lock);
	if (!observed_close(o)) {
		observed_free(n);
		return true;
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
	return true;
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
	o = ms_observed_of(mm);
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

/* ---- one process ------------------------------------------------------------------------ */

/* Private anonymous memory that may not be written. Its mmap_lock is held. */
static int mm_reserved(struct mm_struct *mm, u64 *bytes)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, 0);

	*bytes = 0;
	for_each_vma(vmi, vma) {
		if (vma_is_anonymous(vma) && !(vma->vm_flags & (VM_WRITE | VM_SHARED)))
			*bytes += vma->vm_end - vma->vm_start;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Under RCU, and its mmap_lock is held. False: it is not observed. */
static bool observed_figures(struct mm_struct *mm, struct memstate_observe *out)
{
	struct ms_observed *o = ms_observed_of(mm);
	bool is = false;

	if (!o)
		return false;
	spin_lock(&o->lock);
	if (!o->gone && !o->reports) {
		is = true;
		ms_observed_look(o, true);
		out->commit = o->data_vm;
		out->backed = o->core.backed;
		out->inherited = o->core.inherited;
		out->pending = o->core.pending;
		out->group = o->group->id;
	}
	spin_unlock(&o->lock);
	return is;
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
	ret = mm_reserved(mm, &out->reserved);
	rcu_read_lock();
	group = ms_group_near(task_dfl_cgroup(task));
	out->on = ms_group_observed(group);
	out->overcommit = READ_ONCE(group->observed.overcommit);
	out->group = group->id;
	out->spaces = observed_figures(mm, out);
	if (!out->spaces) {
		out->commit = mm_data(mm);
		out->backed = ms_mm_backed(mm, true);
	}
	rcu_read_unlock();
	mmap_read_unlock(mm);
	ms_group_put(group);
	return ret;
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

	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(observed_table); i++)
		hlist_for_each_entry_rcu(o, &observed_table[i].spaces, node)
			ms_observed_end(o);
	rcu_read_unlock();
}
