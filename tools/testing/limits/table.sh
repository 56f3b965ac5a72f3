#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# table.sh MEMSTATE CLASSES: in the machine: each program twice, under memory.max and
# under ours, and what became of it. Lines "row NAME|MEMORY.MAX|OURS".
set -u
memstate=$1 classes=$2
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
cgroups=/sys/fs/cgroup
log=$(mktemp)

# under_kernel SIZE COMMAND...: memory.max of the kernel's own controller
under_kernel() {
	local size=$1
	shift
	mkdir $cgroups/kernel-max
	echo "$size" >$cgroups/kernel-max/memory.max
	echo 0 >$cgroups/kernel-max/memory.swap.max 2>/dev/null
	timeout -k 5 90 bash -c 'echo 0 >/sys/fs/cgroup/kernel-max/cgroup.procs && exec "$@"' \
		bash "$@" >"$log" 2>&1 </dev/null
	status=$?
	# Near the limit the kernel may try to reclaim for minutes before it kills.
	[ $status != 124 ] || echo "stalled in reclaim" >"$log"
	echo 1 >$cgroups/kernel-max/cgroup.kill
	soon test ! -s $cgroups/kernel-max/cgroup.procs
	kills=$(sed -n 's/^oom_kill //p' $cgroups/kernel-max/memory.events)
	rmdir $cgroups/kernel-max
}

# under_ours SIZE COMMAND...
under_ours() {
	local size=$1
	shift
	timeout -k 5 600 "$memstate" run --reported --quiet --max "$size" -- "$@" >"$log" 2>&1 </dev/null
	status=$?
	[ $status != 124 ] || echo "hung" >"$log"
	kills=0
}

# What the log says in one line
said() {
	grep -m 1 -oE "$1" "$log" | head -c 100
}

# outcome MESSAGE: killed / aborted with a message / survived
outcome() {
	local message
	message=$(said "$1")
	if [ "$kills" != 0 ] || { [ $status = 137 ] && [ -z "$message" ]; }; then
		echo "killed"
	elif grep -q "^stalled in reclaim" "$log"; then
		echo "stalled"
	elif [ $status = 0 ] && [ -n "$message" ]; then
		echo "survived: $message"
	elif [ -n "$message" ]; then
		echo "aborted: $message"
	else
		echo "unclear, status $status: $(tail -n 1 "$log")"
	fi
}

# row NAME SIZE MESSAGE COMMAND...
row() {
	local name=$1 size=$2 message=$3 kernel ours
	shift 3
	under_kernel "$size" "$@"
	kernel=$(outcome "$message")
	under_ours "$size" "$@"
	ours=$(outcome "$message")
	echo "row $name|$kernel|$ours"
}

answers() { redis-cli -p "$1" ping 2>/dev/null | grep -q PONG; }
ended() { ! kill -0 "$1" 2>/dev/null; }
redis() {
	redis-server --port "$1" --save '' --daemonize no --crash-log-enabled no &
	server=$!
	soon answers "$1"
	# The client is not what is limited.
	echo $BASHPID >/sys/fs/cgroup/cgroup.procs
	LD_PRELOAD='' timeout --foreground 400 redis-benchmark -p "$1" -t set -r 10000000 -n 30000 -d 10000 -P 50 \
		-q >/dev/null 2>&1
	# It has met its limit by now and comes to its end, or will be in reclaim for ever.
	soon ended $server
	kill -9 $server 2>/dev/null && echo "stalled in reclaim"
	wait $server
}
export tap_patience
export -f redis answers ended soon

row "Python (jemalloc)" 128M 'MemoryError' \
	sh -c "LD_PRELOAD=\$LD_PRELOAD:libjemalloc.so.2 exec python3 $here/hog.py 400"
row "Python (libmemstate-malloc)" 128M 'MemoryError' \
	sh -c "LD_PRELOAD=\$LD_PRELOAD:${memstate%/*}/libmemstate-malloc.so exec python3 $here/hog.py 400"
row "JVM, serial collector" 160M 'OutOfMemoryError.*|Native memory allocation.*|insufficient memory' \
	java -XX:+UseSerialGC -XX:ErrorFile=/dev/null -Xms8m -Xmx800m -cp "$classes" Hog 700
row "JVM, G1" 300M 'OutOfMemoryError.*|Native memory allocation.*|insufficient memory' \
	java -XX:+UseG1GC -XX:ErrorFile=/dev/null -Xms8m -Xmx800m -cp "$classes" Hog 700
row "Node" 200M 'FATAL ERROR.*|RangeError.*|Fatal process out of memory.*|process OOM' \
	node --max-old-space-size=1024 "$here/hog.js" 700
row "redis" 64M 'Out Of Memory allocating [0-9]+ bytes' bash -c "redis 7001"
