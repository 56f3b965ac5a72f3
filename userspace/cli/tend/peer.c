// SPDX-License-Identifier: MIT
/*
 * A process that is spoken to, and being no more than it is.
 *
 * Model
 *
 *   A child that is about to touch what belongs to a process takes that process's user and
 *   group, loses every capability and the way to new ones, and closes all that it does not need.
 *   So there is nothing that the process could make it do that it could not do by itself.
 *
 *   Of namespaces only the one of networks is entered. Files are opened from the process's own
 *   root, by openat2, which leads out of it by no link and no two dots: that comes to the same as
 *   its mount namespace, and takes no right there. A socket is found by its file, and then
 *   connected to by that file and not by its name, which may be another's by then.
 *
 * Locking
 *
 *   None. What /proc says of a number is of the process behind the pidfd if that one lives
 *   afterwards: the number is given to nobody else before.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tend/tend.h"

/**
 * tend_alive() - does a process live?
 * @pidfd: of it
 */
bool tend_alive(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return !poll(&p, 1, 0);
}

/* The last number of a line: that of the innermost namespace. */
static pid_t last_number(const char *line)
{
	const char *last = strrchr(line, '\t');

	return last ? (pid_t)atoi(last + 1) : 0;
}

/* One line of its status; the name in it has its newlines escaped. */
static void read_line(struct tend_peer *p, const char *line)
{
	unsigned int real, effective;
	unsigned long long caught;

	if (sscanf(line, "Uid:\t%u\t%u", &real, &effective) == 2)
		p->uid = effective;
	else if (sscanf(line, "Gid:\t%u\t%u", &real, &effective) == 2)
		p->gid = effective;
	else if (!strncmp(line, "NSpid:", 6))
		p->inner = last_number(line);
	else if (sscanf(line, "SigCgt:\t%llx", &caught) == 1)
		p->catches_quit = caught >> (SIGQUIT - 1) & 1;
}

/**
 * tend_peer_read() - what the kernel says of a process
 * @p: @pid and @pidfd are known
 *
 * Context: reads nothing that the process could hold back.
 * Return: 0; -ESRCH: it has ended; what open says.
 */
int tend_peer_read(struct tend_peer *p)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", p->pid);
	f = fopen(path, "re");
	if (!f || !fgets(p->name, sizeof(p->name), f))
		*p->name = '\0';
	if (f)
		fclose(f);
	/* A newline in a name is a newline here. */
	p->name[strcspn(p->name, "\n")] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	f = fopen(path, "re");
	if (!f)
		return tend_alive(p->pidfd) ? -errno : -ESRCH;
	p->uid = (uid_t)-1;
	p->gid = (gid_t)-1;
	p->catches_quit = false;
	while (getline(&line, &size, f) > 0)
		read_line(p, line);
	free(line);
	fclose(f);
	return tend_alive(p->pidfd) && p->uid != (uid_t)-1 && p->gid != (gid_t)-1 ? 0 : -ESRCH;
}

/**
 * tend_peer_root() - a process's root directory
 * @p: the process
 *
 * Return: a descriptor to open from; -ESRCH: it has ended; what open says.
 */
int tend_peer_root(const struct tend_peer *p)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root", p->pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (tend_alive(p->pidfd))
		return fd;
	close(fd);
	return -ESRCH;
}

