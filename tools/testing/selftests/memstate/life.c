// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Birth and death: fork, exec, exit, kill, passed descriptors, rmmod. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "device.h"
#include "harness.h"

#define RECORD(addr)	REC((addr), PAGE, MEMSTATE_ANY, MEMSTATE_READY, 0, 0)

/* A child with books of its own that waits to be told to end. */
struct child {
	pid_t pid;
	int fd;		/* its descriptor, handed over */
	int talk;
};

static void send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	sendmsg(socket, &msg, 0);
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* How the child ends, when it is told to. */
enum end { END_EXIT, END_EXEC, END_CLOSE };

static void child_main(int talk, enum end end)
{
	struct dev d;
	char byte;

	if (dev_open(&d, 64))
		_exit(1);
	for (int i = 0; i < 10; i++)
		dev_post(&d, RECORD(0x100000 + i * 2 * PAGE));
	dev_sync(&d, NULL);
	send_fd(talk, d.fd);
	if (read(talk, &byte, 1) != 1)
		_exit(2);
	if (end == END_EXEC) {
		execl("/bin/sleep", "sleep", "infinity", NULL);
		_exit(3);
	}
	if (end == END_CLOSE) {
		/* The descriptor alone does not do it, nor do the mappings. */
		close(d.fd);
		if (write(talk, "c", 1) != 1 || read(talk, &byte, 1) != 1)
			_exit(4);
		munmap(d.ring.tail, d.setup.ring_bytes);
		munmap(d.page, d.setup.totals_bytes);
		if (write(talk, "m", 1) != 1 || read(talk, &byte, 1) != 1)
			_exit(5);
	}
	_exit(0);
}

static struct child child_start(enum end end)
{
	struct child c;
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	c.pid = fork();
	if (!c.pid) {
		close(pair[0]);
		child_main(pair[1], end);
	}
	close(pair[1]);
	c.talk = pair[0];
	c.fd = receive_fd(c.talk);
	return c;
}

static void child_tell(struct child *c)
{
	if (write(c->talk, "x", 1) != 1)
		abort();
}

static void child_gone(struct child *c)
{
	waitpid(c->pid, NULL, 0);
	close(c->talk);
}

TEST(passed_descriptor_reads_and_hangs_up_when_the_task_exits)
{
	struct child c = child_start(END_EXIT);
	struct memstate_totals t;
	struct memstate_sync s = { .size = sizeof(s) };
	struct pollfd p = { .fd = c.fd };
	uint32_t nr;

	ASSERT_GE(c.fd, 0);
	t = fd_totals(c.fd, MEMSTATE_SCOPE_TASK);
	EXPECT_EQ(10 * PAGE, ms_totals_state(&t, MEMSTATE_READY));
	EXPECT_EQ(c.pid, fdinfo_value(c.fd, "memstate-pid"));
	free(dev_ranges(c.fd, &nr));
	EXPECT_EQ(10, nr);
	EXPECT_EQ(-EPERM, dev_ioctl(c.fd, MEMSTATE_IOC_SYNC, &s));
	EXPECT_EQ(0, poll(&p, 1, 0));

	child_tell(&c);
	child_gone(&c);
	EXPECT_TRUE(hangs_up(c.fd));
	t = fd_totals(c.fd, MEMSTATE_SCOPE_TASK);
	EXPECT_EQ(0, totals_all(&t));
	EXPECT_EQ(0, t.tasks);
	EXPECT_EQ(0, fdinfo_value(c.fd, "memstate-pid"));
	s = (struct memstate_sync) { .size = sizeof(s) };
	EXPECT_EQ(-ESRCH, dev_ioctl(c.fd, MEMSTATE_IOC_SYNC, &s));
	free(dev_ranges(c.fd, &nr));
	EXPECT_EQ(0, nr);
	close(c.fd);
	EXPECT_TRUE(wait_for_tasks(0));
}

TEST(gone_task_is_esrch_for_whoever_reports_or_audits)
{
	struct child c = child_start(END_EXIT);
	struct memstate_finding f;
	struct memstate_setup setup = { .size = sizeof(setup) };
	struct memstate_audit a = { .size = sizeof(a), .findings = (uintptr_t)&f,
				    .nr = 1 };
	struct memstate_record r = RECORD(0x100000);
	struct memstate_transition t = { .size = sizeof(t), .nr = 1,
					 .records = (uintptr_t)&r };

	EXPECT_EQ(0, dev_ioctl(c.fd, MEMSTATE_IOC_AUDIT, &a));
	child_tell(&c);
	child_gone(&c);
	ASSERT_TRUE(hangs_up(c.fd));
	a = (struct memstate_audit) { .size = sizeof(a), .findings = (uintptr_t)&f,
				      .nr = 1 };
	EXPECT_EQ(-ESRCH, dev_ioctl(c.fd, MEMSTATE_IOC_AUDIT, &a));
	EXPECT_EQ(-ESRCH, dev_ioctl(c.fd, MEMSTATE_IOC_SETUP, &setup));
	EXPECT_EQ(-ESRCH, dev_ioctl(c.fd, MEMSTATE_IOC_TRANSITION, &t));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, c.fd,
				   MEMSTATE_OFF_TOTALS));
	EXPECT_EQ(ESRCH, errno);
	close(c.fd);
}

