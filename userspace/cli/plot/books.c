// SPDX-License-Identifier: MIT
/* The books of a task, kept from a recording's transitions by the rules of the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

/* A recording is no kernel: what a task did, it could do. */
#define ADDRESS_END	((u64)1 << 62)

/* A range may be longer than a record can say. */
#define PART_BYTES	((u64)1 << 43)

static void apply(struct ms_rangemap *books, struct memstate_totals *totals, u32 from, u32 to,
		  u32 class_, u32 flags, u64 addr, u64 bytes)
{
	struct ms_change chg;

	for (u64 done = 0, part; done < bytes; done += part) {
		struct memstate_record rec;

		part = bytes - done < PART_BYTES ? bytes - done : PART_BYTES;
		rec = ms_record_make(addr + done, part, from, to, class_, flags);
		if (!ms_record_decode(&rec, MEMSTATE_UNIT, ADDRESS_END, &chg) &&
		    ms_rangemap_apply(books, &chg, totals) == -ENOMEM)
			abort();
	}
}

/* Books that begin, or end, are empty. */
static void clear(struct ms_rangemap *books, struct memstate_totals *totals)
{
	books->nr = 0;
	memset(totals, 0, sizeof(*totals));
}

/**
 * ms_steps_apply() - a transition, an unmapping, a beginning or an end
 * @books:	the task's
 * @totals:	likewise
 * @e:		what was recorded
 */
void ms_steps_apply(struct ms_rangemap *books, struct memstate_totals *totals,
		    const struct ms_trace_event *e)
{
	switch (e->kind) {
	case MS_TRACE_TRANSITION:
		if (!e->error)
			apply(books, totals, e->from, e->to, e->class_, e->flags, e->addr,
			      e->bytes);
		break;
	case MS_TRACE_UNMAP:
		apply(books, totals, MEMSTATE_ANY, MEMSTATE_NONE, 0, 0, e->addr, e->bytes);
		break;
	case MS_TRACE_OPEN:
	case MS_TRACE_CLOSE:
		clear(books, totals);
		break;
	default:
		break;
	}
}

/**
 * ms_steps_load() - books as a ledger has them
 * @books:	the task's
 * @totals:	likewise
 * @l:		the ledger
 */
void ms_steps_load(struct ms_rangemap *books, struct memstate_totals *totals,
		   const struct ms_ledger *l)
{
	clear(books, totals);
	for (uint32_t i = 0; i < l->nr; i++) {
		const struct memstate_range *r = &l->ranges[i];
		u64 bytes = r->end - r->start;

		/* Lazy keeps a charge and makes none: it comes from Ready. */
		if (r->flags & MEMSTATE_RANGE_LAZY)
			apply(books, totals, MEMSTATE_ANY, MEMSTATE_READY, r->class_, 0, r->start,
			      bytes);
		apply(books, totals, MEMSTATE_ANY, r->state, r->class_,
		      r->flags & MEMSTATE_RANGE_LAZY ? MEMSTATE_LAZY : 0, r->start, bytes);
		if (r->flags & MEMSTATE_RANGE_RO)
			apply(books, totals, MEMSTATE_ANY, MEMSTATE_KEEP_RO, r->class_,
			      MEMSTATE_KEEP_CLASS, r->start, bytes);
	}
}
