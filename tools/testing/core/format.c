// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Figures for people: exact texts, and no more than the room that was given. */

#include <string.h>

#include <memstate.h>

#include "tap.h"

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
