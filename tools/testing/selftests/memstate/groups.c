// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Groups: how they come and go, what they sum up, who may set their limits. */
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "harness.h"

#define BASE	0x500000000UL
#define NOBODY	65534

FIXTURE(groups) {
	int dev;
	int top;
};

FIXTURE_SETUP(groups)
{
	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	self->top = cg_make("ms-groups");
	ASSERT_GE(self->dev, 0);
	ASSERT_GE(self->top, 0);
}

FIXTURE_TEARDOWN(groups)
{
	close(self->top);
	close(self->dev);
	EXPECT_EQ(0, cg_remove("ms-groups"));
}

/* ---- birth and death ------------------------------------------------------------- */

TEST_F(groups, group_comes_with_its_first_task_and_goes_with_the_cgroup)
{
	int cg = cg_make("ms-groups/a"), go[2], ready[2];
	u64 id = cg_id(cg);
	struct dev d;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(ready));
	EXPECT_FALSE(group_exists(id));
	/* Who only looks makes none. */
	EXPECT_EQ(0, group_totals(self->dev, cg).tasks);
	EXPECT_EQ(MEMSTATE_UNLIMITED, group_limit(self->dev, cg).max);
	EXPECT_FALSE(group_exists(id));
	child = cg_child("ms-groups/a");
	if (!child) {
		close(go[1]);
		if (dev_open(&d, 64))
			_exit(1);
		dev_post(&d, REC(BASE, 4 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
		if (dev_sync(&d, NULL) || write(ready[1], "r", 1) != 1 ||
		    read(go[0], &byte, 1) != 0)
			_exit(2);
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(group_exists(id));
	EXPECT_EQ(4 * PAGE, group_file(id, "ready"));
	EXPECT_EQ(4 * PAGE, group_file(id, "charged"));
	EXPECT_EQ(1, group_file(id, "nr_tasks"));
	EXPECT_EQ(cg_id(self->top), (u64)group_file(id, "parent"));
	close(go[0]);
	close(go[1]);
	EXPECT_EQ(0, join(child));
	EXPECT_TRUE(wait_for_tasks(0));
	/* As long as there is the cgroup there is the group, with its history. */
	EXPECT_EQ(0, group_file(id, "ready"));
	EXPECT_EQ(4 * PAGE, group_file(id, "peak"));
	close(cg);
	ASSERT_EQ(0, cg_remove("ms-groups/a"));
	EXPECT_TRUE(wait_for_group_gone(id));
}

TEST_F(groups, limit_waits_for_tasks_and_goes_with_the_cgroup)
{
	int cg = cg_make("ms-groups/empty");
	u64 id = cg_id(cg);
	struct dev d;
	pid_t child;

	ASSERT_EQ(0, limit_max(self->dev, cg, 4 * PAGE));
	EXPECT_TRUE(group_exists(id));
	EXPECT_EQ(4 * PAGE, group_file(id, "max"));
	child = cg_child("ms-groups/empty");
	if (!child) {
		if (dev_open_credit(&d, 64) || dev_ready(&d, BASE, 4 * PAGE))
			_exit(1);
		_exit(dev_ready(&d, BASE + MIB, PAGE) == -EDQUOT ? 0 : 2);
	}
	EXPECT_EQ(0, join(child));
	close(cg);
	ASSERT_EQ(0, cg_remove("ms-groups/empty"));
	EXPECT_TRUE(wait_for_group_gone(id));
}

/* A file that watches a cgroup's group, which is made if there is none. -errno on failure. */
static int watch_open(int cg)
{
	struct memstate_watch w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg };
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC), ret;

	ret = dev_ioctl(fd, MEMSTATE_IOC_WATCH, &w);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* Wait until a group's worker has told of something, and have seen that. */
static bool worker_tells(int watcher)
{
	struct pollfd p = { .fd = watcher, .events = POLLPRI };

	if (poll(&p, 1, SOON_MS) != 1 || p.revents != POLLPRI)
		return false;
	limit_get(watcher, MEMSTATE_SCOPE_WATCHED, 0, 0);
	return true;
}

/* A directory of cgroup v1 whose number is that of one of several of v2; -1: none was made. */
static int v1_twin(char *dir, const u64 *ids, int nr)
{
	struct stat st = {};

	while (st.st_ino < ids[nr - 1] && !mkdir(dir, 0755)) {
		if (stat(dir, &st))
			break;
		for (int i = 0; i < nr; i++)
			if (st.st_ino == ids[i])
				return i;
		if (rmdir(dir))
			break;
	}
	return -1;
}

TEST_F(groups, removal_of_a_v1_directory_is_that_of_no_group)
{
	char root[] = "/tmp/v1.XXXXXX", dir[32], name[32];
	u64 ids[32];
	int cgs[32], twin;

	ASSERT_NE(NULL, mkdtemp(root));
	if (mount("none", root, "cgroup", 0, "none,name=memstate-test")) {
		int error = errno;

		rmdir(root);
		SKIP(return, "this kernel mounts no hierarchy of cgroup v1: %s",
		     strerror(error));
	}
	for (int i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "ms-groups/v%d", i);
		cgs[i] = cg_make(name);
		ids[i] = cg_id(cgs[i]);
		EXPECT_EQ(0, limit_max(self->dev, cgs[i], MIB));
	}
	snprintf(dir, sizeof(dir), "%s/twin", root);
	twin = v1_twin(dir, ids, 32);
	EXPECT_LE(0, twin);
	EXPECT_EQ(0, rmdir(dir));
	for (int i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "ms-groups/v%d", i);
		if (i == twin)
			continue;
		close(cgs[i]);
		EXPECT_EQ(0, cg_remove(name));
		/* It was removed after the other, and is gone. */
		EXPECT_TRUE(wait_for_group_gone(ids[i]));
	}
	if (twin >= 0) {
		EXPECT_EQ(MIB, group_limit(self->dev, cgs[twin]).max);
		EXPECT_TRUE(group_exists(ids[twin]));
		close(cgs[twin]);
		snprintf(name, sizeof(name), "ms-groups/v%d", twin);
		EXPECT_EQ(0, cg_remove(name));
	}
	EXPECT_EQ(0, umount(root));
	rmdir(root);
}

