// SPDX-License-Identifier: GPL-2.0-only
#include <linux/preempt.h>
#include <linux/processor.h>
#include <linux/sched/signal.h>

#include "limits.h"

/*
 * How often a charge is tried that depends on what others are about to do. Each try
 * passes each level above twice at the most, without being preempted, and each but the
 * first means that another's charge was on its way at one of them just then. Who is not
 * through after that, within a millisecond or so, is refused.
 */
#define LIMITS_TRIES	1000

/**
 * ms_limits_init() - a limit that does not limit
 * @l:		the level
 * @parent:	the one above, NULL at the root
 * @ops:	of whoever has it, or NULL
 * @bound:	bytes that may be charged all the same, or MEMSTATE_UNLIMITED
 *
 * Context: any.
 */
void ms_limits_init(struct ms_level *l, struct ms_level *parent,
		    const struct ms_level_ops *ops, u64 bound)
{
	ms_limit_init(&l->core, parent ? &parent->core : NULL, bound);
	l->ops = ops;
	ms_waiters_init(&l->waiters);
	mutex_init(&l->readers);
}

/* ---- what a change brings about ---------------------------------------------- */

static void level_press(struct ms_level *level)
{
	struct ms_limit *l = &level->core;
	u32 before, now;

	/* Who sets limits brings it up to date after that. */
	if (READ_ONCE(l->pressure) == MEMSTATE_PRESSURE_NONE &&
	    (READ_ONCE(l->high) & READ_ONCE(l->max)) == MEMSTATE_UNLIMITED)
		return;
	while (ms_limit_press(l, &before, &now))
		if (level->ops)
			level->ops->pressed(level, before, now);
}

/*
 * Room has appeared: after a full barrier, as all that changes a word or a max is. It
 * pairs with that in ms_waiter_list().
 */
static void level_serve(struct ms_level *l)
{
	u64 room;

	if (!ms_waiters_want(&l->waiters, MEMSTATE_UNLIMITED))
		return;
	room = ms_limit_own_room(&l->core);
	if (ms_waiters_want(&l->waiters, room))
		ms_waiters_serve(&l->waiters, room);
}

/* Pressure along a chain; groups that notice it have their tasks told. */
static void limits_charged(struct ms_level *level)
{
	struct ms_limit *l;

	for (l = &level->core; l; l = l->parent)
		level_press(ms_level_of(l));
}

/* There is less from a level on, up to @end or to the top. */
static void limits_freed(struct ms_level *level, const struct ms_limit *end)
{
	struct ms_limit *l;

	for (l = &level->core; l != end; l = l->parent) {
		level_press(ms_level_of(l));
		level_serve(ms_level_of(l));
	}
}

/* ---- charges ------------------------------------------------------------------ */

/**
 * ms_limits_charge() - charge a limit and all above it, or none
 * @l:		the level
 * @bytes:	how much, a multiple of the page size
 * @refused:	where to put the level that did not allow it
 *
 * Context: task context; does not sleep. Return: true if it was charged.
 */
bool ms_limits_charge(struct ms_level *l, u64 bytes, struct ms_level **refused)
{
	struct ms_limit *at = &l->core;
	enum ms_limit_answer answer;
	u32 tries;

	for (tries = 0; tries < LIMITS_TRIES; tries++) {
		preempt_disable();
		answer = ms_limit_charge(&l->core, bytes, &at);
		preempt_enable();
		if (answer != MS_LIMIT_BUSY)
			break;
		cpu_relax();
	}
	if (answer == MS_LIMIT_CHARGED) {
		limits_charged(l);
		return true;
	}
	/* What was charged below for a moment others have taken for charged. */
	limits_freed(l, at);
	*refused = ms_level_of(at);
	return false;
}

/**
 * ms_limits_charge_some() - charge as much as there is room for
 * @l:		the level
 * @bytes:	how much at the most, a multiple of the page size
 *
 * Context: task context; does not sleep. Return: bytes that were charged.
 */
u64 ms_limits_charge_some(struct ms_level *l, u64 bytes)
{
	struct ms_level *refused;
	u32 tries;

	/* In between others may take some of the room that was seen. */
	for (tries = 0; tries < LIMITS_TRIES; tries++) {
		u64 some = min(bytes, round_down(ms_limits_room(l), PAGE_SIZE));

		if (!some || ms_limits_charge(l, some, &refused))
			return some;
	}
	return 0;
}

/**
 * ms_limits_force() - charge a limit and all above it, whatever they allow
 * @l:		the level
 * @bytes:	how much, a multiple of the page size
 *
 * Context: any that is not an interrupt; does not sleep.
 */
void ms_limits_force(struct ms_level *l, u64 bytes)
{
	if (!bytes)
		return;
	ms_limit_force(&l->core, bytes);
	limits_charged(l);
}

/**
 * ms_limits_uncharge() - give a charge back
 * @l:		the level
 * @bytes:	how much, a multiple of the page size
 *
 * Context: task context; does not sleep.
 */
