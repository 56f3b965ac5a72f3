// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Readers of groups: whom they drain, whom they pass over, and what they say of it. */
#include "cgroup.h"
#include "harness.h"

#define BASE	0x600000000UL

FIXTURE(pending) {
	struct dev d;
	u32 *bell;
};

static int ring_bell(int fd)
{
	struct memstate_pending arg = { .size = sizeof(arg) };

	return dev_ioctl(fd, MEMSTATE_IOC_PENDING, &arg);
}

/* Ready bytes of one's own group; *partial: not all of it. */
static u64 group_ready(int fd, bool *partial)
{
	struct memstate_get_totals arg = { .size = sizeof(arg),
					   .scope = MEMSTATE_SCOPE_OWN_GROUP };

	if (dev_ioctl(fd, MEMSTATE_IOC_TOTALS, &arg))
		return -1UL;
	if (partial)
		*partial = arg.flags & MEMSTATE_TOTALS_PARTIAL;
	return ms_totals_state(&arg.totals, MEMSTATE_READY);
}

static struct memstate_record to(u64 page, u32 state)
{
	return REC(BASE + page * PAGE, PAGE, MEMSTATE_ANY, state, 0, 0);
}

FIXTURE_SETUP(pending)
{
	int cg = cg_make("ms-pending");

	ASSERT_GE(cg, 0);
	close(cg);
	ASSERT_TRUE(cg_enter("ms-pending"));
	ASSERT_EQ(0, dev_open_with(&self->d, 1024, MEMSTATE_SETUP_DOORBELL));
	self->bell = self->d.ring.tail + 1;
}

FIXTURE_TEARDOWN(pending)
{
	EXPECT_TRUE(books_are_consistent(&self->d));
	dev_close(&self->d);
	EXPECT_TRUE(write_text(CGROUPS "cgroup.procs", "0"));
	EXPECT_EQ(0, cg_remove("ms-pending"));
}

TEST_F(pending, idle_task_is_passed_over_until_it_rings)
{
	bool partial;

	/* At first it is looked at. */
	dev_post(&self->d, to(0, MEMSTATE_READY));
	EXPECT_EQ(PAGE, group_ready(self->d.fd, &partial));
	EXPECT_FALSE(partial);
	EXPECT_TRUE(ms_ring_doorbell(self->bell));
	/* Whoever does not ring is not heard. */
	dev_post(&self->d, to(2, MEMSTATE_READY));
	EXPECT_EQ(PAGE, group_ready(self->d.fd, &partial));
	EXPECT_FALSE(partial);
	ASSERT_EQ(0, ring_bell(self->d.fd));
	EXPECT_FALSE(ms_ring_doorbell(self->bell));
	EXPECT_EQ(2 * PAGE, group_ready(self->d.fd, NULL));
	EXPECT_TRUE(ms_ring_doorbell(self->bell));
	/* Nor is he by his own drains, of which the groups know all the same. */
	dev_post(&self->d, to(4, MEMSTATE_READY));
	ASSERT_EQ(0, dev_sync(&self->d, NULL));
	EXPECT_EQ(3 * PAGE, group_ready(self->d.fd, NULL));
}

TEST_F(pending, slot_that_is_not_published_keeps_it_on_the_list)
{
	struct memstate_record rec = to(0, MEMSTATE_READY);
	u32 pos;

	ASSERT_TRUE(ms_ring_claim(&self->d.ring, &pos));
	EXPECT_EQ(0, group_ready(self->d.fd, NULL));
	ms_ring_publish(&self->d.ring, pos, &rec);
	EXPECT_EQ(PAGE, group_ready(self->d.fd, NULL));
}

TEST_F(pending, unmapping_of_an_idle_task_is_seen)
{
	char *mem = anon(8 * PAGE);

	ASSERT_EQ(0, dev_apply1(&self->d, REC((uintptr_t)mem, 8 * PAGE, MEMSTATE_NONE,
					      MEMSTATE_READY, 0, 0)));
	EXPECT_EQ(8 * PAGE, group_ready(self->d.fd, NULL));
	EXPECT_EQ(8 * PAGE, group_ready(self->d.fd, NULL));
	munmap(mem + PAGE, 2 * PAGE);
	EXPECT_EQ(6 * PAGE, group_ready(self->d.fd, NULL));
}

/* As programs of before, which do not know of it. */
TEST_F(pending, task_without_a_doorbell_need_not_ring)
{
	pid_t child = cg_child("ms-pending");
	struct dev d;

	if (!child) {
		if (dev_open_with(&d, 64, 0))
			_exit(1);
		for (u64 i = 0; i < 4; i++) {
			dev_post(&d, to(2 * i, MEMSTATE_READY));
			if (group_ready(d.fd, NULL) != (i + 1) * PAGE)
				_exit(2);
		}
		if (d.ring.tail[1])
			_exit(3);
		_exit(ring_bell(d.fd) == -ENXIO ? 0 : 4);
	}
	EXPECT_EQ(0, join(child));
}