/* Once a pass, and none of it is lost. */
TEST_F(groups, drift_is_counted_by_each_group_above)
{
	const u32 nr = 100;
	int cg = cg_make("ms-groups/a");
	struct memstate_limit above, own;
	struct dev d;
	pid_t child;

	above = group_limit(self->dev, self->top);
	child = cg_child("ms-groups/a");
	if (!child) {
		if (dev_open(&d, 256))
			_exit(1);
		for (u32 i = 0; i < nr; i++)
			dev_post(&d, REC(BASE + i * PAGE, PAGE, MEMSTATE_READY,
					 MEMSTATE_PREPARED, 0, 0));
		if (dev_sync(&d, NULL))
			_exit(2);
		_exit(dev_totals(&d).drift == nr ? 0 : 3);
	}
	EXPECT_EQ(0, join(child));
	own = group_limit(self->dev, cg);
	EXPECT_EQ(nr, own.events[MEMSTATE_EVENT_DRIFT]);
	EXPECT_EQ(nr, own.events_local[MEMSTATE_EVENT_DRIFT]);
	EXPECT_EQ(0, own.events[MEMSTATE_EVENT_BREACH]);
	own = group_limit(self->dev, self->top);
	EXPECT_EQ(above.events[MEMSTATE_EVENT_DRIFT] + nr, own.events[MEMSTATE_EVENT_DRIFT]);
	EXPECT_EQ(above.events_local[MEMSTATE_EVENT_DRIFT],
		  own.events_local[MEMSTATE_EVENT_DRIFT]);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-groups/a"));
}

