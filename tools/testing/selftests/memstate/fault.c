// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Want of memory, at each place where memory is asked for, one after the other:
 * /proc/thread-self/fail-nth. Nothing may be lost, nothing applied twice.
 */
#include <sys/syscall.h>

#include "cgroup.h"
#include "harness.h"

#define BASE	0x300000000UL
#define NTH_MAX	400

/* Opened beforehand: nothing can be while memory fails. */
static int fail_fd = -1, make_fd = -1;

static bool set_attr(const char *what, const char *attr, const char *value)
{
	char path[128];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", what, attr);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return ok;
}

/* Left alone, allocations that may sleep do not fail: all of ours may. */
static bool faults_can_be_injected(void)
{
	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR);
	make_fd = open("/proc/thread-self/make-it-fail", O_WRONLY);
	return fail_fd >= 0 && make_fd >= 0 && set_attr("failslab", "ignore-gfp-wait", "N") &&
	       set_attr("fail_page_alloc", "ignore-gfp-wait", "N") &&
	       set_attr("failslab", "verbose", "0") &&
	       set_attr("fail_page_alloc", "verbose", "0") &&
	       set_attr("fail_usercopy", "verbose", "0") &&
	       set_attr("failslab", "task-filter", "Y") &&
	       set_attr("failslab", "probability", "100") &&
	       set_attr("failslab", "times", "-1");
}

/* The n-th allocation, or copy from or to userspace, of this thread fails. */
static void fail_nth(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	/* Writing it copies too, and what was asked for before may fail that. */
	while (pwrite(fail_fd, text, (size_t)len, 0) != len)
		;
}

/* Was the failure asked for delivered? If not, there are no more places. */
static bool failed_somewhere(void)
{
	char text[16] = "";
	long n = pread(fail_fd, text, sizeof(text) - 1, 0);
	bool delivered = n > 0 && atoi(text) == 0;

	fail_nth(0);
	return delivered;
}

/*
 * From so many bytes on no slab allocation of this thread succeeds: one that
 * failed alone is tried again by the maple tree, and nothing comes of it.
 */
static void fail_from(long bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", bytes);
	if (!set_attr("failslab", "space", text) || write(make_fd, "1", 1) != 1)
		abort();
}

static void fail_no_more(void)
{
	if (write(make_fd, "0", 1) != 1)
		abort();
}

#define SKIP_WITHOUT_FAULTS()						\
	do {								\
		if (!faults_can_be_injected())				\
			SKIP(return, "the kernel injects no faults (no /proc/PID/fail-nth)"); \
	} while (0)

static struct memstate_totals_observed observed_totals(int dev, int cg)
{
	struct memstate_get_totals t = {
		.size = sizeof(t), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg };

	return dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t) ? (struct memstate_totals_observed) {} :
							 t.observed;
}

FIXTURE(fault) {
	char unused;
};

FIXTURE_SETUP(fault)
{
}

FIXTURE_TEARDOWN(fault)
{
}

TEST_F(fault, open_and_setup_fail_cleanly)
{
	int n, failures = 0;

	SKIP_WITHOUT_FAULTS();
	for (n = 1; n < NTH_MAX; n++) {
		struct dev d = {};
		bool more;
		int ret;

		fail_nth(n);
		ret = dev_open(&d, 64);
		more = failed_somewhere();
		failures += !!ret;
		if (!ret)
			EXPECT_EQ(0, dev_state(&d, MEMSTATE_READY));
		if (d.fd > 0)
			close(d.fd);
		if (!ret) {
			munmap(d.ring.tail, d.setup.ring_bytes);
			munmap(d.page, d.setup.totals_bytes);
		}
		if (!more)
			break;
	}
	EXPECT_LT(n, NTH_MAX);
	EXPECT_GT(failures, 3);
	EXPECT_TRUE(wait_for_tasks(0));
}

/* A record that splits, one that joins, one that makes different things of each. */
static struct memstate_record record(int i)
{
	u64 page = (u64)(i * 7 % 61);

	return i % 3 ? REC(BASE + page * PAGE, (1 + i % 5) * PAGE, MEMSTATE_ANY,
			   1 + i % 3, i % 8, 0) :
		       REC(BASE, 64 * PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0,
			   MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS | MEMSTATE_LAZY);
}

