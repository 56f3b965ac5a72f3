/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The limit tree: how much is charged where, and how much may be.
 *
 * Model
 *
 *   Each limit counts what is charged to it and to all below it. A charge goes to
 *   a limit and to every one above it, all or none: each is asked first, then all
 *   are moved. So no reader ever sees more than max in any of them, nor is anybody
 *   refused because of a charge that is on its way out again.
 *
 *   max below what is charged stands: nothing more is charged until enough has
 *   been given back.
 *
 * Locking
 *
 *   The caller's lock, one for the whole tree, around everything. @charged, @max,
 *   @high, @peak and @pressure are single words that may be read without it.
 */
#ifndef MS_CORE_LIMIT_H
#define MS_CORE_LIMIT_H

#include "port.h"
#include <linux/memstate.h>

struct ms_peak;

/**
 * struct ms_limit - a limit, and what is charged against it
 * @parent:	the one above, NULL at the root
 * @owner:	for the caller: whose limit it is
 * @charged:	bytes
 * @max:	bytes that may be charged, or MEMSTATE_UNLIMITED
 * @high:	bytes above which there is pressure, or MEMSTATE_UNLIMITED
 * @peak:	most that was ever charged
 * @pressure:	MEMSTATE_PRESSURE_*
 * @recent:	most that was charged since a reader last began anew
 * @readers:	those who have
 */
struct ms_limit {
	struct ms_limit *parent;
	void *owner;
	u64 charged;
	u64 max;
	u64 high;
	u64 peak;
	u32 pressure;
	u64 recent;
	struct ms_peak *readers;
};

/**
 * struct ms_peak - one reader's peak, beginning when he says so
 * @limit:	of which limit, NULL: of none yet
 * @value:	most that was charged until another reader last began anew
 * @next:	the next reader
 */
struct ms_peak {
	struct ms_limit *limit;
	u64 value;
	struct ms_peak *next;
};

void ms_limit_init(struct ms_limit *l, struct ms_limit *parent, void *owner);
u64 ms_limit_room(const struct ms_limit *l);
bool ms_limit_charge(struct ms_limit *l, u64 bytes, struct ms_limit **refused);
void ms_limit_uncharge(struct ms_limit *l, u64 bytes);
bool ms_limit_press(struct ms_limit *l);
void ms_limit_lowest(const struct ms_limit *l, u64 *high, u64 *max, u32 *pressure);

void ms_peak_begin(struct ms_peak *p, struct ms_limit *l);
void ms_peak_end(struct ms_peak *p);
u64 ms_peak_read(const struct ms_peak *p, const struct ms_limit *l);

#endif /* MS_CORE_LIMIT_H */
