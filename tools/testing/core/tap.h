/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The Test Anything Protocol, as far as these tests need it. Main thread only. */
#ifndef TAP_H
#define TAP_H

#include <stdio.h>

static int tap_nr, tap_failed;

#define tap_ok(cond, ...)						\
	do {								\
		int tap_good = !!(cond);				\
									\
		printf("%s %d - ", tap_good ? "ok" : "not ok", ++tap_nr); \
		printf(__VA_ARGS__);					\
		printf("\n");						\
		if (!tap_good) {					\
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			tap_failed++;					\
		}							\
		fflush(stdout);						\
	} while (0)

#define tap_is(got, want, ...)						\
	do {								\
		long long tap_got = (long long)(got);			\
		long long tap_want = (long long)(want);			\
									\
		tap_ok(tap_got == tap_want, __VA_ARGS__);		\
		if (tap_got != tap_want)				\
			printf("# got %lld, want %lld\n", tap_got, tap_want); \
	} while (0)

#define tap_skip(why, name)						\
	(printf("ok %d - %s # SKIP %s\n", ++tap_nr, name, why), fflush(stdout))

static inline int tap_end(void)
{
	printf("1..%d\n", tap_nr);
	return tap_failed ? 1 : 0;
}

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

#endif /* TAP_H */
