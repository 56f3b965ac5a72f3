// SPDX-License-Identifier: MIT
/*
 * A recording that is being written: whole lines, with a bound on their bytes. What is
 * compressed is brought to a point from which it can be read about once a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "cli.h"
#include "record.h"
#include "rules.h"

/* Kept free for the last line. */
#define END_BYTES	1024

#define SYNC_SECONDS	1

const char *const ms_event_names[MEMSTATE_NR_EVENTS] = { "high", "max", "denied", "breach",
							 "drift" };

/**
 * struct ms_record_file - a recording
 * @path:	its file
 * @fd:		the file, as it was, until there is a first line; then -1
 * @created:	there was none of that name
 * @plain:	where lines go, or NULL
 * @zipped:	likewise
 * @max_bytes:	what it may grow to
 * @bytes:	of a plain one: written; of a compressed one: as of the last sync, and what
 *		has been added since, not yet compressed
 * @synced:	when, of the monotonic clock
 */
struct ms_record_file {
	char *path;
	int fd;
	bool created;
	FILE *plain;
	gzFile zipped;
	uint64_t max_bytes;
	uint64_t bytes;
	time_t synced;
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec;
}

/**
 * ms_record_create() - open a recording's file
 * @path:	its file; compressed if it ends in .gz
 * @max_bytes:	what it may grow to
 *
 * What is in the file stays until the first line is added.
 *
 * Return: the recording, or NULL after a message.
 */
struct ms_record_file *ms_record_create(const char *path, uint64_t max_bytes)
{
	struct ms_record_file *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->path = strdup(path);
	if (!f->path)
		abort();
	f->max_bytes = max_bytes;
	f->synced = now();
	f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	f->created = f->fd >= 0;
	if (f->fd < 0 && errno == EEXIST)
		f->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (f->fd >= 0)
		return f;
	ms_err("%s: %s", path, ms_error_text(errno));
	free(f->path);
	free(f);
	return NULL;
}

/* Before the first line. */
static int begin(struct ms_record_file *f)
{
	/* A pipe, or a device, has no length. */
	if (ftruncate(f->fd, 0) && errno != EINVAL)
		return -errno;
	errno = 0;
	if (ends_with(f->path, ".gz"))
		f->zipped = gzdopen(f->fd, "wb6");
	else
		f->plain = fdopen(f->fd, "w");
	if (!f->zipped && !f->plain)
		return errno ? -errno : -ENOMEM;
	f->fd = -1;
	return 0;
}

static int zip_sync(struct ms_record_file *f, int how)
{
	if (gzflush(f->zipped, how) != Z_OK)
		return errno ? -errno : -EIO;
	f->bytes = (uint64_t)gzoffset(f->zipped);
	f->synced = now();
	return 0;
}

static int put(struct ms_record_file *f, const char *line, size_t n, uint64_t spare)
{
	uint64_t max = f->max_bytes - spare;
	int ret = f->fd < 0 ? 0 : begin(f);

	if (ret)
		return ret;
	errno = 0;
	/* Not compressed it would pass the bound: how much is it really? */
	if (f->zipped && f->bytes + n > max && zip_sync(f, Z_SYNC_FLUSH))
		return -EIO;
	if (f->bytes + n > max)
		return -EFBIG;
	f->bytes += n;
	if (f->plain)
		return fwrite(line, 1, n, f->plain) == n ? 0 : -errno;
	return gzwrite(f->zipped, line, (unsigned int)n) == (int)n ? 0 :
								    errno ? -errno : -EIO;
}

/**
 * ms_record_add() - add a line
 * @f:	the recording
 * @o:	the object, forgotten afterwards
 *
 * Return: 0; -EFBIG: the bound has been reached, and the line is not there; -errno.
 */
int ms_record_add(struct ms_record_file *f, struct json_object *o)
{
	size_t n;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &n);
	char *line = malloc(n + 1);
	int ret;

	if (!text || !line)
		abort();
	memcpy(line, text, n);
	line[n] = '\n';
	ret = put(f, line, n + 1, END_BYTES);
	free(line);
	json_object_put(o);
	return ret;
}

