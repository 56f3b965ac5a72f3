/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * memstate - page-state accounting: the whole interface between a task and
 * the kernel.
 *
 * Model
 *
 *   A task tells the kernel in which *state* each range of its address space
 *   is, and for which purpose (*class*) it is held. It does so by records,
 *   posted to a ring in shared memory (no system call) or handed over by an
 *   ioctl. The kernel keeps the books; what lies in shared memory is never
 *   believed.
 *
 * Changelog (the ABI is append only)
 *
 *   1  QUERY, SETUP, SYNC, TRANSITION, TOTALS (task, system), RANGES, AUDIT.
 *   2  Limits: CHARGE, LIMIT_SET, LIMIT_GET, WATCH; the credit word and SETUP's
 *      CREDIT; pressure and limits in the totals page; TRANSITION's @paid, HOLD
 *      and INHERITED; TOTALS of groups and its LAST; more members of totals.
 *   3  Shared statistics shards: SHARDS, ALLOC, the mapping at OFF_SHARDS,
 *      alloc_gen in the totals page, shards_max in QUERY.
 *   4  io_uring: REPORT, and SYNC, TRANSITION, TOTALS, CHARGE, LIMIT_GET by URING_CMD.
 *   5  SETUP's DOORBELL, the doorbell word and PENDING; TOTALS' PARTIAL.
 *      A task's charge is bounded; CHARGE with WAIT ends for signals with a handler only,
 *      says then what is left of the time, and -ENOSPC where too many wait.
 *      Books begin with the first call that needs them, not with open(), and what open()
 *      could say that call says; they are the address space's owner's. -EUSERS. Groups
 *      beyond the caller's own cgroup: -EACCES. poll() before there is anything to watch:
 *      EPOLLERR. fdinfo has memstate-books. sysfs: one file per task, and no draining.
 *   6  OBSERVE: programs that report nothing; FEATURE_OBSERVE. LIMIT_SET has them observed,
 *      unless REPORTS. SCOPE_PROCESS, of OBSERVE, TOTALS, LIMIT_GET, RANGES. TOTALS'
 *      @observed; RANGES' @scope and @fd. JOB, FEATURE_JOBS and SCOPE_JOB.
 *   7  REFUSAL. A refused charge is noted and told as a growth is; last_refusal in sysfs has
 *      the pid of the reader's namespace. EPOLLPRI also of a refusal by a limit above.
 */
#ifndef _UAPI_LINUX_MEMSTATE_H
#define _UAPI_LINUX_MEMSTATE_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define MEMSTATE_ABI_VERSION	7

#define MEMSTATE_DEVICE		"/dev/memstate"

/* ---- states, classes, flags -------------------------------------------- */

/**
 * enum memstate_state - state of a page
 * @MEMSTATE_NONE:	not mapped
 * @MEMSTATE_RESERVED:	address space owned, no access, backed by nothing
 * @MEMSTATE_PREPARED:	accessible, contents droppable
 * @MEMSTATE_READY:	in use or about to be
 */
enum memstate_state {
	MEMSTATE_NONE		= 0,
	MEMSTATE_RESERVED	= 1,
	MEMSTATE_PREPARED	= 2,
	MEMSTATE_READY		= 3,
};
#define MEMSTATE_NR_STATES	4

/*
 * What stands in a record's *to* besides a state. Both leave None as None.
 *
 * KEEP     the state stays as it was (the class may change)
 * KEEP_RO  likewise, and the range has lost write access: what mremap appends
 *          to it is Reserved. Any later record to a state clears the mark, but
 *          for one to Prepared with LAZY: advice leaves access as it is.
 */
#define MEMSTATE_KEEP		4
#define MEMSTATE_KEEP_RO	5

/*
 * What stands in a record's *from* besides a state.
 *
 * MAPPED   any state but None
 * ANY      the reporter does not know
 */
#define MEMSTATE_MAPPED		6
#define MEMSTATE_ANY		7

/**
 * enum memstate_class - what a page is held for
 * @MEMSTATE_HEAP:	allocator-managed data
 * @MEMSTATE_STACK:	stacks
 * @MEMSTATE_METADATA:	the allocator's own bookkeeping
 * @MEMSTATE_CODE:	memory that is, or was, executable
 * @MEMSTATE_OTHER:	anything else
 * @MEMSTATE_USER1:	for the program's own use
 * @MEMSTATE_USER2:	for the program's own use
 * @MEMSTATE_USER3:	for the program's own use
 */
enum memstate_class {
	MEMSTATE_HEAP		= 0,
	MEMSTATE_STACK		= 1,
	MEMSTATE_METADATA	= 2,
	MEMSTATE_CODE		= 3,
	MEMSTATE_OTHER		= 4,
	MEMSTATE_USER1		= 5,
	MEMSTATE_USER2		= 6,
	MEMSTATE_USER3		= 7,
};
#define MEMSTATE_NR_CLASSES	8

/*
 * Flags of a record.
 *
 * LAZY        the range may still be, or again become, resident without a
 *             report; it counts in its state, is shown apart and keeps its
 *             charge. Only with *to* Reserved or Prepared. It keeps a charge
 *             and never makes one: over Reserved or Prepared that is not lazy
 *             it has no effect.
 * ONLY        apply only where the state is *from*; elsewhere nothing changes
 *             and nothing counts as drift
 * KEEP_CLASS  where the range is not None its class stays as it was
 */
#define MEMSTATE_LAZY		1
#define MEMSTATE_ONLY		2
#define MEMSTATE_KEEP_CLASS	4

/* ---- records and the ring ---------------------------------------------- */

/* Length unit of a record, in bytes, whatever the page size. */
#define MEMSTATE_UNIT		4096
#define MEMSTATE_UNIT_SHIFT	12

#define MEMSTATE_FROM_SHIFT	0
#define MEMSTATE_TO_SHIFT	3
#define MEMSTATE_CLASS_SHIFT	6
#define MEMSTATE_FLAGS_SHIFT	9
#define MEMSTATE_FIELD_MASK	7
#define MEMSTATE_ADDR_MASK	(~4095ULL)

/**
 * struct memstate_record - one transition
 * @w0: address | from, to, class, flags, three bits each from bit 0 up
 * @w1: length in units of 4096 bytes | sequence in the upper 32 bits
 *
 * Address and length are multiples of the system's page size. In the ring the
 * sequence is the slot's position and @w1 is stored last, with release order;
 * in an array given to an ioctl it is zero.
 */
struct memstate_record {
	__u64 w0;
	__u64 w1;
};

