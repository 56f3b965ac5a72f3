// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Credit, charging, refusals, pressure, peaks: one group at a time. */
#include <sys/timerfd.h>

#include "cgroup.h"
#include "harness.h"

#define BASE	0x500000000UL
#define BATCH	(256 * 1024UL)
#define LEAF	"ms-limits/leaf"

/* The test's process sits in the leaf of two groups, with credit. */
FIXTURE(limits) {
	struct dev d;
	int parent;
	int leaf;
};

FIXTURE_SETUP(limits)
{
	self->parent = cg_make("ms-limits");
	self->leaf = cg_make(LEAF);
	ASSERT_GE(self->parent, 0);
	ASSERT_GE(self->leaf, 0);
	ASSERT_TRUE(cg_enter(LEAF));
	ASSERT_EQ(0, dev_open_credit(&self->d, 256));
}

FIXTURE_TEARDOWN(limits)
{
	dev_close(&self->d);
	cg_enter(".");
	close(self->leaf);
	close(self->parent);
	EXPECT_EQ(0, cg_remove(LEAF));
	EXPECT_EQ(0, cg_remove("ms-limits"));
}

TEST_F(limits, charge_is_credit_then_held_then_given_back_exactly)
{
	struct dev *d = &self->d;
	struct memstate_charge c;
	struct memstate_totals t;

	ASSERT_EQ(0, dev_charge(d, 64 * PAGE, 0, 0, &c));
	EXPECT_EQ(64 * PAGE, c.bytes);
	EXPECT_EQ(BATCH, *dev_credit(d));
	EXPECT_EQ(64 * PAGE + BATCH, group_limit(d->fd, self->leaf).charged);
	EXPECT_EQ(64 * PAGE + BATCH, group_limit(d->fd, self->parent).charged);
	dev_post(d, REC(BASE, 64 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_TRUE(charge_is_exact(d));
	t = dev_totals(d);
	EXPECT_EQ(64 * PAGE, t.ready_direct);
	EXPECT_EQ(64 * PAGE + BATCH, t.charged);

	/* Some goes: to credit, as long as that is low. */
	dev_post(d, REC(BASE, 16 * PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(BATCH + 16 * PAGE, *dev_credit(d));
	EXPECT_EQ(BATCH + 16 * PAGE, dev_trim(d));
	EXPECT_EQ(0, *dev_credit(d));
	EXPECT_EQ(48 * PAGE, group_limit(d->fd, self->parent).charged);
	EXPECT_TRUE(charge_is_exact(d));

	dev_post(d, REC(BASE, 64 * PAGE, MEMSTATE_MAPPED, MEMSTATE_NONE, 0, 0));
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(48 * PAGE, dev_trim(d));
	EXPECT_EQ(0, group_limit(d->fd, self->leaf).charged);
	EXPECT_EQ(0, group_limit(d->fd, self->parent).charged);
}

TEST_F(limits, credit_in_hand_pays_without_a_call)
{
	struct dev *d = &self->d;

	ASSERT_EQ(0, dev_ready(d, BASE, PAGE));
	ASSERT_EQ(BATCH, *dev_credit(d));
	for (u64 i = 1; i <= BATCH / PAGE; i++) {
		ASSERT_TRUE(credit_take(d, PAGE));
		dev_post(d, REC(BASE + i * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_READY,
				0, 0));
	}
	EXPECT_FALSE(credit_take(d, PAGE));
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(BATCH + PAGE, dev_totals(d).charged);
	EXPECT_EQ(0, dev_totals(d).breaches);
}

TEST_F(limits, what_was_ready_before_is_not_paid_for_twice)
{
	struct dev *d = &self->d;

	ASSERT_EQ(0, dev_ready(d, BASE, 32 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE, 32 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE + 16 * PAGE, 32 * PAGE));
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(48 * PAGE, dev_totals(d).ready_direct);
	dev_trim(d);
	EXPECT_EQ(48 * PAGE, dev_totals(d).charged);
}

TEST_F(limits, refusal_names_the_group_whose_limit_it_was)
{
	struct dev *d = &self->d;
	struct memstate_charge c;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, MIB));
	ASSERT_EQ(0, limit_max(d->fd, self->parent, 2 * MIB));
	ASSERT_EQ(-EDQUOT, dev_charge(d, MIB + PAGE, 0, 0, &c));
	EXPECT_EQ(cg_id(self->leaf), c.refused_by);
	EXPECT_EQ(MIB, c.room);
	EXPECT_EQ(0, group_limit(d->fd, self->parent).charged);

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, MEMSTATE_UNLIMITED));
	ASSERT_EQ(-EDQUOT, dev_charge(d, 2 * MIB + PAGE, 0, 0, &c));
	EXPECT_EQ(cg_id(self->parent), c.refused_by);
	EXPECT_EQ(0, group_limit(d->fd, self->leaf).charged);

	ASSERT_EQ(0, limit_set_scope(d->fd, MEMSTATE_SCOPE_TASK, 0,
				     MEMSTATE_LIMIT_MAX, 0, PAGE));
	ASSERT_EQ(-EDQUOT, dev_charge(d, 2 * PAGE, 0, 0, &c));
	EXPECT_EQ(0, c.refused_by);
	EXPECT_EQ(PAGE, c.room);
	ASSERT_EQ(0, dev_charge(d, PAGE, 0, 0, &c));
	EXPECT_EQ(3, dev_totals(d).denied);
}

