// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The ring: bounds, wrap, order, many producers under a consumer. */

#include <pthread.h>
#include <sched.h>

#include "ring.h"
#include "rules.h"
#include "tap.h"

#define ENTRIES		64
#define PRODUCERS	3
#define RECORDS		20000

struct shared {
	u32 tail, head;
	struct memstate_record slots[ENTRIES];
};

static struct ms_ring_producer ring_at(struct shared *s, u32 pos)
{
	memset(s, 0, sizeof(*s));
	s->tail = pos;
	s->head = pos;
	return (struct ms_ring_producer){ &s->tail, &s->head, s->slots, ENTRIES };
}

static struct memstate_record numbered(u32 producer, u32 i)
{
	return ms_record_make((u64)(i + 1) << 12 | (u64)producer << 44, 4096,
			      MEMSTATE_ANY, MEMSTATE_READY, producer, 0);
}

static void test_bounds(void)
{
	static struct shared s;
	struct ms_ring_producer r = ring_at(&s, MEMSTATE_RING_START);
	struct memstate_record rec = numbered(1, 1), out;
	u32 pos, second, n = 0;

	tap_ok(!ms_ring_peek(s.slots, ENTRIES, MEMSTATE_RING_START, &out),
	       "zeroed_ring_is_empty");
	while (ms_ring_claim(&r, &pos)) {
		ms_ring_publish(&r, pos, &rec);
		n++;
	}
	tap_ok(n == ENTRIES && ms_ring_used(&r) == ENTRIES, "full_ring_holds_all_slots");
	ms_ring_release(&s.head, MEMSTATE_RING_START + 1);
	tap_ok(ms_ring_claim(&r, &pos) && pos == MEMSTATE_RING_START + ENTRIES &&
		       !ms_ring_claim(&r, &second),
	       "one_slot_released_is_one_slot_to_claim");

	r = ring_at(&s, MEMSTATE_RING_START);
	rec.w1 |= (u64)77 << 32;
	tap_ok(ms_ring_claim(&r, &pos) && ms_ring_claim(&r, &second) &&
		       second == pos + 1, "claims_are_consecutive");
	ms_ring_publish(&r, second, &rec);
	tap_ok(!ms_ring_peek(s.slots, ENTRIES, pos, &out),
	       "unpublished_slot_stops_the_drain");
	ms_ring_publish(&r, pos, &rec);
	tap_ok(ms_ring_peek(s.slots, ENTRIES, pos, &out) && out.w0 == rec.w0 &&
		       out.w1 == 1 && ms_ring_peek(s.slots, ENTRIES, second, &out),
	       "published_slots_come_with_what_was_put_in");
	tap_ok(!ms_ring_peek(s.slots, ENTRIES, pos + ENTRIES, &out),
	       "slot_of_the_round_before_is_not_published");
}

static struct shared many;
static struct ms_ring_producer many_ring;

/* Plain data that the ring hands over and back: TSan sees if it does not. */
static u64 handed[ENTRIES];

static void *producer(void *arg)
{
	u32 me = (u32)(uintptr_t)arg, pos;

	for (u32 i = 0; i < RECORDS; i++) {
		struct memstate_record rec = numbered(me, i);

		while (!ms_ring_claim(&many_ring, &pos))
			sched_yield();
		handed[pos % ENTRIES] = rec.w0;
		ms_ring_publish(&many_ring, pos, &rec);
	}
	return NULL;
}

static void test_producers(void)
{
	/* Positions pass 2^32 on the way; each slot has been used before. */
	u32 head = 0u - 100 * ENTRIES, began = head, got = 0, bad = 0;
	u32 next[PRODUCERS] = {};
	struct memstate_record rec;
	pthread_t t[PRODUCERS];

	many_ring = ring_at(&many, head);
	for (u32 i = 0; i < PRODUCERS; i++)
		pthread_create(&t[i], NULL, producer, (void *)(uintptr_t)i);
	while (got < PRODUCERS * RECORDS) {
		if (!ms_ring_peek(many.slots, ENTRIES, head, &rec)) {
			sched_yield();
			continue;
		}
		u32 who = (u32)(rec.w0 >> 44);
		u32 i = (u32)(rec.w0 >> 12) - 1;

		if (who >= PRODUCERS || i != next[who] || rec.w1 != 1 ||
		    handed[head % ENTRIES] != rec.w0 ||
		    ((rec.w0 >> MEMSTATE_CLASS_SHIFT) & 7) != who)
			bad++;
		else
			next[who]++;
		ms_ring_release(&many.head, ++head);
		got++;
	}
	for (u32 i = 0; i < PRODUCERS; i++)
		pthread_join(t[i], NULL);
	tap_ok(head < began, "positions_wrapped");
	tap_is(bad, 0, "every_record_arrives_once_whole_and_in_its_producers_order");
	tap_ok(!ms_ring_peek(many.slots, ENTRIES, head, &rec) &&
		       !ms_ring_used(&many_ring), "nothing_is_left_over");
}

int main(void)
{
	test_bounds();
	test_producers();
	return tap_end();
}
