/* SPDX-License-Identifier: MIT */
/* What the agent's two ways of waiting and asking share. */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>

#include <memstate.h>

/**
 * struct group - a cgroup that is watched
 * @path:	its directory
 * @fd:		from memstate_watch_open()
 * @totals:	the answer to TOTALS
 * @limit:	the answer to LIMIT_GET
 * @before:	the answer before it
 * @known:	there was one before it
 * @gone:	the cgroup has been removed
 * @armed:	io_uring: a poll is under way
 * @asked:	io_uring: answers that are still to come
 * @again:	io_uring: something has happened since it was asked
 * @next:	io_uring: the next one to ask about
 */
struct group {
	char *path;
	int fd;
	struct memstate_get_totals totals;
	struct memstate_limit limit;
	struct memstate_limit before;
	bool known;
	bool gone;
	bool armed;
	int asked;
	bool again;
	struct group *next;
};

/**
 * struct way_user - what a way calls while it waits
 * @readable:	there is something to read from a descriptor that was added
 * @answered:	there is an answer, or (@error, a negative errno) none
 * @gone:	the cgroup has been removed, and nothing refers to the group any more
 */
struct way_user {
	void (*readable)(int fd);
	void (*answered)(struct group *group, int error);
	void (*gone)(struct group *group);
};

/**
 * struct way - how to wait, and how to ask
 * @name:	for people
 * @open:	@user is to be called; 0; a negative errno, with the reason in *@why
 * @add_fd:	tell when there is something to read; as @open
 * @add:	watch a group, and ask about it; as @open
 * @wait:	wait, and tell; as @open
 * @close:	the end
 */
struct way {
	const char *name;
	int (*open)(const struct way_user *user, const char **why);
	int (*add_fd)(int fd);
	int (*add)(struct group *group);
	int (*wait)(void);
	void (*close)(void);
};

extern const struct way agent_epoll;
extern const struct way agent_uring;

void agent_complain(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
/* Ends the program if there is no memory. */
void *agent_must(void *p);
/* A size, or none; in @buf of MEMSTATE_BYTES_MAX. */
const char *agent_size(char *buf, uint64_t bytes);
const char *agent_pressure(uint32_t pressure);
/* What is different now, in words; empty: nothing. */
void agent_describe(const struct group *group, char *text, size_t size);
void agent_tell(const struct group *group, const char *what);

/* Before each question: the kernel writes into what it was asked by. */
static inline void agent_question(struct group *group)
{
	group->totals = (struct memstate_get_totals) {
		.size = sizeof(group->totals),
		.scope = MEMSTATE_SCOPE_WATCHED,
	};
	group->limit = (struct memstate_limit) {
		.size = sizeof(group->limit),
		.scope = MEMSTATE_SCOPE_WATCHED,
	};
}

/* A descriptor to read from, by tree_read(), or -1. @found is called for each cgroup. */
int tree_open(void (*found)(const char *path));
void tree_read(void);
/* Find what is below a directory, and what will be made there. */
void tree_scan(const char *path);

#endif /* AGENT_H */
