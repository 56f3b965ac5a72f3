// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Rings and tasks that end while requests are under way, and many rings at once: what
 * always holds, holds, and nothing is left.
 */
#include "harness.h"
#include "uring.h"

#define BASE	0x600000000UL
#define LEAF	"ms-uring-life"

FIXTURE(uring_life) {
	int group;
	int watcher; /* a file of ours, with which the group is read */
};

FIXTURE_SETUP(uring_life)
{
	self->group = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	self->watcher = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->watcher, 0);
}

FIXTURE_TEARDOWN(uring_life)
{
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, group_limit(self->watcher, self->group).charged);
	close(self->watcher);
	close(self->group);
	EXPECT_EQ(0, cg_remove(LEAF));
}

/* ---- requests that wait ------------------------------------------------------------ */

/* In the group, at its limit, with a ring: a request that waits, and would for an hour. */
static int wait_in_ring(struct dev *d, struct uring *u, unsigned int setup,
			struct memstate_charge *c)
{
	if (!cg_enter(LEAF) || dev_open_credit(d, 16) || dev_ready(d, BASE, MIB))
		return -1;
	dev_trim(d);
	if (uring_open(u, d->fd, setup, 0))
		return -1;
	*c = (struct memstate_charge) { .size = sizeof(*c),
		.flags = MEMSTATE_CHARGE_WAIT, .bytes = MIB,
		.timeout_ns = 3600000000000ULL };
	uring_call(u, MEMSTATE_IOC_CHARGE, c)->user_data = 5;
	if (io_uring_submit(&u->ring) != 1)
		return -1;
	return soon(waits_for_room(getpid())) ? 0 : -1;
}

static int completion(struct uring *u, u64 user_data)
{
	struct io_uring_cqe *cqe;
	int res = NO_CQE;

	while (res == NO_CQE && !uring_cqe(u, &cqe)) {
		if (cqe->user_data == user_data)
			res = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
	}
	return res;
}

