// SPDX-License-Identifier: MIT
/* Where ranges and this process's mappings differ; the kernel does the same with its ledger. */
#include "internal.h"

/**
 * ms_finding_add() - one more place where books and memory differ
 * @arg:	where to put it
 * @r:		the range that is found wrong
 * @start:	first byte of what is wrong of it
 * @end:	one past the last
 * @kind:	MEMSTATE_AUDIT_*
 *
 * Context: any. Return: false: there is no room, and the cursor is at @start.
 */
bool ms_finding_add(struct memstate_audit *arg, const struct memstate_range *r, u64 start,
		    u64 end, u32 kind)
{
	struct memstate_finding *out = (void *)(uintptr_t)arg->findings;

	if (arg->done == arg->nr) {
		arg->cursor = start;
		return false;
	}
	out[arg->done++] = (struct memstate_finding) {
		.start = start,
		.end = end,
		.kind = kind,
		.state = r->state,
		.class_ = r->class_,
		.flags = r->flags,
	};
	return true;
}

struct compare {
	struct memstate_audit *arg;
	const struct memstate_range *ranges;
	u32 nr;
	u32 i;
	/* how far ranges[i] has been looked at */
	u64 pos;
};

/* Look at all up to @limit, which lies in no mapping or in one with @prot. */
static bool compare_upto(struct compare *c, u64 limit, bool mapped, int prot)
{
	while (c->i < c->nr) {
		const struct memstate_range *r = &c->ranges[c->i];
		u64 start = c->pos > r->start ? c->pos : r->start;
		u64 end = r->end < limit ? r->end : limit;

		if (start >= limit)
			return true;
		c->arg->checked_bytes += end - start;
		if (!mapped) {
			if (!ms_finding_add(c->arg, r, start, end,
					    MEMSTATE_AUDIT_UNMAPPED))
				return false;
		} else if (r->state == MEMSTATE_READY && !(prot & PROT_WRITE) &&
			   !(r->flags & MEMSTATE_RANGE_RO)) {
			if (!ms_finding_add(c->arg, r, start, end,
					    MEMSTATE_AUDIT_NOT_WRITABLE))
				return false;
		}
		c->pos = end;
		if (end < r->end)
			return true;
		c->i++;
	}
	return true;
}

static int compare_mapping(const struct ms_mapping *m, void *arg)
{
	struct compare *c = arg;

	return compare_upto(c, m->start, false, 0) &&
	       compare_upto(c, m->end, true, m->prot) ? 0 : 1;
}

/**
 * ms_audit_ranges() - compare ranges with one's own mappings
 * @arg:	in: cursor, findings, nr; out: cursor, done, checked_bytes
 * @ranges:	the ranges, in order
 * @nr:		how many
 *
 * Context: any. Return: 0 or a negative errno.
 */
int ms_audit_ranges(struct memstate_audit *arg,
		    const struct memstate_range *ranges, u32 nr)
{
	struct compare c = {
		.arg = arg, .ranges = ranges, .nr = nr, .pos = arg->cursor,
	};
	int ret;

	arg->cursor = 0;
	ret = ms_mappings_walk("/proc/self/maps", compare_mapping, &c);
	if (ret < 0)
		return ret;
	if (!ret)
		compare_upto(&c, ~(u64)0, false, 0);
	return 0;
}
