// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What records make of the ledger; the embedded range map is the oracle. */
#include "device.h"
#include "rangemap.h"
#include "harness.h"

/* The core's port wants one. */
void ms_warn(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, cond);
	abort();
}

#define BASE	0x100000000UL

FIXTURE(books) {
	struct dev d;
};

FIXTURE_SETUP(books)
{
	ASSERT_EQ(0, dev_open(&self->d, 1024));
}

FIXTURE_TEARDOWN(books)
{
	EXPECT_TRUE(books_are_consistent(&self->d));
	dev_close(&self->d);
}

static int put(struct dev *d, u64 page, u64 pages, u32 from, u32 to, u32 class_,
	       u32 flags)
{
	return dev_apply1(d, REC(BASE + page * PAGE, pages * PAGE, from, to, class_,
				 flags));
}

static struct memstate_range at(struct dev *d, u64 page)
{
	struct memstate_range r = {};
	struct memstate_ranges arg = { .size = sizeof(arg), .nr = 1,
				       .cursor = BASE + page * PAGE,
				       .ranges = (uintptr_t)&r };

	dev_ioctl(d->fd, MEMSTATE_IOC_RANGES, &arg);
	return arg.done && r.start <= BASE + page * PAGE ? r :
							    (struct memstate_range) {};
}

