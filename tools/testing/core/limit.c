// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The limit tree: all or none, exact, and never a step too far, whoever charges beside. */

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "port.h"
#include "tap.h"

/* Between any two steps another thread may come, and here it often does. */
static __thread u64 stumbles;

static u64 rnd(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

static void stumble(void)
{
	if (stumbles && rnd(&stumbles) % 8 == 0)
		sched_yield();
}

#define ms_cas64(p, old, new_)	(stumble(), ms_cas64(p, old, new_))
#define ms_fetch_add64(p, v)	(stumble(), ms_fetch_add64(p, v))
#include "../../../kmod/core/limit.c"

#define NODES	7
#define U	MS_LIMIT_UNIT

static const int parents[NODES] = { -1, 0, 0, 1, 1, 2, 2 };

static void plant(struct ms_limit *l)
{
	for (int i = 0; i < NODES; i++)
		ms_limit_init(&l[i], parents[i] < 0 ? NULL : &l[parents[i]],
			      MEMSTATE_UNLIMITED);
}

static bool max_is(struct ms_limit *l, u64 max)
{
	return ms_limit_set(l, MEMSTATE_LIMIT_MAX, 0, max, false);
}

/* As a caller does it: asks until there is an answer. */
static bool charge(struct ms_limit *l, u64 bytes, struct ms_limit **refused)
{
	enum ms_limit_answer answer;

	while ((answer = ms_limit_charge(l, bytes, refused)) == MS_LIMIT_BUSY)
		sched_yield();
	return answer == MS_LIMIT_CHARGED;
}

/* A tree of seven against sums that are kept by hand. */
static void random_charges(void)
{
	struct ms_limit l[NODES], *refused;
	u64 own[NODES] = {}, bad = 0, granted = 0, denied = 0, seed = 88172645463325252;

	plant(l);
	for (int n = 0; n < 200000; n++) {
		int i = (int)(rnd(&seed) % NODES);
		u64 bytes = rnd(&seed) % 100 * U;

		if (rnd(&seed) % 50 == 0) {
			/* Not always whole pages. */
			max_is(&l[i], rnd(&seed) % 8 ? rnd(&seed) % (1000 * U) :
						       MEMSTATE_UNLIMITED);
		} else if (rnd(&seed) % 20 == 0) {
			/* Whatever they allow: then nothing fits until it has gone. */
			ms_limit_force(&l[i], bytes);
			own[i] += bytes;
		} else if (rnd(&seed) % 2) {
			u64 room = ms_limit_room(&l[i]), sums[NODES];
			bool ok;

			for (int k = 0; k < NODES; k++)
				sums[k] = ms_limit_charged(&l[k]);
			ok = ms_limit_charge(&l[i], bytes, &refused) == MS_LIMIT_CHARGED;
			bad += ok != (bytes <= room);
			granted += ok;
			denied += !ok;
			if (ok) {
				own[i] += bytes;
			} else {
				for (int k = 0; k < NODES; k++)
					bad += sums[k] != ms_limit_charged(&l[k]);
				bad += bytes <= ms_limit_own_room(refused);
			}
		} else if (own[i]) {
			bytes = rnd(&seed) % (own[i] / U + 1) * U;
			ms_limit_uncharge(&l[i], bytes);
			own[i] -= bytes;
		}
		for (int k = 0; k < NODES; k++) {
			u64 sum = 0;

			for (int c = 0; c < NODES; c++)
				for (int a = c; a >= 0; a = parents[a])
					if (a == k)
						sum += own[c];
			bad += sum != ms_limit_charged(&l[k]) || ms_limit_peak(&l[k]) < sum ||
			       l[k].tentative;
		}
	}
	tap_is(bad, 0, "random charges: each level is the sum below it, all or none");
	tap_ok(granted > 1000 && denied > 1000, "random charges: %llu granted, %llu denied",
	       (unsigned long long)granted, (unsigned long long)denied);
}

/* ---- threads --------------------------------------------------------------------- */

#define CHARGERS	4
#define CHARGES		20000
#define LOOKS		1000

static struct ms_limit tree[NODES];
static u32 running, enough;

static void *charger(void *arg)
{
	struct ms_limit *l = arg, *refused;
	u64 seed = (u64)(l - tree) * 7919, held = 0;
	u32 before, now;

	stumbles = seed;
	for (int i = 0; i < CHARGES || !ms_load32(&enough); i++) {
		u64 bytes = (1 + rnd(&seed) % 40) * U;

		if (rnd(&seed) % 3 && charge(l, bytes, &refused)) {
			held += bytes;
		} else if (held) {
			bytes = (1 + rnd(&seed) % (held / U)) * U;
			ms_limit_uncharge(l, bytes);
			held -= bytes;
		}
		for (struct ms_limit *n = l; n; n = n->parent)
			while (ms_limit_press(n, &before, &now))
				;
		if (i % 512 == 0)
			sched_yield();
	}
	ms_limit_uncharge(l, held);
	for (struct ms_limit *n = l; n; n = n->parent)
		while (ms_limit_press(n, &before, &now))
			;
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *setter(void *arg)
{
	u64 seed = 4711;

	stumbles = seed;
	while (ms_load32_acquire(&running)) {
		max_is(&tree[1 + rnd(&seed) % 2], (20 + rnd(&seed) % 60) * U);
		sched_yield();
	}
	return arg;
}

/* What was within a limit stays so until that is set anew; what was above goes down. */
static u64 sample(const struct ms_limit *l, u64 last[2], u64 *over)
{
	u64 high, max, word = ms_load64(&l->word), charged, version;

	charged = ms_limit_read(l, &high, &max);
	version = word & MS_LIMIT_VERSION;
	/* Of two looks only those in between which nothing was set. */
	if ((ms_load64(&l->word) & MS_LIMIT_VERSION) != version ||
	    (version & MS_LIMIT_SETTING)) {
		last[0] = 1; /* no even version */
		return 0;
	}
	if (last[0] == version && charged > max && charged > last[1])
		(*over)++;
	last[0] = version;
	last[1] = charged;
	return 1;
}

static void concurrent_charges(void)
{
	u64 last[NODES][2], over = 0, samples = 0, bad = 0;
	pthread_t t[CHARGERS + 1];

	plant(tree);
	max_is(&tree[0], 100 * U);
	max_is(&tree[1], 80 * U);
	max_is(&tree[2], 80 * U);
	running = CHARGERS;
	for (int i = 0; i < NODES; i++)
		last[i][0] = 1;
	for (int i = 0; i < CHARGERS; i++)
		pthread_create(&t[i], NULL, charger, &tree[3 + i]);
	pthread_create(&t[CHARGERS], NULL, setter, NULL);
	while (ms_load32_acquire(&running)) {
		for (int i = 0; i < NODES; i++)
			samples += sample(&tree[i], last[i], &over);
		ms_store32(&enough, samples > LOOKS);
		sched_yield();
	}
	for (int i = 0; i <= CHARGERS; i++)
		pthread_join(t[i], NULL);
	tap_is(over, 0, "no level is ever seen above its max");
	tap_ok(samples > LOOKS, "in %llu looks", (unsigned long long)samples);
	for (int i = 0; i < NODES; i++)
		bad += ms_limit_charged(&tree[i]) || tree[i].tentative ||
		       tree[i].pressure;
	tap_is(bad, 0, "at rest each sum is right, nothing is tentative, nothing presses");
	tap_ok(ms_limit_peak(&tree[0]) <= 100 * U, "the peak of what was never set anew is within it");
}

/*
 * Who has room all along is not refused because of a charge that is undone in the end.
 * Two threads have a page each, below a group of three; an intruder there wants two, and
 * gets as far as the root, where a fourth thread comes and goes: so the intruder is often
 * undone. The others may be refused while he has really got it, and never else.
 */
#define TURNS	20000

struct span {
	u64 from, to;
};

struct turns {
	pthread_t thread;
	struct ms_limit *l;
	u64 bytes;
	u32 nr, granted;
	struct span refused[TURNS];
	struct span held[TURNS];
};

static struct turns turns[4];

static u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void *taker(void *arg)
{
	struct turns *me = arg;
	struct ms_limit *refused;

	stumbles = (u64)(me - turns + 1) * 7919;
	for (int i = 0; i < TURNS; i++) {
		u64 from = clock_ns();

		if (charge(me->l, me->bytes, &refused)) {
			if (rnd(&stumbles) % 2)
				sched_yield();
			ms_limit_uncharge(me->l, me->bytes);
			me->held[me->granted++] = (struct span){ from, clock_ns() };
		} else {
			me->refused[me->nr++] = (struct span){ from, clock_ns() };
		}
		while (rnd(&stumbles) % 2)
			sched_yield();
	}
	return NULL;
}

static bool overlaps(const struct turns *t, struct span s)
{
	u32 low = 0, high = t->granted;

	/* The first that ends after it begins. */
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (t->held[mid].to < s.from)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->granted && t->held[low].from <= s.to;
}

static void true_refusals(void)
{
	u64 untrue = 0, seen = 0;

	plant(tree);
	max_is(&tree[0], 4 * U);
	max_is(&tree[1], 3 * U);
	memset(turns, 0, sizeof(turns));
	for (int i = 0; i < 4; i++) {
		turns[i].l = &tree[i < 2 ? 3 : i < 3 ? 4 : 5];
		turns[i].bytes = (i < 2 ? 1 : 2) * U;
		pthread_create(&turns[i].thread, NULL, taker, &turns[i]);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(turns[i].thread, NULL);
	for (int i = 0; i < 2; i++) {
		for (u32 k = 0; k < turns[i].nr; k++)
			untrue += !overlaps(&turns[2], turns[i].refused[k]);
		seen += turns[i].nr;
	}
	printf("# %llu refused beside an intruder who got it %u times, undone %llu times\n",
	       (unsigned long long)seen, turns[2].granted,
	       (unsigned long long)(tree[1].undone + tree[3].undone + tree[4].undone));
	tap_ok(tree[1].undone > 10, "charges are undone");
	tap_is(untrue, 0, "nobody is refused who had room all along");
	tap_is(ms_limit_charged(&tree[0]), 0, "and nothing is left");
}

/* Two lower a limit, each by what it has seen: the lower one stands. */
static void *lowerer(void *arg)
{
	u64 seed = (u64)(uintptr_t)arg, mine = 1000000, *lowest = malloc(sizeof(*lowest));

	stumbles = seed;
	for (int i = 0; i < CHARGES; i++) {
		u64 max = rnd(&seed) % mine + 1;

		if (ms_limit_set(&tree[0], MEMSTATE_LIMIT_MAX, 0, max * U, true))
			mine = max;
		if (i % 64 == 0)
			sched_yield();
	}
	*lowest = mine * U;
	return lowest;
}

static void lowerings(void)
{
	u64 least = MEMSTATE_UNLIMITED;
	pthread_t t[2];
	void *out;

	plant(tree);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, lowerer, (void *)(i + 77));
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &out);
		if (*(u64 *)out < least)
			least = *(u64 *)out;
		free(out);
	}
	tap_is(tree[0].max, least, "no lowering undoes another that is lower");
}

