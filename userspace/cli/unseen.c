// SPDX-License-Identifier: MIT
/*
 * Programs that report nothing.
 *
 * Model
 *
 *   The shim is brought by the environment, so it is not in a program that was started without
 *   it (env -i, sudo), nor where no loader takes it (static programs). While memstate run waits
 *   it looks at its descendants now and then: who has no shim in his memory, and lacks what would
 *   bring it, has none for good until the next exec. Programs that begin and end between two
 *   looks are not met.
 *
 * Races
 *
 *   In the middle of an exec a process has no environment yet. It has no arguments then, either;
 *   these are looked at first. One that ends, or becomes another, while it is looked at is met
 *   under either name or not at all.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "files.h"
#include "grown.h"
#include "program.h"
#include "run.h"
#include "unseen.h"

/* So many are remembered; in a text so many are named. */
#define ROWS_MOST	256
#define ROWS_NAMED	3

/* A look takes one of so many parts of the time. */
#define PART		50

#define SHIM		"libmemstate-observe.so"

static int open_of(pid_t pid, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* All of a file, which ends with a zero; NULL: it cannot be read, by errno, or is empty, by 0. */
static char *read_of(pid_t pid, const char *what, size_t *len)
{
	int fd = open_of(pid, what), error;
	size_t room = 4096;
	char *text = NULL;
	ssize_t n;

	if (fd < 0)
		return NULL;
	for (*len = 0;; *len += (size_t)n) {
		if (!text || *len + 1 == room) {
			room *= 2;
			text = realloc(text, room);
			if (!text)
				abort();
		}
		n = read(fd, text + *len, room - *len - 1);
		if (n <= 0)
			break;
	}
	error = n < 0 ? errno : 0;
	close(fd);
	if (error || !*len) {
		free(text);
		errno = error;
		return NULL;
	}
	text[*len] = '\0';
	return text;
}

static bool has(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what));
}

/* Why there is no shim in a process, NULL: there is one, or it is not known. */
static const char *why_unseen(pid_t pid)
{
	struct ms_program program;
	char *text, path[64];
	bool shim, brought;
	const char *why;
	size_t len;

	text = read_of(pid, "cmdline", &len);
	if (!text)
		return NULL;
	free(text);
	text = read_of(pid, "environ", &len);
	if (!text && errno)
		return errno == EACCES || errno == EPERM ?
			       "run with other rights, where nothing is preloaded" : NULL;
	brought = text && has(text, len, MS_TALLY_ENV "=") && has(text, len, SHIM);
	free(text);
	text = read_of(pid, "maps", &len);
	if (!text)
		return NULL;
	shim = has(text, len, SHIM);
	free(text);
	if (shim)
		return NULL;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	why = ms_program_look(path, &program) ? ms_program_no_loader(&program) : NULL;
	if (!why && !brought)
		why = "started without LD_PRELOAD, which brings the shim (env -i?)";
	return why;
}

static void add(struct ms_unseen *u, pid_t pid)
{
	struct ms_unseen_row row = { .pid = pid };
	size_t len;
	char *comm;

	for (size_t i = u->nr; i--;)
		if (u->rows[i].pid == pid)
			return;
	row.why = why_unseen(pid);
	if (!row.why || u->nr == ROWS_MOST)
		return;
	comm = read_of(pid, "comm", &len);
	if (!comm)
		return;
	snprintf(row.comm, sizeof(row.comm), "%.*s", (int)strcspn(comm, "\n"), comm);
	free(comm);
	u->rows = ms_grown(u->rows, u->nr, sizeof(*u->rows));
	u->rows[u->nr++] = row;
}

/**
 * struct parent - a process and who has it
 * @pid:	the process
 * @parent:	its parent
 * @ours:	it descends from us
 */
struct parent {
	pid_t pid;
	pid_t parent;
	bool ours;
};

