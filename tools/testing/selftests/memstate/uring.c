// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The device by io_uring: each request as by ioctl, at once, in a worker, by the thread
 * that polls the ring, and with all that rings can be made of.
 */
#include "harness.h"
#include "uring.h"

#define BASE	0x600000000UL
#define BATCH	(256 * 1024UL)
#define LEAF	"ms-uring"

#define READY(addr, bytes)	REC(addr, bytes, MEMSTATE_ANY, MEMSTATE_READY, 0, 0)
#define PREPARED(addr, bytes)	REC(addr, bytes, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0)

/* A task with credit in a group of its own, and a ring. */
FIXTURE(uring) {
	struct dev d;
	struct uring u;
	int group;
};

FIXTURE_VARIANT(uring) {
	unsigned int setup;
	unsigned int flags;
};

#define VARIANT(name, setup_, flags_) \
	FIXTURE_VARIANT_ADD(uring, name) { .setup = (setup_), .flags = (flags_) }

VARIANT(at_once, 0, 0);
VARIANT(worker, 0, IOSQE_ASYNC);
VARIANT(registered_file, 0, IOSQE_FIXED_FILE);
VARIANT(sqpoll, IORING_SETUP_SQPOLL, 0);
VARIANT(sqpoll_worker, IORING_SETUP_SQPOLL, IOSQE_ASYNC);
VARIANT(defer_taskrun, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0);
VARIANT(defer_taskrun_worker, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	IOSQE_ASYNC);
VARIANT(sqe128, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, 0);
VARIANT(sqe128_worker, IORING_SETUP_SQE128, IOSQE_ASYNC);

FIXTURE_SETUP(uring)
{
	self->group = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	ASSERT_TRUE(cg_enter(LEAF));
	ASSERT_EQ(0, dev_open_credit(&self->d, 256));
	ASSERT_EQ(0, uring_open(&self->u, self->d.fd, variant->setup, variant->flags));
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->u.ring);
	dev_close(&self->d);
	/* A worker may hold the file for a moment. */
	EXPECT_TRUE(wait_for_tasks(0));
	cg_enter(".");
	close(self->group);
	EXPECT_EQ(0, cg_remove(LEAF));
}

/* ---- reports --------------------------------------------------------------------- */

