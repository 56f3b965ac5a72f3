// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Programs with nothing of ours in them: seen, limited, refused, alive. */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"
#include "prog.h"
#include "refusal.h"

#define GROUP	"ms-observe"
#define LEAF	"ms-observe/leaf"
#define OTHER	"ms-observe-other"

/* In a child that is in GROUP: says by its line where it went wrong. */
#define MUST(ok) do {							\
	if (!(ok)) {							\
		fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #ok);	\
		_exit(1);						\
	}								\
} while (0)

/* An observed group with a limit of 64 MiB, and one below it without. */
FIXTURE(observe) {
	int dev;
	int group;
	int leaf;
};

FIXTURE_SETUP(observe)
{
	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->dev, 0);
	self->group = cg_make(GROUP);
	self->leaf = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	ASSERT_GE(self->leaf, 0);
	ASSERT_TRUE(can_observe(self->dev));
	ASSERT_EQ(0, limit_max(self->dev, self->group, 64 * MIB));
	ASSERT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 1, 0, NULL));
}

/* Whatever was done, nothing is left of it. */
FIXTURE_TEARDOWN(observe)
{
	struct memstate_observe w;

	EXPECT_TRUE(soon(!observed(self->dev, self->group).spaces));
	w = observed(self->dev, self->group);
	EXPECT_EQ(0, w.commit);
	EXPECT_EQ(0, w.backed);
	EXPECT_EQ(0, w.pending);
	EXPECT_EQ(0, w.breached);
	EXPECT_EQ(0, w.excess);
	EXPECT_EQ(0, w.reports);
	EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	close(self->leaf);
	close(self->group);
	close(self->dev);
	EXPECT_EQ(0, cg_remove(LEAF));
	EXPECT_EQ(0, cg_remove(GROUP));
}

/* At rest figures are those of its mappings, to the page, and what is charged is the sum. */
#define EXPECT_EXACT(self, p) do {					\
	struct memstate_observe now;					\
									\
	/* To read them takes some memory, once. */			\
	prog_do(p, 'b', 0);						\
	now = observed((self)->dev, (self)->group);			\
	EXPECT_EQ(prog_do(p, 'b', 0), now.backed);			\
	EXPECT_EQ(prog_do(p, 'c', 0), now.commit);			\
	EXPECT_EQ(now.backed - now.inherited + now.pending,		\
		  group_limit((self)->dev, (self)->group).charged);	\
} while (0)

static const unsigned long pieces[] = { 4, 64, 1024 };

TEST_F(observe, fill_is_refused_below_max_and_goes_on)
{
	for (u32 i = 0; i < 3; i++) {
		struct prog p = prog_start(GROUP);
		long got = prog_do(&p, 'p', pieces[i]);
		struct memstate_observe w;

		/* 4 KiB at a time: as many as the program can keep, or as there is room. */
		if (pieces[i] > 4) {
			EXPECT_GE(got, 60 * (long)MIB);
		}
		EXPECT_LE(got, 64 * (long)MIB);
		w = observed(self->dev, self->group);
		EXPECT_EQ(0, w.breached);
		EXPECT_EQ(1, w.spaces);
		EXPECT_LE(group_limit(self->dev, self->group).charged, 64 * MIB);
		EXPECT_EQ(0, prog_do(&p, 'M', 2048));
		EXPECT_EQ(1, prog_do(&p, 'z', 1));
		EXPECT_EQ(0, prog_end(&p));
		EXPECT_TRUE(soon(!observed(self->dev, self->group).spaces));
	}
	EXPECT_GE(group_limit(self->dev, self->group).events[MEMSTATE_EVENT_DENIED], 2);
}

TEST_F(observe, what_is_mapped_first_and_touched_later_is_refused_in_time)
{
	struct prog p = prog_start(GROUP);
	int granted = 0;

	for (int i = 0; i < 16; i++)
		granted += prog_do(&p, 'm', 8192);
	EXPECT_EQ(7, granted);
	EXPECT_EQ(1, prog_do(&p, 't', 0));
	EXPECT_EQ(0, observed(self->dev, self->group).breached);
	EXPECT_EQ(0, prog_do(&p, 'M', 8192));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, commit_is_that_of_smaps_to_the_page)
{
	struct prog p = prog_start(LEAF);

	EXPECT_EQ(1, prog_do(&p, 'M', 1000));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(1, prog_do(&p, 'm', 20000));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(1, prog_do(&p, 'z', 300));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(1, prog_do(&p, 'r', 1 << 20));
	EXPECT_EQ(1, prog_do(&p, 'w', 700));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(1, prog_do(&p, 'd', 0));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, memory_given_back_makes_room)
{
	struct prog p = prog_start(GROUP);

	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
		EXPECT_EQ(0, prog_do(&p, 'M', 40 << 10));
		EXPECT_EQ(1, prog_do(&p, "duv"[i % 3], 0));
	}
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, a_reservation_costs_what_is_used_of_it)
{
	struct prog p = prog_start(GROUP);
	unsigned long granted = 0;

	ASSERT_EQ(1, prog_do(&p, 'r', 1 << 20));
	EXPECT_LE(group_limit(self->dev, self->group).charged, MIB);
	while (granted < 1024 && prog_do(&p, 'w', 256) == 1)
		granted++;
	EXPECT_GE(granted * 256 << 10, 60 * MIB);
	EXPECT_LE(granted * 256 << 10, 65 * MIB);
	EXPECT_LE(observed(self->dev, self->group).breached, 256 << 10);
	EXPECT_EQ(0, prog_end(&p));
}