TEST_F(books, drift_is_applied_counted_once_and_named)
{
	ASSERT_EQ(0, put(&self->d, 0, 4, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(0, dev_totals(&self->d).drift);
	ASSERT_EQ(0, put(&self->d, 2, 4, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	EXPECT_EQ(1, dev_totals(&self->d).drift);
	EXPECT_EQ(4 * PAGE, dev_state(&self->d, MEMSTATE_PREPARED));
	ASSERT_EQ(0, put(&self->d, 0, 6, MEMSTATE_MAPPED, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(1, dev_totals(&self->d).drift);
	ASSERT_EQ(0, put(&self->d, 0, 7, MEMSTATE_MAPPED, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(2, dev_totals(&self->d).drift);
	ASSERT_EQ(0, put(&self->d, 0, 9, MEMSTATE_ANY, MEMSTATE_NONE, 0, 0));
	EXPECT_EQ(2, dev_totals(&self->d).drift);
}

TEST_F(books, only_leaves_the_rest_alone_and_is_no_drift)
{
	put(&self->d, 0, 2, MEMSTATE_NONE, MEMSTATE_READY, 0, 0);
	put(&self->d, 2, 2, MEMSTATE_NONE, MEMSTATE_RESERVED, 0, 0);
	put(&self->d, 0, 8, MEMSTATE_READY, MEMSTATE_PREPARED, 0,
	    MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
	EXPECT_EQ(2 * PAGE, dev_state(&self->d, MEMSTATE_PREPARED));
	EXPECT_EQ(2 * PAGE, dev_state(&self->d, MEMSTATE_RESERVED));
	EXPECT_EQ(0, at(&self->d, 4).state);
	EXPECT_EQ(0, dev_totals(&self->d).drift);
}

TEST_F(books, keep_changes_the_class_only)
{
	put(&self->d, 0, 2, MEMSTATE_NONE, MEMSTATE_READY, MEMSTATE_HEAP, 0);
	put(&self->d, 0, 4, MEMSTATE_MAPPED, MEMSTATE_KEEP, MEMSTATE_CODE,
	    MEMSTATE_ONLY);
	EXPECT_EQ(MEMSTATE_CODE, at(&self->d, 0).class_);
	EXPECT_EQ(MEMSTATE_READY, at(&self->d, 0).state);
	EXPECT_EQ(0, at(&self->d, 2).state);
	put(&self->d, 0, 1, MEMSTATE_MAPPED, MEMSTATE_KEEP_RO, 0,
	    MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
	EXPECT_EQ(MEMSTATE_RANGE_RO, at(&self->d, 0).flags);
	EXPECT_EQ(0, at(&self->d, 1).flags);
	put(&self->d, 0, 1, MEMSTATE_READY, MEMSTATE_READY, 0, MEMSTATE_KEEP_CLASS);
	EXPECT_EQ(0, at(&self->d, 0).flags);
	EXPECT_EQ(MEMSTATE_CODE, at(&self->d, 0).class_);
}

TEST_F(books, lazy_keeps_a_charge_and_never_makes_one)
{
	struct memstate_totals t;

	put(&self->d, 0, 4, MEMSTATE_NONE, MEMSTATE_READY, 0, 0);
	put(&self->d, 4, 4, MEMSTATE_NONE, MEMSTATE_RESERVED, 0, 0);
	put(&self->d, 0, 4, MEMSTATE_READY, MEMSTATE_PREPARED, 0, MEMSTATE_LAZY);
	put(&self->d, 2, 6, MEMSTATE_MAPPED, MEMSTATE_RESERVED, 0, MEMSTATE_LAZY);
	t = dev_totals(&self->d);
	EXPECT_EQ(2 * PAGE, t.prepared_lazy);
	EXPECT_EQ(2 * PAGE, t.reserved_lazy);
	EXPECT_EQ(4 * PAGE, t.ready_direct);
	EXPECT_EQ(6 * PAGE, ms_totals_state(&t, MEMSTATE_RESERVED));
	put(&self->d, 0, 8, MEMSTATE_RESERVED, MEMSTATE_RESERVED, 0,
	    MEMSTATE_ONLY | MEMSTATE_KEEP_CLASS);
	EXPECT_EQ(0, dev_totals(&self->d).reserved_lazy);
	EXPECT_EQ(2 * PAGE, dev_totals(&self->d).ready_direct);
}

TEST_F(books, ranges_that_touch_and_agree_are_one)
{
	put(&self->d, 0, 1, MEMSTATE_NONE, MEMSTATE_READY, 0, 0);
	put(&self->d, 2, 1, MEMSTATE_NONE, MEMSTATE_READY, 0, 0);
	EXPECT_EQ(2, dev_totals(&self->d).ranges);
	put(&self->d, 1, 1, MEMSTATE_NONE, MEMSTATE_READY, 0, 0);
	EXPECT_EQ(1, dev_totals(&self->d).ranges);
	EXPECT_EQ(BASE + 3 * PAGE, at(&self->d, 0).end);
}

static bool set_ranges_max(const char *value, char *old, size_t size)
{
	FILE *f = fopen("/sys/module/memstate/parameters/ranges_max", "r+");
	bool ok;

	if (!f)
		return false;
	ok = !old || fgets(old, (int)size, f);
	rewind(f);
	ok = ok && fputs(value, f) >= 0;
	return !fclose(f) && ok;
}

TEST_F(books, too_many_ranges_are_enospc_and_change_nothing)
{
	struct memstate_totals before, after;
	struct memstate_sync s;
	char old[32];

	for (u64 i = 0; i < 8; i++)
		ASSERT_EQ(0, put(&self->d, 2 * i, 1, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	ASSERT_TRUE(set_ranges_max("8", old, sizeof(old)));
	before = dev_totals(&self->d);
	EXPECT_EQ(-ENOSPC, put(&self->d, 100, 1, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(-ENOSPC, put(&self->d, 100, 1, MEMSTATE_ANY, MEMSTATE_PREPARED, 0,
			       MEMSTATE_LAZY));
	after = dev_totals(&self->d);
	EXPECT_EQ(before.rejected + 2, after.rejected);
	after.rejected = before.rejected;
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	/* What does not add a range, or takes one away, is taken. */
	EXPECT_EQ(0, put(&self->d, 1, 1, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(0, put(&self->d, 4, 1, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
	/* In the ring it is named, and what follows it is applied. */
	dev_post(&self->d, REC(BASE + 200 * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_READY,
			       0, 0));
	dev_post(&self->d, REC(BASE + 202 * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_READY,
			       0, 0));
	dev_post(&self->d, REC(BASE + 204 * PAGE, PAGE, MEMSTATE_NONE, MEMSTATE_READY,
			       0, 0));
	dev_post(&self->d, REC(BASE + 6 * PAGE, PAGE, MEMSTATE_READY, MEMSTATE_PREPARED,
			       0, 0));
	ASSERT_EQ(0, dev_sync(&self->d, &s));
	EXPECT_EQ(4, s.drained);
	EXPECT_EQ(1, s.rejected);
	EXPECT_EQ(ENOSPC, s.error);
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_PREPARED));
	ASSERT_TRUE(set_ranges_max(old, NULL, 0));
}

/* It has happened, but the bound holds: the books say so, and catch up. */
TEST_F(books, unmapping_beyond_the_bound_waits_for_room)
{
	struct pollfd p = { .fd = self->d.fd, .events = POLLPRI };
	char *mem = anon(16 * PAGE);
	struct memstate_totals t;
	char old[32];

	ASSERT_EQ(0, dev_apply1(&self->d, REC((uintptr_t)mem, 16 * PAGE, MEMSTATE_NONE,
					      MEMSTATE_READY, 0, 0)));
	ASSERT_TRUE(set_ranges_max("1", old, sizeof(old)));
	t = dev_totals(&self->d);
	EXPECT_EQ(0, poll(&p, 1, 0));
	munmap(mem + 8 * PAGE, PAGE);
	EXPECT_EQ(0, dev_sync(&self->d, NULL));
	EXPECT_EQ(1, poll(&p, 1, 0));
	t = dev_totals(&self->d);
	EXPECT_EQ(16 * PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ(1, t.ranges);
	EXPECT_EQ(1, t.rejected);
	/* Said once, and tried again only when there is room. */
	EXPECT_EQ(0, dev_sync(&self->d, NULL));
	t = dev_totals(&self->d);
	EXPECT_EQ(1, t.rejected);
	EXPECT_EQ(0, t.resyncs);
	/* What takes no range more is applied. */
	munmap(mem, PAGE);
	EXPECT_EQ(15 * PAGE, dev_state(&self->d, MEMSTATE_READY));
	ASSERT_TRUE(set_ranges_max(old, NULL, 0));
	t = dev_totals(&self->d);
	EXPECT_EQ(14 * PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ(2, t.ranges);
	EXPECT_EQ(1, t.rejected);
	EXPECT_EQ(1, t.resyncs);
}

/* As fast as one can, and more than the queue holds, too. */
TEST_F(books, unmappings_in_pieces_keep_to_the_bound_and_are_made_up_for)
{
	const u64 pages = 4096;
	char *mem = anon(pages * PAGE);
	struct memstate_totals t;
	u64 most = 0;
	char old[32];

	ASSERT_EQ(0, dev_apply1(&self->d, REC((uintptr_t)mem, pages * PAGE, MEMSTATE_NONE,
					      MEMSTATE_READY, 0, 0)));
	ASSERT_TRUE(set_ranges_max("64", old, sizeof(old)));
	for (u64 i = 1; i < pages - 1; i += 2) {
		munmap(mem + i * PAGE, PAGE);
		if (i % 100 == 99 && i < pages / 2) {
			ASSERT_EQ(0, dev_sync(&self->d, NULL));
			t = page_totals(self->d.page);
			most = t.ranges > most ? t.ranges : most;
		}
	}
	t = dev_totals(&self->d);
	most = t.ranges > most ? t.ranges : most;
	EXPECT_EQ(64, most);
	EXPECT_LT(0, t.rejected);
	/* Room that the task itself makes is used at once. */
	ASSERT_EQ(0, dev_apply1(&self->d, REC((uintptr_t)mem, 32 * PAGE, MEMSTATE_ANY,
					      MEMSTATE_NONE, 0, 0)));
	t = dev_totals(&self->d);
	EXPECT_EQ(64, t.ranges);
	ASSERT_TRUE(set_ranges_max(old, NULL, 0));
	t = dev_totals(&self->d);
	EXPECT_EQ((pages - 32) / 2 * PAGE + PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ((pages - 32) / 2, t.ranges);
	munmap(mem, pages * PAGE);
	EXPECT_EQ(0, dev_state(&self->d, MEMSTATE_READY));
}

/* ---- the oracle ---------------------------------------------------------------- */

#define SPAN	2048

static struct memstate_record random_record(u64 *seed)
{
	static const u8 froms[] = { 0, 1, 2, 3, MEMSTATE_MAPPED, MEMSTATE_ANY };
	u64 page = rnd(seed) % SPAN, pages = 1 + rnd(seed) % (rnd(seed) % 8 ? 8 : 256);
	u32 to = rnd(seed) % 6, flags = rnd(seed) % 8;

	if (page + pages > SPAN)
		pages = SPAN - page;
	if (to != MEMSTATE_RESERVED && to != MEMSTATE_PREPARED)
		flags &= ~MEMSTATE_LAZY;
	return REC(BASE + page * PAGE, pages * PAGE, froms[rnd(seed) % 6], to,
		   rnd(seed) % 8, flags);
}

/* Byte for byte: ranges and totals. */
static bool same(struct dev *d, const struct ms_rangemap *m,
		 const struct memstate_totals *t)
{
	struct memstate_totals k = dev_totals(d);
	uint32_t nr;
	struct memstate_range *list = dev_ranges(d->fd, &nr), r;
	bool ok = nr == m->nr;

	for (uint32_t i = 0; ok && i < nr; i++) {
		ms_rangemap_range(&m->ranges[i], &r);
		ok = !memcmp(&r, &list[i], sizeof(r));
	}
	free(list);
	k.tasks = t->tasks;
	k.charged = t->charged;
	return ok && !memcmp(&k, t, sizeof(k));
}

static bool oracle_run(struct dev *d, unsigned long n, bool by_ring)
{
	struct memstate_totals t = {};
	struct ms_rangemap m;
	struct ms_change chg;
	u64 seed = 0x2545f4914f6cdd1d;
	bool ok = true;

	ms_rangemap_init(&m, 65536);
	for (unsigned long i = 0; ok && i < n; i++) {
		struct memstate_record rec = random_record(&seed);

		ms_record_decode(&rec, PAGE, 1UL << 47, &chg);
		ms_rangemap_apply(&m, &chg, &t);
		if (by_ring)
			dev_post(d, rec);
		else if (dev_apply1(d, rec))
			ok = false;
		if (i % 8192 == 8191 || i < 64)
			ok = ok && same(d, &m, &t);
	}
	ok = ok && same(d, &m, &t);
	ms_rangemap_destroy(&m);
	return ok;
}

TEST_F(books, random_records_by_the_ring_give_what_the_sorted_array_gives)
{
	EXPECT_TRUE(oracle_run(&self->d, scaled(1000000), true));
}

TEST_F(books, random_records_by_the_ioctl_give_what_the_sorted_array_gives)
{
	EXPECT_TRUE(oracle_run(&self->d, scaled(100000), false));
}

TEST_HARNESS_MAIN
