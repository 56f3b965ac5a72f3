// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "actor.h"
#include "coverage.h"

struct actor me;

/* Where a thread goes on that has touched what is not mapped. */
static __thread sigjmp_buf *next_call;

static void on_fault(int sig)
{
	if (!next_call)
		_exit(128 + sig);
	siglongjmp(*next_call, 1);
}

static void on_alarm(int sig)
{
}

/* Tell that something is so which must not be. */
void broken(const char *format, ...)
{
	char text[sizeof(me.board->broken)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!me.board->broken[0])
		strcpy(me.board->broken, text);
}

int actor_fd(struct run *r)
{
	u32 first = pick(r, FDS), i;
	int fd;

	if (first == FDS - 1 && once(r, 4))
		return once(r, 2) ? -1 : SOCKET_FD;
	for (i = 0; i < FDS; i++) {
		fd = me.fds[(first + i) % FDS];
		if (fd >= 0)
			return fd;
	}
	fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		actor_keep_fd(r, fd);
	return fd;
}

struct map *actor_map(struct run *r, s64 what)
{
	u32 first = pick(r, MAPS), i;
	struct map *map;

	for (i = 0; i < MAPS; i++) {
		map = &me.maps[(first + i) % MAPS];
		if (map->at && (what < 0 || map->what == what))
			return map;
	}
	return NULL;
}

void actor_keep_fd(struct run *r, int fd)
{
	u32 i;

	for (i = 0; i < FDS && me.fds[i] >= 0; i++)
		;
	if (i == FDS) {
		i = pick(r, FDS);
		close(me.fds[i]);
	}
	me.fds[i] = fd;
}

void actor_keep_map(struct run *r, struct map map)
{
	u32 i;

	for (i = 0; i < MAPS && me.maps[i].at; i++)
		;
	if (i == MAPS) {
		i = pick(r, MAPS);
		munmap(me.maps[i].at, me.maps[i].bytes);
	}
	me.maps[i] = map;
}

u64 pick_odd(struct run *r)
{
	static const u64 odd[] = {
		0, 1, 7, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 1ULL << 20, 1ULL << 31, ~0U, 1ULL << 32,
		1ULL << 44, 1ULL << 46, (1ULL << 47) - 2 * PAGE, (1ULL << 47) - PAGE, 1ULL << 47,
		1ULL << 56, 1ULL << 63, -PAGE, -2 * PAGE, ~0ULL, 0xffff888000000000,
	};

	return PICK(r, odd);
}

u64 pick_address(struct run *r)
{
	u32 page = pick(r, 4 * WINDOW_PAGES);

	if (page >= 4 * WINDOW_PAGES - 64)
		return pick_odd(r);
	/* Most of them meet in few pages. */
	return WINDOW + (page < WINDOW_PAGES ? page : page % 48) * PAGE;
}

u64 pick_pages(struct run *r)
{
	u32 pages = pick(r, 64);

	return pages < 48 ? pages % 12 + 1 : pages < 62 ? pages * 3 : WINDOW_PAGES;
}

void guarded(void (*work)(void *arg), void *arg)
{
	sigjmp_buf here;

	next_call = &here;
	if (!sigsetjmp(here, 1))
		work(arg);
	next_call = NULL;
}

/* ---- running --------------------------------------------------------------- */

static void set_fault(struct run *r, u32 nth)
{
	char text[12];
	int i, length = snprintf(text, sizeof(text), "%u", nth);

	if (r->fault < 0)
		r->fault = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* Writing it copies, and may fail too. */
	for (i = 0; i < 100 && pwrite(r->fault, text, length, 0) != length; i++)
		;
}

static void run_call(struct run *r)
{
	const struct call *c = &r->program->calls[r->at];
	const struct call_type *type = &call_types[c->type];
	bool fault = c->fault && type->faults;
	long ret;

	r->word = 0;
	__atomic_fetch_add(&me.board->calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&me.board->by_type[c->type].made, 1, __ATOMIC_RELAXED);
	if (fault)
		set_fault(r, c->fault);
	ret = type->run(r);
	if (fault)
		set_fault(r, 0);
	if (ret >= 0)
		__atomic_fetch_add(&me.board->by_type[c->type].succeeded, 1, __ATOMIC_RELAXED);
}

/* Run a part of a program. */
void run_calls(struct run *r, u32 thread)
{
	struct run *volatile run = r;
	sigjmp_buf here;

	coverage_of_thread(me.index * COVERAGE_THREADS + thread);
	r->fault = -1;
	next_call = &here;
	for (; run->at < run->end; run->at++)
		if (!sigsetjmp(here, 1))
			run_call(run);
	next_call = NULL;
}

static void make(u64 at, u64 bytes, int prot)
{
	mmap((void *)at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

/* What is the same in all processes, which they inherit. */
void actor_init(void)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction alarm = { .sa_handler = on_alarm };
	u32 i;

	me = (struct actor) { .epoll = -1 };
	for (i = 0; i < FDS; i++)
		me.fds[i] = -1;
	me.board = mmap(NULL, sizeof(*me.board), PROT_READ | PROT_WRITE, MAP_SHARED, BOARD_FD, 0);
	if (me.board == MAP_FAILED)
		_exit(1);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGALRM, &alarm, NULL);
	sigaction(SIGPIPE, &alarm, NULL);
	make(ARENA, ARENA_END - ARENA, PROT_READ | PROT_WRITE);
	make(ARENA_RO, PAGE, PROT_READ);
	make(WINDOW, WINDOW_PAGES * PAGE, PROT_READ | PROT_WRITE);
}

/* Be a process of a round. */
void actor_run(u32 index, const struct program *p)
{
	struct run r = { .program = p, .end = p->nr };
	uid_t uid = FIRST_USER + index - ACTORS / 2;

	me.index = index;
	if (index >= ACTORS / 2 &&
	    (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
		_exit(1);
	/* Its files in /proc are its own. */
	prctl(PR_SET_DUMPABLE, 1);
	run_calls(&r, COVERAGE_MAIN);
	_exit(0);
}

/* Go on in a new program, with the descriptors of the old one. */
void actor_run_after_exec(u32 index, u64 seed)
{
	struct program p;
	struct run r = { .program = &p, .depth = 2 };
	char path[32], target[32] = "";
	int fd, i = 0;

	actor_init();
	me.index = index;
	for (fd = 3; fd < 64 && i < FDS; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    !strncmp(target, MEMSTATE_DEVICE, strlen(MEMSTATE_DEVICE)))
			me.fds[i++] = fd;
	}
	program_generate(&p, 2 + rnd_below(&seed, 8), &seed);
	r.end = p.nr;
	run_calls(&r, COVERAGE_CHILD);
	_exit(0);
}
