// SPDX-License-Identifier: MIT
#include <string.h>

#include "say.h"
#include "slabs.h"

/* So much at a time is made of untouched memory. */
#define EXTEND_BYTES	4096

#ifdef MS_MALLOC_HARDENED
/**
 * ms_block_handed_out() - whether a free block is as it was left
 * @block:	the block
 * @size:	its length
 *
 * Takes the link away, so that the block does not look as if it were free.
 *
 * Context: any. Ends the process if not.
 */
void ms_block_handed_out(void *block, size_t size)
{
	const unsigned char *p = block;

	for (size_t i = sizeof(void *); i < size; i++)
		if (p[i] != MS_FREE_BYTE)
			ms_malloc_die("malloc(): a free block was written to", p + i);
	memset(block, MS_FREE_BYTE, sizeof(void *));
}

/**
 * ms_slab_suspect() - a block that is freed looks as if it were free
 * @slab:	its slab
 * @block:	the block
 *
 * Context: any. Ends the process if it is.
 */
void ms_slab_suspect(const struct ms_slab *slab, const void *block)
{
	uint32_t n = 0;

	for (const void *p = slab->free; ms_slab_holds(slab, p) && n <= slab->capacity;
	     p = ms_link_load(p), n++)
		if (p == block)
			ms_malloc_die("free(): this block is free already", block);
}

/* Blocks come in no order that can be foreseen. */
static void shuffle(uint32_t *order, uint32_t n)
{
	static uint64_t state;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j, other;

		state = (state ^ ms_map.secret) * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
		j = (uint32_t)((state >> 32) % (i + 1));
		other = order[i];
		order[i] = order[j];
		order[j] = other;
	}
}

static void link_blocks(struct ms_slab *slab, char *p, size_t size, uint32_t n)
{
	uint32_t order[EXTEND_BYTES / MS_GRAIN + EXTEND_BYTES / MS_GRAIN / 2];

	shuffle(order, n);
	while (n--) {
		char *block = p + order[n] * size;

		memset(block + sizeof(void *), MS_FREE_BYTE, size - sizeof(void *));
		ms_link_store(block, slab->free);
		slab->free = block;
	}
}
#else
static void link_blocks(struct ms_slab *slab, char *p, size_t size, uint32_t n)
{
	void *first = p;

	while (--n) {
		ms_link_store(p, p + size);
		p += size;
	}
	ms_link_store(p, slab->free);
	slab->free = first;
}
#endif

/**
 * ms_slab_extend() - put untouched blocks into the list of a slab that has none
 * @slab:	the slab, not all of whose blocks have been there
 * @size:	of its blocks
 *
 * Context: the owner.
 */
void ms_slab_extend(struct ms_slab *slab, size_t size)
{
	uint32_t n = (uint32_t)(EXTEND_BYTES / size), left;
	char *p = (char *)slab->base + slab->extended * size;

	left = slab->capacity - slab->extended;
	if (n < 1)
		n = 1;
	if (n > left || left - n < n / 2)
		n = left;
	slab->extended = (uint16_t)(slab->extended + n);
	link_blocks(slab, p, size, n);
}