TEST_F(groups, task_that_moves_on_leaves_its_books_where_it_opened)
{
	int a = cg_make("ms-groups/a"), watcher = watch_open(a), go[2], ready[2];
	u64 id = cg_id(a);
	char path[128];
	struct dev d;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(ready));
	child = cg_child("ms-groups/a");
	if (!child) {
		close(go[1]);
		if (dev_open(&d, 64))
			_exit(1);
		dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
		if (dev_sync(&d, NULL) || !cg_enter("ms-groups") ||
		    write(ready[1], "r", 1) != 1)
			_exit(2);
		if (read(go[0], &byte, 1) != 0)
			_exit(3);
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(a);
	/* The cgroup can go, and is not kept: only the books are. */
	ASSERT_EQ(0, cg_remove("ms-groups/a"));
	/*
	 * The worker hears of the end, and of a limit; when it has told of the second it is
	 * through with the first.
	 */
	ASSERT_TRUE(worker_tells(watcher));
	snprintf(path, sizeof(path), SYSFS "groups/%llu/max", (unsigned long long)id);
	ASSERT_TRUE(write_text(path, "max"));
	ASSERT_TRUE(worker_tells(watcher));
	close(watcher);
	EXPECT_TRUE(group_exists(id));
	EXPECT_EQ(PAGE, group_file(id, "ready"));
	EXPECT_EQ(PAGE, group_totals(self->dev, self->top).ready_direct);
	close(go[0]);
	close(go[1]);
	EXPECT_EQ(0, join(child));
	EXPECT_TRUE(wait_for_group_gone(id));
}

static long long dying(void)
{
	return file_value(CGROUPS "ms-groups/cgroup.stat", "nr_dying_descendants");
}

TEST_F(groups, thousands_of_cgroups_come_and_go_and_none_stays_a_zombie)
{
	unsigned long n = scaled(2000);
	int before = nr_groups();
	char name[64];

	for (unsigned long k = 0; k < n; k++) {
		int cg;

		snprintf(name, sizeof(name), "ms-groups/%lu", k);
		cg = cg_make(name);
		ASSERT_GE(cg, 0);
		ASSERT_EQ(0, limit_max(self->dev, cg, MIB));
		if (k % 4 == 0) {
			pid_t child = cg_child(name);
			struct dev d;

			if (!child) {
				if (dev_open_credit(&d, 64))
					_exit(1);
				_exit(dev_ready(&d, BASE, 16 * PAGE) ? 2 : 0);
			}
			ASSERT_EQ(0, join(child));
		}
		close(cg);
		ASSERT_EQ(0, cg_remove(name));
	}
	soon(nr_groups() <= before + 1 && !dying());
	EXPECT_LE(nr_groups(), before + 1);
	EXPECT_EQ(0, dying());
}

/* ---- sums ------------------------------------------------------------------------ */

