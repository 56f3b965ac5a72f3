// SPDX-License-Identifier: GPL-2.0-only
#include "pending.h"

/**
 * ms_pending_init() - nothing lies below a group
 * @p:		the group's
 * @ops:	of the group's node
 *
 * Context: any.
 */
void ms_pending_init(struct ms_pending *p, const struct ms_pending_ops *ops)
{
	*p = (struct ms_pending) { .node = { .ops = ops, .below = p } };
	xa_init_flags(&p->nodes, XA_FLAGS_ALLOC1);
}

/**
 * ms_pending_join() - a task, or a group, comes below a group
 * @above:	the group, which stays as long as @node does
 * @node:	with its @ops, and @below if it is a group; nothing is pending
 *
 * Context: process; may sleep. Return: 0; -ENOMEM; -EBUSY: there are too many.
 */
int ms_pending_join(struct ms_pending *above, struct ms_pending_node *node)
{
	int ret;

	ret = xa_alloc(&above->nodes, &node->index, node, xa_limit_31b,
		       GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret;
	xa_lock(&above->nodes);
	node->joined = true;
	xa_unlock(&above->nodes);
	/* Release: whoever marks it finds it joined. */
	smp_store_release(&node->above, above);
	return 0;
}

/**
 * ms_pending_leave() - it is there no more
 * @node: the task or group; also if it has not joined, or left
 *
 * Context: any that may be preempted.
 */
void ms_pending_leave(struct ms_pending_node *node)
{
	struct ms_pending *above = node->above;

	if (!above)
		return;
	xa_lock(&above->nodes);
	if (node->joined)
		__xa_erase(&above->nodes, node->index);
	node->joined = false;
	WRITE_ONCE(node->marks, 0);
	xa_unlock(&above->nodes);
}

/* Set a mark. */
static void pending_set(struct ms_pending_node *node, xa_mark_t mark)
{
	struct xarray *nodes = &node->above->nodes;

	lockdep_assert_held(&nodes->xa_lock);
	if (!node->joined)
		return;
	__xa_set_mark(nodes, node->index, mark);
	/* Release: whoever counts on the mark tells others so. */
	smp_store_release(&node->marks, node->marks | ms_pending_bit(mark));
}

/*
 * Take a mark away, unless something is pending. Whoever makes something so does not count
 * on the mark from here on, but sets it, for which he needs the lock that we hold; and what
 * there was before that we see. So it is never away while something is pending, not even for
 * a moment. True: something is.
 */
static bool pending_drop(struct ms_pending_node *node, xa_mark_t mark, u32 *doorbell,
			 bool (*pending)(struct ms_pending_node *node, xa_mark_t mark))
{
	struct xarray *nodes = &node->above->nodes;
	u32 marks = node->marks;
	u32 bell = 1;

	lockdep_assert_held(&nodes->xa_lock);
	if (!node->joined)
		return false;
	WRITE_ONCE(node->marks, marks & ~ms_pending_bit(mark));
	if (doorbell) {
		bell = READ_ONCE(*doorbell);
		WRITE_ONCE(*doorbell, 1);
	}
	/* Pairs with ms_pending_mark() and ms_ring_doorbell(). */
	smp_mb();
	if (pending(node, mark)) {
		WRITE_ONCE(node->marks, marks);
		if (!bell)
			WRITE_ONCE(*doorbell, 0);
		return true;
	}
	__xa_clear_mark(nodes, node->index, mark);
	WRITE_ONCE(node->marks, node->marks & ~ms_pending_whole(mark));
	WRITE_ONCE(node->taken, node->taken + 1);
	return false;
}

/* Set the mark of a task, and of all groups above it. */
void __ms_pending_mark(struct ms_pending_node *task, xa_mark_t mark)
{
	struct ms_pending_node *node = task;
	u32 taken = READ_ONCE(task->taken);
	struct ms_pending *above;

	/*
	 * Also where there is a mark on the way: whoever set that may not have come further
	 * yet. Acquire: pairs with ms_pending_join().
	 */
	for (; (above = smp_load_acquire(&node->above)); node = &above->node) {
		/* Pairs with pending_drop(). */
		smp_mb();
		if (ms_pending_marked(node, mark))
			continue;
		xa_lock(&above->nodes);
		pending_set(node, mark);
		xa_unlock(&above->nodes);
	}
	above = task->above;
	if (!above)
		return;
	xa_lock(&above->nodes);
	/* Where ours was taken meanwhile, there may be another's that is not known above. */
	if (task->taken == taken && ms_pending_marked(task, mark))
		WRITE_ONCE(task->marks, task->marks | ms_pending_whole(mark));
	xa_unlock(&above->nodes);
}

/**
 * ms_pending_listen() - a task has rung: there are records
 * @node:	the task's
 * @doorbell:	its word in the ring
 *
 * Context: process; does not sleep.
 */
void ms_pending_listen(struct ms_pending_node *node, u32 *doorbell)
{
	ms_pending_mark(node, MS_PENDING_DRAIN);
	/*
	 * Who finds the word zero counts on the marks, those above, too. If ours has been
	 * taken away meanwhile, so has what the task has rung for.
	 */
	xa_lock(&node->above->nodes);
	if (node->marks & ms_pending_whole(MS_PENDING_DRAIN))
		/* Release: pairs with ms_ring_doorbell(). */
		smp_store_release(doorbell, 0);
	xa_unlock(&node->above->nodes);
}

/**
 * ms_pending_take() - take a mark away, unless something is pending
 * @node:	the task's
 * @mark:	MS_PENDING_*
 * @doorbell:	its word in the ring, or NULL: is set where the mark goes
 * @pending:	is there something? Called with a spinlock held
 *
 * Context: process; does not sleep.
 */
void ms_pending_take(struct ms_pending_node *node, xa_mark_t mark, u32 *doorbell,
		     bool (*pending)(struct ms_pending_node *node, xa_mark_t mark))
{
	bool left;

	xa_lock(&node->above->nodes);
	left = pending_drop(node, mark, doorbell, pending);
	xa_unlock(&node->above->nodes);
	/* It may have had no mark yet. */
	if (left)
		ms_pending_mark(node, mark);
}

/* ---- readers --------------------------------------------------------------- */

static bool pending_below(struct ms_pending_node *node, xa_mark_t mark)
{
	/* One word; a mark that is set later is seen by who sets it. */
	return data_race(xa_marked(&node->below->nodes, mark));
}

/* Nothing is marked below a group: then it is not marked either. */
static void pending_idle(struct ms_pending *p, xa_mark_t mark)
{
	struct ms_pending_node *node = &p->node;

	if ((__force u32)mark == (__force u32)MS_PENDING_ALL || pending_below(node, mark))
		return;
	xa_lock(&node->above->nodes);
	pending_drop(node, mark, NULL, pending_below);
	xa_unlock(&node->above->nodes);
}

/* The next marked node of a group, with a reference. */
static struct ms_pending_node *pending_get(struct ms_pending *p, u32 index,
					   xa_mark_t mark)
{
	struct ms_pending_node *node;
	unsigned long at = index;

	xa_lock(&p->nodes);
	/* Who has no reference left is about to leave. */
	do {
		node = xa_find_after(&p->nodes, &at, U32_MAX, mark);
	} while (node && !node->ops->get(node));
	xa_unlock(&p->nodes);
	return node;
}

/**
 * ms_pending_begin() - begin to walk
 * @walk:	the reader's way
 * @top:	the group, which the caller has a reference to
 * @mark:	MS_PENDING_*, MS_PENDING_ALL: all tasks
 *
 * Context: any.
 */
void ms_pending_begin(struct ms_pending_walk *walk, struct ms_pending *top,
		      xa_mark_t mark)
{
	*walk = (struct ms_pending_walk) { .mark = mark, .top = top, .at = top };
}

static void walk_up(struct ms_pending_walk *walk)
{
	struct ms_pending_node *node = &walk->at->node;

	walk->at = node->above;
	walk->index = node->index;
	ms_pending_put(node);
}

/**
 * ms_pending_next() - go on to the next task that has something pending
 * @walk: from ms_pending_begin()
 *
 * Each task is met once, however often it is marked meanwhile. Its mark stays.
 *
 * Context: process; may sleep. Return: its node, with a reference to be given back by
 * ms_pending_put(); NULL: there are no more.
 */
struct ms_pending_node *ms_pending_next(struct ms_pending_walk *walk)
{
	for (;;) {
		struct ms_pending_node *node;

		node = pending_get(walk->at, walk->index, walk->mark);
		if (node && !node->below) {
			walk->index = node->index;
			return node;
		}
		if (node) {
			walk->at = node->below;
			walk->index = 0;
			continue;
		}
		if (walk->at == walk->top)
			return NULL;
		pending_idle(walk->at, walk->mark);
		walk_up(walk);
	}
}

/**
 * ms_pending_end() - be done with a walk, also before its end
 * @walk: the reader's way
 *
 * Context: process; may sleep.
 */
void ms_pending_end(struct ms_pending_walk *walk)
{
	while (walk->at != walk->top)
		walk_up(walk);
}
