// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Records and rules: each errno, each combination against the model. */

#include "rules.h"

#include "model.h"
#include "tap.h"

#define END	((u64)1 << 47)

static int decode(struct memstate_record rec, u64 page, struct ms_change *chg)
{
	return ms_record_decode(&rec, page, END, chg);
}

static void test_decode(void)
{
	struct memstate_record good =
		ms_record_make(0x7000, 0x3000, MEMSTATE_READY, MEMSTATE_PREPARED,
			       MEMSTATE_USER3, MEMSTATE_LAZY | MEMSTATE_KEEP_CLASS);
	struct ms_change chg = {}, before;
	struct memstate_record r;

	tap_is(decode(good, 4096, &chg), 0, "record_good_is_taken");
	tap_ok(chg.start == 0x7000 && chg.end == 0xa000 &&
		       chg.from == MEMSTATE_READY && chg.to == MEMSTATE_PREPARED &&
		       chg.class_ == MEMSTATE_USER3 &&
		       chg.flags == (MEMSTATE_LAZY | MEMSTATE_KEEP_CLASS),
	       "record_make_and_decode_are_inverse");
	r = good;
	r.w1 |= (u64)0xabcd << 32;
	tap_is(decode(r, 4096, &chg), 0, "record_sequence_is_not_looked_at");

	memset(&chg, 0x5a, sizeof(chg));
	before = chg;
	for (u32 from = 4; from <= 5; from++) {
		r = good;
		r.w0 = (r.w0 & ~(u64)7) | from;
		tap_is(decode(r, 4096, &chg), -EINVAL, "record_from_%u_is_refused",
		       from);
	}
	for (u32 to = 6; to <= 7; to++) {
		r = ms_record_make(0x7000, 0x3000, MEMSTATE_READY, to, 0, 0);
		tap_is(decode(r, 4096, &chg), -EINVAL, "record_to_%u_is_refused", to);
	}
	for (u32 to = 0; to <= MEMSTATE_KEEP_RO; to++) {
		bool may = to == MEMSTATE_RESERVED || to == MEMSTATE_PREPARED;
		struct ms_change out;

		r = ms_record_make(0x7000, 0x3000, MEMSTATE_READY, to, 0,
				   MEMSTATE_LAZY);
		tap_is(decode(r, 4096, &out), may ? 0 : -EINVAL,
		       "record_lazy_to_%u_is_%s", to, may ? "taken" : "refused");
	}
	r = ms_record_make(0x7000, 0, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 4096, &chg), -EINVAL, "record_of_no_length_is_refused");
	r = ms_record_make(0x4000, 0x1000, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 16384, &chg), -EINVAL, "record_length_off_page_is_refused");
	r = ms_record_make(0x1000, 0x4000, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 16384, &chg), -EINVAL, "record_address_off_page_is_refused");
	r = ms_record_make(END, 0x1000, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 4096, &chg), -EINVAL, "record_at_the_end_is_refused");
	r = ms_record_make(END - 0x1000, 0x2000, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 4096, &chg), -EINVAL, "record_over_the_end_is_refused");
	r = ms_record_make(~(u64)4095, 0x1000, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 4096, &chg), -EINVAL, "record_that_wraps_is_refused");
	tap_ok(!memcmp(&chg, &before, sizeof(chg)), "record_refused_writes_nothing");
	r = ms_record_make(END - 0x1000, 0x1000, MEMSTATE_READY, MEMSTATE_NONE, 0, 0);
	tap_is(decode(r, 4096, &chg), 0, "record_up_to_the_end_is_taken");
	r = (struct memstate_record){ .w0 = MEMSTATE_ANY, .w1 = 0xffffffff };
	tap_ok(!decode(r, 4096, &chg) && chg.end == (u64)0xffffffff << 12,
	       "record_longest_length_does_not_overflow");
}

static struct model_page page_of(ms_entry_t e)
{
	return (struct model_page){ (unsigned char)ms_entry_state(e),
				    (unsigned char)ms_entry_class(e),
				    ms_entry_lazy(e), ms_entry_ro(e) };
}

/* Every entry that books can hold. */
static u32 all_entries(ms_entry_t *out)
{
	u32 n = 0;

	out[n++] = MS_ENTRY_NONE;
	for (u32 s = MEMSTATE_RESERVED; s <= MEMSTATE_READY; s++)
		for (u32 c = 0; c < MEMSTATE_NR_CLASSES; c++)
			for (u32 m = 0; m < 4; m++) {
				u32 marks = (m & 1 ? MS_ENTRY_LAZY : 0) |
					    (m & 2 ? MS_ENTRY_RO : 0);

				if (s != MEMSTATE_READY || !(m & 1))
					out[n++] = ms_entry_make(s, c, marks);
			}
	return n;
}

