// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The thread that drops memory: with MEMSTATE_MALLOC_BACKGROUND=1 a process that does nothing
 * gives back what it does not use, in a child of fork as well. TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>
#include <memstate-malloc.h>

#include "../soon.h"
#include "names.h"
#include "tap.h"

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)

/* Without allocating. */
static long number_in(const char *file, const char *after)
{
	char text[4096], *p;
	int fd = open(file, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strstr(text, after);
	return p ? strtol(p + strlen(after), NULL, 10) : -1;
}

static long resident_mib(void)
{
	return number_in("/proc/self/status", "VmRSS:") >> 10;
}

static bool nothing_idle(void)
{
	struct memstate_alloc alloc;

	return !memstate_alloc_totals(&alloc) && !alloc.counters[MEMSTATE_IDLE_BYTES];
}

static void free_much(void)
{
	char *volatile p = malloc(64 * MIB);

	memset(p, 1, 64 * MIB);
	free(p);
}

/* What is resident when 64 MiB that were freed have been dropped, and outsiders told. */
static long left_of_much(void)
{
	free_much();
	soon(resident_mib() < 30 && nothing_idle());
	return resident_mib();
}

static long threads(void)
{
	return number_in("/proc/self/status", "Threads:");
}

static volatile sig_atomic_t in_main;
static pid_t main_thread;

static void handler(int sig)
{
	in_main = sig == SIGUSR1 && gettid() == main_thread;
}

static void test_signals(void)
{
	signal(SIGUSR1, handler);
	main_thread = gettid();
	kill(getpid(), SIGUSR1);
	tap_ok(in_main, "a signal comes to the program's thread");
}

static int in_child(void)
{
	return threads() == 2 && left_of_much() < 30 ? 7 : 1;
}

static void test_fork(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(in_child());
	waitpid(pid, &status, 0);
	tap_is(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7, "a child has one of its own");
}

static uint64_t tries(void)
{
	struct memstate_malloc_stats stats;

	return memstate_malloc_stats(&stats) ? 0 : stats.drops;
}

/* All that is free is in one piece with a page that the program has locked. */
static void test_locked(void)
{
	char *volatile p = malloc(2 * MIB);
	char *page = (char *)(((uintptr_t)p + MIB) & -PAGE);
	int status = -1;
	uint64_t before;
	pid_t pid;

	memset(p, 1, 2 * MIB);
	tap_is(mlock(page, PAGE), 0, "a page can be locked");
	before = tries();
	free(p);
	tap_ok(soon(tries() > before), "it has tried to drop a piece that is locked");
	/* A fork waits for whoever drops something: it is not to be for ever. */
	alarm(SOON_S);
	pid = fork();
	if (!pid)
		_exit(7);
	alarm(0);
	waitpid(pid, &status, 0);
	tap_is(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7, "and a process can fork then");
	munlock(page, PAGE);
}

static void test_end(void)
{
	memstate_malloc_set("background", 0);
	soon(threads() == 1);
	tap_is(threads(), 1, "it ends when it is not wanted");
}

/* Before there was one: the C library keeps stacks. */
static void test_no_room(void)
{
	struct rlimit was, low;

	getrlimit(RLIMIT_AS, &was);
	low = was;
	low.rlim_cur = 4096;
	setrlimit(RLIMIT_AS, &low);
	tap_is(memstate_malloc_set("background", 1), -EAGAIN, "EAGAIN where there can be none");
	setrlimit(RLIMIT_AS, &was);
}

int main(void)
{
	const char *wanted = getenv("MEMSTATE_MALLOC_BACKGROUND");
	int64_t value = -1;
	long left;

	memstate_malloc_get("background", &value);
	if (!wanted) {
		tap_is(value, 0, "there is none if it is not asked for");
		test_no_room();
		/* There is nobody but this thread, which does nothing. */
		free_much();
		left = threads() == 1 ? resident_mib() : -1;
		tap_ok(left > 60, "so an idle process keeps it (%ld MiB)", left);
		tap_is(memstate_malloc_set("background", 1), 0, "a program can ask for it");
	} else {
		tap_is(value, 1, "there is one where the environment asks for it");
	}
	left = left_of_much();
	tap_ok(left < 30, "an idle process gives it back (%ld MiB)", left);
	tap_ok(nothing_idle(), "and outsiders are told");
	tap_is(memstate_malloc_set("background", 2), -EINVAL, "EINVAL for neither 0 nor 1");
	test_signals();
	test_fork();
	test_end();
	tap_is(memstate_malloc_set("background", 1), 0, "and it can begin again");
	left = left_of_much();
	tap_ok(left < 30, "and does its work (%ld MiB)", left);
	test_locked();
	return tap_end();
}