/*
 * Ring protocol. Positions are 32 bits wide and wrap; the slot of position p is
 * p & (ring_entries - 1). The first position is MEMSTATE_RING_START, so that a
 * zeroed slot is never taken for a published one. A producer
 *   1. reads tail, and head with acquire order; the ring is full when
 *      tail - head == ring_entries (then: SYNC);
 *   2. claims position p = tail by compare-and-swap to p + 1;
 *   3. writes w0, then w1 with release order.
 * The kernel drains from its private copy of head and stops at the first
 * position that is not published.
 */
#define MEMSTATE_RING_START	1

/* mmap offsets of the device */
#define MEMSTATE_OFF_RING	0x00000000
#define MEMSTATE_OFF_TOTALS	0x10000000
#define MEMSTATE_OFF_SHARDS	0x20000000

/**
 * struct memstate_ring_control - first page of the ring mapping
 * @tail:	next position to claim, advanced by producers
 * @doorbell:	not zero: what is posted is to be made known by PENDING. Written by the
 *		kernel, with SETUP's DOORBELL only
 * @credit:	bytes that are charged and not used yet: taken from and given back
 *		to by atomic operations, from both sides
 * @__reserved:	zero
 *
 * Writable by the task and hostile for all the kernel knows.
 *
 * Doorbell protocol (SETUP with MEMSTATE_SETUP_DOORBELL). Readers of a group's totals pass
 * over tasks in which they found nothing to drain. So who has published a record, and has
 * had a full barrier since it claimed the slot, loads @doorbell with acquire order, and
 * calls PENDING if it is not zero. Once somebody in the process has called SETUP without it,
 * the kernel looks for itself, and the word stays zero.
 *
 * Credit protocol (SETUP with MEMSTATE_SETUP_CREDIT). Who makes memory Ready takes
 * its length from @credit first, or asks CHARGE where there is too little; then
 * comes the system call, then the record. Each record to Ready in the ring counts
 * as paid for its whole length: what of it was charged before is given back when
 * the record is drained, as is what a record to another state gives up.
 */
struct memstate_ring_control {
	__u32 tail;
	__u32 doorbell;
	__u64 credit;
	__u32 __reserved[28];
};

/* How near a limit is: of a group, and in a task the worst of all above it. */
#define MEMSTATE_PRESSURE_NONE	0
#define MEMSTATE_PRESSURE_HIGH	1 /* more is charged than high */
#define MEMSTATE_PRESSURE_MAX	2 /* nothing more can be charged */

/* A limit that is none. */
#define MEMSTATE_UNLIMITED	(~0ULL)

/**
 * struct memstate_totals - the books of a task or of the system
 * @bytes:		bytes per state (index: state - 1) and class
 * @reserved_lazy:	bytes of Reserved that are lazy
 * @prepared_lazy:	bytes of Prepared that are lazy
 * @ready_direct:	direct count of Ready + lazy bytes, kept by other code from
 *			other data than @bytes
 * @peak_ready:		highest value of Ready, for the system of @ready_direct
 * @transitions:	records applied
 * @drift:		records whose *from* disagreed with the books
 * @rejected:		records that were malformed or over a bound, not applied; and
 *			unmappings over ranges_max, made up for when there is room
 * @unmaps:		unmappings that the kernel learnt of by itself and that
 *			changed the books
 * @resyncs:		comparisons of ledger and mappings after the queue of
 *			unmappings overflowed, or some would have passed ranges_max
 * @ranges:		ranges in the ledger
 * @tasks:		tasks with books (1 or 0 for a task)
 * @charged:		bytes charged to limits: what is held, and unused credit
 * @inherited:		Ready or lazy bytes that were there before a fork and did not
 *			fit under a limit: not charged
 * @breached:		Ready or lazy bytes beyond that which are not charged, because
 *			they were not paid for and did not fit
 * @denied:		charges that were refused
 * @breaches:		records that added to @breached
 *
 * At rest Ready + @reserved_lazy + @prepared_lazy equals @ready_direct, and
 * that plus unused credit equals @charged + @inherited + @breached; where programs are observed
 * there is what they are charged in @charged, too.
 */
struct memstate_totals {
	__u64 bytes[MEMSTATE_NR_STATES - 1][MEMSTATE_NR_CLASSES];
	__u64 reserved_lazy;
	__u64 prepared_lazy;
	__u64 ready_direct;
	__u64 peak_ready;
	__u64 transitions;
	__u64 drift;
	__u64 rejected;
	__u64 unmaps;
	__u64 resyncs;
	__u64 ranges;
	__u64 tasks;
	__u64 charged;
	__u64 inherited;
	__u64 breached;
	__u64 denied;
	__u64 breaches;
};

/**
 * struct memstate_totals_page - what the task may read without a system call
 * @seq:	odd while the kernel writes; read before and after
 * @head:	position up to which the ring has been drained
 * @ring_entries: number of slots
 * @flags:	zero
 * @pressure:	MEMSTATE_PRESSURE_*: the worst of the task's own limit and those of
 *		its groups; not covered by @seq
 * @__reserved0: zero
 * @group:	cgroup id of the group that the task belongs to
 * @max:	the lowest max above the task, its own included; not covered by @seq
 * @high:	likewise high
 * @__reserved:	zero
 * @alloc_gen:	which set of its shard a writer uses, 0 to 2; not covered by @seq, and
 *		on a cache line of its own
 * @__reserved1: zero
 * @__reserved2: zero
 * @totals:	the task's books as of the last drain
 */
struct memstate_totals_page {
	__u32 seq;
	__u32 head;
	__u32 ring_entries;
	__u32 flags;
	__u32 pressure;
	__u32 __reserved0;
	__u64 group;
	__u64 max;
	__u64 high;
	__u64 __reserved[2];
	__u32 alloc_gen;
	__u32 __reserved1;
	__u64 __reserved2[7];
	struct memstate_totals totals;
};

/* ---- statistics shards ---------------------------------------------------- */

/**
 * enum memstate_alloc_counter - what an allocator counts
 * @MEMSTATE_ALLOC_BYTES:	bytes of blocks handed out, ever
 * @MEMSTATE_ALLOC_COUNT:	blocks handed out, ever
 * @MEMSTATE_FREE_BYTES:	bytes of blocks taken back, ever
 * @MEMSTATE_FREE_COUNT:	blocks taken back, ever
 * @MEMSTATE_IDLE_BYTES:	Ready bytes that hold no block
 * @MEMSTATE_SLAB_BYTES:	Ready bytes in slabs and large blocks
 * @MEMSTATE_REFILLS:		slow paths taken
 * @MEMSTATE_REMOTE_FREES:	blocks taken back that another thread had freed
 * @MEMSTATE_IN_USE:		bytes of blocks in use, by class: this + enum
 *				memstate_class
 *
 * Sums over all shards; what falls again is added to by deltas that wrap. The
 * allocator counts where it takes its slow path, so figures lag by what a thread
 * holds ready. They are the program's own word: shown, never used to enforce. A
 * counter that has no name here is for later.
 */
