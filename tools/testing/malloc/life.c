// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A program whose blocks live through the odd moments: atexit, thread ends, fork, vfork,
 * dlopen and dlclose. With early.c's library linked or opened. Exits with 0.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"

static void *from_main[64];

static void must(int cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "life: %s\n", what);
	_exit(1);
}

static void at_exit(void)
{
	for (int i = 0; i < 64; i++)
		free(from_main[i]);
	free(malloc(100000));
}

static void *thread(void *arg)
{
	void (*early_thread)(void) = (void (*)(void))dlsym(arg, "early_thread");
	void *p[64];

	early_thread();
	for (int i = 0; i < 64; i++)
		p[i] = malloc((size_t)i * 100);
	for (int i = 0; i < 64; i += 2)
		free(p[i]);
	/* The other half is for somebody else. */
	for (int i = 1; i < 64; i += 2) {
		void *old = __atomic_exchange_n(&from_main[i], p[i], __ATOMIC_ACQ_REL);

		free(old);
	}
	return NULL;
}

static int busy_until;

static void *busy(void *arg)
{
	void (*early_busy)(void) = (void (*)(void))dlsym(arg, "early_busy");

	while (!__atomic_load_n(&busy_until, __ATOMIC_RELAXED))
		early_busy();
	return NULL;
}

/* Others hold a lock of the library's and allocate, while its handlers want that lock. */
static void forks(void *library)
{
	pthread_t threads[2];
	int status;
	pid_t pid;

	__atomic_store_n(&busy_until, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		must(!pthread_create(&threads[i], NULL, busy, library), "thread");
	for (int n = 0; n < 10; n++) {
		pid = fork();
		if (!pid) {
			for (int i = 0; i < 64; i++)
				free(from_main[i]);
			for (int i = 0; i < 64; i++)
				from_main[i] = malloc(1000);
			exit(0);
		}
		must(pid > 0, "fork");
		waitpid(pid, &status, 0);
		must(!status, "the child did not come to its end");
	}
	__atomic_store_n(&busy_until, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	char *nothing[] = { "true", NULL };
	pthread_t threads[16];
	void *library;
	int status;
	pid_t pid;

	must(argc == 2, "usage: life LIBRARY");
	alarm(600);
	atexit(at_exit);
	for (int i = 0; i < 64; i++)
		from_main[i] = malloc((size_t)i * 50);
	for (int round = 0; round < 7; round++) {
		library = dlopen(argv[1], round % 2 ? RTLD_NOW : RTLD_NOW | RTLD_LOCAL);
		must(library != NULL, "dlopen");
		for (int i = 0; i < 16; i++)
			must(!pthread_create(&threads[i], NULL, thread, library), "thread");
		for (int i = 0; i < 16; i++)
			pthread_join(threads[i], NULL);
		forks(library);
		pid = vfork();
		if (!pid) {
			execv("/bin/true", nothing);
			_exit(1);
		}
		waitpid(pid, &status, 0);
		must(!status, "vfork and exec");
		must(!posix_spawn(&pid, "/bin/true", NULL, NULL, nothing, NULL), "spawn");
		waitpid(pid, &status, 0);
		must(!status, "spawned");
	}
	return 0;
}
