// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The calls by ioctl, and their structures for io_uring.
 *
 * Model
 *
 *   A table says of what kind each member of a structure is, and so what may stand there.
 *   One in eight structures is then damaged: its size, a word somewhere in it, or where it
 *   lies. Structures lie in the arena, where other threads scribble.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actor.h"
#include "ioctl.h"

enum kind { NO_MORE, ENTRIES, SCOPE, DIRECTORY, RECORDS, BUFFER, COUNT, PAID, BYTES, ADDRESS,
	    CURSOR, TIMEOUT, LIMIT, SET, SHARDS, SETTINGS, SWITCH, PERCENT,
	    JOB_SET, JOB_LIMIT };

struct field {
	u16 at;
	u8 bytes;
	u8 kind;
};

/* A structure: its size first, then flags, of which @flags are known. */
struct shape {
	u32 cmd;
	u32 size;
	u32 flags;
	struct field fields[8];
};

#define FIELD(type, member, _kind) { offsetof(struct memstate_##type, member), \
	sizeof(((struct memstate_##type *)NULL)->member), _kind }

/* All memory that a task can make Ready, and as much again as credit. */
#define CHARGE_MAX	(2ULL << 47)

enum { QUERY, SETUP, SYNC, TRANSITION, TOTALS, RANGES, AUDIT, CHARGE, LIMIT_SET, LIMIT_GET, WATCH,
       SHARDS_MAKE, ALLOC, PENDING, OBSERVE, JOB, REFUSAL, SHAPES };

static const struct shape shapes[SHAPES] = {
	[QUERY] = { MEMSTATE_IOC_QUERY, sizeof(struct memstate_query), 0, {} },
	[SETUP] = { MEMSTATE_IOC_SETUP, sizeof(struct memstate_setup), 3,
		    { FIELD(setup, ring_entries, ENTRIES) } },
	[SYNC] = { MEMSTATE_IOC_SYNC, sizeof(struct memstate_sync), 0, {} },
	[TRANSITION] = { MEMSTATE_IOC_TRANSITION, sizeof(struct memstate_transition), 3,
			 { FIELD(transition, nr, COUNT), FIELD(transition, records, RECORDS),
			   FIELD(transition, paid, PAID) } },
	[TOTALS] = { MEMSTATE_IOC_TOTALS, sizeof(struct memstate_get_totals), 3,
		     { FIELD(get_totals, scope, SCOPE), FIELD(get_totals, fd, DIRECTORY) } },
	[RANGES] = { MEMSTATE_IOC_RANGES, sizeof(struct memstate_ranges), 0,
		     { FIELD(ranges, cursor, CURSOR), FIELD(ranges, ranges, BUFFER),
		       FIELD(ranges, nr, COUNT), FIELD(ranges, scope, SCOPE),
		       FIELD(ranges, fd, DIRECTORY) } },
	[AUDIT] = { MEMSTATE_IOC_AUDIT, sizeof(struct memstate_audit), 0,
		    { FIELD(audit, cursor, CURSOR), FIELD(audit, findings, BUFFER),
		      FIELD(audit, nr, COUNT) } },
	[CHARGE] = { MEMSTATE_IOC_CHARGE, sizeof(struct memstate_charge), 7,
		     { FIELD(charge, bytes, BYTES), FIELD(charge, addr, ADDRESS),
		       FIELD(charge, timeout_ns, TIMEOUT) } },
	[LIMIT_SET] = { MEMSTATE_IOC_LIMIT_SET, sizeof(struct memstate_limit), MEMSTATE_LIMIT_REPORTS,
			{ FIELD(limit, scope, SCOPE), FIELD(limit, fd, DIRECTORY),
			  FIELD(limit, set, SET), FIELD(limit, high, LIMIT),
			  FIELD(limit, max, LIMIT) } },
	[LIMIT_GET] = { MEMSTATE_IOC_LIMIT_GET, sizeof(struct memstate_limit), 1,
			{ FIELD(limit, scope, SCOPE), FIELD(limit, fd, DIRECTORY) } },
	[WATCH] = { MEMSTATE_IOC_WATCH, sizeof(struct memstate_watch), 0,
		    { FIELD(watch, scope, SCOPE), FIELD(watch, fd, DIRECTORY) } },
	[SHARDS_MAKE] = { MEMSTATE_IOC_SHARDS, sizeof(struct memstate_shards), 0,
			  { FIELD(shards, nr_shards, SHARDS) } },
	[PENDING] = { MEMSTATE_IOC_PENDING, sizeof(struct memstate_pending), 0, {} },
	[OBSERVE] = { MEMSTATE_IOC_OBSERVE, sizeof(struct memstate_observe), 0,
		      { FIELD(observe, scope, SCOPE), FIELD(observe, fd, DIRECTORY),
			FIELD(observe, set, SETTINGS), FIELD(observe, on, SWITCH),
			FIELD(observe, overcommit, PERCENT), FIELD(observe, trust, SWITCH) } },
	[JOB] = { MEMSTATE_IOC_JOB, sizeof(struct memstate_job), 0,
		  { FIELD(job, set, JOB_SET), FIELD(job, overcommit, PERCENT),
		    FIELD(job, high, JOB_LIMIT), FIELD(job, max, JOB_LIMIT),
		    FIELD(job, commit_max, JOB_LIMIT) } },
	[REFUSAL] = { MEMSTATE_IOC_REFUSAL, sizeof(struct memstate_last_refusal), 0,
		      { FIELD(last_refusal, scope, SCOPE), FIELD(last_refusal, fd, DIRECTORY) } },
	[ALLOC] = { MEMSTATE_IOC_ALLOC, sizeof(struct memstate_alloc), 0,
		    { FIELD(alloc, scope, SCOPE), FIELD(alloc, fd, DIRECTORY) } },
};

/* A record, without a sequence. Returns mostly one that is well-formed. */
struct memstate_record pick_record(struct run *r)
{
	static const u8 tos[] = { MEMSTATE_READY, MEMSTATE_READY, MEMSTATE_READY, MEMSTATE_READY,
				  MEMSTATE_RESERVED, MEMSTATE_RESERVED, MEMSTATE_PREPARED,
				  MEMSTATE_PREPARED, MEMSTATE_NONE, MEMSTATE_KEEP, MEMSTATE_KEEP_RO };
	static const u8 flags[] = { 0, 0, 0, 0, MEMSTATE_LAZY, MEMSTATE_ONLY, MEMSTATE_KEEP_CLASS, 7 };
	u64 address = pick_address(r), pages = pick_pages(r);
	u32 from = pick(r, 32), odd = pick(r, 64), to = PICK(r, tos), class = pick(r, 8);
	u32 flag = PICK(r, flags);

	if (pages == WINDOW_PAGES)
		address = once(r, 4) ? pick_odd(r) & -PAGE : WINDOW;
	/* What the rules refuse is to be seldom, or nothing else happens. */
	if (flag == MEMSTATE_LAZY && odd > 1)
		to = to == MEMSTATE_RESERVED ? to : MEMSTATE_PREPARED;
	if (odd == 2)
		to = 6 + pick(r, 2);
	if (from >= 8 || (flag == MEMSTATE_ONLY && odd > 3))
		from = flag == MEMSTATE_ONLY ? MEMSTATE_MAPPED : MEMSTATE_ANY;
	if (flag == 7)
		flag = odd < 8 ? odd : 0;
	return (struct memstate_record) {
		.w0 = address | from << MEMSTATE_FROM_SHIFT | to << MEMSTATE_TO_SHIFT |
		      class << MEMSTATE_CLASS_SHIFT | flag << MEMSTATE_FLAGS_SHIFT,
		.w1 = odd == 3 ? (u32)pick_odd(r) : pages,
	};
}

static u64 pick_pointer(struct run *r)
{
	static const u64 bad[] = { 0, 1, ARENA_END - 8, ARENA_END, ARENA_RO, WINDOW, 1ULL << 47,
				   0xffff888000000000, ~0ULL };

	return once(r, 12) ? PICK(r, bad) : ARENA_ARRAY;
}

static u64 pick_records(struct run *r, u32 nr)
{
	u64 at = pick_pointer(r);
	struct memstate_record *records = (void *)at;
	u32 i;

	/* What stands behind these is of some earlier call. */
	for (i = 0; at == ARENA_ARRAY && i < nr && i < 3; i++)
		records[i] = pick_record(r);
	return at;
}

static u64 pick_field(struct run *r, u32 kind)
{
	static const u32 entries[] = { 0, 2, 4, 16, 64, 64, 256, 4096, 1, 3, 65536, 1U << 21, ~0U };
	static const u32 counts[] = { 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 16, 256, 4096, 0, 4097, ~0U };
	static const u32 shards[] = { 0, 1, 2, 7, 64, 256, 4096, 4097, ~0U };
	static const u64 bytes[] = { 1, 1, 2, 4, 16, 64, 256, 4096 };
	static const u64 limits[] = { ~0ULL, ~0ULL, ~0ULL, 1 << 20, 1 << 20, 64 * PAGE, 64 * PAGE,
				      16 * PAGE, 4 * PAGE, PAGE, 0, PAGE + 1, 1ULL << 47, ~0ULL - 1 };
	static const u64 timeouts[] = { 0, 1, 1000000, 1000000, 3000000, 10000000, 30000000, 30000000 };

	static const u32 percents[] = { 100, 100, 200, 10000, 99, 10001, 0 };
	/* Who is in a job stays in it, and has to live there. */
	static const u64 job_limits[] = { ~0ULL, ~0ULL, ~0ULL, 1 << 30, 256 << 20, 64 << 20, 0 };

	switch (kind) {
	case ENTRIES:
		return PICK(r, entries);
	case SCOPE:
		return pick(r, 16) < 15 ? pick(r, 7) : ~0U;
	case COUNT:
		return PICK(r, counts);
	case BUFFER:
		return pick_pointer(r);
	case PAID:
		return pick(r, 4) ? 0 : pick(r, 8) * PAGE + once(r, 16);
	case BYTES:
		return once(r, 16) ? pick_odd(r) : PICK(r, bytes) * PAGE;
	case ADDRESS:
		return pick_address(r);
	case CURSOR:
		return pick(r, 2) ? pick_address(r) : 0;
	case TIMEOUT:
		return once(r, 32) ? ~0ULL : PICK(r, timeouts);
	case LIMIT:
		return PICK(r, limits);
	case SET:
		return 1 + pick(r, 3);
	case SETTINGS:
		return pick(r, 8);
	case SWITCH:
		return pick(r, 16) < 15 ? pick(r, 2) : 2;
	case PERCENT:
		return PICK(r, percents);
	case JOB_SET:
		return pick(r, 16);
	case JOB_LIMIT:
		return PICK(r, job_limits);
	default:
		return PICK(r, shards);
	}
}

/* What goes together: where there is no WAIT there is no timeout, and so on. */
static void agree(struct memstate_charge *c)
{
	/* TRIM goes with nothing else. */
	if (c->flags & MEMSTATE_CHARGE_TRIM) {
		if (c->flags != MEMSTATE_CHARGE_TRIM && c->flags != 7)
			c->flags &= ~MEMSTATE_CHARGE_TRIM;
		else
			*c = (struct memstate_charge) { .size = c->size, .flags = MEMSTATE_CHARGE_TRIM };
	}
	if (!(c->flags & MEMSTATE_CHARGE_WAIT))
		c->timeout_ns = 0;
	if (!(c->flags & MEMSTATE_CHARGE_RANGE))
		c->addr = 0;
}

/* Nor a setting without its bit; and what limits all of the machine is not for any program. */
static void agree_settings(struct memstate_observe *w)
{
	if (!(w->set & MEMSTATE_OBSERVE_ON))
		w->on = 0;
	if (!(w->set & MEMSTATE_OBSERVE_OVERCOMMIT))
		w->overcommit = 0;
	if (!(w->set & MEMSTATE_OBSERVE_TRUST))
		w->trust = 0;
}

static void agree_job(struct memstate_job *j)
{
	if (!(j->set & MEMSTATE_JOB_OVERCOMMIT))
		j->overcommit = 0;
	if (!(j->set & MEMSTATE_JOB_HIGH))
		j->high = 0;
	if (!(j->set & MEMSTATE_JOB_MAX))
		j->max = 0;
	if (!(j->set & MEMSTATE_JOB_COMMIT_MAX))
		j->commit_max = 0;
}

static void agree_limit(struct memstate_limit *l)
{
	if (l->scope == MEMSTATE_SCOPE_SYSTEM)
		l->flags |= MEMSTATE_LIMIT_REPORTS;
	if (!(l->set & MEMSTATE_LIMIT_MAX))
		l->flags &= ~MEMSTATE_LIMIT_REPORTS;
}

static int pick_directory(struct run *r, u32 scope)
{
	if (scope == MEMSTATE_SCOPE_PROCESS)
		return syscall(SYS_pidfd_open, once(r, 4) ? getppid() : getpid(), 0);
	return scope == MEMSTATE_SCOPE_GROUP ? pick_cgroup(r) : -1;
}

static char *damage(struct run *r, char *at, u32 size)
{
	static const u32 sizes[] = { 0, 1, 4, 8, 15, PAGE, PAGE + 1, ~0U };
	u32 kind = pick(r, 6), where;

	switch (kind) {
	case 0: /* another version's */
		*(u32 *)at = size + 8 - pick(r, 3) * 8;
		if (once(r, 2))
			at[size] = 1;
		break;
	case 1:
		*(u32 *)at = PICK(r, sizes);
		break;
	case 2: /* ends where its page does, or in the hole behind it */
		where = size - pick(r, 2) * 4;
		return memcpy((char *)ARENA_END - where, at, where);
	case 3:
		return (char *)pick_odd(r);
	default:
		where = pick(r, size / 4) * 4;
		*(u32 *)(at + where) = once(r, 2) ? 1U << pick(r, 32) : (u32)pick_odd(r);
		break;
	}
	return at;
}

static void *make(struct run *r, u32 which, int *directory)
{
	const struct shape *shape = &shapes[which];
	char *at = (char *)ARENA + pick(r, ARENA_SLOTS) * ARENA_SLOT;
	const struct field *f;
	u32 scope = 0, count = 0;
	u64 value;

	memset(at, 0, shape->size + 16);
	((u32 *)at)[0] = shape->size;
	((u32 *)at)[1] = shape->flags ? pick(r, 2 * (shape->flags + 1)) & shape->flags : 0;
	*directory = -1;
	for (f = shape->fields; f->kind; f++) {
		if (f->kind == DIRECTORY)
			value = (*directory = pick_directory(r, scope)) < 0 ? 0 : *directory;
		else if (f->kind == RECORDS)
			value = pick_records(r, count);
		else
			value = pick_field(r, f->kind);
		if (f->kind == SCOPE)
			scope = value;
		if (f->kind == COUNT)
			count = value;
		memcpy(at + f->at, &value, f->bytes);
	}
	if (which == CHARGE)
		agree((void *)at);
	if (which == OBSERVE)
		agree_settings((void *)at);
	if (which == JOB)
		agree_job((void *)at);
	if (which == LIMIT_SET)
		agree_limit((void *)at);
	return once(r, 8) ? damage(r, at, shape->size) : at;
}

/* A structure of one of those that io_uring has, too. Returns where it lies. */
void *pick_uring_call(struct run *r, u32 *cmd)
{
	static const u32 which[] = { SYNC, TRANSITION, TOTALS, CHARGE, LIMIT_GET, CHARGE, SETUP };
	u32 shape = PICK(r, which);
	int directory;

	*cmd = shapes[shape].cmd;
	/* A request may want the directory later than this: it is left open. */
	return make(r, shape, &directory);
}

static long call(struct run *r, u32 which)
{
	int directory, fd = actor_fd(r);
	void *at = make(r, which, &directory);
	long ret = result(ioctl(fd, shapes[which].cmd, at));

	if (directory >= 0)
		close(directory);
	return ret;
}

/* The books of a task are whole, and within their bounds, whenever somebody looks. */
static void check_totals(int fd, const struct memstate_totals *t)
{
	struct memstate_query q = { .size = sizeof(q) };
	u64 ready = 0;
	u32 i;

	for (i = 0; i < MEMSTATE_NR_CLASSES; i++)
		ready += t->bytes[MEMSTATE_READY - 1][i];
	if (ready + t->reserved_lazy + t->prepared_lazy != t->ready_direct)
		broken("a task's Ready and lazy bytes are %llu + %llu + %llu, counted directly %llu",
		       (unsigned long long)ready, t->reserved_lazy, t->prepared_lazy, t->ready_direct);
	if (t->charged > CHARGE_MAX)
		broken("a task has charged %llu, more than there are addresses", t->charged);
	/* Whoever lowers the bound does not take away what there is. */
	if (!ioctl(fd, MEMSTATE_IOC_QUERY, &q) && t->ranges > q.ranges_max && !me.board->bounds_moved)
		broken("a task has %llu ranges, and may have %u", t->ranges, q.ranges_max);
}

long call_totals(struct run *r)
{
	struct memstate_get_totals g = { .size = sizeof(g), .flags = pick(r, 2) };
	int fd;

	if (pick(r, 2))
		return call(r, TOTALS);
	fd = actor_fd(r);
	if (ioctl(fd, MEMSTATE_IOC_TOTALS, &g))
		return -errno;
	check_totals(fd, &g.totals);
	return 0;
}

long call_query(struct run *r)		{ return call(r, QUERY); }
long call_setup(struct run *r)		{ return call(r, SETUP); }
long call_sync(struct run *r)		{ return call(r, SYNC); }
long call_transition(struct run *r)	{ return call(r, TRANSITION); }
long call_ranges(struct run *r)		{ return call(r, RANGES); }
long call_audit(struct run *r)		{ return call(r, AUDIT); }
long call_charge(struct run *r)		{ return call(r, CHARGE); }
long call_limit_set(struct run *r)	{ return call(r, LIMIT_SET); }
long call_limit_get(struct run *r)	{ return call(r, LIMIT_GET); }
long call_watch(struct run *r)		{ return call(r, WATCH); }
long call_shards(struct run *r)		{ return call(r, SHARDS_MAKE); }
long call_alloc(struct run *r)		{ return call(r, ALLOC); }
long call_observe(struct run *r)	{ return call(r, OBSERVE); }
long call_job(struct run *r)		{ return call(r, JOB); }
long call_refusal(struct run *r)	{ return call(r, REFUSAL); }

/* Any number and any words: also of calls that this file does not know of. */
long call_any_ioctl(struct run *r)
{
	u32 *at = (u32 *)(ARENA + pick(r, ARENA_SLOTS) * ARENA_SLOT), i;
	u32 cmd = once(r, 8) ? (u32)pick_odd(r) : _IO(MEMSTATE_IOC_MAGIC, 0x0e + pick(r, 20));
	int fd = actor_fd(r);

	memset(at, 0, PAGE);
	at[0] = pick(r, 2) ? 8 * (1 + pick(r, 44)) : pick(r, PAGE + 2);
	for (i = 0; i < 6; i++)
		at[1 + pick(r, 16)] = once(r, 2) ? (u32)pick_odd(r) : pick(r, 8);
	return result(ioctl(fd, cmd, once(r, 16) ? (void *)pick_odd(r) : at));
}
