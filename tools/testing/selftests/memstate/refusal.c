// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Refusals: noted with who, what and whose limit; told to who may know, in his own numbers. */
#include <sched.h>
#include <time.h>

#include "harness.h"
#include "prog.h"
#include "refusal.h"

#define GROUP	"ms-refusal"
#define LEAF	"ms-refusal/leaf"

/* A group with a limit of 64 MiB, and one below it without. */
FIXTURE(refusal) {
	int dev;
	int group;
	int leaf;
};

FIXTURE_SETUP(refusal)
{
	self->dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->dev, 0);
	self->group = cg_make(GROUP);
	self->leaf = cg_make(LEAF);
	ASSERT_GE(self->group, 0);
	ASSERT_GE(self->leaf, 0);
	ASSERT_TRUE(can_observe(self->dev));
	ASSERT_EQ(0, limit_any(self->dev, self->group, 0, 64 * MIB));
}

FIXTURE_TEARDOWN(refusal)
{
	EXPECT_TRUE(soon(!group_limit(self->dev, self->group).charged));
	close(self->leaf);
	close(self->group);
	close(self->dev);
	EXPECT_EQ(0, cg_remove(LEAF));
	EXPECT_EQ(0, cg_remove(GROUP));
}

static struct memstate_last_refusal last_of(int dev, int cg)
{
	struct memstate_last_refusal r;

	if (refusal_get(dev, MEMSTATE_SCOPE_GROUP, cg, &r))
		memset(&r, 0xff, sizeof(r));
	return r;
}

static u64 boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* The next line of the kernel's log that has @text; false: there is none yet. */
static bool log_has(int log, const char *text, char *line, size_t size)
{
	ssize_t n;

	while ((n = read(log, line, size - 1)) > 0) {
		line[n] = '\0';
		if (strstr(line, text))
			return true;
	}
	return false;
}

TEST_F(refusal, a_refusal_is_told)
{
	u64 id = cg_id(self->group), leaf = cg_id(self->leaf);
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), lines = 0;
	char by[32], line[1024];
	const char *text;
	struct prog p;

	ASSERT_GE(log, 0);
	lseek(log, 0, SEEK_END);
	/* Which makes its directory. */
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
	snprintf(by, sizeof(by), " group=%llu ", (unsigned long long)id);
	ASSERT_NE(NULL, last_refusal(id));
	EXPECT_STREQ("", last_refusal(id));
	p = prog_start(LEAF);
	EXPECT_EQ(1, prog_do(&p, 'M', 20 << 10));
	EXPECT_EQ(1, prog_do(&p, 'm', 20 << 10));
	EXPECT_STREQ("", last_refusal(id));
	EXPECT_EQ(1, prog_do(&p, 'n', 0));
	EXPECT_EQ(0, prog_do(&p, 'M', 40 << 10));
	/* At the limit, and at the group that it is in, whose owner may see no other. */
	for (int i = 0; i < 2; i++) {
		text = last_refusal(i ? leaf : id);
		ASSERT_NE(NULL, text);
		EXPECT_NE(NULL, strstr(text, by));
		EXPECT_NE(NULL, strstr(text, " comm=\"a\\x22b\\x0ac\\x5cd\" "));
		EXPECT_EQ(p.pid, said(text, "pid="));
		EXPECT_EQ(p.pid, said(text, "inner_pid="));
		EXPECT_EQ(40 * MIB, said(text, " bytes="));
		EXPECT_GE(said(text, " backed="), 20 * MIB);
		EXPECT_LE(said(text, " backed="), 24 * MIB);
		EXPECT_GE(said(text, " charged="), 40 * MIB);
		EXPECT_LE(said(text, " charged="), 44 * MIB);
		EXPECT_EQ(64 * MIB, said(text, " max="));
		EXPECT_EQ(100, said(text, " overcommit="));
		EXPECT_EQ(1, said(text, " nr="));
		EXPECT_EQ(0, said(text, " reported="));
	}
	EXPECT_TRUE(soon(log_has(log, "refused: ", line, sizeof(line))));
	EXPECT_NE(NULL, strstr(line, by));
	EXPECT_NE(NULL, strstr(line, "x22b"));

	/* A few lines, however many there are; and others have lines of their own. */
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(0, prog_do(&p, 'M', 40 << 10));
	EXPECT_EQ(101, said(last_refusal(id), " nr="));
	EXPECT_EQ(0, limit_max(self->dev, self->leaf, 50 * MIB));
	EXPECT_EQ(0, prog_do(&p, 'M', 12 << 10));
	snprintf(by, sizeof(by), " group=%llu ", (unsigned long long)leaf);
	EXPECT_TRUE(soon(log_has(log, by, line, sizeof(line))));
	EXPECT_EQ(102, said(line, " nr="));
	lseek(log, 0, SEEK_SET);
	snprintf(by, sizeof(by), " group=%llu ", (unsigned long long)id);
	while (log_has(log, by, line, sizeof(line)))
		lines++;
	EXPECT_GE(lines, 1);
	EXPECT_LE(lines, 5);
	EXPECT_EQ(0, limit_max(self->dev, self->leaf, MEMSTATE_UNLIMITED));
	EXPECT_EQ(0, prog_end(&p));
	close(log);
}

