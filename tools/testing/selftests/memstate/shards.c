// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Statistics shards: what is written is read, whole or not at all, by whomever; and
 * an owner that does what it likes harms nobody but its own figures.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/resource.h>

#include <memstate.h>

#include "cgroup.h"
#include "harness.h"

#define NR	8
#define RW	(PROT_READ | PROT_WRITE)

/* How often a read may give way to writers: it does so four times, whatever they do. */
#define NAPS	8

struct region {
	struct dev d;
	struct memstate_shards setup;
	struct memstate_alloc_shard *shards;
	const u32 *gen;
};

static int make_shards(int fd, u32 nr, struct memstate_shards *s)
{
	*s = (struct memstate_shards) { .size = sizeof(*s), .nr_shards = nr };
	return dev_ioctl(fd, MEMSTATE_IOC_SHARDS, s);
}

static int region_open(struct region *r, u32 nr)
{
	int ret = dev_open(&r->d, 64);

	if (!ret)
		ret = make_shards(r->d.fd, nr, &r->setup);
	if (ret)
		return ret;
	r->shards = mmap(NULL, r->setup.shards_bytes, RW, MAP_SHARED, r->d.fd,
			 MEMSTATE_OFF_SHARDS);
	r->gen = &r->d.page->alloc_gen;
	return r->shards == MAP_FAILED ? -errno : 0;
}

static void region_close(struct region *r)
{
	munmap(r->shards, r->setup.shards_bytes);
	dev_close(&r->d);
}

static int alloc_scope(int fd, u32 scope, int cgroup, struct memstate_alloc *a)
{
	*a = (struct memstate_alloc) { .size = sizeof(*a), .scope = scope, .fd = cgroup };
	return dev_ioctl(fd, MEMSTATE_IOC_ALLOC, a);
}

static struct memstate_alloc alloc_get(int fd, u32 scope)
{
	struct memstate_alloc a;

	if (alloc_scope(fd, scope, 0, &a))
		memset(&a, 0xff, sizeof(a));
	return a;
}

static struct memstate_alloc alloc_of(int fd)
{
	return alloc_get(fd, MEMSTATE_SCOPE_TASK);
}

static bool all_zero(const struct memstate_alloc *a)
{
	u64 sum = a->nr_shards | a->flags;

	for (int i = 0; i < MEMSTATE_ALLOC_COUNTERS; i++)
		sum |= a->counters[i];
	return !sum;
}

static void count(struct region *r, u32 shard, u32 counter, u64 delta)
{
	uint64_t *set = memstate_shard_enter(&r->shards[shard], r->gen);

	memstate_shard_add(set, counter, delta);
	memstate_shard_exit(&r->shards[shard]);
}