TEST_F(limits, max_is_reached_to_the_byte_and_not_passed)
{
	struct dev *d = &self->d;
	u64 n = 0;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 100 * PAGE));
	while (!dev_ready(d, BASE + n * PAGE, PAGE))
		n++;
	EXPECT_EQ(100, n);
	EXPECT_EQ(100 * PAGE, group_limit(d->fd, self->leaf).charged);
	EXPECT_EQ(100 * PAGE, group_limit(d->fd, self->leaf).peak);
	EXPECT_EQ(MEMSTATE_PRESSURE_MAX, group_limit(d->fd, self->leaf).pressure);
	dev_post(d, REC(BASE, PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(0, dev_ready(d, BASE, PAGE));
	EXPECT_TRUE(charge_is_exact(d));
}

TEST_F(limits, lazy_stays_charged)
{
	struct dev *d = &self->d;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 10 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE, 10 * PAGE));
	dev_post(d, REC(BASE, 10 * PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0,
			MEMSTATE_LAZY));
	EXPECT_EQ(-EDQUOT, dev_ready(d, BASE + 16 * PAGE, PAGE));
	EXPECT_EQ(10 * PAGE, dev_totals(d).prepared_lazy);
	EXPECT_EQ(10 * PAGE, dev_totals(d).charged);
	dev_post(d, REC(BASE, 10 * PAGE, MEMSTATE_PREPARED, MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(0, dev_ready(d, BASE + 16 * PAGE, PAGE));
}

TEST_F(limits, unmapping_that_nobody_reports_gives_the_charge_back)
{
	struct dev *d = &self->d;
	char *mem = anon(32 * PAGE);

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 32 * PAGE));
	ASSERT_EQ(0, dev_ready(d, (u64)mem, 32 * PAGE));
	ASSERT_EQ(-EDQUOT, dev_ready(d, BASE, PAGE));
	munmap(mem, 32 * PAGE);
	EXPECT_EQ(0, dev_ready(d, BASE, 32 * PAGE));
	EXPECT_TRUE(charge_is_exact(d));
}

