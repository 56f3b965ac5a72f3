// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Each rule of sysrules.h as the record it makes, and what that makes of a page. */
#include <stdlib.h>
#include <sys/mman.h>

#include "rules.h"
#include "sysrules.h"
#include "../core/tap.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define ADDR	0x10000000ull
#define PAGE	4096ull

void ms_warn(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, cond);
	abort();
}

/* What @nr records make of a page that was @e; 0xff: one of them is no record. */
static ms_entry_t after(ms_entry_t e, const struct memstate_record *records, u32 nr)
{
	struct ms_change chg;

	for (u32 i = 0; i < nr; i++) {
		if (ms_record_decode(&records[i], PAGE, 1ull << 47, &chg) ||
		    chg.start != ADDR || chg.end != ADDR + 3 * PAGE)
			return 0xff;
		e = ms_rule_apply(e, &chg);
	}
	return e;
}

/* As ms_entry_make(), for tables. */
#define RSVD(c)	(MEMSTATE_RESERVED | MEMSTATE_##c << 2)
#define PREP(c)	(MEMSTATE_PREPARED | MEMSTATE_##c << 2)
#define READY(c) (MEMSTATE_READY | MEMSTATE_##c << 2)
#define LAZY	MS_ENTRY_LAZY
#define RO	MS_ENTRY_RO
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	(PROT_READ | PROT_WRITE)

/* Lengths are given one byte short of three pages: they are rounded up. */
#define BYTES	(3 * PAGE - 1)

static void test_mmap(void)
{
	static const struct {
		const char *name;
		int prot, flags;
		ms_entry_t before, after;
	} cases[] = {
		{ "writable", RW, ANON, 0, READY(HEAP) },
		{ "writable over Ready of another class", RW, ANON, READY(CODE), READY(HEAP) },
		{ "read only", PROT_READ, ANON, 0, RSVD(HEAP) },
		{ "no access over Ready is not lazy", PROT_NONE, ANON, READY(HEAP), RSVD(HEAP) },
		{ "executable", RW | PROT_EXEC, ANON, 0, READY(CODE) },
		{ "stack, even executable", RW | PROT_EXEC, ANON | MAP_STACK, 0, READY(STACK) },
		{ "shared", RW, MAP_SHARED | MAP_ANONYMOUS, READY(HEAP), 0 },
		{ "shared, validated", RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, READY(HEAP), 0 },
		{ "file", RW, MAP_PRIVATE, READY(HEAP), 0 },
	};
	struct memstate_record r[MS_SYSRULE_RECORDS];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is(after(cases[i].before, r,
			     ms_sysrule_mmap(r, ADDR, BYTES, cases[i].prot, cases[i].flags)),
		       cases[i].after, "mmap: %s", cases[i].name);
	tap_is(ms_sysrule_mmap(r, ADDR, 0, RW, ANON), 0, "mmap: no length, no record");
	tap_is(after(READY(STACK), r, ms_sysrule_munmap(r, ADDR, BYTES)), 0, "munmap: None");
	tap_is(ms_sysrule_munmap(r, ADDR, 0), 0, "munmap: no length, no record");
}

static void test_mprotect(void)
{
	static const struct {
		const char *name;
		int prot;
		ms_entry_t before, after;
	} cases[] = {
		{ "writable, from Reserved", RW, RSVD(STACK), READY(STACK) },
		{ "writable, from lazy Prepared", RW, PREP(HEAP) | LAZY, READY(HEAP) },
		{ "writable, no longer read only", RW, READY(HEAP) | RO, READY(HEAP) },
		{ "writable and executable", RW | PROT_EXEC, RSVD(HEAP), READY(CODE) },
		{ "writable, of nothing", RW, 0, 0 },
		{ "no access, from Ready: lazy", PROT_NONE, READY(CODE), RSVD(CODE) | LAZY },
		{ "no access, from Reserved: not", PROT_NONE, RSVD(HEAP), RSVD(HEAP) },
		{ "no access, of nothing", PROT_NONE, 0, 0 },
		{ "read, Ready", PROT_READ, READY(STACK), READY(STACK) | RO },
		{ "read, lazy Reserved", PROT_READ, RSVD(HEAP) | LAZY, RSVD(HEAP) | LAZY | RO },
		{ "read and execute", PROT_READ | PROT_EXEC, READY(HEAP), READY(CODE) | RO },
		{ "execute, of nothing", PROT_EXEC, 0, 0 },
	};
	struct memstate_record r[MS_SYSRULE_RECORDS];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is(after(cases[i].before, r,
			     ms_sysrule_mprotect(r, ADDR, BYTES, cases[i].prot)),
		       cases[i].after, "mprotect: %s", cases[i].name);
	tap_is(ms_sysrule_mprotect(r, ADDR, 0, RW), 0, "mprotect: no length, no record");
}