enum memstate_alloc_counter {
	MEMSTATE_ALLOC_BYTES	= 0,
	MEMSTATE_ALLOC_COUNT	= 1,
	MEMSTATE_FREE_BYTES	= 2,
	MEMSTATE_FREE_COUNT	= 3,
	MEMSTATE_IDLE_BYTES	= 4,
	MEMSTATE_SLAB_BYTES	= 5,
	MEMSTATE_REFILLS	= 6,
	MEMSTATE_REMOTE_FREES	= 7,
	MEMSTATE_IN_USE		= 8,
};
#define MEMSTATE_ALLOC_COUNTERS	24
#define MEMSTATE_ALLOC_SETS	3

/**
 * struct memstate_alloc_shard - one writer's statistics
 * @seq:	odd while the writer writes
 * @__reserved:	zero
 * @set:	deltas of enum memstate_alloc_counter, by alloc_gen
 *
 * Shard protocol. A shard has one writer at a time, who
 *
 *   1. stores @seq + 1 (odd);
 *   2. has a full barrier;
 *   3. loads alloc_gen from the totals page with acquire order: this set it uses;
 *   4. adds to counters of that set by plain loads and stores of whole words;
 *   5. stores @seq + 1 (even) with release order.
 *
 * What is written between 1 and 5 is seen whole or not at all. The reader moves
 * alloc_gen on, waits until each shard has been seen outside of a write, takes the
 * sets that have been closed, and leaves zeros there. It waits for a bounded time: a
 * write is some stores long, and no system call belongs into it.
 *
 * Writable by the task and hostile for all the kernel knows.
 */
struct memstate_alloc_shard {
	__u32 seq;
	__u32 __reserved[15];
	__u64 set[MEMSTATE_ALLOC_SETS][MEMSTATE_ALLOC_COUNTERS];
} __attribute__((__aligned__(64)));

/* ---- ioctls ------------------------------------------------------------- */

/*
 * Each structure begins with its own size as the caller knows it. A smaller one
 * is taken as if the rest were zero; a larger one must be zero beyond what the
 * kernel knows (-E2BIG). Unknown flags and reserved fields that are not zero:
 * -EINVAL. On success *size* is set to what the kernel knows.
 *
 * A file belongs to the address space of who opened it. The first call that needs books
 * begins them, if that address space has none: any but QUERY, and but what is about
 * SCOPE_SYSTEM, SCOPE_GROUP, a job, or a group that is watched. Such a call may say, with nothing
 * begun: -ENFILE: too many tasks or groups; -EUSERS: too many of this user; -ELOOP: the
 * cgroup lies too deep; -ENOENT: it is gone; -EINTR: killed; -ENOMEM. From another
 * address space, before they have begun: -EPERM of who reports; of who reads, books that
 * are empty, and -ESRCH of AUDIT, WATCH and SCOPE_OWN_GROUP.
 */
#define MEMSTATE_IOC_MAGIC	0xBD

#define MEMSTATE_IOC_QUERY	_IO(MEMSTATE_IOC_MAGIC, 0x10)
#define MEMSTATE_IOC_SETUP	_IO(MEMSTATE_IOC_MAGIC, 0x11)
#define MEMSTATE_IOC_SYNC	_IO(MEMSTATE_IOC_MAGIC, 0x12)
#define MEMSTATE_IOC_TRANSITION	_IO(MEMSTATE_IOC_MAGIC, 0x13)
#define MEMSTATE_IOC_TOTALS	_IO(MEMSTATE_IOC_MAGIC, 0x14)
#define MEMSTATE_IOC_RANGES	_IO(MEMSTATE_IOC_MAGIC, 0x15)
#define MEMSTATE_IOC_AUDIT	_IO(MEMSTATE_IOC_MAGIC, 0x16)
#define MEMSTATE_IOC_CHARGE	_IO(MEMSTATE_IOC_MAGIC, 0x17)
#define MEMSTATE_IOC_LIMIT_SET	_IO(MEMSTATE_IOC_MAGIC, 0x18)
#define MEMSTATE_IOC_LIMIT_GET	_IO(MEMSTATE_IOC_MAGIC, 0x19)
#define MEMSTATE_IOC_WATCH	_IO(MEMSTATE_IOC_MAGIC, 0x1a)
#define MEMSTATE_IOC_SHARDS	_IO(MEMSTATE_IOC_MAGIC, 0x1b)
#define MEMSTATE_IOC_ALLOC	_IO(MEMSTATE_IOC_MAGIC, 0x1c)
#define MEMSTATE_IOC_PENDING	_IO(MEMSTATE_IOC_MAGIC, 0x1e)
#define MEMSTATE_IOC_OBSERVE	_IO(MEMSTATE_IOC_MAGIC, 0x1f)
#define MEMSTATE_IOC_JOB	_IO(MEMSTATE_IOC_MAGIC, 0x20)
#define MEMSTATE_IOC_REFUSAL	_IO(MEMSTATE_IOC_MAGIC, 0x21)

/* features */
#define MEMSTATE_FEATURE_LIMITS	1
#define MEMSTATE_FEATURE_SHARDS	2
#define MEMSTATE_FEATURE_URING	4
#define MEMSTATE_FEATURE_DOORBELL	8
#define MEMSTATE_FEATURE_OBSERVE	16
#define MEMSTATE_FEATURE_JOBS	32

/**
 * struct memstate_query - what this kernel offers
 * @size:		in: sizeof; out: the kernel's
 * @flags:		in: zero
 * @abi_version:	out: MEMSTATE_ABI_VERSION of the kernel
 * @page_size:		out: granule of addresses and lengths, bytes
 * @features:		out: MEMSTATE_FEATURE_*
 * @ring_entries_default: out: slots where SETUP is asked for 0
 * @ring_entries_max:	out: most slots a ring can have
 * @ranges_max:		out: most ranges a task's ledger can hold
 * @records_max:	out: most records one TRANSITION takes
 * @unmaps_max:		out: unmappings queued before a comparison is due
 * @__reserved:		zero
 * @credit_batch:	out: bytes that CHARGE adds to the credit word, where there
 *			is room, beyond what was asked for
 * @groups_max:		out: most groups there can be
 * @shards_max:		out: most statistics shards a task can have
 */
