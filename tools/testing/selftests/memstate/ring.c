// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The ring: order, bounds, producers, and what is not published. */
#include "device.h"
#include "harness.h"

FIXTURE(ring) {
	struct dev d;
	char *mem;
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, dev_open(&self->d, 64));
	self->mem = anon(1024 * PAGE);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
}

FIXTURE_TEARDOWN(ring)
{
	dev_close(&self->d);
}

static struct memstate_record page_to(const char *mem, u64 page, u32 to)
{
	return REC((uintptr_t)mem + page * PAGE, PAGE, MEMSTATE_ANY, to, 0, 0);
}

TEST_F(ring, zeroed_ring_is_empty)
{
	struct memstate_sync s;

	ASSERT_EQ(0, dev_sync(&self->d, &s));
	EXPECT_EQ(0, s.drained);
	EXPECT_EQ(0, s.pending);
	EXPECT_EQ(MEMSTATE_RING_START, s.head);
}

TEST_F(ring, records_are_applied_in_order)
{
	struct memstate_totals t;

	dev_post(&self->d, page_to(self->mem, 0, MEMSTATE_READY));
	dev_post(&self->d, page_to(self->mem, 0, MEMSTATE_RESERVED));
	dev_post(&self->d, page_to(self->mem, 0, MEMSTATE_PREPARED));
	t = dev_totals(&self->d);
	EXPECT_EQ(PAGE, ms_totals_state(&t, MEMSTATE_PREPARED));
	EXPECT_EQ(PAGE, totals_all(&t));
	EXPECT_EQ(PAGE, t.peak_ready);
	EXPECT_EQ(3, t.transitions);
}

TEST_F(ring, full_ring_refuses_until_it_is_drained)
{
	struct memstate_record rec = page_to(self->mem, 0, MEMSTATE_READY);
	struct memstate_sync s;
	u32 pos, n = 0;

	while (ms_ring_claim(&self->d.ring, &pos)) {
		ms_ring_publish(&self->d.ring, pos, &rec);
		ASSERT_LE(++n, 64);
	}
	EXPECT_EQ(64, n);
	ASSERT_EQ(0, dev_sync(&self->d, &s));
	EXPECT_EQ(64, s.drained);
	EXPECT_TRUE(ms_ring_claim(&self->d.ring, &pos));
}

TEST_F(ring, wraps_many_times_and_loses_nothing)
{
	unsigned long n = scaled(200000);
	struct memstate_totals t;

	for (unsigned long i = 0; i < n; i++)
		dev_post(&self->d, page_to(self->mem, i % 1024,
					   i / 1024 % 2 ? MEMSTATE_RESERVED :
							  MEMSTATE_READY));
	t = dev_totals(&self->d);
	EXPECT_EQ(n, t.transitions);
	EXPECT_EQ(0, t.rejected);
	EXPECT_TRUE(books_are_consistent(&self->d));
}

TEST_F(ring, drain_stops_at_a_slot_that_is_not_published_and_goes_on_later)
{
	struct memstate_record rec = page_to(self->mem, 1, MEMSTATE_READY);
	struct memstate_sync s;
	u32 pos;

	dev_post(&self->d, page_to(self->mem, 0, MEMSTATE_READY));
	ASSERT_TRUE(ms_ring_claim(&self->d.ring, &pos));
	dev_post(&self->d, page_to(self->mem, 2, MEMSTATE_READY));

	ASSERT_EQ(0, dev_sync(&self->d, &s));
	EXPECT_EQ(1, s.drained);
	EXPECT_EQ(2, s.pending);
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_READY));

	ms_ring_publish(&self->d.ring, pos, &rec);
	EXPECT_EQ(3 * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

TEST_F(ring, transition_comes_after_the_ring_and_does_not_wait_for_ever)
{
	struct memstate_record late = page_to(self->mem, 0, MEMSTATE_RESERVED);
	u32 pos;

	dev_post(&self->d, page_to(self->mem, 0, MEMSTATE_READY));
	ASSERT_EQ(0, dev_apply1(&self->d, page_to(self->mem, 0, MEMSTATE_PREPARED)));
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_PREPARED));

	ASSERT_TRUE(ms_ring_claim(&self->d.ring, &pos));
	ASSERT_EQ(0, dev_apply1(&self->d, page_to(self->mem, 0, MEMSTATE_READY)));
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_READY));
	ms_ring_publish(&self->d.ring, pos, &late);
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_RESERVED));
}

