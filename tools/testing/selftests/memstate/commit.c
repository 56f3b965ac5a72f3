// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What may be committed in a group: never passed, not by a page. */
#include "harness.h"
#include "prog.h"

#define GROUP	"ms-commit"
#define LEAF	"ms-commit/leaf"
#define BESIDE	"ms-commit/beside"
#define KIB	1024UL

/* A group in which 64 MiB may be committed, and one below it. */
FIXTURE(commit) {
	int dev;
	int group;
	int leaf;
};

FIXTURE_SETUP(commit)
{
	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->dev, 0);
	self->group = cg_make(GROUP);
	self->leaf = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	ASSERT_GE(self->leaf, 0);
	ASSERT_TRUE(can_observe(self->dev));
	ASSERT_EQ(0, commit_max(self->dev, self->group, 64 * MIB));
	ASSERT_EQ(1, observed(self->dev, self->group).on);
}

FIXTURE_TEARDOWN(commit)
{
	EXPECT_TRUE(soon(!observed(self->dev, self->group).spaces));
	EXPECT_EQ(0, observed(self->dev, self->group).commit);
	EXPECT_EQ(0, commit_max(self->dev, self->group, MEMSTATE_UNLIMITED));
	EXPECT_EQ(0, observed(self->dev, self->group).on);
	close(self->leaf);
	close(self->group);
	close(self->dev);
	EXPECT_EQ(0, cg_remove(LEAF));
	EXPECT_EQ(0, cg_remove(GROUP));
}

static u64 denied(int dev, int cg)
{
	return group_limit(dev, cg).events[MEMSTATE_EVENT_DENIED];
}

/* KiB that could still be committed. */
static unsigned long room(int dev, int cg)
{
	struct memstate_observe w = observed(dev, cg);

	return (w.commit_max - w.commit) / KIB;
}

TEST_F(commit, to_the_page)
{
	struct prog p = prog_start(GROUP);

	/* To look takes memory, once. */
	EXPECT_EQ(1, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, prog_do(&p, 'm', room(self->dev, self->group) + 4));
	EXPECT_EQ(1, denied(self->dev, self->group));
	EXPECT_EQ(1, prog_do(&p, 'm', room(self->dev, self->group)));
	EXPECT_EQ(64 * MIB, observed(self->dev, self->group).commit);
	EXPECT_EQ(0, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, prog_do(&p, 'N', 4));
	EXPECT_EQ(0, prog_do(&p, 'o', 4));
	EXPECT_EQ(4, denied(self->dev, self->group));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 'N', room(self->dev, self->group)));
	EXPECT_EQ(0, prog_do(&p, 'm', 4));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 'o', room(self->dev, self->group)));
	EXPECT_EQ(0, prog_do(&p, 'm', 4));
	EXPECT_EQ(1, prog_do(&p, 'o', -1024UL));
	EXPECT_EQ(1, prog_do(&p, 'm', 1024));
	EXPECT_EQ(0, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, what_becomes_writable_counts)
{
	struct prog p = prog_start(LEAF);
	u64 before;

	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'a', 0));
	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 'A', 0));
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	/* What is writable already does not count again, at the limit, or with little left. */
	EXPECT_EQ(1, prog_do(&p, 'm', room(self->dev, self->group) - 8));
	EXPECT_EQ(1, prog_do(&p, 'X', 0));
	EXPECT_EQ(1, prog_do(&p, 'm', room(self->dev, self->group)));
	before = denied(self->dev, self->group);
	EXPECT_EQ(1, prog_do(&p, 'X', 0));
	EXPECT_EQ(1, prog_do(&p, 'A', 0));
	EXPECT_EQ(before, denied(self->dev, self->group));
	EXPECT_EQ(64 * MIB, observed(self->dev, self->group).commit);
	EXPECT_EQ(0, prog_end(&p));
}

