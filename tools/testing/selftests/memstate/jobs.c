// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Jobs: limits that programs set on themselves and all that they start. */
#include <grp.h>

#include "harness.h"
#include "prog.h"

#define GROUP		"ms-jobs"
#define BESIDE		"ms-jobs-beside"
#define NOBODY		65534
#define PARAMETERS	"/sys/module/memstate/parameters/"

static int job_make(int fd, struct memstate_job *j)
{
	j->size = sizeof(*j);
	return dev_ioctl(fd, MEMSTATE_IOC_JOB, j);
}

static int job_max(int fd, u64 max)
{
	struct memstate_job j = { .set = MEMSTATE_JOB_MAX, .max = max };

	return job_make(fd, &j);
}

static int job_set(int fd, struct memstate_observe w)
{
	w.size = sizeof(w);
	w.scope = MEMSTATE_SCOPE_JOB;
	return dev_ioctl(fd, MEMSTATE_IOC_OBSERVE, &w);
}

static struct memstate_observe job_observed(int fd)
{
	struct memstate_observe w = { .size = sizeof(w), .scope = MEMSTATE_SCOPE_JOB };

	if (dev_ioctl(fd, MEMSTATE_IOC_OBSERVE, &w))
		memset(&w, 0xff, sizeof(w));
	return w;
}

static int job_limit(int fd, u32 set, u64 high, u64 max)
{
	struct memstate_limit l = { .size = sizeof(l), .scope = MEMSTATE_SCOPE_JOB,
				    .set = set, .high = high, .max = max };

	return dev_ioctl(fd, MEMSTATE_IOC_LIMIT_SET, &l);
}

static struct memstate_limit job_limits(int fd)
{
	return limit_get(fd, MEMSTATE_SCOPE_JOB, 0, 0);
}

static u64 job_id(int fd)
{
	return job_observed(fd).group;
}

/* Nobody is in it any more. */
static bool job_has_ended(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

static bool map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0) != MAP_FAILED;
}

static int file_open(void)
{
	return open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
}

/* Where a process is charged. */
static u64 group_of(int dev, pid_t pid)
{
	int fd = pidfd_of(pid);
	struct memstate_observe w;

	if (observe_one(dev, fd, &w))
		w.group = 0;
	close(fd);
	return w.group;
}

/* What a program does before it is one. */
struct plan {
	int fd;			/* makes a job by that */
	u64 max;
	int inner;		/* and one below by that, if it is not 0 */
	u64 inner_max;
	enum { NOTHING, VFORK, CLONE_BEFORE, THREAD } then;
};

static bool plan_jobs(const struct plan *p)
{
	return !job_max(p->fd, p->max) && (!p->inner || !job_max(p->inner, p->inner_max));
}

static void become_prog(void)
{
	execl(prog_path(), "observe_prog", NULL);
	_exit(104);
}

static void *other_thread(void *arg)
{
	become_prog();
	return NULL;
}

static bool carry_out(const void *arg)
{
	const struct plan *p = arg;
	pthread_t t;
	pid_t pid;
	int status;

	/* Who borrows his parent's memory makes the job: that is not in it. */
	if (p->then == CLONE_BEFORE) {
		pid = vfork();
		if (!pid) {
			if (!plan_jobs(p))
				_exit(105);
			become_prog();
		}
	} else if (!plan_jobs(p)) {
		return false;
	} else if (p->then == VFORK) {
		pid = vfork();
		if (!pid)
			become_prog();
	} else if (p->then == THREAD) {
		pthread_create(&t, NULL, other_thread, NULL);
		pause();
		return false;
	} else {
		return true;
	}
	if (waitpid(pid, &status, 0) != pid)
		_exit(106);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 107);
}

static struct prog plan_start(const struct plan *p)
{
	return prog_start_after(GROUP, carry_out, p);
}

FIXTURE(jobs) {
	int dev;
	int group;
	int fd;
	int inner;
};

FIXTURE_SETUP(jobs)
{
	self->dev = file_open();
	self->fd = file_open();
	self->inner = file_open();
	ASSERT_GE(self->inner, 0);
	self->group = cg_make(GROUP);
	ASSERT_GE(self->group, 0);
	ASSERT_TRUE(can_observe(self->dev));
}

FIXTURE_TEARDOWN(jobs)
{
	close(self->inner);
	close(self->fd);
	close(self->group);
	EXPECT_EQ(0, cg_remove(GROUP));
	close(self->dev);
}

