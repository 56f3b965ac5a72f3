// SPDX-License-Identifier: MIT
#include <string.h>

#include "arena.h"
#include "heap.h"
#include "knobs.h"
#include "lock.h"
#include "os.h"

/* A full slab is looked at again when an eighth of its blocks, or so many, are free. */
#define WAKE_PART	8
#define WAKE_MAX	64

/* So much at a time is made of untouched memory. */
#define EXTEND_BYTES	4096

/* A batch is posted when it stands for so much memory. */
#define BATCH_BYTES	((uint32_t)64 << 10)
#define SPARE_MAX	8

/* How many blocks ahead they are fetched. */
#define AHEAD		6

/* Long slabs are cached beside those of one slice. */
#define LONG_SLICES	(MS_SLAB_LONG >> MS_SLICE_SHIFT)

__thread struct ms_heap *ms_heap_mine __attribute__((tls_model("initial-exec"))) =
	&ms_heap_none;

/* The thread has gone through its destructors: it borrows for what still comes. */
static __thread bool thread_ended __attribute__((tls_model("initial-exec")));

struct ms_heap ms_heap_none = {
	.id = MS_NR_HEAPS_MAX,
	.direct = { [0 ... MS_NR_DIRECT - 1] = &ms_slab_none },
	.bins = { [0 ... MS_NR_CLASSES - 1] = &ms_slab_none },
	.out = { [0 ... MS_NR_OUT - 1] = &ms_batch_none },
};

/* Nobody's. */
struct ms_batch ms_batch_none;

_Static_assert(sizeof(struct ms_batch) == 2048, "half a page");

static pthread_mutex_t heaps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ms_heap *orphans;
static uint32_t nr_orphans;

/* All heaps by number, in chunks; there are only ever more. 0 is none. */
#define CHUNK	256
static struct ms_heap **chunks[MS_NR_HEAPS_MAX / CHUNK];
static uint32_t nr_heaps = 1;

static pthread_key_t key;
/* Written under heaps_lock; the map and the key are there once it says WORKS. */
static enum { UNTRIED, WORKS, FAILED } ready;

static pthread_mutex_t batches_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ms_batch *batches;

static struct ms_heap *heap_by_id(uint32_t id)
{
	return chunks[id / CHUNK][id % CHUNK];
}

/* ---- lists of slabs ------------------------------------------------------------ */

static void avail_add(struct ms_heap *heap, struct ms_slab *slab)
{
	unsigned int c = slab->class_;

	ms_slab_set_state(slab, MS_SLAB_AVAIL);
	slab->next = NULL;
	slab->prev = heap->avail_last[c];
	if (slab->prev)
		slab->prev->next = slab;
	else
		heap->avail[c] = slab;
	heap->avail_last[c] = slab;
}

static void avail_del(struct ms_heap *heap, struct ms_slab *slab)
{
	unsigned int c = slab->class_;

	if (slab->prev)
		slab->prev->next = slab->next;
	else
		heap->avail[c] = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
	else
		heap->avail_last[c] = slab->prev;
}

static void set_current(struct ms_heap *heap, unsigned int c, struct ms_slab *slab)
{
	size_t size = ms_class_size(c), first;

	heap->bins[c] = slab;
	if (size > MS_DIRECT_MAX)
		return;
	first = c ? ms_class_size(c - 1) / MS_GRAIN + 1 : 0;
	for (size_t i = first; i <= size / MS_GRAIN; i++)
		heap->direct[i] = slab;
}

/* ---- counting -------------------------------------------------------------------- */

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n,
			 __ATOMIC_RELAXED);
}

/* @in_use of a slab's blocks are in use now, as its state says or a walk has shown. */
static void count(struct ms_heap *heap, struct ms_slab *slab, uint32_t in_use)
{
	uint32_t freed = slab->armed - slab->countdown;
	uint32_t alloced = in_use + freed - slab->used;

	slab->used = in_use;
	if (alloced)
		add(&heap->allocs[slab->class_], alloced);
	if (freed)
		add(&heap->frees[slab->class_], freed);
}

static uint32_t list_length(const struct ms_slab *slab)
{
	uint32_t n = 0;

	for (const void *p = slab->free; ms_slab_holds(slab, p); p = ms_link_load(p))
		n++;
	return n;
}

