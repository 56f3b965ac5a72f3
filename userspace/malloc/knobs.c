// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include <memstate.h>

#include "background.h"
#include "heap.h"
#include "knobs.h"
#include "raw.h"

/* Late enough that big runs are used again; early enough for who watches. */
#define DECAY_MS	500

struct ms_knobs ms_knobs = {
	.accounting = true,
	.huge = true,
	.decay_ms = DECAY_MS,
};

static void say(const char *const *parts)
{
	char text[256];
	size_t n = 0;

	for (; *parts; parts++)
		for (const char *p = *parts; *p && n < sizeof(text) - 1; p++)
			text[n++] = *p;
	text[n++] = '\n';
	ms_raw3(SYS_write, 2, text, n);
}

static void hex(char *to, uintptr_t value)
{
	int n = 0;

	*to++ = '0';
	*to++ = 'x';
	while (n < 15 && !(value >> (60 - 4 * n)))
		n++;
	for (; n < 16; n++)
		*to++ = "0123456789abcdef"[value >> (60 - 4 * n) & 15];
	*to = '\0';
}

/**
 * ms_malloc_die() - end the process over something that cannot be gone on with
 * @what:	what was found
 * @p:		where
 *
 * Context: any. Nothing is allocated.
 */
void ms_malloc_die(const char *what, const void *p)
{
	char where[24];

	hex(where, (uintptr_t)p);
	say((const char *const[]){ "memstate-malloc: ", what, ": ", where, NULL });
	abort();
}

/**
 * ms_malloc_say() - tell the user of something that can be gone on with
 * @what:	what it is
 * @more:	more of it, or NULL
 *
 * Context: any. Nothing is allocated.
 */
void ms_malloc_say(const char *what, const char *more)
{
	say((const char *const[]){ "memstate-malloc: ", what, more, NULL });
}

static void bad(const char *name, const char *text, const char *wanted)
{
	const char *const parts[] = { "memstate-malloc: ", name, "=", text, ": not ", wanted,
				      "; ignored", NULL };

	say(parts);
}

static void parse_flag(const char *name, const char *text, bool *flag)
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
	parse_flag(name, getenv(name), flag);
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

/**
 * ms_knobs_start() - begin what settings ask for
 * @env: the environment
 *
 * Context: a constructor.
 */
void ms_knobs_start(char *const *env)
{
	static const char name[] = "MEMSTATE_MALLOC_BACKGROUND";
	bool on = false;

	for (; env && *env; env++)
		if (!strncmp(*env, name, sizeof(name) - 1) && (*env)[sizeof(name) - 1] == '=')
			parse_flag(name, *env + sizeof(name), &on);
	if (on && ms_background_set(true))
		ms_malloc_say(name, ": there can be no thread");
}
