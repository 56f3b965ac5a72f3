// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "observe.h"

static u64 least(u64 a, u64 b)
{
	/* The core has no min(): it is built for programs, too. */
	if (a < b)
		return a;
	return b;
}

/* a + b, and MEMSTATE_UNLIMITED where that is none. */
static u64 plus(u64 a, u64 b)
{
	return a <= MEMSTATE_UNLIMITED - b ? a + b : MEMSTATE_UNLIMITED;
}

/* What is not counted. */
static u64 idle(const struct ms_observe *o)
{
	return o->unbacked > 0 && (u64)o->unbacked > o->pending ?
		       (u64)o->unbacked - o->pending : 0;
}

/* ---- looks ------------------------------------------------------------------- */

/**
 * ms_observe_begin() - nothing was known of a space until now
 * @o:		the space
 * @data_vm:	bytes
 * @backed:	bytes
 * @starts:	it is a new image, and there was no room for it: ms_observe_full()
 *
 * What is backed is charged; what is not may never be.
 *
 * Context: the caller's lock.
 */
void ms_observe_begin(struct ms_observe *o, u64 data_vm, u64 backed, bool starts)
{
	*o = (struct ms_observe) {
		.backed = backed,
		.unbacked = (s64)(data_vm - backed),
		.start = starts ? MS_START_ROOM : 0,
	};
}

/**
 * ms_observe_fork() - a space is the copy of another
 * @o:		the new one
 * @data_vm:	bytes
 * @backed:	bytes
 *
 * Context: the caller's lock.
 */
void ms_observe_fork(struct ms_observe *o, u64 data_vm, u64 backed)
{
	ms_observe_begin(o, data_vm, backed, false);
	o->inherited = backed;
}

/**
 * ms_observe_look() - see what has become of a space
 * @o:		the space
 * @data_vm:	bytes
 * @backed:	bytes
 *
 * Context: the caller's lock; no growth is under way that was granted.
 */
void ms_observe_look(struct ms_observe *o, u64 data_vm, u64 backed)
{
	s64 unbacked = (s64)(data_vm - backed);

	if (unbacked < o->unbacked)
		o->pending -= least(o->pending, (u64)o->unbacked - (u64)unbacked);
	o->backed = backed;
	o->unbacked = unbacked;
	o->inherited = least(o->inherited, backed);
	o->ahead = least(o->ahead, o->pending);
	o->arena = least(o->arena, idle(o));
}

/**
 * ms_observe_heir() - who was charged for what a space has inherited is no more
 * @o:		the heir
 * @bytes:	what the other was charged for, backed
 *
 * Context: the caller's lock. Return: by how much its charge has risen.
 */
u64 ms_observe_heir(struct ms_observe *o, u64 bytes)
{
	bytes = least(bytes, o->inherited);
	o->inherited -= bytes;
	return bytes;
}

/* ---- growth ------------------------------------------------------------------ */

/**
 * ms_observe_ask() - what of a growth is counted
 * @o:		the space
 * @g:		the growth; its kind and bytes are set
 * @max:	the lowest limit in force for it, or MEMSTATE_UNLIMITED
 *
 * Context: the caller's lock, after a look.
 */
void ms_observe_ask(const struct ms_observe *o, struct ms_growth *g, u64 max)
{
	g->ask = 0;
	g->arena = 0;
	switch (g->kind) {
	case MS_GROWTH_FRESH:
		g->ask = g->bytes;
		break;
	case MS_GROWTH_WITHIN_NORESERVE:
		if (g->bytes > MS_WITHIN_WHOLE) {
			g->ask = g->bytes;
			break;
		}
		fallthrough;
	case MS_GROWTH_WITHIN:
		g->ask = least(least(g->bytes, MS_AHEAD_STEP), MS_AHEAD_MOST - o->ahead);
		break;
	case MS_GROWTH_NORESERVE:
		if (g->bytes <= MS_NORESERVE_WHOLE)
			g->ask = g->bytes;
		else if (g->bytes <= max)
			g->arena = g->bytes;
		break;
	case MS_GROWTH_UNASKED:
	case MS_GROWTH_SHADOW:
		break;
	}
	g->ask = least(g->ask, MS_PENDING_MOST - o->pending);
}

