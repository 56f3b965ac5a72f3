#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# demo.sh MODULE BUILD OUT: what "make run" does inside the virtual machine. Real
# programs with nothing of ours in them are seen, limited and refused; then others are
# accounted through the observe shim while one watches. Recordings are left in OUT.
set -u

module=$1
build=$2
out=$3
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
sys=/sys/class/misc/memstate
memstate=$build/memstate
work=$(mktemp -d)
export MEMSTATE_BACKEND=device

say() { printf '\n== %s\n' "$*"; }
die() { echo "demo: $*" >&2; exit 1; }

# One file's value.
value() { cat "$sys/$1"; }
# task_value PID KEY: what a task reports now; asked for by its descriptor, that is drained first
task_value() { "$memstate" stat --json "$1" | sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" | head -n 1; }
# still PID: all of its threads stand still
still() { ! cat "/proc/$1"/task/*/status 2>/dev/null | grep '^State:' | grep -qv 'T (stopped)'; }
# The program of $runner has reported something: its process in $pid; or it has ended.
reports_or_ends() {
	pid=$(pgrep -P "$runner" | head -n 1)
	[ -n "$pid" ] && [ "0$(task_value "$pid" transitions 2>/dev/null)" -gt 0 ] &&
		return
	pid=''
	! kill -0 "$runner" 2>/dev/null
}
empty() { [ "$(value nr_tasks)" = 0 ]; }

insmod "$module" || die "insmod $module failed"
say "kernel $(uname -r): memstate loaded, $(stat -c '%n mode %a' /dev/memstate)"

# --- programs with nothing of ours in them ---------------------------------------------

say "a program that has nothing of ours in it and runs already, limited: memstate limit PID --max 64M"
any=/sys/fs/cgroup/demo-any
mkdir $any
mkfifo "$work/to" "$work/from"
(echo 0 >$any/cgroup.procs && exec python3 "$here/any.py") <"$work/to" >"$work/from" &
silent=$!
exec 5>"$work/to" 6<"$work/from"
read -r line <&6 && echo "python3, process $silent: $line"
"$memstate" limit $silent --max 64M || die "limit failed"
say "it is seen: all figures are the kernel's"
"$memstate" stat $silent
say "it takes memory until it is refused"
echo more >&5
read -r line <&6 && echo "python3, process $silent: $line"
kill -0 $silent || die "it is not alive"
echo "a static program beside it (busybox awk, a string that doubles):"
(echo 0 >$any/cgroup.procs && exec busybox awk 'BEGIN { s = "x"; while (1) s = s s }')
echo "exit status $?, and what was killed: $(grep '^oom_kill ' $any/memory.events)"
"$memstate" limit $any | grep -E '^(Charged|Max|Observed|last refusal|events)'
"$memstate" stat -g $any
exec 5>&- 6<&-
wait $silent || die "the program failed"
rmdir $any

# --- programs that report ----------------------------------------------------------------

# name, then the command; waits until it reports.
declare -A pids
start() {
	local name=$1
	shift
	"$memstate" run --reported --quiet -- "$@" >"$work/$name.log" 2>&1 </dev/null &
	local runner=$! pid=''
	soon reports_or_ends || die "$name does not report: $(cat "$work/$name.log")"
	[ -n "$pid" ] || die "$name ended at once: $(cat "$work/$name.log")"
	pids[$name]=$pid
	runners[$name]=$runner
	echo "$name: process $pid"
}
declare -A runners

say "starting redis-server, a Python program, a JVM and Node under the shim"
start redis redis-server --port 6399 --save '' --appendonly no --dir "$work" \
	--bind 127.0.0.1 --daemonize no
start python /usr/bin/python3 "$here/work.py"
start java java -Xmx96m -Xms16m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
	-XX:-UsePerfData -Xshare:auto -cp "$build" Work
start node node --max-old-space-size=128 "$here/work.js"

say "live: totals once a second, while redis-benchmark runs"
"$memstate" record --quiet -o "$out/system.rec.gz" &
recorder=$!
redis-benchmark -p 6399 -t set,lpush -n 6000 -d 512 -r 2000 -c 4 -q >"$work/bench.log" 2>&1 &
bench=$!
for ((i = 0; i < 6; i++)); do
	sleep 1
	"$memstate" stat --line
done
wait $bench
kill $recorder
wait $recorder || die "record failed"
tr '\r' '\n' <"$work/bench.log" | grep 'requests per second' | sed 's/^/redis-benchmark: /'

say "per program: what it reports beside what the kernel observes"
"$memstate" stat "${pids[@]}" || die "stat failed"
echo
"$memstate" stat --line "${pids[@]}"
say "the system"
"$memstate" stat --classes
for name in "${!pids[@]}"; do
	[ "$(task_value "${pids[$name]}" drift)" = 0 ] || die "$name drifts"
	[ "$(task_value "${pids[$name]}" ready)" -gt 0 ] || die "$name reports nothing Ready"
	# What is charged is what is held, and at most some batches of credit. Two readings
	# belong together only while the program stands still.
	kill -STOP "${pids[$name]}"
	soon still "${pids[$name]}" || die "$name does not stand still"
	held=$(task_value "${pids[$name]}" ready_direct)
	credit=$(($(task_value "${pids[$name]}" charged) - held))
	kill -CONT "${pids[$name]}"
	echo "$name: $held bytes held, $credit of credit"
	{ [ $credit -ge 0 ] && [ $credit -le 1048576 ]; } || die "$name: the charge is off"
done

say "the ledger of redis-server, and where it differs from the mappings"
"$memstate" ranges "${pids[redis]}" | head -n 5
"$memstate" audit "${pids[redis]}" || die "redis-server's books differ from its mappings"
for command in stat ranges audit scan; do
	"$memstate" $command --json "${pids[redis]}" | /usr/bin/python3 -m json.tool >/dev/null ||
		die "$command --json is no JSON"
done
"$memstate" scan "${pids[redis]}"

say "a program held to a limit, beside the same under the kernel's memory.max"
mkdir /sys/fs/cgroup/demo-max
echo 96M >/sys/fs/cgroup/demo-max/memory.max
(echo 0 >/sys/fs/cgroup/demo-max/cgroup.procs
	LD_PRELOAD=libjemalloc.so.2 exec python3 "$here/../limits/hog.py" 256) 2>/dev/null
echo "memory.max 96M: exit status $? ($(grep '^oom_kill ' /sys/fs/cgroup/demo-max/memory.events))"
rmdir /sys/fs/cgroup/demo-max
"$memstate" run --max 96M --high 64M -- sh -c \
	"LD_PRELOAD=\$LD_PRELOAD:libjemalloc.so.2 exec python3 $here/../limits/hog.py 256"
echo "memstate 96M: exit status $?"
"$memstate" stat -g

say "a cache in Python that meets its limit again and again, recorded"
"$memstate" record -o "$out/cache.rec.gz" --ranges 4 --max 64M --high 48M -- sh -c \
	"LD_PRELOAD=\$LD_PRELOAD:libjemalloc.so.2 exec python3 $here/cache.py 4" ||
	die "the recorded program failed"

say "all programs end; nothing may be left"
redis-cli -p 6399 shutdown nosave >/dev/null 2>&1
kill "${pids[python]}" "${pids[java]}" "${pids[node]}"
for runner in "${runners[@]}"; do wait "$runner"; done
soon empty
status=0
for file in reserved prepared ready reserved_lazy prepared_lazy ready_direct ranges nr_tasks; do
	printf '%-14s %s\n' "$file" "$(value $file)"
	[ "$(value $file)" = 0 ] || status=1
done
[ $status = 0 ] || die "something is left"
rmmod memstate || die "rmmod failed"
rm -rf "$work"
say "all totals are 0 and the module is gone"
