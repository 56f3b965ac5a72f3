#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh PROGRAM MODULE LIVEPATCH: in a virtual machine: the hooks beside kprobes, the
# function tracer, BPF and a livepatch of the same functions.
set -u

program=$1 module=$2 livepatch=$3
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"

sys=/sys/class/misc/memstate
tracing=/sys/kernel/tracing
group=/sys/fs/cgroup/hooks
functions="mmap_region may_expand_vm cgroup_can_fork do_madvise exit_mmap"

# hook NAME STATE: what becomes of it, by its first word
hook() { grep -q "^$1 $2" "$sys/hooks"; }
all() {
	local name
	for name in $functions sched_process_fork sched_process_exit cgroup_attach_task; do
		hook "$name" "$1" || {
			cat "$sys/hooks"
			return 1
		}
	done
}
# says what is in force for a limit of 32 MiB: FEATURE ENFORCED
limit() { python3 "$here/limit.py" $group $((32 << 20)); }
limit_says() { [ "$(limit)" = "$1" ]; }

# asked COMMAND...: what the program answers, in the limited group, to one after the other
asked() {
	local command answer
	coproc PROGRAM {
		echo 0 >$group/cgroup.procs
		exec "$program"
	}
	for command; do
		echo "$command" >&"${PROGRAM[1]}"
		read -r answer <&"${PROGRAM[0]}"
		printf '%s ' "$answer"
	done
	local to=${PROGRAM[1]}
	exec {to}>&-
	wait
}
# What fits is granted; what does not is refused or not, and the program goes on.
answers() {
	local said
	said=$(asked 'M 8192' 'M 65536' 'A 0' 'd 0' 'M 4096' 'k 0')
	echo "$said"
	[ "$said" = "$1" ]
}
refused() { answers "1 0 1 1 1 1 "; }
granted() { answers "1 1 1 1 1 1 "; }

# shellcheck disable=SC2120 # by try
loads() { insmod "$module" "$@"; }
goes() { rmmod memstate; }
has() { [ -e "$1" ]; }
has_not() { [ ! -e "$1" ]; }

patch_is_in() { [ "$(cat /sys/kernel/livepatch/patch_expand/transition)" = 0 ]; }
patch_comes() { insmod "$livepatch" && soon patch_is_in; }
patch_goes() {
	echo 0 >/sys/kernel/livepatch/patch_expand/enabled
	soon has_not /sys/kernel/livepatch/patch_expand && soon rmmod patch_expand
}

tap_begin /run/hooks
mkdir $group

# ---- what is said of hooks, and parameters ------------------------------------------

try "the module goes in" loads
try "each hook is set, and proved" all set
try "limits are enforced" limit_says "1 1"
try "what does not fit is refused" refused
ok "who has no rights reads which are set" \
	"setpriv --reuid 65534 --clear-groups cat $sys/hooks | grep -q '^exit_mmap set'"
ok "and takes none away" "! setpriv --reuid 65534 --clear-groups sh -c 'echo 0 >$sys/hooks'"
ok "nor does root without CAP_SYS_ADMIN" \
	"! setpriv --bounding-set -sys_admin sh -c 'echo 0 >$sys/hooks' && grep -q '^exit_mmap set' $sys/hooks"
ok "what is no switch is refused" "! echo perhaps >$sys/hooks"
try "the module goes, with a limit in force" goes

try "observe=0: goes in" loads observe=0
try "observe=0: no hook is set" all off
ok "observe=0: none can be" "! echo 1 >$sys/hooks"
try "observe=0: nothing is enforced, nor can be" limit_says "0 0"
try "observe=0: all is granted" granted
try "observe=0: goes" goes

try "jobs=0: goes in" loads jobs=0
try "jobs=0: no hook is set" all off
try "jobs=0: each is, when something is limited" limit_says "1 1"
try "jobs=0: that is all of them" all set
try "jobs=0: what does not fit is refused" refused
try "jobs=0: goes" goes

# ---- ftrace as a whole -----------------------------------------------------------------

if sysctl -q kernel.ftrace_enabled=0 2>/run/hooks/sysctl; then
	try "ftrace off: the module goes in" loads
	try "ftrace off: the hooks say so" grep -q "^mmap_region disabled: .*ftrace_enabled" $sys/hooks
	ok "ftrace off: so does the log" "dmesg | grep -q 'hook mmap_region disabled'"
	try "ftrace off: nothing is enforced" limit_says "0 0"
	sysctl -q kernel.ftrace_enabled=1
	try "ftrace on: who limits has the hooks set" limit_says "1 1"
	try "ftrace on: what does not fit is refused" refused
	ok "ftrace stays on" "! sysctl -q kernel.ftrace_enabled=0"
	try "ftrace: the module goes" goes
	ok "and can be off again" "sysctl -q kernel.ftrace_enabled=0 && sysctl -q kernel.ftrace_enabled=1"
else
	try "ftrace cannot be turned off in this kernel" grep -qi "not supported" /run/hooks/sysctl
fi

# ---- a livepatch --------------------------------------------------------------------------

