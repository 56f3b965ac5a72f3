// SPDX-License-Identifier: MIT
/*
 * Figures of processes: reported ones from the device, or from the module's files, observed
 * ones from the kernel's own counters in /proc.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "internal.h"
#include "rules.h"

/* ---- reported -------------------------------------------------------------- */

/* The uapi header's 64 bits are another type than the C library's. */
static int read_u64(const struct ms_figures *f, const char *name, u64 *value)
{
	uint64_t number;
	int ret = ms_figure_u64(f, name, &number);

	if (!ret)
		*value = number;
	return ret;
}

static int read_totals(const struct ms_figures *f, bool tasks, struct memstate_totals *totals)
{
	char name[64];
	int ret;

	memset(totals, 0, sizeof(*totals));
	ret = read_u64(f, "reserved_lazy", (u64 *)&totals->reserved_lazy);
	if (!ret)
		ret = read_u64(f, "prepared_lazy", (u64 *)&totals->prepared_lazy);
	for (const struct ms_counter *c = ms_counters; !ret && c->name; c++)
		ret = read_u64(f, c->name, (u64 *)((char *)totals + c->offset));
	if (!ret && tasks)
		ret = read_u64(f, "nr_tasks", (u64 *)&totals->tasks);
	for (u32 c = 0; !ret && c < MEMSTATE_NR_CLASSES; c++)
		for (u32 s = MEMSTATE_RESERVED; !ret && s <= MEMSTATE_READY; s++) {
			snprintf(name, sizeof(name), "%s/%s", ms_class_names[c],
				 ms_state_names[s]);
			ret = read_u64(f, name, (u64 *)&totals->bytes[s - 1][c]);
		}
	return ret;
}

/**
 * ms_sysfs_tasks() - go through the lines of all tasks that may be read
 * @see:	what to do with one: non-zero ends it
 * @arg:	for @see
 *
 * Return: what @see has returned; 0; -EACCES: there were some that may not be read; what
 * opendir says.
 */
int ms_sysfs_tasks(int (*see)(const struct ms_figures *f, pid_t pid, void *arg), void *arg)
{
	DIR *dir = opendir(SYSFS_DIR "/tasks");
	int ret = 0, withheld = 0;
	char text[MS_TASK_TEXT];
	const struct ms_figures f = { .dir = -1, .text = text };
	struct dirent *e;

	if (!dir)
		return -errno;
	while (!ret && (e = readdir(dir))) {
		uint64_t pid;
		ssize_t n;

		if (!ms_name_is_number(e->d_name, &pid))
			continue;
		n = ms_file_text(dirfd(dir), e->d_name, text, sizeof(text));
		/* One that ends while it is read answers with an error. */
		if (n == -EACCES)
			withheld = -EACCES;
		if (n > 0 && !ms_figure_u64(&f, "pid", &pid))
			ret = see(&f, (pid_t)pid, arg);
	}
	closedir(dir);
	return ret ? ret : withheld;
}

/**
 * struct task_search - a task that is looked for
 * @pid:	its process
 * @totals:	where to put its totals
 * @alloc:	where to put what its allocator counts
 * @ret:	how that went
 */
struct task_search {
	pid_t pid;
	struct memstate_totals *totals;
	struct memstate_alloc *alloc;
	int ret;
};

static void read_alloc(const struct ms_figures *f, struct memstate_alloc *alloc)
{
	static const struct {
		const char *name;
		u32 counter;
	} lines[] = {
		{ "alloc_allocated_bytes", MEMSTATE_ALLOC_BYTES },
		{ "alloc_allocated_count", MEMSTATE_ALLOC_COUNT },
		{ "alloc_freed_bytes", MEMSTATE_FREE_BYTES },
		{ "alloc_freed_count", MEMSTATE_FREE_COUNT },
		{ "alloc_idle_bytes", MEMSTATE_IDLE_BYTES },
		{ "alloc_slab_bytes", MEMSTATE_SLAB_BYTES },
	};
	u64 nr = 0;
	int ret = read_u64(f, "alloc_nr_shards", &nr);

	for (size_t i = 0; !ret && i < sizeof(lines) / sizeof(lines[0]); i++)
		ret = read_u64(f, lines[i].name,
			       (u64 *)&alloc->counters[lines[i].counter]);
	if (!ret)
		alloc->nr_shards = (u32)nr;
}

static int see_task(const struct ms_figures *f, pid_t pid, void *arg)
{
	struct task_search *s = arg;

	if (pid != s->pid)
		return 0;
	s->ret = read_totals(f, false, s->totals);
	read_alloc(f, s->alloc);
	return 1;
}

/* Is it a process of the caller's? */
static bool is_mine(pid_t pid)
{
	struct stat st;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return !stat(path, &st) && st.st_uid == geteuid();
}

/**
 * ms_sysfs_totals() - what a process reports, as of when it was drained last
 * @pid:	the process
 * @totals:	where to put it
 * @alloc:	where to put what its allocator counts; zero where it does not
 *
 * Return: 0; -ENODEV: the module is not loaded; -ENOENT: the process does not
 * report; -EACCES: it belongs to somebody else.
 */
