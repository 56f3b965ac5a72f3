/* SPDX-License-Identifier: MIT */
/*
 * libmemstate: tell the system which of your memory is Reserved, Prepared and
 * Ready, and read what it knows.
 *
 * There are two back ends behind this interface: the *device* /dev/memstate, and
 * an *embedded* one in the process itself, chosen when the device is not there.
 * Totals and verbs are the same; only the device has outside readers. The
 * environment variable MEMSTATE_BACKEND (device, embedded, auto) decides
 * otherwise. The first call of any function initialises the library.
 *
 * Nothing here allocates by malloc or goes through libc's mmap, so all of it can
 * be used inside an allocator and below an interposer. Addresses and lengths are
 * multiples of the page size. Functions return 0 or a negative errno unless they
 * say otherwise, and leave errno alone.
 */
#ifndef MEMSTATE_H
#define MEMSTATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/memstate.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- back end ------------------------------------------------------------ */

enum memstate_backend {
	MEMSTATE_BACKEND_NONE,		/* neither works: nothing is accounted */
	MEMSTATE_BACKEND_DEVICE,
	MEMSTATE_BACKEND_EMBEDDED,
};

enum memstate_backend memstate_backend(void);
const char *memstate_backend_name(void);
const char *memstate_error(void);

/* ---- verbs: the system call and the report, in the right order ----------- */

void *memstate_reserve(size_t bytes, enum memstate_class class_);
int memstate_map(void *addr, size_t bytes, enum memstate_class class_);
int memstate_used(void *addr, size_t bytes, enum memstate_class class_);
int memstate_unused(void *addr, size_t bytes, enum memstate_class class_);
int memstate_fault(void *addr, size_t bytes, enum memstate_class class_);
void *memstate_alloc(size_t bytes, enum memstate_class class_);
int memstate_free(void *addr, size_t bytes);

/* Memory that is not to appear in any book. */
void *memstate_mmap_unaccounted(size_t bytes);
int memstate_munmap_unaccounted(void *addr, size_t bytes);

/* ---- reports alone ------------------------------------------------------- */

int memstate_post(unsigned int from, unsigned int to, unsigned int class_,
		  unsigned int flags, const void *addr, size_t bytes);
int memstate_post_record(const struct memstate_record *record);
int memstate_apply(const struct memstate_record *records, uint32_t nr,
		   uint32_t *done);
int memstate_sync(void);

/* ---- reading ------------------------------------------------------------- */

/* As of the last drain, without a system call where there is the device. */
#define MEMSTATE_TOTALS_LAST	1

int memstate_totals(struct memstate_totals *totals, unsigned int flags);
int memstate_system_totals(struct memstate_totals *totals);
int memstate_ranges(uint64_t *cursor, struct memstate_range *ranges, uint32_t nr,
		    uint32_t *done);
int memstate_audit(uint64_t *cursor, struct memstate_finding *findings,
		   uint32_t nr, uint32_t *done);

/* The same of the task that a descriptor is bound to, for whoever holds it. */
int memstate_totals_fd(int fd, struct memstate_totals *totals);
int memstate_ranges_fd(int fd, uint64_t *cursor, struct memstate_range *ranges,
		       uint32_t nr, uint32_t *done);
int memstate_audit_fd(int fd, pid_t pid, uint64_t *cursor,
		      struct memstate_finding *findings, uint32_t nr,
		      uint32_t *done);

uint64_t memstate_totals_state(const struct memstate_totals *totals,
			       enum memstate_state state);
uint64_t memstate_totals_charged(const struct memstate_totals *totals);

/* ---- for people ---------------------------------------------------------- */

#define MEMSTATE_BYTES_MAX	16
#define MEMSTATE_LINE_MAX	192

const char *memstate_state_name(unsigned int state);
const char *memstate_class_name(unsigned int class_);
const char *memstate_format_bytes(char *buf, size_t size, uint64_t bytes);
const char *memstate_format_line(char *buf, size_t size,
				 const struct memstate_totals *totals);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* MEMSTATE_H */
