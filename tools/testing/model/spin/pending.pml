/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * kmod/pending.c: a task in a group below the root. A thread posts and rings where the
 * doorbell asks for it; another one unmaps and marks; both then read the root's books, as
 * does somebody else. Every interleaving of their single steps. (Which barriers make the
 * steps of real processors look like that is what the litmus tests are for.)
 *
 * Who has made something pending finds it in the books, or is told that they are not
 * complete. At rest what is not in the books can be found.
 *
 * Each of these takes out one thing, and breaks it:
 *
 *   CLEAR_FIRST	the mark goes before it is looked whether something is pending
 *   LOOK_FIRST		and the other way round: counted on until after the look
 *   OWN_ONLY		who finds a mark does not look whether those above are there
 *   WHOLE_BLIND	all above are said to have a mark that may have been taken meanwhile
 *   LISTEN_BLIND	the doorbell is reset for a mark of which that is not said
 *   EARLY_TAKE		the mark goes before the books have what was pending
 *   GROUP_CLEAR	CLEAR_FIRST, of a group
 */
#ifndef ROUNDS
#define ROUNDS	2
#endif
#ifndef READS
#define READS	1
#endif
#define TASK	0
#define GROUP	1

bool mark[2];		/* in the xarray: of the task in the group, of the group in the root */
bool known[2];		/* ms_pending_node.marks */
bool whole;		/* of the task's node: all above have its mark */
byte taken;
bool lock[2];		/* xa_lock of the group's and of the root's */
bool bell;
bool books;		/* task->lock */
byte made[2];		/* what each of both has made pending */
byte drained[2];
byte shown[2];		/* in the books of all groups */
byte done;

inline take_lock(l) { atomic { !lock[l]; lock[l] = true } }
inline drop_lock(l) { lock[l] = false }

/* ms_pending_mark() */
inline set_marks()
{
	if
	/* One word. */
	:: atomic { known[TASK] && whole -> skip }
	:: else ->
		before = taken;
		l = TASK;
		do
		:: l <= GROUP ->
			if
			:: known[l] ->
#ifdef OWN_ONLY
				break
#endif
			:: else ->
				take_lock(l);
				mark[l] = true;
				known[l] = true;
				drop_lock(l)
			fi;
			l++
		:: else -> break
		od;
		take_lock(TASK);
		if
#ifdef WHOLE_BLIND
		:: known[TASK] -> whole = true
#else
		:: known[TASK] && taken == before -> whole = true
#endif
		:: else
		fi;
		drop_lock(TASK);
		l = 0;
		before = 0
	fi
}

#define TASK_PENDING	(made[0] != drained[0] || made[1] != drained[1])

/* ms_pending_take(): the books are ours */
inline take()
{
	take_lock(TASK);
#ifndef LOOK_FIRST
	was = known[TASK];
	known[TASK] = false;
	rung = bell;
	bell = true;
#endif
#ifdef CLEAR_FIRST
	mark[TASK] = false;
	drop_lock(TASK);
#endif
	left = TASK_PENDING;
#ifdef LOOK_FIRST
	was = known[TASK];
	rung = bell;
	if
	:: !left -> known[TASK] = false; bell = true
	:: else
	fi;
#endif
#ifdef CLEAR_FIRST
	whole = false;
	taken++;
#else
	if
	:: left ->
		known[TASK] = was;
		if
		:: !rung -> bell = false
		:: else
		fi
	:: else ->
		mark[TASK] = false;
		whole = false;
		taken++
	fi;
	drop_lock(TASK);
#endif
	if
	:: left -> set_marks()
	:: else
	fi
}

/* pending_idle() */
inline idle()
{
	if
	:: mark[TASK]
	:: else ->
		take_lock(GROUP);
		was = known[GROUP];
		known[GROUP] = false;
#ifdef GROUP_CLEAR
		mark[GROUP] = false;
		drop_lock(GROUP);
		if
		:: mark[TASK] -> take_lock(GROUP); mark[GROUP] = true; known[GROUP] = true; drop_lock(GROUP)
		:: else
		fi
#else
		if
		:: mark[TASK] -> known[GROUP] = was
		:: else -> mark[GROUP] = false
		fi;
		drop_lock(GROUP)
#endif
	fi
}

/* ms_drain_group() of the root; who: 0, 1 wait for the books, 2 does not */
inline read_root(who)
{
	partial = false;
	atomic { !lock[GROUP]; found = mark[GROUP] };
	if
	:: found ->
		atomic { !lock[TASK]; found = mark[TASK] };
		if
		:: found ->
			if
			:: who < 2 -> atomic { !books; books = true }
			:: who == 2 -> atomic {
					if
					:: books -> partial = true
					:: else -> books = true
					fi
				}
			fi;
			if
			:: !partial ->
				drained[0] = made[0];
				drained[1] = made[1];
#ifdef EARLY_TAKE
				take();
#endif
				atomic { shown[0] = drained[0]; shown[1] = drained[1] };
#ifndef EARLY_TAKE
				take();
#endif
				books = false
			:: else
			fi
		:: else
		fi;
		idle()
	:: else
	fi;
	atomic {
		seen[0] = shown[0];
		seen[1] = shown[1];
		found = false; was = false; rung = false; left = false
	}
}

proctype maker(byte who)
{
	byte l, before, round;
	byte seen[2];
	bool found, partial, was, rung, left;

	do
	:: round < ROUNDS ->
		made[who] = made[who] + 1;
		if
		:: who == 0 ->
			if
			:: bell ->
				/* ms_pending_listen() */
				set_marks();
				take_lock(TASK);
				if
#ifdef LISTEN_BLIND
				:: known[TASK] -> bell = false
#else
				:: whole -> bell = false
#endif
				:: else
				fi;
				drop_lock(TASK)
			:: else
			fi
		:: else -> set_marks()
		fi;
		read_root(who);
		assert(partial || seen[who] >= made[who]);
		round++
	:: else -> break
	od;
	done++
}

proctype reader()
{
	byte l, before, round;
	byte seen[2];
	bool found, partial, was, rung, left;

	do
	:: round < READS -> read_root(2); round++
	:: else -> break
	od;
	done++
}

init
{
	/* As mmap() of the ring leaves it. */
	mark[TASK] = true;
	known[TASK] = true;
	mark[GROUP] = true;
	known[GROUP] = true;
	whole = true;
	atomic { run maker(0); run maker(1); run reader() };
	done == 3;
	assert(!TASK_PENDING || (mark[TASK] && mark[GROUP]));
	assert(bell || (mark[TASK] && mark[GROUP]))
}