TEST(exec_ends_the_books_and_the_process_lives_on)
{
	struct child c = child_start(END_EXEC);
	long long books = fdinfo_value(c.fd, "memstate-books");

	EXPECT_GT(books, 0);
	EXPECT_EQ(0, access(books_path(books), F_OK));
	EXPECT_EQ(c.pid, file_value(books_path(books), "pid"));
	child_tell(&c);
	EXPECT_TRUE(hangs_up(c.fd));
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(-1, access(books_path(books), F_OK));
	EXPECT_EQ(0, fdinfo_value(c.fd, "memstate-books"));
	EXPECT_EQ(0, sysfs_value("ready"));
	EXPECT_EQ(0, kill(c.pid, 0));
	kill(c.pid, SIGKILL);
	child_gone(&c);
	close(c.fd);
}

TEST(kill_9_leaves_nothing)
{
	struct child c[4];

	for (int i = 0; i < 4; i++)
		c[i] = child_start(END_EXIT);
	EXPECT_EQ(40 * PAGE, sysfs_value("ready"));
	EXPECT_EQ(4, sysfs_value("nr_tasks"));
	for (int i = 0; i < 4; i++)
		kill(c[i].pid, SIGKILL);
	for (int i = 0; i < 4; i++) {
		child_gone(&c[i]);
		EXPECT_TRUE(hangs_up(c[i].fd));
	}
	/* Also while others still hold the descriptors. */
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, sysfs_value("ready"));
	EXPECT_EQ(0, sysfs_value("ready_direct"));
	EXPECT_EQ(0, sysfs_value("ranges"));
	for (int i = 0; i < 4; i++)
		close(c[i].fd);
}

TEST(books_end_with_the_last_descriptor_and_mapping)
{
	struct child c = child_start(END_CLOSE);
	char byte;

	close(c.fd);
	child_tell(&c);
	ASSERT_EQ(1, read(c.talk, &byte, 1));
	EXPECT_EQ(1, sysfs_value("nr_tasks"));
	EXPECT_EQ(10 * PAGE, sysfs_value("ready"));
	child_tell(&c);
	ASSERT_EQ(1, read(c.talk, &byte, 1));
	EXPECT_TRUE(wait_for_tasks(0));
	EXPECT_EQ(0, sysfs_value("ready"));
	child_tell(&c);
	child_gone(&c);
}

TEST(two_descriptors_of_a_process_are_one_task)
{
	struct dev a, b;

	ASSERT_EQ(0, dev_open(&a, 64));
	ASSERT_EQ(0, dev_open(&b, 0));
	EXPECT_EQ(64, b.ring.entries);
	dev_post(&a, RECORD(0x100000));
	dev_post(&b, RECORD(0x102000));
	EXPECT_EQ(2 * PAGE, dev_state(&b, MEMSTATE_READY));
	EXPECT_EQ(1, sysfs_value("nr_tasks"));
	EXPECT_EQ(fdinfo_value(a.fd, "memstate-books"), fdinfo_value(b.fd, "memstate-books"));
	dev_close(&a);
	EXPECT_EQ(2 * PAGE, dev_state(&b, MEMSTATE_READY));
	dev_close(&b);
	EXPECT_TRUE(wait_for_tasks(0));
	ASSERT_EQ(0, dev_open(&a, 128));
	EXPECT_EQ(0, dev_state(&a, MEMSTATE_READY));
	dev_close(&a);
}

TEST(child_does_not_inherit_the_mappings)
{
	struct dev d;
	int status;
	pid_t child;

	ASSERT_EQ(0, dev_open(&d, 64));
	child = fork();
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*(volatile u32 *)d.ring.tail ? 1 : 0);
	}
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	child = fork();
	if (!child)
		_exit(*(volatile u32 *)&d.page->head ? 1 : 0);
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	dev_close(&d);
}

