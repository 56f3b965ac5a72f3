/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a record makes of one page, written down a second time from the words of
 * the ABI header, with nothing of the core: the oracle for the rules and for the
 * range map.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>

#include <linux/memstate.h>

struct model_page {
	unsigned char state;
	unsigned char class_;
	bool lazy;
	bool ro;
};

struct model_record {
	unsigned int from, to, class_, flags;
};

static inline bool model_same(struct model_page a, struct model_page b)
{
	return a.state == b.state && a.class_ == b.class_ && a.lazy == b.lazy &&
	       a.ro == b.ro;
}

static inline bool model_charged(struct model_page p)
{
	return p.state == MEMSTATE_READY || p.lazy;
}

static inline bool model_agrees(struct model_page p, unsigned int from)
{
	if (from == MEMSTATE_ANY)
		return true;
	if (from == MEMSTATE_MAPPED)
		return p.state != MEMSTATE_NONE;
	return p.state == from;
}

/* The page afterwards; *drift is set if the record was wrong about it. */
static inline struct model_page model_apply(struct model_page p,
					    struct model_record r, bool *drift)
{
	struct model_page none = { 0, 0, false, false };
	struct model_page q = p;

	if (!model_agrees(p, r.from)) {
		if (r.flags & MEMSTATE_ONLY)
			return p;
		*drift = true;
	}
	if (p.state == MEMSTATE_NONE || !(r.flags & MEMSTATE_KEEP_CLASS))
		q.class_ = (unsigned char)r.class_;
	if (r.to == MEMSTATE_KEEP || r.to == MEMSTATE_KEEP_RO) {
		if (p.state == MEMSTATE_NONE)
			return none;
		if (r.to == MEMSTATE_KEEP_RO)
			q.ro = true;
		return q;
	}
	if (r.to == MEMSTATE_NONE)
		return none;
	q.state = (unsigned char)r.to;
	/* Advice leaves access as it is. */
	if (r.to != MEMSTATE_PREPARED || !(r.flags & MEMSTATE_LAZY))
		q.ro = false;
	q.lazy = false;
	if (r.flags & MEMSTATE_LAZY)
		q.lazy = p.state == MEMSTATE_NONE || model_charged(p);
	return q;
}

#endif /* MODEL_H */
