// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Figures, each as a ratio to something known in the same run:
 *
 *   name value unit ratio-to-what ratio
 *
 * bench native   what needs no kernel support
 * bench device   the module's paths, in nanoseconds
 * bench icount   the same in instructions: in a machine whose time-stamp counter
 *                counts them (vm.sh -i)
 * bench growth   of these what hooks cost
 */
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>

#include "cgroup.h"

#define BASE	0x500000000UL

void ms_warn(const char *cond, const char *file, int line);
void ms_warn(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, cond);
	abort();
}

/* ---- measuring ------------------------------------------------------------- */

static bool counts_instructions;

static double now(void)
{
	struct timespec t;

	if (counts_instructions)
		return (double)__builtin_ia32_rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static unsigned long runs(unsigned long n)
{
	return counts_instructions ? n / 10 + 1 : n;
}

typedef void (*op_fn)(void *arg, unsigned long n);

/* The best of five, per operation: what it costs when nothing disturbs it. */
static double measure(op_fn op, void *arg, unsigned long n)
{
	double best = 0;

	n = runs(n);
	op(arg, n / 10 + 1);
	for (int i = 0; i < 5; i++) {
		double began = now(), took;

		op(arg, n);
		took = (now() - began) / (double)n;
		if (!i || took < best)
			best = took;
	}
	return best;
}

static double getppid_cost;

static void print(const char *name, double value, const char *to, double other)
{
	printf("%-28s %12.1f %s %s %.4f\n", name, value,
	       counts_instructions ? "insn" : "ns", to, value / other);
	fflush(stdout);
}

static void report(const char *name, double value)
{
	print(name, value, "getppid", getppid_cost);
}

static void op_getppid(void *arg, unsigned long n)
{
	(void)arg;
	while (n--)
		syscall(SYS_getppid);
}

/* ---- without a kernel --------------------------------------------------------- */

static struct {
	u32 tail __attribute__((aligned(64)));
	u32 unused;
	u64 credit;
	u32 head __attribute__((aligned(64)));
	struct memstate_record slots[4096];
} fake;

/* The consumer does nothing but make room. */
static void op_post(void *arg, unsigned long n)
{
	struct ms_ring_producer *r = arg;
	struct memstate_record rec = REC(BASE, 65536, MEMSTATE_READY,
					 MEMSTATE_PREPARED, 0, 0);
	u32 pos;

	while (n--) {
		if (!ms_ring_claim(r, &pos))
			abort();
		ms_ring_publish(r, pos, &rec);
		if (ms_ring_used(r) > r->entries / 2)
			ms_ring_release(&fake.head, fake.tail);
	}
}

/* With limits: credit in hand is taken first. */
static void op_post_charged(void *arg, unsigned long n)
{
	struct ms_ring_producer *r = arg;
	struct memstate_record rec = REC(BASE, 65536, MEMSTATE_PREPARED,
					 MEMSTATE_READY, 0, 0);
	u32 pos;

	fake.credit = ~0UL;
	while (n--) {
		if (!ms_ring_claim_paid(r, 65536, &pos))
			abort();
		ms_ring_publish(r, pos, &rec);
		if (ms_ring_used(r) > r->entries / 2)
			ms_ring_release(&fake.head, fake.tail);
	}
}

static void op_page(void *arg, unsigned long n)
{
	struct memstate_totals t;

	while (n--) {
		page_read(arg, &t);
		__asm__ volatile("" : : "m"(t) : "memory");
	}
}

static void bench_native(void)
{
	static struct memstate_totals_page page;
	struct ms_ring_producer r = { &fake.tail, &fake.head, fake.slots, 4096 };
	double post;

	fake.tail = MEMSTATE_RING_START;
	fake.head = MEMSTATE_RING_START;
	report("post", post = measure(op_post, &r, 2000000));
	print("post_with_credit", measure(op_post_charged, &r, 2000000), "post", post);
	report("totals_page", measure(op_page, &page, 2000000));
}

/* ---- through the device -------------------------------------------------------- */

static void op_sync(void *arg, unsigned long n)
{
	while (n--)
		dev_sync(arg, NULL);
}

static void op_totals(void *arg, unsigned long n)
{
	struct memstate_totals t;

	while (n--) {
		t = dev_totals(arg);
		__asm__ volatile("" : : "m"(t));
	}
}

static void op_system(void *arg, unsigned long n)
{
	struct memstate_totals t;

	while (n--) {
		t = fd_totals(((struct dev *)arg)->fd, MEMSTATE_SCOPE_SYSTEM);
		__asm__ volatile("" : : "m"(t));
	}
}

static void op_transition(void *arg, unsigned long n)
{
	while (n--)
		dev_apply1(arg, REC(BASE, PAGE, MEMSTATE_ANY,
				    n % 2 ? MEMSTATE_READY : MEMSTATE_PREPARED, 0, 0));
}

static void op_transition_64(void *arg, unsigned long n)
{
	struct memstate_record rec[64];

	while (n--) {
		for (u64 i = 0; i < 64; i++)
			rec[i] = REC(BASE + 2 * i * PAGE, PAGE, MEMSTATE_ANY,
				     n % 2 ? MEMSTATE_READY : MEMSTATE_PREPARED, 0, 0);
		dev_apply(arg, rec, 64, NULL);
	}
}

static void op_open(void *arg, unsigned long n)
{
	(void)arg;
	while (n--) {
		struct dev d;

		if (dev_open(&d, 64))
			abort();
		dev_close(&d);
	}
}

static void op_map(void *arg, unsigned long n)
{
	(void)arg;
	while (n--)
		munmap(anon(65536), 65536);
}

static void op_sysfs(void *arg, unsigned long n)
{
	char text[32];
	int fd = open(arg, O_RDONLY);

	while (n--)
		if (pread(fd, text, sizeof(text), 0) <= 0)
			abort();
	close(fd);
}

/* A ledger of so many ranges, a page each, a page apart. */
static void fill(struct dev *d, unsigned long nr)
{
	dev_apply1(d, REC(BASE, 1UL << 40, MEMSTATE_ANY, MEMSTATE_NONE, 0, 0));
	for (unsigned long i = 0; i < nr; i++)
		dev_post(d, REC(BASE + 2 * i * PAGE, PAGE, MEMSTATE_NONE,
				i % 2 ? MEMSTATE_READY : MEMSTATE_PREPARED, 0, 0));
	if (dev_totals(d).ranges != nr) {
		fprintf(stderr, "bench: %llu ranges, wanted %lu\n",
			dev_totals(d).ranges, nr);
		exit(1);
	}
}

/* One record that changes a random range, from ring to published totals. */
static double drain_cost(struct dev *d, unsigned long nr)
{
	const unsigned long batch = 2000;
	double best = 0;
	u64 seed = 42;

	fill(d, nr);
	for (int round = 0; round < 6; round++) {
		double began, took;

		for (unsigned long i = 0; i < batch; i++) {
			u64 page = 2 * (rnd(&seed) % nr);

			dev_post(d, REC(BASE + page * PAGE, PAGE, MEMSTATE_ANY,
					1 + rnd(&seed) % 3, 0, 0));
		}
		began = now();
		dev_sync(d, NULL);
		took = (now() - began) / (double)batch;
		if (round && (round == 1 || took < best))
			best = took;
	}
	return best;
}

/* Dropping 64 KiB that were touched: what such a record accompanies. */
static double madvise_cost(void)
{
	char *mem = anon(65536);
	double best = 0;

	for (int i = 0; i < 50; i++) {
		double began, took;

		memset(mem, 1, 65536);
		began = now();
		madvise(mem, 65536, MADV_DONTNEED);
		took = now() - began;
		if (!i || took < best)
			best = took;
	}
	munmap(mem, 65536);
	return best;
}

static void op_ranges(void *arg, unsigned long n)
{
	uint32_t nr;

	while (n--)
		free(dev_ranges(((struct dev *)arg)->fd, &nr));
}

static void op_rollup(void *arg, unsigned long n)
{
	char text[4096];

	(void)arg;
	while (n--) {
		int fd = open("/proc/self/smaps_rollup", O_RDONLY);

		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
}

/* Against the kernel's own way to the same answer, with much resident. */
static void bench_rollup(struct dev *d)
{
	size_t bytes = 1UL << 30;
	char *mem = anon(bytes);
	double totals;

	madvise(mem, bytes, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < bytes; i += PAGE)
		mem[i] = 1;
	dev_post(d, REC((uintptr_t)mem, bytes, MEMSTATE_ANY, MEMSTATE_READY, 0, 0));
	totals = measure(op_totals, d, 10000);
	print("totals_task_1GiB", totals, "smaps_rollup", measure(op_rollup, NULL, 5));
	munmap(mem, bytes);
}

/* ---- limits ------------------------------------------------------------------------ */

/* The credit is used up each time: then comes the call. */
static void op_charge(void *arg, unsigned long n)
{
	struct dev *d = arg;

	while (n--) {
		__atomic_store_n(dev_credit(d), 0, __ATOMIC_RELAXED);
		if (dev_charge(d, 65536, 0, 0, NULL))
			abort();
	}
}

/* What an ioctl of the device costs that does nothing. */
static void op_ioctl(void *arg, unsigned long n)
{
	while (n--)
		ioctl(((struct dev *)arg)->fd, _IO(MEMSTATE_IOC_MAGIC, 0x7f), NULL);
}

static int bench_group = -1;

static void op_group_last(void *arg, unsigned long n)
{
	struct memstate_get_totals t;

	while (n--) {
		t = (struct memstate_get_totals) {
			.size = sizeof(t), .flags = MEMSTATE_TOTALS_LAST,
			.scope = MEMSTATE_SCOPE_GROUP, .fd = bench_group };
		dev_ioctl(((struct dev *)arg)->fd, MEMSTATE_IOC_TOTALS, &t);
	}
}

static void op_group_drained(void *arg, unsigned long n)
{
	while (n--)
		group_totals(((struct dev *)arg)->fd, bench_group);
}

static long slab_kib(void)
{
	char line[128];
	long kib = 0, sum = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Slab: %ld", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %ld", &kib) == 1 ||
		    sscanf(line, "Percpu: %ld", &kib) == 1)
			sum += kib;
	if (f)
		fclose(f);
	return sum;
}

