// SPDX-License-Identifier: MIT
/*
 * Batches: many ranges given up in few system calls, in the way that is best here.
 *
 * Model
 *
 *   Ranges are queued with what is to become of them, neighbours in the queue are joined, and
 *   submitted together. Whatever way is taken ends in one that always works, the verb itself:
 *   for ranges that the kernel did not take, and for each part of a joined one that failed. So
 *   the result of a range is what its verb would have said.
 *
 *   The call comes before the report, as with the verbs, but where the two are linked in an
 *   io_uring: there the report comes first, because an madvise that fails does not keep a
 *   report behind it from being made. What the report gives up stays charged until the
 *   completion of the madvise has been seen. Only then does it go back to the credit word; if
 *   the madvise has failed it pays for the range to be Ready again.
 *
 * Locking
 *
 *   None: a batch is its user's. Which ways there are is found out once in each process.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "uring.h"

#define NR_MAX		(1u << 20)

/*
 * One process_madvise() takes 1,024 ranges and 2 GiB, and holds the address space's lock for
 * all of them. With so many, or so much of more than one, nobody waits for long, and nearly
 * all is saved that there is to save: Documentation/batch.rst.
 */
#define IOV_AT_ONCE	64
#define IOV_BYTES	((size_t)4 << 20)
#define IOV_BYTES_MAX	(((size_t)1 << 31) - ((size_t)1 << 20))

/* What has not been dropped is Ready: that is entered as long as there is hope for memory. */
#define RESTORE_TRIES	100

#ifndef PIDFD_SELF
#define PIDFD_SELF	(-10000)
#endif

struct batch_range {
	void *addr;
	size_t bytes;
	u32 class_;
	bool free;
	int result;
};

struct memstate_batch {
	size_t bytes;
	u32 room;
	u32 nr;
	bool submitted;
	enum memstate_batch_way wished;
	enum memstate_batch_way way;
	int ring_error;
	struct ms_uring ring;
	char why[128];
	struct batch_range *ranges;
	struct ms_drop *drops;
	struct iovec *iov;
};

static const char *const way_names[] = {
	[MEMSTATE_BATCH_AUTO]		= "auto",
	[MEMSTATE_BATCH_CALLS]		= "calls",
	[MEMSTATE_BATCH_VECTOR]		= "process_madvise",
	[MEMSTATE_BATCH_URING]		= "io_uring",
	[MEMSTATE_BATCH_URING_POSTS]	= "io_uring_posts",
};

#define NR_WAYS		(sizeof(way_names) / sizeof(way_names[0]))

static void say(struct memstate_batch *b, const char *what, const char *why)
{
	size_t n = 0, size = sizeof(b->why) - 1;

	for (; *what && n < size; what++)
		b->why[n++] = *what;
	for (; *why && n < size; why++)
		b->why[n++] = *why;
	b->why[n] = '\0';
}

static void say_error(struct memstate_batch *b, const char *what, int error)
{
	const char *why = strerrordesc_np(-error);

	say(b, what, why ? why : "unknown error");
}

/* ---- process_madvise ------------------------------------------------------------ */

/* 0: not known; MS_LIB_READY: takes us by number, MS_LIB_BUSY: by descriptor; else -errno. */
static int vector_state;

/* On the process itself, or through a descriptor that is not kept. */
static long vector_call(const struct iovec *iov, size_t nr, int state)
{
	long fd = PIDFD_SELF, ret;

	if (state != MS_LIB_READY) {
		fd = ms_raw2(SYS_pidfd_open, getpid(), 0);
		if (fd < 0)
			return fd;
	}
	ret = ms_raw5(SYS_process_madvise, fd, iov, nr, MADV_DONTNEED, 0);
	if (fd >= 0)
		ms_raw1(SYS_close, fd);
	return ret;
}

/* Kernels before 6.13 take other advice only: asked once, with a page that is for that. */
static int vector_probe(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct iovec iov = { .iov_len = page };
	int state = MS_LIB_READY;
	long ret;

	iov.iov_base = ms_raw_mmap(page);
	if (!iov.iov_base)
		return -ENOMEM;
	ret = vector_call(&iov, 1, state);
	if (ret != (long)page) {
		state = MS_LIB_BUSY;
		ret = vector_call(&iov, 1, state);
	}
	ms_raw_munmap(iov.iov_base, page);
	if (ret == (long)page)
		return state;
	return ret < 0 ? (int)ret : -EIO;
}

