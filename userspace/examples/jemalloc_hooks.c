// SPDX-License-Identifier: MIT
/*
 * jemalloc, accounted exactly: extent hooks that report by libmemstate's verbs, for
 * programs that use jemalloc 5.
 *
 *	cc -shared -fPIC -o jemalloc_hooks.so jemalloc_hooks.c \
 *		$(pkg-config --cflags --libs memstate)
 *	LD_PRELOAD=./jemalloc_hooks.so redis-server
 *	LD_PRELOAD=./jemalloc_hooks.so:libjemalloc.so.2 program-with-libc's-malloc
 *
 * or linked into the program before -ljemalloc.
 *
 * Model
 *
 *	jemalloc                             here
 *	active, dirty                        Ready: it may touch them without telling
 *	retained, after decommit             Prepared: it asks by commit before it does
 *	metadata ("base")                    Ready, class metadata
 *
 *   Retained memory stays accessible: to take access away from each extent and give it back
 *   would cut the mappings to pieces, of which a process may have some 65,000.
 *
 *   Purging lazily (MADV_FREE) is declined: jemalloc touches a *muzzy* extent again without
 *   asking anybody, so that it would have to stay Ready, and charged, although it may be gone.
 *   So is purging by force, of which the same is true. Where both are declined jemalloc
 *   goes from dirty to decommit, after dirty_decay_ms, and that is exact.
 *
 * What hooks do not see
 *
 *   The first arena is there, and in use, before hooks can be set, and its metadata never
 *   comes by them. So jemalloc's own calls of mmap and munmap are intercepted; it makes none
 *   but for these. What it has mapped before stays Ready until it has gone through decommit.
 *
 * Limits
 *
 *   A refusal (-EDQUOT) makes a hook fail, and malloc() return NULL. Dirty memory is used
 *   before new memory is asked for; what does not fit is given up by
 *   mallctl("arena.4096.purge", ...), after which it is worth to try again.
 *
 * Context: hooks run under jemalloc's locks, so nothing here allocates; libmemstate does not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <jemalloc/jemalloc.h>
#include <memstate.h>

#define PUBLIC	__attribute__((visibility("default")))

/* Without jemalloc in the program there is nothing to do, rather than an error. */
#pragma weak mallctl

/*
 * jemalloc reads this before it begins. Each arena's metadata begins with 2 MiB, which are
 * Ready, as jemalloc touches them when it likes: hence one arena, where it would have four per
 * processor. Large allocations would have another one, to which hooks cannot be given before it
 * is in use. MALLOC_CONF overrides both.
 */
PUBLIC const char *malloc_conf = "narenas:1,oversize_threshold:0";

/* What base blocks are aligned to, and a multiple of. */
#define BASE_BYTES	((size_t)2 << 20)

static bool retain = true;

/* This thread was refused: see hook_alloc(). In the static block: the other kind allocates. */
static __thread bool refused __attribute__((tls_model("initial-exec")));

/* ---- jemalloc's index of addresses ------------------------------------------------ */

/*
 * Where the first extent in a GiB begins or ends, the index (its "rtree") gets a node of 2 MiB,
 * which is metadata. If that is refused jemalloc forgets the extent, by no call that hooks would
 * see: it would stay Ready, or Prepared, for ever, and each malloc() at a limit would lose one
 * more. So the question comes first, for no less than the next block of metadata may take.
 */
#define GIB_SHIFT	30
#define NR_GIB		(1u << (48 - GIB_SHIFT))

static uint64_t indexed[NR_GIB / 64];
/* jemalloc's last block of metadata; the next is a size class larger, or twice a node. */
static size_t base_bytes = BASE_BYTES;

/* Where this thread's last extent begins and ends. */
static __thread uintptr_t last_gib[2] __attribute__((tls_model("initial-exec")));

static uintptr_t gib_of(const void *addr)
{
	return ((uintptr_t)addr >> GIB_SHIFT) % NR_GIB;
}

static bool is_indexed(uintptr_t gib)
{
	return __atomic_load_n(&indexed[gib / 64], __ATOMIC_RELAXED) >> (gib % 64) & 1;
}

static void set_indexed(uintptr_t gib)
{
	if (!is_indexed(gib))
		__atomic_fetch_or(&indexed[gib / 64], 1ull << (gib % 64), __ATOMIC_RELAXED);
}

/* It was refused after all: another thread was in between. The next extent there asks again. */
static void clear_indexed(void)
{
	for (int i = 0; i < 2; i++)
		__atomic_fetch_and(&indexed[last_gib[i] / 64], ~(1ull << (last_gib[i] % 64)),
				   __ATOMIC_RELAXED);
}

static bool index_has_room(const char *start, size_t bytes)
{
	uintptr_t first = gib_of(start), last = gib_of(start + bytes - 1);
	size_t nodes = !is_indexed(first) + (last != first && !is_indexed(last));
	size_t room = nodes * (2 * __atomic_load_n(&base_bytes, __ATOMIC_RELAXED) + BASE_BYTES);

	if (room) {
		if (memstate_charge(room))
			return false;
		memstate_uncharge(room);
	}
	last_gib[0] = first;
	last_gib[1] = last;
	set_indexed(first);
	set_indexed(last);
	return true;
}