TEST_F(limits, range_charges_what_the_books_lack)
{
	struct dev *d = &self->d;
	struct memstate_charge c = {
		.size = sizeof(c), .flags = MEMSTATE_CHARGE_RANGE, .addr = BASE,
		.bytes = 64 * PAGE };
	struct memstate_record rec = REC(BASE, 64 * PAGE, MEMSTATE_ANY,
					 MEMSTATE_READY, 0, 0);
	struct memstate_transition t = {
		.size = sizeof(t), .records = (uintptr_t)&rec, .nr = 1 };

	/* Of what the books do not have nothing is known: it costs nothing. */
	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 64 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE + 8 * PAGE, 24 * PAGE));
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_CHARGE, &c));
	EXPECT_EQ(0, c.bytes);
	dev_post(d, REC(BASE, 64 * PAGE, MEMSTATE_NONE, MEMSTATE_RESERVED, 0, 0));
	ASSERT_EQ(0, dev_ready(d, BASE + 8 * PAGE, 24 * PAGE));
	c.bytes = 64 * PAGE;
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_CHARGE, &c));
	EXPECT_EQ(40 * PAGE, c.bytes);
	t.paid = c.bytes;
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(0, t.paid);
	EXPECT_EQ(64 * PAGE, dev_totals(d).ready_direct);
	EXPECT_EQ(0, dev_totals(d).breaches);
	EXPECT_TRUE(charge_is_exact(d));
}

TEST_F(limits, transition_charges_by_itself_and_is_refused)
{
	struct dev *d = &self->d;
	struct memstate_record rec[3] = {
		REC(BASE, 4 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0),
		REC(BASE + 8 * PAGE, 4 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0),
		REC(BASE + 16 * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_RESERVED, 0, 0),
	};
	struct memstate_transition t = {
		.size = sizeof(t), .records = (uintptr_t)rec, .nr = 3 };

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 6 * PAGE));
	ASSERT_EQ(-EDQUOT, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(1, t.done);
	EXPECT_EQ(cg_id(self->leaf), t.refused_by);
	EXPECT_EQ(4 * PAGE, dev_totals(d).ready_direct);
	EXPECT_EQ(0, dev_state(d, MEMSTATE_RESERVED));
	EXPECT_EQ(4 * PAGE, group_limit(d->fd, self->leaf).charged);
	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 8 * PAGE));
	t = (struct memstate_transition) {
		.size = sizeof(t), .records = (uintptr_t)(rec + 1), .nr = 2 };
	EXPECT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_TRUE(charge_is_exact(d));
}

TEST_F(limits, hold_keeps_a_charge_for_what_comes_next)
{
	struct dev *d = &self->d;
	struct memstate_record down = REC(BASE, 8 * PAGE, MEMSTATE_READY,
					  MEMSTATE_NONE, 0, 0);
	struct memstate_record up = REC(BASE + MIB, 8 * PAGE, MEMSTATE_NONE,
					MEMSTATE_READY, 0, 0);
	struct memstate_transition t = {
		.size = sizeof(t), .flags = MEMSTATE_TRANSITION_HOLD,
		.records = (uintptr_t)&down, .nr = 1 };

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 8 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE, 8 * PAGE));
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(8 * PAGE, t.paid);
	/* Nobody gets it meanwhile. */
	EXPECT_EQ(-EDQUOT, dev_charge(d, PAGE, 0, 0, NULL));
	t.flags = 0;
	t.records = (uintptr_t)&up;
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(0, t.paid);
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(8 * PAGE, dev_totals(d).charged);
}

