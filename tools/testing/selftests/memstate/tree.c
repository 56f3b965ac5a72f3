// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * I3 and I5 in a tree of three levels while tasks fork, die by SIGKILL, cheat, and
 * limits go up and down: a watcher that runs throughout never sees a charge above
 * what was allowed, not by one byte, and at the end everything is zero.
 */
#include "cgroup.h"
#include "harness.h"

#define BASE	0x500000000UL
#define LEAVES	4
#define TASKS	8

/* Looks at the tree, and how far the tasks get between two of them at the least. */
#define ROUNDS		4500
#define ROUNDS_MIN	500
#define STEPS		20

static const char *const leaves[LEAVES] = {
	"ms-tree/a/x", "ms-tree/a/y", "ms-tree/b/x", "ms-tree/b/y",
};

static const char *const inner[] = { "ms-tree", "ms-tree/a", "ms-tree/b" };

FIXTURE(tree) {
	int dev;
	int group[3 + LEAVES];
	pid_t task[TASKS];
};

/* How many steps the tasks have taken, all together. */
static unsigned long *steps;

FIXTURE_SETUP(tree)
{
	steps = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)steps);
	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		ASSERT_GE(self->group[i] = cg_make(inner[i]), 0);
	for (int i = 0; i < LEAVES; i++)
		ASSERT_GE(self->group[3 + i] = cg_make(leaves[i]), 0);
}

FIXTURE_TEARDOWN(tree)
{
	for (int i = 0; i < 3 + LEAVES; i++)
		close(self->group[i]);
	for (int i = 0; i < LEAVES; i++)
		EXPECT_EQ(0, cg_remove(leaves[i]));
	for (int i = 2; i >= 0; i--)
		EXPECT_EQ(0, cg_remove(inner[i]));
	close(self->dev);
	munmap(steps, PAGE);
}

/* ---- tasks ------------------------------------------------------------------------ */

static void step(void)
{
	__atomic_fetch_add(steps, 1, __ATOMIC_RELAXED);
}

static unsigned long taken(void)
{
	return __atomic_load_n(steps, __ATOMIC_RELAXED);
}

/*
 * Keeps to the protocol. A refusal must be true: the limit has no room for it, or
 * had none a moment ago.
 */
static void honest(const char *where, u64 seed)
{
	struct memstate_totals t;
	struct dev d;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!cg_enter(where) || dev_open_credit(&d, 128))
		_exit(1);
	for (;; step()) {
		u64 page = rnd(&seed) % 512, pages = 1 + rnd(&seed) % 64;
		u64 addr = BASE + page * PAGE, bytes = pages * PAGE;
		struct memstate_charge c;

		switch (rnd(&seed) % 8) {
		case 0:
		case 1:
		case 2:
			if (credit_take(&d, bytes) ||
			    !dev_charge(&d, bytes, 0, 0, &c)) {
				dev_post(&d, REC(addr, bytes, MEMSTATE_ANY,
						 MEMSTATE_READY, 0, 0));
			} else if (c.room >= bytes) {
				/*
				 * Asked again it must be granted, or be gone, except
				 * that others come and go between a refusal and the look
				 * at what room there is.
				 */
				int again = 0;

				while (dev_charge(&d, PAGE, 0, 0, &c) && c.room >= PAGE)
					if (++again == 50)
						_exit(3);
			}
			break;
		case 3:
			/* Over None a lazy one would arrive with a charge. */
			dev_post(&d, REC(addr, bytes, MEMSTATE_READY,
					 MEMSTATE_PREPARED, 0, MEMSTATE_ONLY |
					 (rnd(&seed) % 2 ? MEMSTATE_LAZY : 0)));
			break;
		case 4:
			dev_post(&d, REC(addr, bytes, MEMSTATE_ANY, MEMSTATE_NONE, 0, 0));
			break;
		case 5:
			if (rnd(&seed) % 16 == 0 && !fork())
				_exit(0);
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			break;
		case 6: {
			struct memstate_record rec = REC(addr, bytes, MEMSTATE_ANY,
							 MEMSTATE_READY, 0, 0);

			dev_apply(&d, &rec, 1, NULL);
			break;
		}
		default:
			t = dev_totals(&d);
			/* Nobody else takes part in these books. */
			if (t.breached || t.breaches || t.rejected ||
			    t.ready_direct > t.charged)
				_exit(4);
			break;
		}
	}
}

