/* SPDX-License-Identifier: MIT */
/* What the compiler is told: which way is taken, and what is nobody else's. */
#ifndef MS_HINTS_H
#define MS_HINTS_H

#define MS_LIKELY(x)	__builtin_expect(!!(x), 1)
#define MS_UNLIKELY(x)	__builtin_expect(!!(x), 0)
#define MS_HIDDEN	__attribute__((visibility("hidden")))

#endif /* MS_HINTS_H */