/* ---- hooks: false, or an address, is success ------------------------------------ */

static void *reserve_aligned(size_t bytes, size_t alignment, enum memstate_class class_)
{
	size_t more = alignment - (size_t)sysconf(_SC_PAGESIZE);
	char *start = memstate_reserve(bytes, class_);
	size_t skip;

	if (!start || !((uintptr_t)start & (alignment - 1)))
		return start;
	memstate_free(start, bytes);
	start = bytes + more < bytes ? NULL : memstate_reserve(bytes + more, class_);
	if (!start)
		return NULL;
	skip = -(uintptr_t)start & (alignment - 1);
	if (skip)
		memstate_free(start, skip);
	if (skip < more)
		memstate_free(start + skip + bytes, more - skip);
	return start + skip;
}

/*
 * With @commit the memory is for use at once; without, for the retained extents, to be
 * committed in parts. jemalloc grows these even if nothing may be committed: it takes an
 * extent, has its commit refused, retains it, and then asks for the exact length with
 * @commit. So a limit would make address space grow with each malloc() that fails; who was
 * refused gets none until that last question has been asked.
 */
static void *hook_alloc(extent_hooks_t *hooks, void *new_addr, size_t bytes, size_t alignment,
			bool *zero, bool *commit, unsigned int arena)
{
	/* A base block is the only thing that is aligned so and to be zero and committed. */
	bool base = *zero && *commit && alignment == BASE_BYTES && !(bytes % BASE_BYTES);
	enum memstate_class class_ = base ? MEMSTATE_METADATA : MEMSTATE_HEAP;
	bool was_refused = refused;
	char *start;

	(void)hooks;
	(void)arena;
	refused = false;
	/* An address to extend another extent: never necessary. */
	if (new_addr || (was_refused && !*commit))
		return NULL;
	start = reserve_aligned(bytes, alignment, class_);
	if (!start)
		return NULL;
	if (memstate_map(start, bytes, class_) ||
	    (*commit && memstate_used(start, bytes, class_)) ||
	    (!base && !index_has_room(start, bytes))) {
		memstate_free(start, bytes);
		return NULL;
	}
	*zero = true;
	return start;
}

static bool hook_dalloc(extent_hooks_t *hooks, void *addr, size_t bytes, bool committed,
			unsigned int arena)
{
	(void)hooks;
	(void)committed;
	(void)arena;
	/* "No" means: retain it. Then comes decommit. */
	return retain || memstate_free(addr, bytes);
}

static void hook_destroy(extent_hooks_t *hooks, void *addr, size_t bytes, bool committed,
			 unsigned int arena)
{
	(void)hooks;
	(void)committed;
	(void)arena;
	memstate_free(addr, bytes);
}

static bool hook_commit(extent_hooks_t *hooks, void *addr, size_t bytes, size_t offset,
			size_t length, unsigned int arena)
{
	(void)hooks;
	(void)bytes;
	(void)arena;
	refused = memstate_used((char *)addr + offset, length, MEMSTATE_HEAP) != 0;
	return refused;
}

static bool hook_decommit(extent_hooks_t *hooks, void *addr, size_t bytes, size_t offset,
			  size_t length, unsigned int arena)
{
	(void)hooks;
	(void)bytes;
	(void)arena;
	return memstate_unused((char *)addr + offset, length, MEMSTATE_HEAP) != 0;
}

/* Books are of ranges, not of extents: where jemalloc cuts is all the same to them. */
static bool hook_split(extent_hooks_t *hooks, void *addr, size_t bytes, size_t bytes_a,
		       size_t bytes_b, bool committed, unsigned int arena)
{
	(void)hooks;
	(void)addr;
	(void)bytes;
	(void)bytes_a;
	(void)bytes_b;
	(void)committed;
	(void)arena;
	return false;
}

static bool hook_merge(extent_hooks_t *hooks, void *a, size_t bytes_a, void *b, size_t bytes_b,
		       bool committed, unsigned int arena)
{
	(void)hooks;
	(void)a;
	(void)bytes_a;
	(void)b;
	(void)bytes_b;
	(void)committed;
	(void)arena;
	return false;
}

static extent_hooks_t hooks = {
	.alloc = hook_alloc,
	.dalloc = hook_dalloc,
	.destroy = hook_destroy,
	.commit = hook_commit,
	.decommit = hook_decommit,
	.purge_lazy = NULL,
	.purge_forced = NULL,
	.split = hook_split,
	.merge = hook_merge,
};

/* ---- what jemalloc maps without a hook -------------------------------------------- */

static struct early {
	char *start;
	size_t bytes;
} early[8];
static unsigned int nr_early;
static bool installed;

