#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh MODULE MEMSTATE BUILD OUT HERE: the part with the module, as TAP. Recordings
# are left in OUT for whoever called.
set -u

module=$1 memstate=$2 build=$3 out=$4
sys=/sys/class/misc/memstate
tracing=/sys/kernel/tracing
export MEMSTATE_BACKEND=device
# shellcheck source=tools/testing/tap.sh
. "$(dirname "$0")/../tap.sh"
# It has its own library, and no shim in front of it.
own=(env -u LD_PRELOAD)
said=$out/said

record() { "$memstate" record "$@" >"$said" 2>&1; }
told() { grep -qF -- "$1" "$said"; }

# sampled FILE: a recorder, which is not waited for, has got so far
sampled() { soon grep -qs '"type":"sample"' "$1"; }

# It has said so that often.
has_said() { [ "$(wc -l </tmp/steps)" -ge "$1" ]; }
stands() { soon has_said "$1" || result 1 "steps stands still ($1)" /tmp/steps; }

# A program whose input is open until it is stopped
begin() { # command...
	: >/tmp/steps
	mkfifo /tmp/fifo
	"$@" </tmp/fifo >/tmp/steps &
	runner=$!
	exec 9>/tmp/fifo
	rm -f /tmp/fifo
}
# One that has done its steps and stands still; its process in $pid.
start() { # arguments of steps
	begin "$build/steps" "$@"
	stands "${lines:-1}"
	pid=$(sed 's/ ready//' /tmp/steps | head -n 1)
}
stop() {
	exec 9>&-
	wait $runner
}
ended() { ! kill -0 "$1" 2>/dev/null; }
unused() { [ "$(cat $sys/nr_tasks)" = 0 ]; }

"$(dirname "$0")/../reachable.sh" "$memstate" "$build"
insmod "$module" || exit 1
tap_begin "$out"

# Somebody else traces; what he has is his.
echo 1 >$tracing/events/memstate/memstate_charge/enable
echo "a mark of somebody else's" >$tracing/trace_marker
state() { cat $tracing/tracing_on $tracing/buffer_size_kb $tracing/trace_clock \
	$tracing/events/memstate/*/enable $tracing/events/memstate/*/filter; }
state >"$out/before"

# A command is recorded to its end, or for so long: ten minutes, which are over when it stands
# still.
rm -f "$out/later"
LATER=$out/later LD_PRELOAD=$build/later.so begin "$memstate" record -o "$out/command.rec" \
	--transitions --ranges 10 --duration 600 -- "${own[@]}" "$build/steps" 5 3000 -1 2 2>"$said"
stands 3
: >"$out/later"
soon grep -qs '"type":"end"' "$out/command.rec"
stop
[ $? = 7 ]
result $? "a command's exit status is passed on"
told "(duration)" && told ", 0 lost"
result $? "a command with two children, every transition of theirs"
record -o "$out/killed.rec" -- sh -c 'kill -9 $$'
[ $? = 137 ]
result $? "a signal that ends the command is passed on"
record -o "$out/none.rec" -- /no/such
[ $? = 127 ]
result $? "a command that is not there"
record -o "$out/no/such/file" -- true
[ $? = 1 ] && told "/no/such/file"
result $? "a file that cannot be made"
ls -d /sys/fs/cgroup/memstate-run-* >"$said" 2>&1
result $((! $?)) "no cgroup is left"

