// SPDX-License-Identifier: MIT
/*
 * Every transition, from the module's tracepoints.
 *
 * Model
 *
 *   The tracing directory can have instances, each with buffers of its own. One is made
 *   for us and removed afterwards, so that nobody else's tracing is disturbed. It is
 *   read as text, whose form is the module's own (kmod/trace.h).
 *
 *   A task's events are selected by the kernel. A group's are by us: a table has
 *   which tasks lie below it, from the module's files at the start and from memstate_open
 *   afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "record.h"

#define INSTANCE	"memstate-record-"
#define TEXT_BYTES	65536

/* Of one reading, so that samples are not kept waiting. */
#define READS_MAX	256

static const char *const event_names[] = { "transition", "unmap", "open", "close" };

/* ---- which tasks lie below a group -------------------------------------------------- */

/**
 * struct ms_trace - an instance of our own
 * @dir:	its directory
 * @fd:		trace_pipe
 * @group:	cgroup id whose tasks' events are kept, 0: all
 * @pids:	its tasks
 * @nr_pids:	how many
 * @text:	what was read
 * @held:	a line's beginning, whose end is to come
 * @seen:	lines read
 * @nr:		events written
 * @lost:	events that were overwritten before they were read
 * @last:	time of the last event, seconds since the start
 */
struct ms_trace {
	char dir[PATH_MAX];
	int fd;
	uint64_t group;
	pid_t *pids;
	size_t nr_pids;
	char text[TEXT_BYTES + 1];
	size_t held;
	uint64_t seen;
	uint64_t nr;
	uint64_t lost;
	double last;
};

static bool file_number(const char *path, uint64_t *value)
{
	FILE *f = fopen(path, "re");
	unsigned long long v = 0;
	bool ok = f && fscanf(f, "%llu", &v) == 1;

	if (f)
		fclose(f);
	*value = v;
	return ok;
}

static bool below_group(const struct ms_trace *t, uint64_t id)
{
	char path[128];

	/* No hierarchy is that deep; files that change under us shall not make a circle. */
	for (int i = 0; id && id != t->group && i < 64; i++) {
		snprintf(path, sizeof(path), SYSFS_DIR "/groups/%llu/parent",
			 (unsigned long long)id);
		if (!file_number(path, &id))
			return false;
	}
	return id && id == t->group;
}

static size_t find_pid(const struct ms_trace *t, pid_t pid)
{
	size_t i = 0;

	while (i < t->nr_pids && t->pids[i] != pid)
		i++;
	return i;
}

static void add_pid(struct ms_trace *t, pid_t pid)
{
	if (find_pid(t, pid) < t->nr_pids)
		return;
	t->pids = reallocarray(t->pids, t->nr_pids + 1, sizeof(*t->pids));
	if (!t->pids)
		abort();
	t->pids[t->nr_pids++] = pid;
}

static int add_task(const struct ms_figures *f, pid_t pid, void *arg)
{
	struct ms_trace *t = arg;
	uint64_t group;

	if (pid && !ms_figure_u64(f, "group", &group) && below_group(t, group))
		add_pid(t, pid);
	return 0;
}

/* Is it of whom we record? */
static bool wanted(struct ms_trace *t, const struct ms_trace_event *e)
{
	size_t i;

	if (!t->group || e->kind == MS_TRACE_LOST)
		return true;
	if (e->kind == MS_TRACE_OPEN && below_group(t, e->value))
		add_pid(t, e->pid);
	i = find_pid(t, e->pid);
	if (i == t->nr_pids)
		return false;
	if (e->kind == MS_TRACE_CLOSE)
		t->pids[i] = t->pids[--t->nr_pids];
	return true;
}

/* ---- the instance ------------------------------------------------------------------- */

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

static int instance_open(struct ms_trace *t, pid_t pid, uint64_t buffer_bytes)
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
 * ms_trace_start() - begin to collect transitions
 * @pid:	of this task only, or 0
 * @group:	of tasks below this cgroup only, or 0
 * @buffer_bytes: room for what has not been read, per processor
 *
 * Return: an instance, or NULL after a message.
 */
