// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include <memstate.h>

#include "knobs.h"
#include "say.h"

/* Late enough that big runs are used again; early enough for who watches. */
#define DECAY_MS	500

struct ms_knobs ms_knobs = {
	.accounting = true,
	.decay_ms = DECAY_MS,
};

static void bad(const char *name, const char *text, const char *wanted)
{
	const char *const parts[] = { "memstate-malloc: ", name, "=", text, ": not ", wanted,
				      "; ignored", NULL };

	ms_say(parts);
}

/**
 * ms_knobs_flag() - what a setting says that is on or off
 * @name:	its name
 * @text:	what it is set to, or NULL
 * @flag:	where to put it, if it is set
 *
 * Context: any. What is wrong is said, and ignored.
 */
void ms_knobs_flag(const char *name, const char *text, bool *flag)
{
	if (!text || !*text)
		return;
	if (strcmp(text, "0") && strcmp(text, "1"))
		bad(name, text, "0 or 1");
	else
		*flag = *text == '1';
}

static void read_flag(const char *name, bool *flag)
{
	ms_knobs_flag(name, getenv(name), flag);
}

/* A thread that drops memory may look at it meanwhile. */
static void read_ms(const char *name, int64_t *ms)
{
	const char *text = getenv(name), *p;
	int64_t value = 0;

	if (!text || !*text)
		return;
	if (!strcmp(text, "-1")) {
		__atomic_store_n(ms, -1, __ATOMIC_RELAXED);
		return;
	}
	for (p = text; *p >= '0' && *p <= '9' && value < 100000000; p++)
		value = value * 10 + (*p - '0');
	if (*p)
		bad(name, text, "a number of milliseconds, or -1");
	else
		__atomic_store_n(ms, value, __ATOMIC_RELAXED);
}

static void read_bytes(const char *name, size_t *bytes)
{
	const char *text = getenv(name);
	uint64_t value;

	if (!text || !*text)
		return;
	if (memstate_parse_bytes(text, &value) || value == MEMSTATE_UNLIMITED ||
	    (value && value < MS_RESERVE_MIN))
		bad(name, text, "a size of 16M or more (as 64G)");
	else
		*bytes = (size_t)value;
}

static void read_stats(const char *name, enum ms_stats_at_exit *stats)
{
	const char *text = getenv(name);

	if (!text || !*text || !strcmp(text, "0"))
		return;
	if (!strcmp(text, "text") || !strcmp(text, "1"))
		*stats = MS_STATS_TEXT;
	else if (!strcmp(text, "json"))
		*stats = MS_STATS_JSON;
	else
		bad(name, text, "text or json");
}

/**
 * ms_knobs_read() - from the environment
 *
 * Context: once, before anything else. What is wrong is said, and ignored.
 */
void ms_knobs_read(void)
{
	read_flag("MEMSTATE_MALLOC_ACCOUNTING", &ms_knobs.accounting);
	read_flag("MEMSTATE_MALLOC_HUGE", &ms_knobs.huge);
	read_ms("MEMSTATE_MALLOC_DECAY_MS", &ms_knobs.decay_ms);
	read_bytes("MEMSTATE_MALLOC_RESERVE", &ms_knobs.reserve);
	read_stats("MEMSTATE_MALLOC_STATS", &ms_knobs.stats);
	ms_knobs.batch = getenv("MEMSTATE_BATCH");
}
