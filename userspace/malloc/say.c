// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "raw.h"
#include "say.h"

/**
 * ms_say() - a line on standard error
 * @parts: what it is made of, and a NULL
 *
 * Context: any. Nothing is allocated.
 */
void ms_say(const char *const *parts)
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
	ms_say((const char *const[]){ "memstate-malloc: ", what, ": ", where, NULL });
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
	ms_say((const char *const[]){ "memstate-malloc: ", what, more, NULL });
}