/* ---- one by one -------------------------------------------------------------------- */

static void limits_and_pressure(void)
{
	struct ms_limit root, leaf, *refused = NULL;
	u32 pressure, before, now;
	u64 high, max;

	ms_limit_init(&root, NULL, MEMSTATE_UNLIMITED);
	ms_limit_init(&leaf, &root, 1ULL << 47);
	tap_ok(charge(&leaf, 1ULL << 47, &refused), "unlimited takes all that a leaf may have");
	tap_ok(!charge(&leaf, U, &refused) && refused == &leaf, "and not a page beyond that");
	tap_is(ms_limit_room(&leaf), 0, "of which there is no room");
	tap_is(ms_limit_room(&root), MEMSTATE_UNLIMITED, "but without a bound there is");
	ms_limit_uncharge(&leaf, 1ULL << 47);
	tap_is(ms_limit_charged(&root), 0, "and gives it back");

	/* Nearly all bytes that there are: unlimited is not a number to be compared with. */
	ms_limit_init(&leaf, &root, MEMSTATE_UNLIMITED);
	tap_ok(charge(&leaf, -2 * U, &refused) && charge(&leaf, U, &refused),
	       "unlimited has room after the most that there can be");
	ms_limit_uncharge(&leaf, -U);

	max_is(&root, 100 * U);
	ms_limit_set(&leaf, MEMSTATE_LIMIT_HIGH, 50 * U, 0, false);
	tap_is(leaf.max, MEMSTATE_UNLIMITED, "what is not set stays");
	tap_ok(charge(&leaf, 100 * U, &refused), "up to max");
	tap_ok(!charge(&leaf, U, &refused) && refused == &root,
	       "not one page more, and the limit is named");
	tap_ok(ms_limit_press(&root, &before, &now) && now == MEMSTATE_PRESSURE_MAX &&
	       root.pressure == MEMSTATE_PRESSURE_MAX, "pressure max at max");
	tap_ok(ms_limit_press(&leaf, &before, &now) && before == MEMSTATE_PRESSURE_NONE &&
	       leaf.pressure == MEMSTATE_PRESSURE_HIGH, "pressure high above high");
	tap_ok(!ms_limit_press(&leaf, &before, &now), "that is news only once");
	ms_limit_lowest(&leaf, &high, &max, &pressure);
	tap_ok(high == 50 * U && max == 100 * U && pressure == MEMSTATE_PRESSURE_MAX,
	       "lowest limits and highest pressure of the chain");
	ms_limit_set(&leaf, MEMSTATE_LIMIT_HIGH, 100 * U, 0, false);
	tap_ok(ms_limit_press(&leaf, &before, &now) && now == MEMSTATE_PRESSURE_NONE,
	       "at high there is none");
	max_is(&root, 100 * U + U / 2);
	tap_ok(!ms_limit_press(&root, &before, &now) && root.pressure == MEMSTATE_PRESSURE_MAX,
	       "room for less than a page is none");
	max_is(&root, 10 * U);
	tap_is(ms_limit_room(&leaf), 0, "max below the charge leaves no room");
	tap_ok(charge(&leaf, 0, &refused), "nothing is granted there, too");
	ms_limit_uncharge(&leaf, 95 * U);
	tap_is(ms_limit_room(&leaf), 5 * U, "and some again when enough is back");

	tap_ok(ms_limit_set(&root, 3, 7 * U, 9 * U, true) && root.high == 7 * U &&
	       root.max == 9 * U, "limits go down from none and from more");
	tap_ok(!ms_limit_set(&root, 3, 6 * U, MEMSTATE_UNLIMITED, true) &&
	       !ms_limit_set(&root, 3, 8 * U, 8 * U, true) && root.high == 7 * U &&
	       root.max == 9 * U, "both do or neither");
	tap_is(ms_limit_read(&root, &high, &max), 5 * U, "charge and limits are read together");
	/* As often as there are versions, and more. */
	for (int i = 0; i < 5000; i++)
		max_is(&root, i * U);
	tap_is(ms_limit_charged(&root), 5 * U, "however often a limit is set, the charge stays");
}

