/* SPDX-License-Identifier: MIT */
/*
 * libmemstate: tell the system which of your memory is Reserved, Prepared and
 * Ready, and read what it knows.
 *
 * There are two back ends behind this interface: the *device* /dev/memstate, and
 * an *embedded* one in the process itself, chosen when the device is not there.
 * Totals and verbs are the same; only the device has outside readers. The
 * environment variable MEMSTATE_BACKEND (device, embedded, auto) decides
 * otherwise. The first call of any function initialises the library.
 *
 * Nothing here allocates by malloc or goes through libc's mmap, so all of it can
 * be used inside an allocator and below an interposer. Addresses and lengths are
 * multiples of the page size. Functions return 0 or a negative errno unless they
 * say otherwise, and leave errno alone.
 */
#ifndef MEMSTATE_H
#define MEMSTATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/memstate.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- back end ------------------------------------------------------------ */

enum memstate_backend {
	MEMSTATE_BACKEND_NONE,		/* neither works: nothing is accounted */
	MEMSTATE_BACKEND_DEVICE,
	MEMSTATE_BACKEND_EMBEDDED,
};

enum memstate_backend memstate_backend(void);
const char *memstate_backend_name(void);
int memstate_atfork(void);
const char *memstate_error(void);

/* ---- verbs: the system call and the report, in the right order ----------- */

void *memstate_reserve(size_t bytes, enum memstate_class class_);
int memstate_map(void *addr, size_t bytes, enum memstate_class class_);
int memstate_used(void *addr, size_t bytes, enum memstate_class class_);
int memstate_unused(void *addr, size_t bytes, enum memstate_class class_);
int memstate_fault(void *addr, size_t bytes, enum memstate_class class_);
int memstate_move(void *from, size_t from_bytes, void *to, size_t to_bytes,
		  enum memstate_class class_);
void *memstate_alloc(size_t bytes, enum memstate_class class_);
int memstate_free(void *addr, size_t bytes);

/* Memory that is not to appear in any book. */
void *memstate_mmap_unaccounted(size_t bytes);
int memstate_munmap_unaccounted(void *addr, size_t bytes);

/* ---- many ranges at once --------------------------------------------------- */

/*
 * A batch gives many ranges up in few system calls: unused and free, as the verbs of these
 * names, queued one by one and submitted together. Ranges of a batch do not overlap, and are
 * the caller's own until it has been submitted.
 *
 *	memstate_batch_open(&batch, 1000, MEMSTATE_BATCH_AUTO);
 *	...
 *	memstate_batch_unused(batch, addr, bytes, MEMSTATE_HEAP);
 *	...
 *	if (memstate_batch_submit(batch))
 *		for (i = 0; i < memstate_batch_nr(batch); i++)
 *			... memstate_batch_result(batch, i) ...
 *
 * A batch is used by one thread at a time. A child of fork may use the one it has inherited,
 * if nobody was using it at that moment.
 */
struct memstate_batch;

/**
 * enum memstate_batch_way - how a batch makes memory Prepared
 * @MEMSTATE_BATCH_AUTO:	the best that there is; or what the environment variable
 *				MEMSTATE_BATCH names (auto, calls, process_madvise,
 *				io_uring, io_uring_posts)
 * @MEMSTATE_BATCH_CALLS:	madvise for each range, and a report in the ring
 * @MEMSTATE_BATCH_VECTOR:	process_madvise for up to 64 ranges, or 4 MiB; reports in the ring
 * @MEMSTATE_BATCH_URING:	io_uring: a report to the device for each range, and linked to
 *				it the madvise
 * @MEMSTATE_BATCH_URING_POSTS:	io_uring: the madvise for each range, and reports in the ring
 *
 * Memory that is freed is unmapped by munmap in all of them.
 */
enum memstate_batch_way {
	MEMSTATE_BATCH_AUTO,
	MEMSTATE_BATCH_CALLS,
	MEMSTATE_BATCH_VECTOR,
	MEMSTATE_BATCH_URING,
	MEMSTATE_BATCH_URING_POSTS,
};

int memstate_batch_open(struct memstate_batch **batch, uint32_t nr,
			enum memstate_batch_way way);
void memstate_batch_close(struct memstate_batch *batch);
int memstate_batch_unused(struct memstate_batch *batch, void *addr, size_t bytes,
			  enum memstate_class class_);
