// SPDX-License-Identifier: MIT
/*
 * An io_uring that drops ranges: each an MADVISE, with or without a report to the device
 * that it is linked to. Two queues in shared memory and one system call; liburing is not used,
 * see Documentation/design.rst.
 *
 * Model
 *
 *   Whoever submits waits for everything that was submitted: between two calls the queues are
 *   empty, and completions (twice as many places as submissions) cannot overflow. What the
 *   kernel does not take is taken back, and is the caller's to do in another way.
 *
 *   The queues are not inherited by a child, and the device is the ring's file 0: so no number
 *   of a descriptor is relied upon but the ring's own, and that is looked at before each use.
 *   For a ring of the program's under that number would begin to work on the program's entries.
 *
 * Barriers
 *
 *   sq_tail is released here, acquired by the kernel in io_uring_enter(); cq_tail the other way
 *   round. sq_head is acquired: the kernel has copied what lies before it.
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "uring.h"

/* 4,096 entries are 256 KiB, and as many requests of the kernel's at once. */
#define ENTRIES_MIN	8
#define ENTRIES_MAX	4096

#define NAP_NS		100000

/* Goes on counting in a child, unlike what is wiped. */
static u32 uring_epochs;

static u32 epoch_now(void)
{
	u32 *word = &ms_lib_state->uring_epoch;
	u32 epoch = __atomic_load_n(word, __ATOMIC_ACQUIRE), mine;

	if (epoch)
		return epoch;
	mine = __atomic_add_fetch(&uring_epochs, 1, __ATOMIC_RELAXED);
	if (__atomic_compare_exchange_n(word, &epoch, mine, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return mine;
	return epoch;
}

static int identity(int fd, u64 *dev, u64 *ino)
{
	struct statx st;
	long ret = ms_raw5(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &st);

	if (ret)
		return (int)ret;
	*dev = (u64)st.stx_dev_major << 32 | st.stx_dev_minor;
	*ino = st.stx_ino;
	return 0;
}

static void *map(int fd, size_t bytes, u64 offset)
{
	long ret = ms_raw6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_POPULATE, fd, (long)offset);

	if (ms_raw_failed(ret))
		return NULL;
	ms_raw3(SYS_madvise, ret, bytes, MADV_DONTFORK);
	return (void *)ret;
}

static int map_all(struct ms_uring *ring, const struct io_uring_params *p)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(u32);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	char *rings;

	ring->rings_bytes = sq > cq ? sq : cq;
	rings = map(ring->fd, ring->rings_bytes, IORING_OFF_SQ_RING);
	ring->rings = rings;
	ring->sqes = map(ring->fd, p->sq_entries * sizeof(*ring->sqes), IORING_OFF_SQES);
	if (!rings || !ring->sqes)
		return -ENOMEM;
	ring->sq_head = (u32 *)(rings + p->sq_off.head);
	ring->sq_tail = (u32 *)(rings + p->sq_off.tail);
	ring->cq_head = (u32 *)(rings + p->cq_off.head);
	ring->cq_tail = (u32 *)(rings + p->cq_off.tail);
	ring->cqes = (struct io_uring_cqe *)(rings + p->cq_off.cqes);
	ring->cq_mask = p->cq_entries - 1;
	/* Entries are always taken in their order. */
	for (u32 i = 0; i < p->sq_entries; i++)
		((u32 *)(rings + p->sq_off.array))[i] = i;
	return 0;
}

/**
 * ms_uring_open() - make a ring
 * @ring:	where to put it; not in use
 * @drops:	how many are to fit in at once, if possible
 * @device_fd:	of the device, to be reported to; -1: none is
 *
 * Context: the library is initialised. No malloc.
 * Return: 0; what io_uring_setup() says: -ENOSYS: the kernel has none; -EPERM: it is disabled,
 * or forbidden; -ENOMEM, -EMFILE, -ENFILE; -EOPNOTSUPP: too old; or what registering says.
 */
int ms_uring_open(struct ms_uring *ring, u32 drops, int device_fd)
{
	struct io_uring_params p = { .flags = 0 };
	u32 each = device_fd < 0 ? 1 : 2;
	long fd;
	int ret;

	*ring = (struct ms_uring) {
		.fd = -1,
		.epoch = epoch_now(),
		.entries = ENTRIES_MIN,
		.reports = device_fd >= 0,
	};
	while (ring->entries < ENTRIES_MAX && ring->entries / each < drops)
		ring->entries *= 2;
	ring->drops_max = ring->entries / each;
	fd = ms_raw2(SYS_io_uring_setup, ring->entries, &p);
	if (fd < 0)
		return (int)fd;
	ring->fd = ms_raw_fd_up((int)fd);
	ret = p.features & IORING_FEAT_SINGLE_MMAP ? 0 : -EOPNOTSUPP;
	if (!ret)
		ret = identity(ring->fd, &ring->dev, &ring->ino);
	if (!ret)
		ret = map_all(ring, &p);
	if (!ret && ring->reports)
		ret = (int)ms_raw4(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES,
				   &device_fd, 1);
	if (ret)
		ms_uring_close(ring);
	return ret;
}

static bool is_ours(const struct ms_uring *ring)
{
	u64 dev, ino;

	return !identity(ring->fd, &dev, &ino) && dev == ring->dev && ino == ring->ino;
}

/**
 * ms_uring_close() - have no ring
 * @ring: the ring; none will do
 *
 * In a child only the descriptor is there. A number that is somebody else's by now stays.
 *
 * Context: the library is initialised.
 */