/* Writes what it likes to its credit word and its ring. */
static void hostile(const char *where, u64 seed)
{
	struct dev d;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!cg_enter(where) || dev_open_credit(&d, 128))
		_exit(1);
	for (;; step()) {
		u64 addr = BASE + rnd(&seed) % 512 * PAGE;

		switch (rnd(&seed) % 6) {
		case 0:
			__atomic_store_n(dev_credit(&d), rnd(&seed) << 20,
					 __ATOMIC_RELAXED);
			break;
		case 1:
			__atomic_store_n(dev_credit(&d), 0, __ATOMIC_RELAXED);
			break;
		case 2:
			dev_trim(&d);
			break;
		case 3:
			dev_charge(&d, (1 + rnd(&seed) % 16) * PAGE, 0, 0, NULL);
			break;
		default:
			dev_post(&d, REC(addr, (1 + rnd(&seed) % 64) * PAGE,
					 MEMSTATE_ANY, rnd(&seed) % 4, 0, 0));
			break;
		}
	}
}

static pid_t start(int i, u64 seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	seed = seed * 2654435761u | 1;
	if (i == 0)
		hostile(leaves[0], seed);
	honest(leaves[i % LEAVES], seed);
	_exit(99);
}

/* ---- the watcher -------------------------------------------------------------------- */

struct watched {
	int group;
	u64 allowed;
};

static bool breached_and_denied(int dev, int group)
{
	return group_totals(dev, group).breaches &&
	       group_limit(dev, group).events[MEMSTATE_EVENT_DENIED];
}

TEST_F(tree, charges_never_pass_max_whatever_happens)
{
	unsigned long rounds = scaled(ROUNDS) > ROUNDS_MIN ? scaled(ROUNDS) : ROUNDS_MIN;
	unsigned long samples = 0, bad = 0, kills = 0, changes = 0;
	struct watched w[3 + LEAVES];
	u64 seed = 12345, over = 0;
	struct memstate_totals t;
	int status;

	/* The top never changes: no excuse there. */
	for (int i = 0; i < 3 + LEAVES; i++) {
		w[i] = (struct watched) { self->group[i], i ? MIB : 3 * MIB / 2 };
		ASSERT_EQ(0, limit_max(self->dev, w[i].group, w[i].allowed));
	}
	ASSERT_EQ(0, limit_high(self->dev, w[1].group, MIB / 2));
	for (int i = 0; i < TASKS; i++)
		self->task[i] = start(i, i + 1);

	/* And then until enough has happened. */
	for (unsigned long round = 0; round < rounds ||
	     (!breached_and_denied(self->dev, self->group[0]) && round < 10 * ROUNDS); round++) {
		unsigned long before = taken();

		for (int i = 0; i < 3 + LEAVES; i++) {
			struct memstate_limit l = group_limit(self->dev, w[i].group);

			samples++;
			if (l.charged > w[i].allowed) {
				bad++;
				if (l.charged - w[i].allowed > over)
					over = l.charged - w[i].allowed;
			}
			/* What was charged before max was lowered may go down only. */
			if (l.charged > l.max) {
				if (l.charged < w[i].allowed)
					w[i].allowed = l.charged;
			} else {
				w[i].allowed = l.max;
			}
		}
		if (samples % 3 == 0) {
			int i = 1 + (int)(rnd(&seed) % (2 + LEAVES));
			u64 max = (16 + rnd(&seed) % 240) * PAGE;

			/* From the old limit on the new one: no more than the greater. */
			if (max > w[i].allowed)
				w[i].allowed = max;
			ASSERT_EQ(0, limit_max(self->dev, w[i].group, max));
			changes++;
		}
		if (samples % 11 == 0) {
			int i = (int)(rnd(&seed) % TASKS);

			kill(self->task[i], SIGKILL);
			waitpid(self->task[i], &status, 0);
			ASSERT_TRUE(WIFSIGNALED(status)) {
				TH_LOG("task %d ended by itself: %x", i, status);
			}
			self->task[i] = start(i, rnd(&seed));
			kills++;
		}
		ASSERT_TRUE(soon(taken() - before >= STEPS));
	}
	TH_LOG("%lu samples, %lu kills, %lu changes of limits, %llu bytes over", samples,
	       kills, changes, (unsigned long long)over);
	EXPECT_EQ(0, bad);
	EXPECT_EQ(0, over);
	EXPECT_GT(samples, 100);
	EXPECT_GT(kills, 3);
	EXPECT_TRUE(breached_and_denied(self->dev, self->group[0]));

	for (int i = 0; i < TASKS; i++) {
		kill(self->task[i], SIGKILL);
		waitpid(self->task[i], &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status)) {
			TH_LOG("task %d ended by itself: %x", i, status);
		}
	}
	ASSERT_TRUE(wait_for_tasks(0));
	for (int i = 0; i < 3 + LEAVES; i++) {
		t = group_totals(self->dev, self->group[i]);
		EXPECT_EQ(0, totals_all(&t));
		EXPECT_EQ(0, t.charged);
		EXPECT_EQ(0, t.ready_direct);
		EXPECT_EQ(0, t.inherited);
		EXPECT_EQ(0, t.breached);
		EXPECT_EQ(0, t.ranges);
		EXPECT_EQ(0, t.tasks);
	}
}