TEST_F(uring, report_is_applied_and_charged)
{
	struct dev *d = &self->d;

	uring_report(&self->u, READY(BASE, 16 * PAGE));
	EXPECT_EQ(0, uring_one(&self->u));
	EXPECT_EQ(16 * PAGE, dev_state(d, MEMSTATE_READY));
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(0, dev_totals(d).breaches);

	uring_report(&self->u, REC(BASE, 16 * PAGE, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	EXPECT_EQ(0, uring_one(&self->u));
	EXPECT_EQ(0, dev_state(d, MEMSTATE_READY));
	EXPECT_TRUE(charge_is_exact(d));
	dev_trim(d);
	EXPECT_EQ(0, group_limit(d->fd, self->group).charged);
}

TEST_F(uring, hold_leaves_what_is_given_up_with_the_caller)
{
	struct memstate_record rec = PREPARED(BASE, 16 * PAGE);
	struct dev *d = &self->d;

	ASSERT_EQ(0, dev_ready(d, BASE, 16 * PAGE));
	dev_trim(d);
	rec.w1 |= HOLD;
	uring_report(&self->u, rec);
	EXPECT_EQ(16, uring_one(&self->u));
	EXPECT_EQ(0, dev_state(d, MEMSTATE_READY));
	/* Still charged, and in no word. */
	EXPECT_EQ(0, *dev_credit(d));
	EXPECT_EQ(16 * PAGE, group_limit(d->fd, self->group).charged);
	/* The second time there is nothing to give up. */
	uring_report(&self->u, rec);
	EXPECT_EQ(0, uring_one(&self->u));
	__atomic_fetch_add(dev_credit(d), 16 * PAGE, __ATOMIC_SEQ_CST);
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(16 * PAGE, dev_trim(d));
}

TEST_F(uring, without_hold_it_comes_back_as_credit)
{
	struct dev *d = &self->d;

	ASSERT_EQ(0, dev_ready(d, BASE, 16 * PAGE));
	dev_trim(d);
	uring_report(&self->u, PREPARED(BASE, 16 * PAGE));
	EXPECT_EQ(0, uring_one(&self->u));
	EXPECT_EQ(16 * PAGE, *dev_credit(d));
}

TEST_F(uring, what_is_in_the_ring_comes_first)
{
	struct dev *d = &self->d;

	for (int i = 0; i < 100; i++)
		dev_post(d, REC(BASE + i * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_RESERVED,
				0, 0));
	uring_report(&self->u, REC(BASE, 100 * PAGE, MEMSTATE_RESERVED, MEMSTATE_PREPARED,
				   0, 0));
	EXPECT_EQ(0, uring_one(&self->u));
	EXPECT_EQ(100 * PAGE, dev_state(d, MEMSTATE_PREPARED));
	EXPECT_EQ(0, dev_totals(d).drift);
}

TEST_F(uring, slot_that_is_not_published_is_waited_for_not_for_ever)
{
	struct memstate_record rec = REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_RESERVED,
					 0, 0);
	struct dev *d = &self->d;
	u32 pos;

	ASSERT_TRUE(ms_ring_claim(&d->ring, &pos));
	uring_report(&self->u, REC(BASE + PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_PREPARED,
				   0, 0));
	EXPECT_EQ(0, uring_one(&self->u));
	EXPECT_EQ(PAGE, dev_state(d, MEMSTATE_PREPARED));
	ms_ring_publish(&d->ring, pos, &rec);
	EXPECT_EQ(PAGE, dev_state(d, MEMSTATE_RESERVED));
}

TEST_F(uring, many_reports_in_one_submission)
{
	struct dev *d = &self->d;
	int res[60];

	for (unsigned int i = 0; i < 60; i++)
		uring_report(&self->u, READY(BASE + 2 * i * PAGE, PAGE))->user_data = i;
	ASSERT_EQ(0, uring_wait(&self->u, res, 60));
	for (int i = 0; i < 60; i++)
		EXPECT_EQ(0, res[i]);
	EXPECT_EQ(60 * PAGE, dev_state(d, MEMSTATE_READY));
	EXPECT_TRUE(charge_is_exact(d));
}

static int report_result(struct uring *u, struct memstate_record rec)
{
	uring_report(u, rec);
	return uring_one(u);
}

TEST_F(uring, report_that_is_wrong_in_one_thing)
{
	struct memstate_record good = PREPARED(BASE, PAGE), r;
	struct dev *d = &self->d;

	ASSERT_EQ(0, dev_ready(d, BASE, PAGE));
	r = good, r.w1 |= HOLD << 1; /* INHERITED */
	EXPECT_EQ(-EINVAL, report_result(&self->u, r));
	r = good, r.w1 |= 1ULL << 63;
	EXPECT_EQ(-EINVAL, report_result(&self->u, r));
	r = good, r.w1 &= ~0xffffffffULL;
	EXPECT_EQ(-EINVAL, report_result(&self->u, r));
	r = REC(~0xfffUL, PAGE, MEMSTATE_ANY, MEMSTATE_RESERVED, 0, 0);
	EXPECT_EQ(-EINVAL, report_result(&self->u, r));
	r = good, r.w1 = (1ULL << 31) | HOLD;
	EXPECT_EQ(-EINVAL, report_result(&self->u, r));
	/* The same without HOLD, whose result need not fit. */
	r.w1 = 1ULL << 31;
	EXPECT_EQ(0, report_result(&self->u, r));
	EXPECT_EQ(PAGE << 31, dev_state(d, MEMSTATE_PREPARED));
	/* A malformed record is counted; flags are not part of one. */
	EXPECT_EQ(2, dev_totals(d).rejected);
	EXPECT_EQ(0, report_result(&self->u, good));
}

TEST_F(uring, report_over_a_limit_is_refused_with_nothing_changed)
{
	struct dev *d = &self->d;

	ASSERT_EQ(0, limit_max(d->fd, self->group, MIB));
	EXPECT_EQ(-EDQUOT, report_result(&self->u, READY(BASE, MIB + PAGE)));
	EXPECT_EQ(0, totals_all(&(struct memstate_totals[]){ dev_totals(d) }[0]));
	EXPECT_EQ(1, dev_totals(d).denied);
	EXPECT_EQ(0, report_result(&self->u, READY(BASE, MIB)));
	EXPECT_EQ(MIB, group_limit(d->fd, self->group).charged);
	EXPECT_EQ(MIB, group_limit(d->fd, self->group).peak);
}

TEST_F(uring, credit_of_others_is_taken_back_before_a_refusal)
{
	struct dev *d = &self->d, other;
	int ready[2], go[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (dev_open_credit(&other, 16) || dev_ready(&other, BASE, PAGE) ||
		    *dev_credit(&other) != BATCH || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(go[0], &c, 1) != 0);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, limit_max(d->fd, self->group, MIB));
	EXPECT_EQ(0, report_result(&self->u, READY(BASE, MIB - PAGE)));
	close(go[1]);
	EXPECT_EQ(0, join(pid));
	close(go[0]);
	close(ready[0]);
	close(ready[1]);
}

/* ---- calls ------------------------------------------------------------------------ */

static int call_result(struct uring *u, unsigned int cmd_op, void *arg)
{
	uring_call(u, cmd_op, arg);
	return uring_one(u);
}

TEST_F(uring, sync_drains)
{
	struct memstate_sync s = { .size = sizeof(s) };
	struct dev *d = &self->d;

	for (int i = 0; i < 5; i++)
		dev_post(d, REC(BASE + i * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_RESERVED,
				0, 0));
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_SYNC, &s));
	EXPECT_EQ(5, s.drained);
	EXPECT_EQ(MEMSTATE_RING_START + 5, s.head);
	EXPECT_EQ(0, s.pending);
}

