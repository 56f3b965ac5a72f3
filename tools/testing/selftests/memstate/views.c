// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The same figures as files, and the tracepoints. */
#include <dirent.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "harness.h"

#define BASE	0x400000000UL
#define TRACING	"/sys/kernel/tracing/"

static const char *const files[] = {
	"reserved", "reserved_lazy", "prepared", "prepared_lazy", "ready",
	"ready_direct", "peak_ready", "transitions", "drift", "rejected", "unmaps",
	"resyncs", "ranges",
};

static const char *const classes[] = { "heap", "stack", "metadata", "code",
				       "other", "user1", "user2", "user3" };

static void fill(struct dev *d)
{
	for (u32 c = 0; c < 8; c++)
		for (u32 s = 1; s <= 3; s++)
			dev_apply1(d, REC(BASE + (c * 8 + s) * 64 * PAGE,
					  (c * 4 + s) * PAGE, MEMSTATE_ANY, s, c, 0));
	dev_apply1(d, REC(BASE + 3 * 64 * PAGE, PAGE, MEMSTATE_READY,
			  MEMSTATE_PREPARED, 0, MEMSTATE_LAZY));
}

TEST(files_show_what_the_ioctl_shows)
{
	struct memstate_totals t, sys;
	long long books;
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	fill(&d);
	t = dev_totals(&d);
	sys = fd_totals(d.fd, MEMSTATE_SCOPE_SYSTEM);
	EXPECT_EQ(1, sys.tasks);
	EXPECT_EQ(1, sysfs_value("nr_tasks"));
	EXPECT_EQ(getpid(), books_value(&d, "pid"));
	for (u32 c = 0; c < 8; c++) {
		const char *state[] = { "reserved", "prepared", "ready" };

		for (int s = 0; s < 3; s++) {
			char path[64], key[64];

			snprintf(path, sizeof(path), "%s/%s", classes[c], state[s]);
			snprintf(key, sizeof(key), "%s.%s", classes[c], state[s]);
			EXPECT_EQ(t.bytes[s][c], books_value(&d, key));
			EXPECT_EQ(sys.bytes[s][c], sysfs_value(path));
			EXPECT_EQ(t.bytes[s][c], sys.bytes[s][c]);
		}
	}
	EXPECT_EQ(ms_totals_state(&t, MEMSTATE_READY), books_value(&d, "ready"));
	EXPECT_EQ(ms_totals_state(&t, MEMSTATE_PREPARED), books_value(&d, "prepared"));
	EXPECT_EQ(ms_totals_state(&t, MEMSTATE_RESERVED), books_value(&d, "reserved"));
	EXPECT_EQ(t.prepared_lazy, books_value(&d, "prepared_lazy"));
	EXPECT_EQ(PAGE, t.prepared_lazy);
	EXPECT_EQ(t.ready_direct, books_value(&d, "ready_direct"));
	EXPECT_EQ(t.ready_direct, sysfs_value("ready_direct"));
	EXPECT_EQ(t.transitions, books_value(&d, "transitions"));
	EXPECT_EQ(t.ranges, books_value(&d, "ranges"));
	EXPECT_EQ(t.peak_ready, books_value(&d, "peak_ready"));
	books = fdinfo_value(d.fd, "memstate-books");
	dev_close(&d);
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(-1, access(books_path(books), F_OK));
}

TEST(reading_a_file_drains_nothing)
{
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(0, books_value(&d, "ready"));
	EXPECT_EQ(0, sysfs_value("ready"));
	EXPECT_EQ(0, books_value(&d, "transitions"));
	ASSERT_EQ(0, dev_sync(&d, NULL));
	EXPECT_EQ(PAGE, books_value(&d, "ready"));
	EXPECT_EQ(PAGE, sysfs_value("ready"));
	dev_close(&d);
}

TEST(every_file_of_the_system_holds_one_number)
{
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char text[64] = "", *end;
		char path[128];
		FILE *f;

		snprintf(path, sizeof(path), SYSFS "%s", files[i]);
		f = fopen(path, "r");
		ASSERT_NE(NULL, f);
		ASSERT_EQ(1, fread(text, 1, sizeof(text) - 1, f) > 0);
		fclose(f);
		strtoull(text, &end, 10);
		EXPECT_EQ(0, strcmp(end, "\n"));
		EXPECT_NE(-1, books_value(&d, files[i]));
	}
	dev_close(&d);
}

