// SPDX-License-Identifier: MIT
/* What the allocator tells of itself in its own process. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "background.h"
#include "drop.h"
#include "figures.h"
#include "heaps.h"
#include "knobs.h"
#include "names.h"
#include "raw.h"
#include "supply.h"
#include "thread.h"
#include "trim.h"

#include <memstate-malloc.h>

/**
 * memstate_malloc_stats() - the allocator's figures
 * @stats: where to put them
 *
 * Looks at each slice of the heap: some nanoseconds for every 16 KiB.
 *
 * Context: process. Return: 0; -ENOMEM: there is no heap, nor memory for one.
 */
EXPORT int memstate_malloc_stats(struct memstate_malloc_stats *stats)
{
	struct ms_heap *heap = ms_heap_enter();
	struct ms_supply_figures arena;
	struct ms_heap_figures f;

	if (!heap)
		return -ENOMEM;
	ms_heap_figures(heap, &f);
	ms_supply_figures(&arena);
	ms_heap_leave(heap);
	*stats = (struct memstate_malloc_stats) {
		.allocated_bytes = f.large_alloc_bytes,
		.allocated_count = f.large_allocs,
		.freed_bytes = f.large_free_bytes,
		.freed_count = f.large_frees,
		.idle_bytes = arena.dirty + (f.cached << MS_SLICE_SHIFT),
		.ready_bytes = arena.dirty + arena.taken,
		.large_bytes = f.large_alloc_bytes - f.large_free_bytes,
		.large_count = f.large_allocs - f.large_frees,
		.metadata_bytes = arena.meta,
		.mapped_bytes = arena.mapped,
		.reserved_bytes = arena.reserved,
		.dropped_bytes = arena.purged,
		.drops = arena.purges,
		.grows = arena.grows,
		.refills = f.refills,
		.remote_frees = f.remote,
		.heaps = f.heaps,
		.orphans = f.orphans,
	};
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
		size_t size = ms_class_size(c);

		stats->allocated_bytes += f.allocs[c] * size;
		stats->allocated_count += f.allocs[c];
		stats->freed_bytes += f.frees[c] * size;
		stats->freed_count += f.frees[c];
	}
	stats->data_bytes = stats->allocated_bytes - stats->freed_bytes;
	stats->frag_bytes = stats->ready_bytes - stats->idle_bytes - stats->data_bytes;
	/* Other threads went on meanwhile. */
	if ((int64_t)stats->frag_bytes < 0)
		stats->frag_bytes = 0;
	return 0;
}

/**
 * memstate_malloc_class() - figures of one size class
 * @index:	from 0
 * @class_:	where to put them
 *
 * Context: process. Return: 0; -EINVAL: there is no such class; -ENOMEM.
 */
EXPORT int memstate_malloc_class(unsigned int index, struct memstate_malloc_class *class_)
{
	struct ms_heap_figures f;
	struct ms_heap *heap;

	if (index >= MS_NR_CLASSES)
		return -EINVAL;
	heap = ms_heap_enter();
	if (!heap)
		return -ENOMEM;
	ms_heap_figures(heap, &f);
	ms_heap_leave(heap);
	*class_ = (struct memstate_malloc_class) {
		.block_bytes = (uint32_t)ms_class_size(index),
		.slab_bytes_first = ms_class_slices(index, 0) << MS_SLICE_SHIFT,
		.slab_bytes = ms_class_slices(index, MS_LONG_FROM) << MS_SLICE_SHIFT,
		.allocated_count = f.allocs[index],
		.freed_count = f.frees[index],
	};
	return 0;
}

/**
 * memstate_malloc_check() - whether the allocator's books are in order
 *
 * For tests: goes through every list that no other thread is using.
 *
 * Context: process. Return: 0; -ENOMEM; -EUCLEAN: no, and standard error says why.
 */
EXPORT int memstate_malloc_check(void)
{
	struct ms_heap *heap = ms_heap_enter();
	const char *wrong;

	if (!heap)
		return -ENOMEM;
	wrong = ms_heap_check(heap);
	if (!wrong)
		wrong = ms_supply_check();
	ms_heap_leave(heap);
	if (!wrong)
		return 0;
	dprintf(2, "memstate-malloc: check: %s\n", wrong);
	return -EUCLEAN;
}

/**
 * memstate_malloc_scavenge() - make free memory Prepared now
 *
 * Context: process. Return: bytes.
 */
EXPORT size_t memstate_malloc_scavenge(void)
{
	ms_heaps_trim();
	return ms_drop(true);
}

/* ---- for people and programs ------------------------------------------------------- */

#define MEMBER(name)	{ #name, offsetof(struct memstate_malloc_stats, name) }

static const struct {
	const char *name;
	size_t offset;
} members[] = {
	MEMBER(allocated_bytes), MEMBER(allocated_count), MEMBER(freed_bytes),
	MEMBER(freed_count), MEMBER(data_bytes), MEMBER(frag_bytes), MEMBER(idle_bytes),
	MEMBER(ready_bytes), MEMBER(large_bytes), MEMBER(large_count),
	MEMBER(metadata_bytes), MEMBER(mapped_bytes), MEMBER(reserved_bytes),
	MEMBER(dropped_bytes), MEMBER(drops), MEMBER(grows), MEMBER(refills),
	MEMBER(remote_frees), MEMBER(heaps), MEMBER(orphans),
};

#define NR_MEMBERS (sizeof(members) / sizeof(members[0]))

struct out {
	int fd;
	int error;
	size_t n;
	char text[2048];
};

