// SPDX-License-Identifier: MIT
/*
 * Who lives in a group, and in all groups below it.
 *
 * Model
 *
 *   cgroup.procs has numbers, which may be others' by the time that one looks. A number that is
 *   new gets a pidfd, and then the lists are read once more: if it is still there, and the pidfd
 *   says that its process lives, then that process was in the list.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "tend/tend.h"

/* Groups below each other, and all of them, as far as they are looked into. */
#define DEPTH_MAX	64
#define GROUPS_MAX	16384

struct list {
	pid_t pids[TEND_PROCS];
	size_t nr;
	unsigned int groups;
};

static int by_pid(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

static void read_pids(struct list *l, int dir)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int pid;

	/* Of another namespace than ours they are 0. */
	while (f && l->nr < TEND_PROCS && fscanf(f, "%d", &pid) == 1)
		if (pid > 0)
			l->pids[l->nr++] = pid;
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}

static void read_below(struct list *l, int dir, int depth)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), child;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	read_pids(l, dir);
	while (d && depth < DEPTH_MAX && (e = readdir(d)) && l->groups < GROUPS_MAX) {
		if (e->d_type != DT_DIR || !strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		l->groups++;
		child = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (child < 0)
			continue;
		read_below(l, child, depth + 1);
		close(child);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static void read_list(struct list *l, int cgroup)
{
	size_t nr = 0;

	l->nr = 0;
	l->groups = 0;
	read_below(l, cgroup, 0);
	qsort(l->pids, l->nr, sizeof(*l->pids), by_pid);
	for (size_t i = 0; i < l->nr; i++)
		if (!nr || l->pids[nr - 1] != l->pids[i])
			l->pids[nr++] = l->pids[i];
	l->nr = nr;
}

static bool is_listed(const struct list *l, pid_t pid)
{
	return bsearch(&pid, l->pids, l->nr, sizeof(pid), by_pid);
}

static void forget(struct tend_proc *p)
{
	if (p->talk.pid)
		tend_talk_drop(&p->talk);
	close(p->pidfd);
}

/* Return: whether anybody is new. Those that have ended, or have left, are forgotten. */
static bool take_list(struct tend_procs *procs, const struct list *l)
{
	size_t nr = 0, known;
	bool new_ones = false;

	for (size_t i = 0; i < procs->nr; i++) {
		struct tend_proc *p = &procs->all[i];

		if (is_listed(l, p->pid) && tend_alive(p->pidfd))
			procs->all[nr++] = *p;
		else
			forget(p);
	}
	known = nr;
	for (size_t i = 0, k = 0; i < l->nr && nr < TEND_PROCS; i++) {
		struct tend_proc *p = &procs->all[nr];

		while (k < known && procs->all[k].pid < l->pids[i])
			k++;
		if (k < known && procs->all[k].pid == l->pids[i])
			continue;
		*p = (struct tend_proc) {
			.pid = l->pids[i], .look_at = 1, .told = MEMSTATE_UNLIMITED,
			.pidfd = (int)syscall(SYS_pidfd_open, l->pids[i], 0), .talk.fd = -1,
		};
		nr += p->pidfd >= 0;
		new_ones |= p->pidfd >= 0;
	}
	procs->nr = nr;
	return new_ones;
}

static int by_proc(const void *a, const void *b)
{
	const struct tend_proc *x = a, *y = b;

	return x->pid - y->pid;
}

/* Return: whether the group is there, and somebody in it or still to come. */
static bool is_populated(struct tend_procs *procs, int cgroup)
{
	uint64_t populated = ms_file_key(cgroup, "cgroup.events", "populated ", 1);

	if (populated == MS_FILE_UNKNOWN)
		/* The root has no such file; one that is gone has no other either. */
		return !procs->populated && !faccessat(cgroup, "cgroup.procs", F_OK, 0);
	procs->populated |= populated;
	return populated || !procs->populated;
}

/**
 * tend_procs_walk() - see who is there
 * @procs:	those that were
 * @cgroup:	the group's directory, open
 *
 * Return: false: the group is gone, or was left by all.
 */
bool tend_procs_walk(struct tend_procs *procs, int cgroup)
{
	static struct list list;
	bool there = is_populated(procs, cgroup);
	size_t nr = 0;

	read_list(&list, cgroup);
	if (take_list(procs, &list)) {
		read_list(&list, cgroup);
		for (size_t i = 0; i < procs->nr; i++) {
			struct tend_proc *p = &procs->all[i];

			if (p->looks || (is_listed(&list, p->pid) && tend_alive(p->pidfd)))
				procs->all[nr++] = *p;
			else
				forget(p);
		}
		procs->nr = nr;
		qsort(procs->all, procs->nr, sizeof(*procs->all), by_proc);
	}
	for (size_t i = 0; i < procs->nr; i++)
		procs->all[i].looks++;
	return there;
}

/**
 * tend_procs_forget() - none of them is tended any longer
 * @procs: they; what is being said is broken off
 */
void tend_procs_forget(struct tend_procs *procs)
{
	for (size_t i = 0; i < procs->nr; i++)
		forget(&procs->all[i]);
	procs->nr = 0;
}