TEST_F(refusal, the_call_says_what_the_file_says)
{
	u64 id = cg_id(self->group), leaf = cg_id(self->leaf), before = boot_ns(), first;
	struct memstate_last_refusal r = last_of(self->dev, self->group);
	struct prog p;
	char *line;

	/* Nothing yet; and who only asks makes no group. */
	EXPECT_EQ(0, r.nr);
	EXPECT_EQ(sizeof(r), r.size);
	EXPECT_FALSE(group_exists(leaf));
	EXPECT_EQ(0, last_of(self->dev, self->leaf).nr);
	EXPECT_FALSE(group_exists(leaf));
	EXPECT_EQ(1, observed(self->dev, self->leaf).on);
	p = prog_start(LEAF);
	EXPECT_EQ(1, prog_do(&p, 'n', 0));
	EXPECT_EQ(0, prog_do(&p, 'M', 80 << 10));
	r = last_of(self->dev, self->leaf);
	EXPECT_EQ(1, r.nr);
	EXPECT_EQ(id, r.group);
	EXPECT_EQ(80 * MIB, r.bytes);
	EXPECT_EQ(64 * MIB, r.limit);
	EXPECT_EQ(100, r.overcommit);
	EXPECT_EQ(0, r.how);
	EXPECT_EQ(p.pid, r.pid);
	EXPECT_EQ(p.pid, r.inner_pid);
	EXPECT_STREQ("a\"b\nc\\d", (char *)r.comm);
	EXPECT_LE(r.backed, r.charged);
	EXPECT_EQ(r.first_ns, r.last_ns);
	EXPECT_GE(r.first_ns, before);
	EXPECT_LE(r.last_ns, boot_ns());
	first = r.first_ns;

	/* The first one stays what it was. */
	EXPECT_EQ(0, prog_do(&p, 'M', 70 << 10));
	r = last_of(self->dev, self->leaf);
	EXPECT_EQ(2, r.nr);
	EXPECT_EQ(70 * MIB, r.bytes);
	EXPECT_EQ(first, r.first_ns);
	EXPECT_GT(r.last_ns, first);
	line = strdup(last_refusal(leaf));
	EXPECT_EQ(first / 1000000000, said(line, " first="));
	EXPECT_EQ(r.last_ns / 1000000000, said(line, " at="));
	EXPECT_EQ(r.backed, said(line, " backed="));
	EXPECT_EQ(r.charged, said(line, " charged="));
	free(line);

	/* By the other limit. */
	EXPECT_EQ(0, commit_max(self->dev, self->leaf, 32 * MIB));
	EXPECT_EQ(0, prog_do(&p, 'm', 40 << 10));
	r = last_of(self->dev, self->leaf);
	EXPECT_EQ(MEMSTATE_REFUSED_COMMIT, r.how);
	EXPECT_EQ(32 * MIB, r.limit);
	EXPECT_EQ(leaf, r.group);
	EXPECT_EQ(3, r.nr);
	EXPECT_EQ(2, last_of(self->dev, self->group).nr);
	EXPECT_EQ(0, commit_max(self->dev, self->leaf, MEMSTATE_UNLIMITED));
	EXPECT_EQ(0, prog_end(&p));
}

/* What a child that reports does in LEAF, and ends; 0: all was refused and granted as it should. */
static int reporter(u64 asked)
{
	struct memstate_charge c;
	struct dev d;

	if (dev_open_credit(&d, 64))
		return 1;
	if (dev_charge(&d, asked, 0, 0, &c) != -EDQUOT)
		return 2;
	return dev_charge(&d, PAGE, 0, 0, &c) ? 3 : 0;
}

