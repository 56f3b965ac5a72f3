/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The library's structs and constants, as a table that C and C++ each fill in. */
#ifndef LIB_TABLE_H
#define LIB_TABLE_H

#include <stddef.h>

#include <memstate-malloc.h>
#include <memstate.h>

struct lib_row {
	const char *what;
	unsigned long long value;
};

#define SIZE(s)		{ "sizeof " #s, sizeof(struct s) }
#define OFF(s, m)	{ #s "." #m, offsetof(struct s, m) }
#ifdef __cplusplus
#define NUM(x)		{ #x, static_cast<unsigned long long>(x) }
#else
#define NUM(x)		{ #x, (unsigned long long)(x) }
#endif

#define LIB_ROWS							\
	SIZE(memstate_refusal),						\
	OFF(memstate_refusal, group),					\
	OFF(memstate_refusal, wanted),					\
	OFF(memstate_refusal, room),					\
	SIZE(memstate_malloc_stats),					\
	OFF(memstate_malloc_stats, allocated_bytes),			\
	OFF(memstate_malloc_stats, orphans),				\
	SIZE(memstate_malloc_class),					\
	OFF(memstate_malloc_class, slab_bytes),				\
	OFF(memstate_malloc_class, freed_count),			\
	SIZE(memstate_totals),						\
	SIZE(memstate_limit),						\
	SIZE(memstate_alloc),						\
	SIZE(memstate_alloc_shard),					\
	{ "alignof memstate_alloc_shard",				\
	  __alignof__(struct memstate_alloc_shard) },			\
	{ "sizeof enum memstate_backend", sizeof(enum memstate_backend) }, \
	{ "sizeof enum memstate_class", sizeof(enum memstate_class) },	\
	{ "sizeof memstate_word", sizeof(memstate_word) },		\
	NUM(MEMSTATE_BACKEND_EMBEDDED),					\
	NUM(MEMSTATE_OWN_TASK),						\
	NUM(MEMSTATE_SYSTEM),						\
	NUM(MEMSTATE_BYTES_MAX),					\
	NUM(MEMSTATE_LINE_MAX),						\
	NUM(MEMSTATE_UNLIMITED),					\
	NUM(MEMSTATE_ADDR_MASK),					\
	NUM(MEMSTATE_IOC_LIMIT_GET)

#ifdef __cplusplus
extern "C"
#endif
const struct lib_row *lib_rows_c(size_t *nr);

#endif /* LIB_TABLE_H */
