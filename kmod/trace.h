/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM memstate

#if !defined(MS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MS_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "core/rules.h"

#define ms_trace_field(rec, name)					\
	(((rec)->w0 >> MEMSTATE_##name##_SHIFT) & MEMSTATE_FIELD_MASK)

#define ms_trace_states							\
	{ MEMSTATE_NONE,	"none" },				\
	{ MEMSTATE_RESERVED,	"reserved" },				\
	{ MEMSTATE_PREPARED,	"prepared" },				\
	{ MEMSTATE_READY,	"ready" },				\
	{ MEMSTATE_KEEP,	"keep" },				\
	{ MEMSTATE_KEEP_RO,	"keep_ro" },				\
	{ MEMSTATE_MAPPED,	"mapped" },				\
	{ MEMSTATE_ANY,		"any" }

#define ms_trace_classes						\
	{ MEMSTATE_HEAP,	"heap" },				\
	{ MEMSTATE_STACK,	"stack" },				\
	{ MEMSTATE_METADATA,	"metadata" },				\
	{ MEMSTATE_CODE,	"code" },				\
	{ MEMSTATE_OTHER,	"other" },				\
	{ MEMSTATE_USER1,	"user1" },				\
	{ MEMSTATE_USER2,	"user2" },				\
	{ MEMSTATE_USER3,	"user3" }

#define ms_trace_flags							\
	{ MEMSTATE_LAZY,	"lazy" },				\
	{ MEMSTATE_ONLY,	"only" },				\
	{ MEMSTATE_KEEP_CLASS,	"keep_class" }

#define ms_trace_pressures						\
	{ MEMSTATE_PRESSURE_NONE,	"none" },			\
	{ MEMSTATE_PRESSURE_HIGH,	"high" },			\
	{ MEMSTATE_PRESSURE_MAX,	"max" }

/* A record was taken: applied (error 0) or rejected. */
TRACE_EVENT(memstate_transition,
	TP_PROTO(pid_t pid, const struct memstate_record *rec, int error),
	TP_ARGS(pid, rec, error),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(int, error)
		__field(u64, addr)
		__field(u64, bytes)
		__field(u8, from)
		__field(u8, to)
		__field(u8, class_)
		__field(u8, flags)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->error = error;
		__entry->addr = rec->w0 & MEMSTATE_ADDR_MASK;
		__entry->bytes = (rec->w1 & U32_MAX) << MEMSTATE_UNIT_SHIFT;
		__entry->from = ms_trace_field(rec, FROM);
		__entry->to = ms_trace_field(rec, TO);
		__entry->class_ = ms_trace_field(rec, CLASS);
		__entry->flags = ms_trace_field(rec, FLAGS);
	),
	TP_printk("pid=%d addr=0x%llx bytes=%llu from=%s to=%s class=%s flags=%s error=%d",
		  __entry->pid, __entry->addr, __entry->bytes,
		  __print_symbolic(__entry->from, ms_trace_states),
		  __print_symbolic(__entry->to, ms_trace_states),
		  __print_symbolic(__entry->class_, ms_trace_classes),
		  __print_flags(__entry->flags, "|", ms_trace_flags),
		  __entry->error)
);

/* A task's books begin. */
TRACE_EVENT(memstate_open,
	TP_PROTO(pid_t pid, u64 group),
	TP_ARGS(pid, group),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, group)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->group = group;
	),
	TP_printk("pid=%d group=%llu", __entry->pid, __entry->group)
);

/* They end, and all that they held is out of the groups' totals. */
TRACE_EVENT(memstate_close,
	TP_PROTO(pid_t pid),
	TP_ARGS(pid),
	TP_STRUCT__entry(
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->pid = pid;
	),
	TP_printk("pid=%d", __entry->pid)
);