static void test_rules(void)
{
	static const u8 froms[] = { 0, 1, 2, 3, MEMSTATE_MAPPED, MEMSTATE_ANY };
	ms_entry_t olds[128];
	u32 n = all_entries(olds), bad = 0, bad_match = 0, bad_uniform = 0;
	u32 bad_closed = 0, uniform = 0, cases = 0;

	for (u32 f = 0; f < sizeof(froms); f++)
	for (u32 to = 0; to <= MEMSTATE_KEEP_RO; to++)
	for (u32 c = 0; c < MEMSTATE_NR_CLASSES; c++)
	for (u32 flags = 0; flags < 8; flags++) {
		struct ms_change chg = { 0, 4096, froms[f], (u8)to, (u8)c, (u8)flags };
		struct model_record rec = { froms[f], to, c, flags };
		ms_entry_t first = ms_rule_apply(olds[0], &chg);
		bool same = true;

		if ((flags & MEMSTATE_LAZY) && to != MEMSTATE_RESERVED &&
		    to != MEMSTATE_PREPARED)
			continue;
		for (u32 i = 0; i < n; i++) {
			struct model_page old = page_of(olds[i]);
			ms_entry_t got = ms_rule_apply(olds[i], &chg);
			bool drift = false, known = false;

			cases++;
			bad += !model_same(page_of(got),
					   model_apply(old, rec, &drift));
			bad_match += ms_rule_matches(olds[i], &chg) !=
				     model_agrees(old, froms[f]);
			same &= got == first;
			for (u32 k = 0; k < n; k++)
				known |= olds[k] == got;
			bad_closed += !known;
		}
		uniform += ms_rule_uniform(&chg);
		bad_uniform += ms_rule_uniform(&chg) && !same;
	}
	printf("# %u cases, %u uniform changes\n", cases, uniform);
	tap_is(bad, 0, "rule_apply_agrees_with_the_model_in_every_case");
	tap_is(bad_match, 0, "rule_matches_agrees_with_the_model_in_every_case");
	tap_is(bad_closed, 0, "rule_apply_makes_no_entry_unknown_to_the_books");
	tap_is(bad_uniform, 0, "rule_uniform_is_never_wrong");
	tap_ok(uniform > 0, "rule_uniform_is_true_of_something");
}

static void test_table(void)
{
	u32 bad = 0, nameless = 0;

	for (u32 a = 0; a < MEMSTATE_NR_STATES; a++)
		for (u32 b = 0; b < MEMSTATE_NR_STATES; b++) {
			int want = (b == MEMSTATE_READY) - (a == MEMSTATE_READY);

			bad += ms_rules[a][b].charge != want;
			nameless += !ms_rules[a][b].verb || !*ms_rules[a][b].verb;
		}
	tap_is(bad, 0, "rule_table_charges_what_becomes_ready_and_nothing_else");
	tap_is(nameless, 0, "rule_table_names_every_step");
}

static void test_totals(void)
{
	struct memstate_totals t = {}, zero = {};
	ms_entry_t lazy = ms_entry_make(MEMSTATE_PREPARED, 2, MS_ENTRY_LAZY);
	ms_entry_t gone = ms_entry_make(MEMSTATE_RESERVED, 2, MS_ENTRY_LAZY);
	ms_entry_t ready = ms_entry_make(MEMSTATE_READY, 7, 0);

	ms_totals_move(&t, MS_ENTRY_NONE, lazy, 4096);
	ms_totals_move(&t, MS_ENTRY_NONE, gone, 8192);
	ms_totals_move(&t, MS_ENTRY_NONE, ready, 1 << 20);
	tap_ok(t.bytes[MEMSTATE_PREPARED - 1][2] == 4096 && t.prepared_lazy == 4096 &&
		       t.bytes[MEMSTATE_RESERVED - 1][2] == 8192 &&
		       t.reserved_lazy == 8192 &&
		       t.bytes[MEMSTATE_READY - 1][7] == 1 << 20,
	       "totals_move_adds_to_state_class_and_lazy");
	tap_is(ms_totals_charged(&t), (1 << 20) + 8192 + 4096,
	       "totals_charged_is_ready_and_lazy");
	ms_totals_move(&t, lazy, ready, 4096);
	tap_ok(!t.prepared_lazy && ms_totals_state(&t, MEMSTATE_READY) == (1 << 20) + 4096,
	       "totals_move_takes_lazy_away");
	ms_totals_move(&t, gone, MS_ENTRY_NONE, 8192);
	ms_totals_move(&t, ready, MS_ENTRY_NONE, (1 << 20) + 4096);
	tap_ok(!memcmp(&t, &zero, sizeof(t)), "totals_move_back_leaves_nothing");
}

int main(void)
{
	test_decode();
	test_rules();
	test_table();
	test_totals();
	return tap_end();
}
