// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"
#include "outside.h"
#include "world.h"

#define GROUPS_MAX	1024

/* Wait until something holds. Returns whether it does. */
bool soon_within(int seconds, bool (*holds)(char *why, size_t bytes), char *why, size_t bytes)
{
	time_t until = time(NULL) + seconds;

	while (!holds(why, bytes)) {
		if (time(NULL) > until)
			return false;
		usleep(10000);
	}
	return true;
}

static void for_each(const char *path,
		     void (*what)(const char *path, const char *name, void *arg), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			what(path, e->d_name, arg);
	if (dir)
		closedir(dir);
}

/* ---- before ------------------------------------------------------------------- */

static void unlimit(const char *path, const char *name, void *arg)
{
	char file[256];

	snprintf(file, sizeof(file), "%s%s/max", path, name);
	write_text(file, "max");
	snprintf(file, sizeof(file), "%s%s/high", path, name);
	write_text(file, "max");
}

static void unobserve(const char *path, const char *name, void *arg)
{
	char file[256];

	snprintf(file, sizeof(file), "%s%s/observe", path, name);
	write_text(file, "0");
}

static void give(const char *cgroup, uid_t uid)
{
	static const char *const files[] = { "", "/cgroup.procs", "/cgroup.subtree_control" };
	char path[128];
	u32 i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), CGROUP "%s%s", cgroup, files[i]);
		if (chown(path, uid, uid))
			break;
	}
}

/*
 * Cgroups as they are in the beginning, and no limits. Returns 0, or -1 where there are no
 * cgroups.
 */
int world_prepare(void)
{
	char path[128];
	u32 i;

	mkdir(CGROUP, 0755);
	for (i = 0; i < CGROUPS_OURS; i++) {
		snprintf(path, sizeof(path), CGROUP "%s", cgroups[i]);
		if (mkdir(path, 0755) && errno != EEXIST)
			return -1;
		if (i >= CGROUPS_DELEGATED)
			give(cgroups[i], FIRST_USER);
	}
	for_each(SYSFS "groups/", unlimit, NULL);
	return 0;
}

/* Take them all away; they are empty. */
void world_remove_cgroups(void)
{
	char path[128];
	u32 i;

	for (i = CGROUPS_OURS; i--;) {
		snprintf(path, sizeof(path), CGROUP "%s", cgroups[i]);
		rmdir(path);
	}
}

/* All processes of the round, wherever they have gone. */
void world_kill_all(void)
{
	write_text(CGROUP "cgroup.kill", "1");
}

/* ---- at rest ------------------------------------------------------------------- */

struct living {
	u64 ids[GROUPS_MAX];
	u32 nr;
};

static void note_cgroup(const char *path, const char *name, void *arg)
{
	struct living *living = arg;
	char below[256];
	struct stat st;

	snprintf(below, sizeof(below), "%s%s/", path, name);
	if (stat(below, &st) || !S_ISDIR(st.st_mode) || living->nr == GROUPS_MAX)
		return;
	living->ids[living->nr++] = st.st_ino;
	for_each(below, note_cgroup, living);
}

struct verdict {
	struct living living;
	char *why;
	size_t bytes;
	bool good;
};

static void wrong(struct verdict *v, const char *what, const char *name)
{
	v->good = false;
	snprintf(v->why, v->bytes, "%s %s", what, name);
}

static u64 value_of(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long value = 0;

	if (f && fscanf(f, "%llu", &value) != 1)
		value = 0;
	if (f)
		fclose(f);
	return value;
}

static void look_at_group(const char *path, const char *name, void *arg)
{
	struct verdict *v = arg;
	u64 id = strtoull(name, NULL, 10);
	char file[256];
	u32 i;

	for (i = 0; i < v->living.nr && v->living.ids[i] != id; i++)
		;
	if (i == v->living.nr && id != 1)
		wrong(v, "there is a group of a cgroup that is gone:", name);
	snprintf(file, sizeof(file), "%s%s/charged", path, name);
	if (value_of(file))
		wrong(v, "without tasks there is a charge in group", name);
}

static void look_at_task(const char *path, const char *name, void *arg)
{
	wrong(arg, "without processes there is a task", name);
}

/* Is nobody there, and nothing of theirs? Returns whether. */
bool world_is_at_rest(char *why, size_t bytes)
{
	static const char *const totals[] = { "nr_tasks", "charged", "ready", "reserved", "prepared",
		"reserved_lazy", "prepared_lazy", "ready_direct", "ranges", "inherited", "breached" };
	static struct verdict v;
	char path[128];
	u32 i;

	/* There are others on the machine, whom the root's group would know. */
	for_each(SYSFS "groups/", unobserve, NULL);
	v = (struct verdict) { .why = why, .bytes = bytes, .good = true };
	for (i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		snprintf(path, sizeof(path), SYSFS "%s", totals[i]);
		if (value_of(path))
			wrong(&v, "without processes this total is not zero:", totals[i]);
	}
	for_each(CGROUPS, note_cgroup, &v.living);
	for_each(SYSFS "groups/", look_at_group, &v);
	for_each(SYSFS "tasks/", look_at_task, &v);
	return v.good;
}