/* What io_uring has to do in a thread that waits is no signal: the wait goes on. */
TEST_F(uring_life, completion_of_another_request_does_not_end_a_wait)
{
	pid_t pid;

	ASSERT_EQ(0, limit_max(self->watcher, self->group, MIB));
	pid = fork();
	if (!pid) {
		struct io_uring ring;
		char text;
		struct dev d;
		int p[2];

		if (!cg_enter(LEAF) || dev_open_credit(&d, 16) || dev_ready(&d, BASE, MIB) ||
		    pipe(p) || io_uring_queue_init(4, &ring, 0))
			_exit(1);
		dev_trim(&d);
		io_uring_prep_read(io_uring_get_sqe(&ring), p[0], &text, 1, 0);
		if (io_uring_submit(&ring) != 1)
			_exit(2);
		if (!fork()) {
			/* The ring is shared memory: one sees when it has been done. */
			if (!soon(waits_for_room(getppid())) || write(p[1], "x", 1) != 1 ||
			    !soon(io_uring_cq_ready(&ring) == 1) ||
			    !soon(waits_for_room(getppid())))
				kill(getppid(), SIGKILL);
			_exit(limit_max(self->watcher, self->group, 2 * MIB));
		}
		_exit(-dev_charge(&d, MIB, MEMSTATE_CHARGE_WAIT, 3600000000000ULL, NULL));
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(uring_life, charge_that_waits_is_granted_when_there_is_room)
{
	pid_t pid;

	ASSERT_EQ(0, limit_max(self->watcher, self->group, MIB));
	pid = fork();
	if (!pid) {
		struct memstate_charge c;
		struct uring u;
		struct dev d;

		if (wait_in_ring(&d, &u, 0, &c))
			_exit(1);
		if (io_uring_peek_cqe(&u.ring, &(struct io_uring_cqe *){ NULL }) != -EAGAIN)
			_exit(2);
		if (dev_apply1(&d, REC(BASE, MIB, MEMSTATE_READY, MEMSTATE_NONE, 0, 0)))
			_exit(3);
		dev_trim(&d);
		if (completion(&u, 5) || c.bytes != MIB)
			_exit(4);
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(uring_life, charge_that_waits_is_cancelled)
{
	pid_t pid;

	ASSERT_EQ(0, limit_max(self->watcher, self->group, MIB));
	pid = fork();
	if (!pid) {
		struct memstate_charge c;
		struct io_uring_sqe *sqe;
		struct uring u;
		struct dev d;
		int res;

		if (wait_in_ring(&d, &u, 0, &c))
			_exit(1);
		sqe = io_uring_get_sqe(&u.ring);
		io_uring_prep_cancel64(sqe, 5, 0);
		sqe->user_data = 6;
		if (io_uring_submit(&u.ring) != 1)
			_exit(2);
		res = completion(&u, 5);
		if (res != -EINTR && res != -ECANCELED)
			_exit(3);
		/* With nothing charged. */
		if (!charge_is_exact(&d) || dev_totals(&d).charged != MIB)
			_exit(4);
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
}

/* The task ends in this way while its request waits. */
static int end_while_waiting(unsigned int setup, int how)
{
	pid_t pid = fork();

	if (!pid) {
		struct memstate_charge c;
		struct uring u;
		struct dev d;

		if (wait_in_ring(&d, &u, setup, &c))
			_exit(1);
		switch (how) {
		case 0: /* exit, with all of it open */
			_exit(0);
		case 1: /* the ring first */
			io_uring_queue_exit(&u.ring);
			_exit(0);
		case 2: /* the device first */
			dev_close(&d);
			io_uring_queue_exit(&u.ring);
			_exit(0);
		case 3:
			raise(SIGKILL);
			break;
		default: /* another program */
			execl("/bin/true", "true", NULL);
		}
		_exit(2);
	}
	return pid;
}

TEST_F(uring_life, task_ends_while_its_request_waits)
{
	static const unsigned int setups[] = { 0, IORING_SETUP_SQPOLL,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };

	ASSERT_EQ(0, limit_max(self->watcher, self->group, MIB));
	for (size_t i = 0; i < sizeof(setups) / sizeof(*setups); i++) {
		for (int how = 0; how < 5; how++) {
			pid_t pid = end_while_waiting(setups[i], how);

			/* It has an end, and not that of the hour. */
			EXPECT_EQ(how == 3 ? SIGKILL : 0, join(pid));
			/* The next one needs the room. */
			ASSERT_TRUE(wait_for_tasks(0));
		}
	}
}

/* ---- many rings, and random ends ----------------------------------------------------- */

#define THREADS		3
#define PAGES		64UL

struct worker {
	struct dev *d;
	char *base;
	unsigned int setup;
	unsigned long rounds;
	u64 seed;
	int tell; /* a pipe to write to after @told rounds, -1: none */
	unsigned long told;
	unsigned long bad;
};

/* Goes up by credit, comes down by links that drop, gives back what was held. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct uring u;

	if (uring_open(&u, w->d->fd, w->setup, 0)) {
		w->bad++;
		return NULL;
	}
	for (unsigned long i = 0; i < w->rounds; i++) {
		u64 page = rnd(&w->seed) % PAGES, pages = 1 + rnd(&w->seed) % (PAGES - page);
		char *p = w->base + page * PAGE;
		struct memstate_record rec = REC((uintptr_t)p, pages * PAGE, MEMSTATE_MAPPED,
						 MEMSTATE_PREPARED, 0, 0);
		struct io_uring_sqe *sqe;
		int res[3], ret;

		if (w->tell >= 0 && i == w->told && write(w->tell, "t", 1) != 1)
			w->bad++;
		if (rnd(&w->seed) % 2) {
			ret = dev_ready(w->d, (uintptr_t)p, pages * PAGE);
			if (!ret)
				memset(p, 1, pages * PAGE);
			else if (ret != -EDQUOT)
				w->bad++;
			continue;
		}
		rec.w1 |= HOLD;
		sqe = uring_report(&u, rec);
		sqe->flags |= IOSQE_IO_LINK | (rnd(&w->seed) % 4 ? 0 : IOSQE_ASYNC);
		sqe->user_data = 0;
		uring_madvise(&u, p, pages * PAGE)->user_data = 1;
		uring_report(&u, REC((uintptr_t)w->base, PAGES * PAGE, MEMSTATE_MAPPED,
				     MEMSTATE_KEEP, rnd(&w->seed) % 8, 0))->user_data = 2;
		if (uring_wait(&u, res, 3) || res[0] < 0 || res[1] || res[2])
			w->bad++;
		else
			__atomic_fetch_add(dev_credit(w->d), (u64)res[0] * PAGE,
					   __ATOMIC_SEQ_CST);
	}
	io_uring_queue_exit(&u.ring);
	return NULL;
}

/* The first of them writes to @tell after so many rounds. */
static int crowd(unsigned long rounds, u64 seed, int tell, unsigned long told)
{
	static const unsigned int setups[THREADS] = { 0, IORING_SETUP_SQPOLL,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN };
	struct worker w[THREADS];
	pthread_t threads[THREADS];
	struct memstate_totals t;
	unsigned long bad = 0;
	struct dev d;

	if (!cg_enter(LEAF) || dev_open_credit(&d, 256))
		return 1;
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker) { &d, anon(PAGES * PAGE), setups[i], rounds,
					 seed * 77 + i + 1, i ? -1 : tell, told, 0 };
		if (pthread_create(&threads[i], NULL, work, &w[i]))
			return 2;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		bad += w[i].bad;
	}
	t = dev_totals(&d);
	if (bad || t.breaches || t.rejected)
		return 3;
	return books_are_consistent(&d) && charge_is_exact(&d) ? 0 : 4;
}

TEST_F(uring_life, crowd_of_rings_keeps_its_books_and_its_limit)
{
	unsigned long samples = 0, over = 0;
	pid_t pids[2];
	int status;

	/* Too little for all that they want. */
	ASSERT_EQ(0, limit_max(self->watcher, self->group, MIB));
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(crowd(scaled(2000), i + 1, -1, 0));
	}
	while (!waitpid(pids[0], &status, WNOHANG)) {
		over += group_limit(self->watcher, self->group).charged > MIB;
		samples++;
		sched_yield();
	}
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, join(pids[1]));
	EXPECT_EQ(0, over);
	EXPECT_LT(10, samples);
	EXPECT_GE(MIB, group_limit(self->watcher, self->group).peak);
}

TEST_F(uring_life, crowds_are_killed_at_random_moments_and_nothing_is_left)
{
	u64 seed = 4711;

	for (unsigned long i = 0; i < scaled(60) + 5; i++) {
		unsigned long told = rnd(&seed) % 100;
		int tell[2];
		char byte;
		pid_t pid;

		ASSERT_EQ(0, pipe(tell));
		pid = fork();
		if (!pid)
			_exit(crowd(1000000, i + 1, tell[1], told));
		close(tell[1]);
		/* Some of them as soon as they are there. */
		if (i % 4)
			ASSERT_EQ(1, read(tell[0], &byte, 1));
		kill(pid, SIGKILL);
		EXPECT_EQ(SIGKILL, join(pid));
		close(tell[0]);
	}
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, group_limit(self->watcher, self->group).charged);
	EXPECT_EQ(0, sysfs_value("ready"));
}

TEST_HARNESS_MAIN