/* ---- what is in it ------------------------------------------------------------------- */

static void limited_by_itself(struct __test_metadata *_metadata, int dev, int fd,
			      const struct plan *plan)
{
	struct prog p = plan_start(plan);
	u64 denied;

	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_NE(0, job_id(fd) & MEMSTATE_JOB_ID);
	EXPECT_GE(job_limits(fd).charged, 40 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	denied = job_limits(fd).events[MEMSTATE_EVENT_DENIED];
	EXPECT_NE(0, denied);
	/* Another image begins anew, and is in it, too. */
	EXPECT_EQ(1, prog_do(&p, 'x', 0));
	EXPECT_EQ(0, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(denied + 1, job_limits(fd).events[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	/* So is who is born of it. */
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	EXPECT_GE(job_observed(fd).spaces, 2);
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(1, prog_do(&p, 'k', 0));
	EXPECT_EQ(1, prog_do(&p, 'V', 0));
	EXPECT_FALSE(job_has_ended(fd));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(fd)));
	EXPECT_EQ(0, job_observed(fd).spaces);
	EXPECT_EQ(0, job_limits(fd).charged);
}

TEST_F(jobs, any_program_is_limited_with_all_that_it_starts)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB };

	limited_by_itself(_metadata, self->dev, self->fd, &plan);
}

TEST_F(jobs, who_borrows_memory_is_in_his_parents_job)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB, .then = VFORK };

	limited_by_itself(_metadata, self->dev, self->fd, &plan);
}

TEST_F(jobs, a_thread_that_is_another_program_then_stays)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB, .then = THREAD };

	limited_by_itself(_metadata, self->dev, self->fd, &plan);
}

TEST_F(jobs, who_borrows_memory_takes_it_into_no_job)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB, .then = CLONE_BEFORE };
	struct prog p = plan_start(&plan);

	EXPECT_EQ(1, prog_do(&p, 'm', 4));
	/* The new image alone, not who waits for it. */
	EXPECT_EQ(1, job_observed(self->fd).spaces);
	EXPECT_FALSE(group_of(self->dev, p.pid) & MEMSTATE_JOB_ID);
	EXPECT_EQ(0, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
}