/* Where mprotect asks once more, and the kernel would say no: it would go on. */
TEST_F(commit, a_limit_of_ones_own_is_no_way_out)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'r', 80 << 10));
	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'L', 4));
	EXPECT_EQ(1, prog_do(&p, 'w', 10 << 10));
	EXPECT_EQ(0, denied(self->dev, self->group));
	EXPECT_EQ(0, prog_do(&p, 'w', 40 << 10));
	EXPECT_EQ(1, denied(self->dev, self->group));
	EXPECT_EQ(1, prog_do(&p, 'w', 1 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, what_gets_longer_counts)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'm', 20 << 10));
	EXPECT_EQ(0, prog_do(&p, 's', 80 << 10));
	EXPECT_EQ(1, prog_do(&p, 's', 50 << 10));
	EXPECT_EQ(0, prog_do(&p, 'm', 20 << 10));
	EXPECT_EQ(1, prog_do(&p, 's', 4));
	EXPECT_EQ(1, prog_do(&p, 'm', 60 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, a_child_is_charged_its_copy_or_is_not_born)
{
	struct prog p = prog_start(GROUP);
	u64 before;

	EXPECT_EQ(1, prog_do(&p, 'm', 20 << 10));
	EXPECT_EQ(1, prog_do(&p, 'k', 0));
	EXPECT_EQ(1, prog_do(&p, 'm', 20 << 10));
	before = denied(self->dev, self->group);
	EXPECT_EQ(0, prog_do(&p, 'k', 0));
	EXPECT_EQ(before + 1, denied(self->dev, self->group));
	/* Who borrows, and threads but for their stacks, have no copy. */
	EXPECT_EQ(1, prog_do(&p, 'V', 0));
	EXPECT_EQ(1, prog_do(&p, 'T', 1));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 'k', 0));
	/* And while it is there it is charged. */
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	EXPECT_GE(observed(self->dev, self->group).commit, 40 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'm', 24 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, a_new_image_begins_anew)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'x', 0));
	EXPECT_EQ(1, observed(self->dev, self->group).spaces);
	EXPECT_LE(observed(self->dev, self->group).commit, 2 * MIB);
	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, each_level_counts)
{
	struct prog p = prog_start(GROUP), q = prog_start(LEAF);

	EXPECT_EQ(0, commit_max(self->dev, self->leaf, 20 * MIB));
	EXPECT_EQ(20 * MIB, observed(self->dev, self->leaf).commit_max);
	EXPECT_EQ(0, prog_do(&q, 'm', 20 << 10));
	EXPECT_EQ(1, denied(self->dev, self->leaf));
	EXPECT_EQ(1, prog_do(&p, 'm', 50 << 10));
	EXPECT_EQ(0, prog_do(&q, 'm', 16 << 10));
	EXPECT_EQ(1, group_limit(self->dev, self->group).events_local[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&q, 'm', 16 << 10));
	/* It is both of them, to the page. */
	EXPECT_EQ(1, prog_do(&p, 'm', room(self->dev, self->group)));
	EXPECT_EQ(0, prog_do(&q, 'm', 4));
	EXPECT_EQ(0, commit_max(self->dev, self->leaf, MEMSTATE_UNLIMITED));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(0, prog_end(&q));
}

