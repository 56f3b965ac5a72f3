// SPDX-License-Identifier: MIT
/*
 * Another task's descriptor of the device. It is taken from the process by
 * pidfd_getfd(), where the kernel asks whether we might as well trace it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

/* Number of a descriptor of the device in another process; -errno. */
static int find_fd(pid_t pid)
{
	char path[64];
	struct dirent *e;
	struct stat dev, st;
	int fd = -ENXIO;
	DIR *dir;

	if (stat(MEMSTATE_DEVICE, &dev))
		return -ENODEV;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (fd < 0 && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (!fstatat(dirfd(dir), e->d_name, &st, 0) &&
		    S_ISCHR(st.st_mode) && st.st_rdev == dev.st_rdev)
			fd = atoi(e->d_name);
	}
	closedir(dir);
	return fd;
}

/**
 * ms_task_handle_quiet() - take a task's descriptor of the device, without a word
 * @pid: its process
 *
 * Return: a descriptor; -ESRCH: no such process; -ENODEV: the module is not loaded;
 * -ENXIO: it has the device not open; -EPERM: it may not be traced.
 */
int ms_task_handle_quiet(pid_t pid)
{
	long pidfd, fd;
	int theirs;

	if (!ms_process_exists(pid))
		return -ESRCH;
	theirs = find_fd(pid);
	if (theirs < 0)
		return theirs == -EACCES ? -EPERM : theirs;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	fd = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	theirs = errno;
	if (pidfd >= 0)
		close((int)pidfd);
	return fd < 0 ? -theirs : (int)fd;
}

/**
 * ms_task_handle() - take a task's descriptor of the device
 * @pid: its process
 *
 * Return: a descriptor, or -1 after a message.
 */
int ms_task_handle(pid_t pid)
{
	int fd = ms_task_handle_quiet(pid);

	if (fd >= 0)
		return fd;
	if (fd == -ESRCH)
		ms_err("no process %d", pid);
	else if (fd == -ENODEV)
		ms_err("%s is not there: the module is not loaded", MEMSTATE_DEVICE);
	else if (fd == -ENXIO)
		ms_err("process %d does not report: it has %s not open", pid,
		       MEMSTATE_DEVICE);
	else if (fd == -EPERM)
		ms_err("process %d: not permitted; its ranges may be read by whoever may trace it (see ptrace_scope)",
		       pid);
	else
		ms_err("process %d: %s", pid, strerror(-fd));
	return -1;
}
