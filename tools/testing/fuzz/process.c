// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Births and deaths, threads, descriptors that change hands. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "actor.h"
#include "coverage.h"
#include "ioctl.h"

#define CHILDREN_MAX	5
#define MATES_MAX	4

static bool may_have_child(struct run *r, u32 most)
{
	return r->depth < 2 && __atomic_fetch_add(&me.children, 1, __ATOMIC_RELAXED) < most;
}

/* A part of the program, behind this call, that another one runs. */
static struct run part(struct run *r)
{
	u32 nr = 1 + pick(r, 6);
	struct run other = { .program = r->program, .at = r->at + 1, .end = r->at + 1 + nr,
			     .depth = r->depth + 1 };

	if (other.end > r->end)
		other.end = r->end;
	return other;
}

/* A child runs the next calls, with all that is open. */
long call_fork(struct run *r)
{
	bool both = once(r, 3);
	struct run child = part(r);
	pid_t pid;

	if (!may_have_child(r, CHILDREN_MAX))
		return -EAGAIN;
	pid = fork();
	if (!pid) {
		run_calls(&child, COVERAGE_CHILD);
		_exit(0);
	}
	/* Or both do, at the same time. */
	if (!both)
		r->at = child.end - 1;
	return result(pid);
}

static void exec_self(const char *seed)
{
	char index[12];

	snprintf(index, sizeof(index), "%u", me.index);
	execl("/proc/self/exe", "fuzz", "--after-exec", index, seed, (char *)NULL);
	_exit(1);
}

struct sharer {
	u32 open;
	u32 end;
	u64 address;
	char seed[24];
};

/* Shares the address space, and perhaps has it for itself meanwhile, as after vfork(). */
static int share(void *arg)
{
	struct sharer *s = arg;
	struct memstate_setup setup = { .size = sizeof(setup) };
	struct memstate_record rec = { s->address | MEMSTATE_ANY | MEMSTATE_READY << 3, 4 };
	struct memstate_transition t = { .size = sizeof(t), .records = (u64)&rec, .nr = 1 };
	int fd = s->open & 1 ? open(MEMSTATE_DEVICE, O_RDWR) : me.fds[s->open / 2 % FDS];

	ioctl(fd, MEMSTATE_IOC_SETUP, &setup);
	ioctl(fd, MEMSTATE_IOC_TRANSITION, &t);
	if (s->end == 0)
		exec_self(s->seed);
	if (s->end == 1)
		close(fd);
	_exit(0);
}

long call_clone_vm(struct run *r)
{
	static char stacks[CHILDREN_MAX][32768] __attribute__((aligned(64)));
	static struct sharer sharers[CHILDREN_MAX];
	u32 nr = me.children;
	struct sharer *s = &sharers[nr % CHILDREN_MAX];
	int flags = CLONE_VM | SIGCHLD;

	if (!may_have_child(r, CHILDREN_MAX))
		return -EAGAIN;
	*s = (struct sharer) { .open = pick(r, 64), .end = pick(r, 6),
			       .address = pick_address(r) & -PAGE };
	snprintf(s->seed, sizeof(s->seed), "%u", pick(r, ~0U));
	flags |= once(r, 2) ? CLONE_FILES : 0;
	flags |= once(r, 3) ? 0 : CLONE_VFORK;
	return result(clone(share, stacks[nr % CHILDREN_MAX] + sizeof(stacks[0]), flags, s));
}

long call_exec(struct run *r)
{
	char seed[24];

	snprintf(seed, sizeof(seed), "%u", pick(r, ~0U));
	exec_self(seed);
	return 0;
}

static void *mate(void *arg)
{
	run_calls(arg, COVERAGE_MATE);
	return NULL;
}

/* Another thread runs the next calls, while this one goes on behind them, or with them. */
long call_mate(struct run *r)
{
	static struct run mates[MATES_MAX];
	static u32 nr_mates;
	bool both = once(r, 3);
	u32 which = __atomic_fetch_add(&nr_mates, 1, __ATOMIC_RELAXED);
	pthread_t thread;
	int ret;

	if (which >= MATES_MAX)
		return -EAGAIN;
	mates[which] = part(r);
	ret = pthread_create(&thread, NULL, mate, &mates[which]);
	if (!ret && !both)
		r->at = mates[which].end - 1;
	return -ret;
}

/* Over a socket that all processes of the round have. */
long call_send(struct run *r)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int fd = once(r, 8) ? me.epoll : actor_fd(r);

	*c = (struct cmsghdr) { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return result(sendmsg(SOCKET_FD + pick(r, 2), &message, MSG_DONTWAIT));
}

long call_receive(struct run *r)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	long ret = recvmsg(SOCKET_FD + pick(r, 2), &message, MSG_DONTWAIT);
	int fd;

	c = ret > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!c)
		return result(-1);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	actor_keep_fd(r, fd);
	return 0;
}

/* One that is caught, soon: for who waits then. Or one that nobody survives. */
long call_signal(struct run *r)
{
	struct itimerval t = { .it_value.tv_usec = 1 + pick(r, 16) * 1000 };

	if (once(r, 8))
		return result(kill(getpid(), SIGKILL));
	return result(setitimer(ITIMER_REAL, &t, NULL));
}

long call_unshare(struct run *r)
{
	static const int flags[] = { CLONE_NEWUSER, CLONE_NEWUSER | CLONE_NEWPID, CLONE_NEWCGROUP,
				     CLONE_FILES, CLONE_NEWNS };

	return result(unshare(PICK(r, flags)));
}

long call_exit(struct run *r)
{
	if (once(r, 2))
		pthread_exit(NULL);
	_exit(0);
}