/* The kernel unmapped what the books still had: it became None without a record. */
TRACE_EVENT(memstate_unmap,
	TP_PROTO(pid_t pid, u64 addr, u64 bytes),
	TP_ARGS(pid, addr, bytes),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, addr)
		__field(u64, bytes)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->addr = addr;
		__entry->bytes = bytes;
	),
	TP_printk("pid=%d addr=0x%llx bytes=%llu", __entry->pid, __entry->addr,
		  __entry->bytes)
);

/* A record was applied whose from disagreed with the books. */
TRACE_EVENT(memstate_drift,
	TP_PROTO(pid_t pid, const struct memstate_record *rec),
	TP_ARGS(pid, rec),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, addr)
		__field(u64, bytes)
		__field(u8, from)
		__field(u8, to)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->addr = rec->w0 & MEMSTATE_ADDR_MASK;
		__entry->bytes = (rec->w1 & U32_MAX) << MEMSTATE_UNIT_SHIFT;
		__entry->from = ms_trace_field(rec, FROM);
		__entry->to = ms_trace_field(rec, TO);
	),
	TP_printk("pid=%d addr=0x%llx bytes=%llu claimed_from=%s to=%s",
		  __entry->pid, __entry->addr, __entry->bytes,
		  __print_symbolic(__entry->from, ms_trace_states),
		  __print_symbolic(__entry->to, ms_trace_states))
);

/* CHARGE gave a task credit. */
TRACE_EVENT(memstate_charge,
	TP_PROTO(pid_t pid, u64 group, u64 bytes, u64 charged),
	TP_ARGS(pid, group, bytes, charged),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, group)
		__field(u64, bytes)
		__field(u64, charged)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->group = group;
		__entry->bytes = bytes;
		__entry->charged = charged;
	),
	TP_printk("pid=%d group=%llu bytes=%llu charged=%llu", __entry->pid,
		  __entry->group, __entry->bytes, __entry->charged)
);

/* A charge was refused (group: whose limit), or came too late (group: the task's). */
TRACE_EVENT(memstate_deny,
	TP_PROTO(pid_t pid, u64 group, u64 bytes, bool breach),
	TP_ARGS(pid, group, bytes, breach),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, group)
		__field(u64, bytes)
		__field(bool, breach)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->group = group;
		__entry->bytes = bytes;
		__entry->breach = breach;
	),
	TP_printk("pid=%d group=%llu bytes=%llu breach=%d", __entry->pid,
		  __entry->group, __entry->bytes, __entry->breach)
);

/* A program that reports nothing was refused memory: its request fails with ENOMEM. */
TRACE_EVENT(memstate_refuse,
	TP_PROTO(const struct task_struct *task, u64 group, u64 bytes, u64 charged, u64 pending),
	TP_ARGS(task, group, bytes, charged, pending),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__array(char, comm, TASK_COMM_LEN)
		__field(u64, group)
		__field(u64, bytes)
		__field(u64, charged)
		__field(u64, pending)
	),
	TP_fast_assign(
		__entry->pid = task->tgid;
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->group = group;
		__entry->bytes = bytes;
		__entry->charged = charged;
		__entry->pending = pending;
	),
	TP_printk("pid=%d comm=%s group=%llu bytes=%llu charged=%llu pending=%llu",
		  __entry->pid, __entry->comm, __entry->group, __entry->bytes,
		  __entry->charged, __entry->pending)
);

/* The pressure of a group has changed. */
TRACE_EVENT(memstate_pressure,
	TP_PROTO(u64 group, u32 before, u32 now, u64 charged),
	TP_ARGS(group, before, now, charged),
	TP_STRUCT__entry(
		__field(u64, group)
		__field(u32, before)
		__field(u32, now)
		__field(u64, charged)
	),
	TP_fast_assign(
		__entry->group = group;
		__entry->before = before;
		__entry->now = now;
		__entry->charged = charged;
	),
	TP_printk("group=%llu pressure=%s was=%s charged=%llu", __entry->group,
		  __print_symbolic(__entry->now, ms_trace_pressures),
		  __print_symbolic(__entry->before, ms_trace_pressures),
		  __entry->charged)
);

#endif /* MS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