TEST(every_line_of_a_task_is_a_key_and_a_value)
{
	char line[128], key[64], value[64], end;
	int lines = 0;
	struct dev d;
	FILE *f;

	ASSERT_EQ(0, dev_open(&d, 64));
	f = fopen(books_path(fdinfo_value(d.fd, "memstate-books")), "r");
	ASSERT_NE(NULL, f);
	for (; fgets(line, sizeof(line), f); lines++) {
		EXPECT_EQ(3, sscanf(line, "%63[a-z0-9_.] %63[a-z0-9]%c", key, value, &end));
		EXPECT_EQ('\n', end);
		if (!strcmp(key, "max") || !strcmp(key, "high")) {
			EXPECT_STREQ("max", value);
		} else if (!strcmp(key, "pressure")) {
			EXPECT_STREQ("none", value);
		} else {
			EXPECT_EQ(strlen(value), strspn(value, "0123456789"));
		}
	}
	/* pid, group; totals, by class too; limits; what is allocated. */
	EXPECT_EQ(2 + 18 + 24 + 4 + 8, lines);
	fclose(f);
	dev_close(&d);
}

/* ---- who may read ------------------------------------------------------------------- */

static bool drop_caps(u64 caps)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	for (int i = 0; i < 2; i++) {
		data[i].effective &= ~(u32)(caps >> 32 * i);
		data[i].permitted &= ~(u32)(caps >> 32 * i);
		data[i].inheritable &= ~(u32)(caps >> 32 * i);
	}
	return !syscall(SYS_capset, &head, data);
}

/* As another user: run fn, its result is the exit status. */
static int as_user(uid_t uid, int (*fn)(long long of), long long of)
{
	int status = -1;
	pid_t child = fork();

	if (!child) {
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(99);
		_exit(fn(of));
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 1: it can be read; 0: it may not; else it is something else. */
static int can_read(const char *path)
{
	int fd = open(path, O_RDONLY);
	char byte;

	if (fd < 0)
		return 50;
	return read(fd, &byte, 1) == 1 ? 1 : errno == EACCES ? 0 : 51;
}

static int can_read_task(long long of)
{
	return can_read(books_path(of));
}

static int can_read_task_from_elsewhere(long long of)
{
	pid_t first;

	/* The capabilities are those of a namespace. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID))
		return 52;
	first = fork();
	if (!first)
		_exit(can_read_task(of));
	return WEXITSTATUS(join(first));
}

static int can_read_task_without_ptrace(long long of)
{
	return drop_caps(1ULL << CAP_SYS_PTRACE) ? can_read_task(of) : 53;
}

static int can_read_system(long long of)
{
	(void)of;
	return sysfs_value("ready") >= 0 && sysfs_value("heap/ready") >= 0;
}

static int can_report(long long of)
{
	struct dev d;

	(void)of;
	if (dev_open(&d, 64))
		return 0;
	dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	return dev_state(&d, MEMSTATE_READY) == PAGE && books_value(&d, "ready") == PAGE;
}

TEST(file_of_a_task_is_for_its_user_where_he_sees_it_and_for_sys_ptrace)
{
	int ready[2], go[2], status;
	long long books;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	if (!child) {
		struct dev d;

		if (setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234))
			_exit(1);
		if (dev_open(&d, 64))
			_exit(2);
		books = fdinfo_value(d.fd, "memstate-books");
		if (write(ready[1], &books, sizeof(books)) != sizeof(books))
			_exit(2);
		close(go[1]);
		_exit(read(go[0], &byte, 1) ? 3 : 0);
	}
	ASSERT_EQ(sizeof(books), read(ready[0], &books, sizeof(books)));
	EXPECT_EQ(1, can_read_task(books));
	EXPECT_EQ(child, file_value(books_path(books), "pid"));
	EXPECT_EQ(1, as_user(1234, can_read_task, books));
	EXPECT_EQ(0, as_user(4321, can_read_task, books));
	EXPECT_EQ(0, as_user(0, can_read_task_without_ptrace, books));
	EXPECT_EQ(0, as_user(1234, can_read_task_from_elsewhere, books));
	EXPECT_EQ(1, as_user(4321, can_read_system, 0));
	EXPECT_EQ(1, as_user(4321, can_report, 0));
	close(go[1]);
	close(go[0]);
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
}

/* Who is in ms-views/a, without capabilities: 0, or what is wrong. */
static int looks_around(int own, int below, int other, int top)
{
	u64 caps = 1ULL << CAP_SYS_PTRACE | 1ULL << CAP_SYS_RESOURCE;
	struct memstate_get_totals t = { .size = sizeof(t), .scope = MEMSTATE_SCOPE_GROUP };
	struct memstate_limit l = { .size = sizeof(l), .scope = MEMSTATE_SCOPE_GROUP };
	struct memstate_alloc a = { .size = sizeof(a), .scope = MEMSTATE_SCOPE_GROUP };
	struct memstate_watch w = { .size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP };
	int dev = open(MEMSTATE_DEVICE, O_RDWR);
	char path[128];

	if (setgid(1234) || setuid(1234) || !drop_caps(caps))
		return 1;
	if (group_file(cg_id(own), "ready") < 0 || group_file(cg_id(below), "ready") < 0)
		return 2;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), SYSFS "groups/%llu/%s",
			 (unsigned long long)cg_id(i ? other : top), i ? "ready" : "max");
		if (can_read(path))
			return 3;
	}
	t.fd = below;
	if (dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t))
		return 4;
	t.fd = other;
	if (dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t) != -EACCES)
		return 5;
	t.fd = top;
	if (dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t) != -EACCES)
		return 6;
	l.fd = a.fd = w.fd = other;
	if (dev_ioctl(dev, MEMSTATE_IOC_LIMIT_GET, &l) != -EACCES ||
	    dev_ioctl(dev, MEMSTATE_IOC_ALLOC, &a) != -EACCES ||
	    dev_ioctl(dev, MEMSTATE_IOC_WATCH, &w) != -EACCES ||
	    observe_set_scope(dev, MEMSTATE_SCOPE_GROUP, other, 0, 0) != -EACCES)
		return 7;
	t = (struct memstate_get_totals) { .size = sizeof(t), .scope = MEMSTATE_SCOPE_SYSTEM };
	if (dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t))
		return 8;
	t.scope = MEMSTATE_SCOPE_OWN_GROUP;
	return dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t) ? 9 : 0;
}

