// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libmemstate under limits, in a virtual machine: "lib CGROUP" with the module,
 * "lib" with the embedded back end. The verbs refuse, tell whose limit it was, leave
 * the books exact, and a reserve is there for the time after a refusal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memstate.h>

#include "../soon.h"
#include "tap.h"

#define PAGE	4096UL
#define MIB	(1024UL * 1024)

static bool device;
static int cg = -1;

static uint64_t charged(void)
{
	struct memstate_totals t;

	memstate_totals(&t, 0);
	return t.charged;
}

static uint64_t held(void)
{
	struct memstate_totals t;

	memstate_totals(&t, 0);
	return t.ready_direct;
}

/* What the kernel shows this process; NULL: it does not. */
static const struct memstate_totals_page *own_page(void)
{
	struct memstate_setup s = { .size = sizeof(s), .flags = MEMSTATE_SETUP_CREDIT };
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	void *page = MAP_FAILED;

	if (!ioctl(fd, MEMSTATE_IOC_SETUP, &s))
		page = mmap(NULL, s.totals_bytes, PROT_READ, MAP_SHARED, fd,
			    MEMSTATE_OFF_TOTALS);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

static void set_max(uint64_t max)
{
	static const struct memstate_totals_page *page;
	int ret = device ? memstate_limit_set(cg, MEMSTATE_LIMIT_MAX, 0, max) :
			   memstate_self_limit(MEMSTATE_UNLIMITED, max);

	if (ret)
		tap_ok(0, "limit set: %s", strerror(-ret));
	if (!device)
		return;
	/* The page is brought up to date by a worker. */
	if (!page)
		page = own_page();
	if (!page || !soon(__atomic_load_n(&page->max, __ATOMIC_RELAXED) == max))
		tap_ok(0, "the process is shown its limit");
}

/* Of a request of this process that the group has refused. */
static void noted(const struct memstate_refusal *r)
{
	struct memstate_last_refusal no;
	struct stat st;

	fstat(cg, &st);
	tap_is(r->group, st.st_ino, "and names the group");
	tap_is(memstate_group_refusal(cg, &no), 0, "others read it of the group");
	tap_ok(no.nr && no.pid == getpid() && no.group == st.st_ino &&
	       no.how == MEMSTATE_REFUSED_CHARGE, "with who it was");
	tap_is(memstate_group_refusal(MEMSTATE_OWN_GROUP, &no), 0, "also by its other name");
	tap_ok(no.pid == getpid(), "where it is the same");
	tap_is(memstate_group_refusal(MEMSTATE_OWN_TASK, &no), -EINVAL, "a task has none");
}

static void verbs(void)
{
	struct memstate_refusal r = {};
	struct memstate_totals before, after;
	char *a, *b;
	int ret;

	memstate_totals(&before, 0);
	set_max(16 * MIB);
	a = memstate_alloc(8 * MIB, MEMSTATE_HEAP);
	tap_ok(a, "alloc below the limit");
	tap_ok(!memstate_alloc(16 * MIB, MEMSTATE_HEAP), "alloc above it is refused");
	tap_ok(memstate_refusal(&r) && r.wanted == 16 * MIB && r.room >= 7 * MIB &&
	       r.room <= 8 * MIB, "the refusal tells what was wanted and what is left: %s",
	       memstate_refusal(NULL));
	if (device)
		noted(&r);
	else
		tap_is(r.group, 0, "and that it is one's own limit");
	b = memstate_reserve(64 * MIB, MEMSTATE_HEAP);
	tap_ok(b, "reserve costs nothing");
	tap_is(memstate_map(b, 64 * MIB, MEMSTATE_HEAP), 0, "map costs nothing");
	tap_is(memstate_used(b, 64 * MIB, MEMSTATE_HEAP), -EDQUOT, "used above the limit");
	tap_is(memstate_used(b, 4 * MIB, MEMSTATE_HEAP), 0, "used below it");
	memset(b, 1, 4 * MIB);
	tap_is(memstate_unused(b, 4 * MIB, MEMSTATE_HEAP), 0, "unused");
	tap_is(held(), 8 * MIB, "gives back what was held");
	ret = memstate_used(b, 7 * MIB, MEMSTATE_HEAP);
	tap_is(ret, 0, "so that there is room again");
	memset(b, 1, 7 * MIB);
	tap_is(memstate_move(b, 7 * MIB, b + 32 * MIB, 15 * MIB, MEMSTATE_HEAP), -EDQUOT,
	       "move to more than there is room for");
	tap_ok(b[7 * MIB - 1] == 1 && held() == 15 * MIB, "changes nothing");
	tap_is(memstate_move(b, 7 * MIB, b + 32 * MIB, 7 * MIB + MIB / 2, MEMSTATE_HEAP), 0,
	       "move to what there is room for");
	tap_ok(b[39 * MIB - 1] == 1 && !b[39 * MIB] && held() == 15 * MIB + MIB / 2,
	       "holds it then");
	tap_is(memstate_fault(b, 64 * MIB, MEMSTATE_HEAP), 0, "fault");
	tap_is(held(), 8 * MIB, "gives it back as well");
	tap_is(memstate_free(a, 8 * MIB) | memstate_free(b, 64 * MIB), 0, "free");
	tap_is(held(), before.ready_direct, "nothing is held");
	memstate_trim();
	tap_is(charged(), before.ready_direct, "nor charged");
	memstate_totals(&after, 0);
	tap_is(after.breaches + after.breached + after.rejected + after.drift, 0,
	       "nothing was breached, rejected or drifted");
	set_max(MEMSTATE_UNLIMITED);
}

static void charges(void)
{
	uint64_t paid = 0;
	char *a;

	set_max(4 * MIB);
	tap_is(memstate_charge(2 * MIB), 0, "charge");
	tap_is(memstate_charge(3 * MIB), -EDQUOT, "charge above the limit");
	memstate_uncharge(2 * MIB);
	tap_is(memstate_charge(3 * MIB), 0, "what was given back can be charged again");
	memstate_uncharge(3 * MIB);
	tap_is(memstate_charge_wait(5 * MIB, 50000000), device ? -EDQUOT : -EDQUOT,
	       "waiting is bounded");
	a = memstate_reserve(4 * MIB, MEMSTATE_HEAP);
	memstate_map(a, 4 * MIB, MEMSTATE_HEAP);
	memstate_used(a, MIB, MEMSTATE_HEAP);
	tap_is(memstate_charge_range(a, 3 * MIB, &paid), 0, "charge of a range");
	tap_is(paid, 2 * MIB, "costs what is not Ready of it");
	memstate_uncharge(paid);
	memstate_free(a, 4 * MIB);
	memstate_trim();
	tap_is(charged(), 0, "and all of it comes back");
	set_max(MEMSTATE_UNLIMITED);
}

/* After the first refusal small requests go on for a while. */
static void reserve(void)
{
	char *page[200];
	int n = 0, after = 0;

	if (!device)
		return;
	set_max(16 * MIB);
	/* Page by page, to the very end. */
	while (n < 200 && (page[n] = memstate_alloc(128 * 1024, MEMSTATE_HEAP)))
		n++;
	tap_ok(n >= 120 && n < 200, "the limit was met after %d blocks", n);
	while (after < 200 && memstate_alloc(PAGE, MEMSTATE_HEAP))
		after++;
	tap_ok(after >= 32 && after <= 64, "then %d pages were left to unwind", after);
	tap_ok(charged() <= 16 * MIB, "which were charged before: %llu",
	       (unsigned long long)charged());
	set_max(MEMSTATE_UNLIMITED);
}

/* What is observed of the group, all that reports nothing. */
static struct memstate_observe observed(int group)
{
	struct memstate_observe o = { .size = sizeof(o) };

	if (memstate_group_observe(group, &o))
		o.spaces = ~0ull;
	return o;
}

static int observe_set(unsigned int on, unsigned int overcommit)
{
	struct memstate_observe o = {
		.size = sizeof(o),
		.set = MEMSTATE_OBSERVE_ON | MEMSTATE_OBSERVE_OVERCOMMIT,
		.on = on,
		.overcommit = overcommit,
	};

	return memstate_group_observe(cg, &o);
}

static void observe(void)
{
	struct memstate_observe o = { .size = sizeof(o) };
	struct memstate_limit l;
	pid_t child;

	if (!device)
		return;
	tap_is(memstate_group_observe(MEMSTATE_OWN_TASK, &o), -EINVAL, "a task is no group");
	o = observed(cg);
	tap_ok(!o.on && !o.spaces, "nothing is observed unasked");
	tap_is(observe_set(1, 99), -EINVAL, "less than all cannot be granted");
	child = fork();
	if (!child) {
		execlp("sleep", "sleep", "infinity", NULL);
		_exit(1);
	}
	tap_is(observe_set(1, 150), 0, "a group can be observed");
	/* Until the child is another program it has this one's books to begin with. */
	tap_ok(soon(observed(cg).spaces == 1 && observed(cg).backed),
	       "a child that is a program with nothing of ours is seen");
	o = observed(MEMSTATE_OWN_GROUP);
	tap_ok(o.on && o.overcommit == 150 && o.commit >= o.backed,
	       "and is so in the group by its other name");
	memstate_limit_get(cg, &l);
	tap_ok(l.charged >= o.backed - o.inherited, "and charged");
	tap_is(observe_set(0, 100), 0, "it can be ended");
	o = observed(cg);
	tap_ok(!o.on && !o.spaces && o.overcommit == 100, "then nothing is seen");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* What is observed of a job. */
static struct memstate_observe job_observed(int fd)
{
	struct memstate_observe o = { .size = sizeof(o) };

	if (memstate_job_observe(fd, &o))
		o.spaces = ~0ull;
	return o;
}

/* A job, from between fork and exec, by a descriptor of the parent's. */
static void job(void)
{
	struct memstate_job j = { .set = MEMSTATE_JOB_MAX, .max = 32 * MIB };
	struct memstate_observe o = { .size = sizeof(o) };
	struct memstate_limit l = {
		.size = sizeof(l), .set = MEMSTATE_LIMIT_MAX, .max = 64 * MIB };
	struct memstate_last_refusal no;
	struct memstate_totals t;
	struct pollfd p = { .events = 0 };
	pid_t child;

	if (!device)
		return;
	p.fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	tap_is(memstate_job_observe(p.fd, &o), -ESRCH, "no job was made yet");
	child = vfork();
	if (!child) {
		if (memstate_job(p.fd, &j) != p.fd)
			_exit(1);
		execlp("sleep", "sleep", "infinity", NULL);
		_exit(2);
	}
	tap_is(memstate_job_observe(p.fd, &o), 0, "a child of vfork makes a job");
	tap_ok(o.group & MEMSTATE_JOB_ID, "which is a group");
	/* Its parent goes on before the new image has anything. */
	tap_ok(soon(job_observed(p.fd).spaces == 1 && job_observed(p.fd).backed),
	       "in which there is the program");
	tap_ok(!memstate_job_totals(p.fd, &t, 0) && !t.tasks, "that reports nothing");
	tap_is(memstate_job_limit_apply(p.fd, &l), -EPERM, "its limit cannot be raised");
	l.max = MIB;
	tap_is(memstate_job_limit_apply(p.fd, &l), 0, "but be lowered");
	tap_ok(!memstate_watch_read(p.fd, &l) && l.max == MIB && l.group == o.group,
	       "and is read as that of a group that is watched");
	tap_ok(!memstate_watch_refusal(p.fd, &no) && !no.nr, "nothing was refused there");
	tap_is(memstate_watch_refusal(-1, &no), -EBADF, "where there is no descriptor none is read");
	j = (struct memstate_job) { .id = 1 };
	tap_is(memstate_job(-1, &j), -EINVAL, "what is out has no place in what is in");
	j.id = 0;
	tap_is(memstate_job(-1, &j), -EALREADY, "who has books makes none");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	tap_ok(soon(poll(&p, 1, 0) == 1 && p.revents & POLLHUP), "it ends with its last process");
	close(p.fd);
}

static void self_limit(void)
{
	struct memstate_refusal r = { .group = 1 };
	int status;

	if (!fork()) {
		char *a;

		if (memstate_self_limit(MEMSTATE_UNLIMITED, 2 * MIB))
			_exit(1);
		if (memstate_alloc(3 * MIB, MEMSTATE_HEAP) || !memstate_refusal(&r) || r.group)
			_exit(2);
		/* A child has the limit, too, and what it inherits counts. */
		a = memstate_alloc(MIB, MEMSTATE_HEAP);
		if (!a)
			_exit(3);
		if (!fork())
			_exit(memstate_alloc(3 * MIB, MEMSTATE_HEAP) ? 1 : 0);
		wait(&status);
		_exit(status ? 4 : 0);
	}
	wait(&status);
	tap_is(status, 0, "own limit, kept by children");
}

/* Ready that does not fit in a child is inherited, and nobody is killed for it. */
static void fork_over_the_limit(void)
{
	struct memstate_totals t;
	int status;
	char *a;

	if (!device)
		return;
	a = memstate_alloc(12 * MIB, MEMSTATE_HEAP);
	set_max(16 * MIB);
	if (!fork()) {
		if (memstate_totals(&t, 0))
			_exit(1);
		_exit(t.ready_direct != 12 * MIB ? 2 : t.inherited < 7 * MIB ? 3 :
		      t.breaches || t.denied ? 4 :
		      t.charged > 4 * MIB ? 5 : 0);
	}
	wait(&status);
	tap_is(WEXITSTATUS(status), 0, "a fork never passes a limit, and is not killed by one");
	set_max(MEMSTATE_UNLIMITED);
	memstate_free(a, 12 * MIB);
}

static void watch(void)
{
	struct memstate_limit l;
	struct pollfd p = { .events = POLLPRI };

	if (!device)
		return;
	p.fd = memstate_watch_open(cg);
	tap_ok(p.fd >= 0, "watch opens");
	tap_is(memstate_limit_set(cg, MEMSTATE_LIMIT_HIGH, 0, 0), 0, "high set to nothing");
	memstate_charge(PAGE);
	tap_is(poll(&p, 1, SOON_MS), 1, "the watch tells of it");
	soon(memstate_pressure() == MEMSTATE_PRESSURE_HIGH);
	tap_is(memstate_watch_read(p.fd, &l), 0, "what it is can be read");
	tap_is(l.pressure, MEMSTATE_PRESSURE_HIGH, "pressure");
	tap_is(memstate_pressure(), MEMSTATE_PRESSURE_HIGH, "which the process sees");
	tap_is(l.events[MEMSTATE_EVENT_HIGH], 1, "and that it was passed once");
	memstate_limit_set(cg, MEMSTATE_LIMIT_HIGH, MEMSTATE_UNLIMITED, 0);
	memstate_uncharge(PAGE);
	close(p.fd);
}

static void environment(char *self)
{
	int status;

	if (!fork()) {
		setenv("MEMSTATE_MAX", "1M", 1);
		execl(self, self, "--limited-by-environment", NULL);
		_exit(99);
	}
	wait(&status);
	tap_is(WEXITSTATUS(status), 0, "MEMSTATE_MAX limits a process");
	if (!fork()) {
		setenv("MEMSTATE_MAX", "12Q", 1);
		execl(self, self, "--wrong-environment", NULL);
		_exit(99);
	}
	wait(&status);
	tap_is(WEXITSTATUS(status), 0, "what is no size is told, and nothing is accounted");
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--limited-by-environment"))
		return memstate_alloc(2 * MIB, MEMSTATE_HEAP) ||
		       !memstate_alloc(MIB / 2, MEMSTATE_HEAP);
	if (argc > 1 && !strcmp(argv[1], "--wrong-environment"))
		return memstate_backend() != MEMSTATE_BACKEND_NONE ||
		       !strstr(memstate_error(), "MEMSTATE_MAX is not a size");
	device = argc > 1;
	if (device)
		cg = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tap_ok(memstate_backend() == (device ? MEMSTATE_BACKEND_DEVICE :
					       MEMSTATE_BACKEND_EMBEDDED),
	       "back end %s", memstate_backend_name());
	verbs();
	charges();
	observe();
	job();
	self_limit();
	fork_over_the_limit();
	watch();
	environment(argv[0]);
	reserve();
	return tap_end();
}
