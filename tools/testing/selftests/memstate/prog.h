/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Programs with nothing of ours in them, which do what they are told, and OBSERVE. */
#ifndef PROG_H
#define PROG_H

#include <libgen.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "cgroup.h"

/* A program that is told what to do. */
struct prog {
	pid_t pid;
	int to;
	int from;
};

static inline const char *prog_path(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	path[n > 0 ? n : 0] = '\0';
	dirname(path);
	return strcat(path, "/observe_prog");
}

/* @before: what it does before it is that program; false: it ends. */
static inline struct prog prog_start_after(const char *cgroup, bool (*before)(const void *arg),
					   const void *arg)
{
	struct prog p = { .pid = -1 };
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return p;
	p.pid = fork();
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!cg_enter(cgroup) || dup2(in[0], 0) || dup2(out[1], 1) != 1)
			_exit(101);
		/* Who waits for the program is not to keep its input open. */
		close(in[1]);
		close(out[0]);
		if (before && !before(arg))
			_exit(103);
		execl(prog_path(), "observe_prog", NULL);
		_exit(102);
	}
	close(in[0]);
	close(out[1]);
	p.to = in[1];
	p.from = out[0];
	return p;
}

static inline struct prog prog_start(const char *cgroup)
{
	return prog_start_after(cgroup, NULL, NULL);
}

static inline bool prog_tell(const struct prog *p, char what, unsigned long kib)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%c %ld\n", what, (long)kib);

	return write(p->to, line, n) == n;
}

/* -1: it does not answer any more. */
static inline long prog_answer(const struct prog *p)
{
	char line[64];
	ssize_t n = read(p->from, line, sizeof(line) - 1);

	if (n <= 0)
		return -1;
	line[n] = '\0';
	return atol(line);
}

static inline bool prog_has_answered(const struct prog *p)
{
	struct pollfd f = { .fd = p->from, .events = POLLIN };

	return poll(&f, 1, 0) == 1;
}

static inline long prog_do(const struct prog *p, char what, unsigned long kib)
{
	return prog_tell(p, what, kib) ? prog_answer(p) : -1;
}

/* It ends by itself: 0. */
static inline int prog_end(struct prog *p)
{
	int status = -1;

	close(p->to);
	close(p->from);
	if (waitpid(p->pid, &status, 0) != p->pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static inline int observe(int dev, int cg, u32 set, u32 on, u32 overcommit,
		   struct memstate_observe *out)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg,
		.set = set, .on = on, .overcommit = overcommit };
	int ret = dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w);

	if (out)
		*out = w;
	return ret;
}

static inline int observe_set_trust(int dev, int cg, u32 trust)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg,
		.set = MEMSTATE_OBSERVE_TRUST, .trust = trust };

	return dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w);
}

static inline struct memstate_observe observed(int dev, int cg)
{
	struct memstate_observe w;

	if (observe(dev, cg, 0, 0, 0, &w))
		memset(&w, 0xff, sizeof(w));
	return w;
}

static inline int pidfd_of(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

/* One process, by a pidfd. */
static inline int observe_one(int dev, int fd, struct memstate_observe *out)
{
	*out = (struct memstate_observe) {
		.size = sizeof(*out), .scope = MEMSTATE_SCOPE_PROCESS, .fd = fd };
	return dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, out);
}

/* LIMIT_SET as who sets a limit does, whatever runs there. */
static inline int limit_any(int dev, int cg, u32 flags, u64 max)
{
	struct memstate_limit l = {
		.size = sizeof(l), .flags = flags, .scope = MEMSTATE_SCOPE_GROUP, .fd = cg,
		.set = MEMSTATE_LIMIT_MAX, .max = max };

	return dev_ioctl(dev, MEMSTATE_IOC_LIMIT_SET, &l);
}

/* What all below may commit. */
static inline int commit_max(int dev, int cg, u64 max)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg,
		.set = MEMSTATE_OBSERVE_COMMIT_MAX, .commit_max = max };

	return dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w);
}

static inline bool can_observe(int dev)
{
	struct memstate_query q = { .size = sizeof(q) };

	return !dev_ioctl(dev, MEMSTATE_IOC_QUERY, &q) &&
	       (q.features & MEMSTATE_FEATURE_OBSERVE);
}

#endif /* PROG_H */
