/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Transition rules: what a record means, and what it makes of a page.
 *
 * Model
 *
 *   What the books know of a page is its *entry*: state, class, and two marks
 *   (lazy, read-only). A record is decoded and checked once (ms_record_decode)
 *   and then applied to each run of equal entries (ms_rule_apply): a function
 *   of the old entry and the record alone. How entries are kept for ranges is
 *   the ledger's business, of which there are two.
 */
#ifndef MS_CORE_RULES_H
#define MS_CORE_RULES_H

#include "port.h"
#include <linux/memstate.h>

/* An entry: state in bits 0-1, class in bits 2-4, marks above. None is 0. */
typedef u8 ms_entry_t;

#define MS_ENTRY_NONE		0
#define MS_ENTRY_LAZY		0x20
#define MS_ENTRY_RO		0x40

static inline ms_entry_t ms_entry_make(u32 state, u32 class_, u32 marks)
{
	if (state == MEMSTATE_NONE)
		return MS_ENTRY_NONE;
	return (ms_entry_t)(state | class_ << 2 | marks);
}

static inline u32 ms_entry_state(ms_entry_t e)
{
	return e & 3;
}

static inline u32 ms_entry_class(ms_entry_t e)
{
	return (e >> 2) & MEMSTATE_FIELD_MASK;
}

static inline bool ms_entry_lazy(ms_entry_t e)
{
	return e & MS_ENTRY_LAZY;
}

static inline bool ms_entry_ro(ms_entry_t e)
{
	return e & MS_ENTRY_RO;
}

/* Ready, or lazy: what counts against a limit. */
static inline bool ms_entry_charged(ms_entry_t e)
{
	return ms_entry_state(e) == MEMSTATE_READY || ms_entry_lazy(e);
}

/* Has the program write access, as far as the books know? */
static inline bool ms_entry_writable(ms_entry_t e)
{
	return ms_entry_state(e) >= MEMSTATE_PREPARED && !ms_entry_ro(e);
}

/**
 * struct ms_change - a record, decoded and checked
 * @start:	first byte
 * @end:	one past the last byte
 * @from:	state, MEMSTATE_MAPPED or MEMSTATE_ANY
 * @to:		state, MEMSTATE_KEEP or MEMSTATE_KEEP_RO
 * @class_:	class
 * @flags:	MEMSTATE_LAZY, MEMSTATE_ONLY, MEMSTATE_KEEP_CLASS
 */
struct ms_change {
	u64 start;
	u64 end;
	u8 from;
	u8 to;
	u8 class_;
	u8 flags;
};

/**
 * struct ms_rule - what is known of a step from one state to another
 * @verb:	name, for people
 * @charge:	+1 the step takes from the limit, -1 it gives back, 0 neither
 */
struct ms_rule {
	const char *verb;
	int charge;
};

extern const struct ms_rule ms_rules[MEMSTATE_NR_STATES][MEMSTATE_NR_STATES];
extern const char *const ms_state_names[MEMSTATE_NR_STATES];
extern const char *const ms_class_names[MEMSTATE_NR_CLASSES];

struct memstate_record ms_record_make(u64 addr, u64 bytes, u32 from, u32 to,
				      u32 class_, u32 flags);
int ms_record_decode(const struct memstate_record *rec, u64 page_size,
		     u64 address_end, struct ms_change *chg);
ms_entry_t ms_rule_apply(ms_entry_t old, const struct ms_change *chg);
bool ms_rule_matches(ms_entry_t old, const struct ms_change *chg);
bool ms_rule_uniform(const struct ms_change *chg);

void ms_totals_move(struct memstate_totals *t, ms_entry_t from, ms_entry_t to,
		    u64 bytes);
u64 ms_totals_state(const struct memstate_totals *t, u32 state);
u64 ms_totals_charged(const struct memstate_totals *t);

#endif /* MS_CORE_RULES_H */