void ms_limits_uncharge(struct ms_level *l, u64 bytes)
{
	if (!bytes)
		return;
	ms_limit_uncharge(&l->core, bytes);
	limits_freed(l, NULL);
}

/* ---- limits ------------------------------------------------------------------- */

static bool limits_set(struct ms_level *l, u32 set, u64 high, u64 max, bool down)
{
	bool ok;

	preempt_disable();
	ok = ms_limit_set(&l->core, set, high, max, down);
	preempt_enable();
	if (!ok)
		return false;
	level_press(l);
	if (l->ops)
		l->ops->set(l);
	level_serve(l);
	return true;
}

/**
 * ms_limits_set() - set limits
 * @l:		the level
 * @set:	which: MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_MAX
 * @high:	bytes or MEMSTATE_UNLIMITED
 * @max:	bytes or MEMSTATE_UNLIMITED
 *
 * When it returns nothing is charged any more by what was in force before.
 *
 * Context: task context; does not sleep.
 */
void ms_limits_set(struct ms_level *l, u32 set, u64 high, u64 max)
{
	limits_set(l, set, high, max, false);
}

/**
 * ms_limits_lower() - set limits, unless one of them would rise
 * @l:		the level
 * @set:	which: MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_MAX
 * @high:	bytes or MEMSTATE_UNLIMITED
 * @max:	bytes or MEMSTATE_UNLIMITED
 *
 * Both are looked at and set at once: no other lowering is undone.
 *
 * Context: task context; does not sleep. Return: false: nothing was set.
 */
bool ms_limits_lower(struct ms_level *l, u32 set, u64 high, u64 max)
{
	return limits_set(l, set, high, max, true);
}

/**
 * ms_limits_read() - limits, charge and peaks
 * @l:		the level
 * @peak:	the reader's own peak; if of another limit, that was ended
 * @reset:	it begins anew
 * @out:	where to put them; its events are left alone
 *
 * Limits and charge are as they were at one instant, and no peak is below that charge.
 *
 * Context: process; may sleep, where the reader has a peak of his own.
 */
void ms_limits_read(struct ms_level *l, struct ms_peak *peak, bool reset,
		    struct memstate_limit *out)
{
	u32 pressure;

	out->charged = ms_limit_read(&l->core, &out->high, &out->max);
	out->pressure = READ_ONCE(l->core.pressure);
	ms_limit_lowest(&l->core, &out->lowest_high, &out->lowest_max, &pressure);
	if (reset || peak->limit == &l->core) {
		mutex_lock(&l->readers);
		if (reset)
			ms_peak_begin(peak, &l->core);
		out->peak_reader = ms_peak_read(peak, &l->core);
		mutex_unlock(&l->readers);
		out->peak = max(ms_limit_peak(&l->core), out->charged);
		return;
	}
	/* Whoever has just charged raises it only now. */
	out->peak = max(ms_limit_peak(&l->core), out->charged);
	out->peak_reader = out->peak;
}

/**
 * ms_limits_peak_end() - a reader of peaks is gone
 * @peak: the reader's
 *
 * Context: process; may sleep.
 */
void ms_limits_peak_end(struct ms_peak *peak)
{
	struct ms_level *l;

	if (!peak->limit)
		return;
	l = ms_level_of(peak->limit);
	mutex_lock(&l->readers);
	ms_peak_end(peak);
	mutex_unlock(&l->readers);
}

/* ---- waiting ------------------------------------------------------------------- */

/**
 * ms_limits_wait() - wait until there may be room
 * @w:		the caller's, zero at first; to be ended by ms_limits_wait_end()
 * @l:		the level that has refused him
 * @wanted:	bytes
 * @end:	not longer
 *
 * Who comes again, because it was not for him, has kept his place.
 *
 * Context: process; sleeps. Return: 0: to be tried again; -ETIME: likewise, for the last
 * time; -ENOSPC: too many wait there; -ERESTARTNOHAND: a signal, or something else that
 * is to be done on the way to userspace.
 */
int ms_limits_wait(struct ms_waiter *w, struct ms_level *l, u64 wanted, ktime_t end)
{
	int ret;

	if (w->at != &l->waiters)
		ms_limits_wait_end(w);
	ret = ms_waiter_join(w, &l->waiters);
	if (ret)
		return ret;
	ms_waiter_list(w, wanted);
	if (ms_limit_own_room(&l->core) < wanted)
		ret = ms_waiter_sleep(w, end);
	else if (signal_pending(current))
		ret = -ERESTARTNOHAND;
	else if (ktime_compare(ktime_get(), end) >= 0)
		ret = -ETIME;
	ms_waiter_unlist(w);
	return ret;
}

/**
 * ms_limits_wait_end() - wait no more
 * @w: who has waited, or not
 *
 * What he was woken for may do for another.
 *
 * Context: process.
 */
void ms_limits_wait_end(struct ms_waiter *w)
{
	struct ms_level *l;

	if (!w->at)
		return;
	l = container_of(w->at, struct ms_level, waiters);
	ms_waiter_leave(w);
	level_serve(l);
}
