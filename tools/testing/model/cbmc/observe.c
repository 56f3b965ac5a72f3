// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The rule for what reports nothing: any space, any look, any growth, any limit. Its two
 * forms are one, nothing wraps, and what is granted fits. Overcommit is for core/observe.c.
 */
#include "observe.h"
#include "harness.h"

/* No address space is longer than 2^57. Sums that are compared are a riddle for long words. */
#ifndef BITS
#define BITS	57
#endif
#define SPACE	((u64)1 << BITS)

static struct ms_observe o;

static u64 any_bytes(void)
{
	u64 bytes = nondet_u64();

	assume(bytes <= SPACE);
	return bytes;
}

/* Any state that looks and grants can have led to. */
static void any_space(void)
{
	u64 data_vm = any_bytes();

	o.backed = any_bytes();
	o.inherited = nondet_u64();
	o.unbacked = (s64)(data_vm - o.backed);
	o.pending = nondet_u64();
	o.ahead = nondet_u64();
	o.arena = nondet_u64();
	o.start = nondet_u8() % 2 ? MS_START_ROOM : 0;
	assume(o.inherited <= o.backed);
	/* Where stacks are most of what is backed, more is pending than is unbacked. */
	assume(o.pending <= MS_PENDING_MOST && o.pending <= SPACE && o.arena <= SPACE);
	assume(o.ahead <= o.pending && o.ahead <= MS_AHEAD_MOST);
}

static void sound(void)
{
	claim(o.inherited <= o.backed, "no more is inherited than there is");
	claim(o.pending <= MS_PENDING_MOST, "what one has pending is bounded");
	claim(o.ahead <= o.pending && o.ahead <= MS_AHEAD_MOST, "ahead is pending, and bounded");
}

void look(void)
{
	u64 data_vm = any_bytes(), backed = any_bytes(), before;
	s64 now = (s64)data_vm - (s64)backed, idle;

	any_space();
	before = o.pending;
	idle = o.unbacked - (s64)o.pending;
	if (now > o.unbacked)
		idle += now - o.unbacked;
	if (idle > now)
		idle = now;
	ms_observe_look(&o, data_vm, backed);
	sound();
	claim(!o.arena || (s64)o.arena <= idle, "arenas are idle");
	claim(o.unbacked - (s64)o.pending == idle, "both forms agree after a look");
	claim(ms_observe_charge(&o) == data_vm - o.inherited - (u64)idle,
	      "the charge is that of the other form");
	claim(o.pending <= before, "a look makes nothing pending");
}

void grow(void)
{
	struct ms_observe_level level = {
		.max = nondet_u64(), .overcommit = MS_OVERCOMMIT_NONE, .charged = any_bytes(),
		.pending = any_bytes(), .arena = any_bytes() };
	struct ms_growth g = { .kind = nondet_u8() % 6, .bytes = any_bytes() };
	u64 charge, top;
	s64 idle;

	any_space();
	assume(level.pending <= level.charged);
	charge = ms_observe_charge(&o);
	idle = o.unbacked - (s64)o.pending;
	ms_observe_ask(&o, &g, level.max);
	claim(g.ask <= g.bytes && (!g.arena || (g.arena == g.bytes && !g.ask)),
	      "no more is asked for than there is");
	top = ms_observe_top(&o, &g, level.max, level.overcommit);
	if (!ms_observe_fits(&o, &g, &level)) {
		claim(level.max != MEMSTATE_UNLIMITED && g.kind != MS_GROWTH_UNASKED,
		      "what nothing forbids is granted");
		return;
	}
	claim(top == MEMSTATE_UNLIMITED || level.charged + g.ask <= top,
	      "what is granted stays below the top");
	ms_observe_grant(&o, &g);
	sound();
	claim(ms_observe_charge(&o) == charge + g.ask, "the charge rises by what was asked for");
	claim(o.unbacked - (s64)o.pending == idle + (s64)(g.bytes - g.ask),
	      "both forms agree after a grant");
}
