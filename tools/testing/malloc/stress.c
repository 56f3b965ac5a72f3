// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * stress SEED THREADS OPERATIONS [fork]: threads that allocate, resize, exchange and free
 * blocks of all sizes, in three generations.
 *
 * Each block is filled with a pattern that follows from its address and size, and looked
 * at before it is resized or freed: whoever hands out memory that is in use, or loses
 * contents, is found. Blocks pass between threads through shared places, and outlive the
 * thread that allocated them. With "fork", one thread forks now and then while the others
 * go on, and the child goes on with what it has inherited.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "names.h"

#define PLACES		2048
#define OWN		256
#define GENERATIONS	3
#define FILL_ALL	((size_t)2048)
#define FORK_EVERY	5000
#define TRIM_EVERY	200

struct block {
	unsigned char *p;
	size_t size;
};

static struct block places[PLACES];
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long seed, nr_operations;
static int nr_threads;
static bool forks;

static void failed(const char *what, const void *p, size_t size)
{
	fprintf(stderr, "stress: %s: block %p of %zu bytes; seed %lu\n", what, p, size, seed);
	abort();
}

/* xorshift (Marsaglia 2003) */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t draw_size(uint64_t *state)
{
	unsigned int kind = draw(state) % 1000;

	if (kind < 600)
		return draw(state) % 256;
	if (kind < 900)
		return draw(state) % 4096;
	if (kind < 980)
		return draw(state) % 70000;
	if (kind < 999)
		return draw(state) % ((size_t)1 << 20);
	return draw(state) % ((size_t)6 << 20);
}

static unsigned char pattern(const void *p, size_t size, size_t i)
{
	return (unsigned char)((uintptr_t)p / 16 * 31 + size * 7 + i);
}

/* Long blocks at both ends and in strides: a page each. */
static size_t step(size_t size, size_t i)
{
	return size <= FILL_ALL || i < 64 || i + 64 >= size ? 1 : size - 64 - i < 509 ?
		       size - 64 - i : 509;
}

static void fill(struct block b)
{
	for (size_t i = 0; i < b.size; i += step(b.size, i))
		b.p[i] = pattern(b.p, b.size, i);
}

static void look(struct block b)
{
	for (size_t i = 0; i < b.size; i += step(b.size, i))
		if (b.p[i] != pattern(b.p, b.size, i))
			failed("contents are not what was written", b.p, b.size);
}

/* What was filled in as @was, of which @n bytes are left, lies at @p now. */
static void look_moved(const unsigned char *p, size_t n, struct block was)
{
	for (size_t i = 0; i < n; i += step(was.size, i))
		if (p[i] != pattern(was.p, was.size, i))
			failed("contents were lost by realloc", p, n);
}

static struct block make(uint64_t *rng)
{
	struct block b = { .size = draw_size(rng) };
	size_t align = (size_t)16 << draw(rng) % 10;
	void *p = NULL;

	switch (draw(rng) % 8) {
	case 0:
		b.p = calloc(1, b.size);
		for (size_t i = 0; b.p && i < b.size; i += step(b.size, i))
			if (b.p[i])
				failed("calloc's block is not zero", b.p, b.size);
		break;
	case 1:
		if (!posix_memalign(&p, align, b.size) && (uintptr_t)p & (align - 1))
			failed("a block is not aligned", p, b.size);
		b.p = p;
		break;
	default:
		b.p = malloc(b.size);
	}
	if (!b.p)
		failed("no memory", NULL, b.size);
	if (malloc_usable_size(b.p) < b.size || (uintptr_t)b.p & 15)
		failed("a block is too small, or not aligned", b.p, b.size);
	fill(b);
	return b;
}

static void drop(struct block b)
{
	look(b);
	free(b.p);
}

static struct block resize(struct block b, uint64_t *rng)
{
	struct block now = { .size = draw_size(rng) + 1 };

	look(b);
	now.p = realloc(b.p, now.size);
	if (!now.p)
		failed("no memory", b.p, now.size);
	look_moved(now.p, b.size < now.size ? b.size : now.size, b);
	fill(now);
	return now;
}

static struct block exchange(struct block b, uint64_t *rng)
{
	struct block *place = &places[draw(rng) % PLACES], other;

	pthread_mutex_lock(&places_lock);
	other = *place;
	*place = b;
	pthread_mutex_unlock(&places_lock);
	return other;
}

static void fork_and_go_on(struct block *own, uint64_t *rng)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < OWN; i++)
			if (own[i].p)
				drop(own[i]);
		for (int i = 0; i < 2000; i++)
			drop(make(rng));
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		failed("a child did not come to its end", NULL, (size_t)status);
}

static void *work(void *arg)
{
	unsigned long number = (unsigned long)(uintptr_t)arg;
	uint64_t rng = (seed + 1) * 0x9e3779b97f4a7c15u ^ (number + 1) * 0xbf58476d1ce4e5b9u;
	struct block own[OWN] = { 0 };

	for (unsigned long i = 0; i < nr_operations; i++) {
		struct block *b = &own[draw(&rng) % OWN];

		if (!b->p) {
			*b = make(&rng);
		} else {
			switch (draw(&rng) % 4) {
			case 0:
				*b = resize(*b, &rng);
				break;
			case 1:
				*b = exchange(*b, &rng);
				break;
			default:
				drop(*b);
				*b = (struct block){ 0 };
			}
		}
		/* Goes through the heaps of all. */
		if (number % 8 == 3 && i % TRIM_EVERY == TRIM_EVERY - 1)
			malloc_trim(0);
		if (forks && number % 16 == 0 && i % FORK_EVERY == FORK_EVERY - 1)
			fork_and_go_on(own, &rng);
	}
	/* Half of what it has the thread leaves behind. */
	for (int i = 0; i < OWN; i++) {
		if (own[i].p && i % 2)
			own[i] = exchange(own[i], &rng);
		if (own[i].p)
			drop(own[i]);
	}
	return NULL;
}

extern __typeof__(memstate_malloc_check) memstate_malloc_check __attribute__((weak));

int main(int argc, char **argv)
{
	pthread_t threads[64];

	if (argc < 4) {
		fprintf(stderr, "usage: stress SEED THREADS OPERATIONS [fork]\n");
		return 2;
	}
	seed = strtoul(argv[1], NULL, 10);
	nr_threads = atoi(argv[2]) < 64 ? atoi(argv[2]) : 64;
	nr_operations = strtoul(argv[3], NULL, 10);
	forks = argc > 4 && !strcmp(argv[4], "fork");
	for (int g = 0; g < GENERATIONS; g++) {
		for (int i = 0; i < nr_threads; i++)
			if (pthread_create(&threads[i], NULL, work,
					   (void *)(uintptr_t)(g * 64 + i)))
				failed("no thread", NULL, 0);
		for (int i = 0; i < nr_threads; i++)
			pthread_join(threads[i], NULL);
	}
	for (int i = 0; i < PLACES; i++)
		if (places[i].p)
			drop(places[i]);
	if (memstate_malloc_check && memstate_malloc_check())
		failed("the allocator's books are not in order", NULL, 0);
	return 0;
}
