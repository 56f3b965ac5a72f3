// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * leave WAY: holds 20 MiB, and ends, or takes from itself what it would need to tell of it.
 * Once more with "again" behind it where it executes itself: then it holds 30 MiB.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB	((size_t)1 << 20)

/* _exit() and abort() are what is tried: no more than a number is said. */
static void must(int good, int what)
{
	if (!good)
		_exit(what);
}

static void *hold(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, 10);
	return p;
}

/* What the shim, and a program that does nothing but use memory, may do: all else kills. */
static void sandbox(void)
{
	static const int allowed[] = {
		SYS_mmap, SYS_munmap, SYS_brk, SYS_rt_sigprocmask, SYS_futex, SYS_exit_group,
		SYS_ioctl,	/* of the device */
	};
	const size_t nr = sizeof(allowed) / sizeof(allowed[0]);
	struct sock_filter code[2 * sizeof(allowed) / sizeof(allowed[0]) + 2];
	struct sock_fprog program = { .filter = code };

	code[program.len++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < nr; i++) {
		code[program.len++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)allowed[i], 0, 1);
		code[program.len++] = (struct sock_filter)
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[program.len++] = (struct sock_filter)
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 11);
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 12);
}

static void close_all(int first)
{
	for (int fd = first; fd < 4096; fd++)
		close(fd);
}

static void drop_root(void)
{
	must(!setgid(65534) && !setuid(65534), 13);
}

/* One that goes on, and is ended by who has started it all. */
static void daemon_begin(void)
{
	int up[2];
	char byte;
	pid_t pid;

	must(!pipe(up), 14);
	pid = fork();
	must(pid >= 0, 15);
	if (pid) {
		must(read(up[0], &byte, 1) == 1, 16);
		return;
	}
	setsid();
	hold(40 * MIB);
	must(write(up[1], "", 1) == 1, 17);
	close_all(0);
	alarm(600);
	for (;;)
		pause();
}

/* One whose parent has ended before it holds anything, as daemon(3) has it. */
static void daemon_late(bool idle)
{
	pid_t pid = fork();

	must(pid >= 0, 15);
	if (pid)
		_exit(0);
	setsid();
	close_all(0);
	usleep(idle ? 3000000 : 200000);
	hold(40 * MIB);
}

static void child(void (*end)(void))
{
	pid_t pid = fork();

	must(pid >= 0, 18);
	if (!pid) {
		hold(20 * MIB);
		end();
	}
	must(waitpid(pid, NULL, 0) == pid, 19);
}

static void kill_itself(void)
{
	kill(getpid(), SIGKILL);
}

/* More than there is room for at once. */
static void many(void)
{
	pid_t pid = fork();

	must(pid >= 0, 23);
	if (!pid) {
		hold(MIB);
		_exit(0);
	}
	must(waitpid(pid, NULL, 0) == pid, 24);
}

static void again(const char *program)
{
	execl(program, program, "again", NULL);
	_exit(20);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";

	if (!strcmp(way, "again")) {
		hold(30 * MIB);
		return 0;
	}
	if (!strcmp(way, "sandboxed"))
		sandbox();
	hold(20 * MIB);
	if (!strcmp(way, "given back")) {
		munmap(hold(30 * MIB), 30 * MIB);
	} else if (!strcmp(way, "killed")) {
		kill_itself();
	} else if (!strcmp(way, "aborted")) {
		setrlimit(RLIMIT_CORE, &(struct rlimit) {});
		abort();
	} else if (!strcmp(way, "chroot")) {
		must(!chroot("/proc/self/fdinfo") && !chdir("/"), 21);
		drop_root();
	} else if (!strcmp(way, "no root")) {
		drop_root();
	} else if (!strcmp(way, "no root, executed")) {
		drop_root();
		again(argv[0]);
	} else if (!strcmp(way, "nothing open")) {
		close_all(0);
	} else if (!strcmp(way, "nothing open, executed")) {
		close_all(3);
		again(argv[0]);
	} else if (!strcmp(way, "no root, nothing open, executed")) {
		drop_root();
		close_all(3);
		again(argv[0]);
	} else if (!strcmp(way, "executed")) {
		again(argv[0]);
	} else if (!strcmp(way, "child killed")) {
		child(kill_itself);
	} else if (!strcmp(way, "children")) {
		for (int i = 0; i < 30; i++)
			child(kill_itself);
	} else if (!strcmp(way, "many")) {
		for (int i = 0; i < 17000; i++)
			many();
	} else if (!strcmp(way, "daemon")) {
		daemon_begin();
	} else if (!strcmp(way, "daemon, later")) {
		daemon_late(false);
	} else if (!strcmp(way, "daemon, idle")) {
		daemon_late(true);
	} else if (strcmp(way, "plain") && strcmp(way, "sandboxed")) {
		return 22;
	}
	return 0;
}
