// SPDX-License-Identifier: MIT
#include <errno.h>

#include "effect.h"
#include "rules.h"
#include "sysrules.h"

/* A record holds less than 16 TiB; shadow memory is longer, and goes in parts. */
#define PART_BYTES	((u64)1 << 43)

/**
 * ms_effect_apply() - put records into books
 * @b:		the books
 * @records:	the records
 * @nr:		how many
 *
 * Return: 0; -ENOMEM, -ENOSPC.
 */
int ms_effect_apply(struct ms_books *b, const struct memstate_record *records, u32 nr)
{
	struct ms_change chg;
	int ret = 0;

	for (u32 i = 0; !ret && i < nr; i++) {
		/* Not for us: an address that no kernel gives. */
		if (ms_record_decode(&records[i], ms_page_up(1), MS_ADDRESS_END, &chg))
			continue;
		ret = ms_rangemap_apply(&b->map, &chg, &b->totals);
	}
	return ret;
}

/**
 * ms_effect_act() - a call acts on a range
 * @b:		the books
 * @e:		what it does
 * @addr:	first byte
 * @bytes:	length, any
 *
 * Return: 0; -EINVAL: no kernel lets that succeed; -ENOMEM, -ENOSPC.
 */
int ms_effect_act(struct ms_books *b, const struct ms_effect *e, u64 addr, u64 bytes)
{
	struct memstate_record records[MS_SYSRULE_RECORDS];
	u64 done, part;
	int ret = 0;

	bytes = ms_page_up(bytes);
	if (!ms_books_possible(addr, bytes))
		return -EINVAL;
	ms_noreserve_before(b, addr, bytes);
	for (done = 0; !ret && done < bytes; done += part) {
		part = bytes - done < PART_BYTES ? bytes - done : PART_BYTES;
		ret = ms_effect_apply(b, records, e->make(e, records, addr + done, part));
	}
	ms_noreserve_after(b, addr, bytes);
	return ret;
}

/**
 * ms_effect_marked() - the same of the parts that have marks, or have them not
 * @b:		the books
 * @e:		what it does
 * @addr:	first byte
 * @bytes:	length, any
 * @marks:	MS_MARK_*, all of them
 * @have:	whether a part has them
 *
 * Return: as ms_effect_act().
 */
int ms_effect_marked(struct ms_books *b, const struct ms_effect *e, u64 addr, u64 bytes,
		     u32 marks, bool have)
{
	u64 end, at, next;
	int ret = 0;

	bytes = ms_page_up(bytes);
	if (!ms_books_possible(addr, bytes))
		return -EINVAL;
	end = addr + bytes;
	for (at = addr; !ret && at < end; at = next) {
		bool has = (ms_marks_at(&b->marks, at, &next) & marks) == marks;

		next = next < end ? next : end;
		if (has == have)
			ret = ms_effect_act(b, e, at, next - at);
	}
	return ret;
}

/**
 * ms_books_mark() - change marks of a range
 * @b:		the books
 * @addr:	first byte
 * @bytes:	length, any
 * @set:	MS_MARK_* that it has afterwards
 * @clear:	and has not
 */
void ms_books_mark(struct ms_books *b, u64 addr, u64 bytes, u32 set, u32 clear)
{
	bytes = ms_page_up(bytes);
	if (!ms_books_possible(addr, bytes))
		return;
	ms_noreserve_before(b, addr, bytes);
	ms_marks_change(&b->marks, addr, addr + bytes, set, clear);
	ms_noreserve_after(b, addr, bytes);
}
