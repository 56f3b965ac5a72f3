// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What is unmapped without a report: the kernel learns of it by itself. */
#include "device.h"
#include "harness.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

FIXTURE(unmap) {
	struct dev d;
	char *mem;
};

#define PAGES	4096UL

FIXTURE_SETUP(unmap)
{
	ASSERT_EQ(0, dev_open(&self->d, 4096));
	self->mem = anon(PAGES * PAGE);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
	dev_post(&self->d, REC((uintptr_t)self->mem, PAGES * PAGE, MEMSTATE_NONE,
			       MEMSTATE_READY, 0, 0));
	ASSERT_EQ(PAGES * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

FIXTURE_TEARDOWN(unmap)
{
	EXPECT_TRUE(books_are_consistent(&self->d));
	dev_close(&self->d);
}

TEST_F(unmap, munmap_in_the_middle_is_learnt_of)
{
	struct memstate_totals t;

	munmap(self->mem + 10 * PAGE, 5 * PAGE);
	t = dev_totals(&self->d);
	EXPECT_EQ((PAGES - 5) * PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ(2, t.ranges);
	EXPECT_EQ(1, t.unmaps);
	EXPECT_EQ(0, t.drift);
}

TEST_F(unmap, map_fixed_over_it_is_learnt_of)
{
	mmap(self->mem, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	EXPECT_EQ((PAGES - 3) * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

TEST_F(unmap, mremap_away_is_learnt_of)
{
	char *to = anon(8 * PAGE);

	ASSERT_EQ(to, mremap(self->mem, 8 * PAGE, 8 * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ((PAGES - 8) * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

TEST_F(unmap, mremap_over_something_takes_that_too)
{
	ASSERT_EQ(self->mem + 64 * PAGE,
		  mremap(self->mem + 2 * PAGE, 4 * PAGE, 4 * PAGE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, self->mem + 64 * PAGE));
	EXPECT_EQ((PAGES - 8) * PAGE, dev_state(&self->d, MEMSTATE_READY));
	EXPECT_EQ(3, dev_totals(&self->d).ranges);
}

TEST_F(unmap, mremap_that_shrinks_and_moves_takes_the_old_place_whole)
{
	char *to = anon(8 * PAGE);

	ASSERT_EQ(to, mremap(self->mem, 8 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			     to));
	EXPECT_EQ((PAGES - 8) * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

/* The pages go, the mapping stays. */
TEST_F(unmap, mremap_that_leaves_the_mapping_is_no_unmapping)
{
	char *to = mremap(self->mem + PAGE, 8 * PAGE, 8 * PAGE,
			  MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	ASSERT_NE(MAP_FAILED, (void *)to);
	EXPECT_EQ(PAGES * PAGE, dev_state(&self->d, MEMSTATE_READY));
	EXPECT_EQ(0, dev_totals(&self->d).unmaps);
	munmap(self->mem + 2 * PAGE, PAGE);
	EXPECT_EQ((PAGES - 1) * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

/* A ring refuses to move when its pages have: they are moved back. */
TEST_F(unmap, mremap_that_is_undone_is_no_unmapping)
{
	char *ring = (char *)self->d.ring.tail, *to = anon(self->d.setup.ring_bytes);
	u64 bytes = self->d.setup.ring_bytes;

	dev_post(&self->d, REC((uintptr_t)ring, bytes, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	dev_post(&self->d, REC((uintptr_t)to, bytes, MEMSTATE_NONE, MEMSTATE_PREPARED, 0, 0));
	ASSERT_EQ(MAP_FAILED, mremap(ring, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	EXPECT_EQ(PAGES * PAGE + bytes, dev_state(&self->d, MEMSTATE_READY));
	/* What lay at the other end is gone all the same. */
	EXPECT_EQ(0, dev_state(&self->d, MEMSTATE_PREPARED));
}

TEST_F(unmap, brk_shrink_is_learnt_of)
{
	char *heap = sbrk(16 * PAGE);
	uintptr_t start = ((uintptr_t)heap + PAGE - 1) & ~(PAGE - 1);

	dev_post(&self->d, REC(start, 8 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_EQ((PAGES + 8) * PAGE, dev_state(&self->d, MEMSTATE_READY));
	ASSERT_NE((void *)-1, sbrk(-16 * (long)PAGE));
	EXPECT_EQ(PAGES * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

TEST_F(unmap, advice_and_protection_are_no_unmappings)
{
	madvise(self->mem, 64 * PAGE, MADV_DONTNEED);
	mprotect(self->mem, 64 * PAGE, PROT_NONE);
	EXPECT_EQ(PAGES * PAGE, dev_state(&self->d, MEMSTATE_READY));
	EXPECT_EQ(0, dev_totals(&self->d).unmaps);
}

/* The stamp: a record of before must not bring back what was unmapped after it. */
TEST_F(unmap, record_before_and_unmap_after_leave_nothing)
{
	dev_post(&self->d, REC((uintptr_t)self->mem, PAGE, MEMSTATE_ANY,
			       MEMSTATE_PREPARED, 0, 0));
	munmap(self->mem, PAGE);
	EXPECT_EQ((PAGES - 1) * PAGE, dev_state(&self->d, MEMSTATE_READY));
	EXPECT_EQ(0, dev_state(&self->d, MEMSTATE_PREPARED));
}

/* And an unmapping must not take what was reported of the address's next life. */
TEST_F(unmap, unmap_before_and_record_after_leave_the_record)
{
	munmap(self->mem, PAGE);
	ASSERT_EQ(self->mem, mmap(self->mem, PAGE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	dev_post(&self->d, REC((uintptr_t)self->mem, PAGE, MEMSTATE_NONE,
			       MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_PREPARED));
	EXPECT_EQ(0, dev_totals(&self->d).drift);
}

/* A tail behind head is no distance, and not a ring that is full. */
TEST_F(unmap, tail_that_goes_back_holds_no_unmapping_up)
{
	u32 tail;

	for (int i = 0; i < 8; i++)
		dev_post(&self->d, REC((uintptr_t)self->mem + i * PAGE, PAGE, MEMSTATE_ANY,
				       MEMSTATE_READY, 0, 0));
	ASSERT_EQ(0, dev_sync(&self->d, NULL));
	tail = *self->d.ring.tail;
	__atomic_store_n(self->d.ring.tail, tail - 4, __ATOMIC_SEQ_CST);
	munmap(self->mem, 2 * PAGE);
	__atomic_store_n(self->d.ring.tail, tail, __ATOMIC_SEQ_CST);
	EXPECT_EQ((PAGES - 2) * PAGE, dev_state(&self->d, MEMSTATE_READY));
}

TEST_F(unmap, more_than_the_queue_holds_is_still_exact)
{
	struct memstate_query q = { .size = sizeof(q) };
	struct memstate_totals t;
	unsigned long n;

	ASSERT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_QUERY, &q));
	n = 2 * q.unmaps_max;
	ASSERT_LE(2 * n, PAGES);
	for (unsigned long i = 0; i < n; i++)
		munmap(self->mem + 2 * i * PAGE, PAGE);
	t = dev_totals(&self->d);
	EXPECT_EQ((PAGES - n) * PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ(1, t.resyncs);
	/* Once is enough. */
	EXPECT_EQ(1, dev_totals(&self->d).resyncs);
}

TEST_F(unmap, overflow_with_records_waiting_is_still_exact)
{
	struct memstate_query q = { .size = sizeof(q) };
	struct memstate_totals t;
	unsigned long n;

	ASSERT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_QUERY, &q));
	n = 2 * q.unmaps_max;
	for (unsigned long i = 0; i < n; i++) {
		dev_post(&self->d, REC((uintptr_t)self->mem + 2 * i * PAGE, PAGE,
				       MEMSTATE_ANY, MEMSTATE_PREPARED, 0, 0));
		munmap(self->mem + 2 * i * PAGE, PAGE);
	}
	t = dev_totals(&self->d);
	EXPECT_EQ((PAGES - n) * PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ(0, ms_totals_state(&t, MEMSTATE_PREPARED));
	EXPECT_GE(t.resyncs, 1);
}

TEST_F(unmap, overflow_is_compared_by_a_reader_elsewhere_too)
{
	struct memstate_query q = { .size = sizeof(q) };
	unsigned long n;
	pid_t child;
	int status;

	ASSERT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_QUERY, &q));
	n = 2 * q.unmaps_max;
	for (unsigned long i = 0; i < n; i++)
		munmap(self->mem + 2 * i * PAGE, PAGE);
	child = fork();
	if (!child) {
		struct memstate_totals t = fd_totals(self->d.fd,
						     MEMSTATE_SCOPE_TASK);

		_exit(ms_totals_state(&t, MEMSTATE_READY) == (PAGES - n) * PAGE &&
		      t.resyncs == 1 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
}

/* ---- audit ---------------------------------------------------------------------- */

static uint32_t audit(struct dev *d, struct memstate_finding *f, uint32_t nr)
{
	struct memstate_audit a = { .size = sizeof(a), .findings = (uintptr_t)f,
				    .nr = nr };

	return dev_ioctl(d->fd, MEMSTATE_IOC_AUDIT, &a) ? 99 : a.done;
}

TEST_F(unmap, audit_of_honest_books_finds_nothing)
{
	struct memstate_finding f[4];

	EXPECT_EQ(0, audit(&self->d, f, 4));
	munmap(self->mem + PAGE, PAGE);
	EXPECT_EQ(0, audit(&self->d, f, 4));
}

TEST_F(unmap, audit_finds_what_has_no_mapping)
{
	uintptr_t hole = (uintptr_t)self->mem + 7 * PAGE;
	struct memstate_finding f[4];

	munmap((void *)hole, PAGE);
	ASSERT_EQ(PAGES * PAGE - PAGE, dev_state(&self->d, MEMSTATE_READY));
	dev_post(&self->d, REC(hole, PAGE, MEMSTATE_NONE, MEMSTATE_PREPARED,
			       MEMSTATE_STACK, 0));
	ASSERT_EQ(1, audit(&self->d, f, 4));
	EXPECT_EQ(hole, f[0].start);
	EXPECT_EQ(hole + PAGE, f[0].end);
	EXPECT_EQ(MEMSTATE_AUDIT_UNMAPPED, f[0].kind);
	EXPECT_EQ(MEMSTATE_PREPARED, f[0].state);
	EXPECT_EQ(MEMSTATE_STACK, f[0].class_);
}

TEST_F(unmap, audit_finds_ready_that_cannot_be_written)
{
	struct memstate_finding f[4];

	mprotect(self->mem + 3 * PAGE, 2 * PAGE, PROT_READ);
	mprotect(self->mem + 9 * PAGE, PAGE, PROT_NONE);
	ASSERT_EQ(2, audit(&self->d, f, 4));
	EXPECT_EQ((uintptr_t)self->mem + 3 * PAGE, f[0].start);
	EXPECT_EQ((uintptr_t)self->mem + 5 * PAGE, f[0].end);
	EXPECT_EQ(MEMSTATE_AUDIT_NOT_WRITABLE, f[0].kind);
	/* One that was reported read-only is as it should be. */
	dev_post(&self->d, REC((uintptr_t)self->mem + 3 * PAGE, 2 * PAGE,
			       MEMSTATE_READY, MEMSTATE_KEEP_RO, 0, 0));
	EXPECT_EQ(1, audit(&self->d, f, 4));
}

TEST_F(unmap, audit_goes_on_from_its_cursor)
{
	struct memstate_finding f[2];
	struct memstate_audit a = { .size = sizeof(a), .findings = (uintptr_t)f,
				    .nr = 2 };
	uint32_t found = 0, calls = 0;

	for (int i = 0; i < 7; i++)
		mprotect(self->mem + 2 * i * PAGE, PAGE, PROT_READ);
	do {
		ASSERT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_AUDIT, &a));
		found += a.done;
		ASSERT_LT(++calls, 10);
	} while (a.cursor);
	EXPECT_EQ(7, found);
}

TEST_HARNESS_MAIN
