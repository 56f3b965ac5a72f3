/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The types of calls, and what the code of each one chooses by. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include <stdbool.h>

#include "program.h"

/**
 * struct run - a thread that runs a program
 * @program:	the program
 * @at:		the call that is running; its code may move on over those that follow
 * @end:	where to stop
 * @word:	the next word of this call
 * @depth:	forks that led here
 * @fault:	/proc/thread-self/fail-nth, or -1
 */
struct run {
	const struct program *program;
	u32 at;
	u32 end;
	u32 word;
	u32 depth;
	int fault;
};

/**
 * struct call_type - what a call is
 * @name:	for whoever reads a finding
 * @weight:	how often it is made, beside the others
 * @faults:	memory and copies may be made to fail: it is the module that asks for them
 * @run:	returns something negative where it has failed
 */
struct call_type {
	const char *name;
	u32 weight;
	bool faults;
	long (*run)(struct run *r);
};

extern const struct call_type call_types[];
extern const u32 nr_call_types;

/* A number below @n, by the call's next word; all are 0 when there are no more. */
static inline u32 pick(struct run *r, u32 n)
{
	const struct call *c = &r->program->calls[r->at];

	return r->word < WORDS ? c->word[r->word++] % n : 0;
}

static inline bool once(struct run *r, u32 n)
{
	return pick(r, n) == n - 1;
}

#define PICK(r, table)	((table)[pick(r, sizeof(table) / sizeof((table)[0]))])

/* device.c */
long call_open(struct run *r);
long call_close(struct run *r);
long call_dup(struct run *r);
long call_map(struct run *r);
long call_remap(struct run *r);
long call_poll(struct run *r);
long call_epoll(struct run *r);
long call_rw(struct run *r);
/* ioctl.c */
long call_query(struct run *r);
long call_setup(struct run *r);
long call_sync(struct run *r);
long call_transition(struct run *r);
long call_totals(struct run *r);
long call_ranges(struct run *r);
long call_audit(struct run *r);
long call_charge(struct run *r);
long call_limit_set(struct run *r);
long call_limit_get(struct run *r);
long call_watch(struct run *r);
long call_shards(struct run *r);
long call_alloc(struct run *r);
long call_observe(struct run *r);
long call_job(struct run *r);
long call_refusal(struct run *r);
long call_any_ioctl(struct run *r);
/* shared.c */
long call_post(struct run *r);
long call_credit(struct run *r);
long call_count(struct run *r);
long call_scribble(struct run *r);
/* memory.c */
long call_memory(struct run *r);
long call_remap_memory(struct run *r);
long call_touch(struct run *r);
/* process.c */
long call_fork(struct run *r);
long call_clone_vm(struct run *r);
long call_exec(struct run *r);
long call_mate(struct run *r);
long call_send(struct run *r);
long call_receive(struct run *r);
long call_signal(struct run *r);
long call_unshare(struct run *r);
long call_exit(struct run *r);
/* uring.c */
long call_uring(struct run *r);
/* outside.c */
long call_cgroup(struct run *r);
long call_sysfs(struct run *r);
long call_proc(struct run *r);
long call_parameter(struct run *r);

#endif /* FUZZ_CALLS_H */
