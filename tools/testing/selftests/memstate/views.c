// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The same figures as files, and the tracepoints. */
#include <dirent.h>
#include <sys/stat.h>

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

static long long task_value(pid_t pid, const char *dir, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "tasks/%d/%s%s%s", pid, dir, *dir ? "/" : "",
		 name);
	return sysfs_value(path);
}

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
	pid_t pid = getpid();
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	fill(&d);
	t = dev_totals(&d);
	sys = fd_totals(d.fd, MEMSTATE_SCOPE_SYSTEM);
	EXPECT_EQ(1, sys.tasks);
	EXPECT_EQ(1, sysfs_value("nr_tasks"));
	for (u32 c = 0; c < 8; c++) {
		const char *state[] = { "reserved", "prepared", "ready" };

		for (int s = 0; s < 3; s++) {
			char path[64];

			snprintf(path, sizeof(path), "%s/%s", classes[c], state[s]);
			EXPECT_EQ(t.bytes[s][c], task_value(pid, classes[c], state[s]));
			EXPECT_EQ(sys.bytes[s][c], sysfs_value(path));
			EXPECT_EQ(t.bytes[s][c], sys.bytes[s][c]);
		}
	}
	EXPECT_EQ(ms_totals_state(&t, MEMSTATE_READY), task_value(pid, "", "ready"));
	EXPECT_EQ(ms_totals_state(&t, MEMSTATE_PREPARED),
		  task_value(pid, "", "prepared"));
	EXPECT_EQ(ms_totals_state(&t, MEMSTATE_RESERVED),
		  task_value(pid, "", "reserved"));
	EXPECT_EQ(t.prepared_lazy, task_value(pid, "", "prepared_lazy"));
	EXPECT_EQ(PAGE, t.prepared_lazy);
	EXPECT_EQ(t.ready_direct, task_value(pid, "", "ready_direct"));
	EXPECT_EQ(t.ready_direct, sysfs_value("ready_direct"));
	EXPECT_EQ(t.transitions, task_value(pid, "", "transitions"));
	EXPECT_EQ(t.ranges, task_value(pid, "", "ranges"));
	EXPECT_EQ(t.peak_ready, task_value(pid, "", "peak_ready"));
	dev_close(&d);
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(-1, task_value(pid, "", "ready"));
}

TEST(reading_a_file_drains_first)
{
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(PAGE, task_value(getpid(), "", "ready"));
	dev_post(&d, REC(BASE, PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(PAGE, sysfs_value("prepared"));
	dev_close(&d);
}

TEST(every_file_holds_one_number)
{
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128], text[64] = "", *end;
		FILE *f;

		snprintf(path, sizeof(path), SYSFS "tasks/%d/%s", getpid(), files[i]);
		f = fopen(path, "r");
		ASSERT_NE(NULL, f);
		ASSERT_EQ(1, fread(text, 1, sizeof(text) - 1, f) > 0);
		fclose(f);
		strtoull(text, &end, 10);
		EXPECT_EQ(0, strcmp(end, "\n"));
		EXPECT_NE(-1, sysfs_value(files[i]));
	}
	dev_close(&d);
}

/* As another user: run fn, its result is the exit status. */
static int as_user(uid_t uid, int (*fn)(pid_t of), pid_t of)
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

static int can_read_task(pid_t of)
{
	return task_value(of, "", "ready") >= 0;
}

static int can_read_system(pid_t of)
{
	(void)of;
	return sysfs_value("ready") >= 0 && sysfs_value("heap/ready") >= 0;
}

static int can_report(pid_t of)
{
	struct dev d;

	(void)of;
	if (dev_open(&d, 64))
		return 0;
	dev_post(&d, REC(BASE, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	return dev_state(&d, MEMSTATE_READY) == PAGE &&
	       task_value(getpid(), "", "ready") == PAGE;
}

TEST(task_files_belong_to_the_tasks_user_and_root)
{
	int ready[2], go[2], status;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	if (!child) {
		struct dev d;

		if (setresgid(1234, 1234, 1234) || setresuid(1234, 1234, 1234))
			_exit(1);
		if (dev_open(&d, 64) || write(ready[1], "r", 1) != 1)
			_exit(2);
		close(go[1]);
		_exit(read(go[0], &byte, 1) ? 3 : 0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(can_read_task(child));
	EXPECT_EQ(1, as_user(1234, can_read_task, child));
	EXPECT_EQ(0, as_user(4321, can_read_task, child));
	EXPECT_EQ(1, as_user(4321, can_read_system, 0));
	EXPECT_EQ(1, as_user(4321, can_report, 0));
	close(go[1]);
	close(go[0]);
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
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