/* How often this thread has gone to sleep by itself. */
static long naps(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

static int try_mmap(int fd, size_t bytes, int prot, int flags, off_t offset)
{
	void *p = mmap(NULL, bytes, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, bytes);
	return 0;
}

FIXTURE(shards) {
	struct region r;
};

FIXTURE_SETUP(shards)
{
	ASSERT_EQ(0, region_open(&self->r, NR));
}

FIXTURE_TEARDOWN(shards)
{
}

/* ---- what may be asked for --------------------------------------------------- */

TEST_F(shards, are_made_once_and_tell_their_geometry)
{
	struct memstate_shards s;

	EXPECT_EQ(NR, self->r.setup.nr_shards);
	EXPECT_EQ(640, self->r.setup.shard_bytes);
	EXPECT_EQ(2 * PAGE, self->r.setup.shards_bytes);
	EXPECT_EQ(0, make_shards(self->r.d.fd, NR, &s));
	EXPECT_EQ(0, make_shards(self->r.d.fd, 0, &s));
	EXPECT_EQ(NR, s.nr_shards);
	EXPECT_EQ(sizeof(s), s.size);
	EXPECT_EQ(-EEXIST, make_shards(self->r.d.fd, NR + 1, &s));
	EXPECT_EQ(-EEXIST, make_shards(self->r.d.fd, NR - 1, &s));
}

TEST(shards_have_a_default_and_a_bound)
{
	struct memstate_query q = { .size = sizeof(q) };
	struct memstate_shards s;
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	ASSERT_EQ(0, dev_ioctl(d.fd, MEMSTATE_IOC_QUERY, &q));
	EXPECT_EQ(256, q.shards_max);
	EXPECT_EQ(-EINVAL, make_shards(d.fd, q.shards_max + 1, &s));
	EXPECT_EQ(-EINVAL, make_shards(d.fd, ~0u, &s));
	EXPECT_EQ(0, make_shards(d.fd, 0, &s));
	EXPECT_EQ(64, s.nr_shards);
	EXPECT_EQ(64 * 640, s.shards_bytes);
	dev_close(&d);
	ASSERT_TRUE(wait_for_tasks(0));
	ASSERT_EQ(0, dev_open(&d, 64));
	EXPECT_EQ(0, make_shards(d.fd, q.shards_max, &s));
	EXPECT_EQ(q.shards_max, s.nr_shards);
	EXPECT_EQ(0, try_mmap(d.fd, s.shards_bytes, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	dev_close(&d);
}

TEST(shards_without_a_ring_are_enxio)
{
	struct memstate_shards s;
	int fd = open(MEMSTATE_DEVICE, O_RDWR);

	EXPECT_EQ(-ENXIO, make_shards(fd, 0, &s));
	EXPECT_EQ(-ENXIO, try_mmap(fd, PAGE, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	close(fd);
}

TEST(mmap_before_there_are_shards_is_enxio)
{
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	EXPECT_EQ(-ENXIO, try_mmap(d.fd, PAGE, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	dev_close(&d);
}

TEST_F(shards, mmap_takes_whole_shared_mappings_only)
{
	size_t bytes = self->r.setup.shards_bytes;
	int fd = self->r.d.fd;

	EXPECT_EQ(0, try_mmap(fd, bytes, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	EXPECT_EQ(0, try_mmap(fd, bytes, PROT_READ, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	EXPECT_EQ(-EINVAL, try_mmap(fd, bytes - PAGE, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	EXPECT_EQ(-EINVAL, try_mmap(fd, bytes + PAGE, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS));
	EXPECT_EQ(-EINVAL, try_mmap(fd, bytes, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS + PAGE));
	EXPECT_EQ(-EINVAL, try_mmap(fd, bytes, RW, MAP_SHARED, MEMSTATE_OFF_SHARDS - PAGE));
	EXPECT_EQ(-EINVAL, try_mmap(fd, bytes, RW, MAP_PRIVATE, MEMSTATE_OFF_SHARDS));
	EXPECT_EQ(-EINVAL, try_mmap(fd, bytes, RW | PROT_EXEC, MAP_SHARED,
				    MEMSTATE_OFF_SHARDS));
	EXPECT_EQ(-1, mprotect(self->r.shards, bytes, RW | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(shards, can_be_neither_split_nor_moved)
{
	char *at = (char *)self->r.shards;
	size_t bytes = self->r.setup.shards_bytes;

	EXPECT_EQ(-1, munmap(at + PAGE, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				     anon(bytes)));
	EXPECT_EQ(MAP_FAILED, mremap(at, bytes, bytes + PAGE, MREMAP_MAYMOVE));
	count(&self->r, NR - 1, MEMSTATE_ALLOC_COUNT, 1);
	EXPECT_EQ(1, alloc_of(self->r.d.fd).counters[MEMSTATE_ALLOC_COUNT]);
}

TEST_F(shards, alloc_says_what_is_wrong)
{
	int fd = self->r.d.fd;
	struct memstate_alloc a;

	EXPECT_EQ(0, alloc_scope(fd, MEMSTATE_SCOPE_TASK, 0, &a));
	EXPECT_EQ(0, alloc_scope(fd, MEMSTATE_SCOPE_SYSTEM, 0, &a));
	EXPECT_EQ(0, alloc_scope(fd, MEMSTATE_SCOPE_OWN_GROUP, 0, &a));
	EXPECT_EQ(0, alloc_scope(fd, MEMSTATE_SCOPE_WATCHED, 0, &a));
	EXPECT_EQ(-EINVAL, alloc_scope(fd, 5, 0, &a));
	EXPECT_EQ(-EINVAL, alloc_scope(fd, MEMSTATE_SCOPE_TASK, 1, &a));
	EXPECT_EQ(-EBADF, alloc_scope(fd, MEMSTATE_SCOPE_GROUP, -1, &a));
	EXPECT_EQ(-EBADF, alloc_scope(fd, MEMSTATE_SCOPE_GROUP, fd, &a));
	a = (struct memstate_alloc) { .size = sizeof(a), .__reserved = 1 };
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_ALLOC, &a));
	a = (struct memstate_alloc) { .size = sizeof(a), .flags = MEMSTATE_ALLOC_STALE };
	EXPECT_EQ(-EINVAL, dev_ioctl(fd, MEMSTATE_IOC_ALLOC, &a));
	a = (struct memstate_alloc) { .size = sizeof(a), .nr_shards = 77,
				      .counters = { 77 } };
	EXPECT_EQ(0, dev_ioctl(fd, MEMSTATE_IOC_ALLOC, &a));
	EXPECT_EQ(NR, a.nr_shards);
	EXPECT_EQ(0, a.counters[0]);
}

/* ---- what is written is read ---------------------------------------------------- */

TEST(task_without_shards_reads_as_zeros)
{
	struct memstate_alloc a;
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	a = alloc_of(d.fd);
	EXPECT_TRUE(all_zero(&a));
	EXPECT_EQ(sizeof(a), a.size);
	dev_close(&d);
}

TEST_F(shards, sums_are_exact_through_the_generations)
{
	struct memstate_alloc a;

	for (u32 i = 0; i < 12; i++) {
		EXPECT_EQ(i % 3, *self->r.gen);
		for (u32 s = 0; s < NR; s++)
			for (u32 c = 0; c < MEMSTATE_ALLOC_COUNTERS; c++)
				count(&self->r, s, c, (s + 1) * (c + 1));
		a = alloc_of(self->r.d.fd);
		EXPECT_EQ(0, a.flags);
		EXPECT_EQ(NR, a.nr_shards);
		for (u32 c = 0; c < MEMSTATE_ALLOC_COUNTERS; c++)
			EXPECT_EQ((i + 1) * (c + 1) * NR * (NR + 1) / 2, a.counters[c]);
	}
	/* Nobody writes: nothing moves. */
	for (int i = 0; i < 5; i++) {
		struct memstate_alloc b = alloc_of(self->r.d.fd);

		EXPECT_EQ(0, memcmp(&a, &b, sizeof(a)));
	}
	/* What falls wraps, in another shard. */
	count(&self->r, 0, MEMSTATE_IDLE_BYTES, -a.counters[MEMSTATE_IDLE_BYTES]);
	EXPECT_EQ(0, alloc_of(self->r.d.fd).counters[MEMSTATE_IDLE_BYTES]);
}

TEST_F(shards, file_shows_what_the_ioctl_shows)
{
	static const struct {
		u32 counter;
		const char *name;
	} files[] = {
		{ MEMSTATE_ALLOC_BYTES, "alloc_allocated_bytes" },
		{ MEMSTATE_ALLOC_COUNT, "alloc_allocated_count" },
		{ MEMSTATE_FREE_BYTES, "alloc_freed_bytes" },
		{ MEMSTATE_FREE_COUNT, "alloc_freed_count" },
		{ MEMSTATE_IDLE_BYTES, "alloc_idle_bytes" },
		{ MEMSTATE_SLAB_BYTES, "alloc_slab_bytes" },
	};

	for (u32 i = 0; i < 6; i++)
		count(&self->r, i, files[i].counter, 1000 - 100 * i);
	for (u32 i = 0; i < 6; i++)
		EXPECT_EQ(1000 - 100 * i, books_value(&self->r.d, files[i].name));
	EXPECT_EQ(200, books_value(&self->r.d, "alloc_data_bytes"));
	EXPECT_EQ(NR, books_value(&self->r.d, "alloc_nr_shards"));
	region_close(&self->r);
}

/* ---- several writers, readers inside and outside ---------------------------------- */

#define WRITERS	3
#define READERS	2

static struct region shared;
static u32 stop, reading;
static unsigned long written[WRITERS];

/* Pairs that must agree: 0 with 2, 1 with 3, and all of them with each other. */
static void *pair_writer(void *arg)
{
	u32 me = (u32)(uintptr_t)arg;
	unsigned long i;

	for (i = 0; __atomic_load_n(&reading, __ATOMIC_ACQUIRE); i++) {
		struct memstate_alloc_shard *shard = &shared.shards[me];
		uint64_t *set = memstate_shard_enter(shard, shared.gen);

		memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, i);
		memstate_shard_add(set, MEMSTATE_ALLOC_COUNT, 1);
		memstate_shard_add(set, MEMSTATE_IN_USE + MEMSTATE_HEAP, 3 * i);
		memstate_shard_add(set, MEMSTATE_FREE_COUNT, 1);
		memstate_shard_add(set, MEMSTATE_FREE_BYTES, i);
		memstate_shard_exit(shard);
	}
	written[me] = i;
	return NULL;
}

struct seen {
	u32 reads, stale, torn, backwards;
};

/* Also what is stale is whole. */
static void look(int fd, u32 scope, u64 *last, struct seen *seen)
{
	struct memstate_alloc a = alloc_get(fd, scope);

	seen->reads++;
	seen->stale += a.flags & MEMSTATE_ALLOC_STALE;
	seen->torn += a.counters[MEMSTATE_ALLOC_BYTES] != a.counters[MEMSTATE_FREE_BYTES] ||
		      a.counters[MEMSTATE_ALLOC_COUNT] != a.counters[MEMSTATE_FREE_COUNT] ||
		      a.counters[MEMSTATE_IN_USE] != 3 * a.counters[MEMSTATE_ALLOC_BYTES] ||
		      a.nr_shards != NR;
	seen->backwards += a.counters[MEMSTATE_ALLOC_COUNT] < *last;
	*last = a.counters[MEMSTATE_ALLOC_COUNT];
}

static void *pair_reader(void *arg)
{
	struct seen *seen = arg;
	unsigned long n = scaled(5000);
	u64 last = 0;

	while (seen->reads < n)
		look(shared.d.fd, seen->reads % 2 ? MEMSTATE_SCOPE_SYSTEM :
						    MEMSTATE_SCOPE_TASK, &last, seen);
	__atomic_fetch_sub(&reading, 1, __ATOMIC_RELEASE);
	return NULL;
}

FIXTURE(threads) {
	char unused;
};

FIXTURE_SETUP(threads)
{
}

FIXTURE_TEARDOWN(threads)
{
}

TEST_F(threads, readers_inside_and_outside_see_whole_writes_only)
{
	struct seen seen[READERS] = {}, outside = {};
	pthread_t t[WRITERS + READERS];
	u64 count = 0, bytes = 0;
	struct memstate_alloc a;
	int result[2], go[2];
	pid_t child;

	ASSERT_EQ(0, pipe(result));
	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, region_open(&shared, NR));
	child = fork();
	if (!child) {
		struct pollfd end = { .fd = go[0] };
		u64 last = 0;

		close(go[1]);
		/* One that begins when the writers have ended is not stale. */
		do
			look(shared.d.fd, MEMSTATE_SCOPE_TASK, &last, &outside);
		while (!poll(&end, 1, 0) || outside.reads == outside.stale);
		_exit(write(result[1], &outside, sizeof(outside)) != sizeof(outside));
	}
	reading = READERS;
	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&t[i], NULL, pair_writer, (void *)i);
	for (int i = 0; i < READERS; i++)
		pthread_create(&t[WRITERS + i], NULL, pair_reader, &seen[i]);
	for (int i = 0; i < WRITERS + READERS; i++)
		pthread_join(t[i], NULL);
	close(go[1]);
	ASSERT_EQ(sizeof(outside), read(result[0], &outside, sizeof(outside)));
	EXPECT_EQ(0, join(child));
	TH_LOG("%u, %u and %u reads, of them stale %u, %u and %u", seen[0].reads,
	       seen[1].reads, outside.reads, seen[0].stale, seen[1].stale, outside.stale);
	EXPECT_EQ(0, seen[0].torn + seen[1].torn + outside.torn);
	EXPECT_EQ(0, seen[0].backwards + seen[1].backwards + outside.backwards);
	EXPECT_GT(outside.reads, outside.stale);
	a = alloc_of(shared.d.fd);
	EXPECT_EQ(0, a.flags);
	for (int i = 0; i < WRITERS; i++) {
		count += written[i];
		bytes += (u64)written[i] * (written[i] - 1) / 2;
	}
	EXPECT_EQ(count, a.counters[MEMSTATE_ALLOC_COUNT]);
	EXPECT_EQ(bytes, a.counters[MEMSTATE_ALLOC_BYTES]);
	region_close(&shared);
}

/* ---- owners that do what they like -------------------------------------------------- */

TEST_F(shards, write_without_end_makes_reads_stale_and_not_long)
{
	int fd = self->r.d.fd;
	struct memstate_alloc a;
	uint64_t *set;

	count(&self->r, 2, MEMSTATE_ALLOC_BYTES, 100);
	EXPECT_EQ(100, alloc_of(fd).counters[MEMSTATE_ALLOC_BYTES]);
	set = memstate_shard_enter(&self->r.shards[5], self->r.gen);
	memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, 7);
	count(&self->r, 2, MEMSTATE_ALLOC_BYTES, 1000);
	for (int i = 0; i < 50; i++) {
		long before = naps();

		a = alloc_of(fd);
		EXPECT_LE(naps() - before, NAPS);
		EXPECT_EQ(MEMSTATE_ALLOC_STALE, a.flags);
		EXPECT_EQ(NR, a.nr_shards);
		EXPECT_EQ(100, a.counters[MEMSTATE_ALLOC_BYTES]);
		/* Others go on all the same. */
		count(&self->r, 2, MEMSTATE_ALLOC_BYTES, 1);
	}
	EXPECT_EQ(100, books_value(&self->r.d, "alloc_allocated_bytes"));
	memstate_shard_exit(&self->r.shards[5]);
	a = alloc_of(fd);
	EXPECT_EQ(0, a.flags);
	EXPECT_EQ(1157, a.counters[MEMSTATE_ALLOC_BYTES]);
}

/* What somebody does beside the reader has been done so often. */
static unsigned long rounds;

static bool next_round(void)
{
	__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	return !__atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void *flipper(void *arg)
{
	struct memstate_alloc_shard *shard = arg;

	while (next_round())
		__atomic_store_n(&shard->seq, shard->seq ^ 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Everything that the owner can write, without any order. */
static void *scribbler(void *arg)
{
	volatile u64 *word = arg;
	u64 seed = 88172645463325252;

	while (next_round())
		word[rnd(&seed) % (NR * 640 / 8)] = rnd(&seed) << 11;
	return NULL;
}

static long read_beside(struct region *r, void *(*fn)(void *), void *arg)
{
	unsigned long n = scaled(20000);
	long failed = 0, before;
	unsigned long i = 0;
	pthread_t thread;

	stop = 0;
	rounds = 0;
	pthread_create(&thread, NULL, fn, arg);
	before = naps();
	/* The other one may come late: it has to be there, and to have done it. */
	for (; i < n || __atomic_load_n(&rounds, __ATOMIC_RELAXED) < 2; i++) {
		struct memstate_alloc a;

		failed += alloc_scope(r->d.fd, i % 2 ? MEMSTATE_SCOPE_TASK :
						       MEMSTATE_SCOPE_SYSTEM, 0, &a) != 0;
	}
	failed += naps() - before > (long)i * NAPS;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return failed;
}

TEST_F(shards, sequence_that_flips_all_the_time_stops_nobody)
{
	struct memstate_alloc a;

	count(&self->r, 1, MEMSTATE_ALLOC_BYTES, 100);
	EXPECT_EQ(0, read_beside(&self->r, flipper, &self->r.shards[0]));
	self->r.shards[0].seq = 0;
	a = alloc_of(self->r.d.fd);
	EXPECT_EQ(0, a.flags);
	EXPECT_EQ(100, a.counters[MEMSTATE_ALLOC_BYTES]);
}

TEST_F(shards, garbage_makes_ones_own_figures_wrong_and_nothing_else)
{
	struct memstate_totals before = dev_totals(&self->r.d), after;
	struct memstate_alloc a, b;

	EXPECT_EQ(0, read_beside(&self->r, scribbler, self->r.shards));
	memset(self->r.shards, 0xff, self->r.setup.shards_bytes);
	EXPECT_EQ(MEMSTATE_ALLOC_STALE, alloc_of(self->r.d.fd).flags);
	memset(self->r.shards, 0, self->r.setup.shards_bytes);
	a = alloc_of(self->r.d.fd);
	EXPECT_EQ(0, a.flags);
	EXPECT_EQ(NR, a.nr_shards);
	count(&self->r, 0, MEMSTATE_ALLOC_COUNT, 1);
	b = alloc_of(self->r.d.fd);
	EXPECT_EQ(a.counters[MEMSTATE_ALLOC_COUNT] + 1, b.counters[MEMSTATE_ALLOC_COUNT]);
	after = dev_totals(&self->r.d);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_TRUE(books_are_consistent(&self->r.d));
}

static void *remapper(void *arg)
{
	struct region *r = arg;

	while (next_round()) {
		munmap(r->shards, r->setup.shards_bytes);
		r->shards = mmap(NULL, r->setup.shards_bytes, RW, MAP_SHARED, r->d.fd,
				 MEMSTATE_OFF_SHARDS);
		if (r->shards == MAP_FAILED)
			abort();
		count(r, 0, MEMSTATE_ALLOC_COUNT, 1);
	}
	return NULL;
}

TEST_F(shards, can_be_unmapped_while_they_are_read_and_mapped_again)
{
	struct memstate_alloc a;

	count(&self->r, 1, MEMSTATE_ALLOC_BYTES, 100);
	EXPECT_EQ(0, read_beside(&self->r, remapper, &self->r));
	munmap(self->r.shards, self->r.setup.shards_bytes);
	a = alloc_of(self->r.d.fd);
	EXPECT_EQ(0, a.flags);
	EXPECT_EQ(100, a.counters[MEMSTATE_ALLOC_BYTES]);
	EXPECT_GT(a.counters[MEMSTATE_ALLOC_COUNT], 0);
}

/* ---- birth and death ---------------------------------------------------------------- */

/* A child that counts @n, says so, and waits to be told to end. */
struct counter {
	pid_t pid;
	int fd;
	int talk;
};

static struct counter counter_start(const char *cgroup, u64 n, bool exec, bool stuck)
{
	struct counter c = { .fd = -1 };
	int ready[2], go[2], number = -1;

	if (pipe(ready) || pipe(go))
		abort();
	c.pid = cgroup ? cg_child(cgroup) : fork();
	if (!c.pid) {
		struct region r;
		char byte;

		close(go[1]);
		if (region_open(&r, NR))
			_exit(1);
		count(&r, 3, MEMSTATE_ALLOC_BYTES, n);
		alloc_of(r.d.fd);
		if (stuck)
			memstate_shard_enter(&r.shards[0], r.gen);
		if (write(ready[1], &r.d.fd, sizeof(int)) != sizeof(int) ||
		    read(go[0], &byte, 1) != 1)
			_exit(2);
		if (exec)
			execl("/bin/sleep", "sleep", "infinity", NULL);
		_exit(exec);
	}
	close(ready[1]);
	close(go[0]);
	if (read(ready[0], &number, sizeof(number)) == sizeof(number)) {
		long pidfd = syscall(SYS_pidfd_open, c.pid, 0);

		c.fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		close((int)pidfd);
	}
	close(ready[0]);
	c.talk = go[1];
	return c;
}

static void counter_tell(struct counter *c)
{
	if (write(c->talk, "x", 1) != 1)
		abort();
	close(c->talk);
}

static void counter_end(struct counter *c)
{
	counter_tell(c);
	waitpid(c->pid, NULL, 0);
}

TEST(exit_and_kill_leave_nothing)
{
	int dev = open(MEMSTATE_DEVICE, O_RDWR);
	struct memstate_alloc a;

	for (int i = 0; i < 2; i++) {
		struct counter c = counter_start(NULL, 500, false, i);
		struct memstate_shards s;

		ASSERT_GE(c.fd, 0);
		a = alloc_of(c.fd);
		EXPECT_EQ(500, a.counters[MEMSTATE_ALLOC_BYTES]);
		EXPECT_EQ(500, alloc_get(dev, MEMSTATE_SCOPE_SYSTEM).counters[0]);
		EXPECT_EQ(-EPERM, make_shards(c.fd, NR, &s));
		EXPECT_EQ(-EPERM, try_mmap(c.fd, 2 * PAGE, RW, MAP_SHARED,
					   MEMSTATE_OFF_SHARDS));
		if (i) {
			kill(c.pid, SIGKILL);
			waitpid(c.pid, NULL, 0);
			close(c.talk);
		} else {
			counter_end(&c);
		}
		EXPECT_TRUE(hangs_up(c.fd));
		a = alloc_of(c.fd);
		EXPECT_TRUE(all_zero(&a));
		a = alloc_get(dev, MEMSTATE_SCOPE_SYSTEM);
		EXPECT_TRUE(all_zero(&a));
		EXPECT_EQ(-ESRCH, make_shards(c.fd, NR, &s));
		EXPECT_EQ(-ESRCH, try_mmap(c.fd, 2 * PAGE, RW, MAP_SHARED,
					   MEMSTATE_OFF_SHARDS));
		close(c.fd);
	}
	close(dev);
	EXPECT_TRUE(wait_for_tasks(0));
}

TEST(exec_leaves_nothing)
{
	struct counter c = counter_start(NULL, 500, true, false);
	struct memstate_alloc a;

	ASSERT_GE(c.fd, 0);
	EXPECT_EQ(500, alloc_of(c.fd).counters[MEMSTATE_ALLOC_BYTES]);
	counter_tell(&c);
	EXPECT_TRUE(hangs_up(c.fd));
	a = alloc_of(c.fd);
	EXPECT_TRUE(all_zero(&a));
	EXPECT_EQ(0, kill(c.pid, SIGKILL));
	waitpid(c.pid, NULL, 0);
	close(c.fd);
	EXPECT_TRUE(wait_for_tasks(0));
}

TEST_F(shards, child_inherits_no_mapping_and_has_shards_of_its_own)
{
	int status;
	pid_t child;

	count(&self->r, 0, MEMSTATE_ALLOC_BYTES, 100);
	child = fork();
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		_exit((int)*(volatile u32 *)&self->r.shards[0].seq & 1);
	}
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	child = fork();
	if (!child) {
		struct memstate_alloc a;
		struct region own;

		if (alloc_of(self->r.d.fd).counters[0] != 100 || region_open(&own, 3))
			_exit(1);
		a = alloc_of(own.d.fd);
		if (a.counters[0] || a.nr_shards != 3)
			_exit(2);
		count(&own, 2, MEMSTATE_ALLOC_BYTES, 5);
		_exit(alloc_of(own.d.fd).counters[0] == 5 ? 0 : 3);
	}
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(100, alloc_of(self->r.d.fd).counters[0]);
}

/* ---- groups -------------------------------------------------------------------------- */

TEST(group_is_the_sum_of_its_tasks_and_stale_if_one_is)
{
	int dev = open(MEMSTATE_DEVICE, O_RDWR), top, sub, other;
	struct memstate_alloc a;
	struct counter c[3];

	top = cg_make("ms-shards");
	sub = cg_make("ms-shards/sub");
	other = cg_make("ms-shards-other");
	ASSERT_GE(top, 0);
	ASSERT_EQ(0, alloc_scope(dev, MEMSTATE_SCOPE_GROUP, other, &a));
	EXPECT_TRUE(all_zero(&a));
	c[0] = counter_start("ms-shards/sub", 10, false, false);
	c[1] = counter_start("ms-shards/sub", 200, false, false);
	c[2] = counter_start("ms-shards-other", 3000, false, true);
	ASSERT_EQ(0, alloc_scope(dev, MEMSTATE_SCOPE_GROUP, top, &a));
	EXPECT_EQ(210, a.counters[0]);
	EXPECT_EQ(2 * NR, a.nr_shards);
	EXPECT_EQ(0, a.flags);
	ASSERT_EQ(0, alloc_scope(dev, MEMSTATE_SCOPE_GROUP, sub, &a));
	EXPECT_EQ(210, a.counters[0]);
	ASSERT_EQ(0, alloc_scope(dev, MEMSTATE_SCOPE_GROUP, other, &a));
	EXPECT_EQ(3000, a.counters[0]);
	EXPECT_EQ(MEMSTATE_ALLOC_STALE, a.flags);
	a = alloc_get(dev, MEMSTATE_SCOPE_SYSTEM);
	EXPECT_EQ(3210, a.counters[0]);
	EXPECT_EQ(3 * NR, a.nr_shards);
	EXPECT_EQ(MEMSTATE_ALLOC_STALE, a.flags);
	EXPECT_EQ(210, alloc_get(c[0].fd, MEMSTATE_SCOPE_OWN_GROUP).counters[0]);
	counter_end(&c[0]);
	EXPECT_TRUE(hangs_up(c[0].fd));
	ASSERT_EQ(0, alloc_scope(dev, MEMSTATE_SCOPE_GROUP, top, &a));
	EXPECT_EQ(200, a.counters[0]);
	for (int i = 1; i < 3; i++)
		counter_end(&c[i]);
	for (int i = 0; i < 3; i++)
		close(c[i].fd);
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, cg_remove("ms-shards/sub"));
	EXPECT_EQ(0, cg_remove("ms-shards"));
	EXPECT_EQ(0, cg_remove("ms-shards-other"));
	EXPECT_EQ(-ENOENT, alloc_scope(dev, MEMSTATE_SCOPE_GROUP, other, &a));
	close(top);
	close(sub);
	close(other);
	close(dev);
}

TEST_HARNESS_MAIN