/* Older kernels have each thread count up to 64 pages by itself for a while. */
TEST_F(observe, threads_hide_nothing)
{
	struct prog p = prog_start(GROUP);
	long threads = prog_do(&p, 'h', 400);

	EXPECT_GE(threads, 200);
	EXPECT_LE(threads, 290);
	EXPECT_LE(prog_do(&p, 'b', 0), 66 * (long)MIB);
	EXPECT_LE(observed(self->dev, self->group).breached, 2 * MIB);
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, a_child_is_charged_what_it_has_beside)
{
	struct prog p = prog_start(GROUP);
	struct memstate_observe w;

	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	w = observed(self->dev, self->group);
	EXPECT_EQ(2, w.spaces);
	EXPECT_GE(w.inherited, 40 * MIB);
	EXPECT_LE(group_limit(self->dev, self->group).charged, 42 * MIB);
	EXPECT_EQ(1, prog_do(&p, 'M', 10 << 10));
	EXPECT_EQ(0, prog_do(&p, 'M', 20 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, a_daemon_is_charged_what_its_parent_was)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'F', 0));
	EXPECT_TRUE(soon(observed(self->dev, self->group).spaces == 1));
	EXPECT_GE(group_limit(self->dev, self->group).charged, 40 * MIB);
	EXPECT_EQ(0, observed(self->dev, self->group).inherited);
	EXPECT_EQ(1, prog_do(&p, 'M', 10 << 10));
	EXPECT_EQ(0, prog_do(&p, 'M', 20 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, a_new_image_begins_anew)
{
	struct prog p = prog_start(LEAF);

	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'x', 0));
	EXPECT_EQ(1, observed(self->dev, self->group).spaces);
	EXPECT_LE(group_limit(self->dev, self->group).charged, 2 * MIB);
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(0, prog_do(&p, 'M', 30 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, programs_share_a_limit)
{
	struct prog p = prog_start(GROUP), q = prog_start(LEAF);

	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(0, prog_do(&q, 'M', 40 << 10));
	EXPECT_EQ(1, prog_do(&q, 'M', 10 << 10));
	EXPECT_EQ(0, prog_do(&p, 'M', 20 << 10));
	/* What one has unmapped unseen is looked for before another is refused. */
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&q, 'M', 40 << 10));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(0, prog_end(&q));
}

TEST_F(observe, what_starts_in_a_full_group_has_some_room)
{
	struct prog hog = prog_start(GROUP), p;

	EXPECT_GE(prog_do(&hog, 'p', 64), 60 * (long)MIB);
	p = prog_start(GROUP);
	EXPECT_EQ(1, prog_do(&p, 'M', 4096));
	EXPECT_EQ(0, prog_do(&p, 'M', 4096));
	EXPECT_EQ(0, prog_do(&hog, 'M', 1024));
	EXPECT_LE(group_limit(self->dev, self->group).charged, 72 * MIB);
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(0, prog_end(&hog));
}

/* Also where somebody goes through all processes just then, and finds the image first. */
TEST_F(observe, what_starts_has_room_whoever_finds_it)
{
	struct prog hog = prog_start(GROUP), p;
	unsigned long n = scaled(100) + 3;
	pid_t mover;

	EXPECT_GE(prog_do(&hog, 'p', 64), 60 * (long)MIB);
	mover = cg_child(LEAF);
	if (!mover)
		for (;;)
			MUST(cg_enter(".") && cg_enter(LEAF));
	while (n--) {
		p = prog_start(GROUP);
		EXPECT_EQ(1, prog_do(&p, 'M', 2048));
		EXPECT_EQ(0, prog_end(&p));
	}
	EXPECT_EQ(0, kill(mover, SIGKILL));
	join(mover);
	EXPECT_EQ(0, prog_end(&hog));
}

TEST_F(observe, overcommit_is_for_what_is_not_touched)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_OVERCOMMIT, 0, 200, NULL));
	EXPECT_EQ(200, observed(self->dev, self->group).overcommit);
	EXPECT_EQ(1, prog_do(&p, 'm', 60 << 10));
	EXPECT_EQ(1, prog_do(&p, 'm', 60 << 10));
	EXPECT_EQ(0, prog_do(&p, 'm', 60 << 10));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 't', 0));
	EXPECT_EQ(0, prog_do(&p, 'M', 8192));
	EXPECT_EQ(1, prog_do(&p, 'M', 1024));
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_OVERCOMMIT, 0, 100, NULL));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, who_runs_already_is_attached)
{
	struct prog p;

	ASSERT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	p = prog_start(LEAF);
	EXPECT_EQ(1, prog_do(&p, 'M', 80 << 10));
	EXPECT_EQ(0, observed(self->dev, self->group).spaces);
	EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 1, 0, NULL));
	EXPECT_EQ(1, observed(self->dev, self->group).spaces);
	EXPECT_EXACT(self, &p);
	EXPECT_GE(observed(self->dev, self->group).breached, 16 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'M', 4));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(0, observed(self->dev, self->group).breached);
	/* And is left alone again. */
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
	EXPECT_EQ(1, prog_do(&p, 'M', 80 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

static bool move_to(const struct prog *p, const char *cgroup)
{
	char path[256], pid[16];

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", p->pid);
	return write_text(path, pid);
}

TEST_F(observe, who_is_moved_is_charged_where_it_is)
{
	struct prog p;
	int other = cg_make(OTHER);

	ASSERT_GE(other, 0);
	p = prog_start(OTHER);
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(0, observed(self->dev, self->group).spaces);
	EXPECT_TRUE(move_to(&p, LEAF));
	EXPECT_TRUE(soon(observed(self->dev, self->leaf).spaces == 1));
	EXPECT_GE(group_limit(self->dev, self->leaf).charged, 40 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'M', 40 << 10));
	EXPECT_TRUE(move_to(&p, GROUP));
	EXPECT_TRUE(soon(observed(self->dev, self->leaf).spaces == 0));
	EXPECT_EQ(0, group_limit(self->dev, self->leaf).charged);
	EXPECT_GE(group_limit(self->dev, self->group).charged, 40 * MIB);
	EXPECT_TRUE(move_to(&p, OTHER));
	EXPECT_TRUE(soon(observed(self->dev, self->group).spaces == 0));
	EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(0, prog_end(&p));
	close(other);
	EXPECT_EQ(0, cg_remove(OTHER));
}

TEST_F(observe, a_group_that_comes_later_takes_its_own)
{
	struct prog p;
	int other;

	p = prog_start(LEAF);
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(1, observed(self->dev, self->group).spaces);
	/* Nothing of ours knew of that cgroup until now. */
	other = cg_make(LEAF "/below");
	ASSERT_GE(other, 0);
	EXPECT_TRUE(move_to(&p, LEAF "/below"));
	EXPECT_EQ(0, limit_max(self->dev, other, 50 * MIB));
	EXPECT_TRUE(soon(observed(self->dev, other).spaces == 1));
	EXPECT_GE(group_limit(self->dev, other).charged, 40 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'M', 12 << 10));
	EXPECT_EQ(1, prog_do(&p, 'M', 6 << 10));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(!group_limit(self->dev, other).charged));
	close(other);
	EXPECT_EQ(0, cg_remove(LEAF "/below"));
}