struct memstate_query {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 page_size;
	__u64 features;
	__u32 ring_entries_default;
	__u32 ring_entries_max;
	__u32 ranges_max;
	__u32 records_max;
	__u32 unmaps_max;
	__u32 __reserved;
	__u64 credit_batch;
	__u32 groups_max;
	__u32 shards_max;
};

/* flags of SETUP: this task keeps to the credit protocol, to the doorbell protocol */
#define MEMSTATE_SETUP_CREDIT	1
#define MEMSTATE_SETUP_DOORBELL	2

/**
 * struct memstate_setup - make the task's ring, or learn its geometry
 * @size:		in: sizeof; out: the kernel's
 * @flags:		in: MEMSTATE_SETUP_*
 * @ring_entries:	in: slots, a power of two, or 0 for the default or the
 *			existing ring; out: slots
 * @records_offset:	out: bytes from the start of the ring mapping to slot 0
 * @ring_bytes:		out: length of the mapping at MEMSTATE_OFF_RING
 * @totals_bytes:	out: length of the mapping at MEMSTATE_OFF_TOTALS
 *
 * -EINVAL: not a power of two, or over the bound; -EEXIST: a ring of another
 * size, or with other flags, exists; -EPERM: not the bound task; -ESRCH: the task is gone.
 */
struct memstate_setup {
	__u32 size;
	__u32 flags;
	__u32 ring_entries;
	__u32 records_offset;
	__u64 ring_bytes;
	__u64 totals_bytes;
};

/**
 * struct memstate_sync - drain the ring
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @head:	out: position up to which the ring is drained now
 * @drained:	out: records taken from the ring by this call
 * @pending:	out: slots claimed beyond @head, as the task's tail says
 * @rejected:	out: records of this call that were not applied
 * @error:	out: errno (positive) of the first of these, or 0
 * @error_pos:	out: its position
 *
 * -ENOMEM: stopped before a record for want of memory, call again;
 * -EPERM: not the bound task; -ENXIO: no ring; -ESRCH: the task is gone.
 */
struct memstate_sync {
	__u32 size;
	__u32 flags;
	__u32 head;
	__u32 drained;
	__u32 pending;
	__u32 rejected;
	__u32 error;
	__u32 error_pos;
};

/*
 * flags of TRANSITION
 *
 * HOLD       what the records give up stays charged and is the caller's, in @paid
 * INHERITED  the memory was there before a fork: what does not fit under a limit is
 *            recorded without a charge
 */
#define MEMSTATE_TRANSITION_HOLD	1
#define MEMSTATE_TRANSITION_INHERITED	2

/**
 * struct memstate_transition - apply records now, without the ring
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: MEMSTATE_TRANSITION_*
 * @records:	in: pointer to struct memstate_record[@nr]
 * @nr:		in: how many, 1 to records_max
 * @done:	out, also on error: how many were applied
 * @paid:	in: bytes of credit that the caller has taken for these records; out,
 *		also on error: with HOLD, or after an error, what is left of them and
 *		still the caller's; else zero, and the rest has been given back
 * @refused_by:	out: -EDQUOT: cgroup id of the group whose limit it was, 0: the
 *		task's own
 *
 * What is published in the ring comes first. What a record makes Ready is paid from
 * @paid, then charged. Stops at the first record that cannot be applied, with the
 * books as if it and what follows it had not been given: -EINVAL: malformed;
 * -ENOSPC: the ledger has too many ranges; -EDQUOT: over a limit; -ENOMEM; -EPERM:
 * not the bound task; -ESRCH: the task is gone.
 */
struct memstate_transition {
	__u32 size;
	__u32 flags;
	__u64 records;
	__u32 nr;
	__u32 done;
	__u64 paid;
	__u64 refused_by;
};

/*
 * scope of TOTALS, ALLOC, LIMIT_SET, LIMIT_GET, WATCH, OBSERVE
 *
 * TASK       the task that the descriptor is bound to
 * SYSTEM     everything: the group of the root cgroup
 * GROUP      the group of a cgroup v2 directory, given by a descriptor
 * OWN_GROUP  the group that the task belongs to
 * WATCHED    what the file watches (TOTALS, ALLOC and LIMIT_GET)
 * PROCESS    the process of a pidfd (OBSERVE, TOTALS, LIMIT_GET, RANGES)
 * JOB        the job that was made by this file; -ESRCH: none was
 *
 * Of another process figures are for who has all its ids, is in its user namespace, has all
 * its capabilities, and finds it dumpable; or has CAP_SYS_PTRACE in its user namespace; or is
 * that process. Where its memory lies is for the latter two. -EACCES: none of that; -EBADF:
 * not a pidfd; -ESRCH: the process has no memory
 * any more, or never had; -EINTR: killed.
 */
#define MEMSTATE_SCOPE_TASK		0
#define MEMSTATE_SCOPE_SYSTEM		1
#define MEMSTATE_SCOPE_GROUP		2
#define MEMSTATE_SCOPE_OWN_GROUP	3
#define MEMSTATE_SCOPE_WATCHED		4
#define MEMSTATE_SCOPE_PROCESS		5
#define MEMSTATE_SCOPE_JOB		6

/* What is given as the id of a group is a job's: no cgroup's id has this bit. */
#define MEMSTATE_JOB_ID			(1ULL << 63)

/*
 * flags of TOTALS
 *
 * LAST     as of each task's last drain, without draining, and of the last look at what
 *          reports nothing
 * PARTIAL  out: not all that was posted before is in: there was more of it than one call
 *          drains, or somebody else was draining a task. In: no meaning
 */
#define MEMSTATE_TOTALS_LAST		1
#define MEMSTATE_TOTALS_PARTIAL		2

/**
 * struct memstate_totals_observed - what is seen of programs that are observed; bytes
 * @spaces:	address spaces that report nothing
 * @commit:	what they could write to without asking anybody again
 * @backed:	what of theirs is anonymous and resident, or swapped out: Ready. The rest of
 *		@commit is Prepared
 * @inherited:	of that, charged to who has forked them
 * @pending:	was granted, is charged, and is not backed yet
 * @excess:	charged for who reports, beyond what he reports
 * @charged:	charged for all this: @backed - @inherited + @pending + @excess
 */
struct memstate_totals_observed {
	__u64 spaces;
	__u64 commit;
	__u64 backed;
	__u64 inherited;
	__u64 pending;
	__u64 excess;
	__u64 charged;
};

