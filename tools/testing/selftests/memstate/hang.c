// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Somebody whose memory does not answer: an unprivileged user who mounts, in a user
 * namespace, a file system of his own that never answers a read, maps a file of it and
 * touches the page. His mmap_lock is then held for as long as he likes. Nobody else
 * waits for him, and SIGKILL ends all there is.
 */
#include "cgroup.h"
#include "harness.h"
#include "stuck.h"

#define NOBODY	65534
#define BASE	0x500000000UL

/* A page that does not answer, in namespaces of his own. NULL: it cannot be had, see errno. */
static char *page_of_his_own(int asked)
{
	static char dir[] = "/tmp/ms-hang-XXXXXX";

	if (!mkdtemp(dir) || unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return NULL;
	prctl(PR_SET_DUMPABLE, 1);
	write_text("/proc/self/setgroups", "deny");
	if (!write_text("/proc/self/uid_map", "0 65534 1") ||
	    !write_text("/proc/self/gid_map", "0 65534 1"))
		return NULL;
	return stuck_page_at(dir, asked);
}

static void *begin(void *arg)
{
	struct memstate_setup s = { .size = sizeof(s) };
	int *say = arg, fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);

	/* That comes back at once; this does not. */
	if (fd < 0 || write(*say, "o", 1) != 1)
		_exit(91);
	dev_ioctl(fd, MEMSTATE_IOC_SETUP, &s);
	return NULL;
}

/* With books before it is stuck, or without. */
static void attack(int say, bool books)
{
	pthread_t thread;
	int asked[2];
	char byte, *page;
	struct dev d;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setgid(NOBODY) || setuid(NOBODY) || pipe(asked))
		_exit(1);
	page = page_of_his_own(asked[1]);
	if (!page) {
		perror("no page that does not answer");
		_exit(errno == ENOENT || errno == ENODEV || errno == EPERM ? 77 : 2);
	}
	if (books && dev_open(&d, 64))
		_exit(3);
	if (pthread_create(&thread, NULL, stuck_touch, page) || read(asked[0], &byte, 1) != 1)
		_exit(4);
	/* A writer queues behind who reads, and everybody behind that. */
	if (books) {
		if (write(say, "o", 1) != 1)
			_exit(5);
		mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} else {
		begin(&say);
	}
	pause();
}

FIXTURE(hang) {
	pid_t attacker;
	pid_t books;
	int leave;
};

FIXTURE_VARIANT(hang) {
	bool books;
};

FIXTURE_VARIANT_ADD(hang, before_its_books_begin) { .books = false };
FIXTURE_VARIANT_ADD(hang, with_books) { .books = true };

FIXTURE_SETUP(hang)
{
	int say[2], leave[2], there[2], status;
	char byte;

	ASSERT_EQ(0, pipe(say) | pipe(leave) | pipe(there));
	/* As where udev has its rules. */
	chmod("/dev/fuse", 0666);
	/* Somebody who has books, and will exit. */
	self->books = fork();
	if (!self->books) {
		struct dev d;

		close(leave[1]);
		close(say[1]);
		if (dev_open(&d, 64) || write(there[1], "x", 1) != 1)
			_exit(1);
		_exit(read(leave[0], &byte, 1));
	}
	close(leave[0]);
	self->leave = leave[1];
	ASSERT_EQ(1, read(there[0], &byte, 1));
	self->attacker = fork();
	if (!self->attacker) {
		close(leave[1]);
		attack(say[1], variant->books);
	}
	close(say[1]);
	if (read(say[0], &byte, 1) != 1) {
		status = join(self->attacker);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			SKIP(return, "no fuse for unprivileged users");
		ASSERT_EQ(0, status);
	}
	/* It waits for what the other thread holds. A stack begins where it has left off. */
	ASSERT_TRUE(soon(task_file_has(self->attacker, self->attacker, "stack",
				       variant->books ? "vm_mmap" : "[memstate]") &&
			 task_file_has(self->attacker, self->attacker, "status",
				       "\nState:\tD")));
}

FIXTURE_TEARDOWN(hang)
{
	int status;

	kill(self->attacker, SIGKILL);
	EXPECT_EQ(SIGKILL, join(self->attacker));
	close(self->leave);
	status = join(self->books);
	EXPECT_TRUE(!status || status == -1);
	EXPECT_TRUE(wait_for_tasks(0));
}

/* Has the child come to its end, with success? */
static bool ends(pid_t pid)
{
	int status = -1;

	return soon(waitpid(pid, &status, WNOHANG) == pid) && !status;
}

TEST_F(hang, others_open_begin_charge_read_and_exit)
{
	pid_t child = fork();

	if (!child) {
		struct memstate_totals t;
		struct dev d;

		if (dev_open_credit(&d, 64) || dev_ready(&d, BASE, 4 * PAGE))
			_exit(1);
		t = fd_totals(d.fd, MEMSTATE_SCOPE_SYSTEM);
		if (ms_totals_state(&t, MEMSTATE_READY) != 4 * PAGE)
			_exit(2);
		if (sysfs_value("ready") != 4 * PAGE || sysfs_value("nr_tasks") < 2 ||
		    books_value(&d, "ready") != 4 * PAGE)
			_exit(3);
		dev_close(&d);
		_exit(dev_open(&d, 32) ? 4 : 0);
	}
	EXPECT_TRUE(ends(child));
	/* Other devices of this kind, too. */
	child = fork();
	if (!child)
		_exit(open("/dev/fuse", O_RDWR) < 0);
	EXPECT_TRUE(ends(child));
	close(self->leave);
	self->leave = -1;
	EXPECT_TRUE(ends(self->books));
}

TEST_F(hang, sigkill_ends_it)
{
	kill(self->attacker, SIGKILL);
	EXPECT_EQ(SIGKILL, join(self->attacker));
	EXPECT_TRUE(soon(sysfs_value("nr_tasks") == 1));
	/* For the end of the test there is one. */
	self->attacker = fork();
	if (!self->attacker) {
		pause();
		_exit(0);
	}
}

TEST_HARNESS_MAIN
