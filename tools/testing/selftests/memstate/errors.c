// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Every errno, each where only that input is wrong. */
#include <poll.h>

#include "device.h"
#include "harness.h"

/* A structure and something behind it that a later version might know. */
#define LARGER(type)				\
	struct {				\
		struct type s;			\
		uint64_t more;			\
	}

FIXTURE(dev) {
	struct dev d;
	char *mem;
};

FIXTURE_SETUP(dev)
{
	ASSERT_EQ(0, dev_open(&self->d, 64));
	self->mem = anon(64 * PAGE);
	ASSERT_NE(MAP_FAILED, (void *)self->mem);
}

FIXTURE_TEARDOWN(dev)
{
	dev_close(&self->d);
}

/*
 * What all ioctls refuse alike. @first: the size that the first version had; then
 * an argument that is taken.
 */
#define COMMON_ERRORS(name, type, cmd, first, ...)			\
TEST_F(dev, name##_size_too_small_is_einval)				\
{									\
	struct type valid = { .size = sizeof(valid), __VA_ARGS__ };	\
									\
	ASSERT_EQ(0, dev_ioctl(self->d.fd, cmd, &valid));		\
	valid = (struct type) { .size = (first), __VA_ARGS__ };		\
	EXPECT_EQ(0, dev_ioctl(self->d.fd, cmd, &valid));		\
	valid = (struct type) { .size = (first) - 1, __VA_ARGS__ };	\
	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, cmd, &valid));		\
	valid = (struct type) { .size = 0, __VA_ARGS__ };		\
	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, cmd, &valid));		\
}									\
TEST_F(dev, name##_larger_and_zero_is_taken)				\
{									\
	LARGER(type) a = { { .size = sizeof(a), __VA_ARGS__ }, 0 };	\
									\
	EXPECT_EQ(0, dev_ioctl(self->d.fd, cmd, &a));			\
	EXPECT_EQ(sizeof(struct type), a.s.size);			\
}									\
TEST_F(dev, name##_larger_and_not_zero_is_e2big)			\
{									\
	LARGER(type) a = { { .size = sizeof(a), __VA_ARGS__ }, 1 };	\
									\
	EXPECT_EQ(-E2BIG, dev_ioctl(self->d.fd, cmd, &a));		\
}									\
TEST_F(dev, name##_larger_than_a_page_is_e2big)				\
{									\
	struct type *a = (void *)self->mem;				\
									\
	*a = (struct type) { .size = PAGE + 8, __VA_ARGS__ };		\
	EXPECT_EQ(-E2BIG, dev_ioctl(self->d.fd, cmd, a));		\
}									\
TEST_F(dev, name##_unknown_flag_is_einval)				\
{									\
	struct type a = { .size = sizeof(a), __VA_ARGS__ };		\
									\
	a.flags = 0x80000000;						\
	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, cmd, &a));		\
}									\
TEST_F(dev, name##_bad_pointer_is_efault)				\
{									\
	char *hole = anon(2 * PAGE);					\
	struct type *a = (void *)(hole + PAGE - 8);			\
									\
	EXPECT_EQ(-EFAULT, dev_ioctl(self->d.fd, cmd, NULL));		\
	a->size = sizeof(*a);						\
	munmap(hole + PAGE, PAGE);					\
	EXPECT_EQ(-EFAULT, dev_ioctl(self->d.fd, cmd, a));		\
}

static struct memstate_record one_record;
static struct memstate_range one_range;
static struct memstate_finding one_finding;

COMMON_ERRORS(query, memstate_query, MEMSTATE_IOC_QUERY, 48)
COMMON_ERRORS(setup, memstate_setup, MEMSTATE_IOC_SETUP, 32)
COMMON_ERRORS(sync, memstate_sync, MEMSTATE_IOC_SYNC, 32)
COMMON_ERRORS(transition, memstate_transition, MEMSTATE_IOC_TRANSITION, 24,
	      .records = (one_record = REC(0x10000, PAGE, MEMSTATE_ANY,
					   MEMSTATE_NONE, 0, 0),
			  (uintptr_t)&one_record), .nr = 1)
COMMON_ERRORS(totals, memstate_get_totals, MEMSTATE_IOC_TOTALS, 296)
COMMON_ERRORS(ranges, memstate_ranges, MEMSTATE_IOC_RANGES, 40,
	      .ranges = (uintptr_t)&one_range, .nr = 1)
COMMON_ERRORS(audit, memstate_audit, MEMSTATE_IOC_AUDIT, 40,
	      .findings = (uintptr_t)&one_finding, .nr = 1)
COMMON_ERRORS(limit_get, memstate_limit, MEMSTATE_IOC_LIMIT_GET, 168)
COMMON_ERRORS(limit_set, memstate_limit, MEMSTATE_IOC_LIMIT_SET, 168,
	      .set = MEMSTATE_LIMIT_MAX, .max = MEMSTATE_UNLIMITED)
COMMON_ERRORS(watch, memstate_watch, MEMSTATE_IOC_WATCH, 16)
COMMON_ERRORS(shards, memstate_shards, MEMSTATE_IOC_SHARDS, 24)
COMMON_ERRORS(alloc, memstate_alloc, MEMSTATE_IOC_ALLOC, 216)
COMMON_ERRORS(observe, memstate_observe, MEMSTATE_IOC_OBSERVE, 80,
	      .scope = MEMSTATE_SCOPE_SYSTEM)

TEST_F(dev, unknown_ioctl_is_enotty)
{
	char arg[64] = {};

	EXPECT_EQ(-ENOTTY, dev_ioctl(self->d.fd, _IO(MEMSTATE_IOC_MAGIC, 0x7f), arg));
}

TEST_F(dev, reserved_fields_are_zero)
{
	struct memstate_query q = { .size = sizeof(q), .__reserved = 1 };
	struct memstate_get_totals t = { .size = sizeof(t), .fd = 1 };

	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, MEMSTATE_IOC_QUERY, &q));
	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, MEMSTATE_IOC_TOTALS, &t));
}

