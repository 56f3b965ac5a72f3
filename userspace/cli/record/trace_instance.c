// SPDX-License-Identifier: MIT
/* Of a trace: an instance of our own in the tracing directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "trace.h"

#define INSTANCE	"memstate-record-"

static const char *const event_names[] = { "transition", "unmap", "open", "close" };

static const char *tracing_dir(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	for (size_t i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/instances", places[i]);
		if (!access(path, F_OK))
			return places[i];
	}
	return NULL;
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	ssize_t n = (ssize_t)strlen(text);
	int fd, error = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		error = errno ? errno : EIO;
	close(fd);
	return -error;
}

/* Instances of recorders that were killed. */
static void remove_stale(const char *tracing)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/instances", tracing);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		pid_t pid;

		if (strncmp(e->d_name, INSTANCE, strlen(INSTANCE)))
			continue;
		pid = atoi(e->d_name + strlen(INSTANCE));
		snprintf(path, sizeof(path), "%s/instances/%s", tracing, e->d_name);
		if (pid > 0 && !ms_process_exists(pid))
			rmdir(path);
	}
	if (dir)
		closedir(dir);
}

static int enable(const struct ms_trace *t, pid_t pid)
{
	char name[64], filter[32];
	int ret = 0;

	snprintf(filter, sizeof(filter), "pid == %d", pid);
	for (size_t i = 0; !ret && i < sizeof(event_names) / sizeof(event_names[0]); i++) {
		if (pid) {
			snprintf(name, sizeof(name), "events/memstate/memstate_%s/filter",
				 event_names[i]);
			ret = write_file(t->dir, name, filter);
		}
		snprintf(name, sizeof(name), "events/memstate/memstate_%s/enable", event_names[i]);
		if (!ret)
			ret = write_file(t->dir, name, "1");
	}
	return ret;
}

static int set_up(struct ms_trace *t, pid_t pid, uint64_t buffer_bytes)
{
	char path[PATH_MAX + 64], kb[32];
	int ret;

	snprintf(kb, sizeof(kb), "%llu", (unsigned long long)buffer_bytes / 1024);
	ret = write_file(t->dir, "trace_clock", "mono");
	if (!ret)
		ret = write_file(t->dir, "buffer_size_kb", kb);
	snprintf(path, sizeof(path), "%s/trace_pipe", t->dir);
	t->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (!ret && t->fd < 0)
		ret = -errno;
	if (!ret)
		ret = enable(t, pid);
	return ret;
}

/**
 * ms_trace_open() - make an instance, and have events come into it
 * @t:			the trace
 * @pid:		of this task only, or 0
 * @buffer_bytes:	room for what has not been read, per processor
 *
 * Return: 0; -1 after a message, and there is none.
 */
int ms_trace_open(struct ms_trace *t, pid_t pid, uint64_t buffer_bytes)
{
	const char *tracing = tracing_dir();
	int ret;

	if (!tracing) {
		/* Without the right to look it is not seen either. */
		ms_err(geteuid() ? "--transitions: tracing is root's" :
				   "--transitions: tracefs is not mounted at /sys/kernel/tracing");
		return -1;
	}
	remove_stale(tracing);
	snprintf(t->dir, sizeof(t->dir), "%s/instances/" INSTANCE "%d", tracing, getpid());
	ret = mkdir(t->dir, 0700) ? -errno : 0;
	if (!ret) {
		ret = set_up(t, pid, buffer_bytes);
		if (!ret)
			return 0;
		if (t->fd >= 0)
			close(t->fd);
		rmdir(t->dir);
	}
	if (ret == -ENOENT)
		ms_err("--transitions: the kernel has no tracepoints of memstate's: is the module loaded, and as new as this program?");
	else
		ms_err("--transitions: %s: %s", t->dir, ms_error_text(-ret));
	return -1;
}

/**
 * ms_trace_halt() - have no more events come
 * @t: the trace
 */
void ms_trace_halt(const struct ms_trace *t)
{
	write_file(t->dir, "tracing_on", "0");
}

/**
 * ms_trace_overrun() - what nobody has read, or had no room, on all processors
 * @t: the trace
 *
 * Return: events.
 */
uint64_t ms_trace_overrun(const struct ms_trace *t)
{
	static const char *const keys[] = { "overrun: ", "dropped events: " };
	char path[PATH_MAX + 320];
	uint64_t sum = 0, value;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/per_cpu", t->dir);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/per_cpu/%s/stats", t->dir, e->d_name);
		for (int i = 0; i < 2; i++) {
			value = ms_file_key(AT_FDCWD, path, keys[i], 1);
			sum += value == MS_FILE_UNKNOWN ? 0 : value;
		}
	}
	if (dir)
		closedir(dir);
	return sum;
}

/**
 * ms_trace_close() - remove the instance
 * @t: the trace
 */
void ms_trace_close(struct ms_trace *t)
{
	write_file(t->dir, "events/enable", "0");
	close(t->fd);
	if (rmdir(t->dir))
		ms_err("%s: %s", t->dir, ms_error_text(errno));
}