TEST_F(commit, what_was_there_may_stand_above)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'm', 20 << 10));
	EXPECT_EQ(1, prog_do(&p, 'm', 20 << 10));
	EXPECT_EQ(0, commit_max(self->dev, self->group, 30 * MIB));
	EXPECT_GT(observed(self->dev, self->group).commit, 40 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, prog_do(&p, 'k', 0));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, commit_max(self->dev, self->group, 64 * MIB));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, who_is_moved_in_may_stand_above)
{
	struct prog p = prog_start("."), q = prog_start(LEAF);
	char path[256], pid[16];

	EXPECT_EQ(1, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(1, prog_do(&q, 'm', 20 << 10));
	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", LEAF);
	snprintf(pid, sizeof(pid), "%d", p.pid);
	EXPECT_TRUE(write_text(path, pid));
	EXPECT_TRUE(soon(observed(self->dev, self->leaf).spaces == 2));
	EXPECT_GT(observed(self->dev, self->group).commit, 100 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, prog_do(&q, 'm', 4));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	/* Nobody is looked at at once again who is in another group than the one that refuses. */
	EXPECT_TRUE(soon(prog_do(&q, 'm', 20 << 10) == 1));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(0, prog_end(&q));
}

/* The kernel takes it for a stack, and counts it nowhere. */
TEST_F(commit, what_may_grow_down_is_refused)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(0, prog_do(&p, 'g', 1024));
	EXPECT_EQ(1, denied(self->dev, self->group));
	EXPECT_EQ(0, commit_max(self->dev, self->group, MEMSTATE_UNLIMITED));
	EXPECT_EQ(1, prog_do(&p, 'g', 1024));
	EXPECT_EQ(0, commit_max(self->dev, self->group, 64 * MIB));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(commit, books_are_no_way_out)
{
	pid_t pid = cg_child(GROUP);

	if (!pid) {
		struct dev d;
		bool ok = soon(observed(self->dev, self->group).spaces == 1) && !dev_open(&d, 16);

		ok = ok && anon(80 * MIB) == MAP_FAILED && anon(40 * MIB) != MAP_FAILED &&
		     anon(40 * MIB) == MAP_FAILED;
		_exit(ok ? 0 : 1);
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(commit, files_say_the_same)
{
	u64 id = cg_id(self->group);
	char path[128], text[32];

	snprintf(path, sizeof(path), SYSFS "groups/%llu/commit_max", (unsigned long long)id);
	EXPECT_EQ(64 * MIB, group_file(id, "commit_max"));
	EXPECT_EQ(1, group_file(id, "enforced"));
	EXPECT_EQ(1, group_file(id, "observe"));
	EXPECT_TRUE(write_text(path, "32M"));
	EXPECT_EQ(32 * MIB, observed(self->dev, self->group).commit_max);
	EXPECT_TRUE(write_text(path, "max"));
	EXPECT_EQ(MEMSTATE_UNLIMITED, observed(self->dev, self->group).commit_max);
	EXPECT_EQ(0, group_file(id, "observe"));
	EXPECT_FALSE(write_text(path, "much"));
	EXPECT_EQ(EINVAL, errno);
	snprintf(text, sizeof(text), "%lu", 64 * MIB);
	EXPECT_TRUE(write_text(path, text));
}

/* ---- all at once ------------------------------------------------------------------- */

/* All in it lie below it: the kernel does not wait for who is right in it. */
static bool group_freeze(bool on)
{
	char events[256] = "";
	int fd;

	if (!write_text(CGROUPS GROUP "/cgroup.freeze", on ? "1" : "0"))
		return false;
	fd = open(CGROUPS GROUP "/cgroup.events", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	soon(pread(fd, events, sizeof(events) - 1, 0) > 0 &&
	     strstr(events, on ? "frozen 1" : "frozen 0"));
	close(fd);
	return true;
}

/* The kernel's own sum of what those in a cgroup could write to: bytes. */
static u64 kernel_sum(const char *cgroup)
{
	char path[256], line[256];
	u64 sum = 0, kib;
	FILE *procs, *f;
	int pid;

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", cgroup);
	procs = fopen(path, "r");
	while (procs && fscanf(procs, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "VmData: %llu", (unsigned long long *)&kib) == 1)
				sum += kib * KIB;
		if (f)
			fclose(f);
	}
	if (procs)
		fclose(procs);
	return sum;
}

TEST_F(commit, races_never_pass_it)
{
	static const char *const places[] = { LEAF, BESIDE };
	struct prog p[4];
	int beside = cg_make(BESIDE), left = 4, looks = 0;
	u64 most = 0, before = denied(self->dev, self->group);

	ASSERT_GE(beside, 0);
	ASSERT_EQ(0, commit_max(self->dev, self->group, 8 * MIB));
	for (int i = 0; i < 4; i++) {
		p[i] = prog_start(places[i % 2]);
		/* It runs: what an image needs to start may be refused, too. */
		EXPECT_EQ(1, prog_do(&p[i], 'n', 0));
	}
	for (int i = 0; i < 4; i++)
		EXPECT_TRUE(prog_tell(&p[i], 'R', scaled(400) + 20));
	while (left) {
		u64 sum;

		ASSERT_TRUE(group_freeze(true));
		sum = kernel_sum(LEAF) + kernel_sum(BESIDE);
		EXPECT_LE(sum, 8 * MIB);
		most = sum > most ? sum : most;
		/* One that has ended may be held by who looks for others, a moment longer. */
		EXPECT_TRUE(soon(sum == observed(self->dev, self->group).commit));
		looks++;
		ASSERT_TRUE(group_freeze(false));
		left = 0;
		for (int i = 0; i < 4; i++)
			left += !prog_has_answered(&p[i]);
	}
	TH_LOG("%d looks, at most %llu KiB, %llu refused", looks, (unsigned long long)most / KIB,
	       (unsigned long long)(denied(self->dev, self->group) - before));
	EXPECT_GT(denied(self->dev, self->group), before);
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(1, prog_answer(&p[i]));
		EXPECT_EQ(0, prog_end(&p[i]));
	}
	close(beside);
	EXPECT_EQ(0, cg_remove(BESIDE));
}

TEST_F(commit, errors)
{
	struct memstate_observe w = { .size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP,
				      .fd = self->group, .commit_max = 64 * MIB };

	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	EXPECT_EQ(-EBADF, commit_max(self->dev, -1, 64 * MIB));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_WATCHED,
					.set = MEMSTATE_OBSERVE_COMMIT_MAX, .commit_max = MIB };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
}

TEST_HARNESS_MAIN
