// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "limit.h"

/**
 * ms_limit_init() - a limit that does not limit
 * @l:		the limit
 * @parent:	the one above, or NULL
 * @bound:	bytes that may be charged all the same, or MEMSTATE_UNLIMITED
 *
 * The bounds of all leaves of a tree add up to less than 2^64.
 *
 * Context: any.
 */
void ms_limit_init(struct ms_limit *l, struct ms_limit *parent,
		   u64 bound)
{
	*l = (struct ms_limit) {
		.parent = parent,
		.bound = bound,
		.max = MEMSTATE_UNLIMITED,
		.high = MEMSTATE_UNLIMITED,
	};
}

/* ---- one level ------------------------------------------------------------- */

static bool within(u64 max, u64 charged, u64 bytes)
{
	return max == MEMSTATE_UNLIMITED ||
	       (charged <= max && bytes <= max - charged);
}

static void grow(u64 *to, u64 value)
{
	u64 seen = ms_load64(to);

	while (value > seen && !ms_cas64(to, seen, value))
		seen = ms_load64(to);
}

/*
 * Does it fit? @own bytes of what is tentative are the caller's. @word is what it was
 * decided by.
 */
static enum ms_limit_answer level_look(const struct ms_limit *l, u64 bytes, u64 own,
				       u64 *word)
{
	/* Each acquire orders it before the loads below it: undone, word, max, tentative. */
	u64 undone = ms_load64_acquire(&l->undone);
	u64 seen = ms_load64_acquire(&l->word);
	u64 charged = seen & ~MS_LIMIT_VERSION;
	u64 max = ms_load64_acquire(&l->max), tentative;

	*word = seen;
	if (seen & MS_LIMIT_SETTING)
		return MS_LIMIT_BUSY;
	if (within(l->bound, charged, bytes) && within(max, charged, bytes))
		return MS_LIMIT_CHARGED;
	/*
	 * What was under way when we looked at the word is tentative still, or stays,
	 * or was undone: level_undo() counts that before it takes it from tentative.
	 */
	tentative = ms_load64_acquire(&l->tentative) - own;
	if (ms_load64_acquire(&l->undone) != undone ||
	    (ms_load64(&l->word) ^ seen) & MS_LIMIT_VERSION)
		return MS_LIMIT_BUSY;
	if (tentative < charged)
		charged -= tentative;
	else
		charged = 0;
	if (within(l->bound, charged, bytes) && within(max, charged, bytes))
		return MS_LIMIT_BUSY;
	return MS_LIMIT_REFUSED;
}

/* At the top nothing is undone. */
static void level_tentative(struct ms_limit *l, u64 bytes)
{
	if (l->parent)
		ms_fetch_add64(&l->tentative, bytes);
}

static enum ms_limit_answer level_take(struct ms_limit *l, u64 bytes)
{
	u64 own = l->parent ? bytes : 0, word;
	enum ms_limit_answer answer;

	/* Before the word shows it: who sees it there finds it here, too. */
	level_tentative(l, bytes);
	do {
		answer = level_look(l, bytes, own, &word);
		/* It fails where another has come between: so one of us is a step on. */
	} while (answer == MS_LIMIT_CHARGED &&
		 !ms_cas64(&l->word, word, word + bytes));
	if (answer == MS_LIMIT_CHARGED)
		grow(&l->recent, (word + bytes) & ~MS_LIMIT_VERSION);
	else
		level_tentative(l, -bytes);
	return answer;
}

/* In this order; level_look() reads in the other one. */
static void level_undo(struct ms_limit *l, u64 bytes)
{
	ms_fetch_add64(&l->word, -bytes);
	ms_fetch_add64(&l->undone, 1);
	level_tentative(l, -bytes);
}

/* ---- charges --------------------------------------------------------------- */

/**
 * ms_limit_own_room() - what could be charged to a limit, but for those above it
 * @l: the limit
 *
 * Context: any; a guess. Return: bytes, or MEMSTATE_UNLIMITED.
 */
u64 ms_limit_own_room(const struct ms_limit *l)
{
	u64 max = ms_load64(&l->max), charged = ms_limit_charged(l);
	u64 most = l->bound;

	if (max != MEMSTATE_UNLIMITED &&
	    (most == MEMSTATE_UNLIMITED || max < most))
		most = max;
	if (most == MEMSTATE_UNLIMITED)
		return MEMSTATE_UNLIMITED;
	return most > charged ? most - charged : 0;
}

/**
 * ms_limit_room() - what could be charged to a limit
 * @l: the limit
 *
 * Context: any; a guess. Return: bytes, or MEMSTATE_UNLIMITED; the least of it and of
 * those above it.
 */
u64 ms_limit_room(const struct ms_limit *l)
{
	u64 room = MEMSTATE_UNLIMITED;

	for (; l; l = l->parent) {
		u64 own = ms_limit_own_room(l);

		if (own < room)
			room = own;
	}
	return room;
}

