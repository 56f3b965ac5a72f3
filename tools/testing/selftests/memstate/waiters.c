// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Waiting for room: who is woken, in which order, how many may wait, what ends it. */
#include "cgroup.h"
#include "harness.h"

#define BASE	0x500000000UL
#define LEAF	"ms-waiters"
#define HELD	(8 * PAGE)
#define HOUR_NS	3600000000000ULL
#define WAITERS_MAX	1024

/* The test's process holds all that its group may have. */
FIXTURE(waiters) {
	struct dev d;
	int group;
};

FIXTURE_SETUP(waiters)
{
	self->group = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	ASSERT_TRUE(cg_enter(LEAF));
	ASSERT_EQ(0, dev_open_credit(&self->d, 256));
	ASSERT_EQ(0, limit_max(self->d.fd, self->group, HELD));
	ASSERT_EQ(0, dev_ready(&self->d, BASE, HELD));
}

FIXTURE_TEARDOWN(waiters)
{
	dev_close(&self->d);
	cg_enter(".");
	close(self->group);
	EXPECT_EQ(0, cg_remove(LEAF));
}

/* A child that waits for so much; its exit status is 0 if it got it. */
static pid_t wait_for(u64 bytes)
{
	pid_t pid = cg_child(LEAF);
	struct dev d;

	if (!pid)
		_exit(dev_open_credit(&d, 16) ? 100 :
		      -dev_charge(&d, bytes, MEMSTATE_CHARGE_WAIT, HOUR_NS, NULL));
	return soon(waits_for_room(pid)) ? pid : -1;
}

