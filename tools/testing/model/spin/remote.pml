/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * userspace/malloc/remote.h: one slab, its owner, who allocates, frees, hands blocks on and ends at
 * any point, threads that free what they were handed, and one that looks for empty slabs. Every
 * interleaving of their single steps.
 *
 * A slab that is given back has no block in use, nobody is about to put it into an inbox, and its
 * owner is not about to look at it. A block is allocated from the slab's own list only, so none is
 * there twice; none is lost: when all has been freed and the owner has ended, or sleeps for ever
 * (SLEEPS), the slab is given back, at the latest by who looks for it. No step needs memory: there
 * is none to be had here. Where nobody is in the way the last free of a sleeping owner's block gives it
 * back (ALONE: one thread frees).
 *
 * Each of these takes out one thing, and breaks it:
 *
 *   NO_LISTED	an empty slab is given back though somebody is about to put it into the inbox
 *   NO_FLIGHT	... or its owner about to look at it
 *   NO_LOOK	what was freed meanwhile is not looked at when the owner forgets a full slab
 *   KNOWN_FULL	a full slab still counts as looked at
 *   PLAIN	a free by another is two steps: the word is read, and then written
 *   NO_RELIEF	the last free gives nothing back (with ALONE)
 *   NO_LOOK_AGAIN who says with how many a slab is empty does not look whether it is (with ALONE)
 */
#define BLOCKS	3
#ifdef ALONE
#define FREERS	1
#define SLEEPS
#else
#define FREERS	2
#endif
#ifndef ROUNDS
#define ROUNDS	8
#endif
#define NEVER	15

#ifdef NO_FLIGHT
#define LANDED	true
#else
#define LANDED	(left > 0)
#endif
#ifdef NO_LISTED
#define UNLISTED true
#else
#define UNLISTED (!seen)
#endif
#ifdef NO_LOOK
#define NOTHING_THERE true
#else
#define NOTHING_THERE (count == 0)
#endif
#ifdef KNOWN_FULL
#define FORGOTTEN true
#else
#define FORGOTTEN false
#endif
#ifdef NO_RELIEF
#define RELIEF false
#else
#define RELIEF true
#endif
#ifdef NO_LOOK_AGAIN
#define LOOK_AGAIN false
#else
#define LOOK_AGAIN true
#endif

mtype = { CURRENT, AVAIL, FULL, GONE };

mtype state = CURRENT;

/* the word */
byte count;
byte need;
bool known = true;
bool listed;

bool inbox;
bool lock;

/* the entry */
byte list = BLOCKS;	/* free blocks of its own */
byte used;
byte armed = NEVER;
byte freed;		/* of these counted down */

/* What the properties are about: no step of the algorithm reads these. */
byte in_use;
byte about;		/* to put it into the inbox */
bool flight;		/* the owner counted down to zero, and has not looked yet */
byte hands[FREERS];	/* blocks that each is to free */
bool missed;		/* somebody was in the way of who wanted to give it back */
bool ended;		/* the owner: what it had others have */
byte done;

inline take_lock() { atomic { !lock; lock = true } }
inline drop_lock() { lock = false }

/* release_empty(): with the lock */
inline release_empty()
{
	left = armed - freed;
	if
	:: LANDED ->
		d_step { n = count; seen = listed }
		if
		:: used - (armed - left) == n && UNLISTED ->
			assert(in_use == 0);
			assert(about == 0);
			assert(!flight);
			state = GONE
		:: else
		fi
	:: else
	fi;
	left = 0; n = 0; seen = false
}

/* ms_heap_collect(): with the lock */
inline collect()
{
	if
	:: atomic { inbox -> inbox = false };
		d_step {
			listed = false;
			if
			:: count > 0 -> known = true
			:: else
			fi;
			seen = known
		};
		if
		:: seen && state == FULL -> state = AVAIL
		:: else
		fi;
		if
		:: state == AVAIL -> release_empty()
		:: else
		fi
	:: else
	fi;
	seen = false
}

/* keep_avail(): with the lock, counted */
inline keep_avail()
{
	state = AVAIL;
	n = count;
	d_step {
		armed = (used > n -> 1 : 1);
		freed = 0
	};
	d_step { known = true; need = used; seen = (count == used); n = 0 };
	if
	:: seen && LOOK_AGAIN ->
		collect();
		if
		:: state == AVAIL -> release_empty()
		:: else
		fi
	:: else
	fi;
	seen = false
}

/* leave(): with the lock, counted; it was current */
inline leave()
{
	if
	:: list == 0 ->
		/* ms_remote_forget() */
		d_step {
			if
			:: NOTHING_THERE ->
				known = FORGOTTEN;
				need = used;
				seen = true
			:: else -> seen = false
			fi
		};
		if
		:: seen -> d_step { state = FULL; armed = 1; freed = 0 }
		:: else -> keep_avail()
		fi
	:: else -> keep_avail()
	fi;
	seen = false
}

