// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * opened LIBRARY: an allocator that is opened, used by threads and closed while they go on;
 * what runs when they end is still there. Exits with 0.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t used, closed;
static void *library;

static void must(int cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "opened: %s\n", what);
	_exit(1);
}

static void *thread(void *arg)
{
	void *(*get)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
	void (*put)(void *) = (void (*)(void *))dlsym(library, "free");

	must(get && put && get != malloc, "the library's own malloc");
	put(get(100));
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&closed);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	int status;
	pid_t pid;

	must(argc == 2, "usage: opened LIBRARY");
	alarm(600);
	for (int round = 0; round < 3; round++) {
		library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
		must(library != NULL, "dlopen");
		pthread_barrier_init(&used, NULL, 5);
		pthread_barrier_init(&closed, NULL, 5);
		for (int i = 0; i < 4; i++)
			must(!pthread_create(&threads[i], NULL, thread, NULL), "thread");
		pthread_barrier_wait(&used);
		dlclose(library);
		pthread_barrier_wait(&closed);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, &status, 0);
		must(!status, "fork after it");
	}
	return 0;
}
