// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * ms_ring_peek() over slots that hold something else at each load, at any
 * position: it stays within the slots, writes nothing there, loads each word
 * once, and what it gives is what it checked.
 */
#include <stdlib.h>

#include "hooks.h"
#include "ring.h"
#include "harness.h"

static struct memstate_record *slots;
static u32 nr_w0, nr_w1;
static u64 last_w0, last_w1;

static void hook_load(const void *p)
{
	u64 *word = (u64 *)p;

	*word = nondet_u64();
	if ((const char *)p - (const char *)slots & 8) {
		nr_w1++;
		last_w1 = *word;
	} else {
		nr_w0++;
		last_w0 = *word;
	}
}

static void hook_store(void *p)
{
	(void)p;
	claim(0, "nothing is written");
}

int main(void)
{
	u32 entries = 1u << (nondet_u8() % 5);
	struct memstate_record rec;
	u32 pos = nondet_u32();
	bool taken;

	slots = malloc(entries * sizeof(*slots));
	assume(slots);

	taken = ms_ring_peek(slots, entries, pos, &rec);
	claim(nr_w1 == 1, "w1 is loaded once");
	claim(taken == (last_w1 >> 32 == pos), "taken if it is of that position");
	if (taken) {
		claim(nr_w0 == 1, "w0 is loaded once");
		claim(rec.w0 == last_w0, "w0 as loaded");
		claim(rec.w1 == (last_w1 & 0xffffffffu), "w1 as checked");
	}
	return 0;
}