static int vector_ask(void)
{
	int state = __atomic_load_n(&vector_state, __ATOMIC_RELAXED);

	if (state)
		return state;
	state = vector_probe();
	if (state != -ENOMEM && state != -EMFILE && state != -ENFILE)
		__atomic_store_n(&vector_state, state, __ATOMIC_RELAXED);
	return state;
}

/* ---- the plain way ---------------------------------------------------------------- */

static void drop_plain(struct memstate_batch *b, const struct ms_drop *drop)
{
	struct batch_range *r = &b->ranges[drop->first];
	int ret = 0;

	if (drop->nr > 1)
		ret = memstate_unused(drop->addr, drop->bytes, drop->class_);
	/* Which of them was it? */
	for (u32 i = 0; i < drop->nr && (drop->nr == 1 || ret); i++)
		r[i].result = memstate_unused(r[i].addr, r[i].bytes, r[i].class_);
}

static void set_results(struct memstate_batch *b, const struct ms_drop *drop, int result)
{
	for (u32 i = 0; i < drop->nr; i++)
		b->ranges[drop->first + i].result = result;
}

/* What the kernel has dropped. */
static void drop_report(struct memstate_batch *b, const struct ms_drop *drop)
{
	set_results(b, drop, ms_unused_report(drop->addr, drop->bytes, drop->class_));
}

/* ---- by process_madvise ------------------------------------------------------------- */

/* As many as fit in one call. Return: how many have been dealt with. */
static u32 vector_some(struct memstate_batch *b, const struct ms_drop *drops, u32 nr)
{
	size_t bytes = 0, done;
	u32 i, fit;
	long ret;

	for (fit = 0; fit < nr && fit < IOV_AT_ONCE; fit++) {
		if (fit ? bytes + drops[fit].bytes > IOV_BYTES : drops[fit].bytes > IOV_BYTES_MAX)
			break;
		bytes += drops[fit].bytes;
		b->iov[fit] = (struct iovec) { drops[fit].addr, drops[fit].bytes };
	}
	ret = fit ? vector_call(b->iov, fit, vector_ask()) : 0;
	done = ret > 0 ? (size_t)ret : 0;
	for (i = 0; i < fit && done >= drops[i].bytes; i++) {
		done -= drops[i].bytes;
		drop_report(b, &drops[i]);
	}
	if (i == fit && fit)
		return fit;
	/* It stops at the first that fails, and says why only if that is the very first. */
	drop_plain(b, &drops[i]);
	if (ret < 0 && !b->ranges[drops[0].first].result) {
		say_error(b, "process_madvise: ", (int)ret);
		b->way = MEMSTATE_BATCH_CALLS;
	}
	return i + 1;
}

/* ---- by io_uring ---------------------------------------------------------------------- */

/*
 * What a report has made Prepared is Ready again, and what it has given up pays for that.
 * Where not all was Ready, as far as that goes.
 */
static void restore(const struct ms_drop *drop, uint64_t held)
{
	u64 at = (uintptr_t)drop->addr, end = at + drop->bytes, start, stop;
	struct memstate_range pieces[16];
	struct memstate_record record;
	uint64_t cursor = at;
	u32 nr, i;
	int tries;

	do {
		if (memstate_ranges(&cursor, pieces, 16, &nr))
			break;
		for (i = 0; i < nr && held; i++) {
			start = pieces[i].start > at ? pieces[i].start : at;
			stop = pieces[i].end < end ? pieces[i].end : end;
			if (start >= stop || pieces[i].state != MEMSTATE_PREPARED)
				continue;
			if (stop - start > held)
				stop = start + held;
			record = ms_record_make(start, stop - start, MEMSTATE_PREPARED,
						MEMSTATE_READY, drop->class_, 0);
			tries = 0;
			while (memstate_apply_paid(&record, 1, &held,
						   MEMSTATE_TRANSITION_HOLD) == -ENOMEM &&
			       ++tries < RESTORE_TRIES)
				ms_post_wait(tries);
		}
	} while (held && cursor && cursor < end);
	/* Zero, unless the books have no room for it: then it is found by an audit. */
	memstate_uncharge(held);
}

/* Both completions have been seen. Return: bytes that are to go back to the credit word. */
static u64 settle_linked(struct memstate_batch *b, const struct ms_drop *drop)
{
	u64 held;

	if (drop->report < 0) {
		/* Dropped all the same: the submission was cut between the two, and their link. */
		if (!drop->advice)
			drop_report(b, drop);
		else
			drop_plain(b, drop);
		return 0;
	}
	held = (u64)drop->report << MEMSTATE_UNIT_SHIFT;
	if (!drop->advice) {
		/* Not all was Ready: then it is drift, and for the books to count. */
		if (held < drop->bytes)
			drop_report(b, drop);
		else
			set_results(b, drop, 0);
		return held;
	}
	restore(drop, held);
	drop_plain(b, drop);
	return 0;
}