/* A program of before, with a library in it that rings: the same ring, and nobody does. */
TEST_F(pending, where_one_does_not_ring_nobody_is_asked_to)
{
	struct dev d;

	EXPECT_EQ(0, group_ready(self->d.fd, NULL));
	EXPECT_EQ(1, self->d.ring.tail[1]);
	ASSERT_EQ(0, dev_open_with(&d, 0, 0));
	EXPECT_EQ(0, self->d.ring.tail[1]);
	for (u64 i = 0; i < 4; i++) {
		dev_post(i % 2 ? &d : &self->d, to(2 * i, MEMSTATE_READY));
		EXPECT_EQ((i + 1) * PAGE, group_ready(self->d.fd, NULL));
	}
	EXPECT_EQ(0, self->d.ring.tail[1]);
	EXPECT_EQ(-ENXIO, ring_bell(self->d.fd));
	/* Whoever rings may join at any time. */
	dev_close(&d);
	EXPECT_EQ(0, dev_open_with(&d, 0, MEMSTATE_SETUP_DOORBELL));
	dev_close(&d);
}

TEST_F(pending, task_without_a_ring_is_seen_when_it_unmaps)
{
	pid_t child = cg_child("ms-pending");

	if (!child) {
		int fd = open(MEMSTATE_DEVICE, O_RDWR);
		char *mem = anon(4 * PAGE);
		struct dev d = { .fd = fd };

		if (fd < 0 || ring_bell(fd) != -ENXIO ||
		    dev_apply1(&d, REC((uintptr_t)mem, 4 * PAGE, MEMSTATE_NONE,
				       MEMSTATE_READY, 0, 0)))
			_exit(1);
		if (group_ready(fd, NULL) != 4 * PAGE)
			_exit(2);
		munmap(mem, PAGE);
		_exit(group_ready(fd, NULL) == 3 * PAGE ? 0 : 3);
	}
	EXPECT_EQ(0, join(child));
}

/* A reader does so much and no more, and says so. */
TEST_F(pending, more_than_a_reader_does_is_partial)
{
	const u32 nr = 40000;
	struct memstate_get_totals arg = { .size = sizeof(arg),
					   .scope = MEMSTATE_SCOPE_OWN_GROUP };
	u32 calls = 0;
	struct dev d;
	pid_t child = cg_child("ms-pending");

	if (!child) {
		if (dev_open_with(&d, 65536, MEMSTATE_SETUP_DOORBELL))
			_exit(1);
		for (u32 i = 0; i < nr; i++)
			dev_post(&d, to(i % 64, i % 2 ? MEMSTATE_READY : MEMSTATE_PREPARED));
		do {
			/* What came back is as good as what was given. */
			if (dev_ioctl(d.fd, MEMSTATE_IOC_TOTALS, &arg))
				_exit(2);
			calls++;
		} while (arg.flags == MEMSTATE_TOTALS_PARTIAL);
		if (arg.flags)
			_exit(3);
		if (calls < 2)
			_exit(4);
		_exit(ms_totals_state(&arg.totals, MEMSTATE_READY) == 32 * PAGE ? 0 : 5);
	}
	EXPECT_EQ(0, join(child));
}

/* Who posts, and rings where he is to, finds it in his group, whoever else reads. */
TEST_F(pending, what_was_posted_is_found_while_others_read)
{
	unsigned long rounds = scaled(20000) + 200;
	pid_t readers[2];
	bool partial;

	for (int i = 0; i < 2; i++) {
		readers[i] = fork();
		if (!readers[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				fd_totals(self->d.fd, i ? MEMSTATE_SCOPE_SYSTEM :
							  MEMSTATE_SCOPE_OWN_GROUP);
		}
	}
	for (unsigned long i = 0; i < rounds; i++) {
		u32 state = i % 2 ? MEMSTATE_PREPARED : MEMSTATE_READY;
		u64 ready;

		dev_post(&self->d, to(0, state));
		if (ms_ring_doorbell(self->bell))
			ASSERT_EQ(0, ring_bell(self->d.fd));
		ready = group_ready(self->d.fd, &partial);
		if (!partial)
			ASSERT_EQ(i % 2 ? 0 : PAGE, ready);
	}
	for (int i = 0; i < 2; i++) {
		kill(readers[i], SIGKILL);
		join(readers[i]);
	}
	group_ready(self->d.fd, &partial);
	EXPECT_FALSE(partial);
}

TEST_HARNESS_MAIN
