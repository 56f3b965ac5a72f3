// SPDX-License-Identifier: MIT
/*
 * The embedded back end: the process keeps its books itself.
 *
 * Model
 *
 *   The ring lies in private memory; whoever needs the result drains it into a
 *   range map. Nobody outside can read it. Only the process's own limit is kept:
 *   what was charged is *pledged* until the record to Ready has been drained.
 *
 *   Statistics shards lie in private memory as well, and who wants the sums folds them.
 *
 * Locking
 *
 *   One lock around the map, with signals blocked: a handler may report, and so
 *   drain, at any moment. Another one, likewise, around the folding of shards, which
 *   waits for writers for a bounded time.
 */

#include <time.h>

#include "fold.h"
#include "internal.h"
#include "lock.h"
#include "rangemap.h"
#include "tally.h"

#define RING_ENTRIES	4096
#define RANGES_MAX	65536
#define ADDRESS_END	((u64)1 << 56)

/* How often apply waits for a slot that is claimed and not published. */
#define APPLY_TRIES	100

#define SHARDS		64

/* How often a read gives way to writers of shards, and for how long. */
#define FOLD_NAPS	4
#define FOLD_NAP_NS	10000

static struct {
	u32 tail __attribute__((aligned(64)));
	u32 head __attribute__((aligned(64)));
	struct ms_lock lock __attribute__((aligned(64)));
	/* odd while the map is being changed: a copy of it may be torn */
	u32 changing;
	uint64_t saved;
	u64 pledged;
	struct ms_rangemap map;
	struct memstate_totals totals;
	struct memstate_record slots[RING_ENTRIES];
} *emb;

static struct {
	u32 gen __attribute__((aligned(64)));
	struct ms_lock lock __attribute__((aligned(64)));
	struct ms_fold fold;
	struct memstate_alloc_shard shards[SHARDS];
} *emb_shards;

static void lock_take(struct ms_lock *lock, uint64_t *saved)
{
	ms_signals_block(saved);
	ms_lock_take(lock);
}

/* Not by who forks, in the handlers that run between ours: it has it. */
static void emb_lock(void)
{
	uint64_t saved;

	if (MS_UNLIKELY(ms_forking))
		return;
	lock_take(&emb->lock, &saved);
	emb->saved = saved;
}

static void emb_unlock(void)
{
	uint64_t saved = emb->saved;

	if (MS_UNLIKELY(ms_forking))
		return;
	if (MS_UNLIKELY(ms_tally_mine))
		ms_tally_put(&emb->totals);
	ms_lock_release(&emb->lock);
	ms_signals_restore(&saved);
}

static int emb_record(const struct memstate_record *rec)
{
	struct ms_change chg;
	int ret;

	ret = ms_record_decode(rec, (u64)sysconf(_SC_PAGESIZE), ADDRESS_END, &chg);
	if (!ret) {
		ms_store32(&emb->changing, emb->changing + 1);
		ret = ms_rangemap_apply(&emb->map, &chg, &emb->totals);
		ms_store32(&emb->changing, emb->changing + 1);
	}
	if (ret && ret != -ENOMEM)
		emb->totals.rejected++;
	return ret;
}

static u64 record_pledge(const struct memstate_record *rec)
{
	if (((rec->w0 >> MEMSTATE_TO_SHIFT) & MEMSTATE_FIELD_MASK) != MEMSTATE_READY)
		return 0;
	return (rec->w1 & 0xffffffffu) << MEMSTATE_UNIT_SHIFT;
}

static void emb_redeem(u64 bytes)
{
	emb->pledged -= bytes < emb->pledged ? bytes : emb->pledged;
}

static u64 emb_charged(void)
{
	return emb->totals.ready_direct + emb->pledged;
}

static int emb_drain(void)
{
	struct memstate_record rec;

	while (ms_ring_peek(emb->slots, RING_ENTRIES, emb->head, &rec)) {
		if (emb_record(&rec) == -ENOMEM)
			return -ENOMEM;
		emb_redeem(record_pledge(&rec));
		ms_ring_release(&emb->head, emb->head + 1);
	}
	return 0;
}

static int embedded_sync(void)
{
	int ret;

	emb_lock();
	ret = emb_drain();
	emb_unlock();
	return ret;
}

/* There is no doorbell but that of the table of last figures. */
static void embedded_pending(void)
{
	embedded_sync();
}

