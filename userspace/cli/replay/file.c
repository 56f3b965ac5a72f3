// SPDX-License-Identifier: MIT
/*
 * A file of a log.
 *
 * Model
 *
 *   A log is gone through several times and never held in memory: what cannot be read
 *   twice (a pipe) is copied into a file without a name first. zlib reads plain files
 *   and gzip's; others are unpacked, or made UTF-8, by the program that knows how.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "cli.h"
#include "file.h"

#define CHUNK		((size_t)1 << 16)

/* No line is longer: strace cuts strings, and -s has its bounds. */
#define LINE_MAX_BYTES	((size_t)1 << 28)

/**
 * struct ms_log_file - a file
 * @path:	its name, for people
 * @fd:	itself
 * @tool:	program that unpacks or converts it, NULL: zlib does
 * @pid:	that program at work, 0: it is not
 * @gz:		the plain text
 * @buf:	a part of it
 * @at:		where the next line begins in @buf
 * @nr:		bytes in @buf
 * @room:	its size
 * @eof:	there is no more behind @buf
 * @begun:	a part of it was read
 * @cr:		its lines end with a carriage return alone, or some do
 */
struct ms_log_file {
	const char *path;
	int fd;
	const char *tool;
	pid_t pid;
	gzFile gz;
	char *buf;
	size_t at;
	size_t nr;
	size_t room;
	bool eof;
	bool begun;
	bool cr;
};

static const char *find_tool(int fd)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *tool;
	} tools[] = {
		{ "\3757zXZ", 5, "xz" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd" },
		{ "BZh", 3, "bzip2" },
		/* What PowerShell writes. */
		{ "\xff\xfe", 2, "iconv" },
		{ "\xfe\xff", 2, "iconv" },
	};
	char begin[6] = "";
	ssize_t n = pread(fd, begin, sizeof(begin), 0);

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (n >= (ssize_t)tools[i].len &&
		    !memcmp(begin, tools[i].magic, tools[i].len))
			return tools[i].tool;
	return NULL;
}

static const char *copy_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : "/tmp";
}

