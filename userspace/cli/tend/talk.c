// SPDX-License-Identifier: MIT
/* A child that talks to one process, for so long at the most. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tend/tend.h"

#define MIB	((uint64_t)1 << 20)

/**
 * tend_say() - the result of a talk
 * @r:		where to put it
 * @verdict:	what has become of it
 * @format:	as printf: what is to be said; empty: nothing
 */
void tend_say(struct tend_result *r, enum tend_verdict verdict, const char *format, ...)
{
	va_list args;

	r->verdict = verdict;
	va_start(args, format);
	vsnprintf(r->text, sizeof(r->text), format, args);
	va_end(args);
}

/**
 * tend_ours() - a value that is known again
 * @bytes: as much as it may be
 *
 * Return: the next lower that ends in a byte less than a MiB, as no user sets one; 0: it is too
 * small for that.
 */
uint64_t tend_ours(uint64_t bytes)
{
	return bytes < 2 * MIB ? 0 : bytes / MIB * MIB - 1;
}

/**
 * tend_is_ours() - was a value set here?
 * @bytes: the value
 */
bool tend_is_ours(uint64_t bytes)
{
	return bytes % MIB == MIB - 1;
}

static _Noreturn void talk(const struct tend_tongue *tongue, struct tend_peer *p,
			   const struct tend_word *w)
{
	struct tend_result r = { .found = w->found };
	sigset_t none;
	int ret;

	/* Nobody looks into it, whosever it will be. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	ret = tend_peer_read(p);
	if (ret)
		tend_say(&r, ret == -ESRCH ? TEND_OTHER : TEND_FAILED, "%s", strerror(-ret));
	else if (!tongue->speaks(p))
		tend_say(&r, TEND_OTHER, "%s", "");
	else
		tongue->tell(p, w, &r);
	_exit(write(w->talk_fd, &r, sizeof(r)) == sizeof(r) ? 0 : 1);
}

/**
 * tend_talk_begin() - begin a talk
 * @t:		where to put it; there is none
 * @tongue:	in this language
 * @p:		to this process: @pid and @pidfd are known
 * @w:		of this
 * @end:	when it has to have ended, ms
 *
 * Return: 0 or a negative errno.
 */
int tend_talk_begin(struct tend_talk *t, const struct tend_tongue *tongue, struct tend_peer p,
		    struct tend_word w, int64_t end)
{
	int fds[2], ret;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	*t = (struct tend_talk) { .pid = fork(), .fd = fds[0], .end = end };
	if (!t->pid) {
		close(fds[0]);
		w.talk_fd = fds[1];
		talk(tongue, &p, &w);
	}
	ret = -errno;
	close(fds[1]);
	/* Nobody has waited for it yet: the number is its own. */
	t->pidfd = t->pid > 0 ? (int)syscall(SYS_pidfd_open, t->pid, 0) : -1;
	if (t->pidfd >= 0)
		return 0;
	if (t->pid > 0) {
		ret = -errno;
		kill(t->pid, SIGKILL);
	}
	close(fds[0]);
	t->pid = 0;
	return ret;
}

/**
 * tend_talk_kill() - it has taken too long
 * @t: the talk; its end is still to come
 */
void tend_talk_kill(struct tend_talk *t)
{
	syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL, NULL, 0);
	t->end = INT64_MAX;
}

/**
 * tend_talk_drop() - forget a talk; whoever is at it ends
 * @t: the talk
 */
void tend_talk_drop(struct tend_talk *t)
{
	tend_talk_kill(t);
	close(t->pidfd);
	close(t->fd);
	*t = (struct tend_talk) { .fd = -1 };
}

/**
 * tend_talk_end() - take the result, if there is one
 * @t: the talk
 * @r: out
 *
 * Return: false: it goes on.
 */
bool tend_talk_end(struct tend_talk *t, struct tend_result *r)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	bool killed = t->end == INT64_MAX;
	ssize_t n;

	if (!poll(&p, 1, 0))
		return false;
	n = read(t->fd, r, sizeof(*r));
	r->text[sizeof(r->text) - 1] = '\0';
	if (n != sizeof(*r))
		*r = (struct tend_result) { .verdict = TEND_FAILED };
	if (n != sizeof(*r))
		tend_say(r, TEND_FAILED, killed ? "it did not answer in time" :
						  "who spoke to it was ended");
	tend_talk_drop(t);
	return true;
}

/**
 * tend_talk_reap() - wait for those whose talks have ended
 *
 * Context: now and then. None of them is known by its number any more.
 */
void tend_talk_reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}
