/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kmod/core/stats.c: two writers with a shard each, a reader, every interleaving
 * of their single steps. (Which barriers make the steps of real processors look
 * like that is what the litmus tests are for.)
 *
 * Each write adds 1 to two counters. A reading is made of whole writes, has all
 * that ended before it began and none that began after it ended; at rest nothing
 * is lost.
 *
 * Each of these takes out one thing, and breaks it:
 *
 *   NO_WAIT     the reader does not wait for writes to end
 *   GEN_FIRST   a writer reads the generation before it shows that it writes
 *   NO_CLEAR    the set before is not cleared
 *   NO_FOLD     the set before is not added to the closed one
 *   CLEAR_NEXT  the set that writers use already is cleared instead
 */
#define WRITERS		2
#define WRITES		2
#define READS		3
#define SETS		3

byte gen;
byte seq[WRITERS];
byte a[6];		/* [shard * SETS + set] */
byte b[6];
byte begun, ended;

proctype writer(byte me)
{
	byte n, set, old;

	do
	:: n < WRITES ->
		begun++;
#ifdef GEN_FIRST
		set = gen;
		seq[me]++;
#else
		seq[me]++;
		set = gen;
#endif
		old = a[me * SETS + set];
		a[me * SETS + set] = old + 1;
		old = b[me * SETS + set];
		b[me * SETS + set] = old + 1;
		d_step { seq[me]++; old = 0; set = 0 }
		ended++;
		n++
	:: else -> break
	od
}

inline read()
{
	closed = gen;
	next = (closed + 1) % SETS;
	before = (closed + 2) % SETS;
	gen = next;
	i = 0;
	sum_a = 0;
	sum_b = 0;
	do
	:: i < WRITERS ->
#ifndef NO_WAIT
		seen = seq[i];
		if
		:: seen % 2 == 1 -> seq[i] != seen
		:: else
		fi;
#endif
#ifdef CLEAR_NEXT
		before = next;
#endif
		now_a = a[i * SETS + closed]; now_b = b[i * SETS + closed];
#ifndef NO_FOLD
		now_a = now_a + a[i * SETS + before];
		now_b = now_b + b[i * SETS + before];
#endif
		a[i * SETS + closed] = now_a;
		b[i * SETS + closed] = now_b;
#ifndef NO_CLEAR
		a[i * SETS + before] = 0;
		b[i * SETS + before] = 0;
#endif
		sum_a = sum_a + now_a;
		sum_b = sum_b + now_b;
		i++
	:: else -> break
	od
}

proctype reader()
{
	byte n, closed, next, before, i, seen, low, now_a, now_b, sum_a, sum_b;

	do
	:: n < READS ->
		low = ended;
		read();
		skip; /* a loop cannot end in a d_step */
		d_step {
			assert(sum_a == sum_b);
			assert(sum_a >= low && sum_a <= begun);
			n++;
			closed = 0; next = 0; before = 0; seen = 0; low = 0;
			now_a = 0; now_b = 0; sum_a = 0; sum_b = 0
		}
	:: else -> break
	od;
	ended == WRITERS * WRITES;
	read();
	assert(sum_a == WRITERS * WRITES && sum_b == WRITERS * WRITES)
}

init {
	atomic {
		run writer(0);
		run writer(1);
		run reader()
	}
}
