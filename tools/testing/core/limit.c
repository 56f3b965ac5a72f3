// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The limit tree: all or none, exact, and never a step too far. */

#include "limit.h"
#include "tap.h"

#define NODES	7

static u64 seed = 88172645463325252;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 11;
}

/* A tree of seven against sums that are kept by hand. */
static void random_charges(void)
{
	static const int parents[NODES] = { -1, 0, 0, 1, 1, 2, 2 };
	struct ms_limit l[NODES], *refused;
	u64 own[NODES] = {}, bad = 0, granted = 0, denied = 0;

	for (int i = 0; i < NODES; i++)
		ms_limit_init(&l[i], parents[i] < 0 ? NULL : &l[parents[i]], NULL);
	for (int n = 0; n < 200000; n++) {
		int i = (int)(rnd() % NODES);
		u64 bytes = rnd() % 100;

		if (rnd() % 50 == 0) {
			ms_store64(&l[i].max, rnd() % 8 ? rnd() % 1000 :
							  MEMSTATE_UNLIMITED);
		} else if (rnd() % 2) {
			u64 room = ms_limit_room(&l[i]), sums[NODES];
			bool ok;

			for (int k = 0; k < NODES; k++)
				sums[k] = l[k].charged;
			ok = ms_limit_charge(&l[i], bytes, &refused);
			bad += ok != (bytes <= room);
			granted += ok;
			denied += !ok;
			if (ok) {
				own[i] += bytes;
			} else {
				for (int k = 0; k < NODES; k++)
					bad += sums[k] != l[k].charged;
				bad += bytes <= refused->max - refused->charged &&
				       refused->max > refused->charged;
			}
		} else if (own[i]) {
			bytes = rnd() % (own[i] + 1);
			ms_limit_uncharge(&l[i], bytes);
			own[i] -= bytes;
		}
		for (int k = 0; k < NODES; k++) {
			u64 sum = 0;

			for (int c = 0; c < NODES; c++)
				for (int a = c; a >= 0; a = parents[a])
					if (a == k)
						sum += own[c];
			bad += sum != l[k].charged || l[k].peak < sum;
		}
	}
	tap_is(bad, 0, "random charges: each level is the sum below it, all or none");
	tap_ok(granted > 1000 && denied > 1000, "random charges: %llu granted, %llu denied",
	       (unsigned long long)granted, (unsigned long long)denied);
}

int main(void)
{
	struct ms_limit root, leaf, *refused = NULL;
	struct ms_peak a = {}, b = {};
	u64 high, max;
	u32 pressure;

	ms_limit_init(&root, NULL, NULL);
	ms_limit_init(&leaf, &root, NULL);
	tap_ok(ms_limit_charge(&leaf, 1ULL << 62, &refused), "unlimited takes anything");
	tap_ok(!ms_limit_charge(&leaf, ~0ULL, &refused), "but not more than there are bytes");
	ms_limit_uncharge(&leaf, 1ULL << 62);
	tap_is(root.charged, 0, "and gives it back");

	root.max = 100;
	leaf.high = 50;
	tap_ok(ms_limit_charge(&leaf, 100, &refused), "up to max");
	tap_ok(!ms_limit_charge(&leaf, 1, &refused) && refused == &root,
	       "not one byte more, and the limit is named");
	tap_ok(ms_limit_press(&root) && root.pressure == MEMSTATE_PRESSURE_MAX,
	       "pressure max at max");
	tap_ok(ms_limit_press(&leaf) && leaf.pressure == MEMSTATE_PRESSURE_HIGH,
	       "pressure high above high");
	tap_ok(!ms_limit_press(&leaf), "that is news only once");
	ms_limit_lowest(&leaf, &high, &max, &pressure);
	tap_ok(high == 50 && max == 100 && pressure == MEMSTATE_PRESSURE_MAX,
	       "lowest limits and highest pressure of the chain");
	root.max = 10;
	tap_is(ms_limit_room(&leaf), 0, "max below the charge leaves no room");
	tap_ok(ms_limit_charge(&leaf, 0, &refused), "nothing is always granted");
	ms_limit_uncharge(&leaf, 95);
	tap_is(ms_limit_room(&leaf), 5, "and some again when enough is back");

	ms_peak_begin(&a, &leaf);
	ms_limit_charge(&leaf, 5, &refused);
	ms_limit_uncharge(&leaf, 10);
	tap_is(ms_peak_read(&a, &leaf), 10, "a reader's peak since it began");
	ms_peak_begin(&b, &leaf);
	tap_is(ms_peak_read(&a, &leaf), 10, "is kept when another begins");
	tap_is(ms_peak_read(&b, &leaf), 0, "who begins at what there is");
	tap_is(leaf.peak, 1LL << 62, "the limit's own peak is of all time");
	ms_peak_end(&a);
	ms_peak_end(&b);
	tap_ok(!leaf.readers, "readers go");
	tap_is(ms_peak_read(&a, &leaf), 1LL << 62, "who has not begun sees the limit's own");

	random_charges();
	return tap_end();
}
