// SPDX-License-Identifier: MIT
/*
 * C++: operator new and delete, by their names in the Itanium ABI, so that neither a C++
 * compiler nor its library is needed. Where memory is short the program's new handler is
 * called for as long as there is one; else std::bad_alloc is thrown, by whichever C++
 * library the program has. The nothrow forms of new are that library's: they call the others
 * and catch what these, or a handler, throw.
 */
#include <errno.h>
#include <stdlib.h>

#include "say.h"
#include "names.h"

#include <memstate-malloc.h>

#ifndef MS_MALLOC_PREFIX

typedef void (*handler_fn)(void);

/* std::get_new_handler(), and what throws: libstdc++'s, libc++'s. */
handler_fn _ZSt15get_new_handlerv(void);
__attribute__((noreturn)) void _ZSt17__throw_bad_allocv(void);
__attribute__((noreturn)) void _ZNSt3__117__throw_bad_allocEv(void);
#pragma weak _ZSt15get_new_handlerv
#pragma weak _ZSt17__throw_bad_allocv
#pragma weak _ZNSt3__117__throw_bad_allocEv

static void *try(size_t size, size_t align)
{
	if (!align)
		return malloc(size);
	return aligned_alloc(align, size);
}

static __attribute__((noinline)) void *again(size_t size, size_t align)
{
	handler_fn handler;
	void *block;

	while (_ZSt15get_new_handlerv && (handler = _ZSt15get_new_handlerv())) {
		handler();
		block = try(size, align);
		if (block)
			return block;
	}
	if (_ZSt17__throw_bad_allocv)
		_ZSt17__throw_bad_allocv();
	if (_ZNSt3__117__throw_bad_allocEv)
		_ZNSt3__117__throw_bad_allocEv();
	ms_malloc_die("operator new: no memory, and nobody to throw std::bad_alloc", NULL);
}

static inline void *new(size_t size, size_t align)
{
	void *block = try(size, align);

	return MS_LIKELY(block) ? block : again(size, align);
}

EXPORT void *_Znwm(size_t size);
EXPORT void *_Znwm(size_t size)
{
	return new(size, 0);
}

EXPORT void *_Znam(size_t size);
EXPORT void *_Znam(size_t size)
{
	return new(size, 0);
}

EXPORT void *_ZnwmSt11align_val_t(size_t size, size_t align);
EXPORT void *_ZnwmSt11align_val_t(size_t size, size_t align)
{
	return new(size, align);
}

EXPORT void *_ZnamSt11align_val_t(size_t size, size_t align);
EXPORT void *_ZnamSt11align_val_t(size_t size, size_t align)
{
	return new(size, align);
}

#define DELETE(name)							\
EXPORT void name(void *block);						\
EXPORT void name(void *block) { free(block); }

#define DELETE2(name)							\
EXPORT void name(void *block, size_t more);				\
EXPORT void name(void *block, size_t more)				\
{									\
	(void)more;							\
	free(block);							\
}

#define DELETE3(name)							\
EXPORT void name(void *block, size_t more, size_t still);		\
EXPORT void name(void *block, size_t more, size_t still)		\
{									\
	(void)more;							\
	(void)still;							\
	free(block);							\
}

/* plain; sized, aligned or nothrow; sized and aligned, aligned and nothrow */
DELETE(_ZdlPv)
DELETE(_ZdaPv)
DELETE2(_ZdlPvm)
DELETE2(_ZdaPvm)
DELETE2(_ZdlPvSt11align_val_t)
DELETE2(_ZdaPvSt11align_val_t)
DELETE2(_ZdlPvRKSt9nothrow_t)
DELETE2(_ZdaPvRKSt9nothrow_t)
DELETE3(_ZdlPvmSt11align_val_t)
DELETE3(_ZdaPvmSt11align_val_t)
DELETE3(_ZdlPvSt11align_val_tRKSt9nothrow_t)
DELETE3(_ZdaPvSt11align_val_tRKSt9nothrow_t)

#endif /* !MS_MALLOC_PREFIX */