/**
 * struct memstate_get_totals - read the books
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: MEMSTATE_TOTALS_LAST; out: likewise, and MEMSTATE_TOTALS_PARTIAL
 * @scope:	in: MEMSTATE_SCOPE_*
 * @fd:		in: with SCOPE_GROUP the directory, with SCOPE_PROCESS the pidfd, else zero
 * @totals:	out: what is reported; all zero for a task that is gone, a process without books,
 *		or a cgroup in which nobody has reported yet
 * @observed:	out: what is observed beside it, of groups, the system, and SCOPE_PROCESS; all
 *		zero where nothing is
 *
 * What groups are charged is what the books have, and what is charged of @observed.
 *
 * -EINVAL: unknown scope, @fd without SCOPE_GROUP or SCOPE_PROCESS; -EBADF: not a cgroup v2
 * directory; -ENOENT: the cgroup is gone; -EACCES: it is neither the caller's own nor
 * below that, and the caller may not limit it and has neither CAP_SYS_RESOURCE nor
 * CAP_SYS_PTRACE in the initial user namespace.
 */
struct memstate_get_totals {
	__u32 size;
	__u32 flags;
	__u32 scope;
	__s32 fd;
	struct memstate_totals totals;
	struct memstate_totals_observed observed;
};

/* flags of a range */
#define MEMSTATE_RANGE_LAZY	1
#define MEMSTATE_RANGE_RO	2
#define MEMSTATE_RANGE_OBSERVED	4

/**
 * struct memstate_range - a range of equal state and class
 * @start:	first byte
 * @end:	one past the last byte
 * @state:	enum memstate_state, never None
 * @class_:	enum memstate_class
 * @flags:	MEMSTATE_RANGE_*
 * @__reserved:	zero
 */
struct memstate_range {
	__u64 start;
	__u64 end;
	__u8 state;
	__u8 class_;
	__u8 flags;
	__u8 __reserved[5];
};

/**
 * struct memstate_ranges - read the ledger
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @cursor:	in: address to begin at; out: where to go on (0 at the end)
 * @ranges:	in: pointer to struct memstate_range[@nr]
 * @nr:		in: room, at least 1
 * @done:	out: how many were written
 * @transitions: out: changes with each change of the ledger; the same on two
 *		calls: nothing changed between them
 * @scope:	in: MEMSTATE_SCOPE_TASK, or SCOPE_PROCESS
 * @fd:		in: with SCOPE_PROCESS the pidfd, else zero
 *
 * The first range may begin before @cursor. One call is one consistent view. Of a process that
 * has no books it is its private memory, with MEMSTATE_RANGE_OBSERVED: Reserved where it may not
 * be written, Prepared where it may; what of that is Ready stands in /proc/PID/pagemap; nothing
 * tells of changes, and @transitions is another each time.
 * -EINVAL: no room given; another scope; @fd without SCOPE_PROCESS.
 */
struct memstate_ranges {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u64 ranges;
	__u32 nr;
	__u32 done;
	__u64 transitions;
	__u32 scope;
	__s32 fd;
};

/* what an audit finds */
#define MEMSTATE_AUDIT_UNMAPPED		1 /* recorded, but no mapping */
#define MEMSTATE_AUDIT_NOT_WRITABLE	2 /* Ready, mapping not writable */
#define MEMSTATE_AUDIT_RESIDENT		3 /* Reserved, not lazy, yet resident */

/**
 * struct memstate_finding - one place where ledger and mappings differ
 * @start:	first byte
 * @end:	one past the last byte
 * @kind:	MEMSTATE_AUDIT_*
 * @state:	recorded state
 * @class_:	recorded class
 * @flags:	MEMSTATE_RANGE_* of the recorded range
 * @__reserved:	zero
 */
struct memstate_finding {
	__u64 start;
	__u64 end;
	__u32 kind;
	__u8 state;
	__u8 class_;
	__u8 flags;
	__u8 __reserved;
};

/**
 * struct memstate_audit - compare the ledger with the mappings
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @cursor:	in: address to begin at; out: where to go on (0 at the end)
 * @findings:	in: pointer to struct memstate_finding[@nr]
 * @nr:		in: room, at least 1
 * @done:	out: how many were written
 * @checked_bytes: out: bytes of the ledger looked at by this call
 *
 * Kinds UNMAPPED and NOT_WRITABLE; RESIDENT is found by libmemstate from
 * /proc/PID/pagemap, as page tables are not open to modules.
 * -EINVAL: no room given; -ESRCH: the task is gone.
 */
struct memstate_audit {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u64 findings;
	__u32 nr;
	__u32 done;
	__u64 checked_bytes;
};

/*
 * flags of CHARGE
 *
 * WAIT   wait for room, for @timeout_ns at the most
 * RANGE  charge what it takes to make Ready what the books have in
 *        [@addr, @addr + @bytes)
 * TRIM   give unused credit back to the group; @bytes is zero
 */
#define MEMSTATE_CHARGE_WAIT	1
#define MEMSTATE_CHARGE_RANGE	2
#define MEMSTATE_CHARGE_TRIM	4

/**
 * struct memstate_charge - be allowed to make memory Ready
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: MEMSTATE_CHARGE_*
 * @bytes:	in: how much, with RANGE the length; out: how much the caller has now,
 *		apart from the credit word; with TRIM what was given back
 * @addr:	in: with RANGE the first byte, else zero
 * @timeout_ns:	in: with WAIT the longest wait, else zero; out: -EINTR: what is left
 * @refused_by:	out: -EDQUOT, -ENOSPC: cgroup id of the group whose limit it was, 0:
 *		the task's own
 * @room:	out: -EDQUOT, -ENOSPC: bytes that this limit had left
 *
 * Where there is too little room: drains first, then takes unused credit back from the
 * other tasks below the limit, before it refuses. A task is charged no more than its
 * address space is long, up to 2^47, and two batches of credit: that is a limit of its own,
 * too. -EDQUOT: over a limit; -ENOSPC: with WAIT, 1024 wait at that limit already; -EINTR: a
 * signal was handled while waiting, with nothing charged; -EINVAL: no multiple of the page
 * size, zero without TRIM, or beyond the address space; -ENXIO: no ring with CREDIT;
 * -EPERM: not the bound task; -ESRCH: the task is gone; -ENOMEM.
 */
struct memstate_charge {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 addr;
	__u64 timeout_ns;
	__u64 refused_by;
	__u64 room;
};

/* What is counted of a limit, and wakes who polls. */
enum memstate_event {
	MEMSTATE_EVENT_HIGH	= 0, /* the charge has passed high */
	MEMSTATE_EVENT_MAX	= 1, /* the charge would have passed max */
	MEMSTATE_EVENT_DENIED	= 2, /* a charge was refused */
	MEMSTATE_EVENT_BREACH	= 3, /* memory became Ready without a charge */
	MEMSTATE_EVENT_DRIFT	= 4, /* a report disagreed with the books */
};
#define MEMSTATE_NR_EVENTS	5