/* ---- slabs come and go ------------------------------------------------------------ */

static void slab_destroy(struct ms_slab *slab)
{
	uint32_t slices = slab->slices;

	ms_arena_tag(slab, slices, 0);
	ms_slab_set_state(slab, MS_RUN_NONE);
	ms_arena_give(slab, slices);
}

/* An empty slab: keep it, or give it back. */
static void slab_release(struct ms_heap *heap, struct ms_slab *slab)
{
	int kind = slab->slices == 1 ? 0 : slab->slices == LONG_SLICES ? 1 : -1;

	heap->nr_slabs[slab->class_]--;
	if (kind < 0 || heap->nr_cached[kind] >= MS_CACHED_MAX ||
	    ms_knobs.decay_ms == 0) {
		slab_destroy(slab);
		return;
	}
	ms_slab_set_state(slab, MS_SLAB_CACHED);
	slab->next = heap->cached[kind];
	heap->cached[kind] = slab;
	add(&heap->nr_cached[kind], 1);
}

static struct ms_slab *slab_cached(struct ms_heap *heap, uint32_t slices)
{
	int kind = slices == 1 ? 0 : slices == LONG_SLICES ? 1 : -1;
	struct ms_slab *slab;

	if (kind < 0 || !heap->nr_cached[kind])
		return NULL;
	slab = heap->cached[kind];
	heap->cached[kind] = slab->next;
	add(&heap->nr_cached[kind], -UINT64_C(1));
	return slab;
}

bool ms_heap_trim(struct ms_heap *heap)
{
	bool some = false;

	for (int kind = 0; kind < 2; kind++) {
		while (heap->nr_cached[kind]) {
			struct ms_slab *slab = heap->cached[kind];

			heap->cached[kind] = slab->next;
			add(&heap->nr_cached[kind], -UINT64_C(1));
			slab_destroy(slab);
			some = true;
		}
	}
	return some;
}

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

/* Put untouched blocks into the list of a slab that has none. */
static void slab_extend(struct ms_slab *slab, size_t size)
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

static void slab_format(struct ms_heap *heap, struct ms_slab *slab, unsigned int c)
{
	size_t size = ms_class_size(c);

	slab->class_ = (uint8_t)c;
	slab->capacity = (uint16_t)(((size_t)slab->slices << MS_SLICE_SHIFT) / size);
	slab->bytes = (uint32_t)(slab->capacity * size);
	slab->divisor = UINT64_MAX / size + 1;
	slab->extended = 0;
	slab->used = 0;
	slab->free = NULL;
	heap->nr_slabs[c]++;
}

static uint32_t tag_of(const struct ms_heap *heap, unsigned int c)
{
	return heap->id << MS_TAG_HEAP_SHIFT | c << MS_TAG_CLASS_SHIFT;
}

static struct ms_slab *slab_new(struct ms_heap *heap, unsigned int c)
{
	uint32_t slices = ms_class_slices(c, heap->nr_slabs[c]);
	struct ms_slab *slab = slab_cached(heap, slices);
	struct ms_run run;

	if (!slab) {
		if (ms_arena_take(slices, MS_SLICE, &run))
			return NULL;
		slab = run.entry;
		slab->slices = (uint8_t)slices;
		slab->base = (uintptr_t)run.addr;
	}
	ms_arena_tag(slab, slices, tag_of(heap, c));
	slab_format(heap, slab, c);
	return slab;
}

/* ---- frees for others ---------------------------------------------------------------- */

static struct ms_batch *batch_get(struct ms_heap *heap)
{
	struct ms_batch *b = heap->spare;

	if (b) {
		heap->spare = b->next;
		heap->nr_spare--;
		return b;
	}
	ms_lock(&batches_lock);
	while (heap->nr_spare < SPARE_MAX / 2 && (b = batches)) {
		batches = b->next;
		b->next = heap->spare;
		heap->spare = b;
		heap->nr_spare++;
	}
	ms_unlock(&batches_lock);
	b = heap->spare;
	if (b) {
		heap->spare = b->next;
		heap->nr_spare--;
		return b;
	}
	return ms_meta_alloc(sizeof(*b));
}

