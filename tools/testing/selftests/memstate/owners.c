// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Whose books they are, when they begin, how many one may have, and what is left of them. */
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "harness.h"

#define NOBODY		65534
#define BASE		0x500000000UL
#define PARAMETERS	"/sys/module/memstate/parameters/"

static int file_open(void)
{
	return open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
}

static int setup(int fd)
{
	struct memstate_setup s = { .size = sizeof(s) };

	return dev_ioctl(fd, MEMSTATE_IOC_SETUP, &s);
}

/* ---- when they begin ---------------------------------------------------------------- */

TEST(who_only_reads_has_no_books)
{
	struct memstate_query q = { .size = sizeof(q) };
	struct memstate_alloc a = { .size = sizeof(a), .scope = MEMSTATE_SCOPE_SYSTEM };
	struct memstate_watch w = { .size = sizeof(w), .scope = MEMSTATE_SCOPE_SYSTEM };
	struct pollfd p = { .fd = file_open(), .events = POLLPRI };

	EXPECT_EQ(POLLERR, (poll(&p, 1, 0), p.revents));
	EXPECT_EQ(0, dev_ioctl(p.fd, MEMSTATE_IOC_QUERY, &q));
	EXPECT_EQ(0, fd_totals(p.fd, MEMSTATE_SCOPE_SYSTEM).tasks);
	EXPECT_EQ(0, dev_ioctl(p.fd, MEMSTATE_IOC_ALLOC, &a));
	limit_get(p.fd, MEMSTATE_SCOPE_SYSTEM, 0, MEMSTATE_LIMIT_RESET_PEAK);
	EXPECT_EQ(0, dev_ioctl(p.fd, MEMSTATE_IOC_WATCH, &w));
	EXPECT_EQ(0, poll(&p, 1, 0));
	EXPECT_EQ(0, fdinfo_value(p.fd, "memstate-books"));
	EXPECT_EQ(0, sysfs_value("nr_tasks"));
	EXPECT_EQ(0, setup(p.fd));
	EXPECT_EQ(1, sysfs_value("nr_tasks"));
	EXPECT_GT(fdinfo_value(p.fd, "memstate-books"), 0);
	close(p.fd);
	EXPECT_TRUE(wait_for_tasks(0));
}

TEST(nobody_begins_books_for_another)
{
	int fd = file_open();
	pid_t child = fork();

	if (!child) {
		struct memstate_totals t = fd_totals(fd, MEMSTATE_SCOPE_TASK);
		struct memstate_finding f;
		struct memstate_audit a = { .size = sizeof(a), .nr = 1,
					    .findings = (uintptr_t)&f };
		struct memstate_watch w = { .size = sizeof(w) };
		uint32_t nr;

		if (setup(fd) != -EPERM || t.tasks || totals_all(&t))
			_exit(1);
		free(dev_ranges(fd, &nr));
		if (nr || limit_get(fd, MEMSTATE_SCOPE_TASK, 0, 0).max != MEMSTATE_UNLIMITED)
			_exit(2);
		if (dev_ioctl(fd, MEMSTATE_IOC_AUDIT, &a) != -ESRCH ||
		    dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w) != -ESRCH)
			_exit(3);
		_exit(sysfs_value("nr_tasks") ? 4 : 0);
	}
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(0, setup(fd));
	close(fd);
	EXPECT_TRUE(wait_for_tasks(0));
}

/* The same address space, over and over, with new books each time. */
TEST(open_and_close_a_thousand_times_leaves_nothing)
{
	long long books = 0;

	for (int i = 0; i < 1000; i++) {
		struct dev d;

		ASSERT_EQ(0, dev_open(&d, 16));
		dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
		ASSERT_EQ(PAGE, dev_state(&d, MEMSTATE_READY));
		if (i % 100 == 0) {
			long long now = fdinfo_value(d.fd, "memstate-books");

			EXPECT_GT(now, books);
			books = now;
		}
		dev_close(&d);
	}
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, sysfs_value("ready"));
}

static void *open_and_close(void *arg)
{
	for (int i = 0; i < 300; i++) {
		int fd = file_open();

		if (setup(fd))
			return arg;
		close(fd);
	}
	return NULL;
}

TEST(threads_that_begin_and_end_the_same_books_agree)
{
	pthread_t thread[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, open_and_close, thread));
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &failed);
		EXPECT_EQ(NULL, failed);
	}
	EXPECT_TRUE(wait_for_tasks(0));
}

/* ---- whose ----------------------------------------------------------------------------- */

static int opened;