/* ---- a hostile sibling ---------------------------------------------------------------- */

TEST_F(tree, hostile_task_cannot_make_a_sibling_be_refused_while_there_is_room)
{
	unsigned long n = scaled(20000);
	unsigned long refused = 0;
	pid_t enemy;
	struct dev d;

	/* Two leaves share a group that has room for what both are allowed. */
	ASSERT_EQ(0, limit_max(self->dev, self->group[1], 2 * MIB));
	ASSERT_EQ(0, limit_max(self->dev, self->group[3], MIB));
	enemy = fork();
	if (!enemy)
		hostile(leaves[0], 4242);
	ASSERT_TRUE(soon(group_totals(self->dev, self->group[3]).breaches));
	ASSERT_TRUE(cg_enter(leaves[1]));
	close(self->dev);
	ASSERT_EQ(0, dev_open_credit(&d, 128));
	for (unsigned long i = 0; i < n; i++) {
		struct memstate_charge c;
		u64 seed = i + 1, bytes = (1 + rnd(&seed) % 255) * PAGE;

		/* A whole megabyte is its own, whatever the other does. */
		if (dev_charge(&d, bytes, 0, 0, &c)) {
			refused++;
			continue;
		}
		dev_post(&d, REC(BASE, bytes, MEMSTATE_NONE, MEMSTATE_READY, 0, 0));
		dev_post(&d, REC(BASE, bytes, MEMSTATE_READY, MEMSTATE_NONE, 0, 0));
		if (i % 16 == 0)
			dev_trim(&d);
	}
	EXPECT_EQ(0, refused);
	EXPECT_GT(group_totals(d.fd, self->group[3]).breaches, 0);
	EXPECT_LE(group_limit(d.fd, self->group[3]).peak, MIB);
	EXPECT_EQ(0, dev_totals(&d).breaches);
	kill(enemy, SIGKILL);
	EXPECT_TRUE(WIFSIGNALED(join(enemy)));
	dev_close(&d);
	ASSERT_TRUE(cg_enter("."));
	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
}

/* ---- at rest: I4, I5 ------------------------------------------------------------------ */

TEST_F(tree, at_rest_direct_and_consistent_agree_and_sums_add_up)
{
	int ready[2], go[2], done[2];
	u64 sum = 0, charged = 0;
	struct memstate_totals t;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(done));
	for (int i = 0; i < TASKS; i++) {
		u64 seed = i + 77, n = scaled(20000);
		struct dev d;

		self->task[i] = cg_child(leaves[i % LEAVES]);
		if (self->task[i])
			continue;
		close(go[1]);
		if (dev_open_credit(&d, 128))
			_exit(1);
		for (u64 k = 0; k < n; k++) {
			u64 addr = BASE + rnd(&seed) % 512 * PAGE;
			u64 bytes = (1 + rnd(&seed) % 64) * PAGE;

			if (rnd(&seed) % 2)
				dev_ready(&d, addr, bytes);
			else
				dev_post(&d, REC(addr, bytes, MEMSTATE_ANY,
						 rnd(&seed) % 3, 0, 0));
		}
		if (!charge_is_exact(&d) || !books_are_consistent(&d))
			_exit(2);
		t = dev_totals(&d);
		if (write(done[1], &t, sizeof(t)) != sizeof(t) ||
		    write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 0)
			_exit(3);
		/* What others took back in the meantime came out of the word. */
		_exit(charge_is_exact(&d) ? 0 : 4);
	}
	close(go[0]);
	close(done[1]);
	for (int i = 0; i < TASKS; i++) {
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		ASSERT_EQ(sizeof(t), read(done[0], &t, sizeof(t)));
		sum += t.ready_direct;
		charged += t.charged;
	}
	t = group_totals(self->dev, self->group[0]);
	EXPECT_EQ(sum, t.ready_direct);
	EXPECT_EQ(sum, ms_totals_charged(&t));
	EXPECT_EQ(charged, t.charged);
	EXPECT_EQ(charged, group_totals(self->dev, self->group[1]).charged +
			   group_totals(self->dev, self->group[2]).charged);
	close(go[1]);
	for (int i = 0; i < TASKS; i++)
		EXPECT_EQ(0, join(self->task[i]));
	ASSERT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, group_totals(self->dev, self->group[0]).charged);
}

TEST_HARNESS_MAIN