/**
 * ms_limit_charge() - charge a limit and all above it, or none
 * @l:		the limit
 * @bytes:	how much
 * @refused:	where to put the lowest limit that did not allow it
 *
 * Context: not preempted in between, or others wait. Return: MS_LIMIT_CHARGED;
 * MS_LIMIT_REFUSED: for want of room in @refused, which there was not at one moment at
 * least; MS_LIMIT_BUSY: to be asked again.
 */
enum ms_limit_answer ms_limit_charge(struct ms_limit *l, u64 bytes,
				     struct ms_limit **refused)
{
	enum ms_limit_answer answer = MS_LIMIT_CHARGED;
	struct ms_limit *n, *top = l;
	u64 word;

	if (!bytes)
		return MS_LIMIT_CHARGED;
	/* What is refused in the end mostly is so here, and disturbs nobody. */
	for (n = l; n; n = n->parent) {
		answer = level_look(n, bytes, 0, &word);
		if (answer != MS_LIMIT_CHARGED) {
			*refused = n;
			return answer;
		}
	}
	for (n = l; n && answer == MS_LIMIT_CHARGED; n = n->parent) {
		top = n;
		answer = level_take(n, bytes);
	}
	if (answer == MS_LIMIT_CHARGED) {
		for (n = l; n; n = n->parent)
			level_tentative(n, -bytes);
	} else {
		*refused = top;
		for (n = l; n != top; n = n->parent)
			level_undo(n, bytes);
	}
	return answer;
}

/**
 * ms_limit_force() - charge a limit and all above it, whatever they allow
 * @l:		the limit
 * @bytes:	how much; the bounds of all leaves allow for it
 *
 * What is there already, and is only now seen. Nothing more fits until it has fallen.
 *
 * Context: any.
 */
void ms_limit_force(struct ms_limit *l, u64 bytes)
{
	for (; l; l = l->parent) {
		u64 word = ms_fetch_add64(&l->word, bytes);

		grow(&l->recent, (word + bytes) & ~MS_LIMIT_VERSION);
	}
}

/**
 * ms_limit_uncharge() - give a charge back
 * @l:		the limit
 * @bytes:	how much, no more than was charged
 *
 * Context: any.
 */
void ms_limit_uncharge(struct ms_limit *l, u64 bytes)
{
	for (; l; l = l->parent)
		MS_WARN_ON_ONCE(ms_fetch_add64(&l->word, -bytes) < bytes);
}

/* ---- limits ---------------------------------------------------------------- */

static bool is_lower(u64 limit, u64 than)
{
	if (than == MEMSTATE_UNLIMITED)
		return true;
	return limit != MEMSTATE_UNLIMITED && limit <= than;
}

/**
 * ms_limit_set() - set limits
 * @l:		the limit
 * @set:	which: MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_MAX
 * @high:	bytes or MEMSTATE_UNLIMITED
 * @max:	bytes or MEMSTATE_UNLIMITED
 * @down:	only if none of them rises
 *
 * When it returns nothing is charged by what was in force before.
 *
 * Context: not preempted in between, or others wait. Return: false: one would have
 * risen, and nothing was set.
 */
bool ms_limit_set(struct ms_limit *l, u32 set, u64 high, u64 max, bool down)
{
	bool ok = true;
	u64 word;

	while (((word = ms_load64(&l->word)) & MS_LIMIT_SETTING) ||
	       !ms_cas64(&l->word, word, word + 1))
		ms_relax();
	if (down && (set & MEMSTATE_LIMIT_HIGH))
		ok = is_lower(high, l->high);
	if (down && (set & MEMSTATE_LIMIT_MAX))
		ok = ok && is_lower(max, l->max);
	if (ok && (set & MEMSTATE_LIMIT_HIGH))
		ms_store64(&l->high, high);
	if (ok && (set & MEMSTATE_LIMIT_MAX))
		ms_store64(&l->max, max);
	do {
		word = ms_load64(&l->word);
	} while (!ms_cas64(&l->word, word, (word & ~MS_LIMIT_VERSION) |
					   ((word + 1) & MS_LIMIT_VERSION)));
	return ok;
}

/**
 * ms_limit_read() - limits and charge, as they were at one moment
 * @l:		the limit
 * @high:	where to put it
 * @max:	where to put it
 *
 * Context: any. Return: bytes that were charged.
 */
u64 ms_limit_read(const struct ms_limit *l, u64 *high, u64 *max)
{
	u64 word;

	for (;;) {
		word = ms_load64_acquire(&l->word);
		*high = ms_load64_acquire(&l->high);
		*max = ms_load64_acquire(&l->max);
		if (!(word & MS_LIMIT_SETTING) &&
		    !((ms_load64(&l->word) ^ word) & MS_LIMIT_VERSION))
			return word & ~MS_LIMIT_VERSION;
		ms_relax();
	}
}

