// SPDX-License-Identifier: MIT
/* A process's part of the table of last figures; what that is stands in tally_table.h. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "tally.h"

/* How long it is waited for an answer: memstate run may have been stopped. */
#define ANSWER_S	2

/* How often newer figures are looked for. */
#define PUT_TRIES	8

struct ms_tally_slot *ms_tally_mine;
const u32 ms_tally_doorbell = 1;

static struct ms_tally *tally;
static u32 my_serial;
static u64 my_pidns;
static char my_comm[16];

/**
 * struct source - where the table is, from MEMSTATE_TALLY
 * @fd:		number that its descriptor was handed down under
 * @inode:	by which it is known
 * @pid:	who has it under the same number for certain
 * @word:	both halves, without an end
 */
struct source {
	unsigned int fd;
	unsigned long inode;
	unsigned int pid;
	const char *word;
};

static bool number(const char **text, unsigned long *value, char end)
{
	const char *p = *text;

	for (*value = 0; *p >= '0' && *p <= '9' && *value < (1UL << 58); p++)
		*value = *value * 10 + (unsigned long)(*p - '0');
	if (p == *text || *p != end)
		return false;
	*text = p + 1;
	return true;
}

/*
 * As in all of this file, without the functions of string.h, see same() in init.c, and of others
 * that a sanitizer stands in for: it would begin in there, and map what we are to tell of.
 */
static bool is_word(const char *text)
{
	size_t n = 0;

	while (text[n] && n <= 2 * MS_TALLY_HALF)
		n++;
	return n == 2 * MS_TALLY_HALF;
}

static bool source_parse(const char *text, struct source *s)
{
	unsigned long fd, pid;

	if (!text || !number(&text, &fd, ':') || !number(&text, &s->inode, ':') ||
	    !number(&text, &pid, ':') || fd > INT32_MAX || pid > INT32_MAX ||
	    !is_word(text))
		return false;
	s->word = text;
	s->fd = (unsigned int)fd;
	s->pid = (unsigned int)pid;
	return true;
}

static bool is_tally(long fd, const struct source *s)
{
	struct stat st;

	return fd >= 0 && !ms_raw2(SYS_fstat, fd, &st) && S_ISREG(st.st_mode) &&
	       st.st_ino == s->inode && st.st_size == sizeof(struct ms_tally);
}

static char *append(char *to, const char *text, unsigned long number)
{
	char digits[24];
	int n = 0;

	while (*text)
		*to++ = *text++;
	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*to++ = digits[--n];
	*to = '\0';
	return to;
}

static long source_from_proc(const struct source *s)
{
	char path[64];

	append(append(path, "/proc/", s->pid), "/fd/", s->fd);
	return ms_raw4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
}

