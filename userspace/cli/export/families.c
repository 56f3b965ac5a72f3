// SPDX-License-Identifier: MIT
/*
 * The names of figures, after the conventions of Prometheus: base units, counters by
 * themselves, no sum that means nothing. So the system, groups and tasks have names
 * apart: a sum over groups of the system and its groups would count all twice.
 */
#include "export.h"

const char *const ms_export_prefix[EXPORT_NR_LEVELS] = {
	[EXPORT_SYSTEM] = "memstate_",
	[EXPORT_GROUP] = "memstate_group_",
	[EXPORT_TASK] = "memstate_task_",
};

static const struct export_sample by_class[] = {
	{ "state=\"reserved\",class=\"heap\",", "heap/reserved" },
	{ "state=\"prepared\",class=\"heap\",", "heap/prepared" },
	{ "state=\"ready\",class=\"heap\",", "heap/ready" },
	{ "state=\"reserved\",class=\"stack\",", "stack/reserved" },
	{ "state=\"prepared\",class=\"stack\",", "stack/prepared" },
	{ "state=\"ready\",class=\"stack\",", "stack/ready" },
	{ "state=\"reserved\",class=\"metadata\",", "metadata/reserved" },
	{ "state=\"prepared\",class=\"metadata\",", "metadata/prepared" },
	{ "state=\"ready\",class=\"metadata\",", "metadata/ready" },
	{ "state=\"reserved\",class=\"code\",", "code/reserved" },
	{ "state=\"prepared\",class=\"code\",", "code/prepared" },
	{ "state=\"ready\",class=\"code\",", "code/ready" },
	{ "state=\"reserved\",class=\"other\",", "other/reserved" },
	{ "state=\"prepared\",class=\"other\",", "other/prepared" },
	{ "state=\"ready\",class=\"other\",", "other/ready" },
	{ "state=\"reserved\",class=\"user1\",", "user1/reserved" },
	{ "state=\"prepared\",class=\"user1\",", "user1/prepared" },
	{ "state=\"ready\",class=\"user1\",", "user1/ready" },
	{ "state=\"reserved\",class=\"user2\",", "user2/reserved" },
	{ "state=\"prepared\",class=\"user2\",", "user2/prepared" },
	{ "state=\"ready\",class=\"user2\",", "user2/ready" },
	{ "state=\"reserved\",class=\"user3\",", "user3/reserved" },
	{ "state=\"prepared\",class=\"user3\",", "user3/prepared" },
	{ "state=\"ready\",class=\"user3\",", "user3/ready" },
};

static const struct export_sample by_state[] = {
	{ "state=\"reserved\",", "reserved" },
	{ "state=\"prepared\",", "prepared" },
	{ "state=\"ready\",", "ready" },
};

static const struct export_sample lazy[] = {
	{ "state=\"reserved\",", "reserved_lazy" },
	{ "state=\"prepared\",", "prepared_lazy" },
};

static const struct export_sample events[] = {
	{ "event=\"high\",", "events_high" },
	{ "event=\"max\",", "events_max" },
	{ "event=\"denied\",", "events_denied" },
	{ "event=\"breach\",", "events_breach" },
	{ "event=\"drift\",", "events_drift" },
};

static const struct export_sample events_local[] = {
	{ "event=\"high\",", "events_local_high" },
	{ "event=\"max\",", "events_local_max" },
	{ "event=\"denied\",", "events_local_denied" },
	{ "event=\"breach\",", "events_local_breach" },
	{ "event=\"drift\",", "events_local_drift" },
};

#define S	(1U << EXPORT_SYSTEM)
#define G	(1U << EXPORT_GROUP)
#define T	(1U << EXPORT_TASK)

#define SAMPLES(table)	.samples = (table), .nr = sizeof(table) / sizeof((table)[0])
#define FILE_OF(file)	.samples = &(const struct export_sample){ "", file }, .nr = 1
#define BYTES(level, name_, from) \
	.levels = (level), .name = name_ "bytes", .unit = "bytes", from
#define NUMBER(level, name_, from) \
	.levels = (level), .name = (name_), from
#define COUNT(level, name_, from) \
	.levels = (level), .name = (name_), .type = EXPORT_COUNTER, from