TEST_F(fault, transition_is_all_or_nothing_at_each_failure)
{
	int failures = 0;
	struct dev d;

	SKIP_WITHOUT_FAULTS();
	ASSERT_EQ(0, dev_open(&d, 64));
	for (int i = 0; i < 60; i++) {
		struct memstate_totals before = dev_totals(&d), after;
		int n, ret = -ENOMEM;

		for (n = 1; ret && n < NTH_MAX; n++) {
			fail_nth(n);
			ret = dev_apply1(&d, record(i));
			failed_somewhere();
			if (!ret)
				break;
			failures++;
			ASSERT_TRUE(ret == -ENOMEM || ret == -EFAULT);
			after = dev_totals(&d);
			/* Only the answer could not be written. */
			if (ret == -EFAULT &&
			    after.transitions == before.transitions + 1)
				break;
			EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
			EXPECT_TRUE(books_are_consistent(&d));
		}
		ASSERT_LT(n, NTH_MAX);
		EXPECT_EQ(before.transitions + 1, dev_totals(&d).transitions);
	}
	EXPECT_GT(failures, 60);
	EXPECT_TRUE(books_are_consistent(&d));
	dev_close(&d);
}

TEST_F(fault, drain_that_runs_out_of_memory_loses_no_record)
{
	struct memstate_totals want, got;
	int stopped = 0;
	struct dev d;

	SKIP_WITHOUT_FAULTS();
	ASSERT_EQ(0, dev_open(&d, 64));
	for (int i = 0; i < 48; i++)
		ASSERT_EQ(0, dev_apply1(&d, record(i)));
	want = dev_totals(&d);
	ASSERT_EQ(0, dev_apply1(&d, REC(BASE, 128 * PAGE, MEMSTATE_ANY, MEMSTATE_NONE,
					0, 0)));

	for (int i = 0; i < 48; i++)
		dev_post(&d, record(i));
	for (int n = 0; n < NTH_MAX; n++) {
		struct memstate_sync s;
		int ret;

		fail_from(n % 8 * 256);
		ret = dev_sync(&d, &s);
		fail_no_more();
		if (!ret)
			break;
		ASSERT_EQ(-ENOMEM, ret);
		stopped++;
		/* Looking drains, as far as memory allows. */
		fail_from(0);
		dev_totals(&d);
		fail_no_more();
	}
	EXPECT_GT(stopped, 3);
	got = dev_totals(&d);
	EXPECT_EQ(0, memcmp(want.bytes, got.bytes, sizeof(want.bytes)));
	EXPECT_EQ(want.prepared_lazy, got.prepared_lazy);
	EXPECT_EQ(want.ready_direct, got.ready_direct);
	EXPECT_EQ(want.transitions + 49, got.transitions);
	EXPECT_EQ(0, got.rejected);
	dev_close(&d);
}

TEST_F(fault, unmapping_is_not_lost_when_memory_runs_out)
{
	struct dev d;
	char *mem;

	SKIP_WITHOUT_FAULTS();
	ASSERT_EQ(0, dev_open(&d, 64));
	mem = anon(64 * PAGE);
	ASSERT_EQ(0, dev_apply1(&d, REC((uintptr_t)mem, 64 * PAGE, MEMSTATE_NONE,
					MEMSTATE_READY, 0, 0)));
	for (int i = 0; i < 20; i++) {
		munmap(mem + (2 * i + 1) * PAGE, PAGE);
		fail_from(i % 3 * 256);
		dev_sync(&d, NULL);
		fail_no_more();
		EXPECT_EQ((64 - i - 1) * PAGE, dev_state(&d, MEMSTATE_READY));
	}
	EXPECT_TRUE(books_are_consistent(&d));
	dev_close(&d);
}

TEST_F(fault, record_without_memory_changes_nothing)
{
	int failures = 0;
	struct dev d;

	SKIP_WITHOUT_FAULTS();
	ASSERT_EQ(0, dev_open(&d, 64));
	for (int i = 0; i < 200; i++) {
		struct memstate_totals before = dev_totals(&d), after;
		int ret = -ENOMEM;

		for (long bytes = 16; ret; bytes += 96) {
			ASSERT_LT(bytes, 1 << 20);
			fail_from(bytes);
			ret = dev_apply1(&d, record(i * 5));
			fail_no_more();
			if (!ret)
				break;
			failures++;
			ASSERT_EQ(-ENOMEM, ret);
			after = dev_totals(&d);
			EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
			EXPECT_TRUE(books_are_consistent(&d));
		}
		EXPECT_EQ(before.transitions + 1, dev_totals(&d).transitions);
	}
	EXPECT_GT(failures, 20);
	dev_close(&d);
}

