// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Invariants while much goes on: prefixes, hostile tasks, births and deaths. */
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>

#include "device.h"
#include "harness.h"

#define THREADS	3
#define PAGES	64UL
#define BASE	0x200000000UL

FIXTURE(stress) {
	char unused;
};

FIXTURE_SETUP(stress)
{
}

FIXTURE_TEARDOWN(stress)
{
}

/* ---- prefix consistency ----------------------------------------------------- */

/* Half of the time that they take goes to who reads. */
#define MOVES	400000

/* And however few these are, there are reads beside them. */
#define READS	10

struct mover {
	struct dev *d;
	u64 base;
	unsigned long n;
	u64 seed;
	const unsigned long *reads;
};

/* Only ever moves bytes between states: the sum stays. */
static void *move(void *arg)
{
	struct mover *m = arg;

	for (unsigned long i = 0;
	     i < m->n || __atomic_load_n(m->reads, __ATOMIC_RELAXED) < READS; i++) {
		u64 page = rnd(&m->seed) % PAGES;
		u64 pages = 1 + rnd(&m->seed) % (PAGES - page);

		dev_post(m->d, REC(m->base + page * PAGE, pages * PAGE, MEMSTATE_MAPPED,
				   1 + rnd(&m->seed) % 3, rnd(&m->seed) % 8, 0));
	}
	return NULL;
}

/* A process that reads until @stop, a pipe, has no writer; it says what it saw. */
static pid_t reader(int fd, bool of_system, u64 sum, const int *stop)
{
	unsigned long reads = 0;
	pid_t pid = fork();
	char byte;

	if (pid)
		return pid;
	close(stop[1]);
	fcntl(stop[0], F_SETFL, O_NONBLOCK);
	while (read(stop[0], &byte, 1) != 0 || reads < 10) {
		struct memstate_totals t = fd_totals(fd, of_system ?
			MEMSTATE_SCOPE_SYSTEM : MEMSTATE_SCOPE_TASK);

		if (totals_all(&t) != sum)
			_exit(1);
		if (!of_system && ms_totals_charged(&t) != t.ready_direct)
			_exit(2);
		reads++;
		/* Leave the processors to those it reads about. */
		sched_yield();
	}
	_exit(0);
}

TEST_F(stress, every_snapshot_of_moves_between_states_has_the_same_sum)
{
	struct mover m[THREADS];
	pthread_t threads[THREADS];
	int stop[2], status;
	pid_t readers[2];
	u64 sum = THREADS * PAGES * PAGE;
	unsigned long reads = 0, bad = 0;
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 4096));
	for (int i = 0; i < THREADS; i++) {
		m[i] = (struct mover) { &d, BASE + 2 * i * PAGES * PAGE,
					scaled(MOVES) / THREADS, 77 + i, &reads };
		dev_post(&d, REC(m[i].base, PAGES * PAGE, MEMSTATE_NONE,
				 MEMSTATE_RESERVED, 0, 0));
	}
	ASSERT_EQ(sum, dev_state(&d, MEMSTATE_RESERVED));
	ASSERT_EQ(0, pipe(stop));
	readers[0] = reader(d.fd, false, sum, stop);
	readers[1] = reader(d.fd, true, sum, stop);
	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, move, &m[i]));
	/* Meanwhile from the mapped page, without a system call. */
	while (pthread_tryjoin_np(threads[0], NULL)) {
		struct memstate_totals t = page_totals(d.page);

		bad += totals_all(&t) != sum || ms_totals_charged(&t) != t.ready_direct;
		__atomic_store_n(&reads, reads + 1, __ATOMIC_RELAXED);
		if (reads % 64 == 0)
			sched_yield();
	}
	for (int i = 1; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, bad);
	EXPECT_LE(READS, reads);
	close(stop[1]);
	for (int i = 0; i < 2; i++) {
		waitpid(readers[i], &status, 0);
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, dev_totals(&d).drift);
	EXPECT_TRUE(books_are_consistent(&d));
	dev_close(&d);
}

/* ---- hostile ----------------------------------------------------------------- */

/*
 * Each with a transition behind it, which looks up to a hundred times whether what is claimed
 * has been published, and takes what is: at least 10 ms, in which two others are busy.
 */
#define SYNCS	500
#define GARBAGE	5000

struct scribbler {
	struct dev *d;
	bool stop;
};

/* Writes garbage over everything that is shared, head to tail. */
static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	u64 *words = (u64 *)s->d->ring.tail, seed = 4711;
	size_t n = s->d->setup.ring_bytes / sizeof(u64);
	u64 *slots = (u64 *)s->d->ring.slots;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		u32 head = ms_load32(s->d->ring.head);
		u64 i;

		for (i = 0; i < 64; i++)
			__atomic_store_n(&words[rnd(&seed) % n], rnd(&seed),
					 __ATOMIC_RELAXED);
		/* And sometimes what looks published: garbage that is taken. */
		for (i = 0; i < s->d->ring.entries / 2; i++) {
			u32 pos = head + i, slot = pos & (s->d->ring.entries - 1);

			ms_store64(&slots[2 * slot], rnd(&seed) << 12 ^ rnd(&seed));
			ms_store64(&slots[2 * slot + 1],
				   (rnd(&seed) & 0xffff) | (u64)pos << 32);
		}
		ms_store32(s->d->ring.tail, (u32)rnd(&seed));
	}
	return NULL;
}

