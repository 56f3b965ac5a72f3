// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "limit.h"

/**
 * ms_limit_init() - a limit that does not limit
 * @l:		the limit
 * @parent:	the one above, or NULL
 * @owner:	for the caller
 *
 * Context: any.
 */
void ms_limit_init(struct ms_limit *l, struct ms_limit *parent, void *owner)
{
	*l = (struct ms_limit) {
		.parent = parent,
		.owner = owner,
		.max = MEMSTATE_UNLIMITED,
		.high = MEMSTATE_UNLIMITED,
	};
}

static u64 own_room(const struct ms_limit *l)
{
	u64 max = ms_load64(&l->max), charged = ms_load64(&l->charged);

	return max > charged ? max - charged : 0;
}

/**
 * ms_limit_room() - what could be charged to a limit
 * @l: the limit
 *
 * Context: the lock held, or a guess. Return: bytes; the least of it and of those
 * above it.
 */
u64 ms_limit_room(const struct ms_limit *l)
{
	u64 room = MEMSTATE_UNLIMITED;

	for (; l; l = l->parent) {
		u64 own = own_room(l);

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
 * Context: the lock held. Return: true if it was charged.
 */
bool ms_limit_charge(struct ms_limit *l, u64 bytes, struct ms_limit **refused)
{
	struct ms_limit *n;

	for (n = l; n; n = n->parent) {
		if (bytes > own_room(n)) {
			*refused = n;
			return false;
		}
	}
	for (n = l; n; n = n->parent) {
		u64 now = n->charged + bytes;

		ms_store64(&n->charged, now);
		if (now > n->recent)
			n->recent = now;
		if (now > n->peak)
			ms_store64(&n->peak, now);
	}
	return true;
}

/**
 * ms_limit_uncharge() - give a charge back
 * @l:		the limit
 * @bytes:	how much, no more than was charged
 *
 * Context: the lock held.
 */
void ms_limit_uncharge(struct ms_limit *l, u64 bytes)
{
	for (; l; l = l->parent) {
		if (MS_WARN_ON_ONCE(bytes > l->charged))
			ms_store64(&l->charged, 0);
		else
			ms_store64(&l->charged, l->charged - bytes);
	}
}

/**
 * ms_limit_press() - bring a limit's pressure up to date
 * @l: the limit, only this one
 *
 * Context: the lock held. Return: true if it has changed.
 */
bool ms_limit_press(struct ms_limit *l)
{
	u32 pressure = MEMSTATE_PRESSURE_NONE;

	if (l->charged > l->high)
		pressure = MEMSTATE_PRESSURE_HIGH;
	if (l->max != MEMSTATE_UNLIMITED && l->charged >= l->max)
		pressure = MEMSTATE_PRESSURE_MAX;
	if (pressure == l->pressure)
		return false;
	ms_store32(&l->pressure, pressure);
	return true;
}

/**
 * ms_limit_lowest() - what is in force at a limit, with those above it
 * @l:		the limit
 * @high:	where to put the lowest high
 * @max:	where to put the lowest max
 * @pressure:	where to put the highest pressure
 *
 * Context: the lock held, or a snapshot of each.
 */
void ms_limit_lowest(const struct ms_limit *l, u64 *high, u64 *max, u32 *pressure)
{
	*high = MEMSTATE_UNLIMITED;
	*max = MEMSTATE_UNLIMITED;
	*pressure = MEMSTATE_PRESSURE_NONE;
	for (; l; l = l->parent) {
		u64 h = ms_load64(&l->high), m = ms_load64(&l->max);
		u32 p = ms_load32(&l->pressure);

		if (h < *high)
			*high = h;
		if (m < *max)
			*max = m;
		if (p > *pressure)
			*pressure = p;
	}
}

/**
 * ms_peak_begin() - a reader's peak begins at what is charged now
 * @p:	the reader's, zero at first
 * @l:	the limit
 *
 * One word in the limit serves all readers: before it begins anew, each of the
 * others keeps what it has seen, as for memory.peak of cgroup v2.
 *
 * Context: the lock held.
 */
void ms_peak_begin(struct ms_peak *p, struct ms_limit *l)
{
	struct ms_peak *other;

	ms_peak_end(p);
	for (other = l->readers; other; other = other->next)
		if (l->recent > other->value)
			other->value = l->recent;
	l->recent = l->charged;
	p->limit = l;
	p->value = l->charged;
	p->next = l->readers;
	l->readers = p;
}

/**
 * ms_peak_end() - the reader is gone
 * @p: the reader's
 *
 * Context: the lock held.
 */
void ms_peak_end(struct ms_peak *p)
{
	struct ms_peak **link;

	if (!p->limit)
		return;
	for (link = &p->limit->readers; *link != p; link = &(*link)->next)
		;
	*link = p->next;
	p->limit = NULL;
}

/**
 * ms_peak_read() - a reader's peak
 * @p:	the reader's
 * @l:	the limit
 *
 * Context: the lock held. Return: bytes; since the limit exists, for a reader who
 * has not begun with it.
 */
u64 ms_peak_read(const struct ms_peak *p, const struct ms_limit *l)
{
	u64 value = l->peak;

	if (p->limit == l)
		value = p->value;
	if (p->limit == l && l->recent > value)
		value = l->recent;
	return value;
}
