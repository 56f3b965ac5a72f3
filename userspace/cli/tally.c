// SPDX-License-Identifier: MIT
/*
 * The table of last figures: made, handed down to a program, and read. Slots of processes
 * that have ended are emptied while the program runs, if it has many.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memstate.h>

#include "grown.h"
#include "tally.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	8U
#endif

/* As many as may be taken before it is looked for those of the dead. */
#define SLOTS_MANY	(MS_TALLY_SLOTS / 4)

/* Where there are no files without a name: one that has lost it. */
static int nameless_file(void)
{
	const char *dir = getenv("TMPDIR");
	char *path;
	int fd;

	if (asprintf(&path, "%s/memstate-run-XXXXXX", dir && *dir ? dir : "/tmp") < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static int nameless(void)
{
	int fd = memfd_create("memstate-run", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	/* Before 6.3. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("memstate-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? nameless_file() : fd;
}

/* Out of the way of programs that use low numbers. */
static int fd_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, 512);

	if (up < 0)
		return fd;
	close(fd);
	return up;
}

/**
 * ms_tally_make() - make a table
 * @t: the reader
 *
 * Return: 0; a negative errno, with @t empty.
 */
int ms_tally_make(struct ms_tally_reader *t)
{
	struct stat st;
	int ret;

	*t = (struct ms_tally_reader) { .fd = nameless(), .sock = -1 };
	if (t->fd < 0)
		return -errno;
	t->fd = fd_up(t->fd);
	if (!ftruncate(t->fd, sizeof(*t->table))) {
		/* A program that made it shorter would kill the others, and us. */
		fcntl(t->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
		t->table = mmap(NULL, sizeof(*t->table), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_NORESERVE, t->fd, 0);
		if (t->table != MAP_FAILED) {
			t->pidns = stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
			/* Without, only programs miss that could not get at it otherwise. */
			ms_tally_listen(t);
			return 0;
		}
	}
	ret = -errno;
	close(t->fd);
	*t = (struct ms_tally_reader) { .fd = -1, .sock = -1 };
	return ret;
}

/**
 * ms_tally_hand_down() - tell the program that is executed next where it is
 * @t: the reader, of the parent process
 *
 * Return: true; false: no memory.
 */
bool ms_tally_hand_down(const struct ms_tally_reader *t)
{
	char text[128];
	struct stat st;

	if (fstat(t->fd, &st) || fcntl(t->fd, F_SETFD, 0))
		return false;
	snprintf(text, sizeof(text), "%d:%lu:%d:%s", t->fd, (unsigned long)st.st_ino,
		 getppid(), t->word);
	return !setenv(MS_TALLY_ENV, text, 1);
}

/* A zombie has ended. */
static bool is_running(pid_t pid)
{
	char path[32], text[512];
	const char *end;
	ssize_t n = -1;
	int fd;

	if (pid <= 0 || (kill(pid, 0) && errno == ESRCH))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return true;
	text[n] = '\0';
	end = strrchr(text, ')');
	return !end || (strncmp(end, ") Z", 3) && strncmp(end, ") X", 3));
}

/* False: nobody's, or just being filled in. What is not ours is copied once. */
static bool slot_read(const struct ms_tally_slot *slot, struct ms_tally_slot *copy)
{
	if (__atomic_load_n(&slot->state, __ATOMIC_RELAXED) != MS_TALLY_TAKEN)
		return false;
	/* Acquire: pairs with the release in ms_tally_begin(). */
	if (!__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE))
		return false;
	*copy = *(const volatile struct ms_tally_slot *)slot;
	copy->comm[sizeof(copy->comm) - 1] = '\0';
	return copy->serial;
}

static void keep(struct ms_tally_reader *t, const struct ms_tally_slot *slot, bool running)
{
	t->rows = ms_grown(t->rows, t->nr, sizeof(*t->rows));
	t->rows[t->nr++] = (struct ms_tally_row) { *slot, running };
}

static void slot_give(struct ms_tally_slot *slot)
{
	__atomic_store_n(&slot->serial, 0, __ATOMIC_RELAXED);
	/* Release: pairs with the acquire in ms_tally_begin(). */
	__atomic_store_n(&slot->state, MS_TALLY_FREE, __ATOMIC_RELEASE);
}

static int by_process(const void *a, const void *b)
{
	const struct ms_tally_slot *x = *(const struct ms_tally_slot *const *)a;
	const struct ms_tally_slot *y = *(const struct ms_tally_slot *const *)b;

	if (x->pidns != y->pidns)
		return x->pidns < y->pidns ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

/* Has it become another program since, as far as one can tell? Slots are sorted by_process(). */
static bool is_replaced(const struct ms_tally_slot *slot, const struct ms_tally_slot *next)
{
	return next && slot->pidns && slot->pidns == next->pidns && slot->pid == next->pid;
}

/* Take what is in the table; of the living only if @all. */
static void take(struct ms_tally_reader *t, bool all)
{
	struct ms_tally_slot *copies, **sorted, *from;
	size_t nr = 0;

	copies = ms_must(reallocarray(NULL, MS_TALLY_SLOTS, sizeof(*copies)));
	sorted = ms_must(reallocarray(NULL, MS_TALLY_SLOTS, sizeof(*sorted)));
	for (size_t i = 0; i < MS_TALLY_SLOTS; i++) {
		sorted[nr] = &copies[i];
		nr += slot_read(&t->table->slots[i], &copies[i]);
	}
	if (all || nr >= SLOTS_MANY) {
		qsort(sorted, nr, sizeof(*sorted), by_process);
		for (size_t i = 0; i < nr; i++) {
			/* A number in another namespace tells nothing: it may well live. */
			bool ended = is_replaced(sorted[i], i + 1 < nr ? sorted[i + 1] : NULL) ||
				     (sorted[i]->pidns && sorted[i]->pidns == t->pidns &&
				      !is_running((pid_t)sorted[i]->pid));

			if (!all && !ended)
				continue;
			from = &t->table->slots[sorted[i] - copies];
			if (!all && !slot_read(from, sorted[i]))
				continue;
			keep(t, sorted[i], !ended && sorted[i]->pidns == t->pidns && t->pidns);
			if (!all)
				slot_give(from);
		}
	}
	free(copies);
	free(sorted);
}

/**
 * ms_tally_wait() - wait for a time, or for a signal, and answer who asks
 * @t:		the reader, with or without a table
 * @mask:	signals that do not end it
 * @ms:		how long, in thousandths of a second
 */
void ms_tally_wait(struct ms_tally_reader *t, const sigset_t *mask, unsigned int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	struct pollfd asked = { .fd = t->sock, .events = POLLIN };

	if (ppoll(&asked, 1, &time, mask) > 0)
		ms_tally_answer(t);
}

/**
 * ms_tally_sweep() - make room, if it may be wanted
 * @t: the reader
 *
 * Context: now and then, while the program runs.
 */
void ms_tally_sweep(struct ms_tally_reader *t)
{
	/* Cheap as long as few ever came. */
	if (t->table && __atomic_load_n(&t->table->serial, __ATOMIC_RELAXED) >= SLOTS_MANY)
		take(t, false);
}

/**
 * ms_tally_collect() - read all that is left
 * @t: the reader
 *
 * Context: once.
 */
void ms_tally_collect(struct ms_tally_reader *t)
{
	if (t->table)
		take(t, true);
}

/**
 * ms_tally_free() - forget it
 * @t: the reader; processes that go on keep their mappings
 */
void ms_tally_free(struct ms_tally_reader *t)
{
	if (t->table)
		munmap(t->table, sizeof(*t->table));
	if (t->fd >= 0)
		close(t->fd);
	if (t->sock >= 0)
		close(t->sock);
	free(t->rows);
	*t = (struct ms_tally_reader) { .fd = -1, .sock = -1 };
}