TEST_F(refusal, a_charge_that_is_refused_is_noted_as_a_growth_is)
{
	u64 id = cg_id(self->group);
	struct memstate_last_refusal r;
	pid_t child = cg_child(LEAF);

	if (!child) {
		prctl(PR_SET_NAME, "reporter");
		_exit(reporter(100 * MIB));
	}
	EXPECT_EQ(0, join(child));
	for (int i = 0; i < 2; i++) {
		r = last_of(self->dev, i ? self->leaf : self->group);
		EXPECT_EQ(1, r.nr);
		EXPECT_EQ(MEMSTATE_REFUSED_CHARGE, r.how);
		EXPECT_EQ(id, r.group);
		EXPECT_EQ(100 * MIB, r.bytes);
		EXPECT_EQ(64 * MIB, r.limit);
		/* The number is known when he is gone. */
		EXPECT_EQ(child, r.pid);
		EXPECT_STREQ("reporter", (char *)r.comm);
	}
	EXPECT_EQ(1, said(last_refusal(id), " reported="));
	EXPECT_EQ(1, group_limit(self->dev, self->group).events[MEMSTATE_EVENT_DENIED]);
}

TEST_F(refusal, by_ones_own_limit_is_noted_nowhere)
{
	pid_t child = cg_child(LEAF);

	if (!child) {
		struct memstate_charge c;
		struct dev d;

		if (dev_open_credit(&d, 64) ||
		    limit_set_scope(d.fd, MEMSTATE_SCOPE_TASK, 0, MEMSTATE_LIMIT_MAX, 0, MIB))
			_exit(1);
		_exit(dev_charge(&d, 2 * MIB, 0, 0, &c) == -EDQUOT && !c.refused_by ? 0 : 2);
	}
	EXPECT_EQ(0, join(child));
	EXPECT_EQ(0, last_of(self->dev, self->leaf).nr);
	EXPECT_EQ(0, last_of(self->dev, self->group).nr);
}

TEST_F(refusal, who_watches_a_group_below_hears_of_it)
{
	struct memstate_watch w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = self->leaf };
	struct pollfd poller = { .fd = -1, .events = POLLPRI };
	struct memstate_last_refusal r;
	struct prog p;

	poller.fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, dev_ioctl(poller.fd, MEMSTATE_IOC_WATCH, &w));
	p = prog_start(LEAF);
	EXPECT_EQ(1, prog_do(&p, 'M', 1024));
	limit_get(poller.fd, MEMSTATE_SCOPE_WATCHED, 0, 0);
	EXPECT_EQ(0, poll(&poller, 1, 0));
	EXPECT_EQ(0, prog_do(&p, 'M', 80 << 10));
	EXPECT_EQ(1, poll(&poller, 1, SOON_MS));
	EXPECT_EQ(0, refusal_get(poller.fd, MEMSTATE_SCOPE_WATCHED, 0, &r));
	EXPECT_EQ(1, r.nr);
	EXPECT_EQ(80 * MIB, r.bytes);
	/* It is no event of the group that he watches. */
	EXPECT_EQ(0, limit_get(poller.fd, MEMSTATE_SCOPE_WATCHED, 0, 0)
			     .events[MEMSTATE_EVENT_DENIED]);
	EXPECT_EQ(0, poll(&poller, 1, 0));
	close(poller.fd);
	EXPECT_EQ(0, prog_end(&p));
}

/* In namespaces of pids of its own: the first process there, which is refused. */
static int refused_inside(int dev, int cg)
{
	struct memstate_last_refusal r;
	int status;
	pid_t first;

	if (unshare(CLONE_NEWPID))
		return 1;
	first = fork();
	if (!first) {
		if (mmap(NULL, 80 * MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED)
			_exit(1);
		r = last_of(dev, cg);
		_exit(r.pid == 1 && r.inner_pid == 1 &&
		      said(last_refusal(cg_id(cg)), "pid=") == 1 ? 0 : 2);
	}
	status = join(first);
	r = last_of(dev, cg);
	return status ? 10 + status : r.pid != first ? 2 : r.inner_pid != 1 ? 3 : 0;
}

/* Another, in a namespace that sees nothing of what is beside it. */
static int seen_from_beside(int dev, int cg)
{
	struct memstate_last_refusal r;
	pid_t first;

	if (unshare(CLONE_NEWPID))
		return 1;
	first = fork();
	if (!first) {
		r = last_of(dev, cg);
		_exit(r.nr && r.bytes == 80 * MIB && !r.pid && !r.inner_pid && !r.comm[0] &&
		      strstr(last_refusal(cg_id(cg)), "pid=0 inner_pid=0 comm=\"\" ") ? 0 : 2);
	}
	return join(first);
}

TEST_F(refusal, numbers_are_those_of_the_readers_namespace)
{
	pid_t child = cg_child(GROUP);

	if (!child)
		_exit(refused_inside(self->dev, self->group));
	EXPECT_EQ(0, join(child));
	child = fork();
	if (!child)
		_exit(seen_from_beside(self->dev, self->group));
	EXPECT_EQ(0, join(child));
}

TEST_F(refusal, of_a_job)
{
	struct memstate_job j = { .size = sizeof(j), .set = MEMSTATE_JOB_MAX, .max = 16 * MIB };
	struct memstate_last_refusal r;
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	pid_t child;

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-ESRCH, refusal_get(fd, MEMSTATE_SCOPE_JOB, 0, &r));
	child = cg_child(LEAF);
	if (!child) {
		prctl(PR_SET_NAME, "in a job");
		if (dev_ioctl(fd, MEMSTATE_IOC_JOB, &j))
			_exit(1);
		_exit(mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0) == MAP_FAILED ? 0 : 2);
	}
	EXPECT_EQ(0, join(child));
	/* By who has the file, also when all have ended. */
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, refusal_get(fd, i ? MEMSTATE_SCOPE_JOB : MEMSTATE_SCOPE_WATCHED, 0, &r));
		EXPECT_EQ(1, r.nr);
		EXPECT_EQ(32 * MIB, r.bytes);
		EXPECT_EQ(16 * MIB, r.limit);
		EXPECT_EQ(child, r.pid);
		EXPECT_NE(0, r.group & MEMSTATE_JOB_ID);
		EXPECT_STREQ("in a job", (char *)r.comm);
	}
	/* No group above has refused. */
	EXPECT_EQ(0, last_of(self->dev, self->leaf).nr);
	close(fd);
}

