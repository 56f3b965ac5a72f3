/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for room at a limit.
 *
 * Model
 *
 *   Whoever is refused waits at the limit that did it, in the order in which they came.
 *   Whoever makes room there, and only he, looks at them: that is one load if nobody
 *   waits who would fit. Else those are woken that fit into the room there is, one after
 *   the other, the oldest first; who does not fit is passed over, so nobody stands in
 *   another's way. A tree by age in which each node knows the least that is wanted below
 *   it finds the next one in as many steps as the tree is deep.
 *
 *   None is forgotten: whoever was woken and goes, with the room or without it, looks
 *   for the next one; whoever was woken in vain has kept his place.
 *
 * Locking
 *
 *   waiters->lock   spinlock, one for each limit, under no more than task->lock
 *
 * Races
 *
 *   Room that appears while one lies down: he shows what he wants (ms_waiter_sleep())
 *   and then looks at the room, who makes room (ms_waiters_serve()) looks at what is
 *   wanted after that, each with a full barrier between the two.
 */
#ifndef MS_WAITERS_H
#define MS_WAITERS_H

#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* At one limit; more are told so. */
#define MS_WAITERS_MAX	1024

/* What nobody wants. */
#define MS_WAITERS_NONE	U64_MAX

/**
 * struct ms_waiters - who waits at a limit
 * @lock:	protects all below
 * @tree:	who is to be woken, by age
 * @least:	least that one of them wants, or MS_WAITERS_NONE; read without the lock
 * @tickets:	given out so far
 * @nr:		who has one: also who has been woken and has not gone yet
 */
struct ms_waiters {
	spinlock_t lock;
	struct rb_root tree;
	u64 least;
	u64 tickets;
	u32 nr;
};

/**
 * struct ms_waiter - one of them
 * @at:		where, NULL: nowhere
 * @node:	in the tree, while @listed
 * @task:	whom to wake
 * @ticket:	his age
 * @wanted:	bytes
 * @least:	least that is wanted by him and below him in the tree
 * @listed:	is to be woken; cleared when he is
 */
struct ms_waiter {
	struct ms_waiters *at;
	struct rb_node node;
	struct task_struct *task;
	u64 ticket;
	u64 wanted;
	u64 least;
	bool listed;
};

void ms_waiters_init(struct ms_waiters *ws);
void ms_waiters_serve(struct ms_waiters *ws, u64 room);
int ms_waiter_join(struct ms_waiter *w, struct ms_waiters *ws);
void ms_waiter_list(struct ms_waiter *w, u64 wanted);
int ms_waiter_sleep(struct ms_waiter *w, ktime_t end);
void ms_waiter_unlist(struct ms_waiter *w);
void ms_waiter_leave(struct ms_waiter *w);

/**
 * ms_waiters_want() - would room be of use to somebody?
 * @ws:		who waits
 * @room:	how much there is, also MEMSTATE_UNLIMITED
 *
 * Context: any, after a full barrier. Return: true if he should be looked for.
 */
static inline bool ms_waiters_want(const struct ms_waiters *ws, u64 room)
{
	u64 least = READ_ONCE(ws->least);

	return least <= room && least != MS_WAITERS_NONE;
}

#endif /* MS_WAITERS_H */