static void peaks(void)
{
	struct ms_limit l, *refused;
	struct ms_peak a = {}, b = {}, c = {};

	ms_limit_init(&l, NULL, MEMSTATE_UNLIMITED);
	charge(&l, 500 * U, &refused);
	ms_limit_uncharge(&l, 495 * U);
	ms_peak_begin(&a, &l);
	charge(&l, 5 * U, &refused);
	ms_limit_uncharge(&l, 10 * U);
	tap_is(ms_peak_read(&a, &l), 10 * U, "a reader's peak since it began");
	ms_peak_begin(&b, &l);
	tap_is(ms_peak_read(&a, &l), 10 * U, "is kept when another begins");
	tap_is(ms_peak_read(&b, &l), 0, "who begins at what there is");
	ms_peak_begin(&c, &l);
	charge(&l, 7 * U, &refused);
	ms_limit_uncharge(&l, 7 * U);
	ms_peak_begin(&c, &l);
	charge(&l, U, &refused);
	ms_limit_uncharge(&l, U);
	tap_is(ms_peak_read(&b, &l), 7 * U, "what was while another counted is seen by all");
	tap_is(ms_peak_read(&a, &l), 10 * U, "and hides nothing that was higher");
	tap_is(ms_peak_read(&c, &l), U, "nor is it seen by who began after it");
	ms_peak_end(&b);
	charge(&l, 11 * U, &refused);
	tap_is(ms_peak_read(&a, &l), 11 * U, "readers go, and the others see on");
	tap_is(ms_limit_peak(&l), 500 * (long long)U, "the limit's own peak is of all time");
	ms_peak_end(&a);
	ms_peak_end(&c);
	ms_peak_end(&c);
	tap_ok(!l.newest, "readers go");
	tap_is(ms_peak_read(&a, &l), 500 * (long long)U, "who has not begun sees the limit's own");
}