/* Is the caller jemalloc? Asked under its locks: dladdr(), which takes one, will not do. */
static bool from_jemalloc(void *caller)
{
	struct dl_find_object here, there;

	return mallctl && !_dl_find_object(caller, &here) &&
	       !_dl_find_object((void *)mallctl, &there) &&
	       here.dlfo_link_map == there.dlfo_link_map;
}

PUBLIC void *mmap(void *addr, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	void *start = (void *)syscall(SYS_mmap, addr, bytes, prot, flags, fd, offset);

	if (start == MAP_FAILED || !from_jemalloc(__builtin_return_address(0)))
		return start;
	/*
	 * libmemstate's handlers around fork() must be registered before jemalloc's, for
	 * they take locks that are taken inside of jemalloc's: that is now. They fit
	 * into glibc's first table of handlers, so nothing is allocated.
	 */
	memstate_atfork();
	/* Nobody has seen it yet: it is early enough to ask now. */
	if (memstate_post(MEMSTATE_NONE, MEMSTATE_READY,
			  installed ? MEMSTATE_METADATA : MEMSTATE_HEAP, 0, start,
			  bytes) == -EDQUOT) {
		syscall(SYS_munmap, start, bytes);
		clear_indexed();
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (installed)
		__atomic_store_n(&base_bytes, bytes, __ATOMIC_RELAXED);
	/* One thread until hooks are there. */
	if (!installed && nr_early < sizeof(early) / sizeof(early[0]))
		early[nr_early++] = (struct early) { start, bytes };
	return start;
}

/* Of what it maps for alignment jemalloc cuts off both ends, or takes back all. */
static void early_unmap(char *start, size_t bytes)
{
	char *end = start + bytes;

	for (struct early *e = early; e < early + nr_early; e++) {
		char *e_end = e->start + e->bytes;

		if (start <= e->start && end > e->start) {
			e->start = end < e_end ? end : e_end;
			e->bytes = (size_t)(e_end - e->start);
		} else if (start > e->start && start < e_end) {
			e->bytes = (size_t)(start - e->start);
		}
	}
}

PUBLIC int munmap(void *addr, size_t bytes)
{
	int ret;

	if (!from_jemalloc(__builtin_return_address(0)) ||
	    memstate_backend() == MEMSTATE_BACKEND_NONE)
		return (int)syscall(SYS_munmap, addr, bytes);
	if (!installed)
		early_unmap(addr, bytes);
	ret = memstate_free(addr, bytes);
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

/* ---- installing -------------------------------------------------------------------- */

static size_t stat_of(const char *name)
{
	size_t value = 0, size = sizeof(value);

	mallctl(name, &value, &size, NULL, 0);
	return value;
}

/*
 * Which of the early mappings is the heap, and which metadata, jemalloc does not tell. But
 * how much heap there is it does: if that is the one in which a block lies, then the rest is
 * metadata. Else all stay as they are, in class heap.
 */
static void tell_metadata(char *block)
{
	uint64_t epoch = 1;
	size_t size = sizeof(epoch), page = (size_t)sysconf(_SC_PAGESIZE), heap;
	unsigned int i, of_block = nr_early;

	mallctl("epoch", &epoch, &size, &epoch, size);
	heap = (stat_of("stats.arenas.0.pactive") + stat_of("stats.arenas.0.pdirty") +
		stat_of("stats.arenas.0.pmuzzy")) * page + stat_of("stats.arenas.0.retained");
	for (i = 0; i < nr_early; i++)
		if (block >= early[i].start && block < early[i].start + early[i].bytes)
			of_block = i;
	if (of_block == nr_early || early[of_block].bytes != heap)
		return;
	for (i = 0; i < nr_early; i++)
		if (i != of_block && early[i].bytes)
			memstate_post(MEMSTATE_MAPPED, MEMSTATE_KEEP, MEMSTATE_METADATA,
				      MEMSTATE_ONLY, early[i].start, early[i].bytes);
}

static void complain(const char *what)
{
	fprintf(stderr, "jemalloc_hooks: %s\n", what);
}

__attribute__((constructor)) static void install(void)
{
	unsigned int nr_arenas = 0, i;
	size_t size = sizeof(nr_arenas);
	extent_hooks_t *ours = &hooks;
	char name[64];
	void *block;

	if (!mallctl) {
		complain("not accounted: there is no jemalloc in this program");
		return;
	}
	if (memstate_backend() == MEMSTATE_BACKEND_NONE) {
		complain("not accounted:");
		complain(memstate_error());
		return;
	}
	block = malloc(1);
	mallctl("arenas.narenas", &nr_arenas, &size, NULL, 0);
	size = sizeof(retain);
	mallctl("opt.retain", &retain, &size, NULL, 0);
	for (i = 0; i < nr_arenas; i++) {
		/* An arena that nobody has used yet begins with them. */
		snprintf(name, sizeof(name), "arena.%u.extent_hooks", i);
		if (mallctl(name, NULL, NULL, &ours, sizeof(ours))) {
			snprintf(name, sizeof(name), "arena %u: Ready is what it maps", i);
			complain(name);
		}
	}
	tell_metadata(block);
	set_indexed(gib_of(block));
	installed = true;
	free(block);
}