/* @set of LIMIT_SET */
#define MEMSTATE_LIMIT_HIGH	1
#define MEMSTATE_LIMIT_MAX	2

/*
 * flags of LIMIT_GET and LIMIT_SET
 *
 * RESET_PEAK  LIMIT_GET: the reader's peak begins anew at what is charged now
 * REPORTS     LIMIT_SET of a group's max: for what is reported only
 */
#define MEMSTATE_LIMIT_RESET_PEAK	1
#define MEMSTATE_LIMIT_REPORTS		2

/**
 * struct memstate_limit - LIMIT_SET: set limits; LIMIT_GET: read them
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: LIMIT_GET: MEMSTATE_LIMIT_RESET_PEAK; LIMIT_SET: MEMSTATE_LIMIT_REPORTS
 * @scope:	in: MEMSTATE_SCOPE_*
 * @fd:		in: with SCOPE_GROUP the directory, else zero
 * @set:	in: LIMIT_SET: which, MEMSTATE_LIMIT_*; LIMIT_GET: zero
 * @pressure:	out: MEMSTATE_PRESSURE_*
 * @high:	in, out: bytes, or MEMSTATE_UNLIMITED
 * @max:	in, out: bytes, or MEMSTATE_UNLIMITED
 * @group:	out: cgroup id, 0 for a task
 * @charged:	out: bytes charged now
 * @peak:	out: most bytes that were ever charged
 * @peak_reader: out: most bytes since this file's last RESET_PEAK for this scope
 * @lowest_high: out: the lowest high, of this and of all above it
 * @lowest_max:	out: likewise max
 * @events:	out: counts by enum memstate_event, of the group and all below it
 * @events_local: out: of its own limit and its own tasks
 *
 * A group's max is for any program: where the kernel can be hooked, the group is observed as
 * by OBSERVE for as long as it has one. Not with REPORTS, nor once OBSERVE has turned that
 * off: then for who reports.
 *
 * LIMIT_GET with SCOPE_PROCESS: @group is where the process is charged, @charged what is; @high
 * and @max are its own, if it has books; no peaks are kept of one that is observed.
 *
 * A max below what is charged is accepted: nothing more becomes Ready until enough
 * has been given back. A task may only lower its own limits. Groups: who has
 * CAP_SYS_RESOURCE, or may write to the parent of the cgroup's directory through
 * the mount that the descriptor came by. A job's limits are lowered by whoever has its
 * descriptor, and raised by nobody. -EPERM: neither, or a limit of its own, or of a job, to
 * be raised; -EROFS: the mount is read-only; -EINVAL: unknown scope or @set, @fd
 * without SCOPE_GROUP, REPORTS without a group's max; -EBADF: not a cgroup v2 directory;
 * -ENOENT: the cgroup is
 * gone; -ENFILE: too many groups; -EUSERS: too many made for this user; -EACCES:
 * LIMIT_GET, as TOTALS; -ESRCH: the task is gone; -ENOMEM.
 */
struct memstate_limit {
	__u32 size;
	__u32 flags;
	__u32 scope;
	__s32 fd;
	__u32 set;
	__u32 pressure;
	__u64 high;
	__u64 max;
	__u64 group;
	__u64 charged;
	__u64 peak;
	__u64 peak_reader;
	__u64 lowest_high;
	__u64 lowest_max;
	__u64 events[MEMSTATE_NR_EVENTS];
	__u64 events_local[MEMSTATE_NR_EVENTS];
};

/* @set of OBSERVE */
#define MEMSTATE_OBSERVE_ON		1
#define MEMSTATE_OBSERVE_OVERCOMMIT	2
#define MEMSTATE_OBSERVE_TRUST		4
#define MEMSTATE_OBSERVE_COMMIT_MAX	8

/**
 * struct memstate_observe - observe programs that report nothing; read what is seen of them
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @scope:	in: MEMSTATE_SCOPE_GROUP, SCOPE_SYSTEM, SCOPE_OWN_GROUP, SCOPE_JOB; if nothing is
 *		set also SCOPE_WATCHED, SCOPE_PROCESS
 * @fd:		in: with SCOPE_GROUP the directory, with SCOPE_PROCESS the pidfd, else zero
 * @set:	in: MEMSTATE_OBSERVE_*, which of those that follow; zero: only read
 * @on:		in, out: 1: it and all below it are observed; out also if one above is, or
 *		because of a limit
 * @overcommit:	in, out: percent of max that may be granted, 100 to 10000; what is backed
 *		never passes max by a growth
 * @trust:	in, out: 1: who has books in it, and below it, is charged what he reports, and not
 *		more where more is observed
 * @spaces:	out: address spaces that are observed
 * @commit:	out: bytes that they could write to without asking anybody again
 * @backed:	out: bytes of theirs that are anonymous and resident, or swapped out
 * @inherited:	out: of that, charged to who has forked them
 * @pending:	out: bytes that were granted, are charged, and are not backed yet
 * @breached:	out: bytes that are charged above max
 * @reserved:	out: SCOPE_PROCESS: bytes of private anonymous memory that may not be written;
 *		else zero
 * @group:	out: cgroup id of the group; of a process the one where it is, or would be, charged
 * @reports:	out: address spaces that have books; SCOPE_PROCESS: 1 if it has
 * @enforced:	out: 1: the kernel is hooked, so that limits hold for programs that report
 *		nothing; 0: for others only
 * @excess:	out: bytes charged for these, beyond what they report
 * @commit_max:	in, out: bytes that all below may commit, whether they report or not, or
 *		MEMSTATE_UNLIMITED; it and all below it are observed as long as it is set
 *
 * Of a process: @spaces is 1 if it is observed. Else nothing is charged for it, and @commit and
 * @backed are of use all the same; the settings are those of its group.
 *
 * What is charged for them is backed - inherited + pending. A growth that does not fit is
 * refused to the program, by ENOMEM, and counted as denied. Where it would pass commit_max a
 * fork is refused, too.
 *
 * A space that has books is not among @spaces. So that opening the device is no way out of a
 * limit, it is charged the larger of what it reports and what is observed, and refused what does
 * not fit, in all groups from the first on that no @trust is in force for, its own or that of
 * one above. What it may commit is limited in any case.
 *
 * A job is always observed. What is set of it may only be tighter: @on 1, @overcommit and
 * @commit_max no higher, @trust 0; else -EPERM, with nothing set.
 *
 * Errors as LIMIT_SET, of SCOPE_PROCESS as told there, and -EOPNOTSUPP: this kernel cannot be
 * hooked, or the module was told not to: its log says why; -EBUSY: another module or a
 * livepatch has, or the hooks have been taken away. /sys/class/misc/memstate/hooks names them.
 */