static void *fresh(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Of a group, by TOTALS; @last: as of the last look. */
static struct memstate_totals_observed totals_of(int dev, u32 scope, int fd, bool last)
{
	struct memstate_get_totals t = {
		.size = sizeof(t), .flags = last ? MEMSTATE_TOTALS_LAST : 0,
		.scope = scope, .fd = fd };

	if (dev_ioctl(dev, MEMSTATE_IOC_TOTALS, &t))
		memset(&t, 0xff, sizeof(t));
	return t.observed;
}

static void rings_child(int dev, int group)
{
	struct memstate_observe w;
	struct dev d;
	char *at;

	MUST(soon(observed(dev, group).spaces == 1));
	MUST(!dev_open(&d, 16));
	w = observed(dev, group);
	MUST(w.spaces == 0 && w.reports == 1 && w.excess && !w.commit && !w.backed);
	MUST(group_limit(dev, group).charged == w.excess);

	/* It says nothing, and is refused as who has no ring. */
	MUST(!fresh(100 * MIB) && errno == ENOMEM);
	at = fresh(40 * MIB);
	MUST(at);
	MUST(observed(dev, group).excess >= 40 * MIB);
	memset(at, 1, 40 * MIB);
	w = observed(dev, group);
	MUST(w.excess >= 40 * MIB && w.excess <= 44 * MIB && !w.breached);
	MUST(!fresh(30 * MIB) && errno == ENOMEM);
	MUST(!munmap(at, 40 * MIB));
	MUST(observed(dev, group).excess < 4 * MIB);

	/* What it says is charged once. */
	at = fresh(24 * MIB);
	MUST(at);
	dev_post(&d, REC((u64)at, 24 * MIB, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
	MUST(!dev_sync(&d, NULL));
	w = observed(dev, group);
	MUST(w.excess < 4 * MIB);
	MUST(group_limit(dev, group).charged == 24 * MIB + w.excess);
	MUST(totals_of(dev, MEMSTATE_SCOPE_GROUP, group, true).charged == w.excess);
	MUST(!fresh(40 * MIB) && fresh(30 * MIB));

	/* Who is trusted may say what he likes. */
	MUST(!observe_set_trust(dev, group, 1));
	w = observed(dev, group);
	MUST(w.trust && !w.excess && w.reports == 1);
	MUST(group_limit(dev, group).charged == 24 * MIB);
	MUST(fresh(100 * MIB));
	MUST(!observe_set_trust(dev, group, 0));
	w = observed(dev, group);
	MUST(!w.trust && w.excess >= 30 * MIB);
	MUST(!fresh(MIB) || !w.breached);

	/* Without books it is as any other. */
	dev_close(&d);
	w = observed(dev, group);
	MUST(w.spaces == 1 && w.reports == 0 && !w.excess && w.backed);
	_exit(0);
}

TEST_F(observe, a_ring_is_no_way_out)
{
	pid_t pid = cg_child(GROUP);

	if (!pid)
		rings_child(self->dev, self->group);
	EXPECT_EQ(0, join(pid));
}

TEST_F(observe, who_had_books_before_is_known_to_report)
{
	struct memstate_observe w;
	pid_t pid;

	ASSERT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	pid = cg_child(GROUP);
	if (!pid) {
		struct dev d;
		char *at;

		MUST(!dev_open(&d, 16));
		at = fresh(24 * MIB);
		MUST(at);
		memset(at, 1, 24 * MIB);
		dev_post(&d, REC((u64)at, 24 * MIB, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
		MUST(!dev_sync(&d, NULL));
		MUST(!observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 1, 0, &w));
		MUST(w.spaces == 0 && w.reports == 1);
		MUST(w.excess && w.excess < 8 * MIB);
		MUST(group_limit(self->dev, self->group).charged == 24 * MIB + w.excess);
		/* It is moved, and still does. */
		MUST(cg_enter(LEAF));
		MUST(soon(observed(self->dev, self->leaf).reports == 1));
		MUST(!fresh(60 * MIB) && fresh(MIB));
		dev_close(&d);
		MUST(observed(self->dev, self->leaf).spaces == 1);
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(observe, trust_is_of_a_group_and_all_below)
{
	pid_t pid = cg_child(LEAF);

	if (!pid) {
		int dev = self->dev, group = self->group, leaf = self->leaf;
		struct dev d;

		MUST(!dev_open(&d, 16));
		/* The leaf's owner cannot trust on behalf of the one above. */
		MUST(soon(observed(dev, leaf).reports == 1));
		MUST(!observe_set_trust(dev, leaf, 1));
		MUST(!observed(dev, leaf).excess && observed(dev, group).excess);
		MUST(!group_limit(dev, leaf).charged);
		MUST(!fresh(100 * MIB));
		MUST(!observe_set_trust(dev, leaf, 0));
		MUST(observed(dev, leaf).excess && observed(dev, group).excess);
		MUST(!observe_set_trust(dev, group, 1));
		MUST(!observed(dev, leaf).excess && !observed(dev, group).excess);
		MUST(fresh(100 * MIB));
		MUST(!observe_set_trust(dev, group, 0));
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(observe, totals_have_what_is_observed)
{
	struct memstate_totals_observed t, one, system;
	struct prog p = prog_start(LEAF), q = prog_start(GROUP);
	struct memstate_get_totals arg;
	struct memstate_observe w;
	struct memstate_limit l;
	int fd = pidfd_of(p.pid);

	EXPECT_EQ(1, prog_do(&p, 'M', 4096));
	EXPECT_EQ(1, prog_do(&q, 'm', 4096));
	w = observed(self->dev, self->group);
	t = totals_of(self->dev, MEMSTATE_SCOPE_GROUP, self->group, true);
	EXPECT_EQ(2, t.spaces);
	EXPECT_EQ(w.commit, t.commit);
	EXPECT_EQ(w.backed, t.backed);
	EXPECT_EQ(w.inherited, t.inherited);
	EXPECT_EQ(w.pending, t.pending);
	EXPECT_EQ(0, t.excess);
	EXPECT_EQ(t.backed - t.inherited + t.pending, t.charged);
	EXPECT_EQ(group_limit(self->dev, self->group).charged, t.charged);
	system = totals_of(self->dev, MEMSTATE_SCOPE_SYSTEM, 0, true);
	EXPECT_EQ(2, system.spaces);
	EXPECT_EQ(t.commit, system.commit);
	/* Its group comes when it is asked for, and then what is in it. */
	EXPECT_TRUE(soon(observed(self->dev, self->leaf).spaces == 1));
	EXPECT_EQ(1, totals_of(self->dev, MEMSTATE_SCOPE_GROUP, self->leaf, true).spaces);

	/* What is touched without asking is seen by who looks. */
	EXPECT_EQ(1, prog_do(&q, 't', 0));
	EXPECT_EQ(t.backed, totals_of(self->dev, MEMSTATE_SCOPE_GROUP, self->group, true).backed);
	EXPECT_LE(t.backed + 4 * MIB,
		  totals_of(self->dev, MEMSTATE_SCOPE_GROUP, self->group, false).backed);

	one = totals_of(self->dev, MEMSTATE_SCOPE_PROCESS, fd, false);
	EXPECT_EQ(1, one.spaces);
	EXPECT_GE(one.backed, 4 * MIB);
	EXPECT_EQ(one.backed - one.inherited + one.pending, one.charged);
	l = limit_get(self->dev, MEMSTATE_SCOPE_PROCESS, fd, 0);
	EXPECT_EQ(one.charged, l.charged);
	EXPECT_EQ(one.charged, l.peak);
	EXPECT_EQ(MEMSTATE_UNLIMITED, l.max);
	EXPECT_EQ(64 * MIB, l.lowest_max);
	EXPECT_NE(0, l.group);
	arg = (struct memstate_get_totals) {
		.size = sizeof(arg), .scope = MEMSTATE_SCOPE_PROCESS, .fd = self->dev };
	EXPECT_EQ(-EBADF, dev_ioctl(self->dev, MEMSTATE_IOC_TOTALS, &arg));
	l = (struct memstate_limit) {
		.size = sizeof(l), .scope = MEMSTATE_SCOPE_PROCESS, .fd = self->dev };
	EXPECT_EQ(-EBADF, dev_ioctl(self->dev, MEMSTATE_IOC_LIMIT_GET, &l));
	l = (struct memstate_limit) {
		.size = sizeof(l), .flags = MEMSTATE_LIMIT_RESET_PEAK,
		.scope = MEMSTATE_SCOPE_PROCESS, .fd = fd };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_LIMIT_GET, &l));

	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	one = totals_of(self->dev, MEMSTATE_SCOPE_PROCESS, fd, false);
	EXPECT_EQ(0, one.spaces);
	EXPECT_EQ(0, one.charged);
	l = limit_get(self->dev, MEMSTATE_SCOPE_PROCESS, fd, 0);
	EXPECT_EQ(0, l.charged);
	EXPECT_EQ(MEMSTATE_UNLIMITED, l.lowest_max);
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(0, prog_end(&q));
	close(fd);
}

TEST_F(observe, who_reports_is_not_refused_for_what_went_unseen)
{
	struct prog p = prog_start(GROUP);
	pid_t pid;

	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	pid = cg_child(LEAF);
	if (!pid) {
		struct dev d;

		MUST(!dev_open_credit(&d, 16));
		MUST(dev_charge(&d, 30 * MIB, 0, 0, NULL) == -EDQUOT);
		MUST(prog_do(&p, 'u', 0) == 1);
		MUST(!dev_charge(&d, 30 * MIB, 0, 0, NULL));
		/* And he can make use of it. */
		MUST(fresh(30 * MIB));
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, books_of_another_are_read_by_its_pidfd)
{
	struct memstate_get_totals arg;
	int ready[2], fd;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = cg_child(GROUP);
	if (!pid) {
		struct dev d;

		MUST(!dev_open(&d, 16));
		dev_post(&d, REC(16 * MIB, 8 * PAGE, MEMSTATE_ANY, MEMSTATE_RESERVED, 0, 0));
		MUST(write(ready[1], "", 1) == 1);
		pause();
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(soon(observed(self->dev, self->group).reports == 1));
	fd = pidfd_of(pid);
	arg = (struct memstate_get_totals) {
		.size = sizeof(arg), .scope = MEMSTATE_SCOPE_PROCESS, .fd = fd };
	EXPECT_EQ(0, dev_ioctl(self->dev, MEMSTATE_IOC_TOTALS, &arg));
	EXPECT_EQ(8 * PAGE, arg.totals.bytes[MEMSTATE_RESERVED - 1][0]);
	EXPECT_EQ(1, arg.totals.tasks);
	EXPECT_EQ(0, arg.observed.spaces);
	EXPECT_NE(0, arg.observed.excess);
	EXPECT_EQ(arg.observed.excess, arg.observed.charged);
	kill(pid, SIGKILL);
	join(pid);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

/* All kinds of growth, one after the other, some refused. */
static void grow_and_shrink(u64 seed, unsigned long times)
{
	size_t size = 8 * MIB;
	char *arena = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			   -1, 0);
	char *at;
	pid_t pid;

	if (arena == MAP_FAILED)
		_exit(1);
	for (unsigned long i = 0; i < times; i++) {
		size_t bytes = (1 + rnd(&seed) % 512) * PAGE;

		switch (rnd(&seed) % 8) {
		case 0:
		case 1:
			at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (at == MAP_FAILED)
				break;
			memset(at, 1, bytes);
			munmap(at, bytes);
			break;
		case 2:
			if (!mprotect(arena, bytes, PROT_READ | PROT_WRITE))
				memset(arena, 1, bytes);
			break;
		case 3:
			mprotect(arena, size, PROT_NONE);
			break;
		case 4:
			madvise(arena, size, rnd(&seed) % 2 ? MADV_DONTNEED : MADV_FREE);
			break;
		case 5:
			at = mmap(arena, bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			if (at != MAP_FAILED)
				memset(at, 1, bytes);
			break;
		case 6:
			pid = fork();
			if (!pid) {
				at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
				if (at != MAP_FAILED)
					memset(at, 1, bytes);
				_exit(0);
			}
			if (pid > 0)
				waitpid(pid, NULL, 0);
			break;
		case 7:
			pid = vfork();
			if (!pid) {
				/* It has nothing to do, and says so. */
				execl(prog_path(), "observe_prog", NULL);
				_exit(0);
			}
			if (pid > 0)
				waitpid(pid, NULL, 0);
			break;
		}
	}
	_exit(0);
}

TEST_F(observe, races_leave_nothing_behind)
{
	static const char *const places[] = { GROUP, LEAF, OTHER };
	struct prog p[4];
	int other = cg_make(OTHER), left = 4;
	u64 seed = 88172645463325252;

	ASSERT_GE(other, 0);
	for (int i = 0; i < 4; i++) {
		p[i].pid = fork();
		if (!p[i].pid) {
			int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (null < 0 || dup2(null, 0) || !cg_enter(places[i % 3]))
				_exit(2);
			grow_and_shrink(seed + i, scaled(300));
		}
	}
	for (int i = 0; left; i++) {
		struct memstate_observe w;
		int status;
		pid_t pid;

		move_to(&p[rnd(&seed) % 4], places[rnd(&seed) % 3]);
		w = observed(self->dev, self->group);
		EXPECT_LE(w.spaces, 16);
		if (i % 8 == 7)
			EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON,
					     i % 16 == 7 ? 0 : 1, 0, NULL));
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			EXPECT_EQ(0, status);
			for (int k = 0; k < 4; k++)
				if (p[k].pid == pid) {
					/* Whoever has that number then is left alone. */
					p[k].pid = -1;
					left--;
				}
		}
	}
	EXPECT_TRUE(cg_enter("."));
	EXPECT_TRUE(soon(!group_limit(self->dev, self->group).charged));
	EXPECT_EQ(0, group_limit(self->dev, self->leaf).charged);
	EXPECT_EQ(0, group_limit(self->dev, other).charged);
	close(other);
	EXPECT_EQ(0, cg_remove(OTHER));
}

static int limit_set_flags(int dev, u32 scope, int fd, u32 set, u32 flags)
{
	struct memstate_limit l = {
		.size = sizeof(l), .flags = flags, .scope = scope, .fd = fd, .set = set,
		.high = MEMSTATE_UNLIMITED, .max = MEMSTATE_UNLIMITED };

	return dev_ioctl(dev, MEMSTATE_IOC_LIMIT_SET, &l);
}

static bool group_write(u64 id, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS "groups/%llu/%s", (unsigned long long)id, name);
	return write_text(path, text);
}

TEST_F(observe, files_say_the_same)
{
	u64 id = cg_id(self->group), leaf = cg_id(self->leaf);
	struct memstate_observe w;
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'M', 4096));
	EXPECT_EQ(1, prog_do(&p, 'm', 4096));
	/* Which makes its directory. */
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
	w = observed(self->dev, self->group);
	EXPECT_EQ(1, group_file(id, "observe"));
	EXPECT_EQ(1, group_file(leaf, "observe"));
	EXPECT_EQ(100, group_file(id, "overcommit"));
	EXPECT_EQ(1, group_file(id, "observed_tasks"));
	EXPECT_EQ(0, group_file(leaf, "observed_tasks"));
	EXPECT_EQ(w.commit, group_file(id, "commit"));
	EXPECT_EQ(w.backed, group_file(id, "backed"));
	EXPECT_EQ(w.pending, group_file(id, "pending"));
	EXPECT_GE(w.pending, 4096 << 10);
	EXPECT_EQ(0, group_file(id, "excess"));
	EXPECT_EQ(0, group_file(id, "observed_breached"));

	EXPECT_EQ(0, group_file(id, "trust"));
	EXPECT_TRUE(group_write(id, "trust", "1"));
	EXPECT_EQ(1, observed(self->dev, self->group).trust);
	EXPECT_EQ(1, group_file(id, "trust"));
	EXPECT_TRUE(group_write(id, "trust", "0"));
	EXPECT_EQ(0, observed(self->dev, self->group).trust);
	EXPECT_FALSE(group_write(id, "trust", "perhaps"));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(group_write(id, "overcommit", "200"));
	EXPECT_EQ(200, observed(self->dev, self->group).overcommit);
	EXPECT_FALSE(group_write(id, "overcommit", "99"));
	EXPECT_EQ(ERANGE, errno);
	EXPECT_FALSE(group_write(id, "overcommit", "10001"));
	EXPECT_EQ(ERANGE, errno);
	EXPECT_FALSE(group_write(id, "overcommit", "much"));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(group_write(id, "observe", "0"));
	EXPECT_EQ(0, observed(self->dev, self->group).on);
	EXPECT_EQ(0, group_file(id, "observed_tasks"));
	EXPECT_FALSE(group_write(id, "observe", "perhaps"));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(group_write(leaf, "observe", "1"));
	EXPECT_EQ(0, group_file(id, "observe"));
	EXPECT_EQ(1, group_file(leaf, "observe"));
	EXPECT_EQ(0, group_file(id, "observed_tasks"));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, a_limit_is_for_any_program)
{
	u64 id = cg_id(self->group);
	struct prog p;

	/* What has been asked for stays. */
	EXPECT_EQ(0, limit_any(self->dev, self->group, 0, 64 * MIB));
	EXPECT_EQ(0, limit_any(self->dev, self->group, 0, MEMSTATE_UNLIMITED));
	EXPECT_EQ(1, observed(self->dev, self->group).on);
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));

	p = prog_start(LEAF);
	EXPECT_EQ(0, limit_any(self->dev, self->group, 0, 64 * MIB));
	EXPECT_EQ(1, observed(self->dev, self->group).on);
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
	EXPECT_EQ(0, prog_do(&p, 'M', 70 << 10));
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	/* As long as there is one, and as it is said. */
	EXPECT_EQ(0, limit_any(self->dev, self->group, MEMSTATE_LIMIT_REPORTS, 64 * MIB));
	EXPECT_EQ(0, observed(self->dev, self->group).on);
	EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
	EXPECT_EQ(0, limit_any(self->dev, self->leaf, 0, 64 * MIB));
	EXPECT_EQ(0, observed(self->dev, self->group).on);
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
	EXPECT_EQ(0, limit_any(self->dev, self->leaf, 0, MEMSTATE_UNLIMITED));
	EXPECT_EQ(0, observed(self->dev, self->leaf).on);
	EXPECT_TRUE(group_write(id, "max", "64M"));
	EXPECT_EQ(1, observed(self->dev, self->group).on);
	EXPECT_TRUE(group_write(id, "high", "32M"));
	EXPECT_EQ(1, observed(self->dev, self->group).on);
	EXPECT_TRUE(group_write(id, "max", "max"));
	EXPECT_EQ(0, observed(self->dev, self->group).on);
	/* Nor against the will of who says that it is not to be. */
	EXPECT_TRUE(group_write(id, "max", "64M"));
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	EXPECT_EQ(0, observed(self->dev, self->group).on);
	EXPECT_EQ(64 * MIB, group_limit(self->dev, self->group).max);
	EXPECT_EQ(1, prog_do(&p, 'M', 70 << 10));
	EXPECT_EQ(0, prog_end(&p));

	EXPECT_EQ(-EINVAL, limit_set_flags(self->dev, MEMSTATE_SCOPE_TASK, 0,
					   MEMSTATE_LIMIT_MAX, MEMSTATE_LIMIT_REPORTS));
	EXPECT_EQ(-EINVAL, limit_set_flags(self->dev, MEMSTATE_SCOPE_GROUP, self->group,
					   MEMSTATE_LIMIT_HIGH, MEMSTATE_LIMIT_REPORTS));
	EXPECT_EQ(-EINVAL, limit_set_flags(self->dev, MEMSTATE_SCOPE_GROUP, self->group,
					   MEMSTATE_LIMIT_MAX, MEMSTATE_LIMIT_RESET_PEAK));
}

TEST_F(observe, one_process_is_read_by_its_pidfd)
{
	struct prog p = prog_start(LEAF);
	int fd = pidfd_of(p.pid), own = pidfd_of(getpid());
	struct memstate_observe w;
	struct dev d;

	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, prog_do(&p, 'M', 1000));
	EXPECT_EQ(1, prog_do(&p, 'm', 3000));
	EXPECT_EQ(1, prog_do(&p, 'r', 1 << 20));
	prog_do(&p, 'b', 0);
	ASSERT_EQ(0, observe_one(self->dev, fd, &w));
	EXPECT_EQ(sizeof(w), w.size);
	EXPECT_EQ(1, w.spaces);
	EXPECT_EQ(1, w.on);
	EXPECT_EQ(100, w.overcommit);
	EXPECT_EQ(0, w.reports);
	EXPECT_EQ(prog_do(&p, 'c', 0), w.commit);
	EXPECT_EQ(prog_do(&p, 'b', 0), w.backed);
	EXPECT_EQ(prog_do(&p, 'e', 0), w.reserved);
	EXPECT_GE(w.reserved, 1UL << 30);
	EXPECT_GE(w.pending, 3000UL << 10);
	EXPECT_EQ(0, w.inherited);
	/* Nothing was known of its own cgroup until it was asked for. */
	EXPECT_TRUE(w.group == cg_id(self->leaf) || w.group == cg_id(self->group));
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
	EXPECT_TRUE(soon(!observe_one(self->dev, fd, &w) && w.group == cg_id(self->leaf)));

	/* Who is not observed can be looked at, too. */
	EXPECT_EQ(0, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 0, 0, NULL));
	ASSERT_EQ(0, observe_one(self->dev, fd, &w));
	EXPECT_EQ(0, w.on);
	EXPECT_EQ(0, w.spaces);
	EXPECT_EQ(0, w.pending);
	EXPECT_EQ(prog_do(&p, 'c', 0), w.commit);
	EXPECT_EQ(prog_do(&p, 'b', 0), w.backed);

	ASSERT_EQ(0, dev_open(&d, 16));
	ASSERT_EQ(0, observe_one(self->dev, own, &w));
	EXPECT_EQ(1, w.reports);
	EXPECT_EQ(0, w.spaces);
	dev_close(&d);
	ASSERT_EQ(0, observe_one(self->dev, own, &w));
	EXPECT_EQ(0, w.reports);

	/* Its pidfd outlives it. */
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(-ESRCH, observe_one(self->dev, fd, &w));
	close(own);
	close(fd);
}

