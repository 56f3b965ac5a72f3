// SPDX-License-Identifier: MIT
/*
 * Figures of processes: reported ones from the module's files, observed ones from
 * the kernel's own counters in /proc.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "internal.h"
#include "rules.h"

/* ---- reported -------------------------------------------------------------- */

static int read_u64(const char *dir, const char *sub, const char *name, u64 *value)
{
	char path[256], text[32];
	FILE *f;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/%s%s%s", dir, sub, *sub ? "/" : "", name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	/* A task that ends while it is read answers with an error. */
	if (!fgets(text, sizeof(text), f))
		ret = -ENOENT;
	else
		*value = strtoull(text, NULL, 10);
	fclose(f);
	return ret;
}

static int read_totals(const char *dir, bool tasks, struct memstate_totals *totals)
{
	static const struct {
		const char *name;
		size_t offset;
	} members[] = {
		{ "reserved_lazy", offsetof(struct memstate_totals, reserved_lazy) },
		{ "prepared_lazy", offsetof(struct memstate_totals, prepared_lazy) },
		{ "ready_direct", offsetof(struct memstate_totals, ready_direct) },
		{ "peak_ready", offsetof(struct memstate_totals, peak_ready) },
		{ "transitions", offsetof(struct memstate_totals, transitions) },
		{ "drift", offsetof(struct memstate_totals, drift) },
		{ "rejected", offsetof(struct memstate_totals, rejected) },
		{ "unmaps", offsetof(struct memstate_totals, unmaps) },
		{ "resyncs", offsetof(struct memstate_totals, resyncs) },
		{ "ranges", offsetof(struct memstate_totals, ranges) },
		{ "charged", offsetof(struct memstate_totals, charged) },
		{ "inherited", offsetof(struct memstate_totals, inherited) },
		{ "breached", offsetof(struct memstate_totals, breached) },
		{ "denied", offsetof(struct memstate_totals, denied) },
		{ "breaches", offsetof(struct memstate_totals, breaches) },
	};
	int ret = 0;

	memset(totals, 0, sizeof(*totals));
	if (access(SYSFS_DIR, F_OK))
		return -ENODEV;
	for (size_t i = 0; !ret && i < sizeof(members) / sizeof(members[0]); i++)
		ret = read_u64(dir, "", members[i].name,
			       (u64 *)((char *)totals + members[i].offset));
	if (!ret && tasks)
		ret = read_u64(dir, "", "nr_tasks", (u64 *)&totals->tasks);
	for (u32 c = 0; !ret && c < MEMSTATE_NR_CLASSES; c++)
		for (u32 s = MEMSTATE_RESERVED; !ret && s <= MEMSTATE_READY; s++)
			ret = read_u64(dir, ms_class_names[c], ms_state_names[s],
				       (u64 *)&totals->bytes[s - 1][c]);
	return ret;
}

/**
 * ms_sysfs_totals() - what is reported
 * @pid:	process, 0: the system
 * @totals:	where to put it
 *
 * Return: 0; -ENODEV: the module is not loaded; -ENOENT: the process does not
 * report; -EACCES: it belongs to somebody else.
 */
int ms_sysfs_totals(pid_t pid, struct memstate_totals *totals)
{
	char dir[128] = SYSFS_DIR;

	if (pid)
		snprintf(dir, sizeof(dir), SYSFS_DIR "/tasks/%d", pid);
	return read_totals(dir, !pid, totals);
}

/**
 * ms_sysfs_alloc() - what a process's allocator counts
 * @pid:	the process
 * @alloc:	where to put it; zero where there is nothing
 *
 * Each file is a snapshot of its own: that of data, of which two counters have part, is
 * whole.
 */
void ms_sysfs_alloc(pid_t pid, struct memstate_alloc *alloc)
{
	static const struct {
		const char *name;
		u32 counter;
	} files[] = {
		{ "alloc_allocated_bytes", MEMSTATE_ALLOC_BYTES },
		{ "alloc_allocated_count", MEMSTATE_ALLOC_COUNT },
		{ "alloc_freed_count", MEMSTATE_FREE_COUNT },
		{ "alloc_idle_bytes", MEMSTATE_IDLE_BYTES },
		{ "alloc_slab_bytes", MEMSTATE_SLAB_BYTES },
	};
	u64 nr = 0, data = 0;
	char dir[128];
	int ret;

	memset(alloc, 0, sizeof(*alloc));
	snprintf(dir, sizeof(dir), SYSFS_DIR "/tasks/%d", pid);
	ret = read_u64(dir, "", "alloc_nr_shards", &nr);
	for (size_t i = 0; !ret && i < sizeof(files) / sizeof(files[0]); i++)
		ret = read_u64(dir, "", files[i].name,
			       (u64 *)&alloc->counters[files[i].counter]);
	if (!ret)
		ret = read_u64(dir, "", "alloc_data_bytes", &data);
	if (ret)
		return;
	alloc->counters[MEMSTATE_FREE_BYTES] = alloc->counters[MEMSTATE_ALLOC_BYTES] - data;
	alloc->nr_shards = (u32)nr;
}

/* ---- observed --------------------------------------------------------------- */

/* "Name:   123 kB" lines of a file; unknown names are passed over. */
static int read_kb(pid_t pid, const char *file, const char *const *names,
		   uint64_t *const *values, int nr)
{
	char path[64], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	f = fopen(path, "re");
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
	static const char *const status[] = { "VmSize", "VmRSS", "VmSwap" };
	static const char *const rollup[] = { "Anonymous", "LazyFree" };
	uint64_t *const status_values[] = { &o->vm_size, &o->rss, &o->swap };
	uint64_t *const rollup_values[] = { &o->anonymous, &o->lazy_free };
	char path[64];
	int ret;

	memset(o, 0, sizeof(*o));
	ret = read_kb(pid, "status", status, status_values, 3);
	if (!ret)
		ret = read_kb(pid, "smaps_rollup", rollup, rollup_values, 2);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return ret ? ret : ms_mappings_walk(path, add_mapping, o);
}

/**
 * ms_process_name() - a process's name
 * @pid:	the process
 * @name:	where to put it, "?" if there is none
 * @size:	room
 */
void ms_process_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, (int)size, f))
		snprintf(name, size, "?");
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
}

bool ms_process_exists(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return !access(path, F_OK);
}