TEST_F(uring, totals_are_those_of_the_ioctl)
{
	struct memstate_get_totals t = { .size = sizeof(t) };
	struct memstate_totals want;
	struct dev *d = &self->d;

	/* Posted, not drained: they are drained first. */
	dev_post(d, REC(BASE, 3 * PAGE, MEMSTATE_NONE, MEMSTATE_RESERVED, 5, 0));
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_TOTALS, &t));
	want = dev_totals(d);
	EXPECT_EQ(0, memcmp(&want, &t.totals, sizeof(want)));
	EXPECT_EQ(3 * PAGE, ms_totals_state(&t.totals, MEMSTATE_RESERVED));

	t = (struct memstate_get_totals) { .size = sizeof(t),
		.scope = MEMSTATE_SCOPE_GROUP, .fd = self->group };
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_TOTALS, &t));
	want = group_totals(d->fd, self->group);
	EXPECT_EQ(0, memcmp(&want, &t.totals, sizeof(want)));

	t = (struct memstate_get_totals) { .size = sizeof(t), .scope = 77 };
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_TOTALS, &t));
	t = (struct memstate_get_totals) { .size = sizeof(t), .fd = 1 };
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_TOTALS, &t));
	t = (struct memstate_get_totals) { .size = sizeof(t), .flags = 4 };
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_TOTALS, &t));
}