/* All ranges of a process, so many at a time: bytes in a state. -errno on failure. */
static long long ranges_of(int dev, int fd, u32 at_a_time, u8 state)
{
	struct memstate_range range[8];
	struct memstate_ranges arg = {
		.size = sizeof(arg), .ranges = (uintptr_t)range, .nr = at_a_time,
		.scope = MEMSTATE_SCOPE_PROCESS, .fd = fd };
	long long sum = 0;
	u64 last = 0;
	int ret;

	do {
		ret = dev_ioctl(dev, MEMSTATE_IOC_RANGES, &arg);
		if (ret)
			return ret;
		for (u32 i = 0; i < arg.done; i++) {
			if (range[i].start < last || range[i].end <= range[i].start ||
			    range[i].flags != MEMSTATE_RANGE_OBSERVED)
				return -ERANGE;
			last = range[i].end;
			if (range[i].state == state)
				sum += range[i].end - range[i].start;
		}
	} while (arg.cursor);
	return sum;
}

TEST_F(observe, ranges_of_a_process_are_its_private_memory)
{
	struct prog p = prog_start(GROUP);
	int fd = pidfd_of(p.pid);
	struct memstate_ranges arg = { .size = sizeof(arg), .nr = 1 };
	struct memstate_range range;
	struct memstate_observe w;

	EXPECT_EQ(1, prog_do(&p, 'M', 1000));
	EXPECT_EQ(1, prog_do(&p, 'r', 1 << 20));
	EXPECT_EQ(1, prog_do(&p, 'w', 100));
	prog_do(&p, 'b', 0);
	ASSERT_EQ(0, observe_one(self->dev, fd, &w));
	for (u32 i = 1; i <= 8; i += 7) {
		EXPECT_EQ(w.reserved, ranges_of(self->dev, fd, i, MEMSTATE_RESERVED));
		/* The stack is no commit. */
		EXPECT_EQ(prog_do(&p, 'C', 0), ranges_of(self->dev, fd, i, MEMSTATE_PREPARED));
	}
	arg.ranges = (uintptr_t)&range;
	arg.scope = MEMSTATE_SCOPE_GROUP;
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_RANGES, &arg));
	arg.scope = MEMSTATE_SCOPE_TASK;
	arg.fd = fd;
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_RANGES, &arg));
	arg.scope = MEMSTATE_SCOPE_PROCESS;
	arg.fd = self->dev;
	EXPECT_EQ(-EBADF, dev_ioctl(self->dev, MEMSTATE_IOC_RANGES, &arg));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(-ESRCH, ranges_of(self->dev, fd, 8, MEMSTATE_RESERVED));
	close(fd);
}

