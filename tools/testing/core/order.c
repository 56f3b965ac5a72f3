// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Statistics with a processor that keeps what it stores to itself as long as it may: until a
 * full barrier. Between any two of its accesses another one comes that does not, and does the
 * opposite. So a barrier that is missing is seen each time, on whatever machine this runs.
 *
 * The code is kmod/core/stats.c itself, with accesses that are kept here. Loads come in their
 * order, as on x86; what else other processors may do is for the litmus tests.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "port.h"
#include "tap.h"

#define STORES_MAX	64

static struct store {
	void *p;
	u64 value;
	size_t bytes;
} stores[STORES_MAX];
static unsigned int nr_stores;

/* This is the processor that keeps them; how many accesses it has made, who comes after which. */
static bool keeping;
static unsigned int accesses, come_after;
static void (*other)(void);

static void store_now(const struct store *s)
{
	if (s->bytes == sizeof(u32))
		ms_store32(s->p, (u32)s->value);
	else
		ms_store64(s->p, s->value);
}

static void accessed(void)
{
	if (++accesses != come_after)
		return;
	keeping = false;
	other();
	keeping = true;
}

static void order_store(void *p, u64 value, size_t bytes)
{
	struct store s = { p, value, bytes };

	if (!keeping || nr_stores == STORES_MAX) {
		store_now(&s);
		return;
	}
	stores[nr_stores++] = s;
	accessed();
}

static u64 order_load(const void *p, size_t bytes)
{
	u64 value = bytes == sizeof(u32) ? ms_load32(p) : ms_load64(p);

	if (!keeping)
		return value;
	for (unsigned int i = 0; i < nr_stores; i++)
		if (stores[i].p == p)
			value = stores[i].value;
	accessed();
	return value;
}

static void order_mb(void)
{
	if (!keeping)
		return;
	for (unsigned int i = 0; i < nr_stores; i++)
		store_now(&stores[i]);
	nr_stores = 0;
}

/* Whoever has come in between does not go on before a reader has come to its end. */
static bool waits;
static jmp_buf waiting;

static void order_relax(void)
{
	waits = true;
	longjmp(waiting, 1);
}

#define ms_load32(p)			((u32)order_load(p, sizeof(u32)))
#define ms_load32_acquire(p)		((u32)order_load(p, sizeof(u32)))
#define ms_load64(p)			order_load(p, sizeof(u64))
#define ms_store32(p, v)		order_store(p, v, sizeof(u32))
#define ms_store32_release(p, v)	order_store(p, v, sizeof(u32))
#define ms_store64(p, v)		order_store(p, v, sizeof(u64))
#define ms_mb				order_mb
#define ms_relax			order_relax
/* Others by these names are in all programs here. */
#define ms_stats_enter			order_stats_enter
#define ms_stats_exit			order_stats_exit
#define ms_stats_read			order_stats_read
#include "../../../kmod/core/stats.c"

static struct ms_stats_shard shard;
static struct ms_stats_shard *shards[] = { &shard };
static struct ms_stats stats;
static u64 *set;

static void read_all(void)
{
	u64 sums[MS_STATS_MAX];

	if (!setjmp(waiting))
		ms_stats_read(&stats, sums);
}

static void enter(void)
{
	set = ms_stats_enter(&stats, &shard);
}

/*
 * @who keeps what it stores, and @whom comes after its access of that number: 0 is what a reader
 * closes. Return: a writer has the set that a reader who has not waited takes for whole.
 */
static bool torn(void (*who)(void), void (*whom)(void), unsigned int after)
{
	memset(&shard, 0, sizeof(shard));
	stats = (struct ms_stats){ 0, 1, 2, shards };
	set = NULL;
	waits = false;
	nr_stores = 0;
	accesses = 0;
	come_after = after;
	other = whom;
	keeping = true;
	who();
	order_mb();
	keeping = false;
	return set == shard.set[0] && !waits;
}

int main(void)
{
	unsigned int bad, all, n;

	torn(enter, read_all, 0);
	all = accesses;
	tap_ok(set && all > 1, "writer_alone_makes_%u_accesses", all);
	for (n = 1, bad = 0; n <= all; n++)
		bad += torn(enter, read_all, n);
	tap_is(bad, 0, "writer_whose_stores_come_late_has_no_set_that_was_read");
	torn(read_all, enter, 0);
	all = accesses;
	tap_ok(!waits && all > 1, "reader_alone_makes_%u_accesses", all);
	for (n = 1, bad = 0; n <= all; n++)
		bad += torn(read_all, enter, n);
	tap_is(bad, 0, "reader_whose_stores_come_late_has_read_no_set_that_is_written");
	return tap_end();
}
