// SPDX-License-Identifier: MIT
/* memstate stat --groups: cgroups, what is reported of them, observed and enforced. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "cli.h"
#include "rules.h"

/**
 * struct row - a group
 * @cg:		its cgroup
 * @totals:	reported
 * @alloc:	what allocators count
 * @limit:	enforced
 * @memory:	observed
 */
struct row {
	struct ms_cgroup cg;
	struct memstate_totals totals;
	struct memstate_alloc alloc;
	struct memstate_limit limit;
	struct ms_cgroup_memory memory;
};

static uint64_t reported(const struct row *r)
{
	return ms_totals_state(&r->totals, MEMSTATE_READY) +
	       ms_totals_state(&r->totals, MEMSTATE_PREPARED);
}

/* Anonymous memory that nobody has reported; -1: not known. */
static int64_t unaccounted(const struct row *r)
{
	if (r->memory.anon < 0)
		return -1;
	return (uint64_t)r->memory.anon > reported(r) ?
	       r->memory.anon - (int64_t)reported(r) : 0;
}

static const char *size_or_dash(int64_t bytes)
{
	return bytes < 0 ? "-" : ms_size((uint64_t)bytes);
}

static void print_head(void)
{
	printf("%-24s | %-35s | %-42s | %s\n", "", "reported", "enforced", "observed");
	printf("%-24s | %5s %9s %9s %9s | %9s %9s %9s %5s %6s | %9s %8s %11s\n", "GROUP",
	       "TASKS", "RESERVED", "PREPARED", "READY", "CHARGED", "HIGH", "MAX", "PRESS",
	       "DENIED", "ANON", "COVERAGE", "UNACCOUNTED");
}

static void print_row(const struct row *r)
{
	const char *path = r->cg.path;
	size_t length = strlen(path);
	char coverage[16] = "-";

	/* The end tells more. */
	if (length > 24)
		path += length - 24;
	if (r->memory.anon > 0) {
		uint64_t percent = reported(r) * 100 / (uint64_t)r->memory.anon;

		snprintf(coverage, sizeof(coverage), "%u %%",
			 percent > 100 ? 100 : (unsigned int)percent);
	}
	printf("%-24s | %5llu %9s %9s %9s | %9s %9s %9s %5s %6llu | %9s %8s %11s\n", path,
	       r->totals.tasks, ms_size(ms_totals_state(&r->totals, MEMSTATE_RESERVED)),
	       ms_size(ms_totals_state(&r->totals, MEMSTATE_PREPARED)),
	       ms_size(ms_totals_state(&r->totals, MEMSTATE_READY)),
	       ms_size(r->limit.charged), ms_limit_size(r->limit.high),
	       ms_limit_size(r->limit.max), ms_pressure_name(r->limit.pressure),
	       r->limit.events[MEMSTATE_EVENT_DENIED], size_or_dash(r->memory.anon),
	       coverage, size_or_dash(unaccounted(r)));
	ms_print_alloc(26, ms_alloc_heap(&r->alloc), &r->alloc);
}

static void add_known(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, value < 0 ? NULL : ms_json_u64((uint64_t)value));
}

static struct json_object *json_row(const struct row *r)
{
	struct json_object *o = json_object_new_object();
	struct json_object *said = json_object_new_object();
	struct json_object *enforced = json_object_new_object();
	struct json_object *observed = json_object_new_object();

	json_object_object_add(o, "path", json_object_new_string(r->cg.path));
	ms_json_add(o, "cgroup_id", r->cg.id);
	ms_json_add(said, "nr_tasks", r->totals.tasks);
	ms_json_totals(said, &r->totals);
	ms_json_alloc(said, ms_alloc_heap(&r->alloc), &r->alloc);
	json_object_object_add(o, "reported", said);
	ms_json_limit(enforced, &r->limit);
	json_object_object_add(o, "enforced", enforced);
	add_known(observed, "anon", r->memory.anon);
	add_known(observed, "file", r->memory.file);
	add_known(observed, "kernel", r->memory.kernel);
	add_known(observed, "sock", r->memory.sock);
	add_known(observed, "current", r->memory.current);
	json_object_object_add(observed, "max", r->memory.max == UINT64_MAX ? NULL :
							ms_json_u64(r->memory.max));
	json_object_object_add(o, "observed", observed);
	add_known(o, "unaccounted", unaccounted(r));
	return o;
}

/* Fill the rest of a row whose cgroup is open. */
static int row_read(struct row *r)
{
	int ret = memstate_group_totals(r->cg.fd, &r->totals, 0);

	if (memstate_group_alloc_totals(r->cg.fd, &r->alloc))
		r->alloc.nr_shards = 0;
	if (!ret)
		ret = memstate_limit_get(r->cg.fd, &r->limit);
	ms_cgroup_memory(&r->cg, &r->memory);
	return ret;
}

static int show(struct row *r, struct json_object *list)
{
	int ret = row_read(r);

	ms_cgroup_close(&r->cg);
	if (ret)
		return ms_limit_error(r->cg.dir, ret);
	if (list)
		json_object_array_add(list, json_row(r));
	else
		print_row(r);
	return 0;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	unsigned long long x = strtoull((*a)->d_name, NULL, 10);
	unsigned long long y = strtoull((*b)->d_name, NULL, 10);

	return x < y ? -1 : x > y;
}

static int is_number(const struct dirent *d)
{
	return d->d_name[0] >= '0' && d->d_name[0] <= '9';
}

/* All groups that the module knows; their paths are root's to read. */
static int show_all(struct json_object *list)
{
	struct dirent **names;
	int nr, status = 0;

	nr = scandir(SYSFS_DIR "/groups", &names, is_number, by_number);
	if (nr < 0) {
		ms_err(SYSFS_DIR "/groups: %s: is the module loaded?", strerror(errno));
		return 1;
	}
	for (int i = 0; i < nr; i++) {
		char file[512], path[PATH_MAX];
		struct row r;
		FILE *f;

		snprintf(file, sizeof(file), SYSFS_DIR "/groups/%s/path",
			 names[i]->d_name);
		f = fopen(file, "re");
		if (!f && errno == EACCES && !status) {
			ms_err("the paths of groups are root's to read; name a TARGET");
			status = 1;
		}
		if (f && fgets(path, sizeof(path), f)) {
			path[strcspn(path, "\n")] = '\0';
			/* It may go while we look. */
			if (!ms_cgroup_open(&r.cg, path) && show(&r, list))
				status = 1;
		}
		if (f)
			fclose(f);
		free(names[i]);
	}
	free(names);
	return status;
}

/**
 * ms_stat_groups() - print groups
 * @targets:	which, as ms_cgroup_find() takes them
 * @nr:		how many; 0: all that there are
 * @json:	as one document
 *
 * Return: the exit status.
 */
int ms_stat_groups(char **targets, int nr, bool json)
{
	struct json_object *doc = NULL, *list = NULL;
	int status = 0;

	if (json) {
		doc = json_object_new_object();
		list = json_object_new_array();
		json_object_object_add(doc, "groups", list);
	} else {
		print_head();
	}
	if (!nr)
		status = show_all(list);
	for (int i = 0; i < nr; i++) {
		struct row r;

		if (ms_cgroup_find("stat", targets[i], &r.cg) || show(&r, list))
			status = 1;
	}
	if (doc && ms_json_print(doc))
		status = 1;
	return status;
}