static void flush(struct out *out)
{
	size_t done = 0;
	long ret;

	while (done < out->n && !out->error) {
		ret = ms_raw3(SYS_write, out->fd, out->text + done, out->n - done);
		if (ret < 0 && ret != -EINTR)
			out->error = (int)ret;
		else if (ret > 0)
			done += (size_t)ret;
	}
	out->n = 0;
}

static __attribute__((format(printf, 2, 3))) void put(struct out *out, const char *format,
						       ...)
{
	va_list args;

	if (sizeof(out->text) - out->n < 256)
		flush(out);
	va_start(args, format);
	out->n += (size_t)vsnprintf(out->text + out->n, sizeof(out->text) - out->n, format,
				    args);
	va_end(args);
}

static uint64_t member(const struct memstate_malloc_stats *stats, size_t i)
{
	return *(const uint64_t *)((const char *)stats + members[i].offset);
}

static void put_json(struct out *out, const struct memstate_malloc_stats *stats,
		     const struct ms_heap_figures *f)
{
	put(out, "{");
	for (size_t i = 0; i < NR_MEMBERS; i++)
		put(out, "\"%s\":%llu,", members[i].name,
		    (unsigned long long)member(stats, i));
	put(out, "\"classes\":[");
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++)
		put(out, "%s{\"block_bytes\":%zu,\"slab_bytes\":%zu,\"allocated_count\":%llu,\"freed_count\":%llu}",
		    c ? "," : "", ms_class_size(c),
		    (size_t)ms_class_slices(c, MS_LONG_FROM) << MS_SLICE_SHIFT,
		    (unsigned long long)f->allocs[c], (unsigned long long)f->frees[c]);
	put(out, "]}\n");
}

static void put_text(struct out *out, const struct memstate_malloc_stats *stats,
		     const struct ms_heap_figures *f)
{
	char size[MEMSTATE_BYTES_MAX];

	put(out, "memstate-malloc statistics\n");
	for (size_t i = 0; i < NR_MEMBERS; i++) {
		uint64_t value = member(stats, i);
		const char *unit = strstr(members[i].name, "_bytes");

		put(out, "  %-18s %20llu  %s\n", members[i].name, (unsigned long long)value,
		    unit ? memstate_format_bytes(size, sizeof(size), value) : "");
	}
	put(out, "  %12s %16s %16s %12s\n", "block", "allocated", "freed", "in use");
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++)
		if (f->allocs[c])
			put(out, "  %12zu %16llu %16llu %12llu\n", ms_class_size(c),
			    (unsigned long long)f->allocs[c],
			    (unsigned long long)f->frees[c],
			    (unsigned long long)(f->allocs[c] - f->frees[c]));
}

/**
 * memstate_malloc_stats_print() - write the figures out
 * @fd:		where to
 * @format:	"text" or "json"
 *
 * Context: process; allocates nothing.
 * Return: 0; -EINVAL: no such format; -ENOMEM; what write says.
 */
EXPORT int memstate_malloc_stats_print(int fd, const char *format)
{
	struct memstate_malloc_stats stats;
	struct ms_heap_figures f;
	struct out out = { .fd = fd };
	struct ms_heap *heap;
	bool json = !strcmp(format, "json");
	int ret;

	if (!json && strcmp(format, "text"))
		return -EINVAL;
	ret = memstate_malloc_stats(&stats);
	heap = ret ? NULL : ms_heap_enter();
	if (!heap)
		return -ENOMEM;
	ms_heap_figures(heap, &f);
	ms_heap_leave(heap);
	if (json)
		put_json(&out, &stats, &f);
	else
		put_text(&out, &stats, &f);
	flush(&out);
	return out.error;
}

__attribute__((destructor)) static void at_exit(void)
{
	if (ms_knobs.stats)
		memstate_malloc_stats_print(2, ms_knobs.stats == MS_STATS_JSON ? "json" :
									       "text");
}

/* ---- settings ---------------------------------------------------------------------- */

static int set_decay(int64_t ms)
{
	if (ms < -1 || ms > UINT32_MAX / 2)
		return -EINVAL;
	__atomic_store_n(&ms_knobs.decay_ms, ms, __ATOMIC_RELAXED);
	ms_drop_wake();
	return 0;
}

/**
 * memstate_malloc_set() - change a setting
 * @name:	"decay_ms": how long free memory stays Ready, milliseconds; 0: not at all,
 *		-1: for ever. "background": 1: a thread drops it in time, 0: whoever takes
 *		a slow path after that
 * @value:	what to
 *
 * Context: any. Return: 0; -ENOENT: no such setting; -EINVAL: no such value; -EAGAIN:
 * there can be no thread.
 */
EXPORT int memstate_malloc_set(const char *name, int64_t value)
{
	if (!strcmp(name, "decay_ms"))
		return set_decay(value);
	if (strcmp(name, "background"))
		return -ENOENT;
	return value & ~INT64_C(1) ? -EINVAL : ms_background_set(value);
}

/**
 * memstate_malloc_get() - what a setting is
 * @name:	as for memstate_malloc_set()
 * @value:	where to put it
 *
 * Context: any. Return: 0; -ENOENT: no such setting.
 */
EXPORT int memstate_malloc_get(const char *name, int64_t *value)
{
	if (!strcmp(name, "decay_ms"))
		*value = __atomic_load_n(&ms_knobs.decay_ms, __ATOMIC_RELAXED);
	else if (!strcmp(name, "background"))
		*value = ms_background_get();
	else
		return -ENOENT;
	return 0;
}