TEST_F(dev, setup_size_that_is_no_power_of_two_is_einval)
{
	struct memstate_query q = { .size = sizeof(q) };
	uint32_t bad[] = { 1, 3, 63, 65, 0x80000000, 0xffffffff, 0 };

	ASSERT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_QUERY, &q));
	bad[6] = q.ring_entries_max * 2;
	for (int i = 0; i < 7; i++) {
		struct memstate_setup s = { .size = sizeof(s), .ring_entries = bad[i] };

		EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, MEMSTATE_IOC_SETUP, &s));
	}
}

TEST_F(dev, setup_of_another_size_is_eexist)
{
	struct memstate_setup s = { .size = sizeof(s), .ring_entries = 128 };

	EXPECT_EQ(-EEXIST, dev_ioctl(self->d.fd, MEMSTATE_IOC_SETUP, &s));
	s = (struct memstate_setup) { .size = sizeof(s), .ring_entries = 64 };
	EXPECT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_SETUP, &s));
	s = (struct memstate_setup) { .size = sizeof(s) };
	EXPECT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_SETUP, &s));
	EXPECT_EQ(64, s.ring_entries);
}

TEST(sync_without_a_ring_is_enxio)
{
	struct memstate_sync s = { .size = sizeof(s) };
	int fd = open(MEMSTATE_DEVICE, O_RDWR);

	EXPECT_EQ(-ENXIO, dev_ioctl(fd, MEMSTATE_IOC_SYNC, &s));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd,
				   MEMSTATE_OFF_TOTALS));
	EXPECT_EQ(ENXIO, errno);
	close(fd);
}