TEST_F(groups, totals_of_a_group_are_the_sum_over_its_tasks)
{
	static const char *const names[] = { "ms-groups", "ms-groups/x",
					     "ms-groups/x/y" };
	int go[2], ready[2], cg[3];
	struct memstate_totals t;
	pid_t child[3];
	char byte;

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(ready));
	for (int i = 0; i < 3; i++)
		cg[i] = cg_make(names[i]);
	for (int i = 0; i < 3; i++) {
		child[i] = cg_child(names[i]);
		if (!child[i]) {
			struct dev d;

			close(go[1]);
			if (dev_open(&d, 64))
				_exit(1);
			dev_post(&d, REC(BASE, (10UL << i) * PAGE, MEMSTATE_NONE,
					 MEMSTATE_READY, i, 0));
			dev_post(&d, REC(BASE, 3 * PAGE, MEMSTATE_READY,
					 MEMSTATE_PREPARED, i, 0));
			/* And one that disagrees. */
			dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE,
					 MEMSTATE_PREPARED, i, 0));
			if (write(ready[1], "r", 1) != 1 ||
			    read(go[0], &byte, 1) != 0)
				_exit(2);
			_exit(0);
		}
	}
	close(go[0]);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(1, read(ready[0], &byte, 1));
	for (int i = 0; i < 3; i++) {
		u64 ready_sum = 0;

		t = group_totals(self->dev, cg[i]);
		for (int k = i; k < 3; k++) {
			ready_sum += ((10UL << k) - 3) * PAGE;
			EXPECT_EQ(3 * PAGE, t.bytes[MEMSTATE_PREPARED - 1][k]);
			EXPECT_EQ(((10UL << k) - 3) * PAGE,
				  t.bytes[MEMSTATE_READY - 1][k]);
		}
		EXPECT_EQ(ready_sum, ms_totals_state(&t, MEMSTATE_READY));
		EXPECT_EQ(ready_sum, t.ready_direct);
		EXPECT_EQ(ready_sum, t.charged);
		EXPECT_EQ(3 - i, t.tasks);
		EXPECT_EQ(3 - i, t.drift);
		EXPECT_EQ(3 - i, group_limit(self->dev, cg[i]).events[MEMSTATE_EVENT_DRIFT]);
		EXPECT_EQ(1, group_limit(self->dev, cg[i]).events_local[MEMSTATE_EVENT_DRIFT]);
		EXPECT_EQ(3 - i, group_file(cg_id(cg[i]), "events_drift"));
		EXPECT_EQ(1, group_file(cg_id(cg[i]), "events_local_drift"));
	}
	close(go[1]);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, join(child[i]));
	EXPECT_TRUE(wait_for_tasks(0));
	t = group_totals(self->dev, cg[0]);
	EXPECT_EQ(0, totals_all(&t) + t.ready_direct + t.charged + t.ranges + t.tasks);
	for (int i = 2; i >= 0; i--) {
		close(cg[i]);
		if (i)
			ASSERT_EQ(0, cg_remove(names[i]));
	}
}

TEST_F(groups, own_group_and_system_are_scopes_without_a_directory)
{
	int cg = cg_make("ms-groups/own");
	pid_t child = cg_child("ms-groups/own");
	struct memstate_limit l;
	struct dev d;

	if (!child) {
		if (dev_open_credit(&d, 64) || dev_ready(&d, BASE, PAGE))
			_exit(1);
		l = limit_get(d.fd, MEMSTATE_SCOPE_OWN_GROUP, 0, 0);
		if (l.group != cg_id(cg) || l.charged < PAGE)
			_exit(2);
		_exit(fd_totals(d.fd, MEMSTATE_SCOPE_OWN_GROUP).ready_direct == PAGE ?
		      0 : 3);
	}
	EXPECT_EQ(0, join(child));
	l = limit_get(self->dev, MEMSTATE_SCOPE_SYSTEM, 0, 0);
	EXPECT_EQ(1, l.group);
	EXPECT_GE(l.peak, PAGE);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-groups/own"));
}

/* ---- watching -------------------------------------------------------------------- */

