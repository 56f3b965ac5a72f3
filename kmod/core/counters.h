/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The members of struct memstate_totals from ready_direct on, but for tasks: for who has a file,
 * or a line, of each of them. kmod/sysfs.c knows whether all are here.
 */
#ifndef MS_CORE_COUNTERS_H
#define MS_CORE_COUNTERS_H

#define MS_TOTALS_COUNTERS(X, ...)	\
	X(ready_direct, __VA_ARGS__)	\
	X(peak_ready, __VA_ARGS__)	\
	X(transitions, __VA_ARGS__)	\
	X(drift, __VA_ARGS__)		\
	X(rejected, __VA_ARGS__)	\
	X(unmaps, __VA_ARGS__)		\
	X(resyncs, __VA_ARGS__)		\
	X(ranges, __VA_ARGS__)		\
	X(charged, __VA_ARGS__)		\
	X(inherited, __VA_ARGS__)	\
	X(breached, __VA_ARGS__)	\
	X(denied, __VA_ARGS__)		\
	X(breaches, __VA_ARGS__)

#endif /* MS_CORE_COUNTERS_H */