TEST_F(uring, array_of_records)
{
	struct memstate_record records[200];
	struct memstate_transition t = {
		.size = sizeof(t), .records = (uintptr_t)records, .nr = 200 };
	struct dev *d = &self->d;

	for (int i = 0; i < 200; i++)
		records[i] = READY(BASE + i * PAGE, PAGE);
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(200, t.done);
	EXPECT_EQ(200 * PAGE, dev_state(d, MEMSTATE_READY));

	for (int i = 0; i < 200; i++)
		records[i] = PREPARED(BASE + i * PAGE, PAGE);
	records[150].w1 = 0;
	t.flags = MEMSTATE_TRANSITION_HOLD;
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_TRANSITION, &t));
	/* Also of one that fails the caller learns how far it came, and what he holds. */
	EXPECT_EQ(150, t.done);
	EXPECT_EQ(150 * PAGE, t.paid);
	EXPECT_EQ(50 * PAGE, dev_state(d, MEMSTATE_READY));
}

TEST_F(uring, charge_is_granted_and_refused)
{
	struct memstate_charge c = { .size = sizeof(c), .bytes = 64 * PAGE };
	struct dev *d = &self->d;

	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_CHARGE, &c));
	EXPECT_EQ(64 * PAGE, c.bytes);
	EXPECT_EQ(64 * PAGE + BATCH, group_limit(d->fd, self->group).charged);
	c = (struct memstate_charge) { .size = sizeof(c), .flags = MEMSTATE_CHARGE_TRIM };
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_CHARGE, &c));
	EXPECT_EQ(BATCH, c.bytes);
	ASSERT_EQ(0, limit_max(d->fd, self->group, MIB));
	c = (struct memstate_charge) { .size = sizeof(c), .bytes = 2 * MIB };
	EXPECT_EQ(-EDQUOT, call_result(&self->u, MEMSTATE_IOC_CHARGE, &c));
	EXPECT_EQ(cg_id(self->group), c.refused_by);
	c = (struct memstate_charge) { .size = sizeof(c), .bytes = 1 };
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_CHARGE, &c));
	c = (struct memstate_charge) { .size = sizeof(c),
		.flags = MEMSTATE_CHARGE_WAIT, .bytes = 2 * MIB, .timeout_ns = 1000000 };
	EXPECT_EQ(-EDQUOT, call_result(&self->u, MEMSTATE_IOC_CHARGE, &c));
}

TEST_F(uring, limits_are_read)
{
	struct memstate_limit l = { .size = sizeof(l), .scope = MEMSTATE_SCOPE_GROUP,
		.fd = self->group };

	ASSERT_EQ(0, limit_max(self->d.fd, self->group, 3 * MIB));
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_LIMIT_GET, &l));
	EXPECT_EQ(3 * MIB, l.max);
	EXPECT_EQ(cg_id(self->group), l.group);
}

TEST_F(uring, structure_is_checked_as_by_ioctl)
{
	struct memstate_sync s = { .size = sizeof(s) };
	struct {
		struct memstate_sync s;
		u64 more;
	} big = { .s.size = sizeof(big), .more = 1 };

	EXPECT_EQ(-EFAULT, call_result(&self->u, MEMSTATE_IOC_SYNC, NULL));
	EXPECT_EQ(-EFAULT, call_result(&self->u, MEMSTATE_IOC_SYNC, (void *)~0xfffUL));
	EXPECT_EQ(-E2BIG, call_result(&self->u, MEMSTATE_IOC_SYNC, &big));
	big.more = 0;
	EXPECT_EQ(0, call_result(&self->u, MEMSTATE_IOC_SYNC, &big));
	EXPECT_EQ(sizeof(s), big.s.size);
	s.size = 8;
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_SYNC, &s));
	s.size = sizeof(s);
	s.flags = 1;
	EXPECT_EQ(-EINVAL, call_result(&self->u, MEMSTATE_IOC_SYNC, &s));
}

