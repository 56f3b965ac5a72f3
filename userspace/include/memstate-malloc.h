/* SPDX-License-Identifier: MIT */
/*
 * libmemstate-malloc: an allocator that is accounted, limited and observable.
 *
 * Who links with it, or preloads it, calls malloc() and so on. What is here is for who
 * wants to know more, or to set something.
 */
#ifndef MEMSTATE_MALLOC_H
#define MEMSTATE_MALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#ifdef MS_MALLOC_PREFIX
/* A build beside another allocator. */
void *msm_malloc(size_t size);
void *msm_calloc(size_t nr, size_t size);
void *msm_realloc(void *block, size_t size);
void *msm_reallocarray(void *block, size_t nr, size_t size);
void msm_free(void *block);
void msm_cfree(void *block);
void msm_free_sized(void *block, size_t size);
void msm_free_aligned_sized(void *block, size_t align, size_t size);
void *msm_memalign(size_t align, size_t size);
void *msm_aligned_alloc(size_t align, size_t size);
int msm_posix_memalign(void **out, size_t align, size_t size);
void *msm_valloc(size_t size);
void *msm_pvalloc(size_t size);
size_t msm_malloc_usable_size(void *block);
int msm_malloc_trim(size_t pad);
#endif

/**
 * struct memstate_malloc_stats - what the allocator has and has done, bytes and counts
 * @allocated_bytes:	in blocks handed out, ever
 * @allocated_count:	blocks handed out, ever
 * @freed_bytes:	in blocks taken back, ever
 * @freed_count:	blocks taken back, ever
 * @data_bytes:		in blocks in use: @allocated_bytes - @freed_bytes
 * @frag_bytes:		of slabs and large blocks, what is in no block in use
 * @idle_bytes:		free, and still Ready: to be used again or dropped
 * @ready_bytes:	@data_bytes + @frag_bytes + @idle_bytes
 * @large_bytes:	of @data_bytes, in large blocks
 * @large_count:	large blocks in use
 * @metadata_bytes:	for the allocator itself
 * @mapped_bytes:	accessible for blocks: Ready or Prepared
 * @reserved_bytes:	of address space
 * @dropped_bytes:	made Prepared, ever
 * @drops:		how many ranges that were
 * @grows:		times that more was made accessible
 * @refills:		slow paths taken
 * @remote_frees:	blocks that one thread has freed for another
 * @heaps:		heaps, each in use by a thread or waiting for one
 * @orphans:		of these waiting
 *
 * A block counts with the size of its class. Exact for the calling thread and those that
 * have ended; of other threads as of their last slow path: what they have allocated since
 * from one slab of each class is missing, and up to an eighth of each slab's blocks may have
 * been freed.
 */
struct memstate_malloc_stats {
	uint64_t allocated_bytes;
	uint64_t allocated_count;
	uint64_t freed_bytes;
	uint64_t freed_count;
	uint64_t data_bytes;
	uint64_t frag_bytes;
	uint64_t idle_bytes;
	uint64_t ready_bytes;
	uint64_t large_bytes;
	uint64_t large_count;
	uint64_t metadata_bytes;
	uint64_t mapped_bytes;
	uint64_t reserved_bytes;
	uint64_t dropped_bytes;
	uint64_t drops;
	uint64_t grows;
	uint64_t refills;
	uint64_t remote_frees;
	uint64_t heaps;
	uint64_t orphans;
};

/**
 * struct memstate_malloc_class - one size class
 * @block_bytes:	size of its blocks
 * @slab_bytes_first:	length of the first slabs a thread takes
 * @slab_bytes:		length of later ones
 * @__reserved:		zero
 * @allocated_count:	blocks handed out, ever
 * @freed_count:	blocks taken back, ever
 */
struct memstate_malloc_class {
	uint32_t block_bytes;
	uint32_t slab_bytes_first;
	uint32_t slab_bytes;
	uint32_t __reserved;
	uint64_t allocated_count;
	uint64_t freed_count;
};

int memstate_malloc_stats(struct memstate_malloc_stats *stats);
int memstate_malloc_class(unsigned int index, struct memstate_malloc_class *class_);
int memstate_malloc_stats_print(int fd, const char *format);
int memstate_malloc_check(void);

/* Make free memory Prepared now. Return: bytes. */
size_t memstate_malloc_scavenge(void);

/*
 * decay_ms: how long free memory stays Ready; 0: not at all; -1: for ever.
 * background: 1: a thread drops it in time; 0: whoever takes a slow path after that.
 */
int memstate_malloc_set(const char *name, int64_t value);
int memstate_malloc_get(const char *name, int64_t *value);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* MEMSTATE_MALLOC_H */