/**
 * ms_record_printf() - add a line of which there are many
 * @f:		the recording
 * @format:	as printf, with the newline
 *
 * Return: as ms_record_add().
 */
int ms_record_printf(struct ms_record_file *f, const char *format, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n < 0 || n >= (int)sizeof(line))
		return -EINVAL;
	return put(f, line, (size_t)n, END_BYTES);
}

/**
 * ms_record_flush() - what has been added can be read by others
 * @f: the recording; a compressed one is brought there about once a second
 *
 * Return: 0; -errno.
 */
int ms_record_flush(struct ms_record_file *f)
{
	errno = 0;
	if (f->fd >= 0)
		return 0;
	if (f->plain)
		return fflush(f->plain) ? -errno : 0;
	return now() - f->synced >= SYNC_SECONDS ? zip_sync(f, Z_SYNC_FLUSH) : 0;
}

/**
 * ms_record_end() - add the last line, for which there is always room, and close
 * @f:	the recording, gone afterwards
 * @o:	the object, forgotten afterwards
 *
 * Return: 0; -errno.
 */
int ms_record_end(struct ms_record_file *f, struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	int ret = put(f, text, strlen(text), 1);

	if (!ret)
		ret = put(f, "\n", 1, 0);
	json_object_put(o);
	errno = 0;
	if (f->plain && fclose(f->plain) && !ret)
		ret = -errno;
	if (f->zipped && gzclose(f->zipped) != Z_OK && !ret)
		ret = errno ? -errno : -EIO;
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f);
	return ret;
}

/**
 * ms_record_abandon() - close a recording to which nothing has been added
 * @f: the recording, gone afterwards; its file is what it was
 */
void ms_record_abandon(struct ms_record_file *f)
{
	if (f->created)
		unlink(f->path);
	close(f->fd);
	free(f->path);
	free(f);
}

/**
 * ms_record_bytes() - how much has been written
 * @f: the recording
 *
 * Return: bytes; of a compressed one at the most so many.
 */
uint64_t ms_record_bytes(const struct ms_record_file *f)
{
	return f->bytes;
}

/* ---- lines --------------------------------------------------------------------------- */

/**
 * ms_record_object() - begin a line
 * @type:	what it is
 * @t:		seconds since the start
 *
 * Return: an object.
 */
struct json_object *ms_record_object(const char *type, double t)
{
	struct json_object *o = json_object_new_object();
	char text[32];

	json_object_object_add(o, "type", json_object_new_string(type));
	snprintf(text, sizeof(text), "%.6f", t);
	json_object_object_add(o, "t", json_object_new_double_s(t, text));
	return o;
}

/**
 * ms_record_header() - begin the first line
 * @command: which command writes it
 *
 * Return: an object with what every recording has; the target is the caller's.
 */
struct json_object *ms_record_header(const char *command)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "type", json_object_new_string("header"));
	json_object_object_add(o, "format", json_object_new_string(MS_RECORD_FORMAT));
	json_object_object_add(o, "version", json_object_new_int(MS_RECORD_VERSION));
	json_object_object_add(o, "memstate", json_object_new_string(MS_VERSION));
	json_object_object_add(o, "command", json_object_new_string(command));
	json_object_object_add(o, "unit", json_object_new_string("bytes"));
	return o;
}

static void drop_empty_classes(struct json_object *o, const struct memstate_totals *t)
{
	struct json_object *classes;

	if (!json_object_object_get_ex(o, "classes", &classes))
		return;
	for (uint32_t c = 0; c < MEMSTATE_NR_CLASSES; c++)
		if (!(t->bytes[0][c] | t->bytes[1][c] | t->bytes[2][c]))
			json_object_object_del(classes, ms_class_names[c]);
}

static void add_limit(struct json_object *o, const char *key, uint64_t bytes)
{
	json_object_object_add(o, key, bytes == MEMSTATE_UNLIMITED ? NULL : ms_json_u64(bytes));
}

/**
 * ms_record_sample() - add a line with figures
 * @f:	the recording
 * @s:	the figures
 *
 * Return: as ms_record_add().
 */