static pid_t parent_of(pid_t pid)
{
	size_t len;
	char *text = read_of(pid, "stat", &len), *end = text ? strrchr(text, ')') : NULL;
	pid_t parent = end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;

	free(text);
	return parent;
}

static int by_pid(const void *a, const void *b)
{
	const struct parent *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* All processes, by number. Return: how many; 0: there is no /proc. */
static size_t read_all(struct parent **list)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	uint64_t pid;
	size_t nr = 0;

	*list = NULL;
	while (dir && (d = readdir(dir))) {
		if (!ms_name_is_number(d->d_name, &pid))
			continue;
		*list = ms_grown(*list, nr, sizeof(**list));
		(*list)[nr++] = (struct parent) { (pid_t)pid, parent_of((pid_t)pid), false };
	}
	if (dir)
		closedir(dir);
	if (nr)
		qsort(*list, nr, sizeof(**list), by_pid);
	return nr;
}

static bool is_below(const struct parent *list, size_t nr, pid_t pid)
{
	const struct parent key = { .pid = pid };
	const struct parent *p = bsearch(&key, list, nr, sizeof(*list), by_pid);

	return p && (p->ours || pid == getpid());
}

/**
 * ms_unseen_look() - look for programs without the shim
 * @u: those that were met
 *
 * Looking at all processes there are takes a fiftieth of the time at the most.
 *
 * Context: now and then, while the program runs.
 */
void ms_unseen_look(struct ms_unseen *u)
{
	double begin = ms_now();
	struct parent *list;
	bool more = true;
	size_t nr;

	if (begin < u->next)
		return;
	nr = read_all(&list);
	/* A child's number is mostly larger than its parent's, and its line further down. */
	while (more) {
		more = false;
		for (size_t i = 0; i < nr; i++) {
			if (list[i].ours || !is_below(list, nr, list[i].parent))
				continue;
			list[i].ours = true;
			more = true;
			add(u, list[i].pid);
		}
	}
	free(list);
	u->next = begin + PART * (ms_now() - begin);
}

/* Those from @from on for the same reason. */
static void say_reason(FILE *out, const struct ms_unseen *u, size_t from)
{
	size_t nr = 0, more = 0;

	fprintf(out, "not in the table:");
	for (size_t i = from; i < u->nr; i++) {
		if (u->rows[i].why != u->rows[from].why)
			continue;
		if (nr++ < ROWS_NAMED)
			fprintf(out, "%s %s (process %d)", nr > 1 ? "," : "",
				ms_name(u->rows[i].comm), u->rows[i].pid);
		else
			more++;
	}
	if (more)
		fprintf(out, " and %zu more", more);
	fprintf(out, ": %s\n", u->rows[from].why);
}

static bool is_first(const struct ms_unseen *u, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (u->rows[k].why == u->rows[i].why)
			return false;
	return true;
}

/**
 * ms_unseen_say() - for people: who, and why
 * @out:	where to
 * @u:		those that were met
 */
void ms_unseen_say(FILE *out, const struct ms_unseen *u)
{
	for (size_t i = 0; i < u->nr; i++)
		if (is_first(u, i))
			say_reason(out, u, i);
}

/**
 * ms_unseen_json() - for programs
 * @u: those that were met
 *
 * Return: a list.
 */
struct json_object *ms_unseen_json(const struct ms_unseen *u)
{
	struct json_object *list = json_object_new_array(), *o;

	for (size_t i = 0; i < u->nr; i++) {
		o = json_object_new_object();
		ms_json_add(o, "pid", (uint64_t)u->rows[i].pid);
		json_object_object_add(o, "comm", ms_json_text(u->rows[i].comm));
		json_object_object_add(o, "why", json_object_new_string(u->rows[i].why));
		json_object_array_add(list, o);
	}
	return list;
}

void ms_unseen_free(struct ms_unseen *u)
{
	free(u->rows);
	*u = (struct ms_unseen) {};
}