TEST(child_has_books_of_its_own)
{
	struct dev d;
	int status;
	pid_t child;

	ASSERT_EQ(0, dev_open(&d, 64));
	dev_post(&d, RECORD(0x100000));
	child = fork();
	if (!child) {
		struct dev own;

		if (dev_open(&own, 32) || dev_state(&own, MEMSTATE_READY))
			_exit(1);
		dev_post(&own, RECORD(0x100000));
		dev_post(&own, RECORD(0x102000));
		_exit(dev_state(&own, MEMSTATE_READY) == 2 * PAGE ? 0 : 2);
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(PAGE, dev_state(&d, MEMSTATE_READY));
	dev_close(&d);
}

TEST(fdinfo_tells_whose_books_they_are)
{
	struct dev d;
	pid_t child;
	int status;

	ASSERT_EQ(0, dev_open(&d, 64));
	EXPECT_EQ(getpid(), fdinfo_value(d.fd, "memstate-pid"));
	EXPECT_EQ(-1, fdinfo_value(d.fd, "memstate-watched"));
	child = fork();
	if (!child) {
		struct dev own;

		if (fdinfo_value(d.fd, "memstate-pid") != getppid())
			_exit(1);
		if (dev_open(&own, 32) || fdinfo_value(own.fd, "memstate-pid") != getpid())
			_exit(2);
		_exit(fdinfo_value(d.fd, "memstate-pid") == getppid() ? 0 : 3);
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	dev_close(&d);
}

TEST(fdinfo_has_the_readers_numbers)
{
	struct dev d;
	pid_t child;
	int status;

	ASSERT_EQ(0, dev_open(&d, 64));
	child = fork();
	if (!child) {
		pid_t first;

		if (unshare(CLONE_NEWPID | CLONE_NEWNS) ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(1);
		first = fork();
		if (!first) {
			struct dev own;

			if (mount("proc", "/proc", "proc", 0, NULL))
				_exit(2);
			/* It is in no process that can be seen from here. */
			if (fdinfo_value(d.fd, "memstate-pid"))
				_exit(3);
			if (dev_open(&own, 32) || fdinfo_value(own.fd, "memstate-pid") != 1)
				_exit(4);
			_exit(0);
		}
		/* A signal that ends it is no success. */
		if (waitpid(first, &status, 0) != first || !WIFEXITED(status))
			_exit(5);
		_exit(WEXITSTATUS(status));
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(0, status);
	dev_close(&d);
}

TEST(vfork_shares_the_books)
{
	struct dev d;
	pid_t child;

	ASSERT_EQ(0, dev_open(&d, 64));
	child = vfork();
	if (!child) {
		dev_post(&d, RECORD(0x100000));
		_exit(dev_state(&d, MEMSTATE_READY) == PAGE ? 0 : 1);
	}
	waitpid(child, NULL, 0);
	EXPECT_EQ(PAGE, dev_state(&d, MEMSTATE_READY));
	dev_close(&d);
}

static void *post_after_leader(void *arg)
{
	struct dev *d = arg;

	if (!soon(task_file_has(getpid(), getpid(), "status", "\nState:\tZ")))
		exit(2);
	dev_post(d, RECORD(0x104000));
	exit(dev_state(d, MEMSTATE_READY) == 2 * PAGE ? 0 : 1);
}

TEST(leader_may_end_while_other_threads_go_on)
{
	int status;
	pid_t child = fork();

	if (!child) {
		static struct dev d;
		pthread_t thread;

		if (dev_open(&d, 64))
			_exit(3);
		dev_post(&d, RECORD(0x100000));
		pthread_create(&thread, NULL, post_after_leader, &d);
		pthread_exit(NULL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(wait_for_tasks(0));
}

TEST(module_in_use_cannot_be_removed)
{
	struct dev d;

	ASSERT_EQ(0, dev_open(&d, 64));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "memstate", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	close(d.fd);
	/* The mappings alone hold it as well. */
	EXPECT_EQ(-1, syscall(SYS_delete_module, "memstate", O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, errno);
	munmap(d.ring.tail, d.setup.ring_bytes);
	munmap(d.page, d.setup.totals_bytes);
}

TEST(poll_tells_of_drift_until_it_has_been_read)
{
	struct dev d;
	struct pollfd p;

	ASSERT_EQ(0, dev_open(&d, 64));
	p = (struct pollfd) { .fd = d.fd, .events = POLLPRI };
	EXPECT_EQ(0, poll(&p, 1, 0));
	dev_post(&d, REC(0x100000, PAGE, MEMSTATE_READY, MEMSTATE_PREPARED, 0, 0));
	dev_sync(&d, NULL);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLPRI, p.revents);
	EXPECT_EQ(1, dev_totals(&d).drift);
	EXPECT_EQ(0, poll(&p, 1, 0));
	dev_close(&d);
}

TEST_HARNESS_MAIN
