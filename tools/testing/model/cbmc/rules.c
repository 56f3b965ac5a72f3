// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The rules, for every record and every entry there can be. */
#include "rules.h"
#include "harness.h"
#include "model.h"

/* An entry as the books may hold it. */
static bool entry_valid(ms_entry_t e)
{
	if (ms_entry_state(e) == MEMSTATE_NONE)
		return e == MS_ENTRY_NONE;
	if (e & ~(3 | MEMSTATE_FIELD_MASK << 2 | MS_ENTRY_LAZY | MS_ENTRY_RO))
		return false;
	return !ms_entry_lazy(e) || ms_entry_state(e) != MEMSTATE_READY;
}

static ms_entry_t nondet_entry(void)
{
	ms_entry_t e = nondet_u8();

	assume(entry_valid(e));
	return e;
}

/* A change as ms_record_decode() lets it through. */
static struct ms_change nondet_change(void)
{
	struct memstate_record rec = nondet_record();
	struct ms_change chg;

	assume(!ms_record_decode(&rec, 4096, 1ull << 47, &chg));
	return chg;
}

static struct model_page page_of(ms_entry_t e)
{
	return (struct model_page) {
		.state = ms_entry_state(e),
		.class_ = ms_entry_class(e),
		.lazy = ms_entry_lazy(e),
		.ro = ms_entry_ro(e),
	};
}

/* What is let through is in bounds and known; what is refused had a reason. */
void decode(void)
{
	const struct ms_change before = { 1, 2, 3, 4, 5, 6 };
	struct memstate_record rec = nondet_record();
	u64 page_size = 4096ull << (nondet_u8() % 5);
	u64 address_end = nondet_u64();
	struct ms_change chg = before;
	u64 start = rec.w0 & ~4095ull;
	u64 bytes = (rec.w1 & 0xffffffffu) * 4096;
	u32 from = rec.w0 & 7, to = rec.w0 >> 3 & 7, flags = rec.w0 >> 9 & 7;
	bool good = from != 4 && from != 5 && to < 6 && bytes &&
		    start % page_size == 0 && bytes % page_size == 0 &&
		    start <= address_end && address_end - start >= bytes &&
		    (!(flags & MEMSTATE_LAZY) || to == MEMSTATE_RESERVED ||
		     to == MEMSTATE_PREPARED);
	int ret = ms_record_decode(&rec, page_size, address_end, &chg);

	claim(ret == 0 || ret == -EINVAL, "0 or -EINVAL");
	claim((ret == 0) == good, "refused exactly where the ABI says so");
	if (ret) {
		claim(chg.start == before.start && chg.end == before.end &&
		      chg.from == before.from && chg.to == before.to &&
		      chg.class_ == before.class_ && chg.flags == before.flags,
		      "nothing is written on error");
		return;
	}
	claim(chg.start == start && chg.start < chg.end &&
	      chg.end <= address_end && chg.end - chg.start == bytes,
	      "the range is the record's, and in bounds");
	claim(chg.from == from && chg.to == to && chg.flags == flags &&
	      chg.class_ == (rec.w0 >> 6 & 7), "each field is the record's");
}

/* What is put together comes apart again. */
void make(void)
{
	u64 addr = nondet_u64() & ~4095ull;
	u64 bytes = (u64)nondet_u32() << 12;
	u32 from = nondet_u8() & 7, to = nondet_u8() & 7;
	u32 class_ = nondet_u8() & 7, flags = nondet_u8() & 7;
	struct memstate_record rec;
	struct ms_change chg;

	rec = ms_record_make(addr, bytes, from, to, class_, flags);
	claim(rec.w1 >> 32 == 0, "no sequence");
	if (ms_record_decode(&rec, 4096, ~0ull, &chg))
		return;
	claim(chg.start == addr && chg.end == addr + bytes && chg.from == from &&
	      chg.to == to && chg.class_ == class_ && chg.flags == flags,
	      "decode undoes make");
}

