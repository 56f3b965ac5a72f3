// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "rules.h"

const char *const ms_state_names[MEMSTATE_NR_STATES] = {
	[MEMSTATE_NONE]		= "none",
	[MEMSTATE_RESERVED]	= "reserved",
	[MEMSTATE_PREPARED]	= "prepared",
	[MEMSTATE_READY]	= "ready",
};

const char *const ms_class_names[MEMSTATE_NR_CLASSES] = {
	[MEMSTATE_HEAP]		= "heap",
	[MEMSTATE_STACK]	= "stack",
	[MEMSTATE_METADATA]	= "metadata",
	[MEMSTATE_CODE]		= "code",
	[MEMSTATE_OTHER]	= "other",
	[MEMSTATE_USER1]	= "user1",
	[MEMSTATE_USER2]	= "user2",
	[MEMSTATE_USER3]	= "user3",
};

#define NONE	MEMSTATE_NONE
#define RSVD	MEMSTATE_RESERVED
#define PREP	MEMSTATE_PREPARED
#define READY	MEMSTATE_READY

/*
 * Each verb is one legal system step, in the order of Go's runtime/mem.go; the
 * steps with a "+" are two of them that one system call makes at once.
 */
const struct ms_rule ms_rules[MEMSTATE_NR_STATES][MEMSTATE_NR_STATES] = {
	[NONE][NONE]	= { "free",		0 },
	[NONE][RSVD]	= { "reserve",		0 },
	[NONE][PREP]	= { "reserve+map",	0 },
	[NONE][READY]	= { "alloc",		+1 },

	[RSVD][NONE]	= { "free",		0 },
	[RSVD][RSVD]	= { "fault",		0 },
	[RSVD][PREP]	= { "map",		0 },
	[RSVD][READY]	= { "map+used",		+1 },

	[PREP][NONE]	= { "free",		0 },
	[PREP][RSVD]	= { "fault",		0 },
	[PREP][PREP]	= { "map",		0 },
	[PREP][READY]	= { "used",		+1 },

	[READY][NONE]	= { "free",		-1 },
	[READY][RSVD]	= { "fault",		-1 },
	[READY][PREP]	= { "unused",		-1 },
	[READY][READY]	= { "used",		0 },
};

#undef NONE
#undef RSVD
#undef PREP
#undef READY

/**
 * ms_record_make() - put a record together
 * @addr:	first byte, a multiple of the page size
 * @bytes:	length, a multiple of the page size, below 2^44
 * @from:	state, MEMSTATE_MAPPED or MEMSTATE_ANY
 * @to:		state, MEMSTATE_KEEP or MEMSTATE_KEEP_RO
 * @class_:	enum memstate_class
 * @flags:	MEMSTATE_LAZY, MEMSTATE_ONLY, MEMSTATE_KEEP_CLASS
 *
 * Nothing is checked here: ms_record_decode() does that, where it is believed.
 *
 * Context: any. Return: the record, with sequence 0.
 */
struct memstate_record ms_record_make(u64 addr, u64 bytes, u32 from, u32 to,
				      u32 class_, u32 flags)
{
	return (struct memstate_record) {
		.w0 = addr | from << MEMSTATE_FROM_SHIFT |
		      to << MEMSTATE_TO_SHIFT |
		      class_ << MEMSTATE_CLASS_SHIFT |
		      flags << MEMSTATE_FLAGS_SHIFT,
		.w1 = bytes >> MEMSTATE_UNIT_SHIFT,
	};
}

static u8 record_field(const struct memstate_record *rec, u32 shift)
{
	return (rec->w0 >> shift) & MEMSTATE_FIELD_MASK;
}

/**
 * ms_record_decode() - check a record and take it apart
 * @rec:		the record, in private memory; its sequence is not looked at
 * @page_size:		granule of addresses and lengths in bytes, a power of two
 * @address_end:	one past the highest address a task can have
 * @chg:		where to put the result; not written on error
 *
 * Context: any.
 * Return: 0, or -EINVAL: no such from or to, LAZY with another *to* than
 * Reserved or Prepared, address or length not a multiple of the page size,
 * length 0, or beyond @address_end.
 */
int ms_record_decode(const struct memstate_record *rec, u64 page_size,
		     u64 address_end, struct ms_change *chg)
{
	u64 start = rec->w0 & MEMSTATE_ADDR_MASK;
	u64 bytes = (rec->w1 & 0xffffffffu) << MEMSTATE_UNIT_SHIFT;
	u8 from = record_field(rec, MEMSTATE_FROM_SHIFT);
	u8 to = record_field(rec, MEMSTATE_TO_SHIFT);
	u8 flags = record_field(rec, MEMSTATE_FLAGS_SHIFT);

	if (from > MEMSTATE_READY && from < MEMSTATE_MAPPED)
		return -EINVAL;
	if (to > MEMSTATE_KEEP_RO)
		return -EINVAL;
	if ((flags & MEMSTATE_LAZY) &&
	    to != MEMSTATE_RESERVED && to != MEMSTATE_PREPARED)
		return -EINVAL;
	if ((start | bytes) & (page_size - 1) || !bytes)
		return -EINVAL;
	if (start >= address_end || bytes > address_end - start)
		return -EINVAL;

	*chg = (struct ms_change) {
		.start = start,
		.end = start + bytes,
		.from = from,
		.to = to,
		.class_ = record_field(rec, MEMSTATE_CLASS_SHIFT),
		.flags = flags,
	};
	return 0;
}