TEST(child_of_vfork_that_opens_first_opens_for_its_parent)
{
	pid_t child = vfork();

	if (!child) {
		opened = file_open();
		_exit(setup(opened) ? 1 :
		      fdinfo_value(opened, "memstate-pid") != getppid() ? 2 : 0);
	}
	EXPECT_EQ(0, join(child));
	/* The descriptor went with the child, and with it the books. */
	EXPECT_TRUE(wait_for_tasks(0));
}

static int share_main(void *arg)
{
	struct { int ready, go; } *pipes = arg;
	char byte;

	/* Of this process alone: the C library would ask all threads of the parent. */
	if (syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY) ||
	    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY) || !cg_enter("ms-owners"))
		return 1;
	opened = file_open();
	if (setup(opened) || write(pipes->ready, "x", 1) != 1)
		return 2;
	return read(pipes->go, &byte, 1);
}

TEST(who_shares_the_address_space_does_not_own_its_books)
{
	int cg = cg_make("ms-owners"), ready[2], go[2];
	struct { int ready, go; } pipes;
	char *stack = anon(MIB), byte;
	long long books;
	struct dev d;
	pid_t child;

	ASSERT_EQ(0, fchmod(cg, 0777));
	ASSERT_EQ(0, chmod(CGROUPS "ms-owners/cgroup.procs", 0666));
	ASSERT_EQ(0, chmod(CGROUPS "cgroup.procs", 0666));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pipes.ready = ready[1];
	pipes.go = go[0];
	child = clone(share_main, stack + MIB, CLONE_VM | SIGCHLD, &pipes);
	ASSERT_GT(child, 0);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, dev_open(&d, 0));
	books = fdinfo_value(d.fd, "memstate-books");
	EXPECT_EQ(getpid(), fdinfo_value(d.fd, "memstate-pid"));
	EXPECT_EQ(getpid(), file_value(books_path(books), "pid"));
	/* Nor are they in its cgroup. */
	EXPECT_EQ(0, group_totals(d.fd, cg).tasks);
	dev_close(&d);
	ASSERT_EQ(1, write(go[1], "x", 1));
	EXPECT_EQ(1 << 8, join(child));
	EXPECT_TRUE(wait_for_tasks(0));
	chmod(CGROUPS "cgroup.procs", 0644);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-owners"));
}

/* ---- how many ------------------------------------------------------------------------- */

/* Set a parameter; what it was. -1: it cannot be set. */
static long long parameter(const char *name, long long value)
{
	char path[128], text[32];
	long long before;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	snprintf(text, sizeof(text), "%lld", value);
	before = file_value(path, "");
	return write_text(path, text) ? before : -1;
}

/* As another user: his books until the pipe is closed; 0, or the errno, is told. */
static pid_t holder(uid_t uid, bool namespaced, int ready, int go[2])
{
	pid_t pid = fork();
	char byte;
	int ret;

	if (pid)
		return pid;
	close(go[1]);
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    (namespaced && unshare(CLONE_NEWUSER)))
		_exit(1);
	ret = -setup(file_open());
	if (write(ready, &ret, sizeof(ret)) != sizeof(ret))
		_exit(2);
	_exit(read(go[0], &byte, 1));
}

static int told(int ready)
{
	int ret = -1;

	return read(ready, &ret, sizeof(ret)) == sizeof(ret) ? ret : -1;
}

TEST(one_user_cannot_take_all_the_tasks)
{
	long long before = parameter("tasks_per_user", 2);
	int ready[2], go[2];
	pid_t pid[6];

	ASSERT_EQ(0, before);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	for (int i = 0; i < 3; i++) {
		pid[i] = holder(NOBODY, false, ready[1], go);
		EXPECT_EQ(i < 2 ? 0 : EUSERS, told(ready[0]));
	}
	/* A user namespace makes no new user of him. */
	pid[3] = holder(NOBODY, true, ready[1], go);
	EXPECT_EQ(EUSERS, told(ready[0]));
	pid[4] = holder(1234, false, ready[1], go);
	EXPECT_EQ(0, told(ready[0]));
	EXPECT_EQ(3, sysfs_value("nr_tasks"));
	/* Of whom the machine is there is no such bound. */
	for (int i = 0; i < 3; i++) {
		pid[5] = holder(0, false, ready[1], go);
		EXPECT_EQ(0, told(ready[0]));
	}
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0, join(pid[i]));
	while (waitpid(-1, NULL, 0) > 0)
		;
	EXPECT_TRUE(wait_for_tasks(0));
	/* What is over is not counted. */
	ASSERT_EQ(0, pipe(go));
	pid[0] = holder(NOBODY, false, ready[1], go);
	EXPECT_EQ(0, told(ready[0]));
	close(go[1]);
	join(pid[0]);
	EXPECT_EQ(2, parameter("tasks_per_user", before));
	EXPECT_TRUE(wait_for_tasks(0));
}