TEST_F(ring, sync_names_the_first_record_that_was_not_applied)
{
	struct memstate_sync s;

	dev_post(&self->d, page_to(self->mem, 0, MEMSTATE_READY));
	dev_post(&self->d, REC((uintptr_t)self->mem, 0, MEMSTATE_ANY,
			       MEMSTATE_READY, 0, 0));
	dev_post(&self->d, REC((uintptr_t)self->mem, PAGE, MEMSTATE_ANY, 7, 0, 0));
	dev_post(&self->d, page_to(self->mem, 1, MEMSTATE_READY));
	ASSERT_EQ(0, dev_sync(&self->d, &s));
	EXPECT_EQ(4, s.drained);
	EXPECT_EQ(2, s.rejected);
	EXPECT_EQ(EINVAL, s.error);
	EXPECT_EQ(MEMSTATE_RING_START + 1, s.error_pos);
	EXPECT_EQ(2 * PAGE, dev_state(&self->d, MEMSTATE_READY));
	EXPECT_EQ(2, dev_totals(&self->d).rejected);
}

/* ---- many producers ---------------------------------------------------------- */

#define PRODUCERS	4

struct producer {
	struct dev *d;
	char *mem;
	unsigned long n;
};

/* Each has pages of its own and leaves a pattern that only its order can. */
static void *produce(void *arg)
{
	struct producer *p = arg;

	for (unsigned long i = 0; i < p->n; i++) {
		dev_post(p->d, page_to(p->mem, i % 64, MEMSTATE_READY));
		dev_post(p->d, page_to(p->mem, i % 64, MEMSTATE_PREPARED));
		if (i % 64 < 16)
			dev_post(p->d, page_to(p->mem, i % 64, MEMSTATE_NONE));
	}
	return NULL;
}

TEST_F(ring, many_producers_each_in_its_own_order)
{
	struct producer p[PRODUCERS];
	pthread_t threads[PRODUCERS];
	unsigned long n = scaled(20000) / 64 * 64;
	struct memstate_totals t;

	for (int i = 0; i < PRODUCERS; i++) {
		p[i] = (struct producer) { &self->d, self->mem + i * 64 * PAGE, n };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, produce, &p[i]));
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	t = dev_totals(&self->d);
	EXPECT_EQ(PRODUCERS * (2 * n + n / 4), t.transitions);
	EXPECT_EQ(PRODUCERS * 48 * PAGE, ms_totals_state(&t, MEMSTATE_PREPARED));
	EXPECT_EQ(PRODUCERS * 48 * PAGE, totals_all(&t));
	EXPECT_TRUE(books_are_consistent(&self->d));
}

/*
 * Addresses that go from thread to thread: each maps, reports, perhaps reports
 * the end, and unmaps. What is left must be what is mapped, although records are
 * drained long after the address has had its next owner.
 */
static void *reuse(void *arg)
{
	struct producer *p = arg;
	u64 seed = (uintptr_t)&seed | 1;

	for (unsigned long i = 0; i < p->n; i++) {
		size_t bytes = (1 + rnd(&seed) % 4) * PAGE;
		char *mem = anon(bytes);

		dev_post(p->d, REC((uintptr_t)mem, bytes, MEMSTATE_ANY,
				   MEMSTATE_READY, 0, 0));
		if (rnd(&seed) % 2)
			dev_post(p->d, REC((uintptr_t)mem, bytes, MEMSTATE_READY,
					   MEMSTATE_NONE, 0, 0));
		munmap(mem, bytes);
	}
	return NULL;
}

TEST_F(ring, address_reuse_across_threads_leaves_what_is_mapped)
{
	struct producer p = { &self->d, NULL, scaled(20000) };
	pthread_t threads[PRODUCERS];
	struct memstate_totals t;

	for (int i = 0; i < PRODUCERS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, reuse, &p));
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	t = dev_totals(&self->d);
	EXPECT_EQ(0, totals_all(&t));
	EXPECT_EQ(0, t.drift);
	EXPECT_TRUE(books_are_consistent(&self->d));
}

TEST_HARNESS_MAIN