TEST_F(jobs, what_is_there_already_counts)
{
	pid_t pid = cg_child(GROUP);
	char *mem;

	if (!pid) {
		mem = anon(40 * MIB);
		memset(mem, 1, 40 * MIB);
		if (job_max(self->fd, 32 * MIB) || !job_observed(self->fd).breached ||
		    job_limits(self->fd).charged < 40 * MIB)
			_exit(1);
		if (map(MIB))
			_exit(2);
		munmap(mem, 40 * MIB);
		_exit(map(MIB) ? 0 : 3);
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
}

TEST_F(jobs, what_may_be_committed_is_never_passed)
{
	struct memstate_job j = { .set = MEMSTATE_JOB_COMMIT_MAX, .commit_max = 64 * MIB };
	pid_t pid = cg_child(GROUP);

	if (!pid) {
		char *mem;

		if (job_make(self->fd, &j))
			_exit(1);
		mem = anon(40 * MIB);
		/* Who is refused to fork can fork later. */
		if (mem == MAP_FAILED || fork() >= 0 || errno != ENOMEM || fork() >= 0 ||
		    anon(40 * MIB) != MAP_FAILED)
			_exit(2);
		munmap(mem, 40 * MIB);
		pid = fork();
		if (!pid)
			_exit(anon(80 * MIB) != MAP_FAILED);
		_exit(pid < 0 ? 3 : join(pid) ? 4 : 0);
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_EQ(64 * MIB, job_observed(self->fd).commit_max);
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(0, job_observed(self->fd).commit);
}

TEST_F(jobs, who_reports_is_charged_to_it_what_he_reports)
{
	pid_t pid = cg_child(GROUP);
	struct memstate_charge c;
	struct dev d;

	if (!pid) {
		if (job_max(self->fd, 8 * MIB) || dev_open_credit(&d, 16))
			_exit(1);
		if (d.page->group != job_id(self->fd) || d.page->max != 8 * MIB)
			_exit(2);
		if (dev_charge(&d, 6 * MIB, 0, 0, NULL))
			_exit(3);
		/* Its file names the group that has a directory. */
		if (books_value(&d, "group") != (long long)cg_id(self->group))
			_exit(7);
		if (dev_charge(&d, 4 * MIB, 0, 0, &c) != -EDQUOT ||
		    c.refused_by != job_id(self->fd))
			_exit(4);
		if (fd_totals(self->fd, MEMSTATE_SCOPE_JOB).tasks != 1 ||
		    fd_totals(self->fd, MEMSTATE_SCOPE_JOB).charged < 6 * MIB)
			_exit(5);
		/* It keeps to a limit of its own, and is charged nothing else. */
		if (job_observed(self->fd).excess || job_observed(self->fd).reports != 1)
			_exit(6);
		_exit(0);
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(0, fd_totals(self->fd, MEMSTATE_SCOPE_JOB).tasks);
}

TEST_F(jobs, who_reports_is_charged_all_where_that_is_wanted)
{
	pid_t pid = cg_child(GROUP);
	struct dev d;

	if (!pid) {
		if (job_max(self->fd, 64 * MIB) || dev_open(&d, 16) || !map(80 * MIB))
			_exit(1);
		if (job_set(self->fd, (struct memstate_observe) { .set = MEMSTATE_OBSERVE_TRUST }))
			_exit(2);
		/* Now it counts that there is more than it has said. */
		_exit(map(MIB) || job_observed(self->fd).excess < 80 * MIB ? 3 : 0);
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(0, job_limits(self->fd).charged);
}

/* ---- several ------------------------------------------------------------------------- */

TEST_F(jobs, a_job_in_a_job_is_no_way_out)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB,
			     .inner = self->inner, .inner_max = MEMSTATE_UNLIMITED };
	struct prog p = plan_start(&plan);

	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(64 * MIB, job_limits(self->inner).lowest_max);
	EXPECT_EQ(1, job_observed(self->inner).spaces);
	EXPECT_EQ(1, job_observed(self->fd).spaces);
	EXPECT_EQ(job_id(self->inner), group_of(self->dev, p.pid));
	EXPECT_NE(job_id(self->inner), job_id(self->fd));
	/* The inner one alone is in the way. */
	EXPECT_EQ(0, job_limit(self->inner, MEMSTATE_LIMIT_MAX, 0, 48 * MIB));
	EXPECT_EQ(0, prog_do(&p, 'm', 16 << 10));
	EXPECT_EQ(1, job_limits(self->inner).events_local[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(self->inner)));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
}

TEST_F(jobs, a_job_in_a_job_may_end_first)
{
	pid_t pid, child;
	int go[2];

	ASSERT_EQ(0, pipe(go));
	pid = cg_child(GROUP);
	if (!pid) {
		char byte;

		close(go[1]);
		if (job_max(self->fd, 64 * MIB))
			_exit(1);
		child = fork();
		if (!child)
			_exit(job_max(self->inner, 32 * MIB));
		_exit(join(child) || read(go[0], &byte, 1));
	}
	EXPECT_TRUE(soon(job_has_ended(self->inner)));
	EXPECT_FALSE(job_has_ended(self->fd));
	close(go[0]);
	close(go[1]);
	EXPECT_EQ(0, join(pid));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
}

TEST_F(jobs, groups_above_are_charged_too)
{
	struct plan plan = { .fd = self->fd, .max = MEMSTATE_UNLIMITED };
	struct prog p;

	ASSERT_EQ(0, observe_group(self->dev, self->group, 1));
	p = plan_start(&plan);
	EXPECT_EQ(1, prog_do(&p, 'M', 20 << 10));
	EXPECT_EQ(1, observed(self->dev, self->group).spaces);
	EXPECT_GE(observed(self->dev, self->group).backed, 20 * MIB);
	EXPECT_GE(group_limit(self->dev, self->group).charged, 20 * MIB);
	/* Theirs hold in it. */
	EXPECT_EQ(0, limit_max(self->dev, self->group, 32 * MIB));
	EXPECT_EQ(0, prog_do(&p, 'm', 20 << 10));
	EXPECT_EQ(0, limit_max(self->dev, self->group, MEMSTATE_UNLIMITED));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(0, observed(self->dev, self->group).spaces);
	EXPECT_EQ(0, observe_group(self->dev, self->group, 0));
}

/* ---- the descriptor ------------------------------------------------------------------ */

TEST_F(jobs, it_needs_no_descriptor)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB };
	struct prog p = plan_start(&plan);

	EXPECT_EQ(1, prog_do(&p, 'm', 40 << 10));
	close(self->fd);
	self->fd = file_open();
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	EXPECT_NE(0, group_of(self->dev, p.pid) & MEMSTATE_JOB_ID);
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	EXPECT_EQ(0, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(0, prog_end(&p));
}

TEST_F(jobs, it_is_watched_by_its_descriptor)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB };
	struct prog p = plan_start(&plan);
	struct pollfd poller = { .fd = self->fd, .events = POLLPRI };
	struct memstate_watch w = { .size = sizeof(w), .scope = MEMSTATE_SCOPE_JOB };

	EXPECT_EQ(1, prog_do(&p, 'm', 4));
	EXPECT_EQ(0, dev_ioctl(self->fd, MEMSTATE_IOC_WATCH, &w));
	EXPECT_EQ(0, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(1, poll(&poller, 1, SOON_MS));
	EXPECT_EQ(POLLPRI, poller.revents);
	EXPECT_EQ(job_id(self->fd), limit_get(self->fd, MEMSTATE_SCOPE_WATCHED, 0, 0).group);
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
}