/* Return: 1: the process has our network, 0: another; a negative errno. */
static int same_network(const struct tend_peer *p)
{
	struct stat ours, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", p->pid);
	if (stat("/proc/self/ns/net", &ours) || stat(path, &its))
		return -errno;
	return ours.st_dev == its.st_dev && ours.st_ino == its.st_ino;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Nothing else is needed, and whoever looks into this process is to find nothing. */
static void close_all_but(const int *keep, int nr)
{
	int kept[8], from = 3;

	memcpy(kept, keep, (size_t)nr * sizeof(*keep));
	qsort(kept, (size_t)nr, sizeof(*kept), by_number);
	for (int i = 0; i < nr; i++) {
		if (kept[i] > from)
			close_range((unsigned int)from, (unsigned int)kept[i] - 1, 0);
		if (kept[i] >= from)
			from = kept[i] + 1;
	}
	close_range((unsigned int)from, ~0U, 0);
}

/* Return: 0 or a negative errno. */
static int take_ids(const struct tend_peer *p)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	getresuid(&ruid, &euid, &suid);
	getresgid(&rgid, &egid, &sgid);
	/* Whoever may not take others' has to be the same user already. */
	if (setgroups(0, NULL) && (errno != EPERM || euid != p->uid || egid != p->gid))
		return -errno;
	if (setresgid(p->gid, p->gid, p->gid) || setresuid(p->uid, p->uid, p->uid))
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	/* Also those of a user whose number is 0. */
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

/**
 * tend_peer_become() - be no more than a process is
 * @p:		the process
 * @net:	in its network, too
 * @keep:	descriptors that stay open, with those below 3
 * @nr:		how many, 8 at the most
 *
 * Context: in a child that does nothing else afterwards.
 * Return: 0; -ESRCH: it has ended; -EPERM: one may not be that.
 */
int tend_peer_become(const struct tend_peer *p, bool net, const int *keep, int nr)
{
	pid_t parent = getppid();
	int ret = net ? same_network(p) : 1;

	if (!tend_alive(p->pidfd))
		return -ESRCH;
	if (ret < 0 || (!ret && setns(p->pidfd, CLONE_NEWNET)))
		return ret < 0 ? ret : -errno;
	close_all_but(keep, nr);
	ret = take_ids(p);
	if (!ret)
		ret = drop_capabilities();
	if (!ret && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
		     prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)))
		ret = -errno;
	/* It ends with who began it; the new ids had taken that back. */
	if (!ret && getppid() != parent)
		ret = -ESRCH;
	return ret;
}

/**
 * tend_open_in() - open a file of a process
 * @root:	from tend_peer_root()
 * @path:	from there
 * @flags:	as for open; a link in the last place is not followed
 * @resolve:	RESOLVE_*, with what keeps it below @root
 *
 * Return: a descriptor, or a negative errno; -ELOOP: there is a link.
 */
int tend_open_in(int root, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = resolve | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/**
 * tend_connect_in() - connect to a process by the file of its socket
 * @root:	from tend_peer_root()
 * @path:	from there
 * @resolve:	as for tend_open_in()
 * @p:		who has to listen there
 *
 * Context: tend_peer_become() was called. It may wait for as long as the other one likes.
 * Return: a descriptor, or a negative errno; -ENOTSOCK: it is something else, or a link; -EPERM:
 * it is another's.
 */
int tend_connect_in(int root, const char *path, uint64_t resolve, const struct tend_peer *p)
{
	int file = tend_open_in(root, path, O_PATH, resolve);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct ucred cred = {};
	socklen_t size = sizeof(cred);
	int fd = -1, ret = 0;
	struct stat st;

	if (file < 0)
		return file;
	if (fstat(file, &st) || !S_ISSOCK(st.st_mode))
		ret = -ENOTSOCK;
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", file);
	if (!ret) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) ||
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size))
			ret = -errno;
		else if (cred.pid != p->pid || !tend_alive(p->pidfd))
			ret = -EPERM;
	}
	close(file);
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

/**
 * tend_send_all() - send a text whole
 * @fd:		a socket
 * @text:	the text
 * @size:	bytes of it
 *
 * Context: it may wait for as long as the other one likes. Return: 0; a negative errno.
 */
int tend_send_all(int fd, const char *text, size_t size)
{
	ssize_t n;

	for (size_t at = 0; at < size; at += (size_t)n) {
		n = send(fd, text + at, size - at, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
	}
	return 0;
}