try "a livepatch comes first" patch_comes
try "livepatched: the module goes in" loads
try "livepatched: the hook says who has the function" \
	grep -q "^may_expand_vm held: a livepatch or another module" $sys/hooks
ok "livepatched: so does the log" "dmesg | grep -q 'hook may_expand_vm held'"
try "livepatched: nothing is enforced" limit_says "0 0"
try "livepatched: all is granted" granted
ok "livepatched: who asks for it is told" "! echo 1 >$sys/hooks"
try "the livepatch goes" patch_goes
try "then who limits has the hooks set" limit_says "1 1"
try "then what does not fit is refused" refused
ok "a livepatch that comes second is kept out" "! insmod $livepatch 2>/run/hooks/second && grep -qi busy /run/hooks/second"
try "kept out: what does not fit is refused" refused
ok "the hooks are taken away" "echo 0 >$sys/hooks"
ok "taken away: the log says what that means" "dmesg | grep -q 'limits of 1 groups are not enforced'"
try "taken away: none is set" all off
try "taken away: nor is any for who limits" limit_says "0 0"
try "taken away: all is granted" granted
try "taken away: the livepatch comes" patch_comes
ok "livepatched: they cannot be set" "! echo 1 >$sys/hooks"
try "the livepatch goes again" patch_goes
ok "the hooks are set" "echo 1 >$sys/hooks"
try "set again: limits are enforced" limit_says "1 1"
try "set again: what does not fit is refused" refused
try "livepatches: the module goes" goes

# ---- who only looks -------------------------------------------------------------------------

count() { awk -v of="$1" '$1 == of { print $2 }' $tracing/kprobe_profile; }
kprobes_on() {
	local f
	for f in $functions; do
		echo "p:ms_$f $f" >>$tracing/kprobe_events || return
		echo 1 >$tracing/events/kprobes/ms_"$f"/enable || return
	done
}
kprobes_counted() {
	local f
	for f in $functions; do
		[ "$(count "ms_$f")" -gt 0 ] || return
	done
}
kprobes_off() {
	echo 0 >$tracing/events/kprobes/enable
	: >$tracing/kprobe_events
}
tracer_on() {
	local f
	: >$tracing/trace
	for f in $functions; do echo "$f" >>$tracing/set_ftrace_filter || return; done
	echo function >$tracing/current_tracer
}
tracer_traced() {
	local f
	for f in $functions; do grep -q "$f <-" $tracing/trace || return; done
}
tracer_off() {
	echo nop >$tracing/current_tracer
	: >$tracing/set_ftrace_filter
}
bpf_on() {
	: >/run/hooks/bpf
	bpftrace -e 'kfunc:mmap_region { @mapped = count(); } kfunc:exit_mmap { @ended = count(); }
		BEGIN { printf("attached\n"); }' >/run/hooks/bpf 2>&1 &
	bpf=$!
	soon bpf_is_decided
	grep -q attached /run/hooks/bpf
}
bpf_is_decided() { grep -q attached /run/hooks/bpf || [ ! -d "/proc/$bpf" ]; }
bpf_off() { kill -INT "$bpf" && wait "$bpf"; }
bpf_counted() { grep -q '^@mapped: [1-9]' /run/hooks/bpf && grep -q '^@ended: [1-9]' /run/hooks/bpf; }

# beside WHAT: in either order
beside() {
	local what=$1
	try "$what: comes first" "$1_on"
	try "$what: the module goes in" loads
	try "$what: each hook is set" all set
	limit >/run/hooks/limit
	try "$what: what does not fit is refused" refused
	try "$what: the module goes" goes
	"$1_off"
	try "$what: the module comes first" loads
	limit >/run/hooks/limit
	try "$what: and goes on" "$1_on"
	try "$what: what does not fit is refused then, too" refused
	case $what in
	kprobes) try "$what: all is counted" kprobes_counted ;;
	tracer) try "$what: all is traced" tracer_traced ;;
	esac
	"$1_off"
	try "$what: nothing changes when it ends" refused
	try "$what: the module goes at last" goes
}
beside kprobes
beside tracer
if [ -e /sys/kernel/btf/vmlinux ] && command -v bpftrace >/dev/null && bpf_on && bpf_off; then
	loads && limit >/run/hooks/limit
	bpf_on
	result $? "BPF: attaches to what is hooked" /run/hooks/bpf
	try "BPF: what does not fit is refused" refused
	bpf_off
	try "BPF: all is counted" bpf_counted
	goes
else
	sed 's/^/# /' /run/hooks/bpf
	skip "BPF beside the hooks" "bpftrace attaches to no function of this kernel"
fi

# ---- in and out ------------------------------------------------------------------------------

load_goes_on() {
	(
		echo 0 >$group/cgroup.procs
		while has_not /run/hooks/stop; do /bin/true; done
	) &
	for _ in 1 2 3 4 5; do
		if ! { loads && limit && goes; }; then : >/run/hooks/stop; return 1; fi
	done
	: >/run/hooks/stop
	wait
}
try "in and out while processes come and go in the limited group" load_goes_on
tap_end
