// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What one task can do to the limits: its charge is bounded, its own limit only falls. */
#include "cgroup.h"
#include "harness.h"

#define BASE	0x500000000UL
#define BATCH	(256 * 1024UL)
#define LEAF	"ms-bounds"
#define NOBODY	65534

/* The most that a task's memory can cost, and the credit that is left to it. */
#define BOUND	((1UL << 47) + 2 * BATCH)

FIXTURE(bounds) {
	struct dev d;
	int group;
};

FIXTURE_SETUP(bounds)
{
	self->group = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	ASSERT_EQ(0, dev_open_credit(&self->d, 64));
}

FIXTURE_TEARDOWN(bounds)
{
	dev_close(&self->d);
	EXPECT_TRUE(wait_for_tasks(0));
	close(self->group);
	EXPECT_EQ(0, cg_remove(LEAF));
}

/* Charges as much as it is given, in ever smaller pieces; then stays until told to go. */
static void greedy(int told, int tell)
{
	struct memstate_charge c;
	u64 sum = BATCH;
	struct dev d;
	char byte;

	if (!cg_enter(LEAF) || setgid(NOBODY) || setuid(NOBODY) || dev_open_credit(&d, 16))
		_exit(1);
	for (u64 bytes = 1UL << 46; bytes; bytes = bytes / 2 & -PAGE) {
		int ret;

		while (!(ret = dev_charge(&d, bytes, 0, 0, &c)))
			sum += bytes;
		/* Nobody has set a limit: it is its own. */
		if (ret != -EDQUOT || c.refused_by || c.room >= bytes)
			_exit(2);
	}
	if (write(tell, &sum, sizeof(sum)) != sizeof(sum) || read(told, &byte, 1) != 0)
		_exit(3);
	_exit(0);
}

TEST_F(bounds, charge_of_a_task_ends_with_its_address_space_and_harms_nobody)
{
	struct memstate_limit before = limit_get(self->d.fd, MEMSTATE_SCOPE_SYSTEM, 0, 0), l;
	int told[2], tell[2];
	u64 sum, all = 0;
	pid_t pid[3];

	ASSERT_EQ(0, pipe(told));
	ASSERT_EQ(0, pipe(tell));
	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(told[1]);
			greedy(told[0], tell[1]);
		}
		ASSERT_EQ(sizeof(sum), read(tell[0], &sum, sizeof(sum)));
		EXPECT_LE(sum, BOUND + BATCH);
		EXPECT_GT(sum, BOUND - 4 * BATCH);
		l = group_limit(self->d.fd, self->group);
		EXPECT_LE(l.charged, (i + 1) * BOUND);
		EXPECT_GT(l.charged, all);
		all = l.charged;
	}
	/* The system's is the sum, and there is room. */
	l = limit_get(self->d.fd, MEMSTATE_SCOPE_SYSTEM, 0, 0);
	EXPECT_EQ(before.charged + all, l.charged);
	EXPECT_EQ(0, dev_ready(&self->d, BASE, 64 * MIB));
	EXPECT_TRUE(charge_is_exact(&self->d));
	close(told[0]);
	close(told[1]);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, join(pid[i]));
	EXPECT_TRUE(soon(!group_limit(self->d.fd, self->group).charged));
}