static void settle_posts(struct memstate_batch *b, const struct ms_drop *drop)
{
	if (!drop->advice)
		drop_report(b, drop);
	else
		drop_plain(b, drop);
}

static int ring_ready(struct memstate_batch *b, bool reports)
{
	int device = -1;

	if (ms_uring_usable(&b->ring) && b->ring.reports == reports)
		return 0;
	if (b->ring_error)
		return b->ring_error;
	ms_uring_close(&b->ring);
	if (reports) {
		if (!ms_lib.ops->uring) {
			say(b, "io_uring: ",
			    "the books are embedded: there is no device to report to");
			return b->ring_error = -ENODEV;
		}
		device = ms_lib.ops->uring();
		if (device < 0) {
			say_error(b, "io_uring: " MEMSTATE_DEVICE ": ", device);
			return b->ring_error = device;
		}
	}
	device = ms_uring_open(&b->ring, b->room, device);
	if (!device)
		return 0;
	say_error(b, "io_uring: ", device);
	/* These may pass. */
	if (device != -ENOMEM && device != -EMFILE && device != -ENFILE && device != -EAGAIN)
		b->ring_error = device;
	return device;
}

/* As many as fit in the ring. Return: how many have been dealt with. */
static u32 ring_some(struct memstate_batch *b, struct ms_drop *drops, u32 nr)
{
	u64 held = 0;
	u32 fit;
	int ret;

	for (fit = 0; fit < nr && fit < b->ring.drops_max; fit++)
		if (drops[fit].bytes > MS_URING_BYTES_MAX)
			break;
	if (!fit) {
		drop_plain(b, drops);
		return 1;
	}
	ret = ms_uring_run(&b->ring, drops, fit);
	for (u32 i = 0; i < fit; i++)
		if (b->ring.reports)
			held += settle_linked(b, &drops[i]);
		else
			settle_posts(b, &drops[i]);
	memstate_uncharge(held);
	if (ret) {
		say_error(b, "io_uring: ", ret);
		b->way = MEMSTATE_BATCH_CALLS;
		if (ret != -EAGAIN)
			ms_uring_close(&b->ring);
	}
	return fit;
}

/* ---- which way ---------------------------------------------------------------------------- */

/* What is measured to be best: Documentation/batch.rst. */
static enum memstate_batch_way best_way(struct memstate_batch *b, u32 nr)
{
	int state;

	if (nr < 2)
		return MEMSTATE_BATCH_CALLS;
	state = vector_ask();
	if (state > 0)
		return MEMSTATE_BATCH_VECTOR;
	if (!*b->why)
		say_error(b, "process_madvise: ", state);
	return MEMSTATE_BATCH_CALLS;
}

static void choose(struct memstate_batch *b, u32 nr)
{
	int ret = 0;

	b->way = b->wished;
	switch (b->wished) {
	case MEMSTATE_BATCH_CALLS:
		break;
	case MEMSTATE_BATCH_VECTOR:
		ret = vector_ask();
		ret = ret < 0 ? ret : 0;
		if (ret)
			say_error(b, "process_madvise: ", ret);
		break;
	case MEMSTATE_BATCH_URING:
	case MEMSTATE_BATCH_URING_POSTS:
		ret = ring_ready(b, b->wished == MEMSTATE_BATCH_URING);
		break;
	default:
		ret = 1;
	}
	if (ret)
		b->way = best_way(b, nr);
}

/* A wish from the environment; what is none is said, and ignored. */
static void read_wish(struct memstate_batch *b)
{
	const char *text = getenv("MEMSTATE_BATCH");

	if (!text || !*text)
		return;
	for (u32 i = 0; i < NR_WAYS; i++)
		if (!strcmp(text, way_names[i])) {
			b->wished = (enum memstate_batch_way)i;
			return;
		}
	say(b, "MEMSTATE_BATCH is not auto, calls, process_madvise, io_uring or io_uring_posts",
	    "");
}

/* ---- queueing ------------------------------------------------------------------------------ */

/**
 * memstate_batch_open() - make a batch
 * @batch:	where to put it
 * @nr:		how many ranges it can hold, up to 1,048,576
 * @way:	which way to take; where it is not there memstate_batch_why() says so, and the best
 *		of the others is taken
 *
 * Its memory, 72 bytes for each range and what a ring takes, appears in no book.
 *
 * Context: any; not in a signal handler. No malloc.
 * Return: 0; -EINVAL: @nr is 0 or too large, or there is no such way; -ENOMEM; -ENODEV: no back
 * end.
 */