const struct export_family ms_export_families[] = {
	{ BYTES(S, "", SAMPLES(by_class)),
	  .help = "Reported: bytes in a state and class." },
	{ BYTES(G | T, "", SAMPLES(by_state)),
	  .help = "Reported: bytes in a state." },
	{ BYTES(S | G | T, "lazy_", SAMPLES(lazy)),
	  .help = "Reported: bytes in a state that may be resident without a report." },
	{ BYTES(S | G | T, "ready_direct_", FILE_OF("ready_direct")),
	  .help = "Reported: Ready and lazy bytes, counted directly." },
	{ BYTES(S | G | T, "peak_ready_", FILE_OF("peak_ready")),
	  .help = "Reported: the most bytes that were ever Ready; but for tasks, Ready or lazy." },
	{ NUMBER(S | G | T, "ranges", FILE_OF("ranges")),
	  .help = "Ranges in ledgers." },
	{ NUMBER(S | G, "tasks", FILE_OF("nr_tasks")),
	  .help = "Tasks: address spaces that have books." },
	{ BYTES(S | G | T, "charged_", FILE_OF("charged")),
	  .help = "Enforced: bytes charged against limits: what is held, and unused credit." },
	{ BYTES(S | G | T, "peak_charged_", FILE_OF("peak")),
	  .help = "Enforced: the most bytes that were ever charged." },
	{ BYTES(S | G | T, "limit_high_", FILE_OF("high")),
	  .help = "Enforced: above this there is pressure. No sample: no limit." },
	{ BYTES(S | G | T, "limit_max_", FILE_OF("max")),
	  .help = "Enforced: above this nothing becomes Ready. No sample: no limit." },
	{ NUMBER(S | G | T, "pressure", FILE_OF("pressure")), .source = EXPORT_PRESSURE,
	  .help = "Enforced: 0 none, 1 above high, 2 at max." },
	{ BYTES(S | G | T, "inherited_", FILE_OF("inherited")),
	  .help = "Bytes that a fork left uncharged, as they did not fit under a limit." },
	{ BYTES(S | G | T, "breached_", FILE_OF("breached")),
	  .help = "Bytes that are Ready or lazy and not charged for another reason." },
	{ NUMBER(G, "observed_tasks", FILE_OF("observed_tasks")),
	  .help = "Observed: processes that report nothing." },
	{ BYTES(G, "commit_", FILE_OF("commit")),
	  .help = "Observed: bytes that they could write to without asking again." },
	{ BYTES(G, "backed_", FILE_OF("backed")),
	  .help = "Observed: bytes of theirs that are resident or swapped out." },
	{ BYTES(G, "pending_", FILE_OF("pending")),
	  .help = "Observed: bytes that were granted, are charged, and are not backed yet." },
	{ BYTES(G, "excess_", FILE_OF("excess")),
	  .help = "Observed: bytes charged to who reports beyond what is reported." },
	{ BYTES(G, "observed_breached_", FILE_OF("observed_breached")),
	  .help = "Observed: bytes that are charged above max." },
	{ BYTES(G, "limit_commit_max_", FILE_OF("commit_max")),
	  .help = "Enforced: what may be committed. No sample: no limit." },
	{ NUMBER(G, "enforced", FILE_OF("enforced")),
	  .help = "Enforced: 1 if limits hold for programs that report nothing." },
	{ BYTES(G, "last_refusal_wanted_", FILE_OF("wanted")), .source = EXPORT_REFUSAL,
	  .help = "The last request that was refused to a program. No sample: none was." },
	{ BYTES(G, "last_refusal_left_", FILE_OF("left")), .source = EXPORT_REFUSAL,
	  .help = "What was left then of the limit that was in the way." },
	{ NUMBER(G, "last_refusal_timestamp_seconds", FILE_OF("time")), .unit = "seconds",
	  .source = EXPORT_REFUSAL, .help = "When that was." },
	{ BYTES(S | G | T, "anon_", FILE_OF("")), .source = EXPORT_ANON,
	  .help = "Observed: anonymous memory by the kernel's own count. No sample: not known." },
	{ COUNT(S | G | T, "transitions", FILE_OF("transitions")),
	  .help = "Records applied." },
	{ COUNT(S | G | T, "drift", FILE_OF("drift")),
	  .help = "Records applied that disagreed with the books." },
	{ COUNT(S | G | T, "rejected", FILE_OF("rejected")),
	  .help = "Records not applied." },
	{ COUNT(S | G | T, "unmaps", FILE_OF("unmaps")),
	  .help = "Unmappings that nobody had reported." },
	{ COUNT(S | G | T, "resyncs", FILE_OF("resyncs")),
	  .help = "Comparisons of a ledger with the mappings." },
	{ COUNT(S | G | T, "denied", FILE_OF("denied")),
	  .help = "Charges of the tasks that were refused, whoever's limit it was." },
	{ COUNT(S | G | T, "breaches", FILE_OF("breaches")),
	  .help = "Records that made memory Ready without a charge." },
	{ COUNT(S | G, "events", SAMPLES(events)),
	  .help = "Events of limits, this one and all below it; and drift." },
	{ COUNT(G, "events_local", SAMPLES(events_local)),
	  .help = "Events of the group's own limit and its own tasks." },
	{ COUNT(G, "refusals", FILE_OF("nr")), .source = EXPORT_REFUSAL,
	  .help = "Requests of programs that report nothing that were refused." },
	{ BYTES(T, "alloc_data_", FILE_OF("alloc_data_bytes")), .source = EXPORT_ALLOC,
	  .help = "Bytes in blocks, by the allocator's word. No sample: it does not count." },
	{ BYTES(T, "alloc_idle_", FILE_OF("alloc_idle_bytes")), .source = EXPORT_ALLOC,
	  .help = "Ready bytes without a block, by the allocator's word." },
	{ BYTES(T, "alloc_slab_", FILE_OF("alloc_slab_bytes")), .source = EXPORT_ALLOC,
	  .help = "Ready bytes in slabs and large blocks, by the allocator's word." },
	{ COUNT(T, "allocated_bytes", FILE_OF("alloc_allocated_bytes")),
	  .unit = "bytes", .source = EXPORT_ALLOC,
	  .help = "Bytes of blocks handed out, by the allocator's word." },
	{ COUNT(T, "allocations", FILE_OF("alloc_allocated_count")),
	  .source = EXPORT_ALLOC,
	  .help = "Blocks handed out, by the allocator's word." },
	{ COUNT(T, "freed_bytes", FILE_OF("alloc_freed_bytes")),
	  .unit = "bytes", .source = EXPORT_ALLOC,
	  .help = "Bytes of blocks taken back, by the allocator's word." },
	{ COUNT(T, "frees", FILE_OF("alloc_freed_count")),
	  .source = EXPORT_ALLOC,
	  .help = "Blocks taken back, by the allocator's word." },
};

const size_t ms_export_nr_families =
	sizeof(ms_export_families) / sizeof(ms_export_families[0]);
