// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The ABI's numbers, written down a second time. Compiled as C99, C11 and C++11:
 * all must agree.
 */

#include <stddef.h>
#include <stdio.h>

#include <linux/memstate.h>

static int nr, failed;

static void is(unsigned long got, unsigned long want, const char *what)
{
	if (got != want)
		failed++;
	printf("%s %d - abi_%s_is_%lu\n", got == want ? "ok" : "not ok", ++nr, what,
	       want);
	if (got != want)
		printf("# got %lu\n", got);
}

#define SIZE(type, n)		is(sizeof(struct type), n, "size_of_" #type)
#define AT(type, field, n)	is(offsetof(struct type, field), n, #type "_" #field)

int main(void)
{
	SIZE(memstate_record, 16);
	AT(memstate_record, w1, 8);
	SIZE(memstate_ring_control, 128);
	AT(memstate_ring_control, tail, 0);
	AT(memstate_ring_control, doorbell, 4);
	AT(memstate_ring_control, credit, 8);
	SIZE(memstate_totals, 320);
	AT(memstate_totals, bytes, 0);
	AT(memstate_totals, reserved_lazy, 192);
	AT(memstate_totals, prepared_lazy, 200);
	AT(memstate_totals, ready_direct, 208);
	AT(memstate_totals, peak_ready, 216);
	AT(memstate_totals, transitions, 224);
	AT(memstate_totals, drift, 232);
	AT(memstate_totals, rejected, 240);
	AT(memstate_totals, unmaps, 248);
	AT(memstate_totals, resyncs, 256);
	AT(memstate_totals, ranges, 264);
	AT(memstate_totals, tasks, 272);
	AT(memstate_totals, charged, 280);
	AT(memstate_totals, inherited, 288);
	AT(memstate_totals, breached, 296);
	AT(memstate_totals, denied, 304);
	AT(memstate_totals, breaches, 312);
	SIZE(memstate_totals_page, 448);
	AT(memstate_totals_page, seq, 0);
	AT(memstate_totals_page, head, 4);
	AT(memstate_totals_page, ring_entries, 8);
	AT(memstate_totals_page, flags, 12);
	AT(memstate_totals_page, pressure, 16);
	AT(memstate_totals_page, group, 24);
	AT(memstate_totals_page, max, 32);
	AT(memstate_totals_page, high, 40);
	AT(memstate_totals_page, alloc_gen, 64);
	AT(memstate_totals_page, totals, 128);
	SIZE(memstate_alloc_shard, 640);
	AT(memstate_alloc_shard, seq, 0);
	AT(memstate_alloc_shard, set, 64);
	SIZE(memstate_query, 64);
	AT(memstate_query, abi_version, 8);
	AT(memstate_query, page_size, 12);
	AT(memstate_query, features, 16);
	AT(memstate_query, ring_entries_default, 24);
	AT(memstate_query, ring_entries_max, 28);
	AT(memstate_query, ranges_max, 32);
	AT(memstate_query, records_max, 36);
	AT(memstate_query, unmaps_max, 40);
	AT(memstate_query, credit_batch, 48);
	AT(memstate_query, groups_max, 56);
	AT(memstate_query, shards_max, 60);
	SIZE(memstate_setup, 32);
	AT(memstate_setup, ring_entries, 8);
	AT(memstate_setup, records_offset, 12);
	AT(memstate_setup, ring_bytes, 16);
	AT(memstate_setup, totals_bytes, 24);
	SIZE(memstate_sync, 32);
	AT(memstate_sync, head, 8);
	AT(memstate_sync, drained, 12);
	AT(memstate_sync, pending, 16);
	AT(memstate_sync, rejected, 20);
	AT(memstate_sync, error, 24);
	AT(memstate_sync, error_pos, 28);
	SIZE(memstate_transition, 40);
	AT(memstate_transition, records, 8);
	AT(memstate_transition, nr, 16);
	AT(memstate_transition, done, 20);
	AT(memstate_transition, paid, 24);
	AT(memstate_transition, refused_by, 32);
	SIZE(memstate_get_totals, 392);
	AT(memstate_get_totals, scope, 8);
	AT(memstate_get_totals, fd, 12);
	AT(memstate_get_totals, totals, 16);
	SIZE(memstate_pending, 8);
	SIZE(memstate_observe, 120);
	SIZE(memstate_job, 48);
	AT(memstate_job, id, 40);
	SIZE(memstate_range, 24);
	AT(memstate_range, end, 8);
	AT(memstate_range, state, 16);
	AT(memstate_range, class_, 17);
	AT(memstate_range, flags, 18);
	SIZE(memstate_ranges, 48);
	AT(memstate_ranges, cursor, 8);
	AT(memstate_ranges, ranges, 16);
	AT(memstate_ranges, nr, 24);
	AT(memstate_ranges, done, 28);
	AT(memstate_ranges, transitions, 32);
	SIZE(memstate_finding, 24);
	AT(memstate_finding, kind, 16);
	AT(memstate_finding, state, 20);
	AT(memstate_finding, class_, 21);
	AT(memstate_finding, flags, 22);
	SIZE(memstate_audit, 40);
	AT(memstate_audit, cursor, 8);
	AT(memstate_audit, findings, 16);
	AT(memstate_audit, nr, 24);
	AT(memstate_audit, done, 28);
	AT(memstate_audit, checked_bytes, 32);
	SIZE(memstate_charge, 48);
	AT(memstate_charge, bytes, 8);
	AT(memstate_charge, addr, 16);
	AT(memstate_charge, timeout_ns, 24);
	AT(memstate_charge, refused_by, 32);
	AT(memstate_charge, room, 40);
	SIZE(memstate_limit, 168);
	AT(memstate_limit, scope, 8);
	AT(memstate_limit, set, 16);
	AT(memstate_limit, pressure, 20);
	AT(memstate_limit, high, 24);
	AT(memstate_limit, max, 32);
	AT(memstate_limit, group, 40);
	AT(memstate_limit, charged, 48);
	AT(memstate_limit, peak, 56);
	AT(memstate_limit, peak_reader, 64);
	AT(memstate_limit, lowest_high, 72);
	AT(memstate_limit, lowest_max, 80);
	AT(memstate_limit, events, 88);
	AT(memstate_limit, events_local, 128);
	SIZE(memstate_watch, 16);
	AT(memstate_watch, scope, 8);
	AT(memstate_watch, fd, 12);
	SIZE(memstate_shards, 24);
	AT(memstate_shards, nr_shards, 8);
	AT(memstate_shards, shard_bytes, 12);
	AT(memstate_shards, shards_bytes, 16);
	SIZE(memstate_alloc, 216);
	AT(memstate_alloc, scope, 8);
	AT(memstate_alloc, fd, 12);
	AT(memstate_alloc, nr_shards, 16);
	AT(memstate_alloc, counters, 24);
	is(MEMSTATE_IOC_QUERY, 0xbd10, "ioctl_query");
	is(MEMSTATE_IOC_SETUP, 0xbd11, "ioctl_setup");
	is(MEMSTATE_IOC_SYNC, 0xbd12, "ioctl_sync");
	is(MEMSTATE_IOC_TRANSITION, 0xbd13, "ioctl_transition");
	is(MEMSTATE_IOC_TOTALS, 0xbd14, "ioctl_totals");
	is(MEMSTATE_IOC_RANGES, 0xbd15, "ioctl_ranges");
	is(MEMSTATE_IOC_AUDIT, 0xbd16, "ioctl_audit");
	is(MEMSTATE_IOC_CHARGE, 0xbd17, "ioctl_charge");
	is(MEMSTATE_IOC_LIMIT_SET, 0xbd18, "ioctl_limit_set");
	is(MEMSTATE_IOC_LIMIT_GET, 0xbd19, "ioctl_limit_get");
	is(MEMSTATE_IOC_WATCH, 0xbd1a, "ioctl_watch");
	is(MEMSTATE_IOC_SHARDS, 0xbd1b, "ioctl_shards");
	is(MEMSTATE_IOC_ALLOC, 0xbd1c, "ioctl_alloc");
	is(MEMSTATE_OFF_SHARDS, 0x20000000, "offset_of_shards");
	is(MEMSTATE_IN_USE, 8, "counter_in_use");
	is(MEMSTATE_ALLOC_COUNTERS, 24, "alloc_counters");
	printf("1..%d\n", nr);
	return failed ? 1 : 0;
}