int memstate_batch_free(struct memstate_batch *batch, void *addr, size_t bytes);
int memstate_batch_submit(struct memstate_batch *batch);
uint32_t memstate_batch_nr(const struct memstate_batch *batch);
int memstate_batch_result(const struct memstate_batch *batch, uint32_t index);
enum memstate_batch_way memstate_batch_way(const struct memstate_batch *batch);
const char *memstate_batch_way_name(enum memstate_batch_way way);
const char *memstate_batch_why(const struct memstate_batch *batch);

/* ---- reports alone ------------------------------------------------------- */

int memstate_post(unsigned int from, unsigned int to, unsigned int class_,
		  unsigned int flags, const void *addr, size_t bytes);
int memstate_post_record(const struct memstate_record *record);
int memstate_apply(const struct memstate_record *records, uint32_t nr,
		   uint32_t *done);
int memstate_apply_paid(const struct memstate_record *records, uint32_t nr,
			uint64_t *paid, unsigned int flags);
int memstate_sync(void);

/* ---- reading ------------------------------------------------------------- */

/*
 * flags of the following: MEMSTATE_TOTALS_LAST: as of the last drain, for one's own
 * totals without a system call where there is the device.
 */
int memstate_totals(struct memstate_totals *totals, unsigned int flags);
int memstate_system_totals(struct memstate_totals *totals);
int memstate_ranges(uint64_t *cursor, struct memstate_range *ranges, uint32_t nr,
		    uint32_t *done);
int memstate_audit(uint64_t *cursor, struct memstate_finding *findings,
		   uint32_t nr, uint32_t *done);

/* The same of the task that a descriptor is bound to, for whoever holds it. */
int memstate_totals_fd(int fd, struct memstate_totals *totals);
int memstate_ranges_fd(int fd, uint64_t *cursor, struct memstate_range *ranges,
		       uint32_t nr, uint32_t *done);
int memstate_audit_fd(int fd, pid_t pid, uint64_t *cursor,
		      struct memstate_finding *findings, uint32_t nr,
		      uint32_t *done);

uint64_t memstate_totals_state(const struct memstate_totals *totals,
			       enum memstate_state state);
uint64_t memstate_totals_charged(const struct memstate_totals *totals);

/* ---- an allocator's statistics -------------------------------------------- */

/*
 * Counters in memory that is shared with whoever reads them, kept by the allocator's
 * threads, each in a shard of its own. Writing costs a fence and a few stores; what is
 * written between enter and exit is seen whole or not at all.
 *
 *	shard = memstate_shard(index);
 *	gen = memstate_shard_gen();
 *	...
 *	set = memstate_shard_enter(shard, gen);
 *	memstate_shard_add(set, MEMSTATE_ALLOC_BYTES, bytes);
 *	memstate_shard_add(set, MEMSTATE_ALLOC_COUNT, 1);
 *	memstate_shard_exit(shard);
 *
 * A child has shards of its own, which are zero, and with the device the parent's are
 * not mapped in it: it asks for shards and gen again before it writes. Whether that is
 * due is told by the word behind memstate_shard_epoch(), also where no handler of
 * pthread_atfork() ran: it is not what it was when the shards were handed out.
 */
struct memstate_alloc_shard *memstate_shard(unsigned int index);
const uint32_t *memstate_shard_gen(void);
const uint32_t *memstate_shard_epoch(void);

typedef uint64_t memstate_word __attribute__((__may_alias__));

/* __u64 and uint64_t are different types of the same size. */
#ifdef __cplusplus
#define MEMSTATE_WORDS(words)	reinterpret_cast<uint64_t *>(words)
#else
#define MEMSTATE_WORDS(words)	((uint64_t *)(words))
#endif

/**
 * memstate_shard_enter() - begin to write
 * @shard:	from memstate_shard()
 * @gen:	from memstate_shard_gen()
 *
 * Context: one writer of a shard at a time; between enter and exit neither a system
 * call nor a signal handler that writes to the same shard.
 * Return: the set to give to memstate_shard_add() until memstate_shard_exit().
 */