struct memstate_observe {
	__u32 size;
	__u32 flags;
	__u32 scope;
	__s32 fd;
	__u32 set;
	__u32 on;
	__u32 overcommit;
	__u32 trust;
	__u64 spaces;
	__u64 commit;
	__u64 backed;
	__u64 inherited;
	__u64 pending;
	__u64 breached;
	__u64 reserved;
	__u64 group;
	__u32 reports;
	__u32 enforced;
	__u64 excess;
	__u64 commit_max;
};

/* @set of JOB */
#define MEMSTATE_JOB_HIGH		1
#define MEMSTATE_JOB_MAX		2
#define MEMSTATE_JOB_COMMIT_MAX		4
#define MEMSTATE_JOB_OVERCOMMIT		8

/**
 * struct memstate_job - a limit on oneself and all one's descendants
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @set:	in: MEMSTATE_JOB_*: which of those that follow; what is not is zero, and no limit
 * @overcommit:	in: as OBSERVE has it
 * @high:	in: bytes or MEMSTATE_UNLIMITED, as LIMIT_SET has it
 * @max:	in: likewise
 * @commit_max:	in: likewise, as OBSERVE has it
 * @id:		out: its id, with MEMSTATE_JOB_ID
 *
 * Makes a job, with these limits, puts the calling process into it, and binds it to the file,
 * which then watches it. It is a group without a cgroup, below the one of the caller's cgroup, or
 * below the job that the caller is in: what is charged to it is charged there, too. It is
 * observed, and trusts who reports. Anybody may.
 *
 * All the process's threads are in it, and whatever is born of one that is: by fork, vfork or
 * clone. Exec leaves that as it is, and so does who makes another job, below it. An address
 * space is charged where its owner is: a child of vfork that makes a job is in it, and its next
 * image is charged to it, while that of its parent stays where it is. What the process has
 * already is charged, too, whatever the limits: it is refused more until it fits.
 *
 * The job is read, watched, and made tighter through the file alone, by whoever has it, and
 * lasts until its last process, and their memory, have ended, whether the file is there or not.
 * Until then a file is needed for nothing. Who takes the hooks away ends all jobs.
 *
 * Who is moved to another cgroup stays in the job, unless a group there that is not above the job
 * has a max or is observed: then he is charged there, and not to the job, as long as that is so.
 *
 * -EOPNOTSUPP: there are no jobs: this kernel cannot be hooked, or the module was told not to;
 * -EBUSY: another module or a livepatch has, or the hooks have been taken away; -EINVAL: @set has
 * unknown bits, or a value without its bit, or out of range; -EEXIST: this file has made a job,
 * or watches something; -EALREADY: the caller's address space has books, which stay charged where
 * they began; -EXDEV: the caller is in a job, and not charged to it where he is now; -EUSERS: too
 * many made for this user; -ENFILE: too many; -ELOOP: they lie too deep; -ENOENT: the caller's
 * cgroup is gone; -EINTR: killed; -ENOMEM. On error nothing has changed, but where the answer
 * could not be written (-EFAULT).
 */
struct memstate_job {
	__u32 size;
	__u32 flags;
	__u32 set;
	__u32 overcommit;
	__u64 high;
	__u64 max;
	__u64 commit_max;
	__u64 id;
};

/* @how of REFUSAL: by commit_max, not by max; of who reports, by CHARGE or TRANSITION */
#define MEMSTATE_REFUSED_COMMIT		1
#define MEMSTATE_REFUSED_CHARGE		2

/**
 * struct memstate_last_refusal - the last request for memory that was refused
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @scope:	in: MEMSTATE_SCOPE_GROUP, SCOPE_SYSTEM, SCOPE_OWN_GROUP, SCOPE_WATCHED, SCOPE_JOB
 * @fd:		in: with SCOPE_GROUP the directory, else zero
 * @nr:		out: how many there have been with it; 0: none, and so is all that follows
 * @first_ns:	out: when the first was, by CLOCK_BOOTTIME
 * @last_ns:	out: when this one was
 * @group:	out: cgroup id of whose limit it was
 * @bytes:	out: by how much the process wanted to grow
 * @backed:	out: bytes charged to that group then, and backed
 * @charged:	out: bytes charged to it, what was granted and is not backed yet included
 * @limit:	out: its limit, bytes or MEMSTATE_UNLIMITED: it may have been raised meanwhile
 * @overcommit:	out: percent of that which may be granted, as OBSERVE has it
 * @how:	out: MEMSTATE_REFUSED_*
 * @pid:	out: whose it was, in the caller's pid namespace; 0: it is not seen from there
 * @inner_pid:	out: likewise, in its own; 0 where @pid is
 * @comm:	out: what it called itself: any bytes, with a zero behind them; empty where @pid is
 *		0
 *
 * Of a process that is in the group or below it, by the limit of that, of one between, or of one
 * above. Refusals by a task's own limit are noted nowhere. Errors as LIMIT_GET, and -EINVAL with
 * SCOPE_WATCHED where a task is watched.
 */
struct memstate_last_refusal {
	__u32 size;
	__u32 flags;
	__u32 scope;
	__s32 fd;
	__u64 nr;
	__u64 first_ns;
	__u64 last_ns;
	__u64 group;
	__u64 bytes;
	__u64 backed;
	__u64 charged;
	__u64 limit;
	__u32 overcommit;
	__u32 how;
	__s32 pid;
	__s32 inner_pid;
	__u8 comm[16];
};

/**
 * struct memstate_watch - choose what poll() tells of
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @scope:	in: MEMSTATE_SCOPE_*; a new file watches its task
 * @fd:		in: with SCOPE_GROUP the directory, else zero
 *
 * EPOLLPRI: pressure or an event count has changed, or somebody in the group was refused,
 * since this file last asked for TOTALS, RANGES, LIMIT_GET or WATCH; EPOLLHUP: the task, or
 * the cgroup with its last task, is gone; EPOLLERR: there is nothing to watch yet, as the
 * file's books have not begun. -EBUSY: this file watches another group already; else errors
 * as LIMIT_SET, but for -EPERM and -EROFS: whoever may read the group's figures may watch.
 */
struct memstate_watch {
	__u32 size;
	__u32 flags;
	__u32 scope;
	__s32 fd;
};

