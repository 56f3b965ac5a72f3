// SPDX-License-Identifier: MIT
/*
 * One limit, told to each runtime in its own words.
 *
 * Model
 *
 *   Whoever has a heap of its own can keep it below a limit, if it is told: it collects then
 *   in place of asking for more, and what it says when that is not enough is its own error
 *   (OutOfMemoryError, a fatal error of that request), in place of the one that it ends by when
 *   the system refuses. Beside the heap is what the runtime itself needs, which is what the shares
 *   leave. They were found by filling heaps (Documentation/adapt.rst).
 *
 *   What the user has set stays. Variables that hold options get ours in front of the
 *   user's, where the last one counts, or between the user's, where each is another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "knobs.h"

#define MIB	((uint64_t)1 << 20)

/* MiB of a process's share: so many percent, less some. */
static uint64_t part(const struct ms_adapt *a, uint32_t percent, uint64_t less)
{
	uint64_t share = a->max / a->workers / MIB * percent / 100;

	return share > less ? share - less : 0;
}

static const char *get(const struct ms_adapt *a, const char *name)
{
	return a->get ? a->get(name, a->arg) : NULL;
}

static bool says(const char *own, const char *const *words)
{
	for (; own && *words; words++)
		if (strstr(own, *words))
			return true;
	return false;
}

/* Ours before the user's. Return: false: it does not fit. */
static bool before(char *text, size_t size, const char *ours, const char *between, const char *own)
{
	bool more = own && *own;

	return snprintf(text, size, "%s%s%s", ours, more ? between : "", more ? own : "") <
	       (int)size;
}

/* The launcher reads these two as well, and behind the first. */
static bool java_says(const struct ms_adapt *a, const char *own, const char *const *words)
{
	return says(own, words) || says(get(a, "JDK_JAVA_OPTIONS"), words) ||
	       says(get(a, "_JAVA_OPTIONS"), words);
}

static bool java(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	static const char *const heap[] = { "-Xmx", "-mx", "MaxHeapSize", "MaxRAM", NULL };
	static const char *const direct[] = { "MaxDirectMemorySize", NULL };
	uint64_t mib = part(a, 75, 40);
	char ours[128] = "";

	if (mib < 8)
		return false;
	if (!java_says(a, own, heap))
		snprintf(ours, sizeof(ours), "-Xmx%llum", (unsigned long long)mib);
	/* Else it may be as much again. */
	if (!java_says(a, own, direct))
		snprintf(ours + strlen(ours), sizeof(ours) - strlen(ours),
			 "%s-XX:MaxDirectMemorySize=%llum", *ours ? " " : "",
			 (unsigned long long)part(a, 10, 0));
	return *ours && before(text, size, ours, " ", own);
}

static bool node(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	static const char *const heap[] = { "max-old-space-size", "max_old_space_size",
					    "max-heap-size", "max_heap_size", NULL };
	uint64_t mib = part(a, 75, 24);
	char ours[64];

	if (mib < 16 || says(own, heap))
		return false;
	snprintf(ours, sizeof(ours), "--max-old-space-size=%llu", (unsigned long long)mib);
	return before(text, size, ours, " ", own);
}

/* A plain number that is the user's if there is one. */
static bool number(char *text, size_t size, const char *own, uint64_t value, const char *format)
{
	if ((own && *own) || !value)
		return false;
	snprintf(text, size, format, (unsigned long long)value);
	return true;
}

static bool go(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	return number(text, size, own, part(a, 90, 2), "%lluMiB");
}

static bool dotnet(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	return number(text, size, own, part(a, 75, 24) * MIB, "0x%llx");
}

/* Below what it would be anyway: collected before so much was taken by malloc. */
static bool ruby_young(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	uint64_t bytes = part(a, 10, 0) * MIB;

	return number(text, size, own, bytes < 32 * MIB ? bytes : 0, "%llu");
}

static bool ruby_old(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	uint64_t bytes = part(a, 20, 0) * MIB;

	return number(text, size, own, bytes < 128 * MIB ? bytes : 0, "%llu");
}

/*
 * PHP takes no setting from the environment, but puts variables into files of settings: the one
 * that is installed names MEMSTATE_PHP_MEMORY_LIMIT, and the path begins with the usual places.
 */
