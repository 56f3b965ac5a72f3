// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What a task writes into the pages that it shares with the module: by the rules, and not. */
#include <pthread.h>

#include "actor.h"
#include "ioctl.h"

static volatile struct memstate_ring_control *ring(struct run *r, u32 *entries)
{
	struct map *map = actor_map(r, MEMSTATE_OFF_RING);

	*entries = map ? (map->bytes - PAGE) / sizeof(struct memstate_record) : 0;
	while (*entries & (*entries - 1))
		*entries &= *entries - 1;
	return *entries ? (void *)map->at : NULL;
}

/* Records, as any thread posts them; without a look at head, a full ring is written over. */
long call_post(struct run *r)
{
	u32 entries, nr = once(r, 8) ? pick(r, 4096) : 1 + pick(r, 3), pos, i;
	volatile struct memstate_ring_control *control = ring(r, &entries);
	volatile struct memstate_record *slots;
	struct memstate_record rec = {};

	if (!control)
		return -ENXIO;
	slots = (void *)((char *)control + PAGE);
	for (i = 0; i < nr; i++) {
		/* The last one many times: the call's words come to an end. */
		if (i < 2)
			rec = pick_record(r);
		else
			rec.w0 ^= (1 + i % 7) << MEMSTATE_CLASS_SHIFT;
		pos = __atomic_fetch_add(&control->tail, 1, __ATOMIC_SEQ_CST);
		/* Claimed, and not published. */
		if (i == 0 && once(r, 16))
			continue;
		slots[pos & (entries - 1)].w0 = rec.w0;
		__atomic_store_n(&slots[pos & (entries - 1)].w1, (u32)rec.w1 | (u64)pos << 32,
				 __ATOMIC_RELEASE);
	}
	return 0;
}

long call_credit(struct run *r)
{
	u64 seen, want = (1 + pick(r, 16)) * PAGE;
	u32 entries;
	volatile struct memstate_ring_control *control = ring(r, &entries);

	if (!control)
		return -ENXIO;
	if (once(r, 8)) {
		control->credit = pick_odd(r);
		return 0;
	}
	seen = __atomic_load_n(&control->credit, __ATOMIC_RELAXED);
	if (seen < want)
		return -EDQUOT;
	return __atomic_compare_exchange_n(&control->credit, &seen, seen - want, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED) ? 0 : -EAGAIN;
}

/* A writer of a shard, or one that stops in the middle. */
long call_count(struct run *r)
{
	struct map *map = actor_map(r, MEMSTATE_OFF_SHARDS), *page = actor_map(r, MEMSTATE_OFF_TOTALS);
	volatile struct memstate_alloc_shard *shard;
	u32 gen, steps = once(r, 8) ? 1 : 4, i;

	if (!map || !page)
		return -ENXIO;
	shard = (void *)map->at;
	shard += pick(r, map->bytes / sizeof(*shard));
	shard->seq++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	gen = ((volatile struct memstate_totals_page *)page->at)->alloc_gen;
	for (i = 0; i < steps; i++)
		shard->set[gen % MEMSTATE_ALLOC_SETS][pick(r, MEMSTATE_ALLOC_COUNTERS)] += PAGE;
	if (steps > 1)
		__atomic_store_n(&shard->seq, shard->seq + 1, __ATOMIC_RELEASE);
	return 0;
}

/* ---- hostile ----------------------------------------------------------------- */

struct scribbler {
	volatile u64 *at;
	size_t words;
	u64 seed;
	bool ring;
};

static struct scribbler scribblers[4];
static u32 nr_scribblers;

/* Words anywhere, and now and then a tail and slots that look published. */
static void scribble(void *arg)
{
	struct scribbler s = *(struct scribbler *)arg;
	volatile struct memstate_ring_control *control = (void *)s.at;
	u32 i, pos;

	for (i = 0; i < 2000; i++) {
		u64 value = rnd(&s.seed), where = rnd(&s.seed);

		s.at[where % s.words] = rnd_once(&s.seed, 2) ? value : value & 0xffff;
		if (!s.ring || i % 8)
			continue;
		control->credit = rnd_once(&s.seed, 2) ? value : (value & 0xff) * PAGE;
		pos = control->tail;
		s.at[PAGE / 8 + ((where * 2 % (s.words - PAGE / 8)) & ~1ULL) + 1] =
			(value & 0xff) | (u64)(pos - where % 64) << 32;
		control->tail = rnd_once(&s.seed, 4) ? (u32)value : pos + (u32)(value & 15);
	}
}

static void *scribbler_thread(void *arg)
{
	guarded(scribble, arg);
	return NULL;
}

/* By another thread, while this one goes on. */
long call_scribble(struct run *r)
{
	struct map *map = actor_map(r, -1);
	u32 which = __atomic_fetch_add(&nr_scribblers, 1, __ATOMIC_RELAXED);
	struct scribbler *s = &scribblers[which % 4];
	pthread_t thread;

	if (which >= 4)
		return -EAGAIN;
	if (!map || once(r, 4))
		*s = (struct scribbler) { .at = (void *)ARENA_ARRAY,
					  .words = ARENA_ARRAY_BYTES / 8 };
	else
		*s = (struct scribbler) { .at = (void *)map->at, .words = map->bytes / 8,
					  .ring = map->what == MEMSTATE_OFF_RING && map->bytes > PAGE };
	s->seed = pick(r, ~0U);
	/* Not of what the totals are mapped at: that it cannot be written is known. */
	if (map && s->at == (void *)map->at && map->what == MEMSTATE_OFF_TOTALS)
		return -EACCES;
	return -pthread_create(&thread, NULL, scribbler_thread, s);
}