/**
 * ms_rule_matches() - does an entry agree with a change's *from*?
 * @old:	the entry
 * @chg:	the change
 *
 * Context: any. Return: true if it does.
 */
bool ms_rule_matches(ms_entry_t old, const struct ms_change *chg)
{
	switch (chg->from) {
	case MEMSTATE_ANY:
		return true;
	case MEMSTATE_MAPPED:
		return ms_entry_state(old) != MEMSTATE_NONE;
	default:
		return ms_entry_state(old) == chg->from;
	}
}

/**
 * ms_rule_apply() - what a change makes of an entry
 * @old:	the entry before
 * @chg:	the change
 *
 * LAZY keeps a charge and never makes one, except over None: there a range
 * arrives with the charge it had where it was (mremap, fork).
 *
 * Context: any. Return: the entry after.
 */
ms_entry_t ms_rule_apply(ms_entry_t old, const struct ms_change *chg)
{
	u32 state = ms_entry_state(old);
	u32 class_ = chg->class_;
	u32 marks = 0;

	if ((chg->flags & MEMSTATE_ONLY) && !ms_rule_matches(old, chg))
		return old;

	if ((chg->flags & MEMSTATE_KEEP_CLASS) && state != MEMSTATE_NONE)
		class_ = ms_entry_class(old);

	switch (chg->to) {
	case MEMSTATE_KEEP_RO:
		marks = MS_ENTRY_RO;
		fallthrough;
	case MEMSTATE_KEEP:
		marks |= old & (MS_ENTRY_LAZY | MS_ENTRY_RO);
		return ms_entry_make(state, class_, marks);
	default:
		if ((chg->flags & MEMSTATE_LAZY) &&
		    (state == MEMSTATE_NONE || ms_entry_charged(old)))
			marks = MS_ENTRY_LAZY;
		/* Advice does not change what access there is. */
		if ((chg->flags & MEMSTATE_LAZY) && chg->to == MEMSTATE_PREPARED)
			marks |= old & MS_ENTRY_RO;
		return ms_entry_make(chg->to, class_, marks);
	}
}

/**
 * ms_rule_uniform() - does a change make the same of every entry?
 * @chg: the change
 *
 * Context: any. Return: true if ms_rule_apply() does not depend on *old*, so
 * that a ledger can store the whole range in one go.
 */
bool ms_rule_uniform(const struct ms_change *chg)
{
	if (chg->to == MEMSTATE_NONE)
		return !(chg->flags & MEMSTATE_ONLY) ||
		       chg->from == MEMSTATE_ANY ||
		       chg->from == MEMSTATE_MAPPED;
	if (chg->to >= MEMSTATE_KEEP)
		return false;
	if ((chg->flags & MEMSTATE_ONLY) && chg->from != MEMSTATE_ANY)
		return false;
	return !(chg->flags & (MEMSTATE_LAZY | MEMSTATE_KEEP_CLASS));
}

static u64 *totals_cell(struct memstate_totals *t, ms_entry_t e)
{
	return &t->bytes[ms_entry_state(e) - 1][ms_entry_class(e)];
}

static u64 *totals_lazy(struct memstate_totals *t, ms_entry_t e)
{
	return ms_entry_state(e) == MEMSTATE_RESERVED ? &t->reserved_lazy :
							&t->prepared_lazy;
}

/**
 * ms_totals_move() - move bytes from one entry's figures to another's
 * @t:		the totals, or deltas (then they wrap, and add up)
 * @from:	the entry before
 * @to:		the entry after
 * @bytes:	how many
 *
 * Context: any, whoever owns @t.
 */
void ms_totals_move(struct memstate_totals *t, ms_entry_t from, ms_entry_t to,
		    u64 bytes)
{
	if (from != MS_ENTRY_NONE) {
		*totals_cell(t, from) -= bytes;
		if (ms_entry_lazy(from))
			*totals_lazy(t, from) -= bytes;
	}
	if (to != MS_ENTRY_NONE) {
		*totals_cell(t, to) += bytes;
		if (ms_entry_lazy(to))
			*totals_lazy(t, to) += bytes;
	}
}

/**
 * ms_totals_state() - bytes in a state, all classes together
 * @t:		the totals
 * @state:	MEMSTATE_RESERVED, MEMSTATE_PREPARED or MEMSTATE_READY
 *
 * Context: any. Return: bytes.
 */
u64 ms_totals_state(const struct memstate_totals *t, u32 state)
{
	u64 sum = 0;
	u32 c;

	for (c = 0; c < MEMSTATE_NR_CLASSES; c++)
		sum += t->bytes[state - 1][c];
	return sum;
}

/**
 * ms_totals_charged() - what counts against a limit, from the books
 * @t: the totals
 *
 * At rest this equals @t->ready_direct, which is counted elsewhere.
 *
 * Context: any. Return: bytes.
 */
u64 ms_totals_charged(const struct memstate_totals *t)
{
	return ms_totals_state(t, MEMSTATE_READY) + t->reserved_lazy +
	       t->prepared_lazy;
}
