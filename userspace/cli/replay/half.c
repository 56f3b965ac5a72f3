// SPDX-License-Identifier: MIT
/*
 * Calls that fail half-way.
 *
 * Model
 *
 *   mprotect and madvise go from mapping to mapping, and one that fails has been done to those
 *   before the one where it failed; most advice goes on behind a hole, too, and says so in the
 *   end. The shim asks the kernel how far it came (userspace/observe/protect.c). A log tells
 *   what has been mapped: where the first hole is, or the first mapping of another kind, that is
 *   where it stopped. If there is none, it failed for another reason (no memory left, no such
 *   advice), and nothing is known to have been done.
 */
#include <errno.h>
#include <sys/mman.h>

#include "books.h"
#include "sysrules.h"

/**
 * ms_books_is_known() - does the log say how an address came to be mapped?
 * @b:		the books
 * @addr:	it
 * @next:	behind it the answer may be another
 * @other:	it is mapped, and not accounted; may be NULL
 *
 * Return: whether it is mapped, as far as the log tells.
 */
bool ms_books_is_known(const struct ms_books *b, u64 addr, u64 *next, bool *other)
{
	const struct ms_rangemap_entry *e = ms_rangemap_next(&b->map, addr);
	u32 marks = ms_marks_at(&b->marks, addr, next);

	if (other)
		*other = marks & MS_MARK_OTHER;
	if (!e)
		return marks & MS_MARK_OTHER;
	if (e->start <= addr)
		*next = e->end;
	else if (e->start < *next)
		*next = e->start;
	return e->start <= addr || marks & MS_MARK_OTHER;
}

/* Up to the first hole, or the first mapping of another kind. Return: bytes; 0: there is none. */
static u64 bytes_done(const struct ms_books *b, u64 addr, u64 bytes, int error)
{
	u64 end = addr + ms_page_up(bytes), at, next;
	bool other;

	for (at = addr; at < end; at = next) {
		bool known = ms_books_is_known(b, at, &next, &other);

		if (error == ENOMEM ? !known : known && other)
			return at - addr;
	}
	return 0;
}

/**
 * ms_books_protect_half() - a change of access has failed
 * @b:		the books
 * @addr:	first byte
 * @bytes:	length, any
 * @prot:	PROT_*
 * @error:	ENOMEM: there was a hole, or no memory; EACCES: a mapping that may not have it
 */
int ms_books_protect_half(struct ms_books *b, u64 addr, u64 bytes, int prot, int error)
{
	if (error != ENOMEM && error != EACCES)
		return 0;
	bytes = bytes_done(b, addr, bytes, error);
	return bytes ? ms_books_protect(b, addr, bytes, prot) : 0;
}

/**
 * ms_books_advise_half() - advice has failed
 * @b:		the books
 * @addr:	first byte
 * @bytes:	length, any
 * @advice:	MADV_*
 * @error:	ENOMEM: there was a hole, which most advice goes on behind; EINVAL: a mapping of
 *		which it makes no sense, or a kernel that does not know it
 */
int ms_books_advise_half(struct ms_books *b, u64 addr, u64 bytes, int advice, int error)
{
	if (error == EINVAL && advice == MADV_FREE)
		return ms_books_advise(b, addr, bytes_done(b, addr, bytes, error), advice);
	/* Of huge pages it may be that there was no memory for one. */
	if (error != ENOMEM || advice == MS_MADV_COLLAPSE)
		return 0;
	if (advice == MS_MADV_POPULATE_WRITE)
		bytes = bytes_done(b, addr, bytes, error);
	return ms_books_advise(b, addr, bytes, advice);
}
