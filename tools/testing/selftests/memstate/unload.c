// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The module goes and comes while programs that it observes run, and without its hooks.
 * MEMSTATE_TEST_MODULE: the module, which is loaded when this begins and when it ends.
 */
#include <libgen.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "harness.h"

#define GROUP	"ms-unload"
#define LOADS	3

static bool module_load(const char *options)
{
	const char *path = getenv("MEMSTATE_TEST_MODULE");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && !syscall(SYS_finit_module, fd, options, 0);

	if (fd >= 0)
		close(fd);
	/* The device's node comes a moment later. */
	return ok && soon(!access(MEMSTATE_DEVICE, R_OK | W_OK));
}

static bool module_unload(void)
{
	/* Somebody may look at a file of ours just now. */
	return soon(!syscall(SYS_delete_module, "memstate", O_NONBLOCK));
}

static int observed(int dev, u32 scope, int fd, struct memstate_observe *out)
{
	*out = (struct memstate_observe) { .size = sizeof(*out), .scope = scope, .fd = fd };
	return dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, out);
}

static int limit_any(int dev, int cg, u64 max)
{
	struct memstate_limit l = {
		.size = sizeof(l), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg,
		.set = MEMSTATE_LIMIT_MAX, .max = max };

	return dev_ioctl(dev, MEMSTATE_IOC_LIMIT_SET, &l);
}

static u64 features(int dev)
{
	struct memstate_query q = { .size = sizeof(q) };

	return dev_ioctl(dev, MEMSTATE_IOC_QUERY, &q) ? 0 : q.features;
}

/* The caller is in a job from now on, and has no file of it. */
static void enter_job(void)
{
	struct memstate_job j = { .size = sizeof(j), .set = MEMSTATE_JOB_MAX, .max = 4 * MIB };
	int dev;

	/* The module may be away just now. */
	if (!soon((dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC)) >= 0) ||
	    dev_ioctl(dev, MEMSTATE_IOC_JOB, &j))
		_exit(1);
	close(dev);
}

/* Maps, touches, gives back, forks and becomes another image, until it is killed. */
static void load(u64 seed, const char *program)
{
	size_t size = 4 * MIB;
	char *at;
	pid_t pid;

	if (seed % 2)
		enter_job();
	for (;;) {
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			continue;
		memset(at, 1, PAGE * (1 + rnd(&seed) % 512));
		if (rnd(&seed) % 2)
			madvise(at, size, MADV_DONTNEED);
		if (!(rnd(&seed) % 4)) {
			pid = fork();
			if (!pid) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				/* Its standard input is at its end. */
				if (rnd(&seed) % 2)
					execl(program, program, NULL);
				_exit(0);
			}
			if (pid > 0)
				waitpid(pid, NULL, 0);
		}
		munmap(at, size);
	}
}

FIXTURE(unload) {
	int group;
};

FIXTURE_SETUP(unload)
{
	if (!getenv("MEMSTATE_TEST_MODULE"))
		SKIP(return, "no module to load: MEMSTATE_TEST_MODULE");
	self->group = cg_make(GROUP);
	ASSERT_GE(self->group, 0);
}

FIXTURE_TEARDOWN(unload)
{
	close(self->group);
	EXPECT_EQ(0, cg_remove(GROUP));
}

TEST_F(unload, it_goes_and_comes_under_load)
{
	static char program[512];
	pid_t pids[LOADS];

	ASSERT_GT(readlink("/proc/self/exe", program, sizeof(program) - 32), 0);
	dirname(program);
	strcat(program, "/observe_prog");
	for (int i = 0; i < LOADS; i++) {
		pids[i] = cg_child(GROUP);
		if (!pids[i]) {
			int null = open("/dev/null", O_RDWR | O_CLOEXEC);

			dup2(null, 0);
			dup2(null, 1);
			load(88172645463325252 + i, program);
		}
	}
	for (unsigned long i = 0; i < 2 + scaled(8); i++) {
		int dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
		struct memstate_observe w = {};

		ASSERT_GE(dev, 0);
		ASSERT_EQ(0, limit_any(dev, self->group, 8 * MIB));
		EXPECT_TRUE(soon(!observed(dev, MEMSTATE_SCOPE_GROUP, self->group, &w) &&
				 w.spaces >= LOADS));
		EXPECT_TRUE(soon(group_limit(dev, self->group).events[MEMSTATE_EVENT_DENIED] ||
				 w.pending));
		close(dev);
		/* With all that is charged. */
		ASSERT_TRUE(module_unload());
		ASSERT_TRUE(module_load(""));
	}
	for (int i = 0; i < LOADS; i++) {
		EXPECT_EQ(0, kill(pids[i], SIGKILL));
		join(pids[i]);
	}
}