/* The descriptor in an answer. */
static long answer(long sock)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct timespec patience = { .tv_sec = ANSWER_S };
	struct pollfd wait = { .fd = (int)sock, .events = POLLIN };
	const struct cmsghdr *c;
	int fd;

	if (ms_raw5(SYS_ppoll, &wait, 1, &patience, NULL, 0) != 1 ||
	    ms_raw3(SYS_recvmsg, sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -ETIMEDOUT;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -ENOENT;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static long source_ask(const struct source *s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX }, own = { .sun_family = AF_UNIX };
	long sock = ms_raw3(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd;
	char *end = to.sun_path + 1;

	if (sock < 0)
		return sock;
	for (const char *p = MS_TALLY_ADDRESS; *p; p++)
		*end++ = *p;
	for (int i = 0; i < MS_TALLY_HALF; i++)
		*end++ = s->word[i];
	/* An address of one's own, of any name, so that there can be an answer. */
	fd = ms_raw3(SYS_bind, sock, &own, sizeof(own.sun_family));
	if (fd >= 0)
		fd = ms_raw6(SYS_sendto, sock, (long)(s->word + MS_TALLY_HALF), MS_TALLY_HALF,
			     MSG_DONTWAIT | MSG_NOSIGNAL, (long)&to, end - (char *)&to);
	if (fd >= 0)
		fd = answer(sock);
	ms_raw1(SYS_close, sock);
	return fd;
}

static long tally_or_none(long fd, const struct source *s)
{
	if (fd < 0 || is_tally(fd, s))
		return fd;
	ms_raw1(SYS_close, fd);
	return -ENOENT;
}

/*
 * The descriptor that was handed down, or, where somebody has closed it, a new one, which takes
 * its place: a program that is executed later may have rights to nothing else.
 */
static long source_open(const struct source *s)
{
	long fd, put;

	if (is_tally(s->fd, s))
		return s->fd;
	fd = tally_or_none(source_from_proc(s), s);
	if (fd < 0)
		fd = tally_or_none(source_ask(s), s);
	if (fd >= 0 && ms_raw2(SYS_fcntl, s->fd, F_GETFD) == -EBADF) {
		put = ms_raw3(SYS_dup3, fd, s->fd, 0);
		if (put >= 0) {
			ms_raw1(SYS_close, fd);
			fd = put;
		}
	}
	return fd;
}

static void tally_map(void)
{
	struct source s;
	struct stat st;
	long fd, at;

	if (!source_parse(ms_env(MS_TALLY_ENV), &s))
		return;
	fd = source_open(&s);
	if (fd < 0)
		return;
	at = ms_raw6(SYS_mmap, 0, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (fd != (long)s.fd)
		ms_raw1(SYS_close, fd);
	if (ms_raw_failed(at))
		return;
	tally = (struct ms_tally *)at;
	__atomic_fetch_add(&tally->begun, 1, __ATOMIC_RELAXED);
	ms_raw2(SYS_prctl, PR_GET_NAME, my_comm);
	if (!ms_raw4(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &st, 0))
		my_pidns = st.st_ino;
}

/**
 * ms_tally_wanted() - does anybody want this program's figures?
 *
 * Context: any. Return: true if there is a table for them, as far as the environment tells.
 */
bool ms_tally_wanted(void)
{
	struct source s;

	return source_parse(ms_env(MS_TALLY_ENV), &s);
}

/**
 * ms_tally_begin() - take a slot, if there is a table
 * @inherited:	in a child, that has its parent's memory
 * @backend:	who keeps the books
 *
 * A child makes no system call but for its number: what else it may do by now is not known.
 *
 * Context: initialisation; one thread. Return: true: figures are to be put there from now on.
 */
bool ms_tally_begin(bool inherited, u32 backend)
{
	struct ms_tally_slot *slot;
	u32 serial, none;
	int saved;

	ms_tally_forget();
	if (!inherited) {
		saved = errno;
		tally_map();
		errno = saved;
	}
	if (!tally || backend == MEMSTATE_BACKEND_NONE)
		return false;
	serial = __atomic_add_fetch(&tally->serial, 1, __ATOMIC_RELAXED);
	for (u32 i = 0; i < MS_TALLY_SLOTS; i++) {
		slot = &tally->slots[(serial - 1 + i) % MS_TALLY_SLOTS];
		none = MS_TALLY_FREE;
		/* Acquire: pairs with the reader's release of a slot that it has taken. */
		if (!__atomic_compare_exchange_n(&slot->state, &none, MS_TALLY_TAKEN, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		memset(slot->values, 0, sizeof(slot->values));
		memcpy(slot->comm, my_comm, sizeof(slot->comm));
		slot->pidns = my_pidns;
		slot->backend = backend;
		slot->pid = (u32)ms_raw0(SYS_getpid);
		/* Release: with a serial the rest is there. Pairs with ms_tally_row(). */
		__atomic_store_n(&slot->serial, serial, __ATOMIC_RELEASE);
		my_serial = serial;
		ms_tally_mine = slot;
		return true;
	}
	__atomic_fetch_add(&tally->lost, 1, __ATOMIC_RELAXED);
	return false;
}

/**
 * ms_tally_forget() - the slot is somebody else's: the parent's
 *
 * Context: any; one thread.
 */
void ms_tally_forget(void)
{
	ms_tally_mine = NULL;
}

static void put(struct ms_tally_slot *slot, const struct memstate_totals *t)
{
	const u64 values[MS_TALLY_VALUES] = {
		[MS_TALLY_RESERVED] = ms_totals_state(t, MEMSTATE_RESERVED),
		[MS_TALLY_RESERVED_LAZY] = t->reserved_lazy,
		[MS_TALLY_PREPARED] = ms_totals_state(t, MEMSTATE_PREPARED),
		[MS_TALLY_PREPARED_LAZY] = t->prepared_lazy,
		[MS_TALLY_READY] = ms_totals_state(t, MEMSTATE_READY),
		[MS_TALLY_READY_DIRECT] = t->ready_direct,
		[MS_TALLY_PEAK_READY] = t->peak_ready,
		[MS_TALLY_TRANSITIONS] = t->transitions,
		[MS_TALLY_DRIFT] = t->drift,
		[MS_TALLY_REJECTED] = t->rejected,
		[MS_TALLY_RANGES] = t->ranges,
	};

	for (u32 i = 0; i < MS_TALLY_VALUES; i++)
		__atomic_store_n(&slot->values[i], values[i], __ATOMIC_RELAXED);
}

/**
 * ms_tally_put() - the books have changed
 * @totals:	what they say now, with nobody else about to change them; NULL: what
 *		they said as of the last drain, whenever that was
 *
 * No lock: who has put older figures over newer ones sees that there are newer ones, and puts
 * those. In a race of many the last word may be missing until the next change.
 *
 * Context: any.
 */
void ms_tally_put(const struct memstate_totals *totals)
{
	struct ms_tally_slot *slot = ms_tally_mine;
	struct memstate_totals before, now;

	/* Taken away from one who seemed to be dead. */
	if (MS_LIKELY(!slot) || __atomic_load_n(&slot->serial, __ATOMIC_RELAXED) != my_serial)
		return;
	if (totals) {
		put(slot, totals);
		return;
	}
	ms_lib.ops->last(&now);
	for (int i = 0; i < PUT_TRIES; i++) {
		before = now;
		put(slot, &before);
		ms_lib.ops->last(&now);
		if (!memcmp(&before, &now, sizeof(now)))
			break;
	}
}