void ms_uring_close(struct ms_uring *ring)
{
	if (ring->fd < 0)
		return;
	if (ring->epoch == epoch_now()) {
		if (ring->rings)
			ms_raw_munmap(ring->rings, ring->rings_bytes);
		if (ring->sqes)
			ms_raw_munmap(ring->sqes, ring->entries * sizeof(*ring->sqes));
	}
	if (is_ours(ring))
		ms_raw1(SYS_close, ring->fd);
	ring->fd = -1;
}

/**
 * ms_uring_usable() - whether a ring can be given work
 * @ring: the ring
 *
 * Context: the library is initialised. Return: false: there is none, it is the parent's, or
 * its descriptor has been closed.
 */
bool ms_uring_usable(const struct ms_uring *ring)
{
	return ring->fd >= 0 && ring->epoch == epoch_now() && is_ours(ring);
}

static struct io_uring_sqe *next_sqe(struct ms_uring *ring, u32 *tail)
{
	struct io_uring_sqe *sqe = &ring->sqes[(*tail)++ & (ring->entries - 1)];

	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

/*
 * The report says what has been Ready, and leaves the rest alone: so what it gives up tells
 * whether that was all, and a failed madvise can be undone.
 */
static void put_report(struct io_uring_sqe *sqe, const struct ms_drop *drop)
{
	struct memstate_record record = ms_record_make((uintptr_t)drop->addr, drop->bytes,
						       MEMSTATE_READY, MEMSTATE_PREPARED,
						       drop->class_, MEMSTATE_ONLY);

	record.w1 |= (u64)MEMSTATE_TRANSITION_HOLD << 32;
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->flags = IOSQE_FIXED_FILE | IOSQE_IO_LINK;
	sqe->off = MEMSTATE_URING_REPORT; /* cmd_op */
	/* cmd */
	memcpy((char *)sqe + 48, &record, sizeof(record));
}

static void put_madvise(struct io_uring_sqe *sqe, const struct ms_drop *drop)
{
	sqe->opcode = IORING_OP_MADVISE;
	sqe->fd = -1;
	sqe->addr = (uintptr_t)drop->addr;
	sqe->len = (u32)drop->bytes;
	sqe->fadvise_advice = MADV_DONTNEED;
}

static u32 reap(struct ms_uring *ring, struct ms_drop *drops)
{
	u32 head = *ring->cq_head, tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
	u32 seen = tail - head;

	for (; head != tail; head++) {
		const struct io_uring_cqe *cqe = &ring->cqes[head & ring->cq_mask];
		struct ms_drop *drop = &drops[cqe->user_data >> 1];

		if (cqe->user_data & 1)
			drop->advice = cqe->res;
		else
			drop->report = cqe->res;
	}
	__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	return seen;
}

/* Nobody can be asked to wake us: the descriptor is gone. The work goes on. */
static void nap(void)
{
	struct timespec t = { .tv_nsec = NAP_NS };

	ms_raw2(SYS_nanosleep, &t, NULL);
}

/* Submit what is queued up to @tail, @left in all, and wait for it. */
static int submit(struct ms_uring *ring, struct ms_drop *drops, u32 tail, u32 left)
{
	u32 queued = left;
	int error = 0;
	long ret;

	__atomic_store_n(ring->sq_tail, tail, __ATOMIC_RELEASE);
	while (left) {
		if (error && error != -EAGAIN)
			nap();
		ret = error && error != -EAGAIN ? 0 :
		      ms_raw6(SYS_io_uring_enter, ring->fd, queued, left,
			      IORING_ENTER_GETEVENTS, 0, 0);
		queued = tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
		left -= reap(ring, drops);
		if (ret >= 0 || ret == -EINTR)
			continue;
		/* Want of memory, or of another kind: what is under way is waited for. */
		error = ret == -EAGAIN || ret == -EBUSY || ret == -ENOMEM ? -EAGAIN : (int)ret;
		tail -= queued;
		left -= queued;
		queued = 0;
		__atomic_store_n(ring->sq_tail, tail, __ATOMIC_RELEASE);
	}
	return error;
}

/**
 * ms_uring_run() - drop ranges, and wait for it
 * @ring:	usable
 * @drops:	the ranges; none longer than MS_URING_BYTES_MAX. Their results are written,
 *		MS_URING_UNSEEN where something was not done
 * @nr:		how many, up to the ring's drops_max
 *
 * The kernel has nothing of them any more when it returns.
 *
 * Context: one thread at a time. Return: 0; -EAGAIN: the kernel has not taken all; another
 * negative errno: and the ring is of no use any longer.
 */
int ms_uring_run(struct ms_uring *ring, struct ms_drop *drops, u32 nr)
{
	u32 tail = *ring->sq_tail, first = tail;

	for (u32 i = 0; i < nr; i++) {
		struct io_uring_sqe *sqe;

		drops[i].report = MS_URING_UNSEEN;
		drops[i].advice = MS_URING_UNSEEN;
		if (ring->reports) {
			sqe = next_sqe(ring, &tail);
			put_report(sqe, &drops[i]);
			sqe->user_data = (u64)i << 1;
		}
		sqe = next_sqe(ring, &tail);
		put_madvise(sqe, &drops[i]);
		sqe->user_data = (u64)i << 1 | 1;
	}
	return submit(ring, drops, tail, tail - first);
}
