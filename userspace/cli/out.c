// SPDX-License-Identifier: MIT
/* Messages, and words for figures: the same for all commands. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"
#include "internal.h"

/**
 * ms_vsay() - a line on standard error, whatever is in the names that it quotes
 * @format:	as printf, without "memstate: " and newline
 * @args:	likewise
 */
void ms_vsay(const char *format, va_list args)
{
	char *line;

	if (vasprintf(&line, format, args) < 0)
		return;
	ms_name_clean(line);
	fprintf(stderr, "memstate: %s\n", line);
	free(line);
}

/**
 * ms_err() - tell why something did not work
 * @format: as printf, without "memstate: " and newline
 */
void ms_err(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ms_vsay(format, args);
	va_end(args);
}

/**
 * ms_print_end() - see that what was printed is out
 *
 * Return: the exit status, after a message where it is not 0.
 */
int ms_print_end(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	ms_err("standard output: cannot be written");
	return 1;
}

/**
 * ms_error_text() - what an error means
 * @error: errno
 *
 * Return: a text, until the next call: strerror()'s, and what to do where there is no descriptor
 * left.
 */
const char *ms_error_text(int error)
{
	static char text[128];
	struct rlimit limit;

	if (error == ENFILE) {
		snprintf(text, sizeof(text), "%s: sysctl fs.file-max, for root, allows more",
			 strerror(error));
		return text;
	}
	if (error != EMFILE || getrlimit(RLIMIT_NOFILE, &limit))
		return strerror(error);
	if (limit.rlim_cur == limit.rlim_max)
		snprintf(text, sizeof(text), "%s: %llu is all that may be, until root raises ulimit -n",
			 strerror(error), (unsigned long long)limit.rlim_cur);
	else
		snprintf(text, sizeof(text), "%s: ulimit -n is %llu, and may be up to %llu",
			 strerror(error), (unsigned long long)limit.rlim_cur,
			 (unsigned long long)limit.rlim_max);
	return text;
}

/**
 * ms_usage_error() - tell what is wrong with the command line
 * @command:	name of the command
 * @format:	as printf
 *
 * Return: the exit status.
 */
int ms_usage_error(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ms_vsay(format, args);
	va_end(args);
	fprintf(stderr, "try: memstate %s --help\n", command);
	return EXIT_USAGE;
}

/**
 * ms_option_error() - an option that getopt_long() did not take
 * @command:	name of the command
 * @c:		what it returned: ':' or '?'
 * @argv:	the command line
 *
 * Return: the exit status.
 */
int ms_option_error(const char *command, int c, char **argv)
{
	return ms_usage_error(command, c == ':' ? "option '%s' needs a value" :
						  "unknown option '%s'",
			      argv[optind - 1]);
}

/**
 * ms_alloc_heap() - Ready memory that allocators which count have, of several processes
 * @a: their counters
 *
 * Return: bytes.
 */
uint64_t ms_alloc_heap(const struct memstate_alloc *a)
{
	return a->counters[MEMSTATE_SLAB_BYTES] + a->counters[MEMSTATE_IDLE_BYTES];
}

/**
 * ms_print_alloc() - what heaps consist of, in a line, if anybody counts
 * @indent:	columns before it
 * @heap:	Ready bytes of the heap
 * @a:		the counters
 */
void ms_print_alloc(int indent, uint64_t heap, const struct memstate_alloc *a)
{
	struct ms_alloc_parts parts;

	if (!a->nr_shards)
		return;
	ms_alloc_parts(a, heap, &parts);
	printf("%*s heap: data %s, fragOverhead %s, idle %s\n", indent, "", ms_size(parts.data),
	       ms_size(parts.frag), ms_size(parts.idle));
}

/**
 * ms_size() - a size for a table
 * @bytes: the size
 *
 * Return: a text that stays valid for the next fifteen calls.
 */
const char *ms_size(uint64_t bytes)
{
	static char ring[16][MEMSTATE_BYTES_MAX];
	static unsigned int next;

	return memstate_format_bytes(ring[next++ % 16], MEMSTATE_BYTES_MAX, bytes);
}

/* By enum memstate_event, and by MEMSTATE_PRESSURE_*: as files, recordings and series have them. */
const char *const ms_event_names[MEMSTATE_NR_EVENTS] = { "high", "max", "denied", "breach",
							 "drift" };
const char *const ms_pressure_names[MS_NR_PRESSURES] = { "none", "high", "max" };

/**
 * ms_pressure_name() - a pressure's name
 * @pressure: MEMSTATE_PRESSURE_*
 *
 * Return: the name.
 */
const char *ms_pressure_name(uint32_t pressure)
{
	return pressure <= MEMSTATE_PRESSURE_MAX ? ms_pressure_names[pressure] : "?";
}