TEST_F(groups, watch_tells_of_events_and_of_the_end)
{
	int cg = cg_make("ms-groups/w"), fd = watch_open(cg);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	u64 id = cg_id(cg);
	struct dev d;
	pid_t child;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, fdinfo_value(self->dev, "memstate-watched"));
	EXPECT_EQ(id, fdinfo_value(fd, "memstate-watched"));
	/* One limit that nobody is near to: one event. */
	ASSERT_EQ(0, limit_max(self->dev, cg, PAGE));
	EXPECT_TRUE(worker_tells(fd));
	EXPECT_EQ(0, poll(&p, 1, 0));
	child = cg_child("ms-groups/w");
	if (!child)
		_exit(dev_open_credit(&d, 64) ||
		      dev_charge(&d, 2 * PAGE, 0, 0, NULL) != -EDQUOT);
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(1, poll(&p, 1, SOON_MS));
	EXPECT_EQ(POLLPRI, p.revents);
	EXPECT_EQ(1, group_limit(fd, cg).events[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(1, limit_get(fd, MEMSTATE_SCOPE_WATCHED, 0, 0).events[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(1, fd_totals(fd, MEMSTATE_SCOPE_WATCHED).denied);
	EXPECT_LE(1, group_limit(fd, cg).events[MEMSTATE_EVENT_MAX]);
	EXPECT_EQ(1, group_limit(self->dev, self->top).events[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(0, group_limit(self->dev, self->top).events_local[MEMSTATE_EVENT_DENIED]);
	close(cg);
	ASSERT_EQ(0, cg_remove("ms-groups/w"));
	EXPECT_TRUE(wait_for_group_gone(id));
	EXPECT_EQ(1, poll(&p, 1, SOON_MS));
	EXPECT_TRUE(p.revents & POLLHUP);
	close(fd);
}

TEST_F(groups, sysfs_files_notify_and_are_written_as_memory_max_is)
{
	static const struct {
		const char *text;
		int error;
		u64 value;
	} cases[] = {
		{ "8192", 0, 8192 },		{ "16K", 0, 16384 },
		{ "1m\n", 0, MIB },		{ " 2G ", 0, 2048 * MIB },
		{ "1T", 0, MIB * MIB },		{ "max\n", 0, MEMSTATE_UNLIMITED },
		{ "12Q", EINVAL },		{ "", 0, MEMSTATE_UNLIMITED },
		{ "K", EINVAL },		{ "-1", EINVAL },
		{ "maximum", EINVAL },		{ "99999999999999999T", ERANGE },
		{ "99999999999999999999999", ERANGE }, { "1 2", EINVAL },
		{ "11111111111111111111111111111111111", EINVAL },
	};
	int cg = cg_make("ms-groups/s"), events;
	struct pollfd p = { .events = POLLPRI };
	char path[128], text[32];
	struct dev d;
	pid_t child;

	close(watch_open(cg));
	snprintf(path, sizeof(path), SYSFS "groups/%llu/events_denied",
		 (unsigned long long)cg_id(cg));
	p.fd = events = open(path, O_RDONLY);
	ASSERT_EQ(2, read(events, text, sizeof(text)));
	snprintf(path, sizeof(path), SYSFS "groups/%llu/max",
		 (unsigned long long)cg_id(cg));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool ok = write_text(path, cases[i].text);

		EXPECT_EQ(!cases[i].error, ok) {
			TH_LOG("'%s'", cases[i].text);
		}
		if (ok) {
			EXPECT_EQ(cases[i].value, group_limit(self->dev, cg).max);
			/* Whoever polls is told of each that was one, once. */
			if (*cases[i].text) {
				EXPECT_EQ(1, poll(&p, 1, SOON_MS));
				EXPECT_EQ(2, pread(events, text, sizeof(text), 0));
			}
		} else {
			EXPECT_EQ(cases[i].error, errno);
		}
	}
	ASSERT_TRUE(write_text(path, "4096"));
	/* Of who only reports. */
	snprintf(path, sizeof(path), SYSFS "groups/%llu/observe",
		 (unsigned long long)cg_id(cg));
	ASSERT_TRUE(write_text(path, "0"));
	EXPECT_EQ(1, poll(&p, 1, SOON_MS));
	EXPECT_EQ(2, pread(events, text, sizeof(text), 0));
	EXPECT_EQ('0', text[0]);
	EXPECT_EQ(0, poll(&p, 1, 0));
	child = cg_child("ms-groups/s");
	if (!child)
		_exit(dev_open_credit(&d, 64) ||
		      dev_charge(&d, 2 * PAGE, 0, 0, NULL) != -EDQUOT);
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(1, poll(&p, 1, SOON_MS));
	EXPECT_EQ(2, pread(events, text, sizeof(text), 0));
	EXPECT_EQ('1', text[0]);
	close(events);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-groups/s"));
}

/* ---- who may ---------------------------------------------------------------------- */

static bool drop_sys_resource(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	data[CAP_SYS_RESOURCE / 32].effective &= ~(1U << CAP_SYS_RESOURCE % 32);
	data[CAP_SYS_RESOURCE / 32].permitted &= ~(1U << CAP_SYS_RESOURCE % 32);
	data[CAP_SYS_RESOURCE / 32].inheritable &= ~(1U << CAP_SYS_RESOURCE % 32);
	return !syscall(SYS_capset, &head, data);
}

TEST_F(groups, root_may_and_a_user_may_below_what_was_delegated)
{
	int cg = cg_make("ms-groups/user"), below = cg_make("ms-groups/user/below");
	pid_t child;

	ASSERT_EQ(0, chown(CGROUPS "ms-groups/user", NOBODY, NOBODY));
	ASSERT_EQ(0, chown(CGROUPS "ms-groups/user/below", NOBODY, NOBODY));
	EXPECT_EQ(0, limit_max(self->dev, cg, MIB));
	child = fork();
	if (!child) {
		int fd;
		char path[128];

		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(1);
		fd = open(MEMSTATE_DEVICE, O_RDWR);
		/* Could have made and removed it. */
		if (limit_max(fd, below, 4 * MIB))
			_exit(2);
		if (observe_group(fd, below, 1) || observe_group(fd, below, 0))
			_exit(10);
		/* Owns it, and was put into it by another. */
		if (limit_max(fd, cg, 4 * MIB) != -EPERM)
			_exit(3);
		if (observe_group(fd, cg, 1) != -EPERM)
			_exit(11);
		if (observe_set_scope(fd, MEMSTATE_SCOPE_SYSTEM, 0, 1, 1) != -EPERM ||
		    observe_set_scope(fd, MEMSTATE_SCOPE_OWN_GROUP, 0, 1, 1) != -EPERM)
			_exit(12);
		if (limit_max(fd, self->top, 4 * MIB) != -EPERM)
			_exit(4);
		if (limit_set_scope(fd, MEMSTATE_SCOPE_SYSTEM, 0, 2, 0, MIB) != -EPERM)
			_exit(5);
		if (limit_set_scope(fd, MEMSTATE_SCOPE_OWN_GROUP, 0, 2, 0, MIB) != -EPERM)
			_exit(6);
		/* All may look. */
		if (group_limit(fd, cg).max != MIB)
			_exit(7);
		if (observe_set_scope(fd, MEMSTATE_SCOPE_SYSTEM, 0, 0, 0) ||
		    observe_set_scope(fd, MEMSTATE_SCOPE_OWN_GROUP, 0, 0, 0))
			_exit(13);
		snprintf(path, sizeof(path), SYSFS "groups/%llu/max",
			 (unsigned long long)cg_id(below));
		if (write_text(path, "1M") || errno != EACCES)
			_exit(8);
		snprintf(path, sizeof(path), SYSFS "groups/%llu/path",
			 (unsigned long long)cg_id(below));
		_exit(open(path, O_RDONLY) < 0 && errno == EACCES ? 0 : 9);
	}
	EXPECT_EQ(0, join(child));
	/* uid 0 without the capability, where sysfs lets it write. */
	child = fork();
	if (!child) {
		char path[128];

		if (!drop_sys_resource())
			_exit(1);
		snprintf(path, sizeof(path), SYSFS "groups/%llu/max",
			 (unsigned long long)cg_id(cg));
		if (write_text(path, "1G") || errno != EPERM)
			_exit(2);
		/* By the directory it may: root owns the one above. */
		_exit(limit_max(self->dev, cg, 2 * MIB) ? 3 : 0);
	}
	EXPECT_EQ(0, join(child));
	close(below);
	close(cg);
	ASSERT_EQ(0, cg_remove("ms-groups/user/below"));
	ASSERT_EQ(0, cg_remove("ms-groups/user"));
}

TEST_F(groups, capabilities_of_a_user_namespace_do_not_count)
{
	int cg = cg_make("ms-groups/ns"), below = cg_make("ms-groups/ns/below");
	pid_t child;

	ASSERT_EQ(0, chown(CGROUPS "ms-groups/ns", NOBODY, NOBODY));
	child = fork();
	if (!child) {
		int fd;

		if (setgid(NOBODY) || setuid(NOBODY) || unshare(CLONE_NEWUSER))
			_exit(1);
		/* All capabilities here, none outside. */
		fd = open(MEMSTATE_DEVICE, O_RDWR);
		if (limit_max(fd, cg, MIB) != -EPERM)
			_exit(2);
		if (limit_set_scope(fd, MEMSTATE_SCOPE_SYSTEM, 0, 2, 0, MIB) != -EPERM)
			_exit(3);
		_exit(limit_max(fd, below, MIB) ? 4 : 0);
	}
	EXPECT_EQ(0, join(child));
	close(below);
	close(cg);
	ASSERT_EQ(0, cg_remove("ms-groups/ns/below"));
	ASSERT_EQ(0, cg_remove("ms-groups/ns"));
}

struct swapper {
	int fd;
	int files[2];
	bool stop;
};

static void *swap(void *arg)
{
	struct swapper *s = arg;

	for (int i = 0; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); i++)
		dup2(s->files[i % 2], s->fd);
	return NULL;
}

/* The file that is asked about is the one that is used, whatever another thread does. */
static bool lifted_by_a_swap(int dev, int own, int below)
{
	struct swapper s = { dup(below), { own, below }, false };
	pthread_t thread;
	bool lifted = false;

	if (pthread_create(&thread, NULL, swap, &s))
		return true;
	for (unsigned long i = 0; i < scaled(20000) + 500 && !lifted; i++) {
		limit_max(dev, s.fd, 3 * MIB);
		lifted = group_limit(dev, own).max == 3 * MIB;
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	close(s.fd);
	return lifted;
}

/* As a container has it: a cgroup namespace, cgroups mounted in it, uid 0. */
static int contained(int dev, u64 id)
{
	char path[] = "/tmp/ms-cgroup-XXXXXX", name[128];
	int own, below;

	if (!cg_enter("ms-groups/box") || unshare(CLONE_NEWCGROUP | CLONE_NEWNS))
		return 1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || !mkdtemp(path) ||
	    mount("none", path, "cgroup2", 0, NULL) || !drop_sys_resource())
		return 2;
	own = open(path, O_RDONLY | O_DIRECTORY);
	if (cg_id(own) != id)
		return 3;
	if (limit_max(dev, own, MEMSTATE_UNLIMITED) != -EPERM)
		return 4;
	snprintf(name, sizeof(name), "%s/below", path);
	if (mkdir(name, 0755))
		return 5;
	below = open(name, O_RDONLY | O_DIRECTORY);
	if (limit_max(dev, below, MIB))
		return 6;
	if (observe_group(dev, own, 1) != -EPERM || observe_group(dev, below, 0))
		return 11;
	if (lifted_by_a_swap(dev, own, below))
		return 10;
	/* Where it is mounted read-only, not even that. */
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL))
		return 7;
	close(below);
	below = open(name, O_RDONLY | O_DIRECTORY);
	if (limit_max(dev, below, 2 * MIB) != -EROFS)
		return 8;
	if (observe_group(dev, below, 1) != -EROFS)
		return 12;
	mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL);
	close(below);
	return rmdir(name) ? 9 : 0;
}

TEST_F(groups, container_limits_what_is_below_it_and_never_itself)
{
	int cg = cg_make("ms-groups/box");
	pid_t child = fork();

	if (!child)
		_exit(contained(self->dev, cg_id(cg)));
	EXPECT_EQ(0, join(child));
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-groups/box"));
}

TEST_F(groups, deeper_than_the_bound_is_eloop)
{
	char name[2048] = "ms-groups";
	int depth, ret;
	struct dev d;
	pid_t child;

	for (depth = 0; depth < 70; depth++) {
		strcat(name, "/d");
		ASSERT_GE(ret = cg_make(name), 0);
		close(ret);
	}
	child = cg_child(name);
	if (!child)
		_exit(dev_open(&d, 64) == -ELOOP ? 0 : 1);
	EXPECT_EQ(0, join(child));
	for (; depth > 0; depth--) {
		ASSERT_EQ(0, cg_remove(name));
		*strrchr(name, '/') = '\0';
	}
}

TEST_HARNESS_MAIN
