// SPDX-License-Identifier: MIT
/*
 * A pool of blocks of one size, built on libmemstate's verbs: what it takes for an
 * allocator to be accounted exactly, and to take a limit for an error and not for the end.
 *
 *	None ---reserve--> Reserved ---map--> Prepared ---used--> Ready
 *	  ^                                      ^                  |
 *	  +------free: the whole pool            +------unused------+
 *
 *	cc pool.c -o pool $(pkg-config --cflags --libs memstate)
 *	MEMSTATE_MAX=5M ./pool
 *
 * One thread only: where there are more, they take a lock around all of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <memstate.h>

/* What the pool grows and shrinks by: a multiple of every page size there is. */
#define CHUNK_BYTES	((size_t)256 << 10)

struct block {
	struct block *next;
};

struct chunk {
	struct block *free;		/* in the blocks themselves: gone when they are */
	size_t in_use;
	enum memstate_state state;	/* zero: not mapped yet */
};

struct pool {
	char *base;
	struct chunk *chunks;
	size_t nr_chunks, block_bytes;
};

/* ---- the allocator ----------------------------------------------------------- */

static size_t books_bytes(const struct pool *pool)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (pool->nr_chunks * sizeof(struct chunk) + page - 1) / page * page;
}

static void pool_destroy(struct pool *pool)
{
	if (pool->base)
		memstate_free(pool->base, pool->nr_chunks * CHUNK_BYTES);
	if (pool->chunks)
		memstate_free(pool->chunks, books_bytes(pool));
}

/* Own address space, which costs nothing yet, and some memory to keep the books of it. */
static int pool_init(struct pool *pool, size_t nr_chunks, size_t block_bytes)
{
	*pool = (struct pool) { .nr_chunks = nr_chunks, .block_bytes = block_bytes };
	pool->base = memstate_reserve(nr_chunks * CHUNK_BYTES, MEMSTATE_HEAP);
	pool->chunks = memstate_alloc(books_bytes(pool), MEMSTATE_METADATA);
	if (pool->base && pool->chunks)
		return 0;
	pool_destroy(pool);
	return -ENOMEM;
}

static char *chunk_start(const struct pool *pool, const struct chunk *chunk)
{
	return pool->base + (size_t)(chunk - pool->chunks) * CHUNK_BYTES;
}

/* Make a chunk Ready. On error it is no worse than before, and may be tried again. */
static int chunk_raise(struct pool *pool, struct chunk *chunk)
{
	char *start = chunk_start(pool, chunk), *end = start + CHUNK_BYTES;
	int ret = 0;

	if (chunk->state != MEMSTATE_PREPARED)
		ret = memstate_map(start, CHUNK_BYTES, MEMSTATE_HEAP);
	if (ret)
		return ret;		/* -ENOMEM: too many mappings */
	chunk->state = MEMSTATE_PREPARED;
	ret = memstate_used(start, CHUNK_BYTES, MEMSTATE_HEAP);
	if (ret)
		return ret;		/* -EDQUOT: over a limit, it must not be touched */
	chunk->state = MEMSTATE_READY;
	for (; start + pool->block_bytes <= end; start += pool->block_bytes) {
		struct block *block = (struct block *)start;

		block->next = chunk->free;
		chunk->free = block;
	}
	return 0;
}

/* Give up an empty chunk's contents, its free list among them. It stays accessible. */
static void chunk_drop(struct pool *pool, struct chunk *chunk)
{
	/* Not if its pages are locked: then it is Ready as before. */
	if (memstate_unused(chunk_start(pool, chunk), CHUNK_BYTES, MEMSTATE_HEAP))
		return;
	chunk->state = MEMSTATE_PREPARED;
	chunk->free = NULL;
}

/* Drop what is empty, when somebody else needs memory more. */
static void pool_trim(struct pool *pool)
{
	for (struct chunk *c = pool->chunks; c < pool->chunks + pool->nr_chunks; c++)
		if (c->state == MEMSTATE_READY && !c->in_use)
			chunk_drop(pool, c);
}

/* NULL, and errno ENOMEM: over a limit, out of memory, or the pool is used up. */
static void *pool_alloc(struct pool *pool)
{
	struct chunk *c = pool->chunks, *end = c + pool->nr_chunks;
	struct block *block;

	/* What is Ready comes first: so at a limit there is nothing idle left to give up. */
	while (c < end && !c->free)
		c++;
	if (c == end)
		for (c = pool->chunks; c < end && c->state == MEMSTATE_READY;)
			c++;
	if (c == end || (!c->free && chunk_raise(pool, c))) {
		errno = ENOMEM;
		return NULL;
	}
	block = c->free;
	c->free = block->next;
	c->in_use++;
	return block;
}

static void pool_free(struct pool *pool, void *p)
{
	struct chunk *c = &pool->chunks[(size_t)((char *)p - pool->base) / CHUNK_BYTES];
	struct block *block = p;

	block->next = c->free;
	c->free = block;
	/* An empty chunk is kept for who asks next, unless a limit is near. */
	if (!--c->in_use && memstate_pressure() != MEMSTATE_PRESSURE_NONE)
		chunk_drop(pool, c);
}

/* ---- what it looks like from outside ------------------------------------------ */

static void tell(const char *when)
{
	char line[MEMSTATE_LINE_MAX];
	struct memstate_totals totals;

	if (memstate_totals(&totals, 0))
		printf("%-28s no books: %s\n", when, memstate_error());
	else
		printf("%-28s %s\n", when, memstate_format_line(line, sizeof(line), &totals));
}

#define BLOCK_BYTES	1024
#define NR_BLOCKS	8192

int main(void)
{
	static char *blocks[NR_BLOCKS];
	char when[64];
	struct pool pool;
	size_t nr = 0, i;

	if (pool_init(&pool, 256, BLOCK_BYTES)) {
		const char *why = memstate_refusal(NULL);

		fprintf(stderr, "pool: %s\n", why ? why : strerror(ENOMEM));
		return 1;
	}
	tell("reserved");
	while (nr < NR_BLOCKS && (blocks[nr] = pool_alloc(&pool)))
		memset(blocks[nr++], 1, BLOCK_BYTES);
	snprintf(when, sizeof(when), "%zu blocks", nr);
	tell(when);
	if (nr < NR_BLOCKS) {
		const char *why = memstate_refusal(NULL);

		printf("no more: %s\n", why ? why : strerror(errno));
	}
	for (i = nr / 2; i < nr; i++)
		pool_free(&pool, blocks[i]);
	tell("half of them given back");
	pool_trim(&pool);
	tell("empty chunks dropped");
	for (i = nr / 2; i < nr && (blocks[i] = pool_alloc(&pool)); i++)
		;
	snprintf(when, sizeof(when), "%zu blocks again", i);
	tell(when);
	while (i--)
		pool_free(&pool, blocks[i]);
	pool_destroy(&pool);
	tell("destroyed");
	return 0;
}