static u64 percent(u64 bytes, u32 percent)
{
	if (percent <= MS_OVERCOMMIT_NONE)
		return bytes;
	return bytes < MEMSTATE_UNLIMITED / MS_OVERCOMMIT_MOST ? bytes * percent / 100 :
								 MEMSTATE_UNLIMITED;
}

static u64 last_room(u64 max)
{
	return least(MS_LAST_ROOM, max / MS_LAST_PART);
}

static u64 start_rooms(u64 max)
{
	return least(MS_START_ROOMS, max / MS_START_PART);
}

/* Above max, for what has just started and is small: so much may be backed. */
static u64 room_above(const struct ms_observe *o, const struct ms_growth *g, u64 max)
{
	return o->start && plus(ms_observe_own(o), g->ask) <= o->start &&
			       plus(ms_observe_charge(o), g->ask) <= o->start * MS_START_PENDING ?
		       start_rooms(max) : 0;
}

/* Bytes that must stay free beside what is asked for. */
static u64 room_beside(const struct ms_observe *o, const struct ms_growth *g, u64 max)
{
	if (g->kind == MS_GROWTH_WITHIN && g->bytes > MS_WITHIN_FIT)
		return g->bytes - g->ask;
	if (room_above(o, g, max) || g->bytes <= MS_LAST_STEP)
		return 0;
	return last_room(max);
}

/**
 * ms_observe_top() - up to where a growth may be charged to a limit
 * @o:		the space
 * @g:		the growth, and what it asks for
 * @max:	the limit's, or MEMSTATE_UNLIMITED
 * @overcommit:	the limit's, percent
 *
 * Context: the caller's lock, after a look. Return: bytes, or MEMSTATE_UNLIMITED.
 */
u64 ms_observe_top(const struct ms_observe *o, const struct ms_growth *g, u64 max,
		   u32 overcommit)
{
	if (max == MEMSTATE_UNLIMITED || g->kind == MS_GROWTH_UNASKED)
		return MEMSTATE_UNLIMITED;
	return plus(percent(max, overcommit), room_above(o, g, max) * MS_START_PENDING);
}

/**
 * ms_observe_fits() - does a limit allow a growth?
 * @o:		the space
 * @g:		the growth, and what it asks for
 * @level:	the limit
 *
 * What asks for nothing is refused, too, where max is passed already.
 *
 * Context: the caller's lock, after a look. Return: true if it does.
 */
bool ms_observe_fits(const struct ms_observe *o, const struct ms_growth *g,
		     const struct ms_observe_level *level)
{
	u64 top = ms_observe_top(o, g, level->max, level->overcommit);
	u64 need = plus(g->ask, room_beside(o, g, level->max));
	u64 backed = level->charged - least(level->pending, level->charged);

	if (top == MEMSTATE_UNLIMITED)
		return true;
	if (plus(level->charged, need) > top)
		return false;
	if (plus(backed, need) > plus(level->max, room_above(o, g, level->max)))
		return false;
	return !g->arena || plus(plus(level->charged, level->arena), g->arena) <=
				    plus(top, top / MS_ARENA_PART);
}

/**
 * ms_observe_grant() - a growth is about to happen
 * @o:	the space
 * @g:	the growth, and what it asks for; that is charged
 *
 * Context: the caller's lock.
 */
void ms_observe_grant(struct ms_observe *o, const struct ms_growth *g)
{
	o->unbacked += (s64)g->bytes;
	o->pending += g->ask;
	o->arena += g->arena;
	if (g->kind == MS_GROWTH_WITHIN ||
	    (g->kind == MS_GROWTH_WITHIN_NORESERVE && g->bytes <= MS_WITHIN_WHOLE))
		o->ahead += g->ask;
}

/**
 * ms_observe_full() - is there no room for a new image?
 * @level: the limit
 *
 * Context: any. Return: true if what has just started may be refused what it needs.
 */
bool ms_observe_full(const struct ms_observe_level *level)
{
	return level->max != MEMSTATE_UNLIMITED &&
	       plus(level->charged, MS_START_ROOM) > level->max;
}
