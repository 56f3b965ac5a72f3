// SPDX-License-Identifier: MIT
/*
 * Stepping aside for a sanitizer.
 *
 * AddressSanitizer and its like have heaps of their own, and count on malloc being theirs. Where
 * their runtime is a shared library a preloaded allocator comes before it, and the program dies in
 * the runtime's first lines. So the first thing that is done in such a program is to execute it
 * again, without this library in LD_PRELOAD. It is the first thing of all (-z initfirst), so that
 * nothing has happened yet that it would do twice.
 *
 * Where it is linked into the program its malloc comes before ours, and all is well: it is only
 * told, as somebody has asked for ours. A runtime that is linked in wholly shows nothing but its
 * malloc, as any other allocator does.
 *
 * Functions of libc are not called: many are the sanitizer's, which has not begun. Nor may the
 * compiler make one of a loop, hence the volatile.
 */
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>

#include "internal.h"
#include "names.h"

#ifndef MS_MALLOC_PREFIX

/* Of each sanitizer with a heap of its own a function that its runtime begins with. */
#define RUNTIME(name)	extern void name(void) __attribute__((weak))
RUNTIME(__asan_init);
RUNTIME(__hwasan_init);
RUNTIME(__lsan_init);
RUNTIME(__msan_init);
RUNTIME(__tsan_init);

static const char *sanitizer(void)
{
	return __asan_init ? "AddressSanitizer" : __hwasan_init ? "HWAddressSanitizer" :
	       __tsan_init ? "ThreadSanitizer" : __msan_init ? "MemorySanitizer" :
	       __lsan_init ? "LeakSanitizer" : NULL;
}

static bool is_ours(const char *entry)
{
	extern const char __ehdr_start[] MS_HIDDEN, _end[] MS_HIDDEN;

	return entry >= __ehdr_start && entry < _end;
}

typedef volatile char letter;

/* Bytes of @prefix, if a text begins with it, or 0. */
static size_t begins(const letter *text, const letter *prefix)
{
	size_t n = 0;

	for (; prefix[n]; n++)
		if (text[n] != prefix[n])
			return 0;
	return n;
}

/* Value of a variable, or NULL. @name: with the = behind it. */
static letter *variable(char **env, const letter *name)
{
	for (; *env; env++)
		if (begins(*env, name))
			return *env + begins(*env, name);
	return NULL;
}

static bool is_between(char c)
{
	return c == ':' || c == ' ';
}

/* Take us out of a list of libraries, in place. False: we are not in it. */
static bool take_out(letter *list)
{
	letter *from = list, *to = list, *base, *end;
	bool found = false;

	while (*from) {
		for (base = end = from; *end && !is_between(*end); end++)
			if (*end == '/')
				base = end + 1;
		if (begins(base, "libmemstate-malloc")) {
			found = true;
			from = end;
		} else if (end > from && to > list) {
			*to++ = ':';
		}
		while (from < end)
			*to++ = *from++;
		while (is_between(*from))
			from++;
	}
	*to = '\0';
	return found;
}

/* Are we in it? */
static bool is_in(const letter *list)
{
	for (const letter *p = list; *p; p++)
		if ((p == list || is_between(p[-1]) || p[-1] == '/') &&
		    begins(p, "libmemstate-malloc"))
			return true;
	return false;
}

static void say(const letter *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	ms_raw3(SYS_write, 2, text, n);
}

static void say_kept(char **env, const char *name)
{
	if (variable(env, "MEMSTATE_QUIET="))
		return;
	if (!name) {
		say("memstate: a program has a malloc of its own, and keeps it: libmemstate-malloc does nothing in it\n");
		return;
	}
	say("memstate: a program with ");
	say(name);
	say(" keeps its own malloc: its heap is not accounted\n");
}

/* glibc gives a constructor what it gives main(). */
__attribute__((constructor(101))) static void step_aside(int argc, char **argv, char **env)
{
	const char *name = sanitizer();
	char path[PATH_MAX];
	letter *preload;
	long n;

	(void)argc;
	preload = variable(env, "LD_PRELOAD=");
	if (!preload)
		return;
	if (!is_ours((const char *)malloc)) {
		/* One alone may be where a program that is not relocated calls ours. */
		if (!is_ours((const char *)malloc_usable_size) && is_in(preload))
			say_kept(env, name);
		return;
	}
	if (!name || !take_out(preload))
		return;
	say_kept(env, name);
	/* By its own name, which it is called by then. */
	n = ms_raw4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path,
		    sizeof(path) - 1);
	if (n > 0) {
		path[n] = '\0';
		ms_raw3(SYS_execve, path, argv, env);
	}
	ms_raw3(SYS_execve, "/proc/self/exe", argv, env);
	say("memstate: it cannot be executed without libmemstate-malloc: leave that out (--malloc)\n");
	ms_raw1(SYS_exit_group, 126);
}

#endif /* MS_MALLOC_PREFIX */
