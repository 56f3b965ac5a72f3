/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Numbers that follow from a seed. */
#ifndef FUZZ_RND_H
#define FUZZ_RND_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

/* splitmix64: from any seed, of which neighbours have nothing in common. */
static inline u64 rnd(u64 *seed)
{
	u64 x = *seed += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline u32 rnd_below(u64 *seed, u32 n)
{
	return (rnd(seed) >> 32) * n >> 32;
}

/* One time in @n. */
static inline int rnd_once(u64 *seed, u32 n)
{
	return !rnd_below(seed, n);
}

#endif /* FUZZ_RND_H */
