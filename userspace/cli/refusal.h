/* SPDX-License-Identifier: MIT */
/*
 * Refusals, as the module notes the last one of each group: who wanted how much, and what was in
 * the way.
 *
 *	refusal.c	reads a note
 *	refusal_words.c	tells of it
 */
#ifndef MS_CLI_REFUSAL_H
#define MS_CLI_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name of a process, with its end. */
#define MS_REFUSAL_COMM		16

/**
 * struct ms_refusal - a growth that was refused
 * @nr:		how many there have been in the group with it; 0: none is known
 * @pid:	whose it was, as we number processes; 0: it is not seen from here
 * @inner_pid:	likewise, as his own pid namespace has it
 * @comm:	what he called himself: any bytes
 * @bytes:	by how much he wanted to grow
 * @group:	cgroup id of whose limit it was
 * @backed:	bytes charged to that and backed
 * @charged:	bytes charged to it, what was granted and is not backed yet included
 * @max:	its limit, bytes
 * @overcommit:	percent of that, which may be charged
 * @commit:	it was by commit_max
 * @reported:	it reports, and has asked before it grew
 * @first_us:	when the first one was, since boot; 0: not known
 * @at_us:	when this one was
 */
struct ms_refusal {
	uint64_t nr;
	uint64_t pid;
	uint64_t inner_pid;
	char comm[MS_REFUSAL_COMM];
	uint64_t bytes;
	uint64_t group;
	uint64_t backed;
	uint64_t charged;
	uint64_t max;
	uint64_t overcommit;
	bool commit;
	bool reported;
	uint64_t first_us;
	uint64_t at_us;
};

/**
 * struct ms_refused - a group, and what was refused there last
 * @group:	cgroup id
 * @parent:	of the group above; 0: it is the root
 * @refusal:	the note
 */
struct ms_refused {
	uint64_t group;
	uint64_t parent;
	struct ms_refusal refusal;
};

/**
 * struct ms_refusals - all groups that may be read
 * @list:	by cgroup id
 * @nr:		how many
 */
struct ms_refusals {
	struct ms_refused *list;
	size_t nr;
};

/* refusal.c */
bool ms_refusal_parse(const char *line, struct ms_refusal *r);
bool ms_refusal_read(int dir, struct ms_refusal *r);
bool ms_refusal_of(int cgroup, struct ms_refusal *r);
bool ms_refusal_watched(int fd, struct ms_refusal *r);
uint64_t ms_refusal_left(const struct ms_refusal *r);
uint64_t ms_refusal_time(uint64_t us);

/* refusal_words.c */
struct json_object;

/* Room for what is said of one. */
#define MS_REFUSAL_WORDS	1024

void ms_refusals_read(struct ms_refusals *all);
void ms_refusals_free(struct ms_refusals *all);
const struct ms_refused *ms_refusals_find(const struct ms_refusals *all, uint64_t group);
uint64_t ms_refusals_in(const struct ms_refusals *all, const struct ms_refused *at);
bool ms_refusals_below(const struct ms_refusals *all, uint64_t group, uint64_t above);
void ms_refusal_words(const struct ms_refusal *r, uint64_t beside, uint64_t in, char *text,
		      size_t size);
void ms_refusal_clock(uint64_t us, char *text, size_t size);
struct json_object *ms_refusal_json(const struct ms_refusal *r, uint64_t in);

#endif /* MS_CLI_REFUSAL_H */
