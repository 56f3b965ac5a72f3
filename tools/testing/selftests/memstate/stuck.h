/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory that does not answer: a page of a FUSE file whose reads are never answered. Whoever
 * touches it through /proc/PID/mem holds the mmap_lock of that process until it is killed.
 */
#ifndef STUCK_H
#define STUCK_H

#include <linux/fuse.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "device.h"

static inline size_t stuck_answer(const struct fuse_in_header *in, void *out)
{
	struct fuse_attr attr = {
		.ino = in->nodeid, .size = PAGE, .nlink = 1,
		.mode = in->nodeid == 1 ? S_IFDIR | 0755 : S_IFREG | 0644,
	};

	switch (in->opcode) {
	case FUSE_INIT:
		*(struct fuse_init_out *)out = (struct fuse_init_out) {
			.major = 7, .minor = 31, .max_readahead = PAGE, .max_write = PAGE };
		return sizeof(struct fuse_init_out);
	case FUSE_LOOKUP:
		attr.ino = 2;
		attr.mode = S_IFREG | 0644;
		*(struct fuse_entry_out *)out = (struct fuse_entry_out) {
			.nodeid = 2, .attr = attr, .entry_valid = 1000, .attr_valid = 1000 };
		return sizeof(struct fuse_entry_out);
	case FUSE_GETATTR:
		*(struct fuse_attr_out *)out = (struct fuse_attr_out) {
			.attr = attr, .attr_valid = 1000 };
		return sizeof(struct fuse_attr_out);
	case FUSE_OPEN:
		*(struct fuse_open_out *)out = (struct fuse_open_out) { .fh = 1 };
		return sizeof(struct fuse_open_out);
	default:
		return 0;
	}
}

/* @asked is written to when the page is asked for. */
static inline void stuck_serve(int fuse, int asked)
{
	static char in[1 << 17];
	struct {
		struct fuse_out_header head;
		char data[512];
	} out;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fuse, in, sizeof(in)) > 0 || errno == EINTR) {
		const struct fuse_in_header *head = (void *)in;
		bool known = head->opcode != FUSE_ACCESS && head->opcode != FUSE_GETXATTR;

		if (head->opcode == FUSE_FORGET || head->opcode == FUSE_BATCH_FORGET ||
		    head->opcode == FUSE_INTERRUPT)
			continue;
		if (head->opcode == FUSE_READ) {
			if (write(asked, "r", 1) != 1)
				_exit(1);
			continue;
		}
		memset(&out, 0, sizeof(out));
		out.head.unique = head->unique;
		out.head.error = known ? 0 : -ENOSYS;
		out.head.len = sizeof(out.head) + stuck_answer(head, out.data);
		if (write(fuse, &out, out.head.len) < 0)
			continue;
	}
	_exit(0);
}

/* Such a page, of a file system mounted at @dir. NULL: it cannot be had, see errno. */
static inline char *stuck_page_at(const char *dir, int asked)
{
	char options[128], path[64];
	int fuse, fd;
	void *page;

	fuse = open("/dev/fuse", O_RDWR);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (fuse < 0 || mount("x", dir, "fuse", 0, options))
		return NULL;
	if (!fork())
		stuck_serve(fuse, asked);
	/* The server alone has it: when that is killed, so is the file system. */
	close(fuse);
	snprintf(path, sizeof(path), "%s/f", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

/* The same in a mount namespace of the caller's own. */
static inline char *stuck_page(int asked)
{
	char dir[] = "/tmp/ms-stuck-XXXXXX";

	if (!mkdtemp(dir) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return NULL;
	return stuck_page_at(dir, asked);
}

/* Through /proc, as a plain fault waits without the lock. */
static inline void *stuck_touch(void *page)
{
	int mem = open("/proc/self/mem", O_RDONLY);
	char byte;

	if (pread(mem, &byte, 1, (off_t)(uintptr_t)page) == 1)
		_exit(90);
	return NULL;
}

/*
 * Hold the mmap_lock of the caller's process for reading, and wait for it for writing, for
 * ever: behind that nobody gets it. Returns only if that cannot be had.
 */
static inline void stuck(void)
{
	pthread_t thread;
	int asked[2];
	char *page, byte;

	if (pipe(asked))
		return;
	page = stuck_page(asked[1]);
	if (!page || pthread_create(&thread, NULL, stuck_touch, page) ||
	    read(asked[0], &byte, 1) != 1)
		return;
	mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Has a process come so far? The kernel does not show the lock's own functions. */
static inline bool is_stuck(pid_t pid)
{
	return task_file_has(pid, pid, "stack", "vm_mmap_pgoff") &&
	       task_file_has(pid, pid, "status", "\nState:\tD");
}

#endif /* STUCK_H */