static void test_madvise(void)
{
	static const struct {
		const char *name;
		int advice;
		ms_entry_t before, after;
	} cases[] = {
		{ "DONTNEED, Ready", MADV_DONTNEED, READY(STACK), PREP(STACK) | LAZY },
		{ "FREE, Ready", MADV_FREE, READY(HEAP), PREP(HEAP) | LAZY },
		{ "DONTNEED_LOCKED, Ready", MADV_DONTNEED_LOCKED, READY(HEAP), PREP(HEAP) | LAZY },
		{ "DONTNEED, Prepared", MADV_DONTNEED, PREP(HEAP), PREP(HEAP) },
		{ "DONTNEED, lazy Reserved", MADV_DONTNEED, RSVD(CODE) | LAZY, RSVD(CODE) },
		{ "FREE, lazy Reserved", MADV_FREE, RSVD(HEAP) | LAZY, RSVD(HEAP) | LAZY },
		{ "POPULATE_WRITE, Prepared", MADV_POPULATE_WRITE, PREP(STACK) | LAZY, READY(STACK) },
		{ "POPULATE_WRITE, Ready", MADV_POPULATE_WRITE, READY(CODE), READY(CODE) },
		{ "POPULATE_WRITE, Reserved", MADV_POPULATE_WRITE, RSVD(HEAP), RSVD(HEAP) },
		{ "POPULATE_WRITE of nothing", MADV_POPULATE_WRITE, 0, 0 },
		{ "DONTNEED of nothing", MADV_DONTNEED, 0, 0 },
	};
	struct memstate_record r[MS_SYSRULE_RECORDS];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_is(after(cases[i].before, r,
			     ms_sysrule_madvise(r, ADDR, BYTES, cases[i].advice)),
		       cases[i].after, "madvise: %s", cases[i].name);
	tap_is(ms_sysrule_madvise(r, ADDR, BYTES, MADV_WILLNEED), 0,
	       "madvise: other advice, no record");
	tap_is(ms_sysrule_madvise(r, ADDR, 0, MADV_DONTNEED), 0,
	       "madvise: no length, no record");
}

static void test_mremap(void)
{
	static const struct {
		const char *name;
		struct memstate_range last;
		ms_entry_t piece, growth;
	} cases[] = {
		{ "Ready", { .state = MEMSTATE_READY, .class_ = MEMSTATE_STACK },
		  READY(STACK), READY(STACK) },
		{ "lazy Prepared", { .state = MEMSTATE_PREPARED, .flags = MEMSTATE_RANGE_LAZY },
		  PREP(HEAP) | LAZY, READY(HEAP) },
		{ "lazy Reserved", { .state = MEMSTATE_RESERVED, .flags = MEMSTATE_RANGE_LAZY },
		  RSVD(HEAP) | LAZY, RSVD(HEAP) },
		{ "Ready, read only", { .state = MEMSTATE_READY, .class_ = MEMSTATE_CODE,
					.flags = MEMSTATE_RANGE_RO },
		  READY(CODE) | RO, RSVD(CODE) },
	};
	struct memstate_record r[MS_SYSRULE_RECORDS];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct memstate_range last = cases[i].last;

		last.start = 0x70000000;
		last.end = last.start + 3 * PAGE;
		tap_is(after(0, r, ms_sysrule_piece(r, &last, ADDR)), cases[i].piece,
		       "mremap: %s arrives as it was", cases[i].name);
		tap_is(after(0, r, ms_sysrule_growth(r, &last, ADDR, 3 * PAGE)),
		       cases[i].growth, "mremap: what follows %s", cases[i].name);
	}
}

static void test_brk(void)
{
	struct memstate_record r[MS_SYSRULE_RECORDS];

	tap_is(after(0, r, ms_sysrule_brk(r, ADDR - 1, ADDR + 2 * PAGE + 1)), READY(HEAP),
	       "brk: growth between the pages that the breaks are in");
	tap_is(after(READY(HEAP), r, ms_sysrule_brk(r, ADDR + 3 * PAGE, ADDR)), 0,
	       "brk: shrink");
	tap_is(ms_sysrule_brk(r, ADDR + 1, ADDR + PAGE), 0, "brk: within a page, no record");
	tap_is(ms_page_up(~0ull), 0, "a length that cannot be rounded up is none");
	tap_is(ms_page_up(PAGE), PAGE, "a page is a page");
}

int main(void)
{
	test_mmap();
	test_mprotect();
	test_madvise();
	test_mremap();
	test_brk();
	return tap_end();
}