struct ms_trace *ms_trace_start(pid_t pid, uint64_t group, uint64_t buffer_bytes)
{
	const char *tracing = tracing_dir();
	struct ms_trace *t;
	int ret = 0;

	if (!tracing) {
		/* Without the right to look it is not seen either. */
		ms_err(geteuid() ? "--transitions: tracing is root's" :
				   "--transitions: tracefs is not mounted at /sys/kernel/tracing");
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->fd = -1;
	t->group = group;
	remove_stale(tracing);
	snprintf(t->dir, sizeof(t->dir), "%s/instances/" INSTANCE "%d", tracing, getpid());
	if (mkdir(t->dir, 0700))
		ret = -errno;
	if (!ret) {
		ret = instance_open(t, pid, buffer_bytes);
		if (ret) {
			if (t->fd >= 0)
				close(t->fd);
			rmdir(t->dir);
		}
	}
	if (!ret) {
		if (group)
			ms_sysfs_tasks(add_task, t);
		return t;
	}
	if (ret == -ENOENT)
		ms_err("--transitions: the kernel has no tracepoints of memstate's: is the module loaded, and as new as this program?");
	else
		ms_err("--transitions: %s: %s", t->dir, ms_error_text(-ret));
	free(t);
	return NULL;
}

static int take_line(struct ms_trace *t, struct ms_record_file *f, const char *line, double start)
{
	struct ms_trace_event e;

	if (!ms_trace_parse(line, &e))
		return 0;
	if (e.kind == MS_TRACE_LOST)
		t->lost += e.value;
	else
		t->last = e.t - start;
	if (!wanted(t, &e))
		return 0;
	t->nr += e.kind != MS_TRACE_LOST;
	return ms_trace_write(f, &e, t->last);
}

/**
 * ms_trace_read() - write what has been collected
 * @t:		the instance
 * @f:		where to
 * @start:	when the recording began, seconds of the monotonic clock
 *
 * Return: 0; as ms_record_add().
 */
int ms_trace_read(struct ms_trace *t, struct ms_record_file *f, double start)
{
	int ret = 0;

	for (int i = 0; !ret && i < READS_MAX; i++) {
		ssize_t n = read(t->fd, t->text + t->held, TEXT_BYTES - t->held);
		char *line = t->text, *end;

		if (n <= 0)
			return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
		t->text[t->held + (size_t)n] = '\0';
		while (!ret && (end = strchr(line, '\n'))) {
			*end = '\0';
			ret = take_line(t, f, line, start);
			line = end + 1;
			t->seen++;
		}
		t->held = strlen(line);
		/* No line of ours is that long. */
		if (t->held == TEXT_BYTES)
			t->held = 0;
		memmove(t->text, line, t->held);
	}
	return ret;
}

/* Events that were overwritten, or had no room, on all processors. */
static uint64_t instance_lost(const struct ms_trace *t)
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
 * ms_trace_stop() - write the rest, and remove the instance
 * @t:		the instance, gone afterwards
 * @f:		where to, or NULL
 * @start:	as for ms_trace_read()
 * @nr:		where to put how many events were written
 * @lost:	where to put how many were not read in time
 *
 * Return: as ms_trace_read().
 */
int ms_trace_stop(struct ms_trace *t, struct ms_record_file *f, double start, uint64_t *nr,
		  uint64_t *lost)
{
	uint64_t before;
	int ret;

	write_file(t->dir, "tracing_on", "0");
	do {
		before = t->seen;
		ret = f ? ms_trace_read(t, f, start) : 0;
	} while (!ret && t->seen != before);
	*nr = t->nr;
	*lost = instance_lost(t);
	if (*lost < t->lost)
		*lost = t->lost;
	write_file(t->dir, "events/enable", "0");
	close(t->fd);
	if (rmdir(t->dir))
		ms_err("%s: %s", t->dir, ms_error_text(errno));
	free(t->pids);
	free(t);
	return ret;
}
