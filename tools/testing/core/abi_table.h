/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The ABI in literals. A row that changes is a break of it. */
#ifndef ABI_TABLE_H
#define ABI_TABLE_H

struct abi_row {
	const char *what;
	unsigned long want;
	unsigned long got;
};

#define SIZE(s, n)	{ "sizeof " #s, n, sizeof(struct s) }
#define OFF(s, m, n)	{ #s "." #m, n, offsetof(struct s, m) }
#define NUM(x, n)	{ #x, n, x }

#define ABI_ROWS							\
	SIZE(memstate_record, 16),					\
	OFF(memstate_record, w1, 8),					\
	SIZE(memstate_ring_control, 128),				\
	OFF(memstate_ring_control, tail, 0),				\
	OFF(memstate_ring_control, doorbell, 4),			\
	OFF(memstate_ring_control, credit, 8),				\
	SIZE(memstate_totals, 320),					\
	OFF(memstate_totals, bytes, 0),					\
	OFF(memstate_totals, reserved_lazy, 192),			\
	OFF(memstate_totals, prepared_lazy, 200),			\
	OFF(memstate_totals, ready_direct, 208),			\
	OFF(memstate_totals, peak_ready, 216),				\
	OFF(memstate_totals, transitions, 224),				\
	OFF(memstate_totals, drift, 232),				\
	OFF(memstate_totals, rejected, 240),				\
	OFF(memstate_totals, unmaps, 248),				\
	OFF(memstate_totals, resyncs, 256),				\
	OFF(memstate_totals, ranges, 264),				\
	OFF(memstate_totals, tasks, 272),				\
	OFF(memstate_totals, charged, 280),				\
	OFF(memstate_totals, inherited, 288),				\
	OFF(memstate_totals, breached, 296),				\
	OFF(memstate_totals, denied, 304),				\
	OFF(memstate_totals, breaches, 312),				\
	SIZE(memstate_totals_page, 448),				\
	OFF(memstate_totals_page, seq, 0),				\
	OFF(memstate_totals_page, head, 4),				\
	OFF(memstate_totals_page, ring_entries, 8),			\
	OFF(memstate_totals_page, flags, 12),				\
	OFF(memstate_totals_page, pressure, 16),			\
	OFF(memstate_totals_page, group, 24),				\
	OFF(memstate_totals_page, max, 32),				\
	OFF(memstate_totals_page, high, 40),				\
	OFF(memstate_totals_page, alloc_gen, 64),			\
	OFF(memstate_totals_page, totals, 128),				\
	SIZE(memstate_alloc_shard, 640),				\
	OFF(memstate_alloc_shard, seq, 0),				\
	OFF(memstate_alloc_shard, set, 64),				\
	SIZE(memstate_query, 64),					\
	OFF(memstate_query, abi_version, 8),				\
	OFF(memstate_query, page_size, 12),				\
	OFF(memstate_query, features, 16),				\
	OFF(memstate_query, ring_entries_default, 24),			\
	OFF(memstate_query, ring_entries_max, 28),			\
	OFF(memstate_query, ranges_max, 32),				\
	OFF(memstate_query, records_max, 36),				\
	OFF(memstate_query, unmaps_max, 40),				\
	OFF(memstate_query, credit_batch, 48),				\
	OFF(memstate_query, groups_max, 56),				\
	OFF(memstate_query, shards_max, 60),				\
	SIZE(memstate_setup, 32),					\
	OFF(memstate_setup, ring_entries, 8),				\
	OFF(memstate_setup, records_offset, 12),			\
	OFF(memstate_setup, ring_bytes, 16),				\
	OFF(memstate_setup, totals_bytes, 24),				\
	SIZE(memstate_sync, 32),					\
	OFF(memstate_sync, head, 8),					\
	OFF(memstate_sync, drained, 12),				\
	OFF(memstate_sync, pending, 16),				\
	OFF(memstate_sync, rejected, 20),				\
	OFF(memstate_sync, error, 24),					\
	OFF(memstate_sync, error_pos, 28),				\
	SIZE(memstate_transition, 40),					\
	OFF(memstate_transition, records, 8),				\
	OFF(memstate_transition, nr, 16),				\
	OFF(memstate_transition, done, 20),				\
	OFF(memstate_transition, paid, 24),				\
	OFF(memstate_transition, refused_by, 32),			\
	SIZE(memstate_get_totals, 392),					\
	OFF(memstate_get_totals, scope, 8),				\
	OFF(memstate_get_totals, fd, 12),				\
	OFF(memstate_get_totals, totals, 16),				\
	OFF(memstate_get_totals, observed, 336),			\
	SIZE(memstate_range, 24),					\
	OFF(memstate_range, end, 8),					\
	OFF(memstate_range, state, 16),					\
	OFF(memstate_range, class_, 17),				\
	OFF(memstate_range, flags, 18),					\
	SIZE(memstate_ranges, 48),					\
	OFF(memstate_ranges, cursor, 8),				\
	OFF(memstate_ranges, ranges, 16),				\
	OFF(memstate_ranges, nr, 24),					\
	OFF(memstate_ranges, done, 28),					\
	OFF(memstate_ranges, transitions, 32),				\
	SIZE(memstate_finding, 24),					\
	OFF(memstate_finding, kind, 16),				\
	OFF(memstate_finding, state, 20),				\
	OFF(memstate_finding, class_, 21),				\
	OFF(memstate_finding, flags, 22),				\
	SIZE(memstate_audit, 40),					\
	OFF(memstate_audit, cursor, 8),					\
	OFF(memstate_audit, findings, 16),				\
	OFF(memstate_audit, nr, 24),					\
	OFF(memstate_audit, done, 28),					\
	OFF(memstate_audit, checked_bytes, 32),				\
	SIZE(memstate_charge, 48),					\
	OFF(memstate_charge, bytes, 8),					\
	OFF(memstate_charge, addr, 16),					\
	OFF(memstate_charge, timeout_ns, 24),				\
	OFF(memstate_charge, refused_by, 32),				\
	OFF(memstate_charge, room, 40),					\
	SIZE(memstate_limit, 168),					\
	OFF(memstate_limit, scope, 8),					\
	OFF(memstate_limit, fd, 12),					\
	OFF(memstate_limit, set, 16),					\
	OFF(memstate_limit, pressure, 20),				\
	OFF(memstate_limit, high, 24),					\
	OFF(memstate_limit, max, 32),					\
	OFF(memstate_limit, group, 40),					\
	OFF(memstate_limit, charged, 48),				\
	OFF(memstate_limit, peak, 56),					\
	OFF(memstate_limit, peak_reader, 64),				\
	OFF(memstate_limit, lowest_high, 72),				\
	OFF(memstate_limit, lowest_max, 80),				\
	OFF(memstate_limit, events, 88),				\
	OFF(memstate_limit, events_local, 128),				\
	SIZE(memstate_watch, 16),					\
	OFF(memstate_watch, scope, 8),					\
	OFF(memstate_watch, fd, 12),					\
	SIZE(memstate_shards, 24),					\
	OFF(memstate_shards, nr_shards, 8),				\
	OFF(memstate_shards, shard_bytes, 12),				\
	OFF(memstate_shards, shards_bytes, 16),				\
	SIZE(memstate_alloc, 216),					\
	OFF(memstate_alloc, scope, 8),					\
	OFF(memstate_alloc, fd, 12),					\
	OFF(memstate_alloc, nr_shards, 16),				\
	OFF(memstate_alloc, counters, 24),				\
	NUM(MEMSTATE_ALLOC_BYTES, 0),					\
	NUM(MEMSTATE_ALLOC_COUNT, 1),					\
	NUM(MEMSTATE_FREE_BYTES, 2),					\
	NUM(MEMSTATE_FREE_COUNT, 3),					\
	NUM(MEMSTATE_IDLE_BYTES, 4),					\
	NUM(MEMSTATE_SLAB_BYTES, 5),					\
	NUM(MEMSTATE_REFILLS, 6),					\
	NUM(MEMSTATE_REMOTE_FREES, 7),					\
	NUM(MEMSTATE_IN_USE, 8),					\
	NUM(MEMSTATE_ALLOC_COUNTERS, 24),				\
	NUM(MEMSTATE_ALLOC_SETS, 3),					\
	NUM(MEMSTATE_ALLOC_STALE, 1),					\
	NUM(MEMSTATE_FEATURE_SHARDS, 2),				\
	NUM(MEMSTATE_FEATURE_URING, 4),					\
	NUM(MEMSTATE_FEATURE_DOORBELL, 8),				\
	NUM(MEMSTATE_FEATURE_OBSERVE, 16),				\
	NUM(MEMSTATE_FEATURE_JOBS, 32),					\
	NUM(MEMSTATE_IOC_JOB, 0xbd20),					\
	NUM(MEMSTATE_SCOPE_JOB, 6),					\
	NUM(MEMSTATE_JOB_ID, 0x8000000000000000),			\
	NUM(MEMSTATE_JOB_OVERCOMMIT, 8),				\
	SIZE(memstate_job, 48),						\
	OFF(memstate_job, set, 8),					\
	OFF(memstate_job, overcommit, 12),				\
	OFF(memstate_job, high, 16),					\
	OFF(memstate_job, max, 24),					\
	OFF(memstate_job, commit_max, 32),				\
	OFF(memstate_job, id, 40),					\
	NUM(MEMSTATE_IOC_OBSERVE, 0xbd1f),				\
	NUM(MEMSTATE_OBSERVE_ON, 1),					\
	NUM(MEMSTATE_OBSERVE_OVERCOMMIT, 2),				\
	NUM(MEMSTATE_OBSERVE_COMMIT_MAX, 8),				\
	SIZE(memstate_observe, 120),					\
	OFF(memstate_observe, set, 16),					\
	OFF(memstate_observe, overcommit, 24),				\
	OFF(memstate_observe, spaces, 32),				\
	OFF(memstate_observe, breached, 72),				\
	OFF(memstate_observe, reserved, 80),				\
	OFF(memstate_observe, group, 88),				\
	OFF(memstate_observe, reports, 96),				\
	OFF(memstate_observe, enforced, 100),				\
	OFF(memstate_observe, excess, 104),				\
	OFF(memstate_observe, commit_max, 112),				\
	NUM(MEMSTATE_IOC_REFUSAL, 0xbd21),				\
	NUM(MEMSTATE_REFUSED_COMMIT, 1),				\
	NUM(MEMSTATE_REFUSED_CHARGE, 2),				\
	SIZE(memstate_last_refusal, 112),				\
	OFF(memstate_last_refusal, nr, 16),				\
	OFF(memstate_last_refusal, first_ns, 24),			\
	OFF(memstate_last_refusal, last_ns, 32),			\
	OFF(memstate_last_refusal, group, 40),				\
	OFF(memstate_last_refusal, bytes, 48),				\
	OFF(memstate_last_refusal, backed, 56),				\
	OFF(memstate_last_refusal, charged, 64),			\
	OFF(memstate_last_refusal, limit, 72),				\
	OFF(memstate_last_refusal, overcommit, 80),			\
	OFF(memstate_last_refusal, how, 84),				\
	OFF(memstate_last_refusal, pid, 88),				\
	OFF(memstate_last_refusal, inner_pid, 92),			\
	OFF(memstate_last_refusal, comm, 96),				\
	SIZE(memstate_totals_observed, 56),				\
	OFF(memstate_totals_observed, charged, 48),			\
	NUM(MEMSTATE_SETUP_DOORBELL, 2),				\
	NUM(MEMSTATE_TOTALS_PARTIAL, 2),				\
	SIZE(memstate_pending, 8),					\
	SIZE(memstate_uring_call, 16),					\
	OFF(memstate_uring_call, arg, 0),				\
	NUM(MEMSTATE_IOC_QUERY, 0xbd10),				\
	NUM(MEMSTATE_IOC_SETUP, 0xbd11),				\
	NUM(MEMSTATE_IOC_SYNC, 0xbd12),					\
	NUM(MEMSTATE_IOC_TRANSITION, 0xbd13),				\
	NUM(MEMSTATE_IOC_TOTALS, 0xbd14),				\
	NUM(MEMSTATE_IOC_RANGES, 0xbd15),				\
	NUM(MEMSTATE_IOC_AUDIT, 0xbd16),				\
	NUM(MEMSTATE_IOC_CHARGE, 0xbd17),				\
	NUM(MEMSTATE_IOC_LIMIT_SET, 0xbd18),				\
	NUM(MEMSTATE_IOC_LIMIT_GET, 0xbd19),				\
	NUM(MEMSTATE_IOC_WATCH, 0xbd1a),				\
	NUM(MEMSTATE_IOC_SHARDS, 0xbd1b),				\
	NUM(MEMSTATE_IOC_ALLOC, 0xbd1c),				\
	NUM(MEMSTATE_URING_REPORT, 0xbd1d),				\
	NUM(MEMSTATE_IOC_PENDING, 0xbd1e),				\
	NUM(MEMSTATE_ABI_VERSION, 7),					\
	NUM(MEMSTATE_OFF_RING, 0),					\
	NUM(MEMSTATE_OFF_TOTALS, 0x10000000),				\
	NUM(MEMSTATE_OFF_SHARDS, 0x20000000),				\
	NUM(MEMSTATE_RING_START, 1)

#endif /* ABI_TABLE_H */