/* A copy that can be read twice. -1: errno says why there is none, EIO: it cannot be read once. */
static int copy_of(int from)
{
	const char *dir = copy_dir();
	char name[4096], part[65536];
	ssize_t n, done;
	int fd;

	if (snprintf(name, sizeof(name), "%s/memstate-XXXXXX", dir) >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -1;
	unlink(name);
	while ((n = read(from, part, sizeof(part))) > 0) {
		for (done = 0; done < n;) {
			ssize_t out = write(fd, part + done, (size_t)(n - done));

			if (out < 0) {
				close(fd);
				return -1;
			}
			done += out;
		}
	}
	if (n < 0) {
		close(fd);
		errno = errno == EISDIR ? EISDIR : EIO;
		return -1;
	}
	return fd;
}

/* The program's output; -1 after a message. */
static int unpack(struct ms_log_file *f)
{
	bool packed = strcmp(f->tool, "iconv");
	char *const argv[] = { (char *)f->tool, (char *)(packed ? "-dcq" : "-cfUTF-16"),
			       (char *)(packed ? NULL : "-tUTF-8"), NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], error;

	if (pipe2(pipe_fds, O_CLOEXEC)) {
		ms_err("%s: %s", f->path, ms_error_text(errno));
		return -1;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, f->fd, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	error = posix_spawnp(&f->pid, f->tool, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	if (!error)
		return pipe_fds[0];
	f->pid = 0;
	close(pipe_fds[0]);
	if (error == ENOENT)
		ms_err("%s is %s %s, which is not installed; %s it before", f->path,
		       packed ? "compressed by" : "UTF-16, which is converted by", f->tool,
		       packed ? "unpack" : "convert");
	else
		ms_err("%s: %s: %s", f->path, f->tool, ms_error_text(error));
	return -1;
}

/* The plain text is over, or not wanted any more. Return: the program was content. */
static bool stop(struct ms_log_file *f, int *error)
{
	int status = 0;

	*error = f->gz ? gzclose(f->gz) : Z_OK;
	f->gz = NULL;
	if (!f->pid)
		return true;
	/* Who reads no more has closed its end: it ends by itself, also if stopped early. */
	while (waitpid(f->pid, &status, 0) < 0 && errno == EINTR)
		;
	f->pid = 0;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/**
 * ms_log_file_rewind() - begin again
 * @f: the file
 *
 * Return: 0; -1 after a message.
 */
int ms_log_file_rewind(struct ms_log_file *f)
{
	int fd, error;

	stop(f, &error);
	f->at = 0;
	f->nr = 0;
	f->eof = false;
	f->begun = false;
	if (lseek(f->fd, 0, SEEK_SET) < 0) {
		ms_err("%s: %s", f->path, ms_error_text(errno));
		return -1;
	}
	if (f->tool) {
		fd = unpack(f);
		if (fd < 0)
			return -1;
	} else {
		fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0) {
			ms_err("%s: %s", f->path, ms_error_text(errno));
			return -1;
		}
	}
	f->gz = gzdopen(fd, "rb");
	if (!f->gz) {
		close(fd);
		ms_err("%s: %s", f->path, strerror(ENOMEM));
		return -1;
	}
	gzbuffer(f->gz, (unsigned int)CHUNK);
	return 0;
}

/**
 * ms_log_file_open() - open a file of a log
 * @path: its name, which must stay; - is standard input
 *
 * Return: the file at its beginning, NULL after a message.
 */
struct ms_log_file *ms_log_file_open(const char *path)
{
	struct ms_log_file *f = calloc(1, sizeof(*f));
	struct stat st;
	int copy;

	if (!f)
		abort();
	f->path = path;
	f->room = 2 * CHUNK;
	/* One more for the end of the last line. */
	f->buf = malloc(f->room + 1);
	if (!f->buf)
		abort();
	f->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) :
				    fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (f->fd < 0 || fstat(f->fd, &st)) {
		ms_err("%s: %s", path, ms_error_text(errno));
		ms_log_file_close(f);
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		copy = copy_of(f->fd);
		if (copy < 0) {
			if (errno == EISDIR || errno == EIO)
				ms_err("%s: %s", path, ms_error_text(errno));
			else
				ms_err("%s: it is copied first, to be read twice, and there can be no copy in %s: %s; TMPDIR names another place",
				       path, ms_name(copy_dir()), ms_error_text(errno));
			ms_log_file_close(f);
			return NULL;
		}
		close(f->fd);
		f->fd = copy;
	}
	f->tool = find_tool(f->fd);
	if (ms_log_file_rewind(f)) {
		ms_log_file_close(f);
		return NULL;
	}
	return f;
}

void ms_log_file_close(struct ms_log_file *f)
{
	int error;

	if (!f)
		return;
	stop(f, &error);
	if (f->fd >= 0)
		close(f->fd);
	free(f->buf);
	free(f);
}

/*
 * Lines of old, or of what a terminal was sent by who overwrites its line. Where newlines are the
 * rule, a carriage return is somebody's bar of progress, within a line.
 */
static bool ends_with_cr(const char *p, size_t nr)
{
	const char *end = p + nr;
	size_t crs = 0, newlines = 0;

	for (const char *q = p; q < end && (q = memchr(q, '\r', (size_t)(end - q))); q++) {
		while (q + 1 < end && q[1] == '\r')
			q++;
		crs += q + 1 < end && q[1] != '\n';
	}
	for (const char *q = p; q < end && (q = memchr(q, '\n', (size_t)(end - q))); q++)
		newlines++;
	return crs > newlines;
}

/* More into the buffer. Return: 0; -1 after a message. */
static int fill(struct ms_log_file *f)
{
	int n, error;

	if (f->at) {
		memmove(f->buf, f->buf + f->at, f->nr - f->at);
		f->nr -= f->at;
		f->at = 0;
	}
	if (f->room - f->nr < CHUNK) {
		size_t room = 2 * f->room;
		char *buf = room > LINE_MAX_BYTES ? NULL : realloc(f->buf, room + 1);

		if (!buf) {
			ms_err("%s: a line is too long for a log", f->path);
			return -1;
		}
		f->buf = buf;
		f->room = room;
	}
	n = gzread(f->gz, f->buf + f->nr, (unsigned int)CHUNK);
	if (n < 0) {
		const char *why = gzerror(f->gz, &error);

		ms_err("%s: %s", f->path, error == Z_ERRNO ? ms_error_text(errno) :
		       error == Z_BUF_ERROR ? "the compressed log is cut off" : why);
		return -1;
	}
	f->nr += (size_t)n;
	if (!f->begun)
		f->cr = ends_with_cr(f->buf, f->nr);
	f->begun = true;
	if (n)
		return 0;
	f->eof = true;
	/* A compressed log that was cut off says so here. */
	if (!stop(f, &error) || error != Z_OK) {
		ms_err("%s: the compressed log is cut off", f->path);
		return -1;
	}
	return 0;
}

static char *end_of_line(const struct ms_log_file *f, char *p, size_t nr)
{
	char *newline = memchr(p, '\n', nr), *cr;

	if (!f->cr)
		return newline;
	cr = memchr(p, '\r', newline ? (size_t)(newline - p) : nr);
	return cr ? cr : newline;
}

/**
 * ms_log_file_line() - the next line
 * @f:		the file
 * @line:	where it is, until the next call; ends with a 0 and may be changed
 * @len:	its length, without the newline
 *
 * Return: 1; 2: it is the last one, and has no newline; 0 at the end; -1 after a message.
 */
int ms_log_file_line(struct ms_log_file *f, char **line, size_t *len)
{
	size_t seen = 0;

	for (;;) {
		char *begin = f->buf + f->at, *end = NULL;

		if (f->nr - f->at > seen)
			end = end_of_line(f, begin + seen, f->nr - f->at - seen);
		if (end || (f->eof && f->nr > f->at)) {
			bool both = end && f->cr && *end == '\r' &&
				    end + 1 < f->buf + f->nr && end[1] == '\n';

			*line = begin;
			*len = end ? (size_t)(end - begin) : f->nr - f->at;
			begin[*len] = '\0';
			f->at += *len + !!end + both;
			return end ? 1 : 2;
		}
		if (f->eof)
			return 0;
		seen = f->nr - f->at;
		if (fill(f))
			return -1;
	}
}

uint64_t ms_log_file_at(const struct ms_log_file *f, uint64_t *size)
{
	struct stat st;
	off_t at = lseek(f->fd, 0, SEEK_CUR);

	*size = fstat(f->fd, &st) ? 0 : (uint64_t)st.st_size;
	return at < 0 ? 0 : (uint64_t)at;
}