/* With a ring, and ready to ring when it posts. */
static bool idle_task(void)
{
	struct memstate_setup s = { .size = sizeof(s), .flags = MEMSTATE_SETUP_DOORBELL,
				    .ring_entries = 64 };
	int fd = open(MEMSTATE_DEVICE, O_RDWR);

	return fd >= 0 && !dev_ioctl(fd, MEMSTATE_IOC_SETUP, &s);
}

/* Tasks that have the device open and report nothing more. */
static void bench_tasks(struct dev *d, int nr)
{
	pid_t *pids = calloc(nr, sizeof(*pids));
	int ready[2], go[2];
	char name[40], byte;

	if (pipe(ready) || pipe(go))
		abort();
	for (int i = 0; i < nr; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		close(go[1]);
		if (!cg_enter("bench") || !idle_task() ||
		    write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(go[0]);
	for (int i = 0; i < nr; i++)
		if (read(ready[0], &byte, 1) != 1)
			abort();
	if (group_totals(d->fd, bench_group).tasks != (u64)nr)
		abort();
	snprintf(name, sizeof(name), "group_totals_last_%d", nr);
	report(name, measure(op_group_last, d, 10000));
	snprintf(name, sizeof(name), "group_totals_drained_%d", nr);
	report(name, measure(op_group_drained, d, 500));
	close(go[1]);
	for (int i = 0; i < nr; i++)
		waitpid(pids[i], NULL, 0);
	close(ready[0]);
	close(ready[1]);
	free(pids);
}

/* Bytes of kernel memory for each, by the growth of all of it. */
static void bench_memory(struct dev *d)
{
	enum { GROUPS = 500, TASKS = 500 };
	long before = slab_kib();
	pid_t pids[TASKS];
	char name[64], byte;
	int ready[2], go[2], stop[2], cg[GROUPS];

	for (int i = 0; i < GROUPS; i++) {
		snprintf(name, sizeof(name), "bench/%d", i);
		cg[i] = cg_make(name);
	}
	before = slab_kib();
	for (int i = 0; i < GROUPS; i++)
		limit_max(d->fd, cg[i], MEMSTATE_UNLIMITED);
	printf("%-28s %12.0f bytes page %.4f\n", "memory_per_group",
	       (double)(slab_kib() - before) * 1024 / GROUPS,
	       (double)(slab_kib() - before) * 1024 / GROUPS / PAGE);
	for (int i = 0; i < GROUPS; i++) {
		close(cg[i]);
		snprintf(name, sizeof(name), "bench/%d", i);
		cg_remove(name);
	}

	/* Who waits for the end must not take another's turn: a pipe for each. */
	if (pipe(ready) || pipe(go) || pipe(stop))
		abort();
	for (int i = 0; i < TASKS; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		close(stop[1]);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		if (open(MEMSTATE_DEVICE, O_RDWR) < 0 || write(ready[1], "r", 1) != 1 ||
		    read(stop[0], &byte, 1) != 0)
			_exit(2);
		_exit(0);
	}
	for (int i = 0; i < TASKS; i++)
		if (read(ready[0], &byte, 1) != 1)
			abort();
	before = slab_kib();
	for (int i = 0; i < TASKS; i++)
		if (write(go[1], "g", 1) != 1 || read(ready[0], &byte, 1) != 1)
			abort();
	printf("%-28s %12.0f bytes page %.4f\n", "memory_per_task_without_ring",
	       (double)(slab_kib() - before) * 1024 / TASKS,
	       (double)(slab_kib() - before) * 1024 / TASKS / PAGE);
	close(stop[1]);
	for (int i = 0; i < TASKS; i++)
		waitpid(pids[i], NULL, 0);
}

static void op_denied(void *arg, unsigned long n)
{
	while (n--)
		if (dev_charge(arg, 8 * MIB, 0, 0, NULL) != -EDQUOT)
			abort();
}

/* A task that keeps to the protocol, in the group, and does nothing. */
static pid_t idle(int ready, int go)
{
	pid_t pid = fork();
	struct dev d;
	char byte;

	if (pid)
		return pid;
	if (!cg_enter("bench-denied") || dev_open_credit(&d, 16) ||
	    write(ready, "r", 1) != 1 || read(go, &byte, 1) != 0)
		_exit(1);
	_exit(0);
}

/* A refusal that nobody could do anything about, by how many share the limit. */
static void bench_denied(void)
{
	enum { TASKS = 1000 };
	int ready[2], go[2], cg = cg_make("bench-denied");
	static pid_t pids[TASKS];
	struct dev d;
	char byte;
	pid_t child = fork();

	if (child) {
		waitpid(child, NULL, 0);
		close(cg);
		cg_remove("bench-denied");
		return;
	}
	if (pipe(ready) || pipe(go) || !cg_enter("bench-denied") || dev_open_credit(&d, 16) ||
	    limit_max(d.fd, cg, MIB))
		abort();
	report("charge_denied_1", measure(op_denied, &d, 2000));
	for (int i = 1; i < TASKS; i++) {
		pids[i] = idle(ready[1], go[0]);
		if (read(ready[0], &byte, 1) != 1)
			abort();
	}
	report("charge_denied_1000", measure(op_denied, &d, 2000));
	fflush(stdout);
	for (int i = 1; i < TASKS; i++)
		kill(pids[i], SIGKILL);
	for (int i = 1; i < TASKS; i++)
		waitpid(pids[i], NULL, 0);
	_exit(0);
}

/* ---- births and deaths ---------------------------------------------------------------- */

enum life { LIFE_PLAIN, LIFE_OPEN, LIFE_BOOKS };

/* What a process does that runs a command: it opens something, forks, executes, waits, exits. */
static void live(enum life life)
{
	char *const argv[] = { "bench", "exit", NULL };
	char *const envp[] = { NULL };
	int fd = open(life == LIFE_PLAIN ? "/dev/null" : MEMSTATE_DEVICE, O_RDWR | O_CLOEXEC);
	struct memstate_query q = { .size = sizeof(q) };
	pid_t child;

	if (life == LIFE_OPEN && dev_ioctl(fd, MEMSTATE_IOC_QUERY, &q))
		_exit(1);
	if (life == LIFE_BOOKS && fd_totals(fd, MEMSTATE_SCOPE_TASK).tasks != 1)
		_exit(2);
	child = fork();
	if (!child) {
		execve("/proc/self/exe", argv, envp);
		_exit(3);
	}
	_exit(join(child));
}

static void op_life(void *arg, unsigned long n)
{
	while (n--) {
		pid_t child = fork();

		if (!child)
			live(*(enum life *)arg);
		if (join(child))
			abort();
	}
}

/*
 * In turns, the best of all: what the kernel still has to do for the processes that were just
 * made (it frees after a grace period, and balances) can last longer than one measurement.
 */
static void report_lives(int among)
{
	static const char *const names[] = {
		[LIFE_PLAIN] = "life_plain", [LIFE_OPEN] = "life_open", [LIFE_BOOKS] = "life_books",
	};
	double best[LIFE_BOOKS + 1];

	for (int turn = 0; turn < 4; turn++) {
		for (enum life life = LIFE_PLAIN; life <= LIFE_BOOKS; life++) {
			double took = measure(op_life, &life, 20);

			if (!turn || took < best[life])
				best[life] = took;
		}
	}
	for (enum life life = LIFE_PLAIN; life <= LIFE_BOOKS; life++) {
		char text[40];

		snprintf(text, sizeof(text), "%s_%d", names[life], among);
		report(text, best[life]);
	}
}

/* Among as many others that have books and do nothing. */
static void bench_life(int among)
{
	int ready[2], go[2], cg = cg_make("bench-life");
	pid_t child = fork();
	char byte;

	if (child) {
		if (join(child))
			abort();
		close(cg);
		cg_remove("bench-life");
		return;
	}
	if (pipe(ready) || pipe(go) || !cg_enter("bench-life"))
		abort();
	for (int i = 0; i < among; i++) {
		if (!fork()) {
			close(go[1]);
			if (!idle_task() || write(ready[1], "r", 1) != 1 ||
			    read(go[0], &byte, 1) != 0)
				_exit(1);
			_exit(0);
		}
		if (read(ready[0], &byte, 1) != 1)
			abort();
	}
	report_lives(among);
	fflush(stdout);
	close(go[1]);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

#include "growth.h"

static void bench_limits(void)
{
	double nothing, charge;
	struct dev d;
	pid_t child;

	bench_group = cg_make("bench");
	child = fork();
	if (child) {
		waitpid(child, NULL, 0);
		close(bench_group);
		cg_remove("bench");
		return;
	}
	if (dev_open_credit(&d, 4096))
		_exit(1);
	limit_max(d.fd, bench_group, 1UL << 40);
	report("ioctl_unknown", nothing = measure(op_ioctl, &d, 20000));
	report("charge", charge = measure(op_charge, &d, 20000));
	print("charge", charge, "ioctl_unknown", nothing);
	bench_tasks(&d, 1);
	bench_tasks(&d, 1000);
	if (!counts_instructions)
		bench_memory(&d);
	fflush(stdout);
	_exit(0);
}

static void bench_device(void)
{
	static const unsigned long sizes[] = { 100, 1000, 10000, 60000 };
	double map_closed, madvise_64k;
	struct dev d;

	bench_growth();
	map_closed = measure(op_map, NULL, 2000);
	report("mmap_munmap_closed", map_closed);
	report("open_setup_close", measure(op_open, NULL, 2000));
	if (dev_open(&d, 4096)) {
		fprintf(stderr, "bench: %s: %s\n", MEMSTATE_DEVICE, strerror(errno));
		exit(1);
	}
	print("mmap_munmap_open", measure(op_map, NULL, 2000), "mmap_munmap_closed",
	      map_closed);
	report("totals_page", measure(op_page, d.page, 100000));
	report("sync_empty", measure(op_sync, &d, 20000));
	report("totals_task", measure(op_totals, &d, 20000));
	report("totals_system", measure(op_system, &d, 20000));
	report("transition_1", measure(op_transition, &d, 20000));
	report("transition_64", measure(op_transition_64, &d, 500) / 64);
	report("sysfs_ready", measure(op_sysfs, SYSFS "ready", 5000));
	madvise_64k = madvise_cost();
	report("madvise_64KiB", madvise_64k);
	for (int i = 0; i < 4; i++) {
		double cost = drain_cost(&d, sizes[i]);
		char name[40];

		snprintf(name, sizeof(name), "drain_record_%lu", sizes[i]);
		report(name, cost);
		if (sizes[i] == 10000)
			print("drain_record_10000", cost, "madvise_64KiB", madvise_64k);
	}
	fill(&d, 10000);
	report("range_read", measure(op_ranges, &d, 20) / 10000);
	fill(&d, 0);
	if (!counts_instructions)
		bench_rollup(&d);
	dev_close(&d);
	bench_limits();
	bench_denied();
	bench_life(1);
	bench_life(10000);
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";

	/* What a process of bench_life() executes. */
	if (!strcmp(mode, "exit"))
		return 0;
	counts_instructions = !strcmp(mode, "icount") || !strcmp(mode, "growth");
	if (strcmp(mode, "native") && strcmp(mode, "device") && !counts_instructions) {
		fprintf(stderr, "usage: bench native|device|icount|growth\n");
		return 2;
	}
	getppid_cost = measure(op_getppid, NULL, 200000);
	report("getppid", getppid_cost);
	if (!strcmp(mode, "native"))
		bench_native();
	else if (!strcmp(mode, "growth"))
		bench_growth();
	else
		bench_device();
	return 0;
}
