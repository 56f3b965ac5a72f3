// SPDX-License-Identifier: GPL-2.0-only
#include <linux/spinlock.h>

#include "group.h"
#include "limits.h"
#include "trace.h"

static DEFINE_SPINLOCK(ms_limits_lock);
DECLARE_WAIT_QUEUE_HEAD(ms_limits_waiters);

/* Pressure along a chain; groups that notice it have their tasks told. */
static void limits_press(struct ms_limit *l)
{
	lockdep_assert_held(&ms_limits_lock);
	for (; l; l = l->parent) {
		struct ms_group *group = l->owner;
		u32 before = l->pressure;

		if (!ms_limit_press(l) || !group)
			continue;
		trace_memstate_pressure(group->id, before, l->pressure, l->charged);
		if (before == MEMSTATE_PRESSURE_NONE && l->charged > l->high)
			ms_group_event(group, MEMSTATE_EVENT_HIGH);
		ms_group_kick(group, MS_KICK_PRESSURE);
	}
}

static void limits_wake(void)
{
	if (wq_has_sleeper(&ms_limits_waiters))
		wake_up_all(&ms_limits_waiters);
}

/**
 * ms_limits_charge() - charge a limit and all above it, or none
 * @l:		the limit
 * @bytes:	how much
 * @refused:	where to put the limit that did not allow it
 *
 * Context: task context; does not sleep. Return: true if it was charged.
 */
bool ms_limits_charge(struct ms_limit *l, u64 bytes, struct ms_limit **refused)
{
	bool ok;

	spin_lock(&ms_limits_lock);
	ok = ms_limit_charge(l, bytes, refused);
	if (ok)
		limits_press(l);
	spin_unlock(&ms_limits_lock);
	return ok;
}

/**
 * ms_limits_charge_some() - charge as much as there is room for
 * @l:		the limit
 * @bytes:	how much at the most
 *
 * Context: task context; does not sleep. Return: bytes that were charged.
 */
u64 ms_limits_charge_some(struct ms_limit *l, u64 bytes)
{
	struct ms_limit *refused;

	spin_lock(&ms_limits_lock);
	bytes = min(bytes, ms_limit_room(l));
	if (bytes) {
		ms_limit_charge(l, bytes, &refused);
		limits_press(l);
	}
	spin_unlock(&ms_limits_lock);
	return bytes;
}

/**
 * ms_limits_uncharge() - give a charge back
 * @l:		the limit
 * @bytes:	how much
 *
 * Context: task context; does not sleep.
 */
void ms_limits_uncharge(struct ms_limit *l, u64 bytes)
{
	if (!bytes)
		return;
	spin_lock(&ms_limits_lock);
	ms_limit_uncharge(l, bytes);
	limits_press(l);
	spin_unlock(&ms_limits_lock);
	limits_wake();
}

/**
 * ms_limits_set() - set limits
 * @l:		the limit
 * @set:	which: MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_MAX
 * @high:	bytes or MEMSTATE_UNLIMITED
 * @max:	bytes or MEMSTATE_UNLIMITED
 *
 * Context: task context; does not sleep.
 */
void ms_limits_set(struct ms_limit *l, u32 set, u64 high, u64 max)
{
	spin_lock(&ms_limits_lock);
	if (set & MEMSTATE_LIMIT_HIGH)
		WRITE_ONCE(l->high, high);
	if (set & MEMSTATE_LIMIT_MAX)
		WRITE_ONCE(l->max, max);
	limits_press(l);
	/* What is shown to the tasks below has changed in any case. */
	if (l->owner)
		ms_group_kick(l->owner, MS_KICK_PRESSURE);
	spin_unlock(&ms_limits_lock);
	limits_wake();
}

/**
 * ms_limits_read() - limits, charge and peaks, as they are at one instant
 * @l:		the limit
 * @peak:	the reader's own peak
 * @reset:	it begins anew
 * @out:	where to put them; its events are left alone
 *
 * Context: task context; does not sleep.
 */
void ms_limits_read(struct ms_limit *l, struct ms_peak *peak, bool reset,
		    struct memstate_limit *out)
{
	u32 pressure;

	spin_lock(&ms_limits_lock);
	out->high = l->high;
	out->max = l->max;
	out->pressure = l->pressure;
	out->charged = l->charged;
	out->peak = l->peak;
	if (reset)
		ms_peak_begin(peak, l);
	out->peak_reader = ms_peak_read(peak, l);
	ms_limit_lowest(l, &out->lowest_high, &out->lowest_max, &pressure);
	spin_unlock(&ms_limits_lock);
}

/**
 * ms_limits_peak_end() - a reader of peaks is gone
 * @peak: the reader's
 *
 * Context: task context; does not sleep.
 */
void ms_limits_peak_end(struct ms_peak *peak)
{
	spin_lock(&ms_limits_lock);
	ms_peak_end(peak);
	spin_unlock(&ms_limits_lock);
}
