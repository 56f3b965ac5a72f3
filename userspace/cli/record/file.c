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
#include "grown.h"
#include "record.h"

/* Kept free for the last line. */
#define END_BYTES	1024

#define SYNC_SECONDS	1

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
	struct ms_record_file *f = ms_must(calloc(1, sizeof(*f)));

	f->path = ms_must(strdup(path));
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
