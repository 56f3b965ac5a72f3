// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "place.h"

/* So often, and so many microseconds apart, it is tried: who has just died is not gone at once. */
#define END_TRIES	50
#define END_PAUSE	20000

static const struct ms_place_kind *const kinds[] = { &ms_place_cgroup, &ms_place_job };

/**
 * ms_place_make() - make a place
 * @p:		the place
 * @w:		what is to hold in it
 * @why:	out: why there is none: why not the first kind
 * @size:	room
 *
 * Return: 0; a negative errno, with nothing left behind.
 */
int ms_place_make(struct ms_place *p, const struct ms_place_wish *w, char *why, size_t size)
{
	char reason[512];
	int first = 0, ret;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		*p = MS_NO_PLACE;
		p->wish = *w;
		ret = kinds[i]->make(p, w, reason, sizeof(reason));
		if (!ret) {
			p->kind = kinds[i];
			p->there = true;
			return 0;
		}
		if (!i) {
			first = ret;
			snprintf(why, size, "%s", reason);
		}
	}
	*p = MS_NO_PLACE;
	return first;
}

/**
 * ms_place_enter() - put the calling process into a place
 * @p: the place, made by its parent; or none
 *
 * Return: 0 or a negative errno.
 */
int ms_place_enter(const struct ms_place *p)
{
	return p->there ? p->kind->enter(p) : 0;
}

static void raise_to(uint64_t *most, uint64_t now)
{
	if (now > *most)
		*most = now;
}

/**
 * ms_place_look() - see what is in a place
 * @p: the place, or none
 *
 * Context: now and then, and in the end. What cannot be read stays as it was.
 */
void ms_place_look(struct ms_place *p)
{
	struct memstate_observe w = { .size = sizeof(w) };
	struct memstate_limit l = { .size = sizeof(l) };
	struct ms_refusal r;

	if (!p->there)
		return;
	if (p->observed && !p->kind->seen(p, &w)) {
		raise_to(&p->backed, w.backed);
		raise_to(&p->commit, w.commit);
		p->looks += w.spaces > 0;
		p->observe = w;
	}
	/* Behind it, so that the peak has what was seen. */
	if (!p->kind->limit(p, &l))
		p->limit = l;
	if (p->kind->refused(p, &r))
		p->refusal = r;
}

/**
 * ms_place_refused() - how many requests for memory were refused
 * @p: the place, or none
 *
 * Those that its own limits have refused are counted as events; with those by a limit above it they
 * are noted, if the note may be read.
 *
 * Return: how many, as of the last look.
 */
uint64_t ms_place_refused(const struct ms_place *p)
{
	uint64_t denied = p->limit.events[MEMSTATE_EVENT_DENIED];

	return denied > p->refusal.nr ? denied : p->refusal.nr;
}

/**
 * ms_place_end() - a place is needed no more
 * @p: the place, or none
 *
 * Return: 0; -EBUSY: somebody is in it, and stays.
 */
int ms_place_end(struct ms_place *p)
{
	int ret = 0;

	for (int i = 0; p->there && i < END_TRIES; i++) {
		ret = p->kind->end(p);
		p->there = ret;
		if (ret)
			usleep(END_PAUSE);
	}
	return ret;
}

/**
 * ms_place_name() - a place's name
 * @p: the place, not none
 *
 * Return: for people; stays valid until the next call.
 */
const char *ms_place_name(const struct ms_place *p)
{
	static char name[PATH_MAX + 16];

	snprintf(name, sizeof(name), *p->cgroup.path ? "%s %s" : "a %s%s", p->kind->name,
		 p->cgroup.path);
	return name;
}