TEST_F(fault, readers_fail_cleanly)
{
	struct dev d;

	SKIP_WITHOUT_FAULTS();
	ASSERT_EQ(0, dev_open(&d, 64));
	ASSERT_EQ(0, dev_apply1(&d, record(1)));
	for (int n = 1; n < 20; n++) {
		struct memstate_finding f[2];
		struct memstate_range r[2];
		struct memstate_ranges ra = { .size = sizeof(ra), .nr = 2,
					      .ranges = (uintptr_t)r };
		struct memstate_audit au = { .size = sizeof(au), .nr = 2,
					     .findings = (uintptr_t)f };
		int ret;

		fail_nth(n);
		ret = dev_ioctl(d.fd, MEMSTATE_IOC_RANGES, &ra);
		failed_somewhere();
		EXPECT_TRUE(!ret || ret == -ENOMEM || ret == -EFAULT);
		fail_nth(n);
		ret = dev_ioctl(d.fd, MEMSTATE_IOC_AUDIT, &au);
		failed_somewhere();
		EXPECT_TRUE(!ret || ret == -ENOMEM || ret == -EFAULT);
	}
	EXPECT_TRUE(books_are_consistent(&d));
	dev_close(&d);
}

TEST_F(fault, shards_are_made_whole_or_not_at_all)
{
	int n, failures = 0, ret;
	struct dev d;

	SKIP_WITHOUT_FAULTS();
	/* Single pages fail too. */
	ASSERT_TRUE(set_attr("fail_page_alloc", "min-order", "0"));
	for (n = 1; n < NTH_MAX; n++) {
		struct memstate_shards s = { .size = sizeof(s), .nr_shards = 100 };
		struct memstate_alloc a = { .size = sizeof(a) };
		bool more;

		/* Each time anew: some of what fails is tried another way. */
		ASSERT_EQ(0, dev_open(&d, 64));
		fail_nth(n);
		ret = dev_ioctl(d.fd, MEMSTATE_IOC_SHARDS, &s);
		more = failed_somewhere();
		failures += !!ret;
		ASSERT_TRUE(!ret || ret == -ENOMEM || ret == -EFAULT);
		ASSERT_EQ(0, dev_ioctl(d.fd, MEMSTATE_IOC_ALLOC, &a));
		/* With EFAULT perhaps only the answer could not be written. */
		EXPECT_TRUE(a.nr_shards == (ret ? 0 : 100) || ret == -EFAULT);
		dev_close(&d);
		ASSERT_TRUE(wait_for_tasks(0));
		if (!more)
			break;
	}
	EXPECT_TRUE(set_attr("fail_page_alloc", "min-order", "1"));
	EXPECT_LT(n, NTH_MAX);
	/* Sixteen pages, and what they are mapped by. */
	EXPECT_GT(failures, 16);
	ASSERT_EQ(0, dev_open(&d, 64));
	for (n = 1; n < 8; n++) {
		struct memstate_alloc a = { .size = sizeof(a) };

		fail_nth(n);
		ret = dev_ioctl(d.fd, MEMSTATE_IOC_ALLOC, &a);
		failed_somewhere();
		EXPECT_TRUE(!ret || ret == -EFAULT);
	}
	dev_close(&d);
}

TEST_F(fault, group_is_made_whole_or_not_at_all)
{
	int dev, n, failures = 0, top;

	SKIP_WITHOUT_FAULTS();
	dev = open(MEMSTATE_DEVICE, O_RDWR);
	top = cg_make("ms-fault");
	ASSERT_GE(top, 0);
	for (n = 1; n < NTH_MAX; n++) {
		int cg = cg_make("ms-fault/a"), ret;
		u64 id = cg_id(cg);
		bool more;

		fail_nth(n);
		ret = limit_max(dev, cg, MIB);
		more = failed_somewhere();
		failures += !!ret;
		EXPECT_TRUE(!ret || ret == -ENOMEM || ret == -EFAULT);
		EXPECT_TRUE(ret == -EFAULT || group_exists(id) == !ret);
		close(cg);
		ASSERT_EQ(0, cg_remove("ms-fault/a"));
		EXPECT_TRUE(wait_for_group_gone(id));
		if (!more)
			break;
	}
	EXPECT_LT(n, NTH_MAX);
	EXPECT_GT(failures, 3);
	close(top);
	EXPECT_EQ(0, cg_remove("ms-fault"));
	close(dev);
}

