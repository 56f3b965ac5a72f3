// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The ring from any position on, wrap included: OPS operations, each a claim, the
 * publication of any claimed position or an attempt to take, in any order, on a
 * ring of ENTRIES slots. Nothing is lost, taken twice or out of order; full and
 * empty are said exactly then; nothing is ever taken that was not published.
 */
#include "ring.h"
#include "harness.h"

#ifndef OPS
#define OPS	8
#endif
#ifndef ENTRIES
#define ENTRIES	2
#endif

static struct memstate_record slots[ENTRIES];
static u32 tail, head;

static struct memstate_record posted[OPS];	/* by claim, from 0 up */
static bool published[OPS];

int main(void)
{
	u32 start = nondet_u32();
	const struct ms_ring_producer r = {
		.tail = &tail, .head = &head, .slots = slots, .entries = ENTRIES,
	};
	u32 nr_claimed = 0, nr_taken = 0;
	u32 i;

	/* The ring has gone round before: each slot has its last record. */
	tail = start;
	head = start;
	for (i = 0; i < ENTRIES; i++) {
		u32 last = start - ENTRIES + i;

		slots[last & (ENTRIES - 1)] = nondet_record();
		slots[last & (ENTRIES - 1)].w1 &= 0xffffffffu;
		slots[last & (ENTRIES - 1)].w1 |= (u64)last << 32;
	}

	for (i = 0; i < OPS; i++) {
		struct memstate_record rec = nondet_record();
		u8 which = nondet_u8();
		u32 pos;

		switch (nondet_u8() % 3) {
		case 0:
			if (ms_ring_claim(&r, &pos)) {
				claim(nr_claimed - nr_taken < ENTRIES,
				      "no claim in a full ring");
				claim(pos == start + nr_claimed,
				      "positions are claimed in order");
				nr_claimed++;
			} else {
				claim(nr_claimed - nr_taken == ENTRIES,
				      "full only when it is full");
			}
			break;
		case 1:
			assume(which >= nr_taken && which < nr_claimed);
			assume(!published[which]);
			posted[which] = rec;
			published[which] = true;
			ms_ring_publish(&r, start + which, &rec);
			break;
		default:
			if (ms_ring_peek(slots, ENTRIES, start + nr_taken, &rec)) {
				claim(nr_taken < nr_claimed && published[nr_taken],
				      "nothing is taken that was not published");
				claim(rec.w0 == posted[nr_taken].w0,
				      "w0 is that of the record in turn");
				claim(rec.w1 == (posted[nr_taken].w1 & 0xffffffffu),
				      "w1 is that of the record in turn");
				nr_taken++;
				ms_ring_release(&head, start + nr_taken);
			} else {
				claim(nr_taken == nr_claimed || !published[nr_taken],
				      "what is published is not missed");
			}
		}
		claim(ms_ring_used(&r) == nr_claimed - nr_taken,
		      "used is what is claimed and not taken");
	}
	return 0;
}