static void batch_put(struct ms_heap *heap, struct ms_batch *b)
{
	b->next = heap->spare;
	heap->spare = b;
	if (++heap->nr_spare <= SPARE_MAX)
		return;
	ms_lock(&batches_lock);
	while (heap->nr_spare > SPARE_MAX / 2) {
		b = heap->spare;
		heap->spare = b->next;
		heap->nr_spare--;
		b->next = batches;
		batches = b;
	}
	ms_unlock(&batches_lock);
}

static void batch_post(struct ms_batch *b)
{
	struct ms_heap *owner = heap_by_id(b->owner);

	b->next = __atomic_load_n(&owner->inbox, __ATOMIC_RELAXED);
	/* Release: pairs with the exchange in inbox_collect(). */
	while (!__atomic_compare_exchange_n(&owner->inbox, &b->next, b, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

static void out_flush(struct ms_heap *heap)
{
	for (unsigned int i = 0; i < MS_NR_OUT; i++) {
		if (heap->out[i] == &ms_batch_none)
			continue;
		batch_post(heap->out[i]);
		heap->out[i] = &ms_batch_none;
	}
}

/**
 * ms_heap_free_remote() - free what belongs to another heap
 * @heap:	the caller's
 * @tag:	of the block's slab
 * @block:	the block
 *
 * Context: any. If there is no memory for a batch, the block is lost.
 */
void ms_heap_free_remote(struct ms_heap *heap, uint32_t tag, void *block)
{
	uint32_t owner = ms_tag_heap(tag);
	unsigned int slot = owner % MS_NR_OUT;
	struct ms_batch *b = heap->out[slot];

	if (MS_UNLIKELY(b->owner != owner)) {
		if (b != &ms_batch_none)
			batch_post(b);
		heap->out[slot] = &ms_batch_none;
		b = batch_get(heap);
		if (!b)
			return;
		heap->out[slot] = b;
		b->owner = owner;
		b->nr = 0;
		b->bytes = 0;
	}
	b->blocks[b->nr++] = block;
	b->bytes += (uint32_t)ms_class_size(ms_tag_class(tag));
	if (MS_UNLIKELY(b->nr == MS_BATCH_BLOCKS || b->bytes >= BATCH_BYTES)) {
		heap->out[slot] = &ms_batch_none;
		batch_post(b);
	}
}

/* Take what others have freed. Return: whether there was something. */
static bool inbox_collect(struct ms_heap *heap)
{
	struct ms_batch *b, *next;

	if (MS_LIKELY(!__atomic_load_n(&heap->inbox, __ATOMIC_RELAXED)))
		return false;
	/* Acquire: pairs with the release in batch_post(). */
	b = __atomic_exchange_n(&heap->inbox, NULL, __ATOMIC_ACQUIRE);
	for (; b; b = next) {
		next = b->next;
		for (uint32_t i = 0; i < b->nr; i++) {
			void *block = b->blocks[i];
			uint32_t tag;
			struct ms_slab *slab = ms_slab_find(block, &tag);

			__builtin_prefetch(b->blocks[(i + AHEAD) % MS_BATCH_BLOCKS], 1);
			if (MS_LIKELY(ms_tag_heap(tag) == heap->id))
				ms_slab_free(heap, slab, block);
			else if (tag)
				ms_heap_free_remote(heap, tag, block);
			else
				ms_malloc_die("free(): this block is free already",
					      block);
		}
		add(&heap->remote, b->nr);
		batch_put(heap, b);
	}
	return true;
}

/* ---- the slow path ---------------------------------------------------------------- */

/**
 * ms_slab_event() - as many blocks of a slab are free as was waited for
 * @heap: its owner, the caller's
 * @slab: the slab
 *
 * Context: any.
 */
void ms_slab_event(struct ms_heap *heap, struct ms_slab *slab)
{
	count(heap, slab, slab->used - slab->armed);
	if (ms_slab_state(slab) == MS_SLAB_AVAIL)
		avail_del(heap, slab);
	if (!slab->used) {
		slab_release(heap, slab);
		return;
	}
	ms_slab_arm(slab, slab->used);
	avail_add(heap, slab);
}

/* The list of the current slab is empty, and so is what there was to extend it by. */
static void retire(struct ms_heap *heap, struct ms_slab *slab)
{
	uint32_t wake = slab->capacity / WAKE_PART;

	if (slab == &ms_slab_none)
		return;
	count(heap, slab, slab->extended);
	if (slab->extended < slab->capacity) {
		ms_slab_arm(slab, slab->used);
		avail_add(heap, slab);
		return;
	}
	if (wake < 1)
		wake = 1;
	if (wake > WAKE_MAX)
		wake = WAKE_MAX;
	ms_slab_set_state(slab, MS_SLAB_FULL);
	ms_slab_arm(slab, wake);
}

static void activate(struct ms_heap *heap, struct ms_slab *slab)
{
	ms_slab_set_state(slab, MS_SLAB_CURRENT);
	ms_slab_arm(slab, MS_NEVER);
	set_current(heap, slab->class_, slab);
}

static struct ms_slab *avail_take(struct ms_heap *heap, unsigned int c)
{
	struct ms_slab *slab = heap->avail[c];

	if (!slab)
		return NULL;
	avail_del(heap, slab);
	count(heap, slab, slab->used - (slab->armed - slab->countdown));
	return slab;
}

/* Under heaps_lock; read without. */
static void count_orphans(int more)
{
	__atomic_store_n(&nr_orphans, nr_orphans + (uint32_t)more, __ATOMIC_RELAXED);
}

/* A slab of an orphan, for who would otherwise take fresh memory. */
static struct ms_slab *orphan_slab(struct ms_heap *heap, unsigned int c)
{
	struct ms_heap *orphan, **end;
	struct ms_slab *slab;

	if (!__atomic_load_n(&nr_orphans, __ATOMIC_RELAXED))
		return NULL;
	ms_lock(&heaps_lock);
	orphan = orphans;
	if (orphan) {
		orphans = orphan->next;
		count_orphans(-1);
	}
	ms_unlock(&heaps_lock);
	if (!orphan)
		return NULL;

	inbox_collect(orphan);
	out_flush(orphan);
	ms_heap_trim(orphan);
	slab = avail_take(orphan, c);
	if (slab) {
		orphan->nr_slabs[c]--;
		heap->nr_slabs[c]++;
		ms_arena_tag(slab, slab->slices, tag_of(heap, c));
	}

	/* To the end: the next one has its turn with who comes next. */
	orphan->next = NULL;
	ms_lock(&heaps_lock);
	end = &orphans;
	while (*end)
		end = &(*end)->next;
	*end = orphan;
	count_orphans(1);
	ms_unlock(&heaps_lock);
	return slab;
}

static void *pop(struct ms_slab *slab)
{
	void *block = slab->free, *next;

	if (!block)
		return NULL;
	if (!ms_slab_holds(slab, block))
		ms_malloc_die("malloc(): a free block was written to, or freed twice, in the slab of",
			      (void *)slab->base);
	next = ms_link_load(block);
	slab->free = next;
#ifdef MS_MALLOC_HARDENED
	ms_block_handed_out(block, ms_class_size(slab->class_));
#endif
	return block;
}

/**
 * ms_heap_refill() - a block of a class whose current slab has none at hand
 * @heap:	the caller's
 * @class_:	which
 *
 * Context: any. Return: the block; NULL: no memory, or over a limit.
 */
void *ms_heap_refill(struct ms_heap *heap, unsigned int class_)
{
	struct ms_slab *slab = heap->bins[class_];
	void *block;

	add(&heap->refills, 1);
	/* May be that only the inlined path did not know. */
	block = pop(slab);
	if (block)
		return block;
	if (inbox_collect(heap)) {
		block = pop(slab);
		if (block)
			return block;
	}
	if (!heap->avail[class_] && slab->extended < slab->capacity) {
		slab_extend(slab, ms_class_size(class_));
		return pop(slab);
	}
	retire(heap, slab);
	set_current(heap, class_, &ms_slab_none);
	slab = avail_take(heap, class_);
	if (!slab)
		slab = orphan_slab(heap, class_);
	if (!slab) {
		out_flush(heap);
		slab = slab_new(heap, class_);
	}
	if (!slab) {
		/* What is kept for later may be what is missing. */
		if (!ms_heap_trim(heap))
			return NULL;
		ms_arena_scavenge(true);
		slab = slab_new(heap, class_);
		if (!slab)
			return NULL;
	}
	activate(heap, slab);
	if (!slab->free)
		slab_extend(slab, ms_class_size(class_));
	return pop(slab);
}

/* ---- threads -------------------------------------------------------------------- */

static struct ms_heap *heap_new(void)
{
	struct ms_heap ***chunk = &chunks[nr_heaps / CHUNK];
	struct ms_heap *heap;

	if (nr_heaps == MS_NR_HEAPS_MAX)
		return NULL;
	if (!*chunk)
		*chunk = ms_meta_alloc(CHUNK * sizeof(**chunk));
	heap = *chunk ? ms_meta_alloc(sizeof(*heap)) : NULL;
	if (!heap)
		return NULL;
	memcpy(heap, &ms_heap_none, sizeof(*heap));
	heap->id = nr_heaps;
	(*chunk)[nr_heaps % CHUNK] = heap;
	__atomic_store_n(&nr_heaps, nr_heaps + 1, __ATOMIC_RELEASE);
	return heap;
}

static struct ms_heap *heap_take(void)
{
	struct ms_heap *heap;

	ms_lock(&heaps_lock);
	heap = orphans;
	if (heap) {
		orphans = heap->next;
		count_orphans(-1);
	} else {
		heap = heap_new();
	}
	ms_unlock(&heaps_lock);
	return heap;
}

static void heap_orphan(struct ms_heap *heap)
{
	ms_lock(&heaps_lock);
	heap->next = orphans;
	orphans = heap;
	count_orphans(1);
	ms_unlock(&heaps_lock);
}

/* Nothing is kept that others could not get at. */
static void heap_settle(struct ms_heap *heap)
{
	inbox_collect(heap);
	out_flush(heap);
	for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
		struct ms_slab *slab = heap->bins[c];

		if (slab == &ms_slab_none)
			continue;
		set_current(heap, c, &ms_slab_none);
		count(heap, slab, slab->extended - list_length(slab));
		if (!slab->used) {
			slab_release(heap, slab);
			continue;
		}
		if (slab->free || slab->extended < slab->capacity) {
			ms_slab_arm(slab, slab->used);
			avail_add(heap, slab);
		} else {
			ms_slab_set_state(slab, MS_SLAB_FULL);
			ms_slab_arm(slab, 1);
		}
	}
	ms_heap_trim(heap);
}

static void thread_exit(void *arg)
{
	struct ms_heap *heap = arg;

	thread_ended = true;
	ms_heap_mine = &ms_heap_none;
	heap_settle(heap);
	heap_orphan(heap);
}

static bool start(void)
{
	bool works;

	ms_lock(&heaps_lock);
	if (ready == UNTRIED) {
		ms_knobs_read();
		__atomic_store_n(&ready, !ms_arena_init() &&
						 !pthread_key_create(&key, thread_exit) ?
					 WORKS : FAILED, __ATOMIC_RELEASE);
	}
	works = ready == WORKS;
	ms_unlock(&heaps_lock);
	return works;
}

/**
 * ms_heap_enter() - the calling thread's heap
 *
 * Made, or taken over, at first; borrowed once the thread has gone through its
 * destructors.
 *
 * Context: any. Return: the heap; NULL: no memory.
 */
struct ms_heap *ms_heap_enter(void)
{
	struct ms_heap *heap = ms_heap_mine;

	if (MS_LIKELY(heap != &ms_heap_none))
		return heap;
	if (MS_UNLIKELY(__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != WORKS) && !start())
		return NULL;
	heap = heap_take();
	if (!heap)
		return NULL;
	ms_heap_mine = heap;
	if (!thread_ended)
		pthread_setspecific(key, heap);
	return heap;
}

/**
 * ms_heap_leave() - end of an operation
 * @heap: from ms_heap_enter()
 *
 * Context: any.
 */
void ms_heap_leave(struct ms_heap *heap)
{
	if (MS_LIKELY(!thread_ended))
		return;
	ms_heap_mine = &ms_heap_none;
	heap_settle(heap);
	heap_orphan(heap);
}

/* ---- figures -------------------------------------------------------------------- */

/* The heaps whose slabs the caller may look into: its own, and all orphans. */
struct seen {
	struct ms_heap *heap;
	struct ms_heap *orphans;
	const char *wrong;
};

static struct ms_heap *may_see(const struct seen *seen, uint32_t owner)
{
	struct ms_heap *orphan = seen->orphans;

	if (owner == seen->heap->id)
		return seen->heap;
	while (orphan && orphan->id != owner)
		orphan = orphan->next;
	return orphan;
}

static uint32_t in_use_of(const struct ms_slab *slab)
{
	return slab->state == MS_SLAB_CURRENT ?
		       slab->extended - list_length(slab) :
		       slab->used - (slab->armed - slab->countdown);
}

static void slab_count(struct ms_slab *slab, uint32_t owner, void *arg)
{
	struct ms_heap *heap = may_see(arg, owner);

	if (!heap || slab->state == MS_SLAB_CACHED)
		return;
	count(heap, slab, in_use_of(slab));
	if (slab->state == MS_SLAB_CURRENT)
		ms_slab_arm(slab, MS_NEVER);
	else
		slab->armed = slab->countdown;
}

static void slab_check(struct ms_slab *slab, uint32_t owner, void *arg)
{
	struct seen *seen = arg;
	uint32_t listed = 0, in_use;

	if (!may_see(seen, owner) || slab->state == MS_SLAB_CACHED)
		return;
	for (const void *p = slab->free; p; p = ms_link_load(p), listed++)
		if (!ms_slab_holds(slab, p) || listed > slab->capacity ||
		    ((uintptr_t)p - slab->base) % ms_class_size(slab->class_)) {
			seen->wrong = "a list of free blocks is damaged";
			return;
		}
	in_use = in_use_of(slab);
	if (in_use + listed != slab->extended || slab->extended > slab->capacity)
		seen->wrong = "blocks in use and free ones do not add up";
	if (slab->state == MS_SLAB_AVAIL && (!in_use || slab->countdown != in_use))
		seen->wrong = "a slab is not armed with the blocks in use";
}

/* Orphans cannot get a thread, nor lose a slab, while the lock is held. */
static void see(struct ms_heap *heap, ms_slab_fn fn, struct seen *seen)
{
	*seen = (struct seen) { .heap = heap };
	inbox_collect(heap);
	ms_lock(&heaps_lock);
	seen->orphans = orphans;
	for (struct ms_heap *o = orphans; o; o = o->next) {
		inbox_collect(o);
		out_flush(o);
	}
	ms_arena_walk(fn, seen);
	ms_unlock(&heaps_lock);
}

static uint64_t get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/**
 * ms_heap_figures() - sum up over all heaps
 * @heap:	the caller's
 * @f:		where to
 *
 * Context: without locks.
 */
void ms_heap_figures(struct ms_heap *heap, struct ms_heap_figures *f)
{
	uint32_t nr = __atomic_load_n(&nr_heaps, __ATOMIC_ACQUIRE);
	struct ms_heap *h;
	struct seen seen;

	see(heap, slab_count, &seen);
	memset(f, 0, sizeof(*f));
	f->orphans = __atomic_load_n(&nr_orphans, __ATOMIC_RELAXED);
	for (uint32_t id = 1; id < nr; id++) {
		h = heap_by_id(id);
		for (unsigned int c = 0; c < MS_NR_CLASSES; c++) {
			f->allocs[c] += get(&h->allocs[c]);
			f->frees[c] += get(&h->frees[c]);
		}
		f->large_allocs += get(&h->large_allocs);
		f->large_alloc_bytes += get(&h->large_alloc_bytes);
		f->large_frees += get(&h->large_frees);
		f->large_free_bytes += get(&h->large_free_bytes);
		f->cached += get(&h->nr_cached[0]) + get(&h->nr_cached[1]) * LONG_SLICES;
		f->remote += get(&h->remote);
		f->refills += get(&h->refills);
		f->heaps++;
	}
}

/**
 * ms_heap_check() - whether slabs and their lists are as they should be
 * @heap: the caller's
 *
 * Context: without locks. Return: NULL, or what is wrong.
 */
const char *ms_heap_check(struct ms_heap *heap)
{
	struct seen seen;

	see(heap, slab_check, &seen);
	return seen.wrong;
}

/* ---- fork ------------------------------------------------------------------------ */

void ms_heap_fork_prepare(void)
{
	ms_lock(&heaps_lock);
	ms_lock(&batches_lock);
}

void ms_heap_fork_done(void)
{
	ms_unlock(&batches_lock);
	ms_unlock(&heaps_lock);
}

/*
 * In a child the heaps of the other threads may be in the middle of anything: they are
 * left alone, and what they have is lost to the child.
 */
void ms_heap_fork_child(void)
{
}