TEST_F(jobs, it_is_only_made_tighter)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB };
	struct prog p = plan_start(&plan);
	struct memstate_limit l = { .size = sizeof(l), .scope = MEMSTATE_SCOPE_JOB,
				    .flags = MEMSTATE_LIMIT_REPORTS,
				    .set = MEMSTATE_LIMIT_MAX, .max = MIB };

	EXPECT_EQ(1, prog_do(&p, 'm', 4));
	EXPECT_EQ(-EPERM, job_limit(self->fd, MEMSTATE_LIMIT_MAX, 0, 64 * MIB + 1));
	EXPECT_EQ(-EPERM, job_limit(self->fd, MEMSTATE_LIMIT_MAX, 0, MEMSTATE_UNLIMITED));
	EXPECT_EQ(64 * MIB, job_limits(self->fd).max);
	EXPECT_EQ(0, job_limit(self->fd, MEMSTATE_LIMIT_MAX | MEMSTATE_LIMIT_HIGH, MIB, 32 * MIB));
	EXPECT_EQ(-EPERM, job_limit(self->fd, MEMSTATE_LIMIT_HIGH, 2 * MIB, 0));
	EXPECT_EQ(32 * MIB, job_limits(self->fd).max);
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	EXPECT_EQ(-EINVAL, dev_ioctl(self->fd, MEMSTATE_IOC_LIMIT_SET, &l));

	EXPECT_EQ(0, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_COMMIT_MAX | MEMSTATE_OBSERVE_ON,
		.on = 1, .commit_max = 100 * MIB }));
	EXPECT_EQ(-EPERM, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_COMMIT_MAX, .commit_max = 101 * MIB }));
	EXPECT_EQ(-EPERM, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_ON | MEMSTATE_OBSERVE_COMMIT_MAX, .commit_max = MIB }));
	EXPECT_EQ(-EPERM, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_OVERCOMMIT, .overcommit = 101 }));
	EXPECT_EQ(0, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_OVERCOMMIT, .overcommit = 100 }));
	EXPECT_EQ(0, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_TRUST, .trust = 1 }));
	EXPECT_EQ(0, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_TRUST }));
	EXPECT_EQ(-EPERM, job_set(self->fd, (struct memstate_observe) {
		.set = MEMSTATE_OBSERVE_TRUST, .trust = 1 }));
	EXPECT_EQ(1, job_observed(self->fd).on);
	EXPECT_EQ(100 * MIB, job_observed(self->fd).commit_max);
	EXPECT_EQ(0, job_observed(self->fd).trust);
	EXPECT_EQ(0, prog_end(&p));
}

/* ---- cgroups ------------------------------------------------------------------------- */

static bool move(const struct prog *p, const char *cgroup)
{
	char path[256], pid[16];

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", p->pid);
	return write_text(path, pid);
}

