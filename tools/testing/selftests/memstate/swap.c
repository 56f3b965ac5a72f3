// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory that is swapped out is somebody's all the same: seen, charged, in the way of more. */
#include <sys/swap.h>

#include "harness.h"
#include "prog.h"

#define GROUP	"ms-swap"
#define KIB	1024UL

/* As mkswap makes it, of a device of so many pages. */
static bool swap_header(const char *path, u32 pages)
{
	char page[PAGE] = {};
	u32 info[] = { 1, pages - 1, 0 };
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	memcpy(page + 1024, info, sizeof(info));
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	done = fd >= 0 && write(fd, page, PAGE) == PAGE && !fsync(fd);
	close(fd);
	return done;
}

/* A swap device in compressed memory, and an observed group with a limit of 64 MiB. */
FIXTURE(swap) {
	int dev;
	int group;
	int nr;
	char path[32];
};

FIXTURE_SETUP(swap)
{
	char name[64];

	ASSERT_EQ(0, system("modprobe zram 2>/dev/null; test -d /sys/class/zram-control"));
	self->nr = file_value("/sys/class/zram-control/hot_add", "");
	ASSERT_GE(self->nr, 0);
	snprintf(name, sizeof(name), "/sys/block/zram%d/disksize", self->nr);
	ASSERT_TRUE(write_text(name, "128M"));
	snprintf(self->path, sizeof(self->path), "/dev/zram%d", self->nr);
	ASSERT_TRUE(swap_header(self->path, 128 * MIB / PAGE));
	ASSERT_EQ(0, swapon(self->path, 0));

	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->dev, 0);
	ASSERT_TRUE(write_text(CGROUPS "cgroup.subtree_control", "+memory"));
	self->group = cg_make(GROUP);
	ASSERT_GE(self->group, 0);
	ASSERT_TRUE(can_observe(self->dev));
	ASSERT_EQ(0, limit_any(self->dev, self->group, 0, 64 * MIB));
}

FIXTURE_TEARDOWN(swap)
{
	char text[16];

	EXPECT_TRUE(soon(!group_limit(self->dev, self->group).charged));
	EXPECT_EQ(0, observed(self->dev, self->group).backed);
	close(self->group);
	close(self->dev);
	EXPECT_EQ(0, cg_remove(GROUP));
	EXPECT_EQ(0, swapoff(self->path));
	snprintf(text, sizeof(text), "%d", self->nr);
	EXPECT_TRUE(write_text("/sys/class/zram-control/hot_remove", text));
}

static u64 swapped(void)
{
	return file_value(CGROUPS GROUP "/memory.swap.current", "");
}

/* As much as the kernel can at once; the rest once more. */
static bool swap_out(u64 bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	return soon((write_text(CGROUPS GROUP "/memory.reclaim", text) || true) &&
		    swapped() >= bytes);
}

/* What is seen is what the program has by its smaps, in memory or not, and so is the charge. */
#define EXPECT_EXACT(self, p) do {					\
	struct memstate_observe now;					\
									\
	/* To read them takes some memory, once. */			\
	prog_do(p, 'b', 0);						\
	now = observed((self)->dev, (self)->group);			\
	EXPECT_EQ(prog_do(p, 'b', 0), now.backed);			\
	EXPECT_EQ(now.backed - now.inherited + now.pending,		\
		  group_limit((self)->dev, (self)->group).charged);	\
} while (0)

TEST_F(swap, what_is_swapped_out_is_backed_and_charged)
{
	struct prog p = prog_start(GROUP);
	u64 before;

	EXPECT_EQ(1, prog_do(&p, 'M', 32 * KIB));
	before = observed(self->dev, self->group).backed;
	EXPECT_GE(before, 32 * MIB);
	ASSERT_TRUE(swap_out(24 * MIB));
	EXPECT_EXACT(self, &p);
	EXPECT_GE(observed(self->dev, self->group).backed, before);
	EXPECT_GE(swapped(), 16 * MIB);

	/* It is in the way of more, though there is room in memory. */
	EXPECT_EQ(0, prog_do(&p, 'M', 34 * KIB));
	EXPECT_EQ(1, prog_do(&p, 'M', 16 * KIB));
	EXPECT_EXACT(self, &p);

	/* Back in memory it counts once. */
	EXPECT_EQ(1, prog_do(&p, 't', 0));
	EXPECT_EXACT(self, &p);
	EXPECT_LE(observed(self->dev, self->group).backed, before + 17 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'M', 34 * KIB));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(swap, what_is_given_back_while_it_is_swapped_out_makes_room)
{
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'M', 48 * KIB));
	ASSERT_TRUE(swap_out(40 * MIB));
	EXPECT_EQ(0, prog_do(&p, 'M', 32 * KIB));
	EXPECT_EQ(1, prog_do(&p, 'd', 0));
	EXPECT_EQ(1, prog_do(&p, 'M', 32 * KIB));
	EXPECT_EXACT(self, &p);
	EXPECT_EQ(0, prog_end(&p));
	/* The kernel keeps some slots at hand. */
	EXPECT_LE(swapped(), MIB);
}

TEST_F(swap, what_a_child_inherits_swapped_out_is_charged_once)
{
	struct memstate_observe w;
	struct prog p = prog_start(GROUP);

	EXPECT_EQ(1, prog_do(&p, 'M', 40 * KIB));
	ASSERT_TRUE(swap_out(32 * MIB));
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	w = observed(self->dev, self->group);
	EXPECT_EQ(2, w.spaces);
	EXPECT_GE(w.backed, 80 * MIB);
	EXPECT_GE(w.inherited, 39 * MIB);
	EXPECT_LE(group_limit(self->dev, self->group).charged, 44 * MIB);
	EXPECT_EQ(w.backed - w.inherited + w.pending,
		  group_limit(self->dev, self->group).charged);
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(swap, a_program_is_found_with_what_it_has_swapped_out)
{
	struct prog p;

	EXPECT_EQ(0, observe_group(self->dev, self->group, 0));
	p = prog_start(GROUP);
	EXPECT_EQ(1, prog_do(&p, 'M', 32 * KIB));
	EXPECT_EQ(0, observed(self->dev, self->group).spaces);
	ASSERT_TRUE(swap_out(24 * MIB));
	EXPECT_EQ(0, observe_group(self->dev, self->group, 1));
	EXPECT_TRUE(soon(observed(self->dev, self->group).spaces == 1));
	EXPECT_EXACT(self, &p);
	EXPECT_GE(group_limit(self->dev, self->group).charged, 32 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'M', 34 * KIB));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_HARNESS_MAIN