TEST(figures_of_groups_are_for_who_is_in_them_or_above)
{
	int top = cg_make("ms-views"), own = cg_make("ms-views/a");
	int below = cg_make("ms-views/a/b"), other = cg_make("ms-views/other");
	int dev = open(MEMSTATE_DEVICE, O_RDWR);
	pid_t child;

	/* So that they are there. */
	ASSERT_EQ(0, limit_max(dev, below, MIB));
	ASSERT_EQ(0, limit_max(dev, other, MIB));
	child = cg_child("ms-views/a");
	if (!child)
		_exit(looks_around(own, below, other, top));
	EXPECT_EQ(0, join(child));
	/* Who may limit a cgroup may look at it. */
	ASSERT_EQ(0, chown(CGROUPS "ms-views", 1234, 1234));
	child = cg_child("ms-views/a");
	if (!child) {
		if (setgid(1234) || setuid(1234))
			_exit(1);
		dev = open(MEMSTATE_DEVICE, O_RDWR);
		_exit(group_limit(dev, other).max != MIB ? 2 :
		      limit_max(dev, other, 2 * MIB) ? 3 : 0);
	}
	EXPECT_EQ(0, join(child));
	close(dev);
	close(other);
	close(below);
	close(own);
	close(top);
	EXPECT_EQ(0, cg_remove("ms-views/other"));
	EXPECT_EQ(0, cg_remove("ms-views/a/b"));
	EXPECT_EQ(0, cg_remove("ms-views/a"));
	EXPECT_EQ(0, cg_remove("ms-views"));
}

