/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What it costs that the kernel is hooked: whoever grows, observed or not, whoever does not
 * grow, who is born and ends, and who is refused.
 */
#ifndef GROWTH_H
#define GROWTH_H

#define GROWTH_GROUP	"bench-growth"
#define GROWTH_BYTES	(256 * 1024UL)

static void hooks_write(bool on)
{
	if (!write_text(SYSFS "hooks", on ? "1" : "0"))
		abort();
}

static void group_observe(int dev, int cg, u32 set, u32 on, u64 commit_max)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg,
		.set = set, .on = on, .commit_max = commit_max };

	if (dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w))
		abort();
}

static u64 group_spaces(int dev, int cg)
{
	struct memstate_observe w = {
		.size = sizeof(w), .scope = MEMSTATE_SCOPE_GROUP, .fd = cg };

	if (dev_ioctl(dev, MEMSTATE_IOC_OBSERVE, &w))
		abort();
	return w.spaces;
}

static void op_write(void *arg, unsigned long n)
{
	while (n--)
		if (write(*(int *)arg, "", 1) != 1)
			abort();
}

/* One that grows, and one that does not. */
static void op_protect(void *arg, unsigned long n)
{
	while (n--)
		if (mprotect(arg, GROWTH_BYTES, PROT_NONE) ||
		    mprotect(arg, GROWTH_BYTES, PROT_READ | PROT_WRITE))
			abort();
}

static void op_mmap(void *arg, unsigned long n)
{
	(void)arg;
	while (n--) {
		void *at = mmap(NULL, GROWTH_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED || munmap(at, GROWTH_BYTES))
			abort();
	}
}

static void op_advise(void *arg, unsigned long n)
{
	while (n--)
		if (madvise(arg, GROWTH_BYTES, MADV_DONTNEED))
			abort();
}

static void op_process(void *arg, unsigned long n)
{
	char *const argv[] = { "bench", "exit", NULL }, *const envp[] = { NULL };

	(void)arg;
	while (n--) {
		pid_t child = fork();

		if (!child) {
			execve("/proc/self/exe", argv, envp);
			_exit(1);
		}
		if (join(child))
			abort();
	}
}

static void op_refused(void *arg, unsigned long n)
{
	(void)arg;
	while (n--)
		if (mmap(NULL, 2UL << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0) != MAP_FAILED)
			abort();
}

enum growth { GROWTH_OFF, GROWTH_HOOKED, GROWTH_OBSERVED, GROWTH_COMMITTED, NR_GROWTHS };

static const char *const growth_names[] = {
	[GROWTH_OFF] = "off",
	[GROWTH_HOOKED] = "hooked",
	[GROWTH_OBSERVED] = "observed",
	[GROWTH_COMMITTED] = "committed",
};

/* Of the caller: not hooked; another is observed; it is; and there is a limit of commit. */
static void growth_is(enum growth how, int dev, int own, int other)
{
	hooks_write(how != GROWTH_OFF);
	group_observe(dev, other, MEMSTATE_OBSERVE_ON, how == GROWTH_HOOKED, 0);
	group_observe(dev, own, MEMSTATE_OBSERVE_COMMIT_MAX, 0,
		      how == GROWTH_COMMITTED ? 1UL << 40 : MEMSTATE_UNLIMITED);
	group_observe(dev, own, MEMSTATE_OBSERVE_ON, how >= GROWTH_OBSERVED, 0);
	if (how >= GROWTH_OBSERVED && !soon(group_spaces(dev, own)))
		abort();
}

static void report_growth(const char *name, enum growth how, double value)
{
	char text[40];

	snprintf(text, sizeof(text), "%s_%s", name, growth_names[how]);
	report(text, value);
}

/* In turns, as report_lives() does, the best of all. */
static void bench_processes(int dev, int own, int other)
{
	double best[NR_GROWTHS];

	for (int turn = 0; turn < 4; turn++) {
		for (enum growth how = GROWTH_OFF; how < NR_GROWTHS; how++) {
			double took;

			growth_is(how, dev, own, other);
			took = measure(op_process, NULL, 100);
			if (!turn || took < best[how])
				best[how] = took;
		}
	}
	for (enum growth how = GROWTH_OFF; how < NR_GROWTHS; how++)
		report_growth("process", how, best[how]);
}

/*
 * How often a group is looked at before somebody is refused goes by the clock; what is counted
 * is a refusal, so here it is seldom.
 */
static void settle_seldom(bool seldom)
{
	if (!write_text("/sys/module/memstate/parameters/observe_settle_ms", seldom ? "1000" : "10"))
		abort();
}

static void bench_refused(int dev, int own)
{
	static const int many[] = { 1, 100, 1000 };
	int ready[2], go[2], processes = 1;
	char byte, text[40];
	double best = 0;

	settle_seldom(true);
	group_observe(dev, own, MEMSTATE_OBSERVE_ON, 1, 0);
	if (pipe(ready) || pipe(go) || limit_max(dev, own, 1UL << 30))
		abort();
	for (int i = 0; i < 3; i++) {
		for (; processes < many[i]; processes++) {
			if (!fork()) {
				close(go[1]);
				if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 0)
					_exit(1);
				_exit(0);
			}
			if (read(ready[0], &byte, 1) != 1)
				abort();
		}
		/* Who is told of it is told by a worker, who sees many at once or each. */
		for (int turn = 0; turn < 20; turn++) {
			double took = measure(op_refused, NULL, 250);

			if (!turn || took < best)
				best = took;
		}
		snprintf(text, sizeof(text), "growth_refused_%d", many[i]);
		report(text, best);
	}
	close(go[1]);
	while (wait(NULL) > 0)
		;
	settle_seldom(false);
}

static void growth_child(int dev, int own, int other)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	void *at;

	if (!cg_enter(GROWTH_GROUP))
		abort();
	at = mmap(NULL, GROWTH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (enum growth how = GROWTH_OFF; how < NR_GROWTHS; how++) {
		growth_is(how, dev, own, other);
		report_growth("write", how, measure(op_write, &null, 20000));
		report_growth("mprotect", how, measure(op_protect, at, 20000));
		report_growth("mmap_munmap", how, measure(op_mmap, NULL, 20000));
		report_growth("madvise", how, measure(op_advise, at, 20000));
	}
	bench_processes(dev, own, other);
	group_observe(dev, own, MEMSTATE_OBSERVE_COMMIT_MAX, 0, MEMSTATE_UNLIMITED);
	bench_refused(dev, own);
	fflush(stdout);
	_exit(0);
}

static void bench_growth(void)
{
	int own = cg_make(GROWTH_GROUP), other = cg_make(GROWTH_GROUP "-other");
	/* Without books: they are for who calls what needs them. */
	int dev = open(MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	pid_t child = fork();

	if (!child)
		growth_child(dev, own, other);
	if (join(child))
		abort();
	close(dev);
	close(own);
	close(other);
	cg_remove(GROWTH_GROUP);
	cg_remove(GROWTH_GROUP "-other");
}

#endif /* GROWTH_H */