/**
 * struct memstate_shards - make the task's statistics shards, or learn of them
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 * @nr_shards:	in: how many, or 0 for the default or those there are; out: how many
 * @shard_bytes: out: from one shard to the next
 * @shards_bytes: out: length of the mapping at MEMSTATE_OFF_SHARDS
 *
 * -EINVAL: more than shards_max; -EEXIST: there is another number; -ENXIO: no ring,
 * and so no alloc_gen; -EPERM: not the bound task; -ESRCH: the task is gone; -ENOMEM.
 */
struct memstate_shards {
	__u32 size;
	__u32 flags;
	__u32 nr_shards;
	__u32 shard_bytes;
	__u64 shards_bytes;
};

/*
 * flags of ALLOC, set by the kernel
 *
 * STALE  a shard stayed in the middle of a write for longer than is waited: the
 *        counters are, as a whole, those of an earlier moment
 */
#define MEMSTATE_ALLOC_STALE	1

/**
 * struct memstate_alloc - read what allocators count
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero; out: MEMSTATE_ALLOC_*
 * @scope:	in: MEMSTATE_SCOPE_*
 * @fd:		in: with SCOPE_GROUP the directory, else zero
 * @nr_shards:	out: how many were read, 0: nobody counts
 * @__reserved:	zero
 * @counters:	out: sums by enum memstate_alloc_counter
 *
 * Of one task: a consistent snapshot, made of whole writes. Of a group: the sum of
 * its tasks' snapshots, and stale if one of them is. All zero for a task that is gone.
 *
 * -EINVAL: unknown scope, @fd without SCOPE_GROUP; -EBADF: not a cgroup v2 directory;
 * -ENOENT: the cgroup is gone; -EACCES: as TOTALS; -EINTR: killed.
 */
struct memstate_alloc {
	__u32 size;
	__u32 flags;
	__u32 scope;
	__s32 fd;
	__u32 nr_shards;
	__u32 __reserved;
	__u64 counters[MEMSTATE_ALLOC_COUNTERS];
};

/**
 * struct memstate_pending - tell that something was posted, when the doorbell asks for it
 * @size:	in: sizeof; out: the kernel's
 * @flags:	in: zero
 *
 * Nothing is drained. -ENXIO: no ring with DOORBELL; -EPERM: not the bound task; -ESRCH:
 * the task is gone.
 */
struct memstate_pending {
	__u32 size;
	__u32 flags;
};

/* ---- io_uring ------------------------------------------------------------ */

/*
 * IORING_OP_URING_CMD on the device, in rings with SQEs of 64 or 128 bytes; of the
 * latter the upper 64 bytes are zero. What it may do is what the task that submits may:
 * EPERM and the rest are as by ioctl. It is answered at once where nothing has to be
 * waited for, else by a worker.
 *
 * cmd_op SYNC, TRANSITION, TOTALS, CHARGE, LIMIT_GET (MEMSTATE_IOC_*): *cmd* is a struct
 * memstate_uring_call. The structure, and what it points to, stay the kernel's until the
 * completion, whose result is 0 or a negative errno, as that of the ioctl.
 *
 * cmd_op MEMSTATE_URING_REPORT: *cmd* is a struct memstate_record, in whose upper half of
 * w1 there stand flags in place of a sequence: 0 or MEMSTATE_TRANSITION_HOLD. It is done as
 * by TRANSITION with this one record and nothing paid. The result is 0, or with HOLD
 * how much it has given up and is the caller's now, in units of MEMSTATE_UNIT, or a
 * negative errno: -EINVAL: malformed, unknown flags, or with HOLD longer than 2^31 - 1
 * units; else as TRANSITION.
 *
 * Other cmd_op: -EOPNOTSUPP. A request that fails cancels those that are linked to it;
 * IORING_OP_MADVISE that fails does not: so a report comes before the madvise, with HOLD,
 * and what it gave up is given back to the credit word when the madvise has been seen to
 * succeed.
 */
#define MEMSTATE_URING_REPORT	_IO(MEMSTATE_IOC_MAGIC, 0x1d)

/**
 * struct memstate_uring_call - what URING_CMD carries for an ioctl
 * @arg:	pointer to the ioctl's structure
 * @__reserved:	zero
 */
struct memstate_uring_call {
	__u64 arg;
	__u64 __reserved;
};

/* ---- sizes: part of the ABI --------------------------------------------- */

#if defined(__cplusplus) && __cplusplus >= 201103L
#define MEMSTATE_ABI_SIZE(type, bytes) \
	static_assert(sizeof(struct type) == (bytes), "ABI: struct " #type)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define MEMSTATE_ABI_SIZE(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), "ABI: struct " #type)
#else
#define MEMSTATE_ABI_SIZE(type, bytes) \
	struct type
#endif

MEMSTATE_ABI_SIZE(memstate_record, 16);
MEMSTATE_ABI_SIZE(memstate_ring_control, 128);
MEMSTATE_ABI_SIZE(memstate_totals, 320);
MEMSTATE_ABI_SIZE(memstate_totals_page, 448);
MEMSTATE_ABI_SIZE(memstate_alloc_shard, 640);
MEMSTATE_ABI_SIZE(memstate_query, 64);
MEMSTATE_ABI_SIZE(memstate_setup, 32);
MEMSTATE_ABI_SIZE(memstate_sync, 32);
MEMSTATE_ABI_SIZE(memstate_transition, 40);
MEMSTATE_ABI_SIZE(memstate_totals_observed, 56);
MEMSTATE_ABI_SIZE(memstate_get_totals, 392);
MEMSTATE_ABI_SIZE(memstate_range, 24);
MEMSTATE_ABI_SIZE(memstate_ranges, 48);
MEMSTATE_ABI_SIZE(memstate_finding, 24);
MEMSTATE_ABI_SIZE(memstate_audit, 40);
MEMSTATE_ABI_SIZE(memstate_charge, 48);
MEMSTATE_ABI_SIZE(memstate_limit, 168);
MEMSTATE_ABI_SIZE(memstate_watch, 16);
MEMSTATE_ABI_SIZE(memstate_shards, 24);
MEMSTATE_ABI_SIZE(memstate_alloc, 216);
MEMSTATE_ABI_SIZE(memstate_uring_call, 16);
MEMSTATE_ABI_SIZE(memstate_pending, 8);
MEMSTATE_ABI_SIZE(memstate_observe, 120);
MEMSTATE_ABI_SIZE(memstate_job, 48);
MEMSTATE_ABI_SIZE(memstate_last_refusal, 112);

#endif /* _UAPI_LINUX_MEMSTATE_H */
