/* SPDX-License-Identifier: MIT */
/*
 * What the library's files know of each other.
 *
 * Model
 *
 *   Both back ends are a ring and something that drains it: the kernel, or the
 *   process itself. Posting is the same code. Everything else goes through a
 *   table of operations.
 *
 *   Whether the library is initialised stands in a page that is wiped in a
 *   child (MADV_WIPEONFORK): a child finds itself uninitialised even where no
 *   handler ran, and begins anew with its first transition.
 */
#ifndef MS_INTERNAL_H
#define MS_INTERNAL_H

#include <memstate.h>

#include "hints.h"
#include "raw.h"
#include "ring.h"
#include "rules.h"

/**
 * struct ms_shard_set - statistics shards of this process
 * @shards:	the shards
 * @nr:		how many
 * @gen:	which set of a shard is written to
 */
struct ms_shard_set {
	struct memstate_alloc_shard *shards;
	u32 nr;
	const u32 *gen;
};

/**
 * struct ms_ops - a back end
 * @name:	for people
 * @open:	make the ring; @inherited: this process was forked from one that
 *		had it open
 * @sync:	drain; -ENOMEM: try again
 * @pending:	tell that something was posted, when the doorbell is set
 * @apply:	records now, after those in the ring; *@paid bytes are paid for them,
 *		and on return what is left of them with HOLD or after an error
 * @charge:	as MEMSTATE_IOC_CHARGE
 * @uncharge:	give a charge back that was not used; NULL: the credit word will do
 * @limit:	of one's own: as MEMSTATE_IOC_LIMIT_SET
 * @pressure:	MEMSTATE_PRESSURE_*
 * @max:	the lowest max in force
 * @totals:	drained first
 * @last:	totals as of the last drain, without a system call
 * @system:	totals of the system
 * @ranges:	as MEMSTATE_IOC_RANGES
 * @audit:	as MEMSTATE_IOC_AUDIT
 * @shards:	make shards, and fill @set in
 * @alloc:	as MEMSTATE_IOC_ALLOC, of this process; there are shards
 * @uring:	a descriptor that takes reports from io_uring, valid at this moment; NULL:
 *		there is none
 * @fork:	before a fork (0), after it in the parent (1), in the child (2)
 */
struct ms_ops {
	const char *name;
	int (*open)(struct ms_ring_producer *ring, bool inherited);
	int (*sync)(void);
	void (*pending)(void);
	int (*apply)(const struct memstate_record *records, uint32_t nr,
		     uint32_t *done, uint64_t *paid, unsigned int flags);
	int (*charge)(struct memstate_charge *arg);
	void (*uncharge)(uint64_t bytes);
	int (*limit)(uint32_t set, uint64_t high, uint64_t max);
	unsigned int (*pressure)(void);
	uint64_t (*max)(void);
	int (*totals)(struct memstate_totals *totals);
	int (*last)(struct memstate_totals *totals);
	int (*system)(struct memstate_totals *totals);
	int (*ranges)(struct memstate_ranges *arg);
	int (*audit)(struct memstate_audit *arg);
	int (*shards)(struct ms_shard_set *set);
	int (*alloc)(struct memstate_alloc *arg);
	int (*uring)(void);
	void (*fork)(int when);
};

/**
 * struct ms_lib - the library in this process
 * @backend:	which one
 * @ops:	its operations
 * @ring:	where to post
 * @doorbell:	not zero: what is posted is to be told of; shared with the kernel
 * @credit:	bytes that are charged and not used, shared with the kernel; NULL: none
 * @limited:	without @credit: there is a limit all the same
 * @cas128:	@credit stands behind the tail, and both can be moved at once
 * @unmaps_known: the back end sees unmappings by itself
 * @high:	the process's own limits, which its children keep
 * @max:	likewise
 * @error:	why not the other one
 */
struct ms_lib {
	enum memstate_backend backend;
	const struct ms_ops *ops;
	struct ms_ring_producer ring;
	const u32 *doorbell;
	u64 *credit;
	bool limited;
	bool cas128;
	bool unmaps_known;
	uint64_t high;
	uint64_t max;
	char error[128];
};

/**
 * struct ms_state - what is zero in a child, in a page of its own
 * @init:	0, under way, MS_LIB_READY
 * @refused:	a charge was refused, and the caller was told
 * @reserve:	bytes that are charged and kept for the time after a refusal
 * @shards:	0, under way, MS_LIB_READY, MS_LIB_NEVER
 * @shards_epoch: once there are shards, not 0 and another than any ancestor's
 * @uring_epoch: likewise, once there is an io_uring
 */
