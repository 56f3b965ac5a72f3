// SPDX-License-Identifier: MIT
/* Messages, options, JSON: the same for all commands. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"
#include "counters.h"
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
 * ms_pid_arg() - a process id from the command line
 * @command:	name of the command
 * @text:	the argument
 *
 * Return: the id, or -1 after a message.
 */
pid_t ms_pid_arg(const char *command, const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || end == text || pid < 1 || pid > INT32_MAX) {
		ms_usage_error(command, "'%s' is not a process id", text);
		return -1;
	}
	return (pid_t)pid;
}

/**
 * ms_one_pid() - the command line of a command that takes a process id
 * @command:	its name
 * @help:	what --help prints
 * @argc:	as main has it
 * @argv:	likewise
 * @json:	--json was given
 * @status:	the exit status if there is nothing more to do
 *
 * Return: the id, or -1.
 */
pid_t ms_one_pid(const char *command, const char *help, int argc, char **argv,
		 bool *json, int *status)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	int c;

	*status = EXIT_USAGE;
	*json = false;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:jh", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			*json = true;
			break;
		case 'h':
			fputs(help, stdout);
			*status = 0;
			return -1;
		default:
			ms_option_error(command, c, argv);
			return -1;
		}
	}
	if (optind + 1 != argc) {
		ms_usage_error(command, "one process id is needed");
		return -1;
	}
	return ms_pid_arg(command, argv[optind]);
}

/* json-c leaves alone what is above 0x7e. */
static int put_json(struct json_object *o, struct printbuf *out, int level, int flags)
{
	const char *p = json_object_get_string(o);

	(void)level;
	(void)flags;
	printbuf_strappend(out, "\"");
	while (*p) {
		size_t n = ms_utf8_length(p);
		unsigned int c = n ? ms_utf8_char(p, n) : 0xfffd;

		if (c > 0xffff && ms_is_control(c))
			sprintbuf(out, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
				  0xdc00 + ((c - 0x10000) & 0x3ff));
		else if (!n || ms_is_control(c))
			sprintbuf(out, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			sprintbuf(out, "\\%c", c);
		else
			printbuf_memappend(out, p, (int)n);
		p += n ? n : 1;
	}
	printbuf_strappend(out, "\"");
	return 0;
}

/**
 * ms_json_text() - a name as a string of a JSON document
 * @text: of any bytes; what is not UTF-8 becomes U+FFFD, controls are escaped
 *
 * Return: the string.
 */
struct json_object *ms_json_text(const char *text)
{
	struct json_object *o = json_object_new_string(text);

	json_object_set_serializer(o, put_json, NULL, NULL);
	return o;
}

/**
 * ms_size_words() - a size on the command line that may be in two words, as it is printed
 * @text:	the option's value
 * @argv:	the command line, as getopt_long() goes through it: the other word is passed
 *
 * Return: @text; or both words as one, for the rest of the run.
 */
const char *ms_size_words(const char *text, char **argv)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char *both;

	if (!argv[optind] || strspn(text, "0123456789.") != strlen(text))
		return text;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(argv[optind], units[i]) &&
		    asprintf(&both, "%s %s", text, units[i]) > 0) {
			optind++;
			return both;
		}
	return text;
}

struct json_object *ms_json_u64(uint64_t value)
{
	return json_object_new_uint64(value);
}

void ms_json_add(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, ms_json_u64(value));
}

#define COUNTER(name, ...)	{ #name, offsetof(struct memstate_totals, name) },

/* The counters of totals, as their files are called; the last has no name. */
const struct ms_counter ms_counters[] = { MS_TOTALS_COUNTERS(COUNTER) {} };

/**
 * ms_json_totals() - totals as members of an object
 * @o:	the object
 * @t:	the totals
 */
void ms_json_totals(struct json_object *o, const struct memstate_totals *t)
{
	struct json_object *classes = json_object_new_object();

	ms_json_add(o, "reserved", ms_totals_state(t, MEMSTATE_RESERVED));
	ms_json_add(o, "reserved_lazy", t->reserved_lazy);
	ms_json_add(o, "prepared", ms_totals_state(t, MEMSTATE_PREPARED));
	ms_json_add(o, "prepared_lazy", t->prepared_lazy);
	ms_json_add(o, "ready", ms_totals_state(t, MEMSTATE_READY));
	for (const struct ms_counter *c = ms_counters; c->name; c++)
		ms_json_add(o, c->name, *(const u64 *)((const char *)t + c->offset));
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++) {
		struct json_object *class_ = json_object_new_object();

		for (uint32_t s = MEMSTATE_RESERVED; s <= MEMSTATE_READY; s++)
			ms_json_add(class_, ms_state_names[s], t->bytes[s - 1][c]);
		json_object_object_add(classes, ms_class_names[c], class_);
	}
	json_object_object_add(o, "classes", classes);
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
 * ms_json_alloc() - what allocators count, and what follows from it
 * @o:		the object it goes to, as "alloc", if anybody counts
 * @heap:	Ready bytes of the heap
 * @a:		the counters
 */
void ms_json_alloc(struct json_object *o, uint64_t heap, const struct memstate_alloc *a)
{
	struct json_object *alloc;
	struct ms_alloc_parts parts;

	if (!a->nr_shards)
		return;
	alloc = json_object_new_object();
	ms_alloc_parts(a, heap, &parts);
	ms_json_add(alloc, "data_bytes", parts.data);
	ms_json_add(alloc, "frag_overhead_bytes", parts.frag);
	ms_json_add(alloc, "idle_bytes", parts.idle);
	ms_json_add(alloc, "slab_bytes", a->counters[MEMSTATE_SLAB_BYTES]);
	ms_json_add(alloc, "allocated_bytes", a->counters[MEMSTATE_ALLOC_BYTES]);
	ms_json_add(alloc, "allocated_count", a->counters[MEMSTATE_ALLOC_COUNT]);
	ms_json_add(alloc, "freed_bytes", a->counters[MEMSTATE_FREE_BYTES]);
	ms_json_add(alloc, "freed_count", a->counters[MEMSTATE_FREE_COUNT]);
	json_object_object_add(o, "alloc", alloc);
}

/**
 * ms_json_print() - print a document and forget it
 * @o: the document
 *
 * Return: the exit status.
 */
int ms_json_print(struct json_object *o)
{
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	json_object_put(o);
	if (fflush(stdout)) {
		ms_err("standard output: cannot be written");
		return 1;
	}
	return 0;
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
