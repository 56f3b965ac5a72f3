// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What programs do wrong and the allocator finds: the process ends by SIGABRT, with a
 * message that names what was found. The table says which build has to find it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"
#include "tap.h"

#define MIB ((size_t)1 << 20)

static void free_twice(void)
{
	void *p = malloc(40);

	free(p);
	free(p);
}

static void free_twice_with_others_between(void)
{
	void *p = malloc(40), *q = malloc(40), *r = malloc(40);

	free(p);
	free(q);
	free(r);
	free(p);
}

static void *free_it(void *p)
{
	free(p);
	return NULL;
}

static void free_by_another(void *p)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, free_it, p))
		pthread_join(thread, NULL);
}

static void others_free_twice(void)
{
	void *p = malloc(40);

	free_by_another(p);
	free_by_another(p);
}

static void others_free_twice_with_others_between(void)
{
	void *p = malloc(40), *q = malloc(40);

	free_by_another(p);
	free_by_another(q);
	free_by_another(p);
}

static void others_free_what_is_free(void)
{
	void *p = malloc(40), *q = malloc(40);

	free(p);
	free(q);
	free_by_another(p);
}

static void others_free_inside(void)
{
	char *p = malloc(40);

	free_by_another(p + 16);
}

static void others_free_unaligned(void)
{
	char *p = malloc(40);

	free_by_another(p + 8);
}

static void free_large_twice(void)
{
	void *p = malloc(MIB);

	free(p);
	free(p);
}

static void free_stack(void)
{
	char local[64] __attribute__((aligned(16)));
	void *volatile p = local;

	free(p);
}

static void free_mapping(void)
{
	free(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* Reserved, and far from what is accessible. */
static void free_beyond(void)
{
	char *volatile p = malloc(40);

	free(p + 8 * 1024 * MIB);
}

static void realloc_beyond(void)
{
	char *volatile p = malloc(40);
	void *volatile q = realloc(p + 8 * 1024 * MIB, 100);

	(void)q;
}

static void size_beyond(void)
{
	char *volatile p = malloc(3 * MIB);

	if (malloc_usable_size(p + 8 * 1024 * MIB))
		_exit(1);
}

static void free_inside(void)
{
	char *volatile p = malloc(40);

	free(p + 16);
}

static void free_unaligned(void)
{
	char *volatile p = malloc(40);

	free(p + 8);
}

static void free_inside_large(void)
{
	char *volatile p = malloc(MIB);

	free(p + 65536);
}

static void realloc_freed(void)
{
	void *volatile p = malloc(MIB), *q;

	free(p);
	q = realloc(p, 100);
	free(q);
}

static void size_of_foreign(void)
{
	char local[64] __attribute__((aligned(16)));
	void *volatile p = local;

	if (malloc_usable_size(p))
		_exit(1);
}

static void write_after_free(void)
{
	char *volatile p = malloc(40);
	char *volatile q = malloc(40);

	free(p);
	free(q);
	memset(q, 'x', 8);
	malloc(40);
	malloc(40);
}

static void write_after_free_behind_the_link(void)
{
	char *volatile p = malloc(40);

	free(p);
	p[24] = 'x';
	for (int i = 0; i < 3; i++)
		malloc(40);
}

static const struct {
	void (*wrong)(void);
	const char *name;
	bool by_default;
} cases[] = {
	{ free_twice, "free of what was just freed", true },
	{ free_twice_with_others_between, "free of what was freed before others", false },
	{ others_free_twice, "free by another thread of what another has just freed", true },
	{ others_free_twice_with_others_between,
	  "free by another thread of what was freed before others", false },
	{ others_free_what_is_free, "free by another thread of what its owner has freed", false },
	{ others_free_inside, "free by another thread of an address inside a block", false },
	{ others_free_unaligned, "free by another thread of an address that is not aligned", true },
	{ free_large_twice, "free of a large block that is free", true },
	{ free_stack, "free of a local variable", true },
	{ free_mapping, "free of a mapping", true },
	{ free_beyond, "free of an address in the reserved part of an arena", true },
	{ realloc_beyond, "realloc of an address in the reserved part of an arena", true },
	{ size_beyond, "malloc_usable_size of one in that of an arena of large blocks", true },
	{ free_inside, "free of an address inside a block", false },
	{ free_unaligned, "free of an address that is not aligned", false },
	{ free_inside_large, "free of an address inside a large block", true },
	{ realloc_freed, "realloc of a freed block", true },
	{ size_of_foreign, "malloc_usable_size of a local variable", true },
	{ write_after_free, "a write to a freed block's link", true },
	{ write_after_free_behind_the_link, "a write elsewhere in a freed block", false },
};

static bool dies(void (*wrong)(void), char *said, size_t size)
{
	struct rlimit none = { 0, 0 };
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(ends))
		return false;
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		dup2(ends[1], 2);
		wrong();
		_exit(0);
	}
	close(ends[1]);
	n = read(ends[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	       !strncmp(said, "memstate-malloc: ", 17);
}

int main(int argc, char **argv)
{
	bool hardened = argc > 1 && !strcmp(argv[1], "hardened");
	char said[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!cases[i].by_default && !hardened)
			continue;
		tap_ok(dies(cases[i].wrong, said, sizeof(said)), "found: %s", cases[i].name);
		if (*said)
			printf("# %.*s\n", (int)strcspn(said, "\n"), said);
	}
	return tap_end();
}