/* Page @i is given up, and really: not to the credit word. */
static void give_up(struct dev *d, int i)
{
	dev_post(d, REC(BASE + i * PAGE, PAGE, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	dev_trim(d);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	join(pid);
}

TEST_F(waiters, small_one_behind_one_that_never_fits_gets_its_room)
{
	pid_t big = wait_for(100 * PAGE), small = wait_for(PAGE);

	ASSERT_GT(big, 0);
	ASSERT_GT(small, 0);
	give_up(&self->d, 0);
	EXPECT_EQ(0, join(small));
	EXPECT_TRUE(waits_for_room(big));
	end(big);
}

TEST_F(waiters, who_has_waited_longest_is_first)
{
	pid_t pid[4];
	int got[2];

	ASSERT_EQ(0, pipe(got));
	for (int i = 0; i < 4; i++) {
		pid[i] = cg_child(LEAF);
		if (!pid[i]) {
			struct dev d;

			if (dev_open_credit(&d, 16) ||
			    dev_charge(&d, 2 * PAGE, MEMSTATE_CHARGE_WAIT, HOUR_NS, NULL) ||
			    write(got[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
			/* What it has it keeps. */
			for (;;)
				pause();
		}
		ASSERT_TRUE(soon(waits_for_room(pid[i])));
	}
	for (int i = 0; i < 4; i++) {
		int who = -1;

		give_up(&self->d, 2 * i);
		give_up(&self->d, 2 * i + 1);
		ASSERT_EQ(sizeof(who), read(got[0], &who, sizeof(who)));
		EXPECT_EQ(i, who);
		for (int k = i + 1; k < 4; k++)
			EXPECT_TRUE(waits_for_room(pid[k]));
	}
	for (int i = 0; i < 4; i++)
		end(pid[i]);
	close(got[0]);
	close(got[1]);
}

TEST_F(waiters, room_that_a_killed_one_was_meant_for_is_for_the_next)
{
	pid_t first = wait_for(2 * PAGE), second = wait_for(2 * PAGE);

	ASSERT_GT(first, 0);
	ASSERT_GT(second, 0);
	end(first);
	give_up(&self->d, 0);
	give_up(&self->d, 1);
	EXPECT_EQ(0, join(second));
}

TEST_F(waiters, raised_max_wakes_all_that_fit)
{
	pid_t pid[5];

	for (int i = 0; i < 5; i++)
		ASSERT_GT(pid[i] = wait_for((i + 1) * PAGE), 0);
	/* The fourth does not: the fifth would. */
	ASSERT_EQ(0, limit_max(self->d.fd, self->group, HELD + 6 * PAGE));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, join(pid[i]));
	/* When they are gone there is room. */
	for (int i = 3; i < 5; i++)
		EXPECT_EQ(0, join(pid[i]));
}

/* ---- many ------------------------------------------------------------------------ */

static int many_fd;

static void *waits(void *bytes)
{
	struct memstate_charge c = {
		.size = sizeof(c), .flags = MEMSTATE_CHARGE_WAIT,
		.bytes = (uintptr_t)bytes, .timeout_ns = HOUR_NS };

	dev_ioctl(many_fd, MEMSTATE_IOC_CHARGE, &c);
	return NULL;
}

/* Of the threads of a process: how many sleep inside the module; how often all have slept. */
static int sleepers(pid_t pid, u64 *switches)
{
	struct dirent *thread;
	char path[64];
	int n = 0;
	DIR *dir;

	*switches = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (thread = readdir(dir))) {
		pid_t tid = atoi(thread->d_name);

		if (!tid || tid == pid)
			continue;
		n += task_file_has(pid, tid, "stack", "[memstate]") &&
		     task_file_has(pid, tid, "status", "\nState:\tS");
		snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
		*switches += file_value(path, "voluntary_ctxt_switches");
	}
	if (dir)
		closedir(dir);
	return n;
}

/* A child whose threads wait, for so much each, at its group's limit or at its own. */
static pid_t many(int nr, u64 bytes, u64 own)
{
	pid_t pid = cg_child(LEAF);
	pthread_attr_t attr;
	u64 switches;
	pthread_t t;
	struct dev d;

	if (!pid) {
		if (dev_open_credit(&d, 16) ||
		    (own && limit_set_scope(d.fd, MEMSTATE_SCOPE_TASK, 0,
					    MEMSTATE_LIMIT_MAX, 0, own)))
			_exit(1);
		many_fd = d.fd;
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 65536);
		for (int i = 0; i < nr; i++)
			if (pthread_create(&t, &attr, waits, (void *)(uintptr_t)bytes))
				_exit(2);
		for (;;)
			pause();
	}
	return soon(sleepers(pid, &switches) == nr) ? pid : -1;
}

static void come_and_go(struct dev *d, int times)
{
	for (int i = 0; i < times; i++) {
		give_up(d, 0);
		dev_ready(d, BASE, PAGE);
	}
}

TEST_F(waiters, those_at_ones_own_limit_are_not_woken_by_others)
{
	u64 before, after;
	pid_t pid;

	ASSERT_EQ(0, limit_max(self->d.fd, self->group, HELD + MIB));
	pid = many(40, 16 * PAGE, PAGE);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(40, sleepers(pid, &before));
	come_and_go(&self->d, 50);
	EXPECT_EQ(40, sleepers(pid, &after));
	EXPECT_EQ(before, after);
	end(pid);
}

TEST_F(waiters, those_that_do_not_fit_are_not_woken)
{
	pid_t pid = many(40, 3 * PAGE, 0);
	u64 before, after;

	ASSERT_GT(pid, 0);
	sleepers(pid, &before);
	come_and_go(&self->d, 50);
	EXPECT_EQ(40, sleepers(pid, &after));
	EXPECT_EQ(before, after);
	end(pid);
}

TEST_F(waiters, no_more_are_woken_than_there_is_room_for)
{
	pid_t pid = many(40, 2 * PAGE, 0);
	u64 before, after;

	ASSERT_GT(pid, 0);
	sleepers(pid, &before);
	/* Room for two of them, and a page. */
	ASSERT_EQ(0, limit_max(self->d.fd, self->group, HELD + 5 * PAGE));
	ASSERT_TRUE(soon(group_limit(self->d.fd, self->group).charged == HELD + 4 * PAGE));
	ASSERT_TRUE(soon(sleepers(pid, &after) == 38));
	/* Threads that have ended are not counted; of the others none has slept anew. */
	EXPECT_LE(after, before);
	end(pid);
}

TEST_F(waiters, so_many_may_wait_and_the_next_is_told_at_once)
{
	struct dev *d = &self->d;
	struct memstate_charge c;
	pid_t pid = many(WAITERS_MAX, PAGE, 0);
	u64 switches;

	ASSERT_GT(pid, 0);
	EXPECT_EQ(-ENOSPC, dev_charge(d, PAGE, MEMSTATE_CHARGE_WAIT, HOUR_NS, &c));
	EXPECT_EQ(cg_id(self->group), c.refused_by);
	EXPECT_EQ(1, dev_totals(d).denied);
	/* Who does not wait is refused as ever. */
	EXPECT_EQ(-EDQUOT, dev_charge(d, PAGE, 0, 0, &c));
	/* One goes, and there is a place. */
	give_up(d, 0);
	ASSERT_TRUE(soon(sleepers(pid, &switches) == WAITERS_MAX - 1));
	EXPECT_EQ(-EDQUOT, dev_charge(d, PAGE, MEMSTATE_CHARGE_WAIT, 1000000, &c));
	end(pid);
}

/* ---- what ends it ------------------------------------------------------------------ */

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(waiters, signal_with_a_handler_ends_it_and_says_what_was_left)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct memstate_charge c;
	pid_t child;

	sigaction(SIGUSR1, &sa, NULL);
	child = fork();
	if (!child)
		_exit(!soon(waits_for_room(getppid())) || kill(getppid(), SIGUSR1));
	EXPECT_EQ(-EINTR, dev_charge(&self->d, PAGE, MEMSTATE_CHARGE_WAIT, HOUR_NS, &c));
	EXPECT_GT(c.timeout_ns, 0);
	EXPECT_LT(c.timeout_ns, HOUR_NS);
	EXPECT_EQ(PAGE, c.bytes);
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(0, dev_totals(&self->d).denied);
}

TEST_F(waiters, being_stopped_does_not_end_it)
{
	pid_t pid = wait_for(PAGE);
	int status;

	ASSERT_GT(pid, 0);
	for (int i = 0; i < 3; i++) {
		kill(pid, SIGSTOP);
		ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		kill(pid, SIGCONT);
		ASSERT_TRUE(soon(waits_for_room(pid)));
	}
	give_up(&self->d, 0);
	EXPECT_EQ(0, join(pid));
}

TEST_HARNESS_MAIN
