// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Workloads of several threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads.h"

#define NR_THREADS	2

static void start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
	if (pthread_create(thread, NULL, fn, arg))
		failed("pthread_create");
}

static void run_all(int nr, void *(*fn)(void *))
{
	pthread_t threads[64];

	for (int i = 0; i < nr; i++)
		start(&threads[i], fn, (void *)(uintptr_t)i);
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

/* ---- larson: each generation of threads goes on with the blocks of the one before ------ */

enum { LARSON_BLOCKS = 5000, LARSON_GENERATIONS = 200, LARSON_OPERATIONS = 90000 };

static void *larson_blocks[NR_THREADS][LARSON_BLOCKS];
static uint16_t larson_sizes[NR_THREADS][LARSON_BLOCKS];
static uint64_t larson_rng[NR_THREADS];

static void *larson_work(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	for (int i = 0; i < LARSON_OPERATIONS; i++) {
		size_t at = draw(&larson_rng[me]) % LARSON_BLOCKS;
		size_t size = 8 + draw(&larson_rng[me]) % 992;

		if (larson_blocks[me][at])
			put(larson_blocks[me][at], larson_sizes[me][at]);
		larson_blocks[me][at] = get(size);
		larson_sizes[me][at] = (uint16_t)size;
	}
	return NULL;
}

static void larson(void)
{
	for (int i = 0; i < NR_THREADS; i++)
		larson_rng[i] = SEED + (uint64_t)i;
	for (int g = 0; g < LARSON_GENERATIONS; g++)
		run_all(NR_THREADS, larson_work);
}

static void larson_drop(void)
{
	for (int i = 0; i < NR_THREADS; i++)
		for (int k = 0; k < LARSON_BLOCKS; k++)
			put(larson_blocks[i][k], larson_sizes[i][k]);
}

/* ---- xfree: some allocate, others free ---------------------------------------------------- */

enum { BATCH = 4096, BATCHES = 3000, QUEUE = 16 };

struct batch {
	struct batch *next;
	void *blocks[BATCH];
};

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_full = PTHREAD_COND_INITIALIZER;
static pthread_cond_t queue_empty = PTHREAD_COND_INITIALIZER;
static struct batch *queue;
static int queue_length;

static void *xfree_give(void *arg)
{
	(void)arg;
	for (int i = 0; i < BATCHES; i++) {
		struct batch *b = malloc(sizeof(*b));

		if (!b)
			failed("malloc");
		for (int k = 0; k < BATCH; k++)
			b->blocks[k] = get(64);
		pthread_mutex_lock(&queue_lock);
		while (queue_length >= QUEUE)
			pthread_cond_wait(&queue_full, &queue_lock);
		b->next = queue;
		queue = b;
		queue_length++;
		pthread_cond_signal(&queue_empty);
		pthread_mutex_unlock(&queue_lock);
	}
	return NULL;
}

static void *xfree_take(void *arg)
{
	(void)arg;
	for (int i = 0; i < BATCHES; i++) {
		struct batch *b;

		pthread_mutex_lock(&queue_lock);
		while (!queue_length)
			pthread_cond_wait(&queue_empty, &queue_lock);
		b = queue;
		queue = b->next;
		queue_length--;
		pthread_cond_signal(&queue_full);
		pthread_mutex_unlock(&queue_lock);
		for (int k = 0; k < BATCH; k++)
			put(b->blocks[k], 64);
		free(b);
	}
	return NULL;
}

static void xfree(void)
{
	pthread_t threads[2 * NR_THREADS];

	for (int i = 0; i < 2 * NR_THREADS; i++)
		start(&threads[i], i % 2 ? xfree_give : xfree_take, NULL);
	for (int i = 0; i < 2 * NR_THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- wave: all allocate, then each frees what its neighbour has ---------------------------- */

enum { WAVE_BLOCKS = 100000, WAVES = 40, WAVE_THREADS = 4 };

static void *wave_blocks[WAVE_THREADS][WAVE_BLOCKS];
static pthread_barrier_t wave_barrier;

static size_t wave_size(size_t i)
{
	return 16 + i * 7 % 400;
}

static void *wave_work(void *arg)
{
	uintptr_t me = (uintptr_t)arg, other = (me + 1) % WAVE_THREADS;

	for (int w = 0; w < WAVES; w++) {
		for (size_t i = 0; i < WAVE_BLOCKS; i++)
			wave_blocks[me][i] = get(wave_size(i));
		pthread_barrier_wait(&wave_barrier);
		for (size_t i = 0; i < WAVE_BLOCKS; i++)
			put(wave_blocks[other][i], wave_size(i));
		pthread_barrier_wait(&wave_barrier);
	}
	return NULL;
}

static void wave(void)
{
	pthread_barrier_init(&wave_barrier, NULL, WAVE_THREADS);
	run_all(WAVE_THREADS, wave_work);
	pthread_barrier_destroy(&wave_barrier);
}

/* ---- churn: threads that live shortly and leave something behind ----------------------------- */

enum { CHURN_THREADS = 24000, CHURN_LEFT = 4096 };

/* Each block begins with its size. */
static size_t *churn_left[CHURN_LEFT];

static void *churn_work(void *arg)
{
	uint64_t rng = SEED ^ ((uint64_t)(uintptr_t)arg << 20);
	size_t *p[100];

	for (int i = 0; i < 100; i++) {
		size_t size = 16 + draw(&rng) % 2000;

		p[i] = get(size);
		*p[i] = size;
	}
	for (int i = 0; i < 100; i++) {
		if (i % 25 == 0) {
			size_t *left = __atomic_exchange_n(&churn_left[draw(&rng) % CHURN_LEFT],
							   p[i], __ATOMIC_ACQ_REL);

			if (left)
				put(left, *left);
		} else {
			put(p[i], *p[i]);
		}
	}
	return NULL;
}

static void churn(void)
{
	pthread_t threads[4];

	for (uintptr_t i = 0; i < CHURN_THREADS; i += 4) {
		for (uintptr_t k = 0; k < 4; k++)
			start(&threads[k], churn_work, (void *)(i + k));
		for (int k = 0; k < 4; k++)
			pthread_join(threads[k], NULL);
	}
}

static void churn_drop(void)
{
	for (int i = 0; i < CHURN_LEFT; i++)
		if (churn_left[i])
			put(churn_left[i], *churn_left[i]);
}

/* ---- idle: a process with threads that hardly allocates --------------------------------------- */

static void *idle_work(void *arg)
{
	void *p = get(100 + (uintptr_t)arg);

	usleep(300000);
	put(p, 100 + (uintptr_t)arg);
	return NULL;
}

static void idle(void)
{
	run_all(8, idle_work);
}

const struct workload workloads_threads[] = {
	{ .name = "larson", .run = larson, .drop = larson_drop,
	  .about = "two threads, blocks handed on to the next generation" },
	{ .name = "xfree", .run = xfree,
	  .about = "two threads allocate, two others free" },
	{ .name = "wave", .run = wave,
	  .about = "four threads, each frees what another has allocated" },
	{ .name = "churn", .run = churn, .drop = churn_drop,
	  .about = "24,000 threads that live shortly" },
	{ .name = "idle", .run = idle, .sleeps = 1,
	  .about = "eight threads that hardly allocate" },
	{ 0 }
};
