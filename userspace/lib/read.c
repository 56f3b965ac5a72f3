// SPDX-License-Identifier: MIT
/* Reading one's own books and the system's. */

#include "internal.h"

/**
 * memstate_totals() - this process's totals
 * @totals:	where to put them
 * @flags:	0: drained first; MEMSTATE_TOTALS_LAST: as of the last drain, from
 *		the mapped page
 *
 * Context: any. Return: 0; -EINVAL: unknown flag; -ENODEV.
 */
int memstate_totals(struct memstate_totals *totals, unsigned int flags)
{
	int ret = ms_lib_ready();

	if (ret)
		return ret;
	if (flags & ~(unsigned int)MEMSTATE_TOTALS_LAST)
		return -EINVAL;
	return flags ? ms_lib.ops->last(totals) : ms_lib.ops->totals(totals);
}

/**
 * memstate_system_totals() - the sum over all tasks
 * @totals: where to put them
 *
 * The embedded back end knows of this process only.
 *
 * Context: any. Return: 0; -ENODEV.
 */
int memstate_system_totals(struct memstate_totals *totals)
{
	int ret = ms_lib_ready();

	return ret ? ret : ms_lib.ops->system(totals);
}

/**
 * memstate_ranges() - this process's ledger
 * @cursor:	in: where to begin, 0 at first; out: where to go on, 0 at the end
 * @ranges:	room for @nr ranges
 * @nr:		at least 1
 * @done:	how many there are
 *
 * Context: any. Return: 0; -EINVAL: no room; -ENOMEM; -ENODEV.
 */
int memstate_ranges(uint64_t *cursor, struct memstate_range *ranges, uint32_t nr,
		    uint32_t *done)
{
	struct memstate_ranges arg = {
		.size = sizeof(arg),
		.cursor = *cursor,
		.ranges = (uintptr_t)ranges,
		.nr = nr,
	};
	int ret = ms_lib_ready();

	*done = 0;
	if (!ret)
		ret = ms_lib.ops->ranges(&arg);
	if (!ret) {
		*cursor = arg.cursor;
		*done = arg.done;
	}
	return ret;
}

/**
 * memstate_totals_state() - bytes in a state, all classes together
 * @totals:	the totals
 * @state:	MEMSTATE_RESERVED, MEMSTATE_PREPARED or MEMSTATE_READY
 *
 * Context: any. Return: bytes, 0 for any other state.
 */
uint64_t memstate_totals_state(const struct memstate_totals *totals,
			       enum memstate_state state)
{
	if (state < MEMSTATE_RESERVED || state > MEMSTATE_READY)
		return 0;
	return ms_totals_state(totals, state);
}

/**
 * memstate_totals_charged() - Ready and lazy bytes
 * @totals: the totals
 *
 * Context: any. Return: bytes.
 */
uint64_t memstate_totals_charged(const struct memstate_totals *totals)
{
	return ms_totals_charged(totals);
}