/* Who could not be noted at its birth for want of memory is found. */
TEST_F(fault, who_is_born_without_memory_is_observed_all_the_same)
{
	int cg = cg_make("ms-fault"), dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC), n, born = 0;
	pid_t pid;

	SKIP_WITHOUT_FAULTS();
	ASSERT_EQ(0, observe_group(dev, cg, 1));
	ASSERT_TRUE(cg_enter("ms-fault"));
	for (n = 1; n < NTH_MAX; n++) {
		bool more;

		fail_nth(n);
		pid = fork();
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
		more = failed_somewhere();
		if (pid > 0) {
			born++;
			EXPECT_TRUE(soon(observed_totals(dev, cg).spaces == 2));
			kill(pid, SIGKILL);
			join(pid);
			EXPECT_TRUE(soon(observed_totals(dev, cg).spaces == 1));
		}
		if (!more)
			break;
	}
	EXPECT_LT(n, NTH_MAX);
	/* Some failed, and of those that did not one was without memory for us. */
	EXPECT_GE(born, 2);
	EXPECT_TRUE(cg_enter("."));
	EXPECT_TRUE(soon(!group_limit(dev, cg).charged));
	EXPECT_EQ(0, observe_group(dev, cg, 0));
	close(dev);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-fault"));
}

/* Where the process is charged. */
static bool is_in_job(int dev, pid_t pid)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_PROCESS,
		.fd = syscall(SYS_pidfd_open, pid, 0) };
	int ret = dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w);

	close(w.fd);
	return !ret && w.group & MEMSTATE_JOB_ID;
}

/* Bits: 1: it was refused; 2: something failed; from 4 on: it was neither in one nor refused. */
static int made_or_not(int dev, int fd, int n)
{
	struct memstate_job j = { .size = sizeof(j), .set = MEMSTATE_JOB_MAX, .max = 64 * MIB };
	pid_t pid = fork();
	bool more;
	int ret;

	if (!pid) {
		/* The files are the thread's own. */
		if (!faults_can_be_injected())
			_exit(5);
		fail_nth(n);
		ret = dev_ioctl(fd, MEMSTATE_IOC_JOB, &j);
		more = failed_somewhere();
		/* What could not be told has been done. */
		if (ret != -EFAULT && (is_in_job(dev, getpid()) != !ret || (ret && ret != -ENOMEM)))
			_exit(4);
		_exit(2 * !!more + !!ret);
	}
	return WEXITSTATUS(join(pid));
}

TEST_F(fault, who_makes_a_job_without_memory_is_in_none)
{
	int cg = cg_make("ms-fault"), dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	int n, said = 3, failures = 0;

	SKIP_WITHOUT_FAULTS();
	ASSERT_TRUE(cg_enter("ms-fault"));
	for (n = 1; n < NTH_MAX && said & 2; n++) {
		int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);

		said = made_or_not(dev, fd, n);
		EXPECT_LT(said, 4);
		failures += said & 1;
		close(fd);
	}
	EXPECT_LT(n, NTH_MAX);
	EXPECT_GT(failures, 3);
	EXPECT_TRUE(cg_enter("."));
	close(dev);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-fault"));
}

TEST_F(fault, who_is_born_in_a_job_is_in_it_or_is_not_born)
{
	int dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	pid_t maker, pid;

	SKIP_WITHOUT_FAULTS();
	maker = fork();
	if (!maker) {
		struct memstate_job j = { .size = sizeof(j) };
		int n, failures = 0;
		bool more = true;

		if (!faults_can_be_injected() || dev_ioctl(fd, MEMSTATE_IOC_JOB, &j))
			_exit(1);
		for (n = 1; n < NTH_MAX && more; n++) {
			fail_nth(n);
			pid = fork();
			if (!pid) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				pause();
				_exit(0);
			}
			more = failed_somewhere();
			failures += pid < 0;
			if (pid < 0)
				continue;
			if (!soon(is_in_job(dev, pid)))
				_exit(2);
			kill(pid, SIGKILL);
			join(pid);
		}
		_exit(n == NTH_MAX ? 3 : failures < 4 ? 4 : 0);
	}
	EXPECT_EQ(0, join(maker));
	close(fd);
	close(dev);
}

TEST_HARNESS_MAIN
