/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kmod/core/limit.c: charges that go up two levels, others that compete with them at the
 * top, one who sets a limit; every interleaving of their single steps. (Which barriers make
 * the steps of real processors look like that is what the litmus tests are for.)
 *
 * Two chargers, of one and of two pages, share a group of two; they meet a third one, of
 * two, at the root, which has room for three: so the second is undone where the third comes
 * between its look and its step, and the first has room then. Each charges and gives back.
 * Who is told to ask again does so.
 *
 * A level never passes its max, but where that is set below it; nobody is refused who had
 * room in each level from the beginning of his request to its end, by what was charged for
 * good, that is, at the top, too; at rest the sums are right and nothing is tentative.
 *
 * Each of these takes out one thing, and breaks it:
 *
 *   NO_TENTATIVE  what is on its way is taken for charged
 *   LATE          it is shown as such only after it stands in the word
 *   NO_UNDONE     nobody looks whether something was undone meanwhile
 *   EARLY         what is undone is taken from tentative before the word
 *   NO_VERSION    a max that was looked at may have been set anew since
 *   NO_UNDO       what was charged below a refusal stays
 */
#ifndef ROUNDS
#define ROUNDS	2
#endif
#define LEVELS	2
#define CHARGERS 3
#define TOP	1

#ifdef NO_VERSION
#define SAME(a, b)	true
#else
#define SAME(a, b)	(a == b)
#endif

mtype = { CHARGED, REFUSED, BUSY };

byte max[LEVELS];
byte charged[LEVELS];	/* the word: bytes ... */
byte version[LEVELS];	/* ... and version, read and written with it */
byte tentative[LEVELS];
byte undone[LEVELS];

/* What the properties are about: no step of the algorithm reads these. */
byte final[LEVELS];	/* charged for good */
byte wants[CHARGERS];	/* pages, while a request is under way */
bool lacked[6];	/* [charger * LEVELS + level]: there was a moment without room */
byte done;

/* After each change of final or max, and at the beginning of a request. */
inline moment()
{
	c = 0;
	do
	:: c < CHARGERS ->
		if
		:: wants[c] && final[0] + wants[c] > max[0] -> lacked[c * LEVELS] = true
		:: else
		fi;
		if
		:: wants[c] && final[1] + wants[c] > max[1] -> lacked[c * LEVELS + 1] = true
		:: else
		fi;
		c++
	:: else -> break
	od;
	c = 0
}

/* level_look(): answer */
inline look(l, own)
{
	u = undone[l];
	atomic { w = charged[l]; v = version[l] };
	m = max[l];
	if
	:: v % 2 -> answer = BUSY
	:: v % 2 == 0 && w + bytes <= m -> answer = CHARGED
	:: else ->
		t = tentative[l] - own;
#ifdef NO_TENTATIVE
		t = 0;
#endif
		if
#ifndef NO_UNDONE
		:: undone[l] != u -> answer = BUSY
#endif
		:: else ->
			if
			:: version[l] != v -> answer = BUSY
			:: else ->
				if
				:: (t < w -> w - t : 0) + bytes <= m -> answer = BUSY
				:: else -> answer = REFUSED
				fi
			fi
		fi
	fi
}

/* level_take() */
inline take(l)
{
#ifndef LATE
	if
	:: l != TOP -> tentative[l] = tentative[l] + bytes
	:: else
	fi;
#endif
	do
	:: look(l, (l == TOP -> 0 : bytes));
		if
		:: answer == CHARGED ->
			atomic {
				if
				:: charged[l] == w && SAME(version[l], v) ->
					charged[l] = w + bytes;
					assert(charged[l] <= max[l]);
					/* Nobody above can undo it. */
					if
					:: l == TOP ->
						final[TOP] = final[TOP] + bytes;
						final[0] = final[0] + (from == 0 -> bytes : 0);
						moment()
					:: else
					fi;
					break
				:: else
				fi
			}
		:: else -> break
		fi
	od;
#ifdef LATE
	if
	:: l != TOP && answer == CHARGED -> tentative[l] = tentative[l] + bytes
	:: else
	fi
#else
	if
	:: l != TOP && answer != CHARGED -> tentative[l] = tentative[l] - bytes
	:: else
	fi
#endif
}

inline undo(l)
{
#ifdef EARLY
	tentative[l] = tentative[l] - bytes;
	charged[l] = charged[l] - bytes;
	undone[l]++
#else
#ifndef NO_UNDO
	charged[l] = charged[l] - bytes;
	undone[l]++;
#endif
	tentative[l] = tentative[l] - bytes
#endif
}

/* ms_limit_charge() */
inline charge()
{
	/* Look first, at each. */
	at = from;
	do
	:: at < LEVELS ->
		look(at, 0);
		if
		:: answer == CHARGED -> at++
		:: else -> break
		fi
	:: else -> break
	od;
	if
	:: answer == CHARGED ->
		at = from;
		if
		:: from == 0 -> take(0); at = (answer == CHARGED -> 1 : 0)
		:: else
		fi;
		if
		:: answer == CHARGED ->
			take(1);
			if
			:: from == 0 && answer == CHARGED -> tentative[0] = tentative[0] - bytes
			:: from == 0 && answer != CHARGED -> undo(0)
			:: else
			fi
		:: else
		fi
	:: else
	fi
}



proctype charger(byte me, from, bytes)
{
	byte round, at, u, w, v, m, t, c;
	mtype answer;

	do
	:: round < ROUNDS ->
		d_step { wants[me] = bytes; lacked[me * LEVELS] = false; lacked[me * LEVELS + 1] = false; moment() };
		do
		:: charge();
			if
			:: answer == BUSY
			:: else -> break
			fi
		od;
		skip; /* a loop cannot end in a d_step */
		d_step {
			assert(answer == CHARGED || lacked[me * LEVELS + at]);
			wants[me] = 0;
			u = 0; w = 0; v = 0; m = 0; t = 0; at = 0
		};
		if
		:: answer == CHARGED ->
			/* ms_limit_uncharge(), from below */
			if
			:: from == 0 -> d_step { charged[0] = charged[0] - bytes; final[0] = final[0] - bytes; moment() }
			:: else
			fi;
			d_step { charged[1] = charged[1] - bytes; final[1] = final[1] - bytes; moment() }
		:: else
		fi;
		round++
	:: else -> break
	od;
	done++
}

/* ms_limit_set(): to less than there may be, and back. */
proctype setter(byte l, low)
{
	byte c, was;

	was = max[l];
	version[l]++;
	d_step { max[l] = low; moment() };
	version[l]++;
	version[l]++;
	d_step { max[l] = was; moment() };
	version[l]++;
	done++
}

init {
	atomic {
		max[0] = 2;
		max[1] = 3;
		run charger(0, 0, 1);
		run charger(1, 0, 2);
		run charger(2, 1, 2);
#ifdef SET
		run setter(SET, 1);
		done++
#else
		done = done + 2
#endif
	};
	done == CHARGERS + 2;
	assert(charged[0] == 0 && charged[1] == 0);
	assert(tentative[0] == 0 && tentative[1] == 0);
	assert(final[0] == 0 && final[1] == 0)
}