/* A namespace of root's with users that are root's to give, each of whom tries to have books. */
static pid_t roots_namespace(int users, int ready, int go[2])
{
	int entered[2], mapped[2];
	char path[64], byte;
	pid_t pid;

	if (pipe(entered) || pipe(mapped))
		return -1;
	pid = fork();
	if (pid) {
		snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		return read(entered[0], &byte, 1) == 1 && write_text(path, "0 100000 10") &&
		       write(mapped[1], "m", 1) == 1 ? pid : -1;
	}
	close(go[1]);
	if (unshare(CLONE_NEWUSER) || write(entered[1], "e", 1) != 1 || read(mapped[0], &byte, 1) != 1)
		_exit(1);
	for (int i = 1; i <= users; i++) {
		int ret;

		if (fork())
			continue;
		if (setresuid(i, i, i))
			_exit(2);
		ret = -setup(file_open());
		if (write(ready, &ret, sizeof(ret)) != sizeof(ret))
			_exit(3);
		_exit(read(go[0], &byte, 1));
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	_exit(0);
}

TEST(who_is_root_in_a_namespace_of_roots_is_one_user)
{
	long long before = parameter("tasks_per_user", 2);
	int ready[2], go[2], refused = 0;
	pid_t pid;

	ASSERT_EQ(0, before);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = roots_namespace(3, ready[1], go);
	ASSERT_GT(pid, 0);
	for (int i = 0; i < 3; i++)
		refused += told(ready[0]) == EUSERS;
	EXPECT_EQ(1, refused);
	close(go[0]);
	close(go[1]);
	EXPECT_EQ(0, join(pid));
	EXPECT_EQ(2, parameter("tasks_per_user", before));
	EXPECT_TRUE(wait_for_tasks(0));
}

TEST(one_user_cannot_take_all_the_groups)
{
	long long before = parameter("groups_per_user", 2);
	int top = cg_make("ms-owners"), cg[4];
	char name[64];
	pid_t child;

	ASSERT_EQ(0, before);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "ms-owners/%d", i);
		ASSERT_GE(cg[i] = cg_make(name), 0);
	}
	ASSERT_EQ(0, fchown(top, NOBODY, NOBODY));
	child = fork();
	if (!child) {
		int fd;

		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		fd = file_open();
		/* One for the one above, one for the first. */
		if (limit_max(fd, cg[0], MIB) || limit_max(fd, cg[0], 2 * MIB))
			_exit(2);
		_exit(limit_max(fd, cg[1], MIB) == -EUSERS ? 0 : 3);
	}
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(2, parameter("groups_per_user", before));
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "ms-owners/%d", i);
		close(cg[i]);
		EXPECT_EQ(0, cg_remove(name));
	}
	close(top);
	EXPECT_EQ(0, cg_remove("ms-owners"));
}

TEST(parameters_are_checked_when_they_change)
{
	static const struct {
		const char *name;
		long long bad[2];
	} parameters[] = {
		{ "ranges_max", { 0, (1 << 24) + 1 } },
		{ "tasks_max", { 0, 65537 } },
		{ "groups_max", { 0, (1 << 24) + 1 } },
		{ "tasks_per_user", { -1, 65537 } },
		{ "groups_per_user", { -1, (1 << 24) + 1 } },
		{ "jobs_max", { 0, (1 << 24) + 1 } },
		{ "jobs_per_user", { -1, (1 << 24) + 1 } },
	};

	for (int i = 0; i < 7; i++) {
		const char *name = parameters[i].name;
		long long before = parameter(name, 5);

		EXPECT_GE(before, 0);
		for (int k = 0; k < 2; k++) {
			EXPECT_EQ(-1, parameter(name, parameters[i].bad[k]));
			EXPECT_EQ(EINVAL, errno);
		}
		EXPECT_EQ(5, parameter(name, before));
	}
}

/* ---- what is left ------------------------------------------------------------------------ */