/* ms_remote_take(): with the lock, or current */
inline take()
{
	d_step { n = count; count = 0; need = 0 };
	d_step { list = list + n; freed = freed + n };
	n = 0
}

/* The slow path of an allocation. */
inline refill()
{
	take_lock();
	if
	:: state == CURRENT && count > 0 -> take()
	:: else ->
		collect();
		if
		:: state == CURRENT ->
			d_step { used = BLOCKS - list; armed = 1; freed = 0 };
			leave()
		:: state == AVAIL ->
			if
			:: list == 0 -> take()
			:: else
			fi;
			d_step { used = used - freed; armed = NEVER; freed = 0; state = CURRENT }
		:: else
		fi
	fi;
	drop_lock()
}

/* ms_slab_event() */
inline event()
{
	take_lock();
	d_step { used = used - armed; armed = 1; freed = 0; flight = false };
	release_empty();
	if
	:: state != GONE -> keep_avail()
	:: else
	fi;
	drop_lock()
}

proctype owner()
{
	byte own, rounds, left, n, i;
	bool seen;

	do
	:: state == GONE || rounds == ROUNDS -> break
	:: state == CURRENT && list > 0 && rounds < ROUNDS ->
		rounds++;
		d_step { list--; in_use++; own++ }
	:: state != GONE && !(state == CURRENT && list > 0) && rounds < ROUNDS ->
		rounds++;
		refill()
	:: own > 0 && rounds < ROUNDS ->
		/* Somebody else is to free one. */
		rounds++;
		atomic {
			own--;
			if
			:: hands[0]++
			:: FREERS > 1 -> hands[FREERS - 1]++
			fi
		}
	:: own > 0 && rounds < ROUNDS ->
		rounds++;
		d_step { own--; in_use--; list++ };
		d_step {
			freed++;
			seen = (freed == armed);
			flight = seen
		};
		if
		:: seen -> event()
		:: else
		fi;
		seen = false
	od;
	if
	:: state == CURRENT ->
#ifdef SLEEPS
		if
		/* Its last allocation needed another slab. */
		:: list == 0 ->
			take_lock();
			d_step { used = BLOCKS; armed = 1; freed = 0 };
			leave();
			drop_lock()
		:: else
		fi
#else
		/* ms_heap_settle() */
		take_lock();
		collect();
		take();
		d_step { used = BLOCKS - list; armed = NEVER; freed = 0 };
		release_empty();
		if
		:: state != GONE -> leave()
		:: else
		fi;
		drop_lock()
#endif
	:: else
	fi;
	atomic { hands[0] = hands[0] + own; own = 0; ended = true }
}

/* ms_heap_relieve() */
inline relieve()
{
	if
	:: atomic { !lock -> lock = true };
		collect();
		if
		:: state == AVAIL -> release_empty()
		:: else
		fi;
		drop_lock()
	:: atomic { lock -> missed = true }
	fi
}

/* ms_remote_free() */
proctype freer(byte me)
{
	byte left, n;
	bool seen, mine, enough;

	do
	:: atomic { hands[me] > 0 -> hands[me]-- };
#ifdef PLAIN
		n = count;
		d_step {
			in_use--;
			count = n + 1;
#else
		d_step {
			in_use--;
			count++;
#endif
			mine = !known && !listed;
			if
			:: mine -> listed = true; about++
			:: else
			fi;
			enough = (need > 0 && count >= need);
			n = 0
		};
		if
		:: mine ->
			d_step { inbox = true; about-- };
			enough = (count >= need)
		:: else
		fi;
		if
		:: enough && RELIEF -> relieve()
		:: else
		fi;
		mine = false; enough = false
	:: ended && hands[me] == 0 -> break
	od;
	done++
}

/* trim() by another thread; once at any point, and once when all is at rest. */
proctype looker()
{
	byte left, n, times;
	bool seen;

	do
	:: times == 0 || (times == 1 && ended && done == FREERS) ->
#ifdef ALONE
		ended && done == FREERS;
		/* Nobody has looked. */
		assert(state == GONE || state == CURRENT || freed > 0 || missed);
#endif
		take_lock();
		collect();
		if
		:: state == AVAIL -> release_empty()
		:: else
		fi;
		drop_lock();
		times++
	:: times == 2 -> break
	od;
	assert(in_use == 0);
#ifdef SLEEPS
	assert(state == GONE || state == CURRENT)
#else
	assert(state == GONE)
#endif
}

init
{
	atomic {
		byte i;

		run owner();
		for (i : 0 .. FREERS - 1) {
			run freer(i)
		}
		run looker()
	}
}