TEST_F(dev, transition_number_of_records_is_bounded)
{
	struct memstate_record rec = REC((uintptr_t)self->mem, PAGE, MEMSTATE_ANY,
					 MEMSTATE_READY, 0, 0);
	struct memstate_query q = { .size = sizeof(q) };

	ASSERT_EQ(0, dev_ioctl(self->d.fd, MEMSTATE_IOC_QUERY, &q));
	EXPECT_EQ(-EINVAL, dev_apply(&self->d, &rec, 0, NULL));
	EXPECT_EQ(-EINVAL, dev_apply(&self->d, &rec, q.records_max + 1, NULL));
	EXPECT_EQ(-EFAULT, dev_apply(&self->d, (void *)8, 1, NULL));
	EXPECT_EQ(0, dev_apply(&self->d, &rec, 1, NULL));
}

TEST_F(dev, transition_malformed_record_is_einval_and_those_before_it_count)
{
	uintptr_t a = (uintptr_t)self->mem;
	struct memstate_record good = REC(a, PAGE, MEMSTATE_NONE, MEMSTATE_READY, 0, 0);
	struct memstate_record bad[] = {
		REC(a + PAGE, 0, MEMSTATE_ANY, MEMSTATE_READY, 0, 0),
		REC(a + PAGE, PAGE, 4, MEMSTATE_READY, 0, 0),
		REC(a + PAGE, PAGE, 5, MEMSTATE_READY, 0, 0),
		REC(a + PAGE, PAGE, MEMSTATE_ANY, 6, 0, 0),
		REC(a + PAGE, PAGE, MEMSTATE_ANY, 7, 0, 0),
		REC(a + PAGE, PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, MEMSTATE_LAZY),
		REC(a + PAGE, PAGE, MEMSTATE_ANY, MEMSTATE_NONE, 0, MEMSTATE_LAZY),
		REC(a + PAGE, PAGE, MEMSTATE_ANY, MEMSTATE_KEEP, 0, MEMSTATE_LAZY),
		REC((uint64_t)1 << 63, PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, 0),
		REC(((uint64_t)1 << 56) - 2 * PAGE, 2 * PAGE, MEMSTATE_ANY,
		    MEMSTATE_READY, 0, 0),
		{ good.w0, good.w1 | (uint64_t)1 << 32 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct memstate_record three[] = { good, bad[i], good };
		struct memstate_totals t;
		uint32_t done = 77;

		EXPECT_EQ(-EINVAL, dev_apply(&self->d, three, 3, &done)) {
			TH_LOG("record %zu", i);
		}
		EXPECT_EQ(1, done);
		t = dev_totals(&self->d);
		EXPECT_EQ(PAGE, totals_all(&t));
	}
	EXPECT_TRUE(books_are_consistent(&self->d));
}

TEST_F(dev, totals_unknown_scope_is_einval)
{
	struct memstate_get_totals t = { .size = sizeof(t), .scope = 99 };

	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, MEMSTATE_IOC_TOTALS, &t));
}

TEST_F(dev, ranges_and_audit_without_room_are_einval_and_bad_room_is_efault)
{
	struct memstate_ranges r = { .size = sizeof(r), .ranges = 8, .nr = 1 };
	struct memstate_audit a = { .size = sizeof(a), .findings = 8, .nr = 1 };

	/* Something must be there to be written. */
	ASSERT_EQ(0, dev_apply1(&self->d, REC(0x10000, PAGE, MEMSTATE_ANY,
					      MEMSTATE_READY, 0, 0)));
	EXPECT_EQ(-EFAULT, dev_ioctl(self->d.fd, MEMSTATE_IOC_RANGES, &r));
	EXPECT_EQ(-EFAULT, dev_ioctl(self->d.fd, MEMSTATE_IOC_AUDIT, &a));
	r.nr = 0;
	a.nr = 0;
	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, MEMSTATE_IOC_RANGES, &r));
	EXPECT_EQ(-EINVAL, dev_ioctl(self->d.fd, MEMSTATE_IOC_AUDIT, &a));
}

/* mmap with one thing wrong; 0 if it was made. */
static int try_mmap(int fd, size_t bytes, int prot, int flags, off_t offset)
{
	void *p = mmap(NULL, bytes, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, bytes);
	return 0;
}

