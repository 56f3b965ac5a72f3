/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address space that reports nothing.
 *
 * Model
 *
 *   It is known by a small object, found by its mm, from its birth by fork, its first mapping
 *   as a new image, or the time that it is found, until its end. It belongs to its cgroup's
 *   group, or to the nearest one above that there is. Its state is core/observe.h's; what
 *   that charges is charged to the group, and what was seen too late is charged all the same.
 *
 *   There is no ledger: the kernel's own counters are the books. They are looked at when
 *   the space grows or gives memory back, when somebody else is about to be refused, and
 *   when somebody reads.
 *
 *   One that has books of its own is not observed, but looked at all the same: who could
 *   report less than he has would have a way out of a limit. Where it is not trusted it is
 *   charged what it has beyond what its books are charged. Trust is of a group and all below;
 *   so what is not trusted are groups from some level up, and there it is charged.
 *
 * Locking
 *
 *   mmap_lock           read, tried only, or the grower's own
 *     group->observed.heirs  spinlock: who pays for what is inherited, @parent and @forked
 *     observed->lock    spinlock: its state, and what is charged for it
 *       group->observed.lock  spinlock: who is in a group
 *       bucket->lock    spinlock: the table
 *       waiters.lock    by what is charged and given back
 *
 *   An object never changes its group: it is replaced.
 */
#ifndef MS_OBSERVED_H
#define MS_OBSERVED_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/observe.h"
#include "group.h"

struct memstate_observe;
struct mm_struct;
struct ms_task;
struct task_struct;

/**
 * struct ms_observed - an address space that reports nothing
 * @node:	in its bucket; RCU
 * @member:	in its group's members, until there are no references; RCU
 * @mm:		the space, held
 * @group:	its group, with a use of it
 * @refs:	one as long as it is not @gone; who goes through the members
 * @rcu:	whoever finds it that way may be looking at it
 * @lock:	protects all below
 * @core:	its state
 * @data_vm:	bytes, at the last look
 * @shared:	bytes of shared memory that it has mapped and used, at the last look
 * @commit:	bytes that it is charged of what it could write to: commit.h
 * @no:		who has refused a growth of it that is asked for once more, or NULL
 * @no_bytes:	how much that was
 * @no_commit:	it was by what may be committed
 * @sums:	what the sums of its groups have of it
 * @at:		where it is charged: @group; one above, or none, if it has books
 * @charged:	bytes, there
 * @books:	what its own books are charged, or NULL: it has none
 * @gone:	it is charged nothing any more, and another may be in its place
 * @forked:	others may have inherited from it
 * @parent:	from whom it has inherited; only compared
 */
struct ms_observed {
	struct hlist_node node;
	struct list_head member;
	struct mm_struct *mm;
	struct ms_group *group;
	refcount_t refs;
	struct rcu_head rcu;

	spinlock_t lock;
	struct ms_observe core;
	u64 data_vm;
	u64 shared;
	u64 commit;
	struct ms_group *no;
	u64 no_bytes;
	bool no_commit;
	s64 sums[MS_OBSERVED_SUMS];
	struct ms_group *at;
	u64 charged;
	const struct ms_level *books;
	bool gone;
	bool forked;
	const struct ms_observed *parent;
};

/**
 * enum ms_birth - how a space has come about
 * @MS_BORN_FORK:	by fork
 * @MS_BORN_EXEC:	as a new image
 * @MS_BORN_FOUND:	it was there already
 */
enum ms_birth {
	MS_BORN_FORK,
	MS_BORN_EXEC,
	MS_BORN_FOUND,
};

struct ms_observed *ms_observed_of(const struct mm_struct *mm);
void ms_observed_look(struct ms_observed *o, bool exact);
void ms_observed_look_at(struct ms_observed *o, bool exact);
void ms_observed_follow(struct ms_observed *o);
void ms_observed_granted(struct ms_observed *o, u64 bytes);
bool ms_observed_begin(struct mm_struct *mm, struct ms_group *group, enum ms_birth birth,
		       struct ms_observed *parent);
bool ms_observed_bear(struct mm_struct *mm, struct ms_group *group,
		      struct ms_observed *parent, u64 commit);
bool ms_observed_move(struct ms_observed *o, struct ms_group *group);
void ms_observed_end(struct ms_observed *o);
void ms_observed_put(struct ms_observed *o);
void ms_observed_reports(struct mm_struct *mm, const struct ms_level *books, bool begin);
int ms_observed_read_one(struct task_struct *task, struct mm_struct *mm,
			 struct memstate_observe *out);
int ms_observed_totals_one(struct mm_struct *mm, bool look, struct memstate_totals_observed *out);
void ms_observed_limits_one(struct task_struct *task, struct mm_struct *mm, struct ms_task *books,
			    struct memstate_limit *out);
void ms_observed_forget(void);

#endif /* MS_OBSERVED_H */