int memstate_batch_open(struct memstate_batch **batch, uint32_t nr,
			enum memstate_batch_way way)
{
	size_t ranges = nr * sizeof(struct batch_range), drops = nr * sizeof(struct ms_drop);
	size_t bytes = sizeof(struct memstate_batch) + ranges + drops +
		       (nr < IOV_AT_ONCE ? nr : IOV_AT_ONCE) * sizeof(struct iovec);
	struct memstate_batch *b;
	int ret;

	*batch = NULL;
	if (!nr || nr > NR_MAX || (unsigned int)way >= NR_WAYS)
		return -EINVAL;
	ret = ms_lib_ready();
	if (ret)
		return ret;
	b = ms_raw_mmap(bytes);
	if (!b)
		return -ENOMEM;
	b->bytes = bytes;
	b->room = nr;
	b->wished = way;
	b->ring.fd = -1;
	b->ranges = (struct batch_range *)(b + 1);
	b->drops = (struct ms_drop *)((char *)b->ranges + ranges);
	b->iov = (struct iovec *)((char *)b->drops + drops);
	if (way == MEMSTATE_BATCH_AUTO)
		read_wish(b);
	choose(b, nr);
	*batch = b;
	return 0;
}

/**
 * memstate_batch_close() - have it no longer
 * @batch: the batch, or NULL; what is queued and was not submitted stays as it is
 *
 * Context: any; not in a signal handler.
 */
void memstate_batch_close(struct memstate_batch *batch)
{
	if (!batch)
		return;
	if (!ms_lib_ready())
		ms_uring_close(&batch->ring);
	ms_raw_munmap(batch, batch->bytes);
}

static int queue(struct memstate_batch *b, void *addr, size_t bytes, unsigned int class_,
		 bool free)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!bytes || (((uintptr_t)addr | bytes) & (page - 1)) || class_ >= MEMSTATE_NR_CLASSES ||
	    (u64)bytes >> (32 + MEMSTATE_UNIT_SHIFT) || (uintptr_t)addr > -bytes)
		return -EINVAL;
	if (b->submitted) {
		b->submitted = false;
		b->nr = 0;
	}
	if (b->nr == b->room)
		return -ENOSPC;
	b->ranges[b->nr++] = (struct batch_range) {
		.addr = addr,
		.bytes = bytes,
		.class_ = class_,
		.free = free,
	};
	return 0;
}

/**
 * memstate_batch_unused() - queue: Ready to Prepared
 * @batch:	the batch; the first after a submission begins it anew
 * @addr:	first byte
 * @bytes:	length
 * @class_:	what it is held for
 *
 * Context: any. Return: 0; -EINVAL: no multiples of the page size, or no such class; -ENOSPC:
 * the batch is full. Nothing is queued then.
 */
int memstate_batch_unused(struct memstate_batch *batch, void *addr, size_t bytes,
			  enum memstate_class class_)
{
	return queue(batch, addr, bytes, (unsigned int)class_, false);
}

/**
 * memstate_batch_free() - queue: any state to None
 * @batch:	the batch; the first after a submission begins it anew
 * @addr:	first byte
 * @bytes:	length
 *
 * Context: any. Return: as memstate_batch_unused().
 */
int memstate_batch_free(struct memstate_batch *batch, void *addr, size_t bytes)
{
	return queue(batch, addr, bytes, 0, true);
}

/* ---- submitting ------------------------------------------------------------------------------ */

static bool joins(const struct ms_drop *drop, const struct batch_range *r, u32 index)
{
	return drop->first + drop->nr == index && drop->class_ == r->class_ &&
	       drop->bytes + r->bytes <= MS_URING_BYTES_MAX &&
	       ((char *)drop->addr + drop->bytes == r->addr ||
		(char *)r->addr + r->bytes == drop->addr);
}

/* Neighbours of one class that were queued one after the other are one. */
static u32 join_unused(struct memstate_batch *b)
{
	struct ms_drop *last = NULL;
	u32 nr = 0;

	for (u32 i = 0; i < b->nr; i++) {
		const struct batch_range *r = &b->ranges[i];

		if (r->free)
			continue;
		if (last && joins(last, r, i)) {
			if (r->addr < last->addr)
				last->addr = r->addr;
			last->bytes += r->bytes;
			last->nr++;
			continue;
		}
		last = &b->drops[nr++];
		*last = (struct ms_drop) {
			.addr = r->addr,
			.bytes = r->bytes,
			.first = i,
			.nr = 1,
			.class_ = r->class_,
		};
	}
	return nr;
}