TEST_F(uring, only_some_calls_are_served)
{
	static const unsigned int unserved[] = {
		MEMSTATE_IOC_QUERY, MEMSTATE_IOC_SETUP, MEMSTATE_IOC_RANGES,
		MEMSTATE_IOC_AUDIT, MEMSTATE_IOC_LIMIT_SET, MEMSTATE_IOC_WATCH,
		MEMSTATE_IOC_SHARDS, MEMSTATE_IOC_ALLOC, MEMSTATE_URING_REPORT + 1, 0 };
	struct memstate_query q = { .size = sizeof(q) };

	for (size_t i = 0; i < sizeof(unserved) / sizeof(*unserved); i++)
		EXPECT_EQ(-EOPNOTSUPP, call_result(&self->u, unserved[i], &q));
	/* And a report is nothing that an ioctl takes. */
	EXPECT_EQ(-ENOTTY, dev_ioctl(self->d.fd, MEMSTATE_URING_REPORT, &q));
}

TEST_F(uring, reserved_words_are_zero)
{
	struct memstate_sync s = { .size = sizeof(s) };
	struct io_uring_sqe *sqe;

	sqe = uring_call(&self->u, MEMSTATE_IOC_SYNC, &s);
	((struct memstate_uring_call *)sqe->cmd)->__reserved = 1;
	EXPECT_EQ(-EINVAL, uring_one(&self->u));
	if (!self->u.wide)
		return;
	for (int i = 16; i < 80; i += 21) {
		sqe = uring_report(&self->u, PREPARED(BASE, PAGE));
		sqe->cmd[i] = 1;
		EXPECT_EQ(-EINVAL, uring_one(&self->u));
	}
}

/* ---- links ------------------------------------------------------------------------- */

/* Report, then madvise, linked; the two results. */
static int link_results(struct uring *u, struct memstate_record rec, char *addr,
			size_t bytes, int res[2])
{
	struct io_uring_sqe *sqe = uring_report(u, rec);

	sqe->flags |= IOSQE_IO_LINK;
	sqe->user_data = 0;
	uring_madvise(u, addr, bytes)->user_data = 1;
	return uring_wait(u, res, 2);
}

TEST_F(uring, link_drops_what_it_reports)
{
	char *p = anon(16 * PAGE);
	struct memstate_record rec = PREPARED((uintptr_t)p, 16 * PAGE);
	struct dev *d = &self->d;
	int res[2];

	memset(p, 7, 16 * PAGE);
	ASSERT_EQ(0, dev_ready(d, (uintptr_t)p, 16 * PAGE));
	dev_trim(d);
	rec.w1 |= HOLD;
	ASSERT_EQ(0, link_results(&self->u, rec, p, 16 * PAGE, res));
	EXPECT_EQ(16, res[0]);
	EXPECT_EQ(0, res[1]);
	EXPECT_EQ(0, p[0] | p[15 * PAGE]);
	__atomic_fetch_add(dev_credit(d), 16 * PAGE, __ATOMIC_SEQ_CST);
	EXPECT_TRUE(charge_is_exact(d));
	munmap(p, 16 * PAGE);
}

TEST_F(uring, report_that_fails_cancels_the_madvise)
{
	char *p = anon(PAGE);
	struct memstate_record rec = PREPARED((uintptr_t)p, PAGE);
	int res[2];

	*p = 7;
	ASSERT_EQ(0, dev_ready(&self->d, (uintptr_t)p, PAGE));
	rec.w1 |= 1ULL << 63;
	ASSERT_EQ(0, link_results(&self->u, rec, p, PAGE, res));
	EXPECT_EQ(-EINVAL, res[0]);
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(7, *p);
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_READY));
	munmap(p, PAGE);
}