/**
 * ms_limit_press() - bring a limit's pressure a step nearer to what is true
 * @l:		the limit, only this one
 * @before:	where to put what it was
 * @now:	where to put what it is
 *
 * To be called after each change until it returns false: another's change may have come
 * between our look and our step.
 *
 * Context: any. Return: true if it has changed.
 */
bool ms_limit_press(struct ms_limit *l, u32 *before, u32 *now)
{
	u32 seen = ms_load32_acquire(&l->pressure), pressure;
	u64 charged, high, max;

	do {
		charged = ms_limit_charged(l);
		high = ms_load64(&l->high);
		max = ms_load64(&l->max);
		pressure = MEMSTATE_PRESSURE_NONE;
		if (high != MEMSTATE_UNLIMITED && charged > high)
			pressure = MEMSTATE_PRESSURE_HIGH;
		if (!within(max, charged, MS_LIMIT_UNIT))
			pressure = MEMSTATE_PRESSURE_MAX;
		*before = seen;
		*now = pressure;
		if (pressure == seen)
			return false;
		if (ms_cas32(&l->pressure, seen, pressure))
			return true;
		seen = ms_load32_acquire(&l->pressure);
	} while (1);
}

/**
 * ms_limit_lowest() - what is in force at a limit, with those above it
 * @l:		the limit
 * @high:	where to put the lowest high
 * @max:	where to put the lowest max
 * @pressure:	where to put the highest pressure
 *
 * Context: any; a snapshot of each.
 */
void ms_limit_lowest(const struct ms_limit *l, u64 *high, u64 *max, u32 *pressure)
{
	*high = MEMSTATE_UNLIMITED;
	*max = MEMSTATE_UNLIMITED;
	*pressure = MEMSTATE_PRESSURE_NONE;
	for (; l; l = l->parent) {
		u64 h = ms_load64(&l->high), m = ms_load64(&l->max);
		u32 p = ms_load32(&l->pressure);

		if (is_lower(h, *high))
			*high = h;
		if (is_lower(m, *max))
			*max = m;
		if (p > *pressure)
			*pressure = p;
	}
}

/* ---- peaks ------------------------------------------------------------------ */

/* The newest place: what was charged until now belongs to the one before. */
static void peak_place(struct ms_peak *p, struct ms_limit *l)
{
	u64 closed;

	/* First where it stays, then it may go: ms_limit_peak() reads in the other order. */
	do {
		closed = ms_load64(&l->recent);
		grow(&l->peak, closed);
	} while (!ms_cas64(&l->recent, closed, 0));
	/* After that: a charge that raised what is closed now stands in the word. */
	grow(&l->recent, ms_limit_charged(l));
	p->older = l->newest;
	p->newer = NULL;
	p->span = 0;
	if (p->older) {
		p->older->newer = p;
		if (closed > p->older->span)
			p->older->span = closed;
	}
	l->newest = p;
}

/* What was charged since then belongs to the place before, too. */
static void peak_leave(struct ms_peak *p, struct ms_limit *l)
{
	if (p->newer)
		p->newer->older = p->older;
	else
		l->newest = p->older;
	if (p->older) {
		p->older->newer = p->newer;
		if (p->span > p->older->span)
			p->older->span = p->span;
	}
}

/**
 * ms_peak_begin() - a reader's peak begins at what is charged now
 * @p:	the reader's, zero at first
 * @l:	the limit
 *
 * One word in the limit serves all readers. Each keeps what it was between his place
 * and the next one's; so a charge knows of no readers, and beginning anew takes as long
 * however many there are.
 *
 * Context: the lock of the readers held: of @l, and of @p's limit before.
 */
void ms_peak_begin(struct ms_peak *p, struct ms_limit *l)
{
	ms_peak_end(p);
	p->limit = l;
	p->value = 0;
	peak_place(p, l);
}

/**
 * ms_peak_end() - the reader is gone
 * @p: the reader's
 *
 * Context: the lock of the readers held.
 */
void ms_peak_end(struct ms_peak *p)
{
	if (!p->limit)
		return;
	peak_leave(p, p->limit);
	p->limit = NULL;
}

/**
 * ms_peak_read() - a reader's peak
 * @p:	the reader's
 * @l:	the limit
 *
 * Takes as long as there are readers who have begun or read since he did.
 *
 * Context: the lock of the readers held. Return: bytes; since the limit exists, for a
 * reader who has not begun with it.
 */
u64 ms_peak_read(struct ms_peak *p, struct ms_limit *l)
{
	struct ms_peak *q;

	if (p->limit != l)
		return ms_limit_peak(l);
	for (q = p; q; q = q->newer)
		if (q->span > p->value)
			p->value = q->span;
	if (p->newer) {
		grow(&p->value, ms_load64(&l->recent));
		peak_leave(p, l);
		peak_place(p, l);
	}
	grow(&p->value, ms_load64(&l->recent));
	return p->value;
}