TEST_F(jobs, who_is_moved_stays_unless_that_would_evade_a_limit)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB };
	struct prog p = plan_start(&plan);
	int beside = cg_make(BESIDE);
	u64 job;

	EXPECT_EQ(1, prog_do(&p, 'M', 20 << 10));
	job = job_id(self->fd);
	EXPECT_EQ(job, group_of(self->dev, p.pid));
	EXPECT_TRUE(move(&p, BESIDE));
	EXPECT_EQ(0, prog_do(&p, 'm', 60 << 10));
	EXPECT_EQ(job, group_of(self->dev, p.pid));
	/* Now there is one. */
	EXPECT_EQ(0, observe_group(self->dev, beside, 1));
	EXPECT_EQ(cg_id(beside), group_of(self->dev, p.pid));
	EXPECT_EQ(1, observed(self->dev, beside).spaces);
	EXPECT_EQ(0, job_observed(self->fd).spaces);
	EXPECT_GE(group_limit(self->dev, beside).charged, 20 * MIB);
	EXPECT_FALSE(job_has_ended(self->fd));
	EXPECT_EQ(1, prog_do(&p, 'k', 0));
	/* Where it is not, it comes back. */
	EXPECT_EQ(0, observe_group(self->dev, beside, 0));
	EXPECT_EQ(job, group_of(self->dev, p.pid));
	EXPECT_EQ(1, job_observed(self->fd).spaces);
	EXPECT_EQ(0, observe_group(self->dev, beside, 1));
	EXPECT_TRUE(move(&p, GROUP));
	EXPECT_TRUE(soon(group_of(self->dev, p.pid) == job));
	EXPECT_GE(job_limits(self->fd).charged, 20 * MIB);
	EXPECT_EQ(0, prog_do(&p, 'm', 60 << 10));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(0, observe_group(self->dev, beside, 0));
	close(beside);
	EXPECT_EQ(0, cg_remove(BESIDE));
}

TEST_F(jobs, who_is_not_charged_to_his_job_makes_no_other)
{
	int beside = cg_make(BESIDE);
	pid_t pid = cg_child(GROUP);

	if (!pid) {
		if (job_max(self->fd, 64 * MIB) || !cg_enter(BESIDE) ||
		    observe_group(self->dev, beside, 1))
			_exit(1);
		if (job_max(self->inner, MEMSTATE_UNLIMITED) != -EXDEV)
			_exit(2);
		_exit(!cg_enter(GROUP) || job_max(self->inner, MEMSTATE_UNLIMITED));
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_EQ(0, observe_group(self->dev, beside, 0));
	close(beside);
	EXPECT_EQ(0, cg_remove(BESIDE));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
}

/* ---- who may, and how many ----------------------------------------------------------- */

static long long parameter(const char *name, long long value)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		value = -2;
	close(fd);
	if (value >= 0) {
		char now[32];

		snprintf(now, sizeof(now), "%lld", value);
		if (!write_text(path, now))
			return -1;
	}
	return atoll(text);
}

/* A child that has made a job, as that user, and waits. Its result goes to @ready. */
static pid_t job_holder(uid_t uid, int ready, const int go[2])
{
	pid_t pid = cg_child(GROUP);
	char byte;
	int ret;

	if (pid)
		return pid;
	close(go[1]);
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(1);
	ret = job_max(file_open(), 64 * MIB);
	if (write(ready, &ret, sizeof(ret)) != sizeof(ret))
		_exit(2);
	_exit(read(go[0], &byte, 1));
}

static int told(int ready)
{
	int ret = 1;

	return read(ready, &ret, sizeof(ret)) == sizeof(ret) ? ret : 1;
}

