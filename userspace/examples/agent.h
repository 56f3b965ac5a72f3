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
 * struct way - how to wait, and how to ask
 * @name:	for people
 * @open:	0; a negative errno, with the reason in *@why
 * @add_fd:	call agent_readable() when there is something to read; as @open
 * @add:	watch a group, and ask about it; as @open
 * @wait:	wait, and call what is below; as @open
 * @close:	the end
 */
struct way {
	const char *name;
	int (*open)(const char **why);
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
/* Watch a cgroup, if it is not watched yet. */
void agent_add(const char *path);
void agent_readable(int fd);
/* Before each question: the kernel writes into what it was asked by. */
void agent_question(struct group *group);
/* There is an answer, or (@error, a negative errno) none. */
void agent_answered(struct group *group, int error);
/* Nothing refers to the group any more. */
void agent_gone(struct group *group);

/* A descriptor to read from, by tree_read(), or -1. */
int tree_open(void);
void tree_read(void);
/* Watch what is below a directory, and what will be made there. */
void tree_scan(const char *path);

#endif /* AGENT_H */