TEST_F(limits, inherited_is_recorded_and_paid_when_it_goes)
{
	struct dev *d = &self->d;
	struct memstate_record rec = REC(BASE, 20 * PAGE, MEMSTATE_NONE,
					 MEMSTATE_READY, 0, 0);
	struct memstate_transition t = {
		.size = sizeof(t), .flags = MEMSTATE_TRANSITION_INHERITED,
		.records = (uintptr_t)&rec, .nr = 1 };
	struct memstate_totals tot;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 12 * PAGE));
	ASSERT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	tot = dev_totals(d);
	EXPECT_EQ(20 * PAGE, tot.ready_direct);
	EXPECT_EQ(12 * PAGE, tot.charged);
	EXPECT_EQ(8 * PAGE, tot.inherited);
	EXPECT_EQ(0, tot.breached + tot.breaches + tot.denied);
	EXPECT_EQ(8 * PAGE, group_totals(d->fd, self->leaf).inherited);
	dev_post(d, REC(BASE, 10 * PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	tot = dev_totals(d);
	EXPECT_EQ(0, tot.inherited);
	EXPECT_EQ(10 * PAGE, tot.ready_direct);
	EXPECT_TRUE(charge_is_exact(d));
}

/* ---- what is not paid ---------------------------------------------------------- */

TEST_F(limits, breach_is_counted_and_charged_as_far_as_there_is_room)
{
	struct dev *d = &self->d;
	struct memstate_totals t;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 10 * PAGE));
	dev_post(d, REC(BASE, 16 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	t = dev_totals(d);
	EXPECT_EQ(16 * PAGE, t.ready_direct);
	EXPECT_EQ(10 * PAGE, t.charged);
	EXPECT_EQ(6 * PAGE, t.breached);
	EXPECT_EQ(1, t.breaches);
	EXPECT_EQ(1, group_limit(d->fd, self->parent).events[MEMSTATE_EVENT_BREACH]);
	/* As soon as there is room it is charged. */
	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 14 * PAGE));
	t = dev_totals(d);
	EXPECT_EQ(14 * PAGE, t.charged);
	EXPECT_EQ(2 * PAGE, t.breached);
	/* What is given up pays the rest first. */
	dev_post(d, REC(BASE, 3 * PAGE, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	t = dev_totals(d);
	EXPECT_EQ(0, t.breached);
	EXPECT_EQ(13 * PAGE, t.ready_direct);
	dev_trim(d);
	EXPECT_EQ(13 * PAGE, dev_totals(d).charged);
}

TEST_F(limits, inflated_credit_neither_frees_a_charge_nor_hides_memory)
{
	struct dev *d = &self->d;
	struct memstate_totals t;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 100 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE, 50 * PAGE));
	__atomic_store_n(dev_credit(d), 1UL << 60, __ATOMIC_SEQ_CST);
	dev_trim(d);
	EXPECT_EQ(50 * PAGE, group_limit(d->fd, self->leaf).charged);
	EXPECT_TRUE(credit_take(d, 200 * PAGE));
	dev_post(d, REC(BASE, 200 * PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
	t = dev_totals(d);
	EXPECT_EQ(200 * PAGE, t.ready_direct);
	EXPECT_EQ(100 * PAGE, t.charged);
	EXPECT_EQ(100 * PAGE, t.breached);
	EXPECT_EQ(100 * PAGE, group_limit(d->fd, self->parent).charged);
}

TEST_F(limits, ring_without_credit_is_charged_when_it_is_drained)
{
	struct dev d;
	pid_t child = cg_child(LEAF);

	if (!child) {
		struct memstate_totals t;

		if (dev_open(&d, 64))
			_exit(1);
		dev_post(&d, REC(BASE, 32 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
		t = dev_totals(&d);
		if (t.charged != 32 * PAGE)
			_exit(2);
		dev_post(&d, REC(BASE, 8 * PAGE, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
		t = dev_totals(&d);
		_exit(t.charged != 24 * PAGE ? 3 :
		      dev_charge(&d, PAGE, 0, 0, NULL) != -ENXIO ? 4 : 0);
	}
	EXPECT_EQ(0, join(child));
	EXPECT_TRUE(wait_for_tasks(1));
	EXPECT_EQ(0, group_limit(self->d.fd, self->parent).charged);
}

/* ---- siblings -------------------------------------------------------------------- */

TEST_F(limits, unused_credit_of_siblings_is_taken_before_a_refusal)
{
	struct dev *d = &self->d, other;
	int ready[2], go[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, limit_max(d->fd, self->parent, BATCH + 16 * PAGE));
	child = cg_child("ms-limits");
	if (!child) {
		close(go[1]);
		/* Holds a page and a whole batch of credit. */
		if (dev_open_credit(&other, 64) || dev_ready(&other, BASE, PAGE) ||
		    *dev_credit(&other) != BATCH || write(ready[1], "r", 1) != 1)
			_exit(1);
		if (read(go[0], &byte, 1) != 0)
			_exit(2);
		_exit(*dev_credit(&other) < BATCH && charge_is_exact(&other) ? 0 : 3);
	}
	close(go[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(BATCH + PAGE, group_limit(d->fd, self->parent).charged);
	EXPECT_EQ(0, dev_ready(d, BASE, BATCH + 15 * PAGE));
	EXPECT_EQ(BATCH + 16 * PAGE, group_limit(d->fd, self->parent).charged);
	EXPECT_EQ(-EDQUOT, dev_ready(d, BASE + BATCH * 2, PAGE));
	close(go[1]);
	EXPECT_EQ(0, join(child));
}

/* ---- waiting --------------------------------------------------------------------- */

#define HOUR_NS	3600000000000ULL

/* A timer that begins now; it has run out when nothing is left of it. */
static int timer_of(long ns)
{
	const struct itimerspec once = { .it_value.tv_nsec = ns };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	return timerfd_settime(fd, 0, &once, NULL) ? -1 : fd;
}

static bool has_run_out(int timer)
{
	struct itimerspec left;

	return !timerfd_gettime(timer, &left) && !left.it_value.tv_sec && !left.it_value.tv_nsec;
}

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(limits, wait_is_bounded_ends_with_room_and_can_be_interrupted)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct dev *d = &self->d;
	struct memstate_charge c;
	long time = 200000000;
	pid_t child;
	int timer;

	ASSERT_EQ(0, limit_max(d->fd, self->leaf, 8 * PAGE));
	ASSERT_EQ(0, dev_ready(d, BASE, 8 * PAGE));
	timer = timer_of(time);
	ASSERT_LE(0, timer);
	EXPECT_EQ(-EDQUOT, dev_charge(d, PAGE, MEMSTATE_CHARGE_WAIT, time, &c));
	/* What began before it, and takes as long, is over before it, whatever the machine. */
	EXPECT_TRUE(has_run_out(timer));
	close(timer);
	EXPECT_EQ(cg_id(self->leaf), c.refused_by);

	child = fork();
	if (!child) {
		int fd = open(MEMSTATE_DEVICE, O_RDWR);

		if (!soon(waits_for_room(getppid())))
			_exit(1);
		_exit(limit_max(fd, self->leaf, 9 * PAGE) ? 2 : 0);
	}
	EXPECT_EQ(0, dev_charge(d, PAGE, MEMSTATE_CHARGE_WAIT, HOUR_NS, &c));
	EXPECT_EQ(0, join(child));

	sigaction(SIGUSR1, &sa, NULL);
	child = fork();
	if (!child)
		_exit(!soon(waits_for_room(getppid())) || kill(getppid(), SIGUSR1));
	EXPECT_EQ(-EINTR, dev_charge(d, PAGE, MEMSTATE_CHARGE_WAIT, HOUR_NS, &c));
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(9 * PAGE, group_limit(d->fd, self->leaf).charged);
}

/* ---- limits that change, pressure, peaks ------------------------------------------- */

TEST_F(limits, max_below_the_charge_is_accepted_and_nothing_more_gets_ready)
{
	struct dev *d = &self->d;
	struct memstate_limit l;

	ASSERT_EQ(0, dev_ready(d, BASE, MIB));
	dev_trim(d);
	ASSERT_EQ(0, limit_max(d->fd, self->leaf, MIB / 2));
	l = group_limit(d->fd, self->leaf);
	EXPECT_EQ(MIB / 2, l.max);
	EXPECT_EQ(MIB, l.charged);
	EXPECT_EQ(MEMSTATE_PRESSURE_MAX, l.pressure);
	EXPECT_EQ(-EDQUOT, dev_charge(d, PAGE, 0, 0, NULL));
	dev_post(d, REC(BASE, MIB / 2, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(-EDQUOT, dev_charge(d, PAGE, 0, 0, NULL));
	dev_post(d, REC(BASE + MIB / 2, PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(0, dev_charge(d, PAGE, 0, 0, NULL));
}

static bool pressure_gets(struct dev *d, u32 want)
{
	return soon(__atomic_load_n(&d->page->pressure, __ATOMIC_RELAXED) == want);
}

TEST_F(limits, high_raises_pressure_and_wakes_pollers)
{
	struct dev *d = &self->d;
	struct pollfd p = { .fd = d->fd, .events = POLLPRI };
	struct memstate_limit l;

	ASSERT_EQ(0, limit_high(d->fd, self->parent, MIB));
	EXPECT_TRUE(soon(__atomic_load_n(&d->page->high, __ATOMIC_RELAXED) == MIB));
	EXPECT_EQ(MEMSTATE_UNLIMITED, d->page->max);
	EXPECT_EQ(cg_id(self->leaf), d->page->group);
	dev_totals(d);
	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, dev_ready(d, BASE, 2 * MIB));
	EXPECT_TRUE(pressure_gets(d, MEMSTATE_PRESSURE_HIGH));
	EXPECT_EQ(1, poll(&p, 1, SOON_MS));
	EXPECT_EQ(POLLPRI, p.revents);
	l = group_limit(d->fd, self->parent);
	EXPECT_EQ(1, l.events[MEMSTATE_EVENT_HIGH]);
	EXPECT_EQ(MEMSTATE_PRESSURE_HIGH, l.pressure);
	EXPECT_EQ(0, group_limit(d->fd, self->leaf).pressure);
	EXPECT_EQ(0, poll(&p, 1, 0));
	dev_post(d, REC(BASE, 2 * MIB, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	dev_trim(d);
	EXPECT_TRUE(pressure_gets(d, MEMSTATE_PRESSURE_NONE));
	EXPECT_EQ(1, poll(&p, 1, SOON_MS));
}

TEST_F(limits, own_limit_goes_down_only)
{
	struct dev *d = &self->d;
	pid_t child;

	ASSERT_EQ(0, limit_set_scope(d->fd, MEMSTATE_SCOPE_TASK, 0,
				     MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH, MIB,
				     2 * MIB));
	EXPECT_EQ(2 * MIB, d->page->max);
	EXPECT_EQ(MIB, d->page->high);
	/* It presses, too, and that is shown at once. */
	ASSERT_EQ(0, dev_ready(d, BASE, MIB));
	EXPECT_EQ(MEMSTATE_PRESSURE_HIGH, d->page->pressure);
	dev_post(d, REC(BASE, MIB, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	dev_trim(d);
	EXPECT_EQ(MEMSTATE_PRESSURE_NONE, d->page->pressure);
	child = fork();
	if (!child) {
		int fd;

		/* Without any capability. */
		if (setuid(65534))
			_exit(1);
		fd = open(MEMSTATE_DEVICE, O_RDWR);
		if (limit_set_scope(fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX, 0,
				    MIB))
			_exit(2);
		if (limit_set_scope(fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX, 0,
				    MIB + PAGE) != -EPERM)
			_exit(3);
		_exit(limit_set_scope(fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX,
				      0, PAGE) ? 4 : 0);
	}
	EXPECT_EQ(0, join(child));
	/* With the capability it may. */
	EXPECT_EQ(0, limit_set_scope(d->fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX,
				     0, 3 * MIB));
}

TEST_F(limits, peak_begins_anew_for_each_reader_by_itself)
{
	struct dev *d = &self->d;
	int a = open(MEMSTATE_DEVICE, O_RDWR), b = open(MEMSTATE_DEVICE, O_RDWR);
	u32 g = MEMSTATE_SCOPE_GROUP, reset = MEMSTATE_LIMIT_RESET_PEAK;

	ASSERT_EQ(0, dev_ready(d, BASE, 4 * MIB));
	dev_post(d, REC(BASE, 3 * MIB, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	dev_totals(d);
	dev_trim(d);
	EXPECT_EQ(4 * MIB + BATCH, limit_get(a, g, self->leaf, 0).peak);
	EXPECT_EQ(4 * MIB + BATCH, limit_get(a, g, self->leaf, 0).peak_reader);
	EXPECT_EQ(MIB, limit_get(a, g, self->leaf, reset).peak_reader);
	ASSERT_EQ(0, dev_ready(d, BASE, MIB));
	dev_post(d, REC(BASE, MIB, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	dev_totals(d);
	dev_trim(d);
	/* b begins now; a has seen the two megabytes, and goes on knowing it. */
	EXPECT_EQ(MIB, limit_get(b, g, self->leaf, reset).peak_reader);
	EXPECT_EQ(2 * MIB + BATCH, limit_get(a, g, self->leaf, 0).peak_reader);
	EXPECT_EQ(MIB, limit_get(b, g, self->leaf, 0).peak_reader);
	EXPECT_EQ(4 * MIB + BATCH, limit_get(b, g, self->leaf, 0).peak);
	close(a);
	ASSERT_EQ(0, dev_ready(d, BASE, MIB));
	EXPECT_EQ(2 * MIB + BATCH, limit_get(b, g, self->leaf, 0).peak_reader);
	close(b);
	/* Of a task, too. */
	EXPECT_EQ(4 * MIB + BATCH, limit_get(d->fd, MEMSTATE_SCOPE_TASK, 0, 0).peak);
}

/* ---- errors ---------------------------------------------------------------------- */

TEST_F(limits, charge_errors)
{
	struct memstate_charge c;
	struct dev *d = &self->d;
	int fd;
	pid_t child;

#define CHARGE(...)							\
	({								\
		c = (struct memstate_charge) { .size = sizeof(c), __VA_ARGS__ }; \
		dev_ioctl(d->fd, MEMSTATE_IOC_CHARGE, &c);		\
	})
	EXPECT_EQ(0, CHARGE(.bytes = PAGE));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = 0));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE + 1));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = 1UL << 63));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE, .addr = BASE));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE, .timeout_ns = 1));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE, .flags = 8));
	EXPECT_EQ(0, CHARGE(.flags = MEMSTATE_CHARGE_TRIM));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE, .flags = MEMSTATE_CHARGE_TRIM));
	EXPECT_EQ(-EINVAL, CHARGE(.flags = MEMSTATE_CHARGE_TRIM | MEMSTATE_CHARGE_WAIT));
	EXPECT_EQ(0, CHARGE(.bytes = PAGE, .addr = BASE, .flags = MEMSTATE_CHARGE_RANGE));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE, .addr = BASE + 1,
				  .flags = MEMSTATE_CHARGE_RANGE));
	EXPECT_EQ(-EINVAL, CHARGE(.bytes = PAGE, .addr = -PAGE,
				  .flags = MEMSTATE_CHARGE_RANGE));
	EXPECT_EQ(-EFAULT, dev_ioctl(d->fd, MEMSTATE_IOC_CHARGE, (void *)8));
	c = (struct memstate_charge) { .size = sizeof(c) - 1, .bytes = PAGE };
	EXPECT_EQ(-EINVAL, dev_ioctl(d->fd, MEMSTATE_IOC_CHARGE, &c));

	child = fork();
	if (!child)
		_exit(CHARGE(.bytes = PAGE) == -EPERM ? 0 : 1);
	EXPECT_EQ(0, join(child));
	/* No ring. */
	child = fork();
	if (!child) {
		fd = open(MEMSTATE_DEVICE, O_RDWR);
		c = (struct memstate_charge) { .size = sizeof(c), .bytes = PAGE };
		_exit(dev_ioctl(fd, MEMSTATE_IOC_CHARGE, &c) == -ENXIO ? 0 : 1);
	}
	EXPECT_EQ(0, join(child));
}

TEST_F(limits, limit_and_watch_errors)
{
	int fd = self->d.fd, file = open("/proc/self/status", O_RDONLY);
	u32 both = MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH;
	struct memstate_limit l = { .size = sizeof(l), .set = 1 };
	struct memstate_watch w = { .size = sizeof(w) };
	struct memstate_setup s = { .size = sizeof(s) };
	int dying;

	EXPECT_EQ(-EINVAL, limit_set_scope(fd, MEMSTATE_SCOPE_GROUP, self->leaf, 0, 1, 1));
	EXPECT_EQ(-EINVAL, limit_set_scope(fd, MEMSTATE_SCOPE_GROUP, self->leaf, 4, 1, 1));
	EXPECT_EQ(-EINVAL, limit_set_scope(fd, MEMSTATE_SCOPE_PROCESS, 0, both, 1, 1));
	EXPECT_EQ(-EINVAL, limit_set_scope(fd, 99, 0, both, 1, 1));
	EXPECT_EQ(-EINVAL, limit_set_scope(fd, MEMSTATE_SCOPE_WATCHED, 0, both, 1, 1));
	EXPECT_EQ(-EINVAL, limit_set_scope(fd, MEMSTATE_SCOPE_TASK, self->leaf, both, 1, 1));
	EXPECT_EQ(-EBADF, limit_set_scope(fd, MEMSTATE_SCOPE_GROUP, file, both, 1, 1));
	EXPECT_EQ(-EBADF, limit_set_scope(fd, MEMSTATE_SCOPE_GROUP, -1, both, 1, 1));
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_LIMIT_GET, &l));
	l = (struct memstate_limit) { .size = sizeof(l), .scope = 99 };
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_LIMIT_GET, &l));
	l = (struct memstate_limit) { .size = sizeof(l), .scope = 2, .fd = file };
	EXPECT_EQ(-EBADF, dev_ioctl(fd, MEMSTATE_IOC_LIMIT_GET, &l));

	w.scope = MEMSTATE_SCOPE_WATCHED;
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w));
	w.scope = 99;
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w));
	w = (struct memstate_watch) { .size = sizeof(w), .fd = 1 };
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w));
	w = (struct memstate_watch) { .size = sizeof(w), .scope = 2, .fd = self->leaf };
	EXPECT_EQ(0, dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w));
	EXPECT_EQ(0, dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w));
	w = (struct memstate_watch) { .size = sizeof(w), .scope = 2, .fd = self->parent };
	EXPECT_EQ(-EBUSY, dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w));

	dying = cg_make("ms-limits/dying");
	ASSERT_GE(dying, 0);
	ASSERT_EQ(0, cg_remove("ms-limits/dying"));
	EXPECT_EQ(-ENOENT, limit_set_scope(fd, MEMSTATE_SCOPE_GROUP, dying, both, 1, 1));
	close(dying);

	/* A ring of the other kind. */
	EXPECT_EQ(-EEXIST, dev_ioctl(fd, MEMSTATE_IOC_SETUP, &s));
	s = (struct memstate_setup) { .size = sizeof(s), .flags = MEMSTATE_SETUP_CREDIT };
	EXPECT_EQ(0, dev_ioctl(fd, MEMSTATE_IOC_SETUP, &s));
	close(file);
}

TEST_HARNESS_MAIN
