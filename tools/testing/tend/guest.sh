#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh MEMSTATE: with the module, in the machine: memstate tend of a cgroup, and what memstate
# run tells of pressure.
set -u
memstate=$1
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
work=$(mktemp -d)
tap_begin "$work/tap"

cat >"$work/watcher.py" <<'P'
import mmap, os, socket
with socket.socket(socket.AF_UNIX) as s:
    s.connect(os.environ["MEMORY_PRESSURE_WATCH"])
    memory = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(bytes(16 << 20))
    print("heard", len(s.recv(4096)) > 0)
P
says "run tells a program of pressure" 0 "heard True" \
	"$memstate" run --high 8M -- python3 "$work/watcher.py"
says "also one that is not told of" 0 "heard True" \
	"$memstate" run --quiet --high 8M -- python3 "$work/watcher.py"
# shellcheck disable=SC2016 # the inner shell expands it
# shellcheck disable=SC2016 # the inner shell expands it
{
	mkdir -p "$work/sockets"
	says "the socket is where TMPDIR says" 0 "in $work/sockets/memstate-run." env TMPDIR="$work/sockets" \
		"$memstate" run --high 8M -- sh -c 'echo "in $MEMORY_PRESSURE_WATCH"'
	says "or in /tmp" 0 "in /tmp/memstate-run." env TMPDIR=/nonexistent \
		"$memstate" run --high 8M -- sh -c 'echo "in $MEMORY_PRESSURE_WATCH"'
	says "and where it can be nowhere it is said why" 0 "it will not be told of pressure (MEMORY_PRESSURE_WATCH): /tmp: Read-only file system" \
		unshare -m sh -c "mount -t tmpfs -o ro none /tmp && mount -t tmpfs -o ro none /dev/shm &&
		exec '$memstate' run --high 8M -- true"
}
# shellcheck disable=SC2016 # likewise
says "what is named already stays" 0 "is /dev/null" env MEMORY_PRESSURE_WATCH=/dev/null \
	"$memstate" run --high 8M -- sh -c 'echo "is $MEMORY_PRESSURE_WATCH"'
# shellcheck disable=SC2016
says "without a limit there is none" 0 "is none" \
	"$memstate" run -- sh -c 'echo "is ${MEMORY_PRESSURE_WATCH-none}"'
ok "nothing is left of it" '! ls -d /tmp/memstate-run.*'

# A made-up server, and a program that takes memory.
mkdir /sys/fs/cgroup/tended /sys/fs/cgroup/tended/below
says "a group that there is not" 1 "neither a cgroup" "$memstate" tend nobody
says "the whole machine is not meant by a process" 1 "holds for the whole machine" "$memstate" tend $$
"$memstate" limit /tended --max 64M >"$work/said"
python3 -c "
import sys
sys.path.insert(0, '$here')
import peers
peers.redis(lambda: open('$work/there', 'w').close(), '$work/log')" &
server=$!
soon test -e "$work/there"
echo $server >/sys/fs/cgroup/tended/below/cgroup.procs
"$memstate" tend /tended --socket "$work/pressure" --pause 0.1 >"$work/told" 2>&1 &
tend=$!
told() {
	soon grep -qF "$1" "$work/told" && return
	cat "$work/told"
	return 1
}
try "a server is told the limit of the group above it" told "redis-server[$server]: maxmemory is 48.0 MiB"
"$memstate" limit /tended --max 32M >"$work/said"
try "and a limit that has changed" told "redis-server[$server]: maxmemory is 24.0 MiB"
# shellcheck disable=SC2016 # ok evaluates it
ok "and of nothing else" '! grep -q purged "$work/told"'
cat >"$work/take.py" <<'P'
import mmap
try:
    memory = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(bytes(64 << 20))
    print("taken")
except (MemoryError, OSError):
    print("refused")
P
# shellcheck disable=SC2016 # the inner shell expands it
says "another one is refused" 0 refused \
	bash -c 'echo 0 >/sys/fs/cgroup/tended/cgroup.procs && exec python3 "$1"' bash "$work/take.py"
try "which the server is told of" told "redis-server[$server]: purged"
kill $server
try "it is seen when all have left" told "nobody is there any more"
gone() { ! kill -0 $tend 2>/dev/null; }
soon gone && wait $tend
result $? "and it ends" "$work/told"
# shellcheck disable=SC2016 # ok evaluates it
ok "its socket has gone" '! test -e "$work/pressure"'
rmdir /sys/fs/cgroup/tended/below /sys/fs/cgroup/tended
rm -rf "$work"
tap_end
