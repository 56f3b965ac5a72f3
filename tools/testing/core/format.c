// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Figures for people: exact texts, and no more than the room that was given. */

#include <errno.h>
#include <string.h>

#include <memstate.h>

#include "tap.h"

static int live_is(const struct memstate_totals *t, const struct memstate_alloc *a,
		   const char *want)
{
	char line[MEMSTATE_LINE_MAX], full[MEMSTATE_LINE_MAX + 64];

	memstate_format_live(line, sizeof(line), t, a);
	printf("# %s\n", line);
	snprintf(full, sizeof(full), "Ready+Prepared=3.00 MiB (Ready=2.00 MiB%s ; "
		 "Prepared=1.00 MiB) ; Reserved=1.00 GiB", want);
	return !strcmp(line, full);
}

/* Of the heap there is 1 MiB Ready. */
static void test_live(const struct memstate_totals *t)
{
	struct memstate_alloc a = { .nr_shards = 1 };
	struct memstate_totals most;
	char line[MEMSTATE_LINE_MAX];

	a.counters[MEMSTATE_ALLOC_BYTES] = 900 << 10;
	a.counters[MEMSTATE_FREE_BYTES] = 200 << 10;
	a.counters[MEMSTATE_IDLE_BYTES] = 300 << 10;
	tap_ok(live_is(t, &a, " (data:700 KiB + fragOverhead:24.0 KiB + idle:300 KiB)"),
	       "format_live_says_what_the_heap_is_used_for");
	a.counters[MEMSTATE_IDLE_BYTES] = 325 << 10;
	tap_ok(live_is(t, &a, " (data:700 KiB + fragOverhead:0 B + idle:325 KiB)"),
	       "format_live_overhead_is_never_below_zero");
	a.counters[MEMSTATE_FREE_BYTES] = 901 << 10;
	a.counters[MEMSTATE_IDLE_BYTES] = -(uint64_t)4096;
	tap_ok(live_is(t, &a, " (data:0 B + fragOverhead:1.00 MiB + idle:0 B)"),
	       "format_live_data_and_idle_are_never_below_zero");
	a.counters[MEMSTATE_ALLOC_BYTES] = 3 << 20;
	tap_ok(live_is(t, &a, " (data:2.12 MiB + fragOverhead:0 B + idle:0 B)"),
	       "format_live_more_data_than_there_is_leaves_no_overhead");
	a.nr_shards = 0;
	tap_ok(live_is(t, &a, "") && live_is(t, NULL, ""),
	       "format_live_without_shards_is_the_short_form");
	memset(&most, 0xff, sizeof(most));
	memset(&a, 0x3f, sizeof(a));
	memstate_format_live(line, sizeof(line), &most, &a);
	tap_ok(strlen(line) < MEMSTATE_LINE_MAX - 1 && strstr(line, "Reserved="),
	       "format_live_fits_the_room_it_names");
}

/* As memory.max has them, as they are printed, and what is neither. */
static void test_parse(void)
{
	static const struct {
		const char *text;
		int ret;
		unsigned long long bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "max", 0, MEMSTATE_UNLIMITED },
		{ "512M", 0, 512ULL << 20 },
		{ "512m", 0, 512ULL << 20 },
		{ "20MiB", 0, 20 << 20 },
		{ "20 MiB", 0, 20 << 20 },
		{ "1.5G", 0, 3ULL << 29 },
		{ "1.11 GiB", 0, 1191853424 },
		{ "0.001 KiB", 0, 1 },
		{ "0.50000000000000000000000000 KiB", 0, 512 },
		{ "1023 B", 0, 1023 },
		{ "7b", 0, 7 },
		{ "1P", 0, 1ULL << 50 },
		{ "15.9 EiB", 0, 18331451923248866918ULL },
		{ "18446744073709551615", 0, ~0ULL },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "16E", -ERANGE, 0 },
		{ "16384P", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "1.5 B", -EINVAL, 0 },
		{ "1.G", -EINVAL, 0 },
		{ "1.2.3G", -EINVAL, 0 },
		{ "1MB", -EINVAL, 0 },
		{ "1Mi", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1 M", -EINVAL, 0 },
		{ "1  MiB", -EINVAL, 0 },
		{ "1MM", -EINVAL, 0 },
		{ "max ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
	};
	uint64_t bytes;
	int ret;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bytes = 12345;
		ret = memstate_parse_bytes(cases[i].text, &bytes);
		tap_ok(ret == cases[i].ret && bytes == (ret ? 12345 : cases[i].bytes),
		       "parse '%s' (%d, %llu)", cases[i].text, ret, (unsigned long long)bytes);
	}
}

int main(void)
{
	static const struct {
		unsigned long long bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" },
		{ 10239, "10.0 KiB" },
		{ 10240, "10.0 KiB" },
		{ 102399, "100 KiB" },
		{ 102400, "100 KiB" },
		{ 1048575, "1.00 MiB" },
		{ 1ULL << 30, "1.00 GiB" },
		{ 5ULL << 40, "5.00 TiB" },
		{ ~0ULL, "16.0 EiB" },
	};
	char buf[MEMSTATE_BYTES_MAX], line[MEMSTATE_LINE_MAX], small[8];
	struct memstate_totals t = {};

	test_parse();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memstate_format_bytes(buf, sizeof(buf), cases[i].bytes);
		tap_ok(!strcmp(buf, cases[i].text), "format_%llu_is_%s (%s)",
		       cases[i].bytes, cases[i].text, buf);
	}
	t.bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP] = 1 << 20;
	t.bytes[MEMSTATE_READY - 1][MEMSTATE_USER3] = 1 << 20;
	t.bytes[MEMSTATE_PREPARED - 1][MEMSTATE_STACK] = 1 << 20;
	t.bytes[MEMSTATE_RESERVED - 1][MEMSTATE_CODE] = 1 << 30;
	memstate_format_line(line, sizeof(line), &t);
	printf("# %s\n", line);
	tap_ok(!strcmp(line, "Ready+Prepared=3.00 MiB (Ready=2.00 MiB ; "
			     "Prepared=1.00 MiB) ; Reserved=1.00 GiB"),
	       "format_line_sums_the_classes");
	test_live(&t);
	memset(&t, 0xff, sizeof(t));
	memstate_format_line(line, sizeof(line), &t);
	tap_ok(strlen(line) < MEMSTATE_LINE_MAX - 1 && strstr(line, "Reserved="),
	       "format_line_fits_the_room_it_names");
	memset(small, 'x', sizeof(small));
	memstate_format_bytes(small, 4, 1 << 20);
	tap_ok(!memcmp(small, "1.0\0xxxx", 8), "format_stays_in_its_room");
	tap_ok(!strcmp(memstate_state_name(MEMSTATE_PREPARED), "prepared") &&
		       !strcmp(memstate_state_name(4), "?") &&
		       !strcmp(memstate_class_name(MEMSTATE_USER3), "user3") &&
		       !strcmp(memstate_class_name(8), "?"),
	       "names_are_known_and_others_are_not");
	return tap_end();
}