int ms_record_sample(struct ms_record_file *f, const struct ms_sample *s)
{
	struct json_object *o = ms_record_object("sample", s->t), *limits, *events, *observed;
	const struct memstate_totals_observed *w = &s->observed;
	const struct memstate_limit *l = &s->limit;

	ms_json_add(o, "tasks", s->totals.tasks);
	ms_json_totals(o, &s->totals);
	drop_empty_classes(o, &s->totals);
	if (w->spaces || w->charged) {
		observed = json_object_new_object();
		ms_json_add(observed, "nr_tasks", w->spaces);
		ms_json_add(observed, "commit", w->commit);
		ms_json_add(observed, "backed", w->backed);
		ms_json_add(observed, "inherited", w->inherited);
		ms_json_add(observed, "pending", w->pending);
		ms_json_add(observed, "excess", w->excess);
		ms_json_add(observed, "charged", w->charged);
		json_object_object_add(o, "observed", observed);
	}
	if (s->limited) {
		limits = json_object_new_object();
		add_limit(limits, "high", l->high);
		add_limit(limits, "max", l->max);
		add_limit(limits, "lowest_high", l->lowest_high);
		add_limit(limits, "lowest_max", l->lowest_max);
		ms_json_add(limits, "charged", l->charged);
		ms_json_add(limits, "peak", l->peak);
		json_object_object_add(limits, "pressure",
				       json_object_new_string(ms_pressure_name(l->pressure)));
		json_object_object_add(o, "limits", limits);
	}
	events = json_object_new_object();
	for (int i = 0; i < MEMSTATE_NR_EVENTS; i++)
		ms_json_add(events, ms_event_names[i], s->events[i]);
	json_object_object_add(o, "events", events);
	return ms_record_add(f, o);
}

/**
 * ms_record_events() - add a line for each count that has grown
 * @f:		the recording
 * @s:		the figures
 * @before:	those before them
 *
 * Return: as ms_record_add().
 */
int ms_record_events(struct ms_record_file *f, const struct ms_sample *s,
		     const struct ms_sample *before)
{
	int ret = 0;

	for (int i = 0; !ret && i < MEMSTATE_NR_EVENTS; i++) {
		struct json_object *o;

		/* Other books, after an exec, count from zero. */
		if (s->events[i] <= before->events[i])
			continue;
		o = ms_record_object("event", s->t);
		json_object_object_add(o, "event", json_object_new_string(ms_event_names[i]));
		ms_json_add(o, "count", s->events[i]);
		ms_json_add(o, "by", s->events[i] - before->events[i]);
		ret = ms_record_add(f, o);
	}
	return ret;
}

/* In lines of so many, so that none gets too long. */
#define RANGES_LINE	512

/**
 * ms_record_ranges() - add a ledger, in as many lines as it takes
 * @f:		the recording
 * @t:		seconds since the start
 * @pid:	whose it is
 * @ranges:	its ranges
 * @nr:		how many
 * @whole:	it is all there is, of one moment
 *
 * Return: as ms_record_add().
 */
int ms_record_ranges(struct ms_record_file *f, double t, pid_t pid,
		     const struct memstate_range *ranges, uint32_t nr, bool whole)
{
	uint32_t i = 0, end;
	int ret;

	do {
		struct json_object *o = ms_record_object("ranges", t);
		struct json_object *list = json_object_new_array();

		end = nr - i > RANGES_LINE ? i + RANGES_LINE : nr;
		ms_json_add(o, "pid", (uint64_t)pid);
		ms_json_add(o, "first", i);
		ms_json_add(o, "of", nr);
		json_object_object_add(o, "whole", json_object_new_boolean(whole));
		for (; i < end; i++) {
			const struct memstate_range *r = &ranges[i];
			struct json_object *range = json_object_new_array();

			json_object_array_add(range, ms_json_u64(r->start));
			json_object_array_add(range, ms_json_u64(r->end));
			json_object_array_add(range, json_object_new_string(
							     ms_state_names[r->state & 3]));
			json_object_array_add(range, json_object_new_string(
							     ms_class_names[r->class_ & 7]));
			json_object_array_add(range, json_object_new_int(r->flags));
			json_object_array_add(list, range);
		}
		json_object_object_add(o, "ranges", list);
		ret = ms_record_add(f, o);
	} while (!ret && i < nr);
	return ret;
}
