// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What there is beside the device: cgroups, the files in sysfs and in /proc. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor.h"
#include "outside.h"

const char *const cgroups[] = { "a", "b", "a/x", "u", "u/y" };

int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret = fd < 0 ? -1 : write(fd, text, strlen(text));
	int error = errno;

	if (fd >= 0)
		close(fd);
	return ret < 0 ? -error : 0;
}

/* A descriptor of a cgroup's directory, or of something else. */
int pick_cgroup(struct run *r)
{
	static const char *const others[] = { CGROUPS, "/sys/fs", "/dev/null", CGROUP "a/cgroup.procs" };
	char path[64];

	snprintf(path, sizeof(path), CGROUP "%s", PICK(r, cgroups));
	return open(once(r, 16) ? PICK(r, others) : path, O_RDONLY | O_CLOEXEC);
}

long call_cgroup(struct run *r)
{
	char path[64];
	int n = snprintf(path, sizeof(path), CGROUP "%s", PICK(r, cgroups));

	switch (pick(r, 4)) {
	case 0:
		return result(mkdir(path, 0755));
	case 1:
		return result(rmdir(path));
	default:
		snprintf(path + n, sizeof(path) - n, "/cgroup.procs");
		return write_text(path, "0");
	}
}

/* The n-th name in a directory, without . and .. */
static bool nth(const char *path, u32 n, char *name, size_t bytes)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		if (e->d_name[0] != '.' && !n--) {
			snprintf(name, bytes, "%s", e->d_name);
			found = true;
		}
	if (dir)
		closedir(dir);
	return found;
}

static long read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[512];
	long ret;

	if (fd < 0)
		return -errno;
	while ((ret = read(fd, buffer, sizeof(buffer))) > 0)
		;
	ret = result(ret);
	close(fd);
	return ret;
}

static const char *pick_text(struct run *r)
{
	static const char *const texts[] = { "max\n", "max", "0", "4096", "64K", "1M\n", "1G", "-1", "",
					     "18446744073709551615", "99999999999999999999", "4096x" };

	return PICK(r, texts);
}

/* A file of the device's directory, however deep it lies. */
long call_sysfs(struct run *r)
{
	static const char *const starts[] = { SYSFS, SYSFS "groups/", SYSFS "tasks/", SYSFS "groups/1/" };
	char path[256], name[64];
	size_t n = snprintf(path, sizeof(path), "%s", PICK(r, starts));
	struct stat st;
	u32 depth;

	for (depth = 0; depth < 4; depth++) {
		if (stat(path, &st) || !S_ISDIR(st.st_mode) ||
		    !nth(path, pick(r, depth || n > sizeof(SYSFS) ? 40 : 24), name, sizeof(name)))
			break;
		/* Not into the bus and other devices. */
		if (!strcmp(name, "subsystem") || !strcmp(name, "power") || !strcmp(name, "uevent"))
			return -EINVAL;
		n += snprintf(path + n, sizeof(path) - n, depth ? "/%s" : "%s", name);
	}
	if (once(r, 4))
		return write_text(path, pick_text(r));
	return read_all(path);
}

/* What /proc says of a descriptor of this process, or of another of the round. */
long call_proc(struct run *r)
{
	char path[64];

	snprintf(path, sizeof(path), once(r, 4) ? "/proc/%d/smaps" : "/proc/%d/fdinfo/%d",
		 once(r, 3) ? getppid() + 1 + (int)pick(r, 8) : getpid(), actor_fd(r));
	return read_all(path);
}

long call_parameter(struct run *r)
{
	static const char *const values[] = { "0", "1", "2", "4", "16", "65536", "4294967295", "x", "-1" };
	char path[128], name[64];

	if (!nth(PARAMETERS, pick(r, 12), name, sizeof(name)))
		return -ENOENT;
	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	if (once(r, 3))
		return read_all(path);
	me.board->bounds_moved = 1;
	return write_text(path, PICK(r, values));
}