/* By a process of its own, which would be in it. */
static int try_job(void)
{
	pid_t child = fork();

	if (!child) {
		struct memstate_job j = { .size = sizeof(j), .set = MEMSTATE_JOB_MAX, .max = MIB };

		_exit(-dev_ioctl(open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC), MEMSTATE_IOC_JOB, &j));
	}
	return -WEXITSTATUS(join(child));
}

TEST_F(unload, where_there_are_to_be_no_jobs_groups_are_limited_all_the_same)
{
	int dev;

	ASSERT_TRUE(module_unload());
	ASSERT_TRUE(module_load("jobs=0"));
	dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(dev, 0);
	/* It can observe, and has not begun to; also afterwards nobody makes a job. */
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(MEMSTATE_FEATURE_OBSERVE,
			  features(dev) & (MEMSTATE_FEATURE_OBSERVE | MEMSTATE_FEATURE_JOBS));
		EXPECT_EQ(-EOPNOTSUPP, try_job());
		EXPECT_EQ(0, limit_any(dev, self->group, 32 * MIB));
	}
	close(dev);
	ASSERT_TRUE(module_unload());
	ASSERT_TRUE(module_load(""));
}

TEST_F(unload, without_hooks_it_does_all_else)
{
	struct memstate_observe w;
	char path[128];
	struct dev d;
	int dev, fd;

	ASSERT_TRUE(module_unload());
	ASSERT_TRUE(module_load("observe=0"));
	dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(dev, 0);
	EXPECT_EQ(MEMSTATE_FEATURE_LIMITS,
		  features(dev) & (MEMSTATE_FEATURE_OBSERVE | MEMSTATE_FEATURE_LIMITS));
	EXPECT_EQ(-EOPNOTSUPP, observe_group(dev, self->group, 1));
	EXPECT_EQ(-EOPNOTSUPP, observe_set_scope(dev, MEMSTATE_SCOPE_SYSTEM, 0,
						 MEMSTATE_OBSERVE_ON, 1));
	EXPECT_EQ(-EOPNOTSUPP, try_job());
	/* Off it is. */
	EXPECT_EQ(0, observe_group(dev, self->group, 0));
	/* A limit is one for who reports. */
	EXPECT_EQ(0, limit_any(dev, self->group, MIB));
	EXPECT_EQ(0, observed(dev, MEMSTATE_SCOPE_GROUP, self->group, &w));
	EXPECT_EQ(0, w.on);
	EXPECT_EQ(MIB, group_limit(dev, self->group).max);
	snprintf(path, sizeof(path), SYSFS "groups/%llu/observe",
		 (unsigned long long)cg_id(self->group));
	EXPECT_FALSE(write_text(path, "1"));
	EXPECT_EQ(EOPNOTSUPP, errno);
	fd = cg_child(GROUP);
	if (!fd)
		_exit(dev_open_credit(&d, 16) || dev_charge(&d, 2 * MIB, 0, 0, NULL) != -EDQUOT);
	EXPECT_EQ(0, join(fd));
	/* One process can be looked at. */
	fd = syscall(SYS_pidfd_open, getpid(), 0);
	EXPECT_EQ(0, observed(dev, MEMSTATE_SCOPE_PROCESS, fd, &w));
	EXPECT_NE(0, w.commit);
	EXPECT_EQ(0, w.spaces);
	close(fd);
	close(dev);
	ASSERT_TRUE(module_unload());
	ASSERT_TRUE(module_load(""));
}

TEST_HARNESS_MAIN