# -p: from a ledger on. It stands still, is recorded, goes on by its own, stands still.
start 11 2000
rm -f "$out/pid.rec" "$out/end.rec"
"$memstate" record -o "$out/pid.rec" -p "$pid" --ranges 5 --transitions >"$said" 2>&1 9>&- &
recorder=$!
sampled "$out/pid.rec"
echo >&9
stands 2
kill -TERM $recorder
wait $recorder
result $? "-p records a process"
"$memstate" stat --json "$pid" >"$out/pid.json" 2>>"$said"
echo processes/0/reported >"$out/pid.key"
# Not with the program's input in its hands.
"$memstate" record -o "$out/end.rec" -p "$pid" --interval 0.05 >"$said" 2>&1 9>&- &
recorder=$!
sampled "$out/end.rec"
stop
wait $recorder && told "(target ended)"
result $? "-p ends with its process"
tail -n 1 "$out/end.rec" | grep -q '"reason":"target ended"'
result $? "and the file says so"
record -o "$out/x.rec" -p $$
[ $? = 1 ] && told "process $$ does not report"
result $? "-p of a process that does not report"
[ ! -e "$out/x.rec" ]
result $? "leaves no file"
# Books of another process are not its own, wherever it has a descriptor of them from.
"$build/shares" not >"$out/shares" &
other=$!
soon grep -qs child "$out/shares"
child=$(sed -n 's/^child //p' "$out/shares")
grep -qx "memstate-pid:	$other" /proc/"$child"/fdinfo/*
result $? "a child has a descriptor of its parent's books"
record -o "$out/x.rec" -p "$child" --duration 1
[ $? = 1 ] && told "process $child does not report" && ! grep -qx "pid $child" $sys/tasks/*
result $? "-p of it"
"$memstate" ranges "$child" >"$said" 2>&1 && told "observed, backed" && ! grep -vq "  observed, backed " "$said"
result $? "ranges of it are as they are observed"
# What the parent's are, for people and for programs: one half can only be read.
"$memstate" ranges $other >"$said" && [ "$(grep -c ' read-only$' "$said")" = 1 ]
result $? "ranges that can only be read"
"$memstate" ranges --json $other >"$said"
[ "$(grep -o '"read_only": *true' "$said" | wc -l) $(grep -o '"read_only": *false' "$said" | wc -l)" = "1 1" ] &&
	! grep -q '"lazy": *true' "$said"
result $? "--json says so, too, and that they are not lazy"
kill "$child"
wait $other
exec 5</dev/memstate
start 3 1000
[ -e /proc/"$pid"/fd/5 ] && "$memstate" ranges "$pid" >"$said" 2>&1 && told ready
result $? "ranges of a process that has books of its own besides"
"$build/shares" >"$out/shares" &
other=$!
soon grep -qs child "$out/shares"
child=$(sed -n 's/^child //p' "$out/shares")
"$memstate" ranges "$child" >"$said" 2>&1 && told ready
result $? "ranges of a process that shares another's address space"
kill "$child"
wait $other
stop
exec 5<&-

# -g: a cgroup with one below it
mkdir -p /sys/fs/cgroup/plot/below
echo $$ >/sys/fs/cgroup/plot/below/cgroup.procs
"$memstate" limit /plot --high 3M >/dev/null
rm -f "$out/group.rec" "$out/gone.rec"
"$memstate" record -o "$out/group.rec" -g /plot --transitions --interval 0.05 >"$said" 2>&1 &
recorder=$!
sampled "$out/group.rec"
lines=2 start 23 1500 -1 1
# Somebody who does not belong to it
echo $$ >/sys/fs/cgroup/cgroup.procs
sleep infinity 9>&- &
other=$!
(echo $BASHPID >/sys/fs/cgroup/cgroup.procs; exec "$build/steps" 99 500 0 >/dev/null) </dev/null
"$memstate" stat --json --groups /plot >"$out/group.json" 2>"$out/stat.err"
echo groups/0/reported >"$out/group.key"
kill -TERM $recorder
wait $recorder
result $? "-g records a cgroup and what is below it"
told "interrupted"
result $? "-g: SIGTERM ends it in order"
grep -q '"high":3145728' "$out/group.rec" && grep -q '"type":"event".*"event":"high"' "$out/group.rec"
result $? "-g: its limit and that it was passed are there"
"$memstate" record -o "$out/system.rec" --duration 1 >"$said" 2>&1
result $? "the system is recorded"
"$memstate" stat --json >"$out/system.json" 2>>"$said"
: >"$out/system.key"
stop
"$memstate" record -o "$out/gone.rec" -g /plot --interval 0.05 >"$said" 2>&1 &
recorder=$!
sampled "$out/gone.rec"
rmdir /sys/fs/cgroup/plot/below /sys/fs/cgroup/plot
soon ended $recorder || kill $recorder
wait $recorder
told "(target ended)"
result $? "-g ends with its cgroup"
kill $other

# More than the buffer holds
record -o "$out/lost.rec" --transitions --trace-buffer 4K --interval 1 -- "${own[@]}" "$build/steps" 3 30000 500
told "transitions were lost: a larger --trace-buffer"
result $? "lost transitions are said"
tail -n 1 "$out/lost.rec" | grep -qE '"lost":[1-9]'
result $? "and written"
"$memstate" plot -o "$out/lost.gp" "$out/lost.rec" >"$said" 2>&1 && grep -q 'transitions were lost' "$out/lost.gp"
result $? "and in the picture"

# Killed: the file is there, and the next one clears up.
rm -f "$out/kill9.rec"
"$memstate" record -o "$out/kill9.rec" --transitions --interval 0.02 >"$said" 2>&1 &
recorder=$!
sampled "$out/kill9.rec"
kill -9 $recorder
wait $recorder 2>/dev/null
"$memstate" plot -o "$out/kill9.gp" "$out/kill9.rec" >"$said" 2>&1
result $? "of a recorder that was killed there is what was written"
ls -d $tracing/instances/memstate-record-* >"$said" 2>&1
result $? "its instance stays"
record -o "$out/next.rec" --transitions --duration 0.2
ls -d $tracing/instances/memstate-record-* >"$said" 2>&1
result $((! $?)) "until the next one"
state >"$out/after"
cmp "$out/before" "$out/after" >"$said" 2>&1
result $? "tracing is as it was"
grep -q "a mark of somebody else's" $tracing/trace
result $? "and what others traced is there"
grep -q "memstate_transition\|memstate_open" $tracing/trace
result $((! $?)) "and nothing of ours"
echo 0 >$tracing/events/memstate/memstate_charge/enable

# Who is not root
mkdir -m 777 /tmp/plot
user() { setpriv --reuid 1234 --regid 1234 --clear-groups "$@"; }
user "$memstate" record -o /tmp/plot/user.rec --duration 0.3 >"$said" 2>&1
result $? "the system is anybody's to record"
user "$memstate" record -o /tmp/plot/user2.rec --transitions --duration 0.3 >"$said" 2>&1
[ $? = 1 ] && told "tracing is root's"
result $? "transitions are root's"
start 31 100
user "$memstate" record -o /tmp/plot/user3.rec -p "$pid" --duration 0.3 >"$said" 2>&1
[ $? = 1 ] && told "process $pid: not permitted"
result $? "somebody else's process is not"
stop
# Its program runs late: until then it is the recorder, whose books are not asked for.
late=(strace -f -qq -o /dev/null -e inject=execve:delay_enter=300000)
begin user "${late[@]}" "$memstate" record -o /tmp/plot/user4.rec -- "${own[@]}" "$build/steps" 1 100 \
	2>"$said"
soon grep -qs '"type":"sample".*"ready":[1-9]' /tmp/plot/user4.rec
stop
[ $? = 7 ] && told "only its first process is recorded" &&
	grep -q '"type":"sample".*"ready":[1-9]' /tmp/plot/user4.rec
result $? "a command of one's own is, without a cgroup"

soon unused
rmmod memstate >"$said" 2>&1
result $? "the module goes"
tap_end
