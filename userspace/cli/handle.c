// SPDX-License-Identifier: MIT
/*
 * Another task's descriptor of the device. It is taken from the process by
 * pidfd_getfd(), where the kernel asks whether we might as well trace it. A process may have
 * descriptors of others' books as well: inherited, or sent to it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
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

/* Is a descriptor one of its process's own books? An old module does not tell: it is. */
static bool is_its_own(pid_t pid, const char *fd)
{
	char name[NAME_MAX + 8], line[128];
	int of = pid;
	FILE *f;

	snprintf(name, sizeof(name), "fdinfo/%s", fd);
	f = ms_process_file(pid, name);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memstate-pid: %d", &of) == 1)
			break;
	if (f)
		fclose(f);
	/* vfork() makes two processes with one address space, and one's books are the other's. */
	return of == pid || (of && !syscall(SYS_kcmp, pid, of, KCMP_VM, 0, 0));
}

/* Number of a process's descriptor of its books; -errno. */
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
		    S_ISCHR(st.st_mode) && st.st_rdev == dev.st_rdev && is_its_own(pid, e->d_name))
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
 * -ENXIO: it has no descriptor of its own books; -EPERM: it may not be traced.
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
		ms_err(MS_NO_MODULE, MEMSTATE_DEVICE);
	else if (fd == -ENXIO)
		ms_err("process %d does not report: it has not opened %s", pid,
		       MEMSTATE_DEVICE);
	else if (fd == -EPERM)
		ms_err("process %d: not permitted; its ranges may be read by whoever may trace it (see ptrace_scope)",
		       pid);
	else
		ms_err("process %d: %s", pid, ms_error_text(-fd));
	return -1;
}

/**
 * ms_process_open() - be able to ask the module for a process that reports nothing
 * @pid:	the process
 * @p:		where to put it
 *
 * Return: 0; -ENOENT: the module is not loaded; -ESRCH: no such process; what open says.
 */
int ms_process_open(pid_t pid, struct ms_process_fds *p)
{
	int ret;

	p->device = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	if (p->device < 0)
		return -errno;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd >= 0)
		return 0;
	ret = -errno;
	close(p->device);
	return ret;
}

/**
 * ms_process_close() - undo ms_process_open()
 * @p: what it gave
 */
void ms_process_close(struct ms_process_fds *p)
{
	close(p->pidfd);
	close(p->device);
}