TEST_F(refusal, each_error_has_its_cause)
{
	struct memstate_last_refusal r = { .size = sizeof(r), .scope = MEMSTATE_SCOPE_SYSTEM };
	int dir = open("/", O_PATH | O_CLOEXEC), fd;

	EXPECT_EQ(0, dev_ioctl(self->dev, MEMSTATE_IOC_REFUSAL, &r));
	EXPECT_EQ(-EINVAL, refusal_get(self->dev, MEMSTATE_SCOPE_TASK, 0, &r));
	EXPECT_EQ(-EINVAL, refusal_get(self->dev, MEMSTATE_SCOPE_PROCESS, 0, &r));
	EXPECT_EQ(-EINVAL, refusal_get(self->dev, 99, 0, &r));
	EXPECT_EQ(-EINVAL, refusal_get(self->dev, MEMSTATE_SCOPE_SYSTEM, 1, &r));
	EXPECT_EQ(-EBADF, refusal_get(self->dev, MEMSTATE_SCOPE_GROUP, dir, &r));
	EXPECT_EQ(-EBADF, refusal_get(self->dev, MEMSTATE_SCOPE_GROUP, -1, &r));
	EXPECT_EQ(-ESRCH, refusal_get(self->dev, MEMSTATE_SCOPE_JOB, 0, &r));
	/* Nothing is watched. */
	EXPECT_EQ(-EINVAL, refusal_get(self->dev, MEMSTATE_SCOPE_WATCHED, 0, &r));
	/* What asks for its own group has books from then on. */
	fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(0, refusal_get(fd, MEMSTATE_SCOPE_OWN_GROUP, 0, &r));
	close(fd);
	r = (struct memstate_last_refusal) { .size = sizeof(r), .flags = 1,
					     .scope = MEMSTATE_SCOPE_SYSTEM };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_REFUSAL, &r));
	r = (struct memstate_last_refusal) { .size = sizeof(r) - 8,
					     .scope = MEMSTATE_SCOPE_SYSTEM };
	EXPECT_EQ(-EINVAL, dev_ioctl(self->dev, MEMSTATE_IOC_REFUSAL, &r));
	EXPECT_EQ(-EFAULT, dev_ioctl(self->dev, MEMSTATE_IOC_REFUSAL, (void *)8));
	close(dir);
}

/* Figures of groups are for who is in them or above. */
static int seen_by_a_user(void)
{
	struct memstate_last_refusal r;
	int fd = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	int cg = open(CGROUPS GROUP, O_PATH | O_CLOEXEC);

	if (fd < 0 || cg < 0 || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	return -refusal_get(fd, MEMSTATE_SCOPE_GROUP, cg, &r);
}

TEST_F(refusal, is_for_who_may_read_the_groups_figures)
{
	pid_t child = cg_child(GROUP);

	if (!child)
		_exit(seen_by_a_user());
	EXPECT_EQ(0, join(child));
	child = cg_child(LEAF);
	if (!child)
		_exit(seen_by_a_user());
	EXPECT_EQ(EACCES, WEXITSTATUS(join(child)));
}

TEST_HARNESS_MAIN
