/* SPDX-License-Identifier: MIT */
/* A number by thread, of which one holds at the most one: few threads at a time. */
#ifndef MS_REPLAY_PENDING_H
#define MS_REPLAY_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

struct ms_pending {
	pid_t tid;
	size_t what;
};

struct ms_pendings {
	struct ms_pending *list;
	size_t nr;
	size_t room;
};

static inline bool ms_pending_take(struct ms_pendings *p, pid_t tid, size_t *what)
{
	for (size_t i = p->nr; i--;) {
		if (p->list[i].tid == tid) {
			*what = p->list[i].what;
			p->list[i] = p->list[--p->nr];
			return true;
		}
	}
	return false;
}

/* What it held before is over. */
static inline void ms_pending_set(struct ms_pendings *p, pid_t tid, size_t what)
{
	size_t before;

	ms_pending_take(p, tid, &before);
	if (p->nr == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->list = reallocarray(p->list, p->room, sizeof(*p->list));
		if (!p->list)
			abort();
	}
	p->list[p->nr++] = (struct ms_pending) { tid, what };
}

/* A leader made room: the call of the thread that execs ends under its id. */
static inline void ms_pending_move(struct ms_pendings *p, pid_t from, pid_t to)
{
	size_t what;

	ms_pending_take(p, to, &what);
	if (ms_pending_take(p, from, &what))
		ms_pending_set(p, to, what);
}

#endif /* MS_REPLAY_PENDING_H */