/* Readers that begin, read and go at random, against a peak kept for each by hand. */
static void random_peaks(void)
{
	enum { READERS = 12 };
	struct ms_peak p[READERS] = {};
	u64 want[READERS] = {}, seed = 987654321, bad = 0;
	struct ms_limit l, *refused;

	ms_limit_init(&l, NULL, MEMSTATE_UNLIMITED);
	for (int n = 0; n < 100000; n++) {
		u64 i = rnd(&seed) % READERS, now = ms_limit_charged(&l);

		switch (rnd(&seed) % 6) {
		case 0:
			ms_peak_begin(&p[i], &l);
			want[i] = now;
			break;
		case 1:
			ms_peak_end(&p[i]);
			break;
		case 2:
			bad += p[i].limit && ms_peak_read(&p[i], &l) != want[i];
			break;
		case 3:
			ms_limit_uncharge(&l, now ? rnd(&seed) % (now / U + 1) * U : 0);
			break;
		default:
			charge(&l, rnd(&seed) % 50 * U, &refused);
			now = ms_limit_charged(&l);
			for (int k = 0; k < READERS; k++)
				if (now > want[k])
					want[k] = now;
			break;
		}
	}
	tap_is(bad, 0, "random readers: each sees what was since it began");
}

int main(void)
{
	limits_and_pressure();
	peaks();
	random_peaks();
	random_charges();
	concurrent_charges();
	true_refusals();
	lowerings();
	return tap_end();
}
