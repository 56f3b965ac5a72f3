// SPDX-License-Identifier: MIT
/* Figures for people. */

#include <stdio.h>
#include <string.h>

#include "internal.h"

/**
 * memstate_state_name() - a state's name
 * @state: enum memstate_state
 *
 * Context: any. Return: the name, "?" if there is no such state.
 */
const char *memstate_state_name(unsigned int state)
{
	return state < MEMSTATE_NR_STATES ? ms_state_names[state] : "?";
}

/**
 * memstate_class_name() - a class's name
 * @class_: enum memstate_class
 *
 * Context: any. Return: the name, "?" if there is no such class.
 */
const char *memstate_class_name(unsigned int class_)
{
	return class_ < MEMSTATE_NR_CLASSES ? ms_class_names[class_] : "?";
}

/**
 * memstate_format_bytes() - a size in IEC units
 * @buf:	where to put the text
 * @size:	room, MEMSTATE_BYTES_MAX is enough
 * @bytes:	the size
 *
 * Four significant digits at the most; whole bytes below 1 KiB.
 *
 * Context: may use stdio. Return: @buf.
 */
const char *memstate_format_bytes(char *buf, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "B",   "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	int unit = 0;

	/* Not "1024 KiB", nor "10.00 KiB": look at what rounding will make of it. */
	while (value >= (unit ? 1023.5 : 1024) && unit < 6) {
		value /= 1024;
		unit++;
	}
	if (!unit)
		snprintf(buf, size, "%llu B", (unsigned long long)bytes);
	else
		snprintf(buf, size, "%.*f %s",
			 value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
	return buf;
}

/**
 * memstate_format_line() - totals in one line
 * @buf:	where to put the text
 * @size:	room, MEMSTATE_LINE_MAX is enough
 * @totals:	the totals
 *
 * Ready+Prepared=... (Ready=... ; Prepared=...) ; Reserved=..., the form of
 * LiveMemUse in btrfs-progs-ng; memstate_format_live() tells what Ready consists of.
 *
 * Context: may use stdio. Return: @buf.
 */
const char *memstate_format_line(char *buf, size_t size,
				 const struct memstate_totals *totals)
{
	return memstate_format_live(buf, size, totals, NULL);
}

/* What Ready of the heap consists of; nothing is written without shards. */
static void format_parts(char *buf, size_t size, uint64_t heap,
			 const struct memstate_alloc *alloc)
{
	char d[MEMSTATE_BYTES_MAX], f[MEMSTATE_BYTES_MAX], i[MEMSTATE_BYTES_MAX];
	struct ms_alloc_parts parts;

	*buf = '\0';
	if (!alloc || !alloc->nr_shards)
		return;
	ms_alloc_parts(alloc, heap, &parts);
	snprintf(buf, size, " (data:%s + fragOverhead:%s + idle:%s)",
		 memstate_format_bytes(d, sizeof(d), parts.data),
		 memstate_format_bytes(f, sizeof(f), parts.frag),
		 memstate_format_bytes(i, sizeof(i), parts.idle));
}

/**
 * memstate_format_live() - totals in one line, and what Ready consists of
 * @buf:	where to put the text
 * @size:	room, MEMSTATE_LINE_MAX is enough
 * @totals:	the totals
 * @alloc:	what the allocator counts, or NULL
 *
 * Ready+Prepared=... (Ready=... (data:... + fragOverhead:... + idle:...) ;
 * Prepared=...) ; Reserved=...: *data* is what is handed out, *idle* what holds no
 * block, *fragOverhead* the rest of the heap's Ready memory, never below zero. Without
 * shards as memstate_format_line().
 *
 * Context: may use stdio. Return: @buf.
 */
const char *memstate_format_live(char *buf, size_t size,
				 const struct memstate_totals *totals,
				 const struct memstate_alloc *alloc)
{
	uint64_t ready = ms_totals_state(totals, MEMSTATE_READY);
	uint64_t prepared = ms_totals_state(totals, MEMSTATE_PREPARED);
	uint64_t reserved = ms_totals_state(totals, MEMSTATE_RESERVED);
	char sum[MEMSTATE_BYTES_MAX], r[MEMSTATE_BYTES_MAX];
	char p[MEMSTATE_BYTES_MAX], v[MEMSTATE_BYTES_MAX];
	char parts[48 + 3 * MEMSTATE_BYTES_MAX];

	format_parts(parts, sizeof(parts),
		     totals->bytes[MEMSTATE_READY - 1][MEMSTATE_HEAP], alloc);
	snprintf(buf, size,
		 "Ready+Prepared=%s (Ready=%s%s ; Prepared=%s) ; Reserved=%s",
		 memstate_format_bytes(sum, sizeof(sum), ready + prepared),
		 memstate_format_bytes(r, sizeof(r), ready), parts,
		 memstate_format_bytes(p, sizeof(p), prepared),
		 memstate_format_bytes(v, sizeof(v), reserved));
	return buf;
}

/* What a unit stands for, as a shift; -1: it is none. @text: to its end. */
static int unit_shift(const char *text)
{
	static const char letters[] = "KMGTPE";
	bool blank = *text == ' ';
	unsigned int shift = 0;

	text += blank;
	for (const char *l = letters; *text && *l; l++)
		if ((*text & ~0x20) == *l) {
			shift = 10 * (unsigned int)(l - letters + 1);
			text++;
			break;
		}
	/* KiB, as sizes are printed, which alone has a blank; KB is 1000 bytes to some. */
	if (shift && (text[0] & ~0x20) == 'I' && (text[1] & ~0x20) == 'B')
		text += 2;
	else if (!shift && (text[0] & ~0x20) == 'B')
		text++;
	else if (blank)
		return -1;
	return *text ? -1 : (int)shift;
}

/**
 * memstate_parse_bytes() - a size as memory.max of cgroup v2 spells it, or as it is printed
 * @text:	a number with K, M, G, T, P or E behind it, or KiB and so on, in powers of 1024,
 *		the latter also with a blank between; it may have a decimal point then. Or "max".
 * @bytes:	where to put it; MEMSTATE_UNLIMITED for "max"
 *
 * Context: any. Return: 0; -EINVAL: not such a text; -ERANGE: too large.
 */
int memstate_parse_bytes(const char *text, uint64_t *bytes)
{
	uint64_t value = 0, part = 0, scale = 1;
	bool point = false;
	int shift;

	/* By itself: see same() in init.c. */
	if (text[0] == 'm' && text[1] == 'a' && text[2] == 'x' && !text[3]) {
		*bytes = MEMSTATE_UNLIMITED;
		return 0;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (*text == '.') {
			point = true;
		} else if (!point) {
			if (value > (UINT64_MAX - digit) / 10)
				return -ERANGE;
			value = value * 10 + digit;
		} else if (scale < UINT64_MAX / 100) {
			/* What is behind is less than a byte. */
			part = part * 10 + digit;
			scale *= 10;
		}
	}
	shift = unit_shift(text);
	if (shift < 0 || (point && (!shift || scale == 1)))
		return -EINVAL;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = (value << shift) +
		 (uint64_t)(((__uint128_t)part << shift) / scale);
	return 0;
}