int ms_sysfs_totals(pid_t pid, struct memstate_totals *totals, struct memstate_alloc *alloc)
{
	struct task_search s = { .pid = pid, .totals = totals, .alloc = alloc };
	int ret;

	memset(alloc, 0, sizeof(*alloc));
	if (access(SYSFS_DIR, F_OK))
		return -ENODEV;
	ret = ms_sysfs_tasks(see_task, &s);
	if (ret > 0)
		return s.ret;
	if (ret == -EACCES && is_mine(pid))
		ret = 0;
	return ret ? ret : -ENOENT;
}

/**
 * ms_task_totals() - what a process reports, of now where that can be had
 * @pid:	the process
 * @totals:	where to put it
 * @alloc:	where to put what its allocator counts; zero where it does not
 *
 * By the process's own descriptor, for whoever may trace it; else by files.
 *
 * Return: as ms_sysfs_totals().
 */
int ms_task_totals(pid_t pid, struct memstate_totals *totals, struct memstate_alloc *alloc)
{
	struct memstate_get_totals t = { .size = sizeof(t) };
	struct memstate_alloc a = { .size = sizeof(a) };
	int fd = ms_task_handle_quiet(pid), ret = -1;

	if (fd >= 0) {
		ret = ioctl(fd, MEMSTATE_IOC_TOTALS, &t);
		if (ioctl(fd, MEMSTATE_IOC_ALLOC, &a))
			memset(&a, 0, sizeof(a));
		close(fd);
	}
	/* None: it is about to end, or they are not those of its address space. */
	if (ret || !t.totals.tasks)
		return ms_sysfs_totals(pid, totals, alloc);
	*totals = t.totals;
	*alloc = a;
	return 0;
}

/**
 * ms_system_totals() - what is reported in all, of now where that can be had
 * @totals:	where to put it
 *
 * By the device; who may not open it has files.
 *
 * Return: 0; -ENODEV: the module is not loaded; else as ms_figure_u64().
 */
int ms_system_totals(struct memstate_totals *totals)
{
	struct ms_figures f;
	int ret;

	if (!memstate_group_totals(MEMSTATE_SYSTEM, totals, 0))
		return 0;
	f = (struct ms_figures) { .dir = open(SYSFS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	if (f.dir < 0)
		return -ENODEV;
	ret = read_totals(&f, true, totals);
	close(f.dir);
	return ret;
}

/* ---- observed --------------------------------------------------------------- */

/* "Name:   123 kB" lines of a file; unknown names are passed over. */
static int read_kb(pid_t pid, const char *file, const char *const *names,
		   uint64_t *const *values, int nr)
{
	FILE *f = ms_process_file(pid, file);
	char line[512];

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		for (int i = 0; i < nr; i++) {
			size_t n = strlen(names[i]);

			if (!strncmp(line, names[i], n) && line[n] == ':')
				*values[i] = strtoull(line + n + 1, NULL, 10) * 1024;
		}
	}
	fclose(f);
	return 0;
}

static int add_mapping(const struct ms_mapping *m, void *arg)
{
	struct ms_observed *o = arg;

	if (m->private_ && m->anonymous) {
		if (m->prot)
			o->anon_mapped += m->end - m->start;
		else
			o->anon_reserved += m->end - m->start;
	}
	return 0;
}

/**
 * ms_observe() - what the kernel itself counts of a process
 * @pid:	the process
 * @o:		where to put it
 *
 * Return: 0; -ENOENT or -ESRCH: no such process; -EACCES.
 */
int ms_observe(pid_t pid, struct ms_observed *o)
{
	static const char *const status[] = { "VmSize", "VmRSS", "VmSwap", "VmData", "RssShmem" };
	static const char *const rollup[] = { "Anonymous", "LazyFree" };
	uint64_t *const status_values[] = { &o->vm_size, &o->rss, &o->swap, &o->commit,
					    &o->shared };
	uint64_t *const rollup_values[] = { &o->anonymous, &o->lazy_free };
	char path[64];
	int ret;

	memset(o, 0, sizeof(*o));
	ret = read_kb(pid, "status", status, status_values, 5);
	if (!ret)
		ret = read_kb(pid, "smaps_rollup", rollup, rollup_values, 2);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return ret ? ret : ms_mappings_walk(path, add_mapping, o);
}

/**
 * ms_observed_states() - what the kernel counts, in the words of the books
 * @o:		its figures
 * @totals:	where to put them: Ready what is backed, Prepared what else may be written to,
 *		Reserved what may not; none of them by class
 */
void ms_observed_states(const struct ms_observed *o, struct memstate_totals *totals)
{
	uint64_t backed = o->anonymous + o->swap;

	memset(totals, 0, sizeof(*totals));
	totals->bytes[MEMSTATE_READY - 1][MEMSTATE_OTHER] = backed;
	totals->bytes[MEMSTATE_PREPARED - 1][MEMSTATE_OTHER] =
		o->commit > backed ? o->commit - backed : 0;
	totals->bytes[MEMSTATE_RESERVED - 1][MEMSTATE_OTHER] = o->anon_reserved;
}
