// SPDX-License-Identifier: MIT
/* What the library is in this process, and in this thread; what all of its files may use. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

/* Sleeping, at first shortly. */
#define SHORT_NAPS	16
#define SHORT_NAP_NS	1000
#define NAP_NS		100000

struct ms_lib ms_lib;

/* In a page of its own that is zero in a child. */
struct ms_state *ms_lib_state;

/* For who has none. */
const u32 ms_no_doorbell;

__thread bool ms_forking __attribute__((tls_model("initial-exec")));
__thread unsigned int ms_posting __attribute__((tls_model("initial-exec")));

void ms_warn(const char *cond, const char *file, int line)
{
	char text[256];
	size_t n = 0;
	const char *parts[] = { "memstate: ", file, ": ", cond, "\n" };

	(void)line;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *p = parts[i]; *p && n < sizeof(text); p++)
			text[n++] = *p;
	ms_raw3(SYS_write, 2, text, n);
	abort();
}

/**
 * ms_env() - a variable of the environment, also where libc has not been set up
 * @name: its name
 *
 * An allocator that is preloaded, or a sanitizer, maps memory before libc knows the environment; it
 * lies on the stack then, behind the arguments.
 *
 * Context: any. Return: its value, or NULL.
 */
const char *ms_env(const char *name)
{
	extern void *__libc_stack_end __attribute__((weak));
	char **env = environ;
	const long *start;

	if (!env && &__libc_stack_end && __libc_stack_end) {
		start = __libc_stack_end;
		env = (char **)(start + 1 + *start + 1);
	}
	for (; env && *env; env++) {
		const char *text = *env, *p = name;

		for (; *p && *text == *p; p++)
			text++;
		if (!*p && *text == '=')
			return text + 1;
	}
	return NULL;
}

/**
 * ms_signals_block() - keep signal handlers out
 * @saved: what to give to ms_signals_restore()
 *
 * A handler that reports must not find its own thread in the middle of a drain.
 *
 * Context: any.
 */
void ms_signals_block(uint64_t *saved)
{
	uint64_t all = ~UINT64_C(0);

	ms_raw4(SYS_rt_sigprocmask, SIG_BLOCK, &all, saved, sizeof(all));
}

/**
 * ms_signals_restore() - let them in again
 * @saved: from ms_signals_block()
 *
 * Context: any.
 */
void ms_signals_restore(const uint64_t *saved)
{
	ms_raw4(SYS_rt_sigprocmask, SIG_SETMASK, saved, NULL, sizeof(*saved));
}

/**
 * ms_post_wait() - give way to whoever is between claim and publish
 * @tries: how often that has been done before
 *
 * Giving the processor away would not do: a real-time thread would give it to itself.
 *
 * Context: any; sleeps.
 */
void ms_post_wait(int tries)
{
	struct timespec nap = { .tv_nsec = tries < SHORT_NAPS ? SHORT_NAP_NS : NAP_NS };

	ms_raw2(SYS_nanosleep, &nap, NULL);
}