/* Valid stays valid, and is what the ABI's words say. */
void apply(void)
{
	struct ms_change chg = nondet_change();
	ms_entry_t old = nondet_entry();
	ms_entry_t new = ms_rule_apply(old, &chg);
	struct model_record r = { chg.from, chg.to, chg.class_, chg.flags };
	bool drift = false;

	claim(entry_valid(new), "the result is an entry");
	claim(model_same(page_of(new), model_apply(page_of(old), r, &drift)),
	      "the result is what the ABI says");
	claim(ms_rule_matches(old, &chg) == (!drift && (!(chg.flags & MEMSTATE_ONLY) ||
	      model_agrees(page_of(old), chg.from))), "it matches unless it drifts");
	claim(!(chg.flags & MEMSTATE_LAZY) || old == MS_ENTRY_NONE ||
	      ms_entry_charged(old) || !ms_entry_charged(new),
	      "lazy keeps a charge and makes none");
	claim(ms_entry_charged(new) == model_charged(page_of(new)), "charged");
}

/* Where a ledger stores the range in one go, it may. */
void uniform(void)
{
	struct ms_change chg = nondet_change();
	ms_entry_t a = nondet_entry(), b = nondet_entry();

	if (ms_rule_uniform(&chg))
		claim(ms_rule_apply(a, &chg) == ms_rule_apply(b, &chg),
		      "uniform does not depend on the entry before");
}

static u64 lazy_bytes(ms_entry_t e, u32 state, u64 bytes)
{
	return ms_entry_lazy(e) && ms_entry_state(e) == state ? bytes : 0;
}

struct memstate_totals nondet_totals(void);

/* Each figure of any totals moves by what it should, and nothing else does. */
void move(void)
{
	struct memstate_totals t = nondet_totals(), was = t;
	ms_entry_t from = nondet_entry(), to = nondet_entry();
	u32 s = nondet_u8() % (MEMSTATE_NR_STATES - 1);
	u32 c = nondet_u8() % MEMSTATE_NR_CLASSES;
	u64 bytes = nondet_u64();
	u64 want = was.bytes[s][c];

	ms_totals_move(&t, from, to, bytes);
	if (ms_entry_state(from) == s + 1 && ms_entry_class(from) == c)
		want -= bytes;
	if (ms_entry_state(to) == s + 1 && ms_entry_class(to) == c)
		want += bytes;
	claim(t.bytes[s][c] == want, "each cell");
	claim(t.reserved_lazy == was.reserved_lazy -
	      lazy_bytes(from, MEMSTATE_RESERVED, bytes) +
	      lazy_bytes(to, MEMSTATE_RESERVED, bytes), "lazy Reserved");
	claim(t.prepared_lazy == was.prepared_lazy -
	      lazy_bytes(from, MEMSTATE_PREPARED, bytes) +
	      lazy_bytes(to, MEMSTATE_PREPARED, bytes), "lazy Prepared");
	claim(t.transitions == was.transitions && t.drift == was.drift &&
	      t.ranges == was.ranges && t.ready_direct == was.ready_direct &&
	      t.tasks == was.tasks && t.peak_ready == was.peak_ready &&
	      t.unmaps == was.unmaps && t.resyncs == was.resyncs &&
	      t.rejected == was.rejected, "nothing else");
}

/* The sums are over all classes, and of what is charged. */
void sums(void)
{
	struct memstate_totals t = nondet_totals();
	u64 sum[MEMSTATE_NR_STATES - 1] = { 0 };
	u32 s, c;

	for (s = 0; s < MEMSTATE_NR_STATES - 1; s++) {
		for (c = 0; c < MEMSTATE_NR_CLASSES; c++)
			sum[s] += t.bytes[s][c];
		claim(ms_totals_state(&t, s + 1) == sum[s], "a state");
	}
	claim(ms_totals_charged(&t) == sum[MEMSTATE_READY - 1] +
	      t.reserved_lazy + t.prepared_lazy, "charged");
}
