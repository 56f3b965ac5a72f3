/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who below a group has something pending, so that a reader walks to these alone.
 *
 * Model
 *
 *   A group knows its tasks and the groups below it by *nodes*, each with a mark for each
 *   thing that can be pending. Who has something is marked, and all groups above it are:
 *   a reader goes down where there are marks. A task is marked by whoever gives it
 *   something to do: the notifier, and a producer that finds its *doorbell* set. That is
 *   a word in the ring that the kernel sets when it takes a mark away. Tasks whose
 *   producers do not look at it are marked for ever, once they have mapped their ring.
 *
 *   The mark goes last: when what was pending is in the books of all groups. So who comes
 *   meanwhile finds the mark, and the task's lock taken, and knows that something is on
 *   its way.
 *
 * Races
 *
 *   A mark is two things: the xarray's, by which readers go, and a bit of the node, on which
 *   whoever makes something pending counts, as a producer does on the doorbell. Both of them
 *   have a full barrier between what they make pending and their look at the bit or the word.
 *   Who takes a mark away takes the bit first (and sets the word), has a full barrier, and
 *   looks at what is pending, all with the xarray's lock: one of both sees the other. Only
 *   where nothing is pending does the xarray's mark go. So a reader who comes after something
 *   was made pending finds it, or finds it in the books: also while marks are taken away.
 *   A mark is set from the task up; that all above have it is then noted at the task, if its
 *   own has been there all the time, and the next need not look.
 *   tools/testing/model/spin/pending.pml has every interleaving of that.
 *
 * Locking
 *
 *   The xarray's own spinlock, one at a time, innermost. Nothing is allocated under it
 *   but by ms_pending_join().
 */
#ifndef MS_PENDING_H
#define MS_PENDING_H

#include <linux/xarray.h>

struct ms_pending;
struct ms_pending_node;

/*
 * What can be pending: records or unmappings; credit that could be taken back. And, for who
 * walks, all there are.
 */
#define MS_PENDING_DRAIN	XA_MARK_1
#define MS_PENDING_CREDIT	XA_MARK_2
#define MS_PENDING_ALL		XA_PRESENT

/**
 * struct ms_pending_ops - references to a task or group, by its node
 * @get:	one more; false: none is left, and it is about to leave. Does not sleep
 * @put:	one less; may sleep
 */
struct ms_pending_ops {
	bool (*get)(struct ms_pending_node *node);
	void (*put)(struct ms_pending_node *node);
};

/**
 * struct ms_pending_node - a task, or a group, as the group above knows it
 * @above:	there; NULL: at the root
 * @ops:	counts references to the task or group
 * @below:	of a group: what lies below; NULL: a task
 * @index:	key in @above
 * @joined:	is there; written under the lock of @above
 * @marks:	a bit for each mark, and one of a task that says that all groups above have it,
 *		too; written under the lock of @above
 * @taken:	how often one was taken away; written under the lock of @above
 */
struct ms_pending_node {
	struct ms_pending *above;
	const struct ms_pending_ops *ops;
	struct ms_pending *below;
	u32 index;
	bool joined;
	u32 marks;
	u32 taken;
};

/**
 * struct ms_pending - what lies below a group
 * @node:	the group itself
 * @nodes:	its tasks, and the groups below it
 */
struct ms_pending {
	struct ms_pending_node node;
	struct xarray nodes;
};

/**
 * struct ms_pending_walk - a reader's way
 * @mark:	what he looks for
 * @top:	from where on
 * @at:		the group that he is in; with a reference to each below @top
 * @index:	the last node there that he has seen
 */
struct ms_pending_walk {
	xa_mark_t mark;
	struct ms_pending *top;
	struct ms_pending *at;
	u32 index;
};

void ms_pending_init(struct ms_pending *p, const struct ms_pending_ops *ops);
int ms_pending_join(struct ms_pending *above, struct ms_pending_node *node);
void ms_pending_leave(struct ms_pending_node *node);
void __ms_pending_mark(struct ms_pending_node *task, xa_mark_t mark);
void ms_pending_listen(struct ms_pending_node *node, u32 *doorbell);
void ms_pending_take(struct ms_pending_node *node, xa_mark_t mark, u32 *doorbell,
		     bool (*pending)(struct ms_pending_node *node, xa_mark_t mark));

void ms_pending_begin(struct ms_pending_walk *walk, struct ms_pending *top,
		      xa_mark_t mark);
struct ms_pending_node *ms_pending_next(struct ms_pending_walk *walk);
void ms_pending_end(struct ms_pending_walk *walk);

/**
 * ms_pending_put() - give back what ms_pending_next() gave
 * @node:	the task's
 *
 * Context: process; may sleep.
 */
static inline void ms_pending_put(struct ms_pending_node *node)
{
	node->ops->put(node);
}

static inline u32 ms_pending_bit(xa_mark_t mark)
{
	return BIT((__force u32)mark);
}

static inline u32 ms_pending_whole(xa_mark_t mark)
{
	return BIT((__force u32)mark + 16);
}

/**
 * ms_pending_mark() - something is pending
 * @node:	of the task that has it
 * @mark:	MS_PENDING_*
 *
 * A reader who comes after this, to whatever group above, finds the way.
 *
 * Context: any that may be preempted, also where nothing may sleep.
 */
static inline void ms_pending_mark(struct ms_pending_node *node, xa_mark_t mark)
{
	u32 all = ms_pending_bit(mark) | ms_pending_whole(mark);

	/* Pairs with pending_drop(). */
	smp_mb();
	if ((READ_ONCE(node->marks) & all) != all)
		__ms_pending_mark(node, mark);
}

/**
 * ms_pending_marked() - is there a mark?
 * @node:	the task or group
 * @mark:	MS_PENDING_*
 *
 * Context: any. Return: true if there is.
 */
static inline bool ms_pending_marked(const struct ms_pending_node *node, xa_mark_t mark)
{
	return READ_ONCE(node->marks) & ms_pending_bit(mark);
}

#endif /* MS_PENDING_H */
