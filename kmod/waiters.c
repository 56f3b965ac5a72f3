// SPDX-License-Identifier: GPL-2.0-only
#include <linux/hrtimer.h>
#include <linux/rbtree_augmented.h>
#include <linux/sched/signal.h>

#include "waiters.h"

/* Wakings before the lock is let go. */
#define SERVE_BATCH	16

/* ---- the tree ------------------------------------------------------------- */

#define waiter_of(_node)	rb_entry(_node, struct ms_waiter, node)

static u64 least_below(const struct rb_node *node)
{
	return node ? waiter_of(node)->least : MS_WAITERS_NONE;
}

static bool waiter_compute(struct ms_waiter *w, bool exit)
{
	u64 least = min3(w->wanted, least_below(w->node.rb_left),
			 least_below(w->node.rb_right));

	if (exit && w->least == least)
		return true;
	w->least = least;
	return false;
}

RB_DECLARE_CALLBACKS(static, waiter_callbacks, struct ms_waiter, node, least,
		     waiter_compute)

static void waiters_insert(struct ms_waiters *ws, struct ms_waiter *w)
{
	struct rb_node **link = &ws->tree.rb_node, *parent = NULL;

	lockdep_assert_held(&ws->lock);
	w->least = w->wanted;
	while (*link) {
		struct ms_waiter *other = waiter_of(*link);

		parent = *link;
		other->least = min(other->least, w->wanted);
		link = w->ticket < other->ticket ? &parent->rb_left :
						   &parent->rb_right;
	}
	rb_link_node(&w->node, parent, link);
	rb_insert_augmented(&w->node, &ws->tree, &waiter_callbacks);
	WRITE_ONCE(w->listed, true);
	WRITE_ONCE(ws->least, least_below(ws->tree.rb_node));
}

static void waiters_erase(struct ms_waiters *ws, struct ms_waiter *w)
{
	lockdep_assert_held(&ws->lock);
	rb_erase_augmented(&w->node, &ws->tree, &waiter_callbacks);
	WRITE_ONCE(w->listed, false);
	WRITE_ONCE(ws->least, least_below(ws->tree.rb_node));
}

/* The oldest who fits. */
static struct ms_waiter *waiters_first(const struct ms_waiters *ws, u64 room)
{
	struct rb_node *node = ws->tree.rb_node;

	if (least_below(node) > room)
		return NULL;
	while (least_below(node->rb_left) <= room || waiter_of(node)->wanted > room)
		node = least_below(node->rb_left) <= room ? node->rb_left :
							    node->rb_right;
	return waiter_of(node);
}

/* ---- who makes room --------------------------------------------------------- */

/**
 * ms_waiters_init() - nobody waits
 * @ws: who waits
 *
 * Context: any.
 */
void ms_waiters_init(struct ms_waiters *ws)
{
	spin_lock_init(&ws->lock);
	ws->tree = RB_ROOT;
	ws->least = MS_WAITERS_NONE;
}

/**
 * ms_waiters_serve() - wake those who fit
 * @ws:		who waits
 * @room:	how much there is, also MEMSTATE_UNLIMITED
 *
 * As many as fit side by side, in bytes, however many fit by themselves.
 *
 * Context: task context; does not sleep.
 */
void ms_waiters_serve(struct ms_waiters *ws, u64 room)
{
	struct ms_waiter *w;
	u32 woken = 0;

	/* However much there is, none is for nobody. */
	room = min(room, MS_WAITERS_NONE - 1);
	spin_lock(&ws->lock);
	while ((w = waiters_first(ws, room))) {
		room -= w->wanted;
		waiters_erase(ws, w);
		/* He takes the lock before he goes: he is there still. */
		wake_up_process(w->task);
		if (++woken % SERVE_BATCH == 0) {
			spin_unlock(&ws->lock);
			cpu_relax();
			spin_lock(&ws->lock);
		}
	}
	spin_unlock(&ws->lock);
}

/* ---- who waits -------------------------------------------------------------- */

/**
 * ms_waiter_join() - take a ticket
 * @w:	the caller's, zero at first
 * @ws:	where to wait; who has a ticket there keeps it, one from elsewhere he has given
 *	back
 *
 * Context: process. Return: 0; -ENOSPC: too many wait there.
 */
int ms_waiter_join(struct ms_waiter *w, struct ms_waiters *ws)
{
	int ret = 0;

	if (w->at == ws)
		return 0;
	spin_lock(&ws->lock);
	if (ws->nr >= MS_WAITERS_MAX) {
		ret = -ENOSPC;
	} else {
		ws->nr++;
		w->at = ws;
		w->task = current;
		w->ticket = ws->tickets++;
	}
	spin_unlock(&ws->lock);
	return ret;
}

/**
 * ms_waiter_list() - be woken when there is room
 * @w:		who has a ticket
 * @wanted:	how much
 *
 * The caller looks at the room after this.
 *
 * Context: process.
 */
void ms_waiter_list(struct ms_waiter *w, u64 wanted)
{
	struct ms_waiters *ws = w->at;

	spin_lock(&ws->lock);
	w->wanted = wanted;
	waiters_insert(ws, w);
	spin_unlock(&ws->lock);
	/* What he wants, then the room: the other way round in level_serve(). */
	smp_mb();
}

/**
 * ms_waiter_sleep() - wait until woken
 * @w:		who was listed
 * @end:	not longer
 *
 * Context: process; sleeps. Return: 0; -ETIME; -ERESTARTNOHAND: a signal, or something
 * else that is to be done on the way to userspace.
 */
int ms_waiter_sleep(struct ms_waiter *w, ktime_t end)
{
	int ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!READ_ONCE(w->listed))
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTNOHAND;
			break;
		}
		if (!schedule_hrtimeout(&end, HRTIMER_MODE_ABS)) {
			ret = -ETIME;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

/**
 * ms_waiter_unlist() - be woken no more
 * @w: who was listed; he keeps his ticket
 *
 * Context: process.
 */
void ms_waiter_unlist(struct ms_waiter *w)
{
	struct ms_waiters *ws = w->at;

	spin_lock(&ws->lock);
	if (w->listed)
		waiters_erase(ws, w);
	spin_unlock(&ws->lock);
}

/**
 * ms_waiter_leave() - give the ticket back
 * @w: who has one, not listed
 *
 * Context: process. What he has left, others may want.
 */
void ms_waiter_leave(struct ms_waiter *w)
{
	struct ms_waiters *ws = w->at;

	spin_lock(&ws->lock);
	ws->nr--;
	spin_unlock(&ws->lock);
	w->at = NULL;
}
