/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The ring with several producers and its consumer, and the queue of unmappings
 * beside it: kmod/core/ring.h, kmod/unmap.c and ms_books_drain() in kmod/drain.c.
 *
 * Model
 *
 *   One page of address space is mapped by one thread at a time. Who has mapped it
 *   reports so by the ring; who gives it up unmaps it with or without a report
 *   before. An unmapping is queued before anybody can map the page again, as the
 *   kernel does it under the mmap lock. Positions count modulo 8 and begin where
 *   they wrap after two records. A queue of QUEUE entries overflows into a
 *   comparison with the mapping.
 *
 * Properties
 *
 *   No record is lost, taken twice, taken before it is whole or out of order, and
 *   when everything is drained the ledger says who has the page.
 *
 * Each of these takes out one thing, and breaks it:
 *
 *   NO_STAMPS      unmappings are applied as soon as they are seen
 *   UNMAPS_LAST    ... or when the ring is empty
 *   UNMAPS_FIRST   the drain looks for unmappings, then for a record
 *   NO_FULL        a claim does not look at head
 *   EARLY_PUBLISH  the sequence is stored before the record
 *   NO_RESYNC      what overflows is forgotten
 *   EARLY_RELEASE  head moves before the record is copied
 */
#ifndef PRODUCERS
#define PRODUCERS	2
#endif
#ifndef ROUNDS
#define ROUNDS		2
#endif
#ifndef QUEUE
#define QUEUE		2
#endif

#define ENTRIES		2
#define POSITIONS	8
#define START		6

#define ADD(p, n)	(((p) + (n)) % POSITIONS)
#define SUB(a, b)	(((a) + POSITIONS - (b)) % POSITIONS)
#define DUE(stamp, pos)	(SUB(pos, stamp) < POSITIONS / 2)

byte tail = START;
byte head = START;
byte slot_seq[ENTRIES];
byte slot_val[ENTRIES];
byte posted[POSITIONS];		/* what was claimed, by position */

byte owner;			/* who has the page, 0: nobody */
byte ledger;			/* who has it by the books */

byte q_stamp[QUEUE];
byte q_nr;
bool q_overflow;
byte q_overflow_stamp;

byte done;

inline unmap()
{
	/* the page goes away and is queued before it can be had again */
	d_step {
		owner = 0;
		if
		:: q_nr > 0 && q_stamp[q_nr - 1] == tail -> skip
		:: !(q_nr > 0 && q_stamp[q_nr - 1] == tail) && q_nr == QUEUE ->
			q_overflow = true;
			q_overflow_stamp = tail
		:: else ->
			q_stamp[q_nr] = tail;
			q_nr++
		fi
	}
}

inline post(v)
{
	do
	:: h = head;
	   t = tail;
	   if
#ifndef NO_FULL
	   :: SUB(t, h) >= ENTRIES -> head != h
#endif
	   :: else ->
		atomic {
			if
			:: tail == t ->
				tail = ADD(t, 1);
				posted[t] = v;
				break
			:: else
			fi
		}
	   fi
	od;
#ifdef EARLY_PUBLISH
	slot_seq[t % ENTRIES] = t;
	slot_val[t % ENTRIES] = v;
#else
	slot_val[t % ENTRIES] = v;
	slot_seq[t % ENTRIES] = t;
#endif
	h = 0;
	t = 0
}

proctype producer(byte me)
{
	byte round, h, t;

	do
	:: round < ROUNDS ->
		atomic { owner == 0 -> owner = me }
		post(me);
		if
		:: unmap()
		:: post(0); unmap()
		:: round == ROUNDS - 1 && done == PRODUCERS - 1 -> skip /* keeps it */
		fi;
		round++
	:: else -> break
	od;
	done++
}

inline unmaps()
{
	do
	:: atomic {
		q_nr > 0 &&
#if defined(NO_STAMPS)
		true
#elif defined(UNMAPS_LAST)
		pos == tail
#else
		DUE(q_stamp[0], pos)
#endif
		-> stamp = q_stamp[0]
	   }
	   ledger = 0;
	   d_step {
		/* what grew meanwhile has the same stamp and the same page */
		assert(q_stamp[0] == stamp);
		q_nr--;
		i = 0;
		do
		:: i < q_nr -> q_stamp[i] = q_stamp[i + 1]; i++
		:: else -> break
		od;
		q_stamp[q_nr] = 0;
		i = 0;
		stamp = 0
	   }
	:: else -> break
	od;
	if
	:: atomic { q_overflow && DUE(q_overflow_stamp, pos) ->
		q_overflow = false;
		q_overflow_stamp = 0 }
	   if
#ifndef NO_RESYNC
	   :: owner == 0 -> ledger = 0
#endif
	   :: else
	   fi
	:: else
	fi
}

proctype consumer()
{
	byte pos = START, val, stamp, i;
	bool published, last;

	do
	:: last = (done == PRODUCERS);
#ifdef UNMAPS_FIRST
	   unmaps();
#endif
	   published = (slot_seq[pos % ENTRIES] == pos);
#ifdef EARLY_RELEASE
	   if
	   :: published -> head = ADD(pos, 1)
	   :: else
	   fi;
#endif
	   if
	   :: published -> val = slot_val[pos % ENTRIES]
	   :: else
	   fi;
#ifndef UNMAPS_FIRST
	   unmaps();
#endif
	   if
	   :: published ->
		d_step {
			assert(pos != tail);
			assert(val == posted[pos]);
			ledger = val;
			val = 0;
			pos = ADD(pos, 1)
		}
		head = pos
	   :: !published && last && pos == tail -> break
	   :: !published && !(last && pos == tail) ->
		/* until there is something to do */
		(slot_seq[pos % ENTRIES] == pos || q_nr > 0 || q_overflow ||
		 done == PRODUCERS)
	   fi
	od;
	unmaps();
	assert(q_nr == 0 && !q_overflow);
	assert(ledger == owner)
}

init {
	byte p = 1;

	atomic {
		/* the ring has gone round before */
		slot_seq[START % ENTRIES] = START - ENTRIES;
		slot_seq[(START + 1) % ENTRIES] = START + 1 - ENTRIES;
		run consumer();
		do
		:: p <= PRODUCERS -> run producer(p); p++
		:: else -> break
		od
	}
}
