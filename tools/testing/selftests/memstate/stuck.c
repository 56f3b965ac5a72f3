// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Books that are to be compared with mappings which nobody can look at. */
#include <signal.h>
#include <sys/syscall.h>

#include "stuck.h"
#include "harness.h"

#define PAGES	2048UL

FIXTURE(stuck) {
	pid_t owner;
	int fd;		/* bound to his books */
};

/* Books with more unmappings waiting than the queue holds; then he is stuck. */
static void own(int say)
{
	struct memstate_query q = { .size = sizeof(q) };
	struct dev d;
	char *mem = anon(PAGES * PAGE);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dev_open(&d, 64) || dev_ioctl(d.fd, MEMSTATE_IOC_QUERY, &q) ||
	    dev_apply1(&d, REC((uintptr_t)mem, PAGES * PAGE, MEMSTATE_NONE, MEMSTATE_READY,
			       0, 0)))
		_exit(1);
	for (unsigned long i = 0; i < 2 * q.unmaps_max && 2 * i < PAGES; i++)
		munmap(mem + 2 * i * PAGE, PAGE);
	if (write(say, &d.fd, sizeof(d.fd)) != sizeof(d.fd))
		_exit(2);
	stuck();
	perror("no page that does not answer");
	_exit(77);
}

FIXTURE_SETUP(stuck)
{
	int say[2], theirs, pidfd;

	ASSERT_EQ(0, pipe(say));
	self->owner = fork();
	if (!self->owner)
		own(say[1]);
	close(say[1]);
	ASSERT_EQ(sizeof(theirs), read(say[0], &theirs, sizeof(theirs)));
	close(say[0]);
	while (!is_stuck(self->owner)) {
		int status;

		if (waitpid(self->owner, &status, WNOHANG) == self->owner) {
			self->owner = 0;
			SKIP(return, "there is no such way here: no fuse");
		}
		usleep(SOON_PAUSE_US);
	}
	pidfd = syscall(SYS_pidfd_open, self->owner, 0);
	self->fd = syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
	close(pidfd);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN(stuck)
{
	if (!self->owner)
		return;
	kill(self->owner, SIGKILL);
	join(self->owner);
	close(self->fd);
	EXPECT_TRUE(wait_for_tasks(0));
}

/* A child that comes to its end, with success. */
static bool ends(pid_t pid)
{
	int status = -1;

	return soon(waitpid(pid, &status, WNOHANG) == pid) && !status;
}

TEST_F(stuck, readers_take_the_books_as_they_are)
{
	pid_t child = fork();

	if (!child) {
		struct memstate_get_totals t = { .size = sizeof(t) };
		uint32_t nr;

		for (t.scope = MEMSTATE_SCOPE_TASK; t.scope <= MEMSTATE_SCOPE_SYSTEM; t.scope++) {
			if (dev_ioctl(self->fd, MEMSTATE_IOC_TOTALS, &t))
				_exit(1);
			if (t.flags != MEMSTATE_TOTALS_PARTIAL)
				_exit(2);
			if (t.scope == MEMSTATE_SCOPE_TASK && t.totals.resyncs)
				_exit(3);
		}
		if (sysfs_value("ready") <= 0 || !dev_ranges(self->fd, &nr))
			_exit(4);
		_exit(0);
	}
	EXPECT_TRUE(ends(child));
}

/* What needs the mappings waits, and holds up nobody. */
TEST_F(stuck, audit_waits_with_the_books_closed_and_can_be_killed)
{
	struct memstate_get_totals t = { .size = sizeof(t) };
	pid_t audit = fork();

	if (!audit) {
		struct memstate_finding f[4];
		struct memstate_audit a = { .size = sizeof(a), .findings = (uintptr_t)f,
					    .nr = 4 };

		_exit(dev_ioctl(self->fd, MEMSTATE_IOC_AUDIT, &a) ? 1 : 0);
	}
	EXPECT_TRUE(soon(task_file_has(audit, audit, "stack", "ms_mappings_wait")));
	EXPECT_EQ(0, dev_ioctl(self->fd, MEMSTATE_IOC_TOTALS, &t));
	kill(audit, SIGKILL);
	EXPECT_EQ(SIGKILL, join(audit));
}

TEST_HARNESS_MAIN
