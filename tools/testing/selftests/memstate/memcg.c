// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Who pays for the books: the task's memory cgroup, whoever drains. */
#include "cgroup.h"
#include "harness.h"

#define CGROUP	"/sys/fs/cgroup/memstate-test"
#define BASE	0x600000000UL
#define BATCH	4000
#define BATCHES	4
#define STIRRED	(4 * MIB)

static long long charged(void)
{
	return file_value(CGROUP "/memory.current", "");
}

/*
 * The kernel's part of it: moves with each page, where the above moves in large steps. The
 * kernel sums it up for a reader once there have been many changes, else when it comes to it:
 * @pages, the caller's and in the cgroup, come and go until there were.
 */
static long long charged_kernel(char *pages)
{
	for (int i = 0; i < 4; i++) {
		memset(pages, 1, STIRRED);
		madvise(pages, STIRRED, MADV_DONTNEED);
	}
	return file_value(CGROUP "/memory.stat", "kernel");
}

/* In the cgroup: post when told to, and drain nothing. */
static void payer(int go, int done)
{
	struct dev d;
	char byte;

	if (!write_text(CGROUP "/cgroup.procs", "0") || dev_open(&d, 4096))
		_exit(1);
	if (write(done, "o", 1) != 1)
		_exit(2);
	for (u64 n = 0; read(go, &byte, 1) == 1;) {
		for (int i = 0; i < BATCH; i++, n++)
			dev_post(&d, REC(BASE + 2 * n * PAGE, PAGE, MEMSTATE_NONE,
					 MEMSTATE_READY, 0, 0));
		if (write(done, "p", 1) != 1)
			_exit(3);
	}
	_exit(0);
}

FIXTURE(memcg) {
	char unused;
};

FIXTURE_SETUP(memcg)
{
}

FIXTURE_TEARDOWN(memcg)
{
}

TEST_F(memcg, ledger_is_charged_to_the_task_although_another_drains)
{
	int dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	int go[2], done[2], status;
	long long before, after;
	pid_t child;
	char byte;

	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) || charged() < 0) {
		rmdir(CGROUP);
		SKIP(return, "no memory controller at /sys/fs/cgroup");
	}
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(done));
	child = fork();
	if (!child) {
		close(go[1]);
		payer(go[0], done[1]);
	}
	ASSERT_EQ(1, read(done[0], &byte, 1));
	before = charged();
	for (int i = 1; i <= BATCHES; i++) {
		ASSERT_EQ(1, write(go[1], "g", 1));
		ASSERT_EQ(1, read(done[0], &byte, 1));
		/* This drains what the child has posted, in one pass or in more. */
		ASSERT_TRUE(soon(fd_totals(dev, MEMSTATE_SCOPE_SYSTEM).ranges ==
				 (u64)i * BATCH));
	}
	after = charged();
	TH_LOG("%d ranges: %lld KiB", BATCH * BATCHES, (after - before) / 1024);
	/* Sixty-four bytes a range are meant; the counter moves in large steps. */
	EXPECT_GT(after - before, BATCH * BATCHES * 32);
	EXPECT_LT(after - before, BATCH * BATCHES * 512);
	close(go[1]);
	close(dev);
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, rmdir(CGROUP));
}

TEST_F(memcg, shards_are_charged_to_the_task)
{
	int ready[2], status;
	long long before, grown = 0;
	pid_t child;

	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755) || charged() < 0) {
		rmdir(CGROUP);
		SKIP(return, "no memory controller at /sys/fs/cgroup");
	}
	ASSERT_EQ(0, pipe(ready));
	child = fork();
	if (!child) {
		struct memstate_shards s = { .size = sizeof(s), .nr_shards = 256 };
		char *pages = anon(STIRRED);
		struct dev d;

		if (!write_text(CGROUP "/cgroup.procs", "0") || dev_open(&d, 64) ||
		    madvise(pages, STIRRED, MADV_NOHUGEPAGE))
			_exit(1);
		before = charged_kernel(pages);
		if (dev_ioctl(d.fd, MEMSTATE_IOC_SHARDS, &s))
			_exit(2);
		grown = charged_kernel(pages) - before;
		_exit(write(ready[1], &grown, sizeof(grown)) != sizeof(grown));
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	ASSERT_EQ(sizeof(grown), read(ready[0], &grown, sizeof(grown)));
	TH_LOG("256 shards: %lld KiB", grown / 1024);
	/* 160 KiB, while a page or two of something else may come and go. */
	EXPECT_GT(grown, 128 * 1024);
	EXPECT_LT(grown, 224 * 1024);
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, rmdir(CGROUP));
}

TEST_HARNESS_MAIN