TEST_F(jobs, anybody_makes_some_and_nobody_too_many)
{
	long long before = parameter("jobs_per_user", 2);
	int ready[2], go[2];
	pid_t pids[5];

	ASSERT_EQ(0, before);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	for (int i = 0; i < 3; i++) {
		pids[i] = job_holder(NOBODY, ready[1], go);
		EXPECT_EQ(i < 2 ? 0 : -EUSERS, told(ready[0]));
	}
	pids[3] = job_holder(1234, ready[1], go);
	EXPECT_EQ(0, told(ready[0]));
	EXPECT_EQ(2, parameter("jobs_per_user", 0));
	/* Of the machine there are three. */
	before = parameter("jobs_max", 3);
	pids[4] = job_holder(0, ready[1], go);
	EXPECT_EQ(-ENFILE, told(ready[0]));
	EXPECT_EQ(3, parameter("jobs_max", before));
	close(go[0]);
	close(go[1]);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(0, join(pids[i]));
	/* Those are over, and count no more. */
	ASSERT_EQ(0, pipe(go));
	EXPECT_EQ(0, parameter("jobs_per_user", 1));
	EXPECT_TRUE(soon(({
		pids[0] = job_holder(NOBODY, ready[1], go);
		told(ready[0]) == 0; })));
	EXPECT_EQ(1, parameter("jobs_per_user", 0));
	close(go[0]);
	close(go[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(ready[0]);
	close(ready[1]);
}

TEST_F(jobs, they_nest_so_deep)
{
	long long depth = parameter("groups_depth", -1);
	pid_t pid = cg_child(GROUP);

	if (!pid) {
		long n = 0;
		int ret;

		/* The root's, the cgroup's, and jobs. */
		while (!(ret = job_max(file_open(), 64 * MIB)))
			n++;
		_exit(ret != -ELOOP ? 1 : n + 2 != depth ? 2 : map(80 * MIB) ? 3 : 0);
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(jobs, each_error_has_its_cause)
{
	struct memstate_watch w = { .size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP,
				    .fd = self->group };
	struct memstate_limit l = { .size = sizeof(l), .scope = MEMSTATE_SCOPE_JOB };
	struct memstate_query q = { .size = sizeof(q) };
	const struct memstate_job bad[] = {
		{ .flags = 1 }, { .set = 16 }, { .id = 1 }, { .max = MIB }, { .high = MIB },
		{ .commit_max = MIB }, { .overcommit = 100 },
		{ .set = MEMSTATE_JOB_OVERCOMMIT, .overcommit = 99 },
		{ .set = MEMSTATE_JOB_OVERCOMMIT, .overcommit = 10001 },
	};
	struct {
		struct memstate_job j;
		u64 more;
	} larger = { .more = 1 };
	pid_t pid;

	EXPECT_EQ(0, dev_ioctl(self->dev, MEMSTATE_IOC_QUERY, &q));
	EXPECT_NE(0, q.features & MEMSTATE_FEATURE_JOBS);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct memstate_job j = bad[i];

		EXPECT_EQ(-EINVAL, job_make(self->fd, &j)) {
			TH_LOG("the one of number %u", i);
		}
	}
	larger.j.size = sizeof(larger.j) - 1;
	EXPECT_EQ(-EINVAL, dev_ioctl(self->fd, MEMSTATE_IOC_JOB, &larger));
	larger.j.size = sizeof(larger);
	EXPECT_EQ(-E2BIG, dev_ioctl(self->fd, MEMSTATE_IOC_JOB, &larger));
	EXPECT_EQ(-EFAULT, dev_ioctl(self->fd, MEMSTATE_IOC_JOB, NULL));
	EXPECT_EQ(-ESRCH, dev_ioctl(self->fd, MEMSTATE_IOC_LIMIT_GET, &l));
	EXPECT_EQ(-ESRCH, job_limit(self->fd, MEMSTATE_LIMIT_MAX, 0, MIB));
	EXPECT_EQ(-ESRCH, job_set(self->fd, (struct memstate_observe) {}));
	l.fd = 1;
	EXPECT_EQ(-EINVAL, dev_ioctl(self->fd, MEMSTATE_IOC_LIMIT_GET, &l));
	EXPECT_EQ(0, dev_ioctl(self->inner, MEMSTATE_IOC_WATCH, &w));
	EXPECT_EQ(-EEXIST, job_max(self->inner, MIB));
	/* None of these has put anybody into one. */
	EXPECT_FALSE(group_of(self->dev, getpid()) & MEMSTATE_JOB_ID);
	pid = cg_child(GROUP);
	if (!pid)
		_exit(job_max(self->fd, 64 * MIB) || job_max(self->fd, 32 * MIB) != -EEXIST);
	EXPECT_EQ(0, join(pid));
	/* Books stay where they began. */
	pid = cg_child(GROUP);
	if (!pid) {
		struct dev d;
		int fd = file_open();

		if (dev_open(&d, 16) || job_max(fd, 64 * MIB) != -EALREADY ||
		    group_of(self->dev, getpid()) & MEMSTATE_JOB_ID)
			_exit(1);
		dev_close(&d);
		_exit(job_max(fd, 64 * MIB) ? 2 : 0);
	}
	EXPECT_EQ(0, join(pid));
}

TEST_F(jobs, who_takes_the_hooks_away_ends_them)
{
	struct plan plan = { .fd = self->fd, .max = 64 * MIB };
	struct prog p = plan_start(&plan);

	EXPECT_EQ(0, prog_do(&p, 'm', 80 << 10));
	ASSERT_TRUE(write_text(SYSFS "hooks", "0"));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(1, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(1, prog_do(&p, 'f', 0));
	EXPECT_EQ(-EBUSY, job_max(self->inner, 64 * MIB));
	ASSERT_TRUE(write_text(SYSFS "hooks", "1"));
	EXPECT_EQ(1, prog_do(&p, 'm', 80 << 10));
	EXPECT_FALSE(group_of(self->dev, p.pid) & MEMSTATE_JOB_ID);
	EXPECT_EQ(0, prog_end(&p));
	/* As before, for whoever is next. */
	plan.fd = self->inner;
	p = plan_start(&plan);
	EXPECT_EQ(0, prog_do(&p, 'm', 80 << 10));
	EXPECT_EQ(0, prog_end(&p));
	EXPECT_TRUE(soon(job_has_ended(self->inner)));
}

/* ---- all at once --------------------------------------------------------------------- */

/* A child that makes a job of its own or not, becomes a program or not, and ends. */
static __attribute__((noinline)) void short_process(bool borrows, bool own, bool image)
{
	pid_t pid = borrows ? vfork() : fork();

	if (!pid) {
		if (own) {
			struct memstate_job j = { .size = sizeof(j) };
			int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);

			ioctl(fd, MEMSTATE_IOC_JOB, &j);
			close(fd);
		}
		if (image)
			execl("/proc/self/exe", "jobs", "end", NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void *racer(void *arg)
{
	u64 seed = (uintptr_t)arg * 2654435761 + 88172645463325252;

	for (unsigned long i = 0; i < 2 + scaled(250); i++)
		short_process(rnd(&seed) % 2, rnd(&seed) % 8 == 0, rnd(&seed) % 4 == 0);
	return NULL;
}

TEST_F(jobs, a_thousand_short_processes)
{
	pid_t pid = cg_child(GROUP);
	pthread_t t[4];

	if (!pid) {
		if (job_max(self->fd, 256 * MIB))
			_exit(1);
		for (long i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, racer, (void *)(i + 1));
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		/* Nobody but itself is left, and that is in it. */
		_exit(!soon(job_observed(self->fd).spaces == 1) ||
		      group_of(self->dev, getpid()) != job_id(self->fd));
	}
	EXPECT_EQ(0, join(pid));
	EXPECT_TRUE(soon(job_has_ended(self->fd)));
	EXPECT_EQ(0, job_limits(self->fd).charged);
	EXPECT_EQ(0, job_observed(self->fd).commit);
}

static void *maker(void *arg)
{
	return (void *)(long)job_max(*(int *)arg, 64 * MIB);
}

/* However they come, each is below the other, so that none is left. */
TEST_F(jobs, two_threads_make_one_each)
{
	for (int i = 0; i < 8; i++) {
		int fds[2] = { file_open(), file_open() };
		pid_t pid = cg_child(GROUP);
		pthread_t t[2];
		void *ret[2];

		if (!pid) {
			for (int k = 0; k < 2; k++)
				pthread_create(&t[k], NULL, maker, &fds[k]);
			for (int k = 0; k < 2; k++)
				pthread_join(t[k], &ret[k]);
			_exit(ret[0] || ret[1] || job_observed(fds[0]).spaces != 1 ||
			      job_observed(fds[1]).spaces != 1);
		}
		EXPECT_EQ(0, join(pid));
		EXPECT_TRUE(soon(job_has_ended(fds[0]) && job_has_ended(fds[1])));
		close(fds[0]);
		close(fds[1]);
	}
}

/* Or they are begun first, and there is no job: never are they charged beside one. */
TEST_F(jobs, books_that_begin_meanwhile_are_in_it)
{
	for (int i = 0; i < 16; i++) {
		int fd = file_open();
		pid_t pid = cg_child(GROUP);
		pthread_t t;
		struct dev d;
		void *ret;
		u64 id;

		if (!pid) {
			pthread_create(&t, NULL, maker, &fd);
			if (dev_open_credit(&d, 16))
				_exit(1);
			pthread_join(t, &ret);
			id = d.page->group;
			if (ret)
				_exit((long)ret != -EALREADY || id & MEMSTATE_JOB_ID);
			_exit(id != job_id(fd) ? 2 : 0);
		}
		EXPECT_EQ(0, join(pid));
		close(fd);
	}
}

/* As a program it ends at once. */
static void __attribute__((constructor)) end_at_once(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "end"))
		_exit(0);
}

TEST_HARNESS_MAIN
