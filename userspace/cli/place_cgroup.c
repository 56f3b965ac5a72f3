// SPDX-License-Identifier: MIT
/*
 * A cgroup below one's own, for a program.
 *
 * Locking
 *
 *   Whoever has made one holds a lock (flock) on its directory for as long as it lives. One
 *   whose lock can be had was left by somebody who was killed, and goes when nobody is in it.
 *
 * Races
 *
 *   Between mkdir and flock another run may take it for such a one: then it is gone, and made
 *   again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "place.h"

#define NAME	"memstate-run-"

/* So many names are tried: others may have the same process id, in other namespaces. */
#define NAMES	64

/* Below a cgroup, those that runs have left which were killed. */
static void sweep(const char *parent)
{
	DIR *dir = opendir(parent);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		int fd;

		if (strncmp(e->d_name, NAME, strlen(NAME)))
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* Is what a descriptor is of still there, under its name? */
static bool is_there(const struct ms_cgroup *cg)
{
	struct stat now, st;

	return !stat(cg->dir, &now) && !fstat(cg->fd, &st) && now.st_ino == st.st_ino;
}

/* A new one below @parent, locked. Return: 0 or a negative errno. */
static int make_dir(struct ms_cgroup *cg, const char *parent)
{
	char path[PATH_MAX], dir[2 * PATH_MAX];
	int ret = -EEXIST;

	for (int i = 0; i < NAMES; i++) {
		if (snprintf(path, sizeof(path), "%s/" NAME "%d%s%.0d",
			     strcmp(parent, "/") ? parent : "", getpid(), i ? "." : "", i) >=
		    (int)sizeof(path))
			return -ENAMETOOLONG;
		snprintf(dir, sizeof(dir), "%s%s", ms_cgroup_root(), path);
		if (mkdir(dir, 0755)) {
			if (errno != EEXIST)
				return -errno;
			continue;
		}
		ret = ms_cgroup_open(cg, path);
		if (!ret && !flock(cg->fd, LOCK_EX | LOCK_NB) && is_there(cg))
			return 0;
		if (cg->fd >= 0)
			rmdir(dir);
		ms_cgroup_close(cg);
		ret = -EBUSY;
	}
	return ret;
}

/* Return: 0 or a negative errno, and why. */
static int set(struct ms_place *p, const struct ms_place_wish *w, char *why, size_t size)
{
	struct memstate_limit l = {
		.size = sizeof(l),
		.flags = !w->observe && w->set & MEMSTATE_LIMIT_MAX ? MEMSTATE_LIMIT_REPORTS : 0,
		.set = w->set,
		.high = w->high,
		.max = w->max,
	};
	struct memstate_observe o = {
		.size = sizeof(o),
		.set = MEMSTATE_OBSERVE_ON | (w->trust ? MEMSTATE_OBSERVE_TRUST : 0) |
		       (w->commit_max != MEMSTATE_UNLIMITED ? MEMSTATE_OBSERVE_COMMIT_MAX : 0),
		.on = 1,
		.trust = w->trust,
		.commit_max = w->commit_max != MEMSTATE_UNLIMITED ? w->commit_max : 0,
	};
	int ret = 0;

	if (w->observe) {
		ret = memstate_group_observe(p->cgroup.fd, &o);
		if (!ret && !o.enforced)
			ret = -EBUSY;
		p->observed = !ret;
		if (ret == -EOPNOTSUPP || ret == -EBUSY || ret == -ENOTTY)
			snprintf(why, size, "%s", ms_observe_why(ret));
		else if (ret)
			snprintf(why, size, "cgroup %s: %s", p->cgroup.path, strerror(-ret));
	}
	if (!ret && w->set) {
		ret = memstate_limit_apply(p->cgroup.fd, &l);
		if (ret)
			snprintf(why, size, "cgroup %s: %s", p->cgroup.path, strerror(-ret));
	}
	return ret;
}

static int cgroup_make(struct ms_place *p, const struct ms_place_wish *w, char *why, size_t size)
{
	char parent[PATH_MAX - 64], dir[2 * PATH_MAX];
	int ret;

	if (!ms_cgroup_root() || ms_cgroup_of_pid(0, parent, sizeof(parent))) {
		snprintf(why, size, "no cgroup v2 hierarchy; %s", ms_cgroup_v1_advice());
		return -ENODEV;
	}
	snprintf(dir, sizeof(dir), "%s%s", ms_cgroup_root(), parent);
	sweep(dir);
	ret = make_dir(&p->cgroup, parent);
	if (ret) {
		snprintf(why, size, "%s", strerror(-ret));
		return ret;
	}
	ret = set(p, w, why, size);
	if (ret) {
		rmdir(p->cgroup.dir);
		ms_cgroup_close(&p->cgroup);
	}
	return ret;
}

static int cgroup_enter(const struct ms_place *p)
{
	int fd = openat(p->cgroup.fd, "cgroup.procs", O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, "0", 1) != 1)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static int cgroup_limit(const struct ms_place *p, struct memstate_limit *l)
{
	return memstate_limit_get(p->cgroup.fd, l);
}

static int cgroup_seen(const struct ms_place *p, struct memstate_observe *w)
{
	return memstate_group_observe(p->cgroup.fd, w);
}

static bool cgroup_refused(const struct ms_place *p, struct ms_refusal *r)
{
	return ms_refusal_of(p->cgroup.fd, r);
}

static int cgroup_end(struct ms_place *p)
{
	sweep(p->cgroup.dir);
	if (rmdir(p->cgroup.dir) && errno != ENOENT)
		return -EBUSY;
	ms_cgroup_close(&p->cgroup);
	return 0;
}

const struct ms_place_kind ms_place_cgroup = {
	.name = "cgroup",
	.make = cgroup_make,
	.enter = cgroup_enter,
	.limit = cgroup_limit,
	.seen = cgroup_seen,
	.refused = cgroup_refused,
	.end = cgroup_end,
};