static int embedded_apply(const struct memstate_record *records, uint32_t nr,
			  uint32_t *done, uint64_t *paid, unsigned int flags)
{
	u64 before, wanted = 0;
	int ret, tries;
	u32 i;

	emb_lock();
	ret = emb_drain();
	/* What is claimed comes before; but it may be ours, below a handler. */
	for (tries = 0; !ret && !ms_posting && tries < APPLY_TRIES; tries++) {
		if (emb->head == ms_load32(&emb->tail))
			break;
		emb_unlock();
		ms_post_wait(tries);
		emb_lock();
		ret = emb_drain();
	}
	*done = 0;
	/* What moves elsewhere is not asked about: it comes with its charge. */
	for (i = 0; ms_lib.limited && !*paid && !flags && i < nr; i++)
		wanted += record_pledge(&records[i]);
	if (!ret && wanted && emb_charged() + wanted > ms_lib.max) {
		emb->totals.denied++;
		ret = -EDQUOT;
	}
	before = emb->totals.ready_direct;
	for (; !ret && *done < nr; *done += !ret)
		ret = records[*done].w1 >> 32 ? -EINVAL :
						emb_record(&records[*done]);
	if (flags & MEMSTATE_TRANSITION_HOLD) {
		u64 held = before > emb->totals.ready_direct ?
			   before - emb->totals.ready_direct : 0;

		*paid += held;
		emb->pledged += held;
	} else if (!ret) {
		emb_redeem(*paid);
		*paid = 0;
	}
	emb_unlock();
	return ret;
}

static int embedded_charge(struct memstate_charge *arg)
{
	u64 room;
	int ret = 0;

	if (arg->flags & MEMSTATE_CHARGE_TRIM) {
		arg->bytes = 0;
		return 0;
	}
	emb_lock();
	emb_drain();
	if (arg->flags & MEMSTATE_CHARGE_RANGE)
		arg->bytes = ms_rangemap_need(&emb->map, arg->addr, arg->bytes);
	room = ms_lib.max > emb_charged() ? ms_lib.max - emb_charged() : 0;
	if (arg->bytes > room) {
		arg->room = room;
		arg->refused_by = 0;
		emb->totals.denied++;
		ret = -EDQUOT;
	} else {
		emb->pledged += arg->bytes;
	}
	emb_unlock();
	return ret;
}

static void embedded_uncharge(uint64_t bytes)
{
	emb_lock();
	emb_redeem(bytes);
	emb_unlock();
}

static int embedded_limit(uint32_t set, uint64_t high, uint64_t max)
{
	/* The library keeps them, and us from being asked without one. */
	(void)set;
	(void)high;
	(void)max;
	return 0;
}

static unsigned int embedded_pressure(void)
{
	u64 charged;

	if (!ms_lib.limited)
		return MEMSTATE_PRESSURE_NONE;
	emb_lock();
	emb_drain();
	charged = emb_charged();
	emb_unlock();
	if (ms_lib.max != MEMSTATE_UNLIMITED && charged >= ms_lib.max)
		return MEMSTATE_PRESSURE_MAX;
	return charged > ms_lib.high ? MEMSTATE_PRESSURE_HIGH : MEMSTATE_PRESSURE_NONE;
}

static uint64_t embedded_max(void)
{
	return ms_lib.max;
}

static void emb_read(struct memstate_totals *totals)
{
	*totals = emb->totals;
	totals->charged = emb_charged();
}

static int embedded_totals(struct memstate_totals *totals)
{
	emb_lock();
	emb_drain();
	emb_read(totals);
	emb_unlock();
	return 0;
}

static int embedded_last(struct memstate_totals *totals)
{
	emb_lock();
	emb_read(totals);
	emb_unlock();
	return 0;
}

static int embedded_ranges(struct memstate_ranges *arg)
{
	struct memstate_range *out = (void *)(uintptr_t)arg->ranges;
	const struct ms_rangemap_entry *e;
	u64 addr = arg->cursor;

	if (!arg->nr)
		return -EINVAL;
	emb_lock();
	emb_drain();
	arg->cursor = 0;
	arg->done = 0;
	while ((e = ms_rangemap_next(&emb->map, addr))) {
		if (arg->done == arg->nr) {
			arg->cursor = addr;
			break;
		}
		ms_rangemap_range(e, &out[arg->done++]);
		addr = e->end;
	}
	arg->transitions = emb->totals.transitions;
	emb_unlock();
	return 0;
}

#define AUDIT_RANGES	64

static int embedded_audit(struct memstate_audit *arg)
{
	struct memstate_range ranges[AUDIT_RANGES];
	struct memstate_ranges read = {
		.cursor = arg->cursor,
		.ranges = (uintptr_t)ranges,
		.nr = AUDIT_RANGES,
	};
	int ret;

	if (!arg->nr)
		return -EINVAL;
	ret = embedded_ranges(&read);
	if (ret)
		return ret;
	/* Where it has to stop for want of room it says so itself. */
	arg->done = 0;
	arg->checked_bytes = 0;
	ret = ms_audit_ranges(arg, ranges, read.done);
	if (!ret && !arg->cursor)
		arg->cursor = read.cursor;
	return ret;
}

/* ---- shards ----------------------------------------------------------------- */

/* In a child the parent's are there, copied in whatever state they were in. */
static int embedded_shards(struct ms_shard_set *set)
{
	if (!emb_shards)
		emb_shards = ms_raw_mmap(sizeof(*emb_shards));
	else
		memset(emb_shards, 0, sizeof(*emb_shards));
	if (!emb_shards)
		return -ENOMEM;
	ms_fold_init(&emb_shards->fold, &emb_shards->gen, emb_shards->shards, SHARDS);
	*set = (struct ms_shard_set) {
		.shards = emb_shards->shards,
		.nr = SHARDS,
		.gen = &emb_shards->gen,
	};
	return 0;
}