/* An honest task beside it, whose figures must not move. */
static int honest(int ready, int go_on)
{
	struct dev d;
	char byte;

	if (dev_open(&d, 64))
		return 1;
	for (u64 i = 0; i < 100; i++)
		dev_post(&d, REC(BASE + 2 * i * PAGE, PAGE, MEMSTATE_NONE,
				 MEMSTATE_READY, 0, 0));
	if (write(ready, "r", 1) != 1)
		return 2;
	fcntl(go_on, F_SETFL, O_NONBLOCK);
	while (read(go_on, &byte, 1) != 0) {
		struct memstate_totals t;

		dev_post(&d, REC(BASE, PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
		dev_post(&d, REC(BASE, PAGE, MEMSTATE_PREPARED, MEMSTATE_READY, 0, 0));
		t = dev_totals(&d);
		if (ms_totals_state(&t, MEMSTATE_READY) != 100 * PAGE || t.drift ||
		    t.rejected || !books_are_consistent(&d))
			return 3;
	}
	return 0;
}

TEST_F(stress, hostile_task_neither_harms_its_books_nor_its_neighbour)
{
	struct scribbler s;
	int ready[2], go_on[2], status;
	struct memstate_sync sync;
	unsigned long taken = 0, syncs = 0, want = scaled(SYNCS);
	pthread_t thread;
	struct dev d;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go_on));
	child = fork();
	if (!child) {
		close(go_on[1]);
		_exit(honest(ready[1], go_on[0]));
	}
	close(go_on[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));

	ASSERT_EQ(0, dev_open(&d, 1024));
	s = (struct scribbler) { .d = &d };
	ASSERT_EQ(0, pthread_create(&thread, NULL, scribble, &s));
	/* Each of them has an end, whatever it finds; and it finds something, however few are asked for. */
	for (; syncs < want || taken <= GARBAGE; syncs++) {
		int ret = dev_sync(&d, &sync);

		ASSERT_TRUE(!ret || ret == -ENOMEM);
		if (!ret) {
			ASSERT_LE(sync.drained, 2 * d.ring.entries);
			ASSERT_LE(sync.pending, d.ring.entries);
			taken += sync.drained;
		}
		/* A transition works beside all that. */
		ASSERT_EQ(0, dev_apply1(&d, REC(BASE, PAGE, MEMSTATE_ANY,
						MEMSTATE_READY, 0, 0)));
		sched_yield();
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TH_LOG("%lu records of garbage taken by %lu SYNCs", taken, syncs);
	/* What looks published goes on being taken: one call, then compare. */
	EXPECT_TRUE(books_are_consistent(&d));
	dev_close(&d);

	close(go_on[1]);
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
}

/* ---- births and deaths ---------------------------------------------------------- */

/* @steps, shared: how many it has taken, and then all there could be. */
static void busy_child(u64 seed, unsigned long *steps)
{
	struct dev d;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dev_open(&d, 64 << (rnd(&seed) % 4)))
		_exit(1);
	for (;; __atomic_fetch_add(steps, 1, __ATOMIC_RELAXED)) {
		size_t bytes = (1 + rnd(&seed) % 16) * PAGE;
		char *mem = anon(bytes);

		dev_post(&d, REC((uintptr_t)mem, bytes, MEMSTATE_ANY,
				 1 + rnd(&seed) % 3, rnd(&seed) % 8, 0));
		if (rnd(&seed) % 4)
			munmap(mem, bytes);
		switch (rnd(&seed) % 64) {
		case 0:
			if (!fork())
				_exit(0);
			break;
		case 1:
			fd_totals(d.fd, MEMSTATE_SCOPE_SYSTEM);
			break;
		case 2:
			dev_close(&d);
			if (dev_open(&d, 0))
				_exit(2);
			break;
		case 3:
			__atomic_store_n(steps, ULONG_MAX, __ATOMIC_RELAXED);
			execl("/bin/true", "true", NULL);
			_exit(3);
		default:
			break;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

TEST_F(stress, births_and_deaths_leave_nothing)
{
	unsigned long rounds = scaled(400), *steps;
	pid_t children[6] = {};
	u64 seed = 99;

	steps = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)steps);
	for (unsigned long i = 0; i < rounds; i++) {
		int k = (int)(rnd(&seed) % 6);
		struct memstate_totals t;
		int fd;

		if (children[k]) {
			kill(children[k], SIGKILL);
			waitpid(children[k], NULL, 0);
		}
		steps[k] = 0;
		children[k] = fork();
		if (!children[k])
			busy_child(rnd(&seed) | 1, &steps[k]);
		fd = open(MEMSTATE_DEVICE, O_RDWR);
		t = fd_totals(fd, MEMSTATE_SCOPE_SYSTEM);
		close(fd);
		/* Nothing has gone below zero. */
		for (int s = 1; s <= 3; s++)
			ASSERT_LT(ms_totals_state(&t, s), 1UL << 50);
		ASSERT_LT(t.ready_direct, 1UL << 50);
		/* Some have only just begun, some have got far, when one of them is killed. */
		ASSERT_TRUE(soon(__atomic_load_n(&steps[k], __ATOMIC_RELAXED) >= i % 8));
	}
	for (int k = 0; k < 6; k++) {
		if (!children[k])
			continue;
		kill(children[k], SIGKILL);
		waitpid(children[k], NULL, 0);
	}
	ASSERT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, sysfs_value("reserved"));
	EXPECT_EQ(0, sysfs_value("prepared"));
	EXPECT_EQ(0, sysfs_value("ready"));
	EXPECT_EQ(0, sysfs_value("reserved_lazy"));
	EXPECT_EQ(0, sysfs_value("prepared_lazy"));
	EXPECT_EQ(0, sysfs_value("ready_direct"));
	EXPECT_EQ(0, sysfs_value("ranges"));
}

TEST_HARNESS_MAIN
