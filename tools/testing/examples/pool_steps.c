// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The example's pool, step by step: what the books must say to the byte, with and
 * without a limit. "pool_steps [MAX_BYTES]"; with the device or embedded.
 */
#include <stdlib.h>
#include <string.h>

#define main pool_main
#include "pool.c"
#undef main

#include "tap.h"

#define CHUNKS	16
#define PER	(CHUNK_BYTES / BLOCK_BYTES)

static struct pool pool;

static void expect(const char *when, size_t ready, size_t prepared)
{
	uint64_t books = books_bytes(&pool), all = CHUNKS * CHUNK_BYTES;
	struct memstate_totals t;
	uint64_t cursor = 0, findings = 0;
	struct memstate_finding f[8];
	uint32_t done;

	if (memstate_totals(&t, 0))
		memset(&t, 0xff, sizeof(t));
	tap_is(t.bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP], ready * CHUNK_BYTES, "%s: Ready", when);
	tap_is(t.bytes[MEMSTATE_PREPARED - 1][MEMSTATE_HEAP], prepared * CHUNK_BYTES,
	       "%s: Prepared", when);
	tap_is(t.bytes[MEMSTATE_RESERVED - 1][MEMSTATE_HEAP],
	       all - (ready + prepared) * CHUNK_BYTES, "%s: Reserved", when);
	tap_is(t.bytes[MEMSTATE_READY - 1][MEMSTATE_METADATA], books, "%s: metadata", when);
	tap_is(t.drift, 0, "%s: no drift", when);
	do {
		if (memstate_audit(&cursor, f, 8, &done))
			findings++;
		findings += done;
	} while (cursor);
	tap_is(findings, 0, "%s: nothing found by an audit", when);
}

int main(int argc, char **argv)
{
	uint64_t max = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	static void *blocks[CHUNKS * PER + 1];
	size_t nr = 0, fit = CHUNKS, i, chunks;
	struct memstate_refusal refusal = { 0 };
	struct memstate_totals t;

	tap_ok(!pool_init(&pool, CHUNKS, BLOCK_BYTES), "made, with the back end %s",
	       memstate_backend_name());
	expect("made", 0, 0);
	if (max) {
		/* What metadata and whole chunks fit into. */
		fit = (max - books_bytes(&pool)) / CHUNK_BYTES;
		tap_ok(!memstate_self_limit(MEMSTATE_UNLIMITED, max), "limited to %llu bytes",
		       (unsigned long long)max);
	}
	for (i = 0; i < PER + 1; i++)
		blocks[nr++] = pool_alloc(&pool);
	expect("one block more than a chunk has", 2, 0);
	for (; (blocks[nr] = pool_alloc(&pool)); nr++)
		memset(blocks[nr], (int)nr, BLOCK_BYTES);
	tap_is(nr, fit * PER, "every block that fits");
	tap_is(errno, ENOMEM, "then errno is ENOMEM");
	tap_ok(!max == !memstate_refusal(&refusal), "a refusal is known exactly if there is a limit");
	if (max)
		tap_is(refusal.wanted, CHUNK_BYTES, "and tells of one chunk");
	/* The one that was refused has been made accessible. */
	chunks = fit < CHUNKS;
	expect("full", fit, chunks);
	for (i = 0; i < nr; i++)
		if (i >= PER + 1 && *(unsigned char *)blocks[i] != (unsigned char)i)
			break;
	tap_is(i, nr, "no block is another's");
	pool_free(&pool, blocks[--nr]);
	tap_ok((blocks[nr++] = pool_alloc(&pool)), "after one is given back there is one");
	/* The last three chunks' blocks, in the order that they came. */
	while (nr > (fit - 3) * PER)
		pool_free(&pool, blocks[--nr]);
	if (memstate_pressure() == MEMSTATE_PRESSURE_NONE) {
		expect("three chunks empty", fit, chunks);
		pool_trim(&pool);
	}
	expect("three chunks dropped", fit - 3, chunks + 3);
	while (nr < fit * PER && (blocks[nr] = pool_alloc(&pool)))
		nr++;
	tap_is(nr, fit * PER, "as many as before");
	expect("full again", fit, chunks);
	for (i = 0; i < nr; i++)
		pool_free(&pool, blocks[i]);
	pool_trim(&pool);
	expect("all dropped", 0, fit + chunks);
	pool_destroy(&pool);
	memstate_totals(&t, 0);
	tap_is(memstate_totals_state(&t, MEMSTATE_READY) + memstate_totals_state(&t, MEMSTATE_PREPARED) +
	       memstate_totals_state(&t, MEMSTATE_RESERVED), 0, "destroyed: nothing is left");
	if (!max)
		tap_is(pool_main(), 0, "what it shows runs");
	return tap_end();
}
