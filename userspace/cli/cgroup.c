// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "cgroupfs.h"
#include "cli.h"

/* Of a container's id no fewer characters than runtimes print. */
#define ID_CHARS	12

/**
 * ms_cgroup_root() - where the cgroup v2 hierarchy is mounted
 *
 * Return: the directory, or NULL.
 */
const char *ms_cgroup_root(void)
{
	static char root[PATH_MAX];
	char *line = NULL, *which, *point;
	size_t size = 0;
	FILE *f;

	if (*root)
		return root;
	f = fopen("/proc/self/mountinfo", "re");
	while (f && !*root && getline(&line, &size, f) > 0)
		if (ms_cgroupfs_mount(line, &which, &point))
			snprintf(root, sizeof(root), "%s", point);
	free(line);
	if (f)
		fclose(f);
	return *root ? root : NULL;
}

/**
 * ms_cgroup_of_pid() - the cgroup of a process
 * @pid:	process, 0: this one
 * @path:	where to put it: below the root of the hierarchy
 * @size:	room
 *
 * Return: 0; -ENOENT: no such process, or no cgroup v2.
 */
int ms_cgroup_of_pid(pid_t pid, char *path, size_t size)
{
	char process[16] = "self";

	if (pid)
		snprintf(process, sizeof(process), "%d", pid);
	return ms_cgroupfs_of(process, path, size) ? -ENOENT : 0;
}

/**
 * ms_cgroup_open() - open a cgroup by its path in the hierarchy
 * @cg:		where to put it
 * @path:	below the root of the hierarchy
 *
 * Return: 0; -ENODEV: cgroup v2 is not mounted; what open says.
 */
int ms_cgroup_open(struct ms_cgroup *cg, const char *path)
{
	const char *root = ms_cgroup_root();
	struct stat st;

	memset(cg, 0, sizeof(*cg));
	cg->fd = -1;
	if (!root)
		return -ENODEV;
	while (*path == '/')
		path++;
	snprintf(cg->path, sizeof(cg->path), "/%s", path);
	snprintf(cg->dir, sizeof(cg->dir), "%s/%s", root, path);
	cg->fd = open(cg->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cg->fd < 0 || fstat(cg->fd, &st))
		return -errno;
	cg->id = st.st_ino;
	return 0;
}

/**
 * ms_cgroup_close() - close it
 * @cg: from ms_cgroup_open() or ms_cgroup_find()
 */
void ms_cgroup_close(struct ms_cgroup *cg)
{
	if (cg->fd >= 0)
		close(cg->fd);
	cg->fd = -1;
}

/* ---- containers: runtimes put the id into the name of the cgroup -------------------- */

static struct {
	const char *id;
	char found[PATH_MAX];
	int nr;
} search;

/**
 * ms_cgroup_names_container() - whether a cgroup is named after a container
 * @name:	last part of its path: libpod-0123456789ab….scope, docker-….scope,
 *		cri-containerd-….scope, the id alone; or a unit's name
 * @id:		name or id of the container, of an id the beginning will do; or the same
 *
 * Return: whether it is.
 */
bool ms_cgroup_names_container(const char *name, const char *id)
{
	size_t n = strlen(id), length = strlen(name);
	const char *dash;

	if (!strcmp(name, id))
		return true;
	if (length > 6 && !strcmp(name + length - 6, ".scope"))
		length -= 6;
	if (length == n && !strncmp(name, id, n))
		return true;
	for (dash = strchr(name, '-'); dash; dash = strchr(dash + 1, '-')) {
		size_t rest = length - (size_t)(dash + 1 - name);

		if (!strncmp(dash + 1, id, n) &&
		    (rest == n || (n >= ID_CHARS && rest > n)))
			return true;
	}
	return n >= ID_CHARS && !strncmp(name, id, n);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type != FTW_D || !ms_cgroup_names_container(path + ftw->base, search.id))
		return FTW_CONTINUE;
	search.nr++;
	snprintf(search.found, sizeof(search.found), "%s",
		 path + strlen(ms_cgroup_root()));
	/* What lies below belongs to it. */
	return FTW_SKIP_SUBTREE;
}

static int find_container(const char *id, char *path, size_t size)
{
	memset(&search, 0, sizeof(search));
	search.id = id;
	nftw(ms_cgroup_root(), visit, 32, FTW_PHYS | FTW_ACTIONRETVAL);
	search.id = NULL;
	if (search.nr == 1)
		snprintf(path, size, "%s", search.found);
	return search.nr;
}

/* "/sys/fs/cgroup/a/b" as "/a/b", anything else as it is. */
static const char *below_root(const char *path)
{
	const char *root = ms_cgroup_root();
	size_t n = strlen(root);

	return !strncmp(path, root, n) && (path[n] == '/' || !path[n]) ? path + n : path;
}

/* A container by name or id, or a unit of systemd, which may come without its ".service". */
static int find_named(const char *target, char *path, size_t size)
{
	char unit[NAME_MAX + 1];
	int nr = find_container(target, path, size);

	if (nr || strchr(target, '.') ||
	    snprintf(unit, sizeof(unit), "%s.service", target) >= (int)sizeof(unit))
		return nr;
	return find_container(unit, path, size);
}

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Return: 0; -1 after a message. */
static int find_pid(const char *target, char *path, size_t size)
{
	char old[PATH_MAX];
	pid_t pid = (pid_t)atoi(target);

	if (ms_cgroup_of_pid(pid, path, size)) {
		if (kill(pid, 0) && errno == ESRCH)
			ms_err("no process %s", target);
		else
			ms_err("process %s is in no cgroup that is to be seen from here", target);
		return -1;
	}
	if (!strcmp(path, "/") && ms_cgroup_v1_of_pid(pid, old, sizeof(old))) {
		ms_err("process %s is limited by cgroup version 1 (memory:%s), and in no cgroup of version 2 but the root",
		       target, old);
		ms_cgroup_v1_explain();
		return -1;
	}
	return 0;
}