/* ---- tracepoints ----------------------------------------------------------------- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool trace_has(const char *text)
{
	char line[1024];
	bool found = false;
	FILE *f = fopen(TRACING "trace", "r");

	while (f && fgets(line, sizeof(line), f))
		found = found || strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

TEST(tracepoints_name_the_record)
{
	char text[256];
	struct dev d;

	if (access(TRACING "events/memstate", F_OK))
		SKIP(return, "no tracefs at " TRACING);
	ASSERT_TRUE(write_file(TRACING "trace", ""));
	ASSERT_TRUE(write_file(TRACING "events/memstate/enable", "1"));
	ASSERT_EQ(0, dev_open(&d, 64));
	dev_apply1(&d, REC(BASE, 2 * PAGE, MEMSTATE_READY, MEMSTATE_PREPARED,
			   MEMSTATE_STACK, MEMSTATE_LAZY));
	dev_apply1(&d, REC(BASE, PAGE, MEMSTATE_ANY, 7, 0, 0));
	ASSERT_TRUE(write_file(TRACING "events/memstate/enable", "0"));

	snprintf(text, sizeof(text),
		 "memstate_transition: pid=%d addr=0x%lx bytes=8192 from=ready to=prepared class=stack flags=lazy error=0",
		 getpid(), BASE);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text),
		 "memstate_drift: pid=%d addr=0x%lx bytes=8192 claimed_from=ready to=prepared",
		 getpid(), BASE);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "pid=%d addr=0x%lx bytes=4096 from=any", getpid(),
		 BASE);
	EXPECT_TRUE(trace_has(text));
	EXPECT_TRUE(trace_has("error=-22"));
	dev_close(&d);
}

TEST(tracepoints_tell_of_beginning_unmapping_and_end)
{
	char text[256];
	struct dev d;
	void *p;

	if (access(TRACING "events/memstate", F_OK))
		SKIP(return, "no tracefs at " TRACING);
	ASSERT_TRUE(write_file(TRACING "trace", ""));
	ASSERT_TRUE(write_file(TRACING "events/memstate/enable", "1"));
	ASSERT_EQ(0, dev_open(&d, 64));
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	dev_apply1(&d, REC((unsigned long)p, 4 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	ASSERT_EQ(0, munmap((char *)p + PAGE, 2 * PAGE));
	EXPECT_EQ(1, dev_totals(&d).unmaps);
	/* What the books do not have changes nothing, and is not told. */
	ASSERT_EQ(0, munmap((char *)p + PAGE, 2 * PAGE));
	dev_close(&d);
	ASSERT_TRUE(write_file(TRACING "events/memstate/enable", "0"));

	snprintf(text, sizeof(text), "memstate_open: pid=%d group=", getpid());
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "memstate_unmap: pid=%d addr=0x%lx bytes=8192", getpid(),
		 (unsigned long)p + PAGE);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "memstate_close: pid=%d\n", getpid());
	EXPECT_TRUE(trace_has(text));
	munmap(p, 4 * PAGE);
}

TEST(tracepoints_name_charges_refusals_and_pressure)
{
	char text[256];
	int dev, cg = cg_make("ms-trace");
	u64 id = cg_id(cg);
	pid_t child;
	struct dev d;

	if (access(TRACING "events/memstate", F_OK))
		SKIP(return, "no tracefs at " TRACING);
	ASSERT_TRUE(write_file(TRACING "trace", ""));
	ASSERT_TRUE(write_file(TRACING "events/memstate/enable", "1"));
	dev = open(MEMSTATE_DEVICE, O_RDWR);
	ASSERT_EQ(0, limit_high(dev, cg, PAGE));
	ASSERT_EQ(0, limit_max(dev, cg, 4 * PAGE));
	child = cg_child("ms-trace");
	if (!child) {
		if (dev_open_credit(&d, 64) || dev_charge(&d, 2 * PAGE, 0, 0, NULL) ||
		    dev_charge(&d, 3 * PAGE, 0, 0, NULL) != -EDQUOT)
			_exit(1);
		dev_post(&d, REC(BASE, 8 * PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
		_exit(dev_totals(&d).breaches == 1 ? 0 : 2);
	}
	EXPECT_EQ(0, join(child));
	ASSERT_TRUE(write_file(TRACING "events/memstate/enable", "0"));
	snprintf(text, sizeof(text), "memstate_charge: pid=%d group=%llu bytes=8192 charged=8192",
		 child, id);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "memstate_deny: pid=%d group=%llu bytes=12288 breach=0",
		 child, id);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "memstate_deny: pid=%d group=%llu bytes=16384 breach=1",
		 child, id);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "memstate_pressure: group=%llu pressure=high was=none", id);
	EXPECT_TRUE(trace_has(text));
	snprintf(text, sizeof(text), "memstate_pressure: group=%llu pressure=max was=high", id);
	EXPECT_TRUE(trace_has(text));
	close(dev);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-trace"));
}

TEST_HARNESS_MAIN