TEST_F(bounds, words_that_are_no_pages_do_not_make_odd_charges)
{
	struct dev *d = &self->d;
	struct memstate_record rec = REC(BASE, 4 * PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, 0);
	struct memstate_transition t = {
		.size = sizeof(t), .records = (uintptr_t)&rec, .nr = 1, .paid = 2 * PAGE + 5 };

	ASSERT_EQ(0, dev_charge(d, 8 * PAGE, 0, 0, NULL));
	__atomic_store_n(dev_credit(d), 3 * PAGE + 7, __ATOMIC_SEQ_CST);
	EXPECT_EQ(0, dev_charge(d, 8 * PAGE, 0, 0, NULL));
	EXPECT_EQ(0, limit_get(d->fd, MEMSTATE_SCOPE_TASK, 0, 0).charged % PAGE);
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	__atomic_fetch_add(dev_credit(d), 100 * MIB + 9, __ATOMIC_SEQ_CST);
	dev_trim(d);
	EXPECT_EQ(0, dev_totals(d).charged % PAGE);
	dev_post(d, REC(BASE, 4 * PAGE, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	dev_trim(d);
	EXPECT_EQ(0, dev_totals(d).charged);
}

/* ---- one's own limit --------------------------------------------------------------- */

static int own_fd;

/* Lowers by what it has got itself; returns the least that it was allowed. */
static void *lowers(void *arg)
{
	u64 seed = (uintptr_t)arg, mine = 1UL << 40;

	for (unsigned long i = 0; i < scaled(50000) + 500; i++) {
		u64 max = rnd(&seed) % mine + 1;

		if (!limit_set_scope(own_fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX,
				     0, max))
			mine = max;
		/* Steps as small as possible, so that there are many. */
		if (!limit_set_scope(own_fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX,
				     0, mine - 1))
			mine--;
		if (mine < 1000)
			break;
	}
	return (void *)mine;
}

TEST_F(bounds, no_lowering_of_ones_own_limit_undoes_another)
{
	pid_t child = fork();

	if (!child) {
		pthread_t t[2];
		void *least[2];
		u64 max;

		if (setuid(NOBODY))
			_exit(1);
		own_fd = open(MEMSTATE_DEVICE, O_RDWR);
		for (uintptr_t i = 0; i < 2; i++)
			pthread_create(&t[i], NULL, lowers, (void *)(i + 3));
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], &least[i]);
		max = limit_get(own_fd, MEMSTATE_SCOPE_TASK, 0, 0).max;
		_exit(max != (u64)(least[0] < least[1] ? least[0] : least[1]));
	}
	EXPECT_EQ(0, join(child));
}

/* ---- one request, one refusal --------------------------------------------------------- */

/* In the group: five times four requests that are refused. */
static int asks_in_vain(int group)
{
	struct memstate_record rec = REC(BASE, BATCH + 64 * PAGE, MEMSTATE_ANY,
					 MEMSTATE_READY, 0, 0);
	struct memstate_transition t = {
		.size = sizeof(t), .records = (uintptr_t)&rec, .nr = 1 };
	struct memstate_limit l;
	struct dev d;

	if (dev_open_credit(&d, 64))
		return 1;
	for (u64 i = 1; i <= 5; i++) {
		/* Could fit by the limit; could never; waits in vain; by a record. */
		if (dev_charge(&d, BATCH + 64 * PAGE, 0, 0, NULL) != -EDQUOT ||
		    dev_charge(&d, 64 * MIB, 0, 0, NULL) != -EDQUOT ||
		    dev_charge(&d, 64 * MIB, MEMSTATE_CHARGE_WAIT, 1000000, NULL) != -EDQUOT ||
		    dev_ioctl(d.fd, MEMSTATE_IOC_TRANSITION, &t) != -EDQUOT)
			return 2;
		if (dev_totals(&d).denied != 4 * i)
			return 3;
		l = group_limit(d.fd, group);
		if (l.events[MEMSTATE_EVENT_DENIED] != 4 * i)
			return 4;
		if (l.events[MEMSTATE_EVENT_MAX] != 4 * i)
			return 5;
	}
	return 0;
}

TEST_F(bounds, refused_request_is_one_denied_however_often_it_was_tried)
{
	int ready[2], go[2];
	struct dev d;
	pid_t child, asks;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, limit_max(self->d.fd, self->group, BATCH + 64 * PAGE));
	/* Has credit, which is taken back first. */
	child = cg_child(LEAF);
	if (!child) {
		close(go[1]);
		if (dev_open_credit(&d, 64) || dev_ready(&d, BASE, PAGE) ||
		    write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(go[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	asks = cg_child(LEAF);
	if (!asks)
		_exit(asks_in_vain(self->group));
	EXPECT_EQ(0, join(asks));
	close(go[1]);
	EXPECT_EQ(0, join(child));
}

TEST_HARNESS_MAIN
