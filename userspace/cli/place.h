/* SPDX-License-Identifier: MIT */
/*
 * Where a program runs that is observed and limited as a whole, with all that it starts.
 *
 * Model
 *
 *   A place is made before the program is there, entered by its process before it becomes the
 *   program, looked at while it runs, and ends when nobody is left in it. Kinds of places are
 *   tried one after the other: a cgroup, which has a name and can be limited anew from outside;
 *   where none may be made a job, which takes no right at all.
 *
 *   What is charged has a peak that the module keeps. Of what is backed and committed there is
 *   none: the most that was seen is kept here, and how often it was looked.
 */
#ifndef MS_PLACE_H
#define MS_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <memstate.h>

#include "cgroup.h"
#include "refusal.h"

struct ms_place_kind;

/**
 * struct ms_place_wish - what is to hold in a place
 * @set:	MEMSTATE_LIMIT_*
 * @high:	bytes
 * @max:	bytes
 * @commit_max:	bytes, MEMSTATE_UNLIMITED: none
 * @observe:	programs that report nothing are seen, and limited
 * @trust:	who reports is believed
 */
struct ms_place_wish {
	unsigned int set;
	uint64_t high;
	uint64_t max;
	uint64_t commit_max;
	bool observe;
	bool trust;
};

/**
 * struct ms_place - where a program runs
 * @kind:	what it is; NULL: there never was one
 * @there:	it is there, and has not been ended
 * @observed:	programs that report nothing are seen in it
 * @cgroup:	a cgroup; its fd is below 0 if it is none
 * @job:	the device, which is bound to a job; below 0: it is none
 * @wish:	what is to hold in it
 * @limit:	as it was last looked at
 * @observe:	likewise
 * @looks:	how often it was looked at while somebody was in it
 * @backed:	most that was seen
 * @commit:	likewise
 * @refusal:	the last one that is noted
 */
struct ms_place {
	const struct ms_place_kind *kind;
	bool there;
	bool observed;
	struct ms_cgroup cgroup;
	int job;
	struct ms_place_wish wish;
	struct memstate_limit limit;
	struct memstate_observe observe;
	uint64_t looks;
	uint64_t backed;
	uint64_t commit;
	struct ms_refusal refusal;
};

/**
 * struct ms_place_kind - a kind of places
 * @name:	for people
 * @make:	make one. 0, or -errno with a text of why, and nothing left behind
 * @enter:	put the calling process into it. 0 or -errno
 * @limit:	what is enforced. 0 or -errno
 * @seen:	what is observed. 0 or -errno
 * @refused:	the last refusal; whether there was one that may be read
 * @end:	it goes, if nobody is in it. 0, or -EBUSY: somebody is
 */
struct ms_place_kind {
	const char *name;
	int (*make)(struct ms_place *p, const struct ms_place_wish *w, char *why, size_t size);
	int (*enter)(const struct ms_place *p);
	int (*limit)(const struct ms_place *p, struct memstate_limit *l);
	int (*seen)(const struct ms_place *p, struct memstate_observe *w);
	bool (*refused)(const struct ms_place *p, struct ms_refusal *r);
	int (*end)(struct ms_place *p);
};

extern const struct ms_place_kind ms_place_cgroup;
extern const struct ms_place_kind ms_place_job;

/* There is none. */
#define MS_NO_PLACE	((struct ms_place) { .cgroup.fd = -1, .job = -1 })

int ms_place_make(struct ms_place *p, const struct ms_place_wish *w, char *why, size_t size);
int ms_place_enter(const struct ms_place *p);
void ms_place_look(struct ms_place *p);
uint64_t ms_place_refused(const struct ms_place *p);
int ms_place_end(struct ms_place *p);
const char *ms_place_name(const struct ms_place *p);

#endif /* MS_PLACE_H */