TEST_F(uring, madvise_that_fails_has_lost_no_charge)
{
	char *p = anon(2 * PAGE);
	struct memstate_record rec = PREPARED((uintptr_t)p, PAGE);
	struct memstate_transition t = { .size = sizeof(t), .nr = 1 };
	struct dev *d = &self->d;
	int res[2];

	ASSERT_EQ(0, dev_ready(d, (uintptr_t)p, PAGE));
	dev_trim(d);
	ASSERT_EQ(0, limit_max(d->fd, self->group, PAGE));
	munmap(p + PAGE, PAGE);
	rec.w1 |= HOLD;
	ASSERT_EQ(0, link_results(&self->u, rec, p, 2 * PAGE, res));
	EXPECT_EQ(1, res[0]);
	EXPECT_EQ(-ENOMEM, res[1]);
	EXPECT_EQ(PAGE, group_limit(d->fd, self->group).charged);
	/* Ready again, paid with what was held: no limit is in the way. */
	rec = READY((uintptr_t)p, PAGE);
	t.records = (uintptr_t)&rec;
	t.paid = PAGE;
	EXPECT_EQ(0, dev_ioctl(d->fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(PAGE, dev_state(d, MEMSTATE_READY));
	EXPECT_TRUE(charge_is_exact(d));
	EXPECT_EQ(0, dev_totals(d).breaches);
	munmap(p, PAGE);
}

/* ---- whose books ---------------------------------------------------------------------- */

TEST_F(uring, child_cannot_report_for_its_parent)
{
	struct dev *d = &self->d;
	pid_t pid;

	/* What a polling thread takes from a ring it takes for the ring's owner. */
	if (self->u.ring.flags & IORING_SETUP_SQPOLL)
		SKIP(return, "the ring's own thread submits");
	ASSERT_EQ(0, dev_ready(d, BASE, PAGE));
	pid = fork();
	if (!pid) {
		struct uring u;

		/* A ring of its own, the parent's file. */
		if (uring_open(&u, d->fd, 0, self->u.flags))
			_exit(1);
		if (report_result(&u, PREPARED(BASE, PAGE)) != -EPERM)
			_exit(2);
		if (call_result(&u, MEMSTATE_IOC_SYNC,
				&(struct memstate_sync){ .size = 32 }) != -EPERM)
			_exit(3);
		/* To read is what the descriptor is for. */
		struct memstate_get_totals t = { .size = sizeof(t) };

		if (call_result(&u, MEMSTATE_IOC_TOTALS, &t) ||
		    ms_totals_state(&t.totals, MEMSTATE_READY) != PAGE)
			_exit(4);
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_EQ(PAGE, dev_state(d, MEMSTATE_READY));
}

/* A descriptor whose task is gone, as its parent has kept it. */
static int orphan(void)
{
	int pair[2], fd = -1;
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	pid = fork();
	if (!pid) {
		struct memstate_setup setup = { .size = sizeof(setup) };

		fd = open(MEMSTATE_DEVICE, O_RDWR);
		if (dev_ioctl(fd, MEMSTATE_IOC_SETUP, &setup))
			_exit(2);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		_exit(sendmsg(pair[1], &msg, 0) != 1);
	}
	if (recvmsg(pair[0], &msg, MSG_CMSG_CLOEXEC) == 1)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	close(pair[0]);
	close(pair[1]);
	return join(pid) ? -1 : fd;
}

TEST_F(uring, task_that_is_gone)
{
	struct memstate_get_totals t = { .size = sizeof(t) };
	struct uring u = { .fd = orphan() };
	int fd = u.fd;

	ASSERT_GE(fd, 0);
	ASSERT_TRUE(wait_for_tasks(1));
	ASSERT_EQ(0, uring_open(&u, fd, variant->setup, variant->flags));
	EXPECT_EQ(-ESRCH, report_result(&u, PREPARED(BASE, PAGE)));
	memset(&t.totals, 0xff, sizeof(t.totals));
	EXPECT_EQ(0, call_result(&u, MEMSTATE_IOC_TOTALS, &t));
	EXPECT_EQ(0, totals_all(&t.totals));
	io_uring_queue_exit(&u.ring);
	close(fd);
}

TEST_HARNESS_MAIN