static bool drop_capability(int which)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	data[which / 32].effective &= ~(1U << which % 32);
	data[which / 32].permitted &= ~(1U << which % 32);
	return !syscall(SYS_capset, &head, data);
}

static bool become(uid_t id)
{
	return !setresgid(id, id, id) && !setresuid(id, id, id) &&
	       !prctl(PR_SET_DUMPABLE, 1);
}

/* A child who has become @id, and stays until it is killed. */
static pid_t somebody(uid_t id, bool dumpable)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if ((id && !become(id)) || prctl(PR_SET_DUMPABLE, dumpable) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* What a child finds that has become @id and lost @without, if that is not negative. */
static int seen_by(int dev, int fd, uid_t id, int without, bool addresses)
{
	struct memstate_observe w;
	pid_t pid = fork();
	int status;

	if (pid)
		return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ?
			       -WEXITSTATUS(status) : 1;
	if ((id && !become(id)) || (without >= 0 && !drop_capability(without)))
		_exit(200);
	_exit(addresses ? -ranges_of(dev, fd, 8, MEMSTATE_NONE) : -observe_one(dev, fd, &w));
}

TEST_F(observe, who_may_look_at_a_process)
{
	pid_t mine = somebody(1000, true), closed = somebody(1000, false), root = somebody(0, true);
	int fd = pidfd_of(mine), closed_fd = pidfd_of(closed), root_fd = pidfd_of(root);

	ASSERT_GE(fd, 0);
	ASSERT_GE(closed_fd, 0);
	ASSERT_GE(root_fd, 0);
	EXPECT_EQ(0, seen_by(self->dev, fd, 1000, -1, false));
	EXPECT_EQ(-EACCES, seen_by(self->dev, fd, 1001, -1, false));
	EXPECT_EQ(-EACCES, seen_by(self->dev, closed_fd, 1000, -1, false));
	EXPECT_EQ(-EACCES, seen_by(self->dev, root_fd, 1000, -1, false));
	EXPECT_EQ(0, seen_by(self->dev, fd, 0, -1, false));
	EXPECT_EQ(0, seen_by(self->dev, closed_fd, 0, -1, false));
	EXPECT_EQ(-EACCES, seen_by(self->dev, fd, 0, CAP_SYS_PTRACE, false));
	/* Of equal ids, but of more power. */
	EXPECT_EQ(0, seen_by(self->dev, root_fd, 0, -1, false));
	EXPECT_EQ(-EACCES, seen_by(self->dev, root_fd, 0, CAP_SYS_PTRACE, false));
	/* Where its memory lies is for who has the capability. */
	EXPECT_EQ(-EACCES, seen_by(self->dev, fd, 1000, -1, true));
	EXPECT_EQ(0, seen_by(self->dev, fd, 0, -1, true));
	EXPECT_EQ(-EACCES, seen_by(self->dev, root_fd, 0, CAP_SYS_PTRACE, true));
	kill(mine, SIGKILL);
	kill(closed, SIGKILL);
	kill(root, SIGKILL);
	/* A zombie has no memory. */
	EXPECT_TRUE(soon(seen_by(self->dev, fd, 0, -1, false) == -ESRCH));
	join(mine);
	join(closed);
	join(root);
	EXPECT_EQ(-ESRCH, seen_by(self->dev, fd, 0, -1, false));
	close(fd);
	close(closed_fd);
	close(root_fd);
}

/* Many that are there for a moment, of several at once. */
TEST_F(observe, short_processes_leave_nothing)
{
	struct memstate_observe w;
	unsigned long each = scaled(10000) / 4 + 1;
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = cg_child(i % 2 ? GROUP : LEAF);
		if (!pid[i]) {
			for (unsigned long n = 0; n < each; n++) {
				pid_t child = fork();

				MUST(child >= 0);
				if (!child) {
					char *at = fresh(16 * PAGE);

					_exit(at ? (*at = 0) : 2);
				}
				MUST(!join(child));
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(0, join(pid[i]));
	EXPECT_TRUE(soon(!observed(self->dev, self->group).spaces));
	w = observed(self->dev, self->group);
	EXPECT_EQ(0, w.commit);
	EXPECT_EQ(0, w.pending);
	EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
}

static bool param_write(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/memstate/parameters/%s", name);
	return write_text(path, text);
}

/* In pieces of one, and with fewer looked at before a refusal than there are. */
TEST_F(observe, many_are_looked_at_in_pieces)
{
	struct memstate_observe w;
	struct prog p[12];
	long sum = 0;

	EXPECT_TRUE(param_write("observe_batch", "1"));
	EXPECT_TRUE(param_write("observe_settle", "2"));
	EXPECT_FALSE(param_write("observe_batch", "0"));
	EXPECT_FALSE(param_write("observe_settle", "0"));
	EXPECT_FALSE(param_write("observe_settle_ms", "0"));
	/* Half of them are found. */
	for (int i = 0; i < 12; i++) {
		if (i == 6)
			EXPECT_EQ(0, observe_group(self->dev, self->group, 0));
		p[i] = prog_start(i % 2 ? GROUP : LEAF);
		EXPECT_EQ(1, prog_do(&p[i], 'M', 4096));
	}
	EXPECT_EQ(0, observe_group(self->dev, self->group, 1));
	for (int i = 0; i < 12; i++)
		prog_do(&p[i], 'b', 0);
	for (int i = 0; i < 12; i++)
		sum += prog_do(&p[i], 'b', 0);
	w = observed(self->dev, self->group);
	EXPECT_EQ(12, w.spaces);
	EXPECT_EQ(sum, w.backed);
	/* What went unseen is seen by a worker, at the latest. */
	EXPECT_EQ(0, prog_do(&p[0], 'M', 24 << 10));
	for (int i = 6; i < 12; i++)
		EXPECT_EQ(1, prog_do(&p[i], 'u', 0));
	EXPECT_TRUE(soon(prog_do(&p[0], 'M', 24 << 10) == 1));
	for (int i = 0; i < 12; i++)
		EXPECT_EQ(0, prog_end(&p[i]));
	EXPECT_TRUE(param_write("observe_batch", "64"));
	EXPECT_TRUE(param_write("observe_settle", "256"));
}

TEST_F(observe, the_lowest_of_several_limits_refuses)
{
	u64 leaf = cg_id(self->leaf), group = cg_id(self->group);
	struct prog p, q;

	EXPECT_EQ(0, limit_any(self->dev, self->leaf, 0, 16 * MIB));
	p = prog_start(LEAF);
	q = prog_start(GROUP);
	EXPECT_EQ(1, prog_do(&p, 'M', 8192));
	EXPECT_EQ(0, prog_do(&p, 'M', 16 << 10));
	EXPECT_EQ(leaf, said(last_refusal(leaf), " group="));
	EXPECT_STREQ("", last_refusal(group));
	EXPECT_EQ(1, group_limit(self->dev, self->leaf).events_local[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(0, group_limit(self->dev, self->group).events_local[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(1, group_limit(self->dev, self->group).events[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(1, prog_do(&q, 'M', 50 << 10));
	/* It has room, and the one above has not. */
	EXPECT_EQ(0, prog_do(&p, 'M', 7 << 10));
	EXPECT_EQ(group, said(last_refusal(leaf), " group="));
	EXPECT_EQ(1, prog_do(&p, 'M', 4096));
	EXPECT_LE(group_limit(self->dev, self->group).charged, 64 * MIB);
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_EQ(0, prog_end(&q));
	EXPECT_EQ(0, limit_any(self->dev, self->leaf, 0, MEMSTATE_UNLIMITED));
}

/* Of a process in GROUP that has 40 MiB: what it does, and its descendants, which end with it. */
static pid_t holder(void (*then)(void))
{
	pid_t child = cg_child(GROUP);
	char *at;

	if (child)
		return child;
	at = fresh(40 * MIB);
	MUST(at);
	memset(at, 1, 40 * MIB);
	then();
	pause();
	_exit(0);
}

static void fork_twice_and_end(void)
{
	if (fork() || fork())
		_exit(0);
}

static void fork_two_and_end(void)
{
	if (fork() && fork())
		_exit(0);
}

static void fork_into_a_job_and_end(void)
{
	struct memstate_job j = { .size = sizeof(j) };

	if (fork())
		_exit(0);
	MUST(!dev_ioctl(open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC), MEMSTATE_IOC_JOB, &j));
}

static void fork_into_the_leaf_and_end(void)
{
	if (fork())
		_exit(0);
	MUST(cg_enter(LEAF));
}

/* One of those in the group, or its leaf, ends by force; false: there is none. */
static bool kill_one(void)
{
	static const char *const files[] = { CGROUPS GROUP "/cgroup.procs", CGROUPS LEAF "/cgroup.procs" };

	for (int i = 0; i < 2; i++) {
		long long pid = file_value(files[i], "");

		if (pid > 0)
			return !kill(pid, SIGKILL) && soon(kill(pid, 0) && errno == ESRCH);
	}
	return false;
}

/* As long as one has memory that it has inherited, one is charged for it: and not for more. */
TEST_F(observe, what_is_inherited_is_always_somebodys)
{
	static void (*const ways[])(void) = { fork_twice_and_end, fork_two_and_end,
					      fork_into_a_job_and_end, fork_into_the_leaf_and_end };
	static const u64 left[] = { 1, 2, 1, 1 };

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 4; i++) {
		holder(ways[i]);
		EXPECT_TRUE(soon(observed(self->dev, self->group).spaces == left[i] &&
				 observed(self->dev, self->group).backed >= left[i] * 40 * MIB));
		EXPECT_TRUE(soon(group_limit(self->dev, self->group).charged >= 40 * MIB &&
				 group_limit(self->dev, self->group).charged < 48 * MIB));
		while (observed(self->dev, self->group).spaces) {
			EXPECT_GE(group_limit(self->dev, self->group).charged, 40 * MIB);
			EXPECT_LE(group_limit(self->dev, self->group).charged, 48 * MIB);
			ASSERT_TRUE(kill_one());
		}
		EXPECT_EQ(0, group_limit(self->dev, self->group).charged);
	}
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(observe, what_a_child_copies_is_in_the_way)
{
	struct prog p, q;

	if (access(CGROUPS GROUP "/memory.current", F_OK))
		return;
	p = prog_start(GROUP);
	EXPECT_EQ(1, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	/* At rest nothing is. */
	EXPECT_EQ(0, observed(self->dev, self->group).breached);
	EXPECT_EQ(1, prog_do(&p, 'M', 10 << 10));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_EQ(1, prog_do(&p, 't', 0));
	/*
	 * What was unmapped just now is on its way for some milliseconds: the lower figure counts.
	 * New pages may wait for the kernel's lists as well: dropping caches puts them there.
	 */
	EXPECT_TRUE(soon(write_text("/proc/sys/vm/drop_caches", "1") &&
			 observed(self->dev, self->group).breached >= 14 * MIB));
	EXPECT_LE(observed(self->dev, self->group).breached, 20 * MIB);
	EXPECT_LE(group_limit(self->dev, self->group).charged, 44 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'M', 64));
	EXPECT_GE(said(last_refusal(cg_id(self->group)), " backed="), 78 * MIB);
	/* What looks what is the matter can start. */
	q = prog_start(GROUP);
	EXPECT_EQ(1, prog_do(&q, 'M', 1024));
	EXPECT_EQ(0, prog_end(&q));
	EXPECT_EQ(1, prog_do(&p, 'u', 0));
	EXPECT_TRUE(soon(!observed(self->dev, self->group).breached));
	EXPECT_EQ(1, prog_do(&p, 'M', 10 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(observe, errors)
{
	struct memstate_observe w;

	EXPECT_EQ(-EINVAL, observe(self->dev, self->group, 16, 0, 0, NULL));
	EXPECT_EQ(-EINVAL, observe_set_trust(self->dev, self->group, 2));
	EXPECT_EQ(-EINVAL, observe(self->dev, self->group, MEMSTATE_OBSERVE_ON, 2, 0, NULL));
	EXPECT_EQ(-EINVAL, observe(self->dev, self->group, 0, 1, 0, NULL));
	EXPECT_EQ(-EINVAL, observe(self->dev, self->group, 0, 0, 100, NULL));
	EXPECT_EQ(-EINVAL, observe(self->dev, self->group, MEMSTATE_OBSERVE_OVERCOMMIT, 0, 99,
				   NULL));
	EXPECT_EQ(-EINVAL, observe(self->dev, self->group, MEMSTATE_OBSERVE_OVERCOMMIT, 0,
				   10001, NULL));
	EXPECT_EQ(-EBADF, observe(self->dev, -1, MEMSTATE_OBSERVE_ON, 1, 0, NULL));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_TASK };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_SYSTEM,
					.trust = 1 };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_SYSTEM,
					.fd = 1 };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_WATCHED,
					.set = MEMSTATE_OBSERVE_ON };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_SYSTEM,
					.commit_max = 1 };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_PROCESS,
					.fd = pidfd_of(getpid()), .set = MEMSTATE_OBSERVE_ON };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	close(w.fd);
	EXPECT_EQ(-EBADF, observe_one(self->dev, w.fd, &w));
	EXPECT_EQ(-EBADF, observe_one(self->dev, -1, &w));
	EXPECT_EQ(-EBADF, observe_one(self->dev, self->dev, &w));
	EXPECT_EQ(-EBADF, observe_one(self->dev, self->group, &w));
	w = (struct memstate_observe) { .size = 72, .scope = MEMSTATE_SCOPE_SYSTEM };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	w = (struct memstate_observe) { .size = sizeof(w), .scope = MEMSTATE_SCOPE_SYSTEM };
	EXPECT_EQ(0, dev_ioctl(self->dev, MEMSTATE_IOC_OBSERVE, &w));
	EXPECT_EQ(0, w.on);
	EXPECT_EQ(100, w.overcommit);
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
}

TEST_HARNESS_MAIN