struct ms_state {
	u32 init;
	u32 refused;
	u64 reserve;
	u32 shards;
	u32 shards_epoch;
	u32 uring_epoch;
};

extern struct ms_lib ms_lib MS_HIDDEN;
extern const u32 ms_no_doorbell MS_HIDDEN;
extern struct ms_state *ms_lib_state MS_HIDDEN;
extern const struct ms_ops ms_device_ops MS_HIDDEN;
extern const struct ms_ops ms_embedded_ops MS_HIDDEN;

#define MS_LIB_BUSY	1
#define MS_LIB_READY	2
#define MS_LIB_NEVER	3

MS_HIDDEN int ms_lib_init(void);

MS_HIDDEN const char *ms_env(const char *name);

/* 0, or why there are no books. */
static inline int ms_lib_ready(void)
{
	struct ms_state *state = __atomic_load_n(&ms_lib_state, __ATOMIC_ACQUIRE);

	if (MS_LIKELY(state && __atomic_load_n(&state->init, __ATOMIC_ACQUIRE) ==
				       MS_LIB_READY))
		return ms_lib.ops ? 0 : -ENODEV;
	return ms_lib_init();
}

/* This thread forks: it has the locks of the back end until the handlers are done. */
extern MS_HIDDEN __thread bool ms_forking __attribute__((tls_model("initial-exec")));
/* Slots that this thread has claimed and not published: above 0 in a handler only. */
extern MS_HIDDEN __thread unsigned int ms_posting __attribute__((tls_model("initial-exec")));

/* Post a record whose length has been charged, if it goes to Ready. */
MS_HIDDEN int ms_post_paid(const struct memstate_record *record);

/* Ready to Prepared: what follows an madvise that has dropped a range. */
MS_HIDDEN int ms_unused_report(void *addr, size_t bytes, enum memstate_class class_);

/* Give way to whoever is between claim and publish. */
MS_HIDDEN void ms_post_wait(int tries);

MS_HIDDEN void ms_signals_block(uint64_t *saved);
MS_HIDDEN void ms_signals_restore(const uint64_t *saved);

/**
 * struct ms_alloc_parts - what the heap's Ready memory consists of, bytes
 * @data:	in blocks that are handed out
 * @frag:	neither that nor idle
 * @idle:	holds no block
 */
struct ms_alloc_parts {
	uint64_t data;
	uint64_t frag;
	uint64_t idle;
};

/* Figures of different moments, or a program's nonsense, never go below zero. */
static inline void ms_alloc_parts(const struct memstate_alloc *alloc, uint64_t heap,
				  struct ms_alloc_parts *parts)
{
	int64_t data = (int64_t)(alloc->counters[MEMSTATE_ALLOC_BYTES] -
				 alloc->counters[MEMSTATE_FREE_BYTES]);
	int64_t idle = (int64_t)alloc->counters[MEMSTATE_IDLE_BYTES];

	parts->data = data > 0 ? (uint64_t)data : 0;
	parts->idle = idle > 0 ? (uint64_t)idle : 0;
	heap -= parts->data < heap ? parts->data : heap;
	parts->frag = heap > parts->idle ? heap - parts->idle : 0;
}

#define MS_MAPPING_DONTFORK	1
#define MS_MAPPING_WIPEONFORK	2
#define MS_MAPPING_DROPPABLE	4
#define MS_MAPPING_GROWSDOWN	8
/* MADV_DONTNEED is refused: locked, of huge pages, or a device's. */
#define MS_MAPPING_PINNED	16

/**
 * struct ms_mapping - a line of /proc/PID/maps
 * @start:	first byte
 * @end:	one past the last byte
 * @prot:	PROT_READ, PROT_WRITE, PROT_EXEC
 * @private_:	not shared
 * @anonymous:	no file behind it (a name in brackets does not count as one)
 * @heap:	the brk heap
 * @flags:	MS_MAPPING_*, of smaps alone
 */
struct ms_mapping {
	u64 start;
	u64 end;
	int prot;
	bool private_;
	bool anonymous;
	bool heap;
	u32 flags;
};

typedef int (*ms_mapping_fn)(const struct ms_mapping *mapping, void *arg);
MS_HIDDEN int ms_mappings_walk(const char *path, ms_mapping_fn fn, void *arg);

MS_HIDDEN bool ms_finding_add(struct memstate_audit *arg, const struct memstate_range *r,
			      u64 start, u64 end, u32 kind);
MS_HIDDEN int ms_audit_ranges(struct memstate_audit *arg,
			      const struct memstate_range *ranges, u32 nr);
#endif /* MS_INTERNAL_H */
