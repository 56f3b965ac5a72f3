// SPDX-License-Identifier: MIT
/* What the kernel says: a process's cgroup v2 directory, and what is in it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroupfs.h"
#include "oci.h"

/* ---- the directory ----------------------------------------------------------- */

/* What of @path lies below @root: "" or "/...", NULL: nothing. */
static const char *below(const char *path, const char *root)
{
	size_t n = strlen(root);

	if (!strcmp(root, "/"))
		return path;
	if (strncmp(path, root, n) || (path[n] && path[n] != '/'))
		return NULL;
	return path + n;
}

static int open_cgroup2(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	/* Something else may be mounted there. */
	if (fstatfs(fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* The first mount in which the path can be opened. */
static int find_directory(const char *path, struct ms_oci_cgroup *cgroup,
			  char *why)
{
	FILE *in = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *root, *point;
	bool mounted = false;
	size_t room = 0;

	if (!in) {
		snprintf(why, MS_OCI_WHY_MAX, "/proc/self/mountinfo: %s",
			 strerror(errno));
		return -errno;
	}
	while (cgroup->fd < 0 && getline(&line, &room, in) > 0) {
		const char *rest;

		if (!ms_cgroupfs_mount(line, &root, &point))
			continue;
		mounted = true;
		rest = below(path, root);
		if (!rest ||
		    snprintf(cgroup->path, sizeof(cgroup->path), "%s%s", point,
			     rest) >= (int)sizeof(cgroup->path))
			continue;
		cgroup->fd = open_cgroup2(cgroup->path);
	}
	free(line);
	fclose(in);
	if (cgroup->fd >= 0)
		return 0;
	snprintf(
		why, MS_OCI_WHY_MAX,
		mounted ? "cgroup %s: its directory is in no mount of cgroup v2"
			: "cgroup %s: cgroup v2 is not mounted",
		path);
	return mounted ? -ENOENT : MS_OCI_MISSING;
}

/* Where only root makes cgroups. */
static const char users_way[] =
	": as a user, crun makes one by the user's systemd only, runc in any cgroup that is his; "
	"'memstate run --max SIZE -- ...' limits the engine with all that it starts";

/* Is root here somebody else outside? An engine that a user has started is. */
static bool is_a_users(void)
{
	unsigned long long here, there, count;
	FILE *in = fopen("/proc/self/uid_map", "re");
	int got = in ? fscanf(in, "%llu %llu %llu", &here, &there, &count) : 0;

	if (in)
		fclose(in);
	return got == 3 && (here || there || count != 0xffffffffULL);
}

/**
 * ms_oci_cgroup_open() - open the cgroup v2 directory of a process
 * @pid:	the process
 * @cgroup:	the directory; the descriptor is the caller's
 * @why:	MS_OCI_WHY_MAX bytes, why there is none
 *
 * The root cgroup, and the one that the caller is in himself, are not a container's:
 * a limit there would hit others.
 *
 * Context: any. Return: 0; MS_OCI_MISSING: there is no cgroup v2, or none for this
 * process; a negative errno; see @why.
 */
int ms_oci_cgroup_open(pid_t pid, struct ms_oci_cgroup *cgroup, char *why)
{
	char path[PATH_MAX] = "", own[PATH_MAX] = "", process[16];
	int ret;

	cgroup->fd = -1;
	snprintf(process, sizeof(process), "%d", (int)pid);
	ret = ms_cgroupfs_of(process, path, sizeof(path));
	if (ret == -ENOENT)
		ret = -ESRCH;
	if (ret < 0) {
		snprintf(why, MS_OCI_WHY_MAX, "process %d: %s", (int)pid,
			 strerror(-ret));
		return ret;
	}
	if (ret) {
		snprintf(why, MS_OCI_WHY_MAX,
			 "process %d: it is in no cgroup v2", (int)pid);
		return ret;
	}
	if (!strncmp(path, "/..", 3) && (!path[3] || path[3] == '/')) {
		snprintf(why, MS_OCI_WHY_MAX,
			 "cgroup %s: lies outside of the cgroup namespace",
			 path);
		return -ENOENT;
	}
	if (!strcmp(path, "/") ||
	    (!ms_cgroupfs_of("self", own, sizeof(own)) && !strcmp(path, own))) {
		snprintf(
			why, MS_OCI_WHY_MAX,
			"process %d: it has no cgroup v2 of its own but is in %s%s",
			(int)pid, path, is_a_users() ? users_way : "");
		return MS_OCI_MISSING;
	}
	return find_directory(path, cgroup, why);
}

/* ---- its files ------------------------------------------------------------------ */

/* A file's text. Return: 0; -ENOENT: the controller is not on; a negative errno. */
static int read_file(const struct ms_oci_cgroup *cgroup, const char *name,
		     char *text, size_t size, char *why)
{
	int fd = openat(cgroup->fd, name, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = -1;
	int error;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd >= 0) {
		do {
			n = read(fd, text + length, size - 1 - length);
			length += n > 0 ? (size_t)n : 0;
		} while (n > 0);
		error = errno;
		close(fd);
		errno = error;
	}
	if (n < 0) {
		error = errno;
		snprintf(why, MS_OCI_WHY_MAX, "%s/%s: %s", cgroup->path, name,
			 strerror(error));
		return -error;
	}
	text[length] = '\0';
	return 0;
}

/**
 * ms_oci_cgroup_max() - read a cgroup's memory limit
 * @cgroup:	the cgroup
 * @max:	bytes; MEMSTATE_UNLIMITED: it has none, or no memory controller
 * @why:	MS_OCI_WHY_MAX bytes, why it cannot be read
 *
 * Context: any. Return: 0 or a negative errno, see @why.
 */
int ms_oci_cgroup_max(const struct ms_oci_cgroup *cgroup, uint64_t *max,
		      char *why)
{
	unsigned long long value;
	char text[64], *end;
	int ret;

	*max = MEMSTATE_UNLIMITED;
	ret = read_file(cgroup, "memory.max", text, sizeof(text), why);
	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	text[strcspn(text, "\n")] = '\0';
	if (!strcmp(text, "max"))
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end) {
		snprintf(why, MS_OCI_WHY_MAX,
			 "%s/memory.max: '%s' is not a size", cgroup->path,
			 text);
		return -EINVAL;
	}
	*max = value;
	return 0;
}

/* A value of memory.stat, 0 where this kernel has none of that name. */
static uint64_t stat_value(const char *text, const char *name)
{
	size_t n = strlen(name);

	while (text) {
		if (!strncmp(text, name, n) && text[n] == ' ')
			return strtoull(text + n, NULL, 10);
		text = strchr(text, '\n');
		text += !!text;
	}
	return 0;
}

/**
 * ms_oci_cgroup_usage() - read what a cgroup's memory is
 * @cgroup:	the cgroup
 * @figures:	file, kernel and sock are set: 0 without a memory controller
 * @why:	MS_OCI_WHY_MAX bytes, why it cannot be read
 *
 * Context: any. Return: 0 or a negative errno, see @why.
 */
int ms_oci_cgroup_usage(const struct ms_oci_cgroup *cgroup,
			struct ms_oci_figures *figures, char *why)
{
	char text[8192] = "";
	int ret = read_file(cgroup, "memory.stat", text, sizeof(text), why);

	if (ret && ret != -ENOENT)
		return ret;
	figures->file = stat_value(text, "file");
	figures->kernel = stat_value(text, "kernel");
	figures->sock = stat_value(text, "sock");
	return 0;
}