TEST_F(dev, mmap_takes_whole_shared_mappings_only)
{
	size_t ring = self->d.setup.ring_bytes, totals = self->d.setup.totals_bytes;
	int fd = self->d.fd, rw = PROT_READ | PROT_WRITE;

	EXPECT_EQ(0, try_mmap(fd, ring, rw, MAP_SHARED, MEMSTATE_OFF_RING));
	EXPECT_EQ(0, try_mmap(fd, totals, PROT_READ, MAP_SHARED, MEMSTATE_OFF_TOTALS));
	EXPECT_EQ(-EINVAL, try_mmap(fd, ring - PAGE, rw, MAP_SHARED, MEMSTATE_OFF_RING));
	EXPECT_EQ(-EINVAL, try_mmap(fd, ring + PAGE, rw, MAP_SHARED, MEMSTATE_OFF_RING));
	EXPECT_EQ(-EINVAL, try_mmap(fd, ring, rw, MAP_SHARED, MEMSTATE_OFF_RING + PAGE));
	EXPECT_EQ(-EINVAL, try_mmap(fd, ring, rw, MAP_PRIVATE, MEMSTATE_OFF_RING));
	EXPECT_EQ(-EINVAL, try_mmap(fd, ring, rw | PROT_EXEC, MAP_SHARED,
				    MEMSTATE_OFF_RING));
	EXPECT_EQ(-EACCES, try_mmap(fd, totals, rw, MAP_SHARED, MEMSTATE_OFF_TOTALS));
	EXPECT_EQ(-EINVAL, try_mmap(fd, totals, PROT_READ, MAP_SHARED,
				    MEMSTATE_OFF_TOTALS + PAGE));
	EXPECT_EQ(-EINVAL, try_mmap(fd, 2 * totals, PROT_READ, MAP_SHARED,
				    MEMSTATE_OFF_TOTALS));
}

TEST_F(dev, totals_cannot_be_made_writable_later)
{
	EXPECT_EQ(-1, mprotect(self->d.page, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(dev, ring_can_be_neither_split_nor_moved)
{
	char *ring = (char *)self->d.ring.tail;
	size_t bytes = self->d.setup.ring_bytes;

	EXPECT_EQ(-1, munmap(ring + PAGE, PAGE));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mremap(ring, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				     self->mem));
	EXPECT_EQ(MAP_FAILED, mremap(ring, bytes, bytes + PAGE, MREMAP_MAYMOVE));
	dev_post(&self->d, REC(0x10000, PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
	EXPECT_EQ(PAGE, dev_state(&self->d, MEMSTATE_READY));
}

/* Only the bound address space may report; a child that holds the file may read. */
TEST_F(dev, another_address_space_is_eperm_and_may_read)
{
	struct memstate_record rec = REC(0x20000, PAGE, MEMSTATE_ANY,
					 MEMSTATE_READY, 0, 0);
	pid_t child;
	int status;

	ASSERT_EQ(0, dev_apply1(&self->d, rec));
	child = fork();
	if (!child) {
		struct memstate_setup s = { .size = sizeof(s) };
		struct memstate_totals t = fd_totals(self->d.fd, MEMSTATE_SCOPE_TASK);
		struct memstate_record more = rec;
		uint32_t nr;

		if (dev_ioctl(self->d.fd, MEMSTATE_IOC_SETUP, &s) != -EPERM)
			_exit(1);
		if (dev_sync(&self->d, NULL) != -EPERM)
			_exit(2);
		if (dev_apply1(&self->d, more) != -EPERM)
			_exit(3);
		if (try_mmap(self->d.fd, PAGE, PROT_READ, MAP_SHARED,
			     MEMSTATE_OFF_TOTALS) != -EPERM)
			_exit(4);
		if (ms_totals_state(&t, MEMSTATE_READY) != PAGE)
			_exit(5);
		free(dev_ranges(self->d.fd, &nr));
		_exit(nr == 1 ? 0 : 6);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