static bool php(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	return a->phpdir && number(text, size, own, part(a, 80, 8), "%lluM");
}

static bool php_path(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	if (!a->phpdir || !part(a, 80, 8) ||
	    says(own, (const char *const[]) { a->phpdir, NULL }))
		return false;
	/* Behind what is there, and behind the usual ones if nothing is. */
	return snprintf(text, size, "%s:%s", own ? own : "", a->phpdir) < (int)size;
}

static bool arenas(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	const char *tunables = get(a, "GLIBC_TUNABLES");

	if (tunables && strstr(tunables, "arena_max"))
		return false;
	return number(text, size, own, 2, "%llu");
}

static bool trim(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	const char *tunables = get(a, "GLIBC_TUNABLES");

	if (tunables && strstr(tunables, "trim_threshold"))
		return false;
	return number(text, size, own, MIB, "%llu");
}

static bool jemalloc(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	(void)a;
	if (says(own, (const char *const[]) { "decay_ms", NULL }))
		return false;
	return before(text, size, "dirty_decay_ms:1000,muzzy_decay_ms:0", ",", own);
}

static bool tcmalloc(const struct ms_adapt *a, const char *own, char *text, size_t size)
{
	return number(text, size, own, part(a, 95, 4), "%llu");
}

const struct ms_knob ms_knobs_all[] = {
	{ "JVM", "JAVA_TOOL_OPTIONS", java,
	  "heap 75 % less 40 MiB, buffers outside it 10 %: code, classes and threads need the rest",
	  false },
	{ "Node", "NODE_OPTIONS", node,
	  "old space 75 % less 24 MiB: the young space, the program itself and buffers need the rest",
	  false },
	{ "Go", "GOMEMLIMIT", go,
	  "90 % less 2 MiB of all that its runtime takes; it collects more often below that, and may pass it",
	  false },
	{ ".NET", "DOTNET_GCHeapHardLimit", dotnet,
	  "heap 75 % less 24 MiB, in hexadecimal as it is read", true },
	{ "Ruby", "RUBY_GC_MALLOC_LIMIT_MAX", ruby_young,
	  "collects when 10 % have been taken by malloc (else 32 MiB)", false },
	{ "Ruby", "RUBY_GC_OLDMALLOC_LIMIT_MAX", ruby_old,
	  "and everything when 20 % have been (else 128 MiB)", false },
	{ "PHP", "MEMSTATE_PHP_MEMORY_LIMIT", php,
	  "a request's memory 80 % less 8 MiB: what goes over it ends alone", false },
	{ "PHP", "PHP_INI_SCAN_DIR", php_path, "where that is read", false },
	{ "glibc", "MALLOC_ARENA_MAX", arenas,
	  "two arenas: what is free in one is of no use in another", false },
	{ "glibc", "MALLOC_TRIM_THRESHOLD_", trim,
	  "gives back from 1 MiB on, also after large blocks", false },
	{ "jemalloc", "MALLOC_CONF", jemalloc, "gives back after a second", false },
	{ "tcmalloc", "TCMALLOC_HEAP_LIMIT_MB", tcmalloc,
	  "heap 95 % less 4 MiB: it gives back near it, and returns NULL at it", false },
};

const size_t ms_knobs_nr = sizeof(ms_knobs_all) / sizeof(ms_knobs_all[0]);

/**
 * ms_knob_value() - what a variable is to be
 * @k:		the variable
 * @a:		what is shared out
 * @text:	where to put it
 * @size:	room there
 *
 * Context: any. Return: false: it stays as it is.
 */
bool ms_knob_value(const struct ms_knob *k, const struct ms_adapt *a, char *text, size_t size)
{
	return k->value(a, get(a, k->name), text, size);
}

/**
 * ms_workers_parse() - how many processes alike share a limit
 * @text:	what somebody has written
 * @workers:	where to put it
 *
 * Context: any. Return: false: it is no number from 1 to MS_WORKERS_MAX.
 */
bool ms_workers_parse(const char *text, uint32_t *workers)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || !value || value > MS_WORKERS_MAX)
		return false;
	*workers = (uint32_t)value;
	return true;
}
