#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# programs.sh HOOKS SHIM MEMSTATE OUT: in a virtual machine with the module: redis and Python on
# Debian's jemalloc, through the example's hooks and through the shim, and what each tells.
set -u

# shellcheck source=tools/testing/tap.sh
. "$(dirname "$0")/../tap.sh"
hooks=$1 shim=$2 memstate=$3 out=$4
socket=/tmp/redis.socket
jemalloc=$(ldconfig -p | awk '$1 == "libjemalloc.so.2" { print $NF; exit }')

redis() { redis-cli -s $socket "$@"; }
info() { redis info "$1" | tr -d '\r' | sed -n "s/^$2://p"; }

# row WAY STEP: MiB, and in $out/WAY.STEP bytes
row() {
	local f
	# Each with what its descriptor tells, after what there is to drain.
	for f in ready prepared prepared_lazy reserved charged drift; do
		echo "$f $("$memstate" stat --json "$pid" | sed -n "s/.*\"$f\": *\([0-9]*\).*/\1/p" | head -n 1)"
	done >"$out/$1.$2"
	for f in allocated active resident; do
		echo "$f $(info memory allocator_$f)"
	done >>"$out/$1.$2"
	echo "rss $(($(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status") * 1024))" >>"$out/$1.$2"
	awk -v what="$1, $2" '{ v[$1] = $2 / 1048576 } END {
		printf "# table %s|%.1f|%.1f|%.1f|%.1f|%.1f|%.1f|%.1f\n", what, v["allocated"],
		v["active"], v["resident"], v["rss"], v["ready"], v["prepared"], v["charged"] }' "$out/$1.$2"
}
value() { awk -v f="$3" '$1 == f { print $2 }' "$out/$1.$2"; } # WAY STEP FIELD

pong() { [ "$(redis ping 2>/dev/null)" = PONG ]; }
saved() { [ "$(info persistence rdb_bgsave_in_progress)" = 0 ]; }
# ticked CLOCK: its cron has run since then, which looks at the allocator, too
ticked() { [ "$(info server lru_clock)" != "$1" ]; }

serve() { # way preload
	local way=$1
	MEMSTATE_BACKEND=device LD_PRELOAD=$2 redis-server --port 0 --unixsocket $socket --save '' \
		--dir /tmp >"$out/redis-$way.log" 2>&1 &
	pid=$!
	soon pong
	result $? "redis through the $way starts"
	row "$way" start
	redis-benchmark -s $socket -q -n 12000 -r 1000000 -d 2000 -t set >/dev/null
	row "$way" filled
	redis bgsave >/dev/null
	soon saved
	[ "$(info persistence rdb_last_bgsave_status)" = ok ] && [ -s /tmp/dump.rdb ]
	result $? "redis through the $way saves from a child"
	redis flushall >/dev/null
	redis memory purge >/dev/null
	soon ticked "$(info server lru_clock)"
	row "$way" emptied
	try "redis through the $way: an audit from outside finds nothing" "$memstate" audit "$pid"
	redis shutdown nosave >/dev/null 2>&1
	wait $pid
	result $? "redis through the $way ends well"
	rm -f /tmp/dump.rdb
}

tap_begin "$out/programs.logs"
serve shim "$shim"
serve hooks "$hooks"
for step in start filled emptied; do
	[ "$(value hooks $step drift)" = 0 ]
	result $? "redis through the hooks, $step: no drift"
	[ "$(value hooks $step ready)" -ge "$(value hooks $step active)" ] &&
		[ "$(value hooks $step ready)" -ge "$(value hooks $step resident)" ]
	result $? "redis through the hooks, $step: Ready covers what jemalloc has resident"
done
# Of the metadata's blocks jemalloc counts what it has touched as resident.
[ $(($(value hooks emptied ready) - $(value hooks emptied resident))) -lt $((8 << 20)) ]
result $? "redis through the hooks, emptied: and exceeds it by metadata not touched yet only"
[ $(($(value shim emptied charged) - $(value hooks emptied charged))) -gt $((8 << 20)) ]
result $? "redis emptied: the hooks give a charge back that the shim has to keep"

export PYTHONMALLOC=malloc MEMSTATE_BACKEND=device
LD_PRELOAD=$hooks:$jemalloc MEMSTATE_MAX=96M /usr/bin/python3 - >"$out/python" 2>&1 <<'PY'
import glob, os, threading
held = []
try:
    while True:
        held.append(bytes(1 << 20))
except MemoryError:
    n = len(held)
    held.clear()
    print("MemoryError after", n, "MiB")
assert 60 < n < 96, n
again = [bytes(1 << 20) for i in range(n // 2)]
def work():
    for i in range(3000):
        [j for j in range(i % 500)]
threads = [threading.Thread(target=work) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
pid = os.fork()
if not pid:
    again.append(bytes(1 << 20))
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
lines = [open(f).read().split() for f in glob.glob("/sys/class/misc/memstate/tasks/*")]
own = [dict(zip(l[::2], l[1::2])) for l in lines if l[1] == str(os.getpid())]
assert len(own) == 1 and int(own[0]["transitions"]) and own[0]["drift"] == "0", own
print("right")
PY
[ "$(tail -n 1 "$out/python")" = right ]
result $? "Python through the hooks: MemoryError at the limit, and goes on" "$out/python"
tap_end