/**
 * ms_cgroup_find() - find a cgroup as an administrator names it
 * @command:	name of the command, for messages
 * @target:	a directory of cgroupfs, a path in the hierarchy, a process id, the name or
 *		id of a container, or a unit of systemd
 * @cg:		where to put it
 *
 * Return: 0; -1 after a message.
 */
int ms_cgroup_find(const char *command, const char *target, struct ms_cgroup *cg)
{
	char path[PATH_MAX];
	int ret;

	(void)command;
	if (!ms_cgroup_root()) {
		ms_err("no cgroup v2 hierarchy is mounted");
		ms_cgroup_v1_explain();
		return -1;
	}
	ret = ms_cgroup_open(cg, below_root(target));
	if (!ret)
		return 0;
	if (ret != -ENOENT && ret != -ENOTDIR) {
		ms_err("%s: %s", cg->dir, ms_error_text(-ret));
		return -1;
	}
	if (all_digits(target)) {
		if (find_pid(target, path, sizeof(path)))
			return -1;
	} else {
		int nr = strchr(target, '/') ? -1 : find_named(target, path, sizeof(path));

		if (nr != 1) {
			ms_err(nr < 0 ? "%s: no such cgroup" :
			       nr ? "%s: more than one cgroup has this name; give its path" :
				    "%s: neither a cgroup, nor a process id, nor a container or unit that runs",
			       target);
			/* It may be there, and only of the other kind. */
			if (nr < 1 && ms_cgroup_v1_is_mounted())
				ms_err("limits are of cgroups of version 2 alone; %s",
				       ms_cgroup_v1_advice());
			return -1;
		}
	}
	ret = ms_cgroup_open(cg, path);
	if (ret)
		ms_err("%s: %s", cg->dir, ms_error_text(-ret));
	return ret ? -1 : 0;
}

/**
 * ms_cgroup_is_whole() - is it the root, and was not called so?
 * @cg:		from ms_cgroup_find()
 * @target:	as it was given
 *
 * What holds there holds for the whole machine, which a process's id does not say.
 *
 * Return: true, after a message.
 */
bool ms_cgroup_is_whole(const struct ms_cgroup *cg, const char *target)
{
	if (strcmp(cg->path, "/") || !all_digits(target))
		return false;
	ms_err("process %s is in the root cgroup, and what is set there holds for the whole machine; name '/' if that is meant",
	       target);
	return true;
}

/* ---- what the kernel counts ---------------------------------------------------------- */

static int64_t read_number(const struct ms_cgroup *cg, const char *name)
{
	char path[3 * PATH_MAX], text[64];
	int64_t value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", cg->dir, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fgets(text, sizeof(text), f) && *text >= '0' && *text <= '9')
		value = strtoll(text, NULL, 10);
	fclose(f);
	return value;
}

/**
 * ms_cgroup_memory() - the memory controller's figures
 * @cg:	the cgroup
 * @m:	where to put them; -1 where the controller is not enabled
 */
void ms_cgroup_memory(const struct ms_cgroup *cg, struct ms_cgroup_memory *m)
{
	char path[3 * PATH_MAX], name[64];
	int64_t value, max;
	FILE *f;

	*m = (struct ms_cgroup_memory) {
		.anon = -1, .file = -1, .shmem = -1, .kernel = -1, .sock = -1,
		.max = UINT64_MAX,
	};
	m->current = read_number(cg, "memory.current");
	m->swap = read_number(cg, "memory.swap.current");
	max = read_number(cg, "memory.max");
	if (max >= 0)
		m->max = (uint64_t)max;
	snprintf(path, sizeof(path), "%s/memory.stat", cg->dir);
	f = fopen(path, "re");
	while (f && fscanf(f, "%63s %" SCNd64, name, &value) == 2) {
		if (!strcmp(name, "anon"))
			m->anon = value;
		else if (!strcmp(name, "file"))
			m->file = value;
		else if (!strcmp(name, "shmem"))
			m->shmem = value;
		else if (!strcmp(name, "kernel"))
			m->kernel = value;
		else if (!strcmp(name, "sock"))
			m->sock = value;
	}
	if (f)
		fclose(f);
}

/**
 * ms_cgroup_uncounted() - what counts in memory.max, and not in max
 * @m: from ms_cgroup_memory()
 *
 * Return: bytes of shared memory and of the kernel's own, as far as they are known.
 */
uint64_t ms_cgroup_uncounted(const struct ms_cgroup_memory *m)
{
	const int64_t uncounted[] = { m->shmem, m->kernel, m->sock };
	uint64_t sum = 0;

	for (int i = 0; i < 3; i++)
		sum += uncounted[i] > 0 ? (uint64_t)uncounted[i] : 0;
	return sum;
}

/**
 * ms_room_beside() - how much memory.max is to be above max
 * @max: it, bytes
 *
 * For what is not counted later: those who look around in a full group, page tables, the pages of
 * a child that it writes to.
 *
 * Return: bytes, with nothing for what is not counted now.
 */
uint64_t ms_room_beside(uint64_t max)
{
	const uint64_t least = (uint64_t)16 << 20;

	return max / 8 > least ? max / 8 : least;
}
