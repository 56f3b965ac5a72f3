/* SPDX-License-Identifier: MIT */
/*
 * System calls without libc's wrappers: not seen by an interposer, and errno is
 * left alone. Return: a negative errno on failure, unless said otherwise.
 */
#ifndef MS_RAW_H
#define MS_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long ms_raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;
	long ret = syscall(nr, a, b, c, d, e, f);

	if (ret == -1) {
		ret = -errno;
		errno = saved;
	}
	return ret;
}

#define ms_raw0(nr)		ms_raw6(nr, 0, 0, 0, 0, 0, 0)
#define ms_raw1(nr, a)		ms_raw6(nr, (long)(a), 0, 0, 0, 0, 0)
#define ms_raw2(nr, a, b)	ms_raw6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define ms_raw3(nr, a, b, c)	\
	ms_raw6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define ms_raw4(nr, a, b, c, d)	\
	ms_raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define ms_raw5(nr, a, b, c, d, e)	\
	ms_raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static inline int ms_raw_failed(long ret)
{
	return ret < 0 && ret > -4096;
}

/* Out of the way of programs that close or reuse low descriptors, where there is room. */
#define MS_FD_LOW		512

/* Return: the descriptor's new number, which is closed on exec. */
static inline int ms_raw_fd_up(int fd)
{
	long up = ms_raw3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, MS_FD_LOW);

	if (up < 0)
		return fd;
	ms_raw1(SYS_close, fd);
	return (int)up;
}

/* The library's own memory: private, anonymous, zero. Return: NULL on failure. */
static inline void *ms_raw_mmap(size_t bytes)
{
	long ret = ms_raw6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return ms_raw_failed(ret) ? NULL : (void *)ret;
}

static inline void *ms_raw_mremap(void *addr, size_t old_bytes, size_t bytes)
{
	long ret = ms_raw4(SYS_mremap, addr, old_bytes, bytes, MREMAP_MAYMOVE);

	return ms_raw_failed(ret) ? NULL : (void *)ret;
}

static inline void ms_raw_munmap(void *addr, size_t bytes)
{
	ms_raw2(SYS_munmap, addr, bytes);
}

#endif /* MS_RAW_H */
