// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Lines of the trace, taken apart. */
#include "record/record.h"
#include "tap.h"

static struct ms_trace_event e;
static int bad;

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# line %d: %s\n", __LINE__, #cond);	\
			bad++;						\
		}							\
	} while (0)

#define CHECK_EQ(a, b)	CHECK((long long)(a) == (long long)(b))

#define RUN(test)							\
	do {								\
		bad = 0;						\
		test();							\
		tap_ok(!bad, #test);					\
	} while (0)

static void takes_a_transition_apart(void)
{
	const char *line =
		"          python3-142     [001] d..1.    12.345678: memstate_transition: pid=142 "
		"addr=0x7fa6d465c000 bytes=16384 from=any to=prepared class=metadata flags=lazy|only error=0";

	CHECK(ms_trace_parse(line, &e));
	CHECK_EQ(e.kind, MS_TRACE_TRANSITION);
	CHECK(e.t > 12.3456779 && e.t < 12.3456781);
	CHECK_EQ(e.pid, 142);
	CHECK_EQ(e.addr, 0x7fa6d465c000);
	CHECK_EQ(e.bytes, 16384);
	CHECK_EQ(e.from, MEMSTATE_ANY);
	CHECK_EQ(e.to, MEMSTATE_PREPARED);
	CHECK_EQ(e.class_, MEMSTATE_METADATA);
	CHECK_EQ(e.flags, MEMSTATE_LAZY | MEMSTATE_ONLY);
	CHECK_EQ(e.error, 0);
}

static void takes_every_name_of_the_module(void)
{
	static const char *const names[] = { "none", "reserved", "prepared", "ready", "keep",
					     "keep_ro", "mapped", "any" };
	char line[256];

	for (unsigned int i = 0; i < 8; i++) {
		snprintf(line, sizeof(line),
			 "a-1 [000] ..... 1.5: memstate_transition: pid=1 addr=0x1000 bytes=4096 "
			 "from=%s to=%s class=user3 flags=keep_class error=-22\n", names[i], names[7 - i]);
		CHECK(ms_trace_parse(line, &e));
		CHECK_EQ(e.from, i);
		CHECK_EQ(e.to, 7 - i);
		CHECK_EQ(e.flags, MEMSTATE_KEEP_CLASS);
		CHECK_EQ(e.error, -22);
	}
}

static void takes_unmap_open_and_close_apart(void)
{
	CHECK(ms_trace_parse("a-1 [000] d..1. 7.000001: memstate_unmap: pid=9 addr=0x2000 bytes=8192",
			     &e));
	CHECK_EQ(e.kind, MS_TRACE_UNMAP);
	CHECK_EQ(e.addr, 0x2000);
	CHECK_EQ(e.bytes, 8192);
	CHECK(ms_trace_parse("a-1 [000] d..1. 7.000001: memstate_open: pid=9 group=1234", &e));
	CHECK_EQ(e.kind, MS_TRACE_OPEN);
	CHECK_EQ(e.value, 1234);
	CHECK(ms_trace_parse("a-1 [000] d..1. 7.000001: memstate_close: pid=9\n", &e));
	CHECK_EQ(e.kind, MS_TRACE_CLOSE);
	CHECK_EQ(e.pid, 9);
}

static void counts_what_was_lost(void)
{
	CHECK(ms_trace_parse("CPU:1 [LOST 4321 EVENTS]", &e));
	CHECK_EQ(e.kind, MS_TRACE_LOST);
	CHECK_EQ(e.value, 4321);
}

/* A name of a process has 15 letters at the most, and may be anything. */
static void names_of_processes_do_not_confuse(void)
{
	CHECK(ms_trace_parse(" 1: memstate_op-7 [000] d..1. 3.25: memstate_open: pid=7 group=5", &e));
	CHECK_EQ(e.kind, MS_TRACE_OPEN);
	CHECK_EQ(e.pid, 7);
	CHECK(e.t > 3.2 && e.t < 3.3);
	CHECK(ms_trace_parse(" CPU:0 [LOST 9 E-7 [000] d..1. 3.25: memstate_close: pid=7", &e));
	CHECK_EQ(e.kind, MS_TRACE_CLOSE);
}

static void passes_over_what_is_not_ours_or_not_whole(void)
{
	CHECK(!ms_trace_parse("", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: sched_switch: pid=1", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: memstate_deny: pid=1 group=2 bytes=4096 breach=0", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: memstate_open: pid=1 group=", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: memstate_open: pid=x group=3", &e));
	CHECK(!ms_trace_parse("memstate_open: pid=1 group=3", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: memstate_transition: pid=1 addr=0x1000 bytes=4096 "
			      "from=any to=ready class=heap flags=lazy|wrong error=0", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: memstate_transition: pid=1 addr=0x1000 bytes=4096 "
			      "from=some to=ready class=heap flags= error=0", &e));
	CHECK(!ms_trace_parse("a-1 [000] ..... 1.5: memstate_transition: pid=1 addr=0x1000 bytes=4096 "
			      "from=any to=ready class=heap flags=", &e));
}

int main(void)
{
	RUN(takes_a_transition_apart);
	RUN(takes_every_name_of_the_module);
	RUN(takes_unmap_open_and_close_apart);
	RUN(counts_what_was_lost);
	RUN(names_of_processes_do_not_confuse);
	RUN(passes_over_what_is_not_ours_or_not_whole);
	return tap_end();
}