/* There is no io_uring operation for it, and no report: the kernel sees it by itself. */
static void free_all(struct memstate_batch *b)
{
	u32 i, end;

	for (i = 0; i < b->nr; i = end) {
		struct batch_range *r = &b->ranges[i];
		char *start = r->addr;
		size_t bytes = r->bytes;
		int ret = 0;

		for (end = i + 1; r->free && end < b->nr && b->ranges[end].free; end++) {
			struct batch_range *next = &b->ranges[end];

			if (start + bytes != next->addr &&
			    (char *)next->addr + next->bytes != start)
				break;
			if ((char *)next->addr < start)
				start = next->addr;
			bytes += next->bytes;
		}
		if (!r->free)
			continue;
		if (end - i > 1)
			ret = memstate_free(start, bytes);
		for (u32 k = i; k < end && (end - i == 1 || ret); k++)
			b->ranges[k].result = memstate_free(b->ranges[k].addr,
							    b->ranges[k].bytes);
	}
}

/**
 * memstate_batch_submit() - give all that is queued up, and see it done
 * @batch: the batch
 *
 * What is queued next to each other in memory and one after the other is one call. Memory that
 * is charged is given back to the credit word for what the kernel did release. A range that
 * could not be dropped keeps its state and its charge; with io_uring the class that was given.
 *
 * Context: any; not in a signal handler.
 * Return: 0; the first error of a range: memstate_batch_result() has all of them; -ENODEV: no
 * back end, with nothing done.
 */
int memstate_batch_submit(struct memstate_batch *batch)
{
	u32 nr, done = 0;
	int ret = ms_lib_ready();

	/* Once is enough. */
	if (batch->submitted)
		batch->nr = 0;
	batch->submitted = true;
	for (u32 i = 0; i < batch->nr; i++)
		batch->ranges[i].result = ret;
	if (ret)
		return ret;
	nr = join_unused(batch);
	if (nr)
		choose(batch, nr);
	while (done < nr) {
		switch (batch->way) {
		case MEMSTATE_BATCH_URING:
		case MEMSTATE_BATCH_URING_POSTS:
			done += ring_some(batch, &batch->drops[done], nr - done);
			break;
		case MEMSTATE_BATCH_VECTOR:
			done += vector_some(batch, &batch->drops[done], nr - done);
			break;
		default:
			drop_plain(batch, &batch->drops[done++]);
		}
	}
	free_all(batch);
	for (u32 i = 0; !ret && i < batch->nr; i++)
		ret = batch->ranges[i].result;
	return ret;
}

/**
 * memstate_batch_nr() - how many ranges there are in a batch
 * @batch: the batch
 *
 * Context: any. Return: how many are queued, or were submitted last.
 */
uint32_t memstate_batch_nr(const struct memstate_batch *batch)
{
	return batch->nr;
}

/**
 * memstate_batch_result() - what became of a range
 * @batch:	the batch, submitted
 * @index:	of the range, in the order of queueing
 *
 * Context: any. Return: as memstate_unused() and memstate_free(); -EAGAIN: it was not submitted;
 * -EINVAL: no such range.
 */
int memstate_batch_result(const struct memstate_batch *batch, uint32_t index)
{
	if (index >= batch->nr)
		return -EINVAL;
	return batch->submitted ? batch->ranges[index].result : -EAGAIN;
}

/**
 * memstate_batch_way() - which way is taken
 * @batch: the batch
 *
 * Context: any. Return: the way of the last submission, and before the first the one for a full
 * batch: never MEMSTATE_BATCH_AUTO.
 */
enum memstate_batch_way memstate_batch_way(const struct memstate_batch *batch)
{
	return batch->way;
}

/**
 * memstate_batch_way_name() - its name, as in MEMSTATE_BATCH
 * @way: the way
 *
 * Context: any. Return: the name, NULL if there is no such way.
 */
const char *memstate_batch_way_name(enum memstate_batch_way way)
{
	return (unsigned int)way < NR_WAYS ? way_names[way] : NULL;
}

/**
 * memstate_batch_why() - why it is not another way
 * @batch: the batch
 *
 * Context: any. Return: a text for people that is the batch's: why the way that was wished for,
 * or the one that is best elsewhere, is not taken; empty if there is nothing to say.
 */
const char *memstate_batch_why(const struct memstate_batch *batch)
{
	return batch->why;
}
