// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Which locks the device takes, by the debug kernel's own lock statistics: where books begin and
 * end, and are charged and read, none that the whole machine has but once.
 */
#include <sys/wait.h>

#include "cgroup.h"
#include "harness.h"

#define LOCK_STAT	"/proc/lock_stat"
#define WORKERS		8
#define BASE		0x500000000UL

/* Of tables: each bucket has one of that name. */
static const char *const buckets[] = { "ms_spaces.lock", "ms_users.lock" };

/* How often locks whose name begins so were taken; @skip: but for those of tables. */
static u64 taken(const char *begin, bool skip, char *which, size_t size)
{
	u64 all = 0;
	char *line = NULL;
	size_t room = 0;
	FILE *f = fopen(LOCK_STAT, "r");

	while (f && getline(&line, &room, f) > 0) {
		double field[8];
		char *name = line + strspn(line, " "), *colon = strrchr(line, ':');
		bool bucket = false;

		/* con-bounces contentions waittime(4) acq-bounces acquisitions holdtime(4) */
		if (!colon || strncmp(name, begin, strlen(begin)) ||
		    sscanf(colon + 1, "%lf %lf %lf %lf %lf %lf %lf %lf", &field[0], &field[1],
			   &field[2], &field[3], &field[4], &field[5], &field[6], &field[7]) != 8)
			continue;
		for (u32 i = 0; i < sizeof(buckets) / sizeof(*buckets); i++)
			bucket |= !strncmp(name, buckets[i], strlen(buckets[i]));
		if (skip && bucket)
			continue;
		all += field[7];
		snprintf(which + strlen(which), size - strlen(which), "%.*s: %.0f; ",
			 (int)(colon - name), name, field[7]);
	}
	free(line);
	if (f)
		fclose(f);
	return all;
}

static bool read_all(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read(fd, buf, sizeof(buf)) > 0;

	close(fd);
	return ok;
}

/* Open, charge, read, fork, exit. */
static int life(void)
{
	char path[128];
	struct dev d;
	pid_t child;

	if (dev_open_with(&d, 64, MEMSTATE_SETUP_CREDIT | MEMSTATE_SETUP_DOORBELL))
		return 1;
	dev_post(&d, REC(BASE, PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
	if (dev_charge(&d, MIB, 0, 0, NULL) || dev_sync(&d, NULL) ||
	    dev_charge(&d, 0, MEMSTATE_CHARGE_TRIM, 0, NULL))
		return 2;
	fd_totals(d.fd, MEMSTATE_SCOPE_TASK);
	fd_totals(d.fd, MEMSTATE_SCOPE_OWN_GROUP);
	fd_totals(d.fd, MEMSTATE_SCOPE_SYSTEM);
	limit_get(d.fd, MEMSTATE_SCOPE_OWN_GROUP, 0, 0);
	snprintf(path, sizeof(path), "/sys/class/misc/memstate/tasks/%lld",
		 fdinfo_value(d.fd, "memstate-books"));
	if (!read_all("/sys/class/misc/memstate/ready") || !read_all(path))
		return 3;
	child = fork();
	if (!child)
		_exit(dev_open_with(&d, 64, 0) ? 4 : 0);
	return join(child);
}

TEST(nothing_of_every_day_takes_a_lock_of_the_whole_machine)
{
	u32 rounds = scaled(200) + 20;
	pid_t workers[WORKERS];
	char said[1024] = "";
	struct dev d;
	int cg, go[2];

	if (access(LOCK_STAT, W_OK))
		SKIP(return, "the kernel keeps no lock statistics");
	cg = cg_make("ms-locks");
	ASSERT_GE(cg, 0);
	ASSERT_TRUE(cg_enter("ms-locks"));
	/* Its group is there, and a limit that charges meet. */
	ASSERT_EQ(0, dev_open_with(&d, 64, 0));
	ASSERT_EQ(0, limit_max(d.fd, cg, 256 * MIB));
	ASSERT_EQ(0, pipe(go));
	for (u32 i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (!workers[i]) {
			char c;

			close(go[1]);
			if (read(go[0], &c, 1))
				_exit(9);
			for (u32 r = 0; r < rounds; r++) {
				pid_t child = fork();
				int ret;

				if (!child)
					_exit(life());
				ret = join(child);
				if (ret)
					_exit(ret);
			}
			_exit(0);
		}
	}
	ASSERT_TRUE(write_text("/proc/sys/kernel/lock_stat", "1"));
	ASSERT_TRUE(write_text(LOCK_STAT, "0"));
	/* All at once. */
	close(go[0]);
	close(go[1]);
	for (u32 i = 0; i < WORKERS; i++)
		EXPECT_EQ(0, join(workers[i]));
	/* What is looked for is there. */
	EXPECT_GE(taken("&space->lock", false, said, sizeof(said)), WORKERS * rounds);
	EXPECT_GE(taken("ms_spaces.lock", false, said, sizeof(said)), WORKERS * rounds);
	said[0] = 0;
	EXPECT_EQ(0, taken("ms_", true, said, sizeof(said))) {
		TH_LOG("%s", said);
	}
	dev_close(&d);
	close(cg);
	EXPECT_TRUE(write_text(CGROUPS "cgroup.procs", "0"));
	EXPECT_EQ(0, cg_remove("ms-locks"));
}

/* To make a group takes one: then the test above would see it. */
TEST(a_lock_of_the_whole_machine_is_seen)
{
	char said[1024] = "";
	int cg, fd;

	if (access(LOCK_STAT, W_OK))
		SKIP(return, "the kernel keeps no lock statistics");
	cg = cg_make("ms-locks");
	fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_TRUE(write_text("/proc/sys/kernel/lock_stat", "1"));
	ASSERT_TRUE(write_text(LOCK_STAT, "0"));
	EXPECT_EQ(0, limit_max(fd, cg, MIB));
	EXPECT_GE(taken("ms_", true, said, sizeof(said)), 1);
	close(fd);
	close(cg);
	EXPECT_EQ(0, cg_remove("ms-locks"));
}

TEST_HARNESS_MAIN
