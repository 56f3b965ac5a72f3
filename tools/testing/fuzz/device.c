// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Files of the device, and their mappings. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actor.h"

long call_open(struct run *r)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY | O_NONBLOCK, O_PATH };
	int fd = open(MEMSTATE_DEVICE, PICK(r, flags) | (once(r, 2) ? O_CLOEXEC : 0));

	if (fd >= 0)
		actor_keep_fd(r, fd);
	return result(fd);
}

long call_close(struct run *r)
{
	u32 i = pick(r, FDS);
	int fd = me.fds[i];

	/* A slot that still has it is as good as a stray descriptor. */
	if (!once(r, 8))
		me.fds[i] = -1;
	return result(close(fd));
}

long call_dup(struct run *r)
{
	int fd = dup(actor_fd(r));

	if (fd >= 0)
		actor_keep_fd(r, fd);
	return result(fd);
}

/* By the kernel's word: what a slot says may be of something that was there before. */
static void check_mappings(void)
{
	unsigned long long offset;
	char line[256], prot[5];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, MEMSTATE_DEVICE) || sscanf(line, "%*s %4s %llx", prot, &offset) != 2)
			continue;
		if (prot[2] == 'x' || (prot[1] == 'w' && offset == MEMSTATE_OFF_TOTALS))
			broken("a mapping of the device's is %s at offset %#llx", prot, offset);
	}
	if (f)
		fclose(f);
}

/* As it is meant to be mapped, but for what is chosen to be otherwise. */
long call_map(struct run *r)
{
	static const u32 offsets[] = { MEMSTATE_OFF_RING, MEMSTATE_OFF_TOTALS, MEMSTATE_OFF_SHARDS };
	static const int prots[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
				     PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ | PROT_EXEC };
	static const u32 entries[] = { 0, 2, 4, 16, 64, 64, 256, 4096 };
	struct memstate_setup s;
	struct memstate_shards sh = { .size = sizeof(sh) };
	struct map map = { .what = PICK(r, offsets), .bytes = PAGE };
	u32 odd = pick(r, 4) ? 0 : 1 + pick(r, 5);
	int fd = actor_fd(r), prot = PROT_READ, flags = MAP_SHARED;
	u64 offset = map.what;
	u32 i;

	s = (struct memstate_setup) { .size = sizeof(s), .flags = pick(r, 3) ? MEMSTATE_SETUP_CREDIT : 0,
				      .ring_entries = PICK(r, entries) };
	/* It may have been made otherwise. */
	for (i = 0; i < 3 && ioctl(fd, MEMSTATE_IOC_SETUP, &s); i++) {
		s.flags ^= i ? MEMSTATE_SETUP_CREDIT : 0;
		s.ring_entries = 0;
	}
	if (map.what == MEMSTATE_OFF_RING) {
		prot |= PROT_WRITE;
		map.bytes = s.ring_bytes;
	} else if (map.what == MEMSTATE_OFF_SHARDS) {
		prot |= PROT_WRITE;
		ioctl(fd, MEMSTATE_IOC_SHARDS, &sh);
		map.bytes = sh.shards_bytes;
	}
	if (odd == 1)
		prot = PICK(r, prots);
	else if (odd == 2)
		flags = MAP_PRIVATE;
	else if (odd == 3)
		map.bytes = once(r, 4) ? pick_odd(r) : pick_pages(r) * PAGE;
	else if (odd == 4)
		offset += once(r, 4) ? pick_odd(r) & -PAGE : pick_pages(r) * PAGE;
	map.at = mmap(NULL, map.bytes, prot, flags | (odd == 5 ? MAP_POPULATE : 0), fd, offset);
	if (map.at == MAP_FAILED)
		return result(-1);
	if (odd)
		check_mappings();
	actor_keep_map(r, map);
	return 0;
}

long call_remap(struct run *r)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_DOFORK, MADV_DONTFORK,
				      MADV_HUGEPAGE, MADV_COLD, MADV_REMOVE, MADV_POPULATE_WRITE };
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_EXEC };
	struct map *map = actor_map(r, -1), old;
	void *at;

	if (!map)
		return -ENOENT;
	old = *map;
	switch (pick(r, 8)) {
	case 0:
		map->at = NULL;
		return result(munmap(old.at, old.bytes));
	case 1: /* a part */
		return result(munmap(old.at + (once(r, 2) ? PAGE : 0), PAGE));
	case 2:
		if (!mprotect(old.at, old.bytes, PICK(r, prots)))
			check_mappings();
		return 0;
	case 3:
		return result(mprotect(old.at, PAGE, PICK(r, prots)));
	case 4:
		return result(madvise(old.at, old.bytes, PICK(r, advice)));
	case 5: /* elsewhere */
		at = mremap(old.at, old.bytes, old.bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			    WINDOW + 2 * WINDOW_PAGES * PAGE);
		break;
	case 6: /* longer, or once more */
		at = mremap(old.at, once(r, 3) ? 0 : old.bytes, old.bytes + pick_pages(r) * PAGE,
			    MREMAP_MAYMOVE);
		break;
	default: /* over what is reported about */
		at = mremap(old.at, old.bytes, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			    WINDOW + pick(r, 48) * PAGE);
		break;
	}
	if (at == MAP_FAILED)
		return result(-1);
	map->at = at;
	return 0;
}

long call_poll(struct run *r)
{
	static const short events[] = { POLLPRI, POLLIN | POLLPRI, 0, -1 };
	struct pollfd p[2] = { { .fd = actor_fd(r), .events = PICK(r, events) },
			       { .fd = actor_fd(r), .events = POLLPRI } };

	return result(poll(p, 1 + pick(r, 2), pick(r, 4) ? 0 : pick(r, 8)));
}

long call_epoll(struct run *r)
{
	static const int operations[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD };
	struct epoll_event e = { .events = EPOLLPRI | (once(r, 2) ? EPOLLET : 0) |
					   (once(r, 4) ? EPOLLONESHOT : 0) };

	if (me.epoll < 0)
		me.epoll = epoll_create1(once(r, 2) ? EPOLL_CLOEXEC : 0);
	if (pick(r, 3))
		return result(epoll_ctl(me.epoll, PICK(r, operations), actor_fd(r), &e));
	return result(epoll_wait(me.epoll, &e, 1, pick(r, 4) ? 0 : pick(r, 8)));
}

long call_rw(struct run *r)
{
	int fd = actor_fd(r);
	char buffer[16];

	switch (pick(r, 4)) {
	case 0:
		return result(read(fd, buffer, sizeof(buffer)));
	case 1:
		return result(write(fd, "1", 1));
	case 2:
		return result(lseek(fd, PAGE, SEEK_SET));
	default:
		return result(fcntl(fd, F_SETFL, pick(r, 2) ? O_ASYNC : O_NONBLOCK));
	}
}