static inline uint64_t *memstate_shard_enter(struct memstate_alloc_shard *shard,
					     const uint32_t *gen)
{
	uint32_t seq = __atomic_load_n(&shard->seq, __ATOMIC_RELAXED);

#if defined(__x86_64__)
	/* A locked exchange is a full barrier, and cheaper than a fence. */
	__atomic_exchange_n(&shard->seq, seq + 1, __ATOMIC_SEQ_CST);
#else
	__atomic_store_n(&shard->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* pairs with ms_fold_begin() */
#endif
	/* Acquire: pairs with the release of gen in ms_fold_begin(). */
	return MEMSTATE_WORDS(shard->set[__atomic_load_n(gen, __ATOMIC_ACQUIRE)]);
}

/**
 * memstate_shard_add() - add to a counter
 * @set:	from memstate_shard_enter()
 * @counter:	enum memstate_alloc_counter, or MEMSTATE_IN_USE + a class
 * @delta:	how much; negative ones wrap
 *
 * Context: between enter and exit.
 */
static inline void memstate_shard_add(uint64_t *set, unsigned int counter,
				      uint64_t delta)
{
	memstate_word *word = &set[counter];

	__atomic_store_n(word, __atomic_load_n(word, __ATOMIC_RELAXED) + delta,
			 __ATOMIC_RELAXED);
}

/**
 * memstate_shard_exit() - end a write
 * @shard: the shard
 *
 * Context: after memstate_shard_enter().
 */
static inline void memstate_shard_exit(struct memstate_alloc_shard *shard)
{
	uint32_t seq = __atomic_load_n(&shard->seq, __ATOMIC_RELAXED);

	/* Release: pairs with the acquire of seq in ms_fold_try(). */
	__atomic_store_n(&shard->seq, seq + 1, __ATOMIC_RELEASE);
}

/* Sums of this process, of whom a descriptor is bound to, of a group. */
int memstate_alloc_totals(struct memstate_alloc *alloc);
int memstate_alloc_totals_fd(int fd, struct memstate_alloc *alloc);
int memstate_group_alloc_totals(int cgroup_fd, struct memstate_alloc *alloc);

/* ---- limits -------------------------------------------------------------- */

/**
 * struct memstate_refusal - why a charge was refused
 * @group:	cgroup id of the group whose limit it was, 0: the process's own; a job's has
 *		MEMSTATE_JOB_ID
 * @wanted:	bytes that were asked for
 * @room:	bytes that the limit had left
 */
struct memstate_refusal {
	uint64_t group;
	uint64_t wanted;
	uint64_t room;
};

int memstate_charge(size_t bytes);
int memstate_charge_try(size_t bytes);
int memstate_charge_wait(size_t bytes, uint64_t timeout_ns);
int memstate_charge_range(const void *addr, size_t bytes, uint64_t *charged);
void memstate_uncharge(size_t bytes);
int memstate_trim(void);
const char *memstate_refusal(struct memstate_refusal *refusal);

unsigned int memstate_pressure(void);
int memstate_self_limit(uint64_t high, uint64_t max);
int memstate_limit_set(int cgroup_fd, unsigned int set, uint64_t high, uint64_t max);
int memstate_limit_apply(int cgroup_fd, struct memstate_limit *limit);
int memstate_limit_get(int cgroup_fd, struct memstate_limit *limit);
int memstate_group_totals(int cgroup_fd, struct memstate_totals *totals,
			  unsigned int flags);
int memstate_group_observe(int cgroup_fd, struct memstate_observe *observe);
int memstate_group_refusal(int cgroup_fd, struct memstate_last_refusal *refusal);

/* A limit on the process and all its descendants; the descriptor is to be closed by the caller. */
int memstate_job(int fd, struct memstate_job *job);
int memstate_job_observe(int fd, struct memstate_observe *observe);
int memstate_job_limit_apply(int fd, struct memstate_limit *limit);
int memstate_job_totals(int fd, struct memstate_totals *totals, unsigned int flags);

/* A descriptor to poll for EPOLLPRI; to be closed by the caller. */
int memstate_watch_open(int cgroup_fd);
int memstate_watch_read(int fd, struct memstate_limit *limit);
int memstate_watch_refusal(int fd, struct memstate_last_refusal *refusal);

/* In place of a cgroup directory's descriptor. */
#define MEMSTATE_OWN_TASK	(-1)
#define MEMSTATE_OWN_GROUP	(-2)
#define MEMSTATE_SYSTEM		(-3)

/* ---- for people ---------------------------------------------------------- */

#define MEMSTATE_BYTES_MAX	16
#define MEMSTATE_LINE_MAX	192

const char *memstate_state_name(unsigned int state);
const char *memstate_class_name(unsigned int class_);
const char *memstate_format_bytes(char *buf, size_t size, uint64_t bytes);
int memstate_parse_bytes(const char *text, uint64_t *bytes);
const char *memstate_format_line(char *buf, size_t size,
				 const struct memstate_totals *totals);
const char *memstate_format_live(char *buf, size_t size,
				 const struct memstate_totals *totals,
				 const struct memstate_alloc *alloc);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* MEMSTATE_H */