/* Regions of pages that the module shares with tasks. */
static int shared_regions(void)
{
	char line[512];
	int n = 0;
	FILE *f = fopen("/proc/vmallocinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, "ms_pages_create");
	if (f)
		fclose(f);
	return n;
}

/* Objects of a slab cache that are in use, or held ready for that. 0: there is no such cache. */
static long slab_objects(const char *cache)
{
	char line[512], name[64];
	long objects = 0, n;
	FILE *f = fopen("/proc/slabinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &n) == 2 && !strcmp(name, cache))
			objects = n;
	if (f)
		fclose(f);
	return objects;
}

#define DEAD	100
/* Where a queue of unmappings lies, as it is long by default. */
#define QUEUES	"kmalloc-cg-8k"

TEST(descriptor_of_a_process_that_is_gone_holds_little)
{
	int fd[DEAD], before = shared_regions();
	long queues = slab_objects(QUEUES);

	for (int i = 0; i < DEAD; i++) {
		int go[2], ready[2], pidfd;
		struct memstate_shards s = { .size = sizeof(s), .nr_shards = 256 };
		struct dev d;
		char byte;
		pid_t pid;

		ASSERT_EQ(0, pipe(go) | pipe(ready));
		pid = fork();
		if (!pid) {
			if (dev_open(&d, 4096) || dev_ioctl(d.fd, MEMSTATE_IOC_SHARDS, &s) ||
			    dup2(d.fd, 900) != 900 || write(ready[1], "x", 1) != 1)
				_exit(1);
			_exit(read(go[0], &byte, 1) != 1);
		}
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		if (!i) {
			EXPECT_EQ(before + 3, shared_regions());
		}
		pidfd = syscall(SYS_pidfd_open, pid, 0);
		fd[i] = syscall(SYS_pidfd_getfd, pidfd, 900, 0);
		ASSERT_GE(fd[i], 0);
		close(pidfd);
		ASSERT_EQ(1, write(go[1], "x", 1));
		EXPECT_EQ(0, join(pid));
		for (int k = 0; k < 2; k++) {
			close(go[k]);
			close(ready[k]);
		}
	}
	EXPECT_TRUE(wait_for_tasks(0));
	/* Ring, totals and shards are gone, as soon as nobody looks at them. */
	EXPECT_TRUE(soon(shared_regions() == before));
	/* So are the queues, while a cache may hold some of them ready for others. */
	EXPECT_TRUE(soon(slab_objects(QUEUES) < queues + DEAD * 3 / 4));
	for (int i = 0; i < DEAD; i++) {
		EXPECT_TRUE(hangs_up(fd[i]));
		EXPECT_EQ(-ESRCH, setup(fd[i]));
		close(fd[i]);
	}
}

/* ---- ids of other hierarchies ------------------------------------------------------------- */

#define TRIES	500

/* Files have ids, too: how many a cgroup takes of them changes with its controllers. */
static void other_controllers(int i)
{
	static const char *const names[] = { "pids", "cpu", "memory", "io", "cpuset" };
	char text[32];

	for (int k = 0; k < 5; k++) {
		snprintf(text, sizeof(text), "%c%s", i >> k & 1 ? '+' : '-', names[k]);
		write_text(CGROUPS "cgroup.subtree_control", text);
	}
}

/* A directory of another hierarchy with the id of a cgroup of ours. -1: none came. */
static int make_twin(const char *top, char *ours, char *theirs)
{
	struct stat a, b;

	for (int i = 0; i < TRIES; i++) {
		other_controllers(i);
		snprintf(ours, 64, CGROUPS "ms-twin-%d", i);
		snprintf(theirs, 64, "%s/%d", top, i);
		if (mkdir(ours, 0755) || stat(ours, &a) || mkdir(theirs, 0755) ||
		    stat(theirs, &b))
			return -1;
		/* Whoever is behind goes on alone. */
		while (b.st_ino < a.st_ino) {
			if (rmdir(theirs) || mkdir(theirs, 0755) || stat(theirs, &b))
				return -1;
		}
		if (a.st_ino == b.st_ino)
			return 0;
		rmdir(ours);
		rmdir(theirs);
	}
	return -1;
}

TEST(removal_of_a_cgroup_of_another_hierarchy_is_none_of_ours)
{
	char top[] = "/tmp/ms-v1-XXXXXX", ours[64], theirs[64];
	int dev = file_open(), cg;
	bool found;

	ASSERT_NE(NULL, mkdtemp(top));
	if (mount("none", top, "cgroup", 0, "none,name=memstate")) {
		rmdir(top);
		SKIP(return, "no cgroups of version 1");
	}
	found = !make_twin(top, ours, theirs);
	other_controllers(0);
	if (!found) {
		umount(top);
		SKIP(return, "no two cgroups with one id");
	}
	cg = open(ours, O_RDONLY | O_DIRECTORY);
	ASSERT_EQ(0, limit_max(dev, cg, 5 * MIB));
	ASSERT_EQ(0, rmdir(theirs));
	EXPECT_EQ(5 * MIB, group_limit(dev, cg).max);
	EXPECT_TRUE(group_exists(cg_id(cg)));
	close(cg);
	close(dev);
	ASSERT_EQ(0, rmdir(ours));
	umount(top);
	rmdir(top);
}

TEST_HARNESS_MAIN