/* Complete the round. The writer may be below us, if this is a signal handler. */
static bool fold_finish(struct ms_fold *fold, int *naps)
{
	struct timespec nap = { .tv_nsec = FOLD_NAP_NS };

	while (!ms_fold_try(fold)) {
		if (!*naps)
			return false;
		--*naps;
		ms_raw2(SYS_nanosleep, &nap, NULL);
	}
	return true;
}

static int embedded_alloc(struct memstate_alloc *arg)
{
	struct ms_fold *fold = &emb_shards->fold;
	uint64_t saved;
	int naps = FOLD_NAPS;
	bool good;

	lock_take(&emb_shards->lock, &saved);
	/* First what another reader had to leave. */
	good = !fold->round || fold_finish(fold, &naps);
	if (good) {
		ms_fold_begin(fold);
		good = fold_finish(fold, &naps);
	}
	memcpy(arg->counters, fold->sums, sizeof(arg->counters));
	arg->nr_shards = fold->nr;
	arg->flags = good ? 0 : MEMSTATE_ALLOC_STALE;
	ms_lock_release(&emb_shards->lock);
	ms_signals_restore(&saved);
	return 0;
}

/* ---- fork ------------------------------------------------------------------ */

/* What a mapping looks like to somebody who has lost his books. */
static int adopt_mapping(const struct ms_mapping *m, void *arg)
{
	struct memstate_record rec;

	(void)arg;
	if (!m->private_ || !m->anonymous)
		return 0;
	rec = ms_record_make(m->start, m->end - m->start, MEMSTATE_NONE,
			     m->prot & PROT_WRITE ? MEMSTATE_READY :
						    MEMSTATE_RESERVED,
			     m->prot & PROT_EXEC ? MEMSTATE_CODE : MEMSTATE_HEAP, 0);
	return emb_record(&rec);
}

/*
 * In a child the books are there, copied with the memory. Slots that a thread of
 * the parent had claimed will never be published. Where no handler kept other
 * threads out (raw clone), the copy may have been made in the middle of a change;
 * then only the mappings know.
 */
static int embedded_inherit(void)
{
	struct memstate_record rec;
	int ret = 0;

	emb->lock = (struct ms_lock) { 0 };
	emb->pledged = 0;
	if (emb->changing & 1) {
		emb->changing = 0;
		ms_rangemap_init(&emb->map, RANGES_MAX);
		memset(&emb->totals, 0, sizeof(emb->totals));
		emb->totals.tasks = 1;
		emb->totals.resyncs = 1;
		ret = ms_mappings_walk("/proc/self/maps", adopt_mapping, NULL);
	} else {
		for (u32 pos = emb->head; pos != emb->tail; pos++)
			if (ms_ring_peek(emb->slots, RING_ENTRIES, pos, &rec))
				emb_record(&rec);
	}
	memset(emb->slots, 0, sizeof(emb->slots));
	emb->head = MEMSTATE_RING_START;
	emb->tail = MEMSTATE_RING_START;
	return ret;
}

static int embedded_open(struct ms_ring_producer *ring, bool inherited)
{
	int ret = 0;

	if (inherited && emb) {
		ret = embedded_inherit();
	} else {
		emb = ms_raw_mmap(sizeof(*emb));
		if (!emb)
			return -ENOMEM;
		emb->tail = MEMSTATE_RING_START;
		emb->head = MEMSTATE_RING_START;
		emb->totals.tasks = 1;
		ms_rangemap_init(&emb->map, RANGES_MAX);
	}
	*ring = (struct ms_ring_producer) {
		.tail = &emb->tail,
		.head = &emb->head,
		.slots = emb->slots,
		.entries = RING_ENTRIES,
	};
	ms_lib.doorbell = &ms_no_doorbell;
	ms_lib.cas128 = false;
	ms_lib.unmaps_known = false;
	ms_lib.limited = (ms_lib.high & ms_lib.max) != MEMSTATE_UNLIMITED;
	return ret;
}

static void embedded_fork(int when)
{
	if (when == 0)
		emb_lock();
	else
		emb_unlock();
}

const struct ms_ops ms_embedded_ops = {
	.name = "embedded",
	.open = embedded_open,
	.sync = embedded_sync,
	.pending = embedded_pending,
	.apply = embedded_apply,
	.charge = embedded_charge,
	.uncharge = embedded_uncharge,
	.limit = embedded_limit,
	.pressure = embedded_pressure,
	.max = embedded_max,
	.totals = embedded_totals,
	.last = embedded_last,
	.system = embedded_totals,
	.ranges = embedded_ranges,
	.audit = embedded_audit,
	.shards = embedded_shards,
	.alloc = embedded_alloc,
	.fork = embedded_fork,
};
