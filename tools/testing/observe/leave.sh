#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# leave.sh MEMSTATE LEAVE DIR [few]: memstate run tells of a program, however that ends and
# whatever it takes from itself. LEAVE is leave.c's program; what is said lies in DIR. "few": not
# with more processes than there is room for, which takes long where a machine is emulated.
set -u

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
memstate=$1
leave=$2
mkdir -p "$3"
dir=$(readlink -f "$3")
export MEMSTATE_BACKEND=${MEMSTATE_BACKEND:-embedded}

tap_begin "$dir"
chmod 755 "$dir"

# leaves WAY STATUS MIB...: the peaks of all processes, as they are told afterwards
leaves() {
	local way=$1 status=$2 name=${1//[ ,]/-} got
	shift 2
	rm -f "$dir/$name.json"
	timeout 300 "$memstate" run --reported --json --output "$dir/$name.json" -- "$leave" "$way" \
		>"$dir/$name.said" 2>&1 </dev/null
	got=$?
	cp "$dir/$name.said" "$tap_dir/said"
	echo "exit status $got; wanted was $status" >>"$tap_dir/said"
	[ $got = "$status" ] && python3 - "$dir/$name.json" "$@" >>"$tap_dir/said" 2>&1 <<'P'
import json, sys
processes = json.load(open(sys.argv[1]))["processes"]
peaks = sorted(p["peak_ready"] / (1 << 20) for p in processes)
print(peaks)
assert peaks == sorted(map(float, sys.argv[2:])), (peaks, sys.argv[2:])
assert {p["comm"] for p in processes} == {"leave"}, processes
assert len({p["backend"] for p in processes}) == 1
P
	result $? "figures of one that was: $way"
}

leaves plain 0 20
leaves "given back" 0 50
leaves killed 137 20
leaves aborted 134 20
leaves "nothing open" 0 20
leaves executed 0 20 30
leaves "nothing open, executed" 0 20 30
leaves sandboxed 0 20
leaves "child killed" 0 20 40
if [ "$(id -u)" = 0 ]; then
	leaves "no root" 0 20
	leaves "no root, executed" 0 20 30
	leaves "no root, nothing open, executed" 0 20 30
	leaves chroot 0 20
else
	skip "figures of one that drops root" "only for root"
fi

# In the end it holds what it holds, and not what it held.
ok "what was given back is not held in the end" "python3 -c '
import json
process, = json.load(open(\"$dir/given-back.json\"))[\"processes\"]
assert process[\"ready\"] == 20 << 20, process'"

leaves daemon 0 20 60
ok "it is said that the daemon goes on, and it does" "python3 -c '
import json, os, signal
processes = json.load(open(\"$dir/daemon.json\"))[\"processes\"]
running, = [p for p in processes if p[\"running\"]]
assert running[\"peak_ready\"] == 60 << 20, processes
os.kill(running[\"pid\"], signal.SIGKILL)'"

leaves "daemon, later" 0 20 60
says "who goes on without figures is told of, too" 0 "what it has started goes on, and has left no figures yet" \
	"$memstate" run --reported -- "$leave" "daemon, idle"

# Nowhere to put a file: none is needed.
if unshare -m true 2>/dev/null; then
	says "with nowhere to put a file" 0 "20.0 MiB" unshare -m sh -c "
		mount -t tmpfs -o size=4k none /dev/shm && dd if=/dev/zero of=/dev/shm/full 2>/dev/null
		mount -t tmpfs -o ro none /tmp && TMPDIR=/nonexistent '$memstate' run --reported -- '$leave' killed
		[ \$? = 137 ]"
else
	skip "with nowhere to put a file" "no mount namespace may be made"
fi
says "TMPDIR is of no interest" 0 "20.0 MiB" env TMPDIR=/nonexistent "$memstate" run --reported -- "$leave" plain

# A table that can be read: whoever held little is in one line. What was said is kept.
table() { # STATUS COMMAND...
	"$memstate" run --reported "$@" >"$dir/table" 2>&1 </dev/null
}
table -- sh -c "for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; '$leave' plain; :"
ok "those that held nothing are in one line" "grep -E '^10 held nothing [(]--all: each[)] ' $dir/table"
ok "with the one that held something" "grep -E '^[0-9]+ +leave +[a-z]+ .* 20.0 MiB +[0-9]+$' $dir/table"
ok "and the sum" "grep -E '^sum of 11 .* 20.0 MiB +[0-9]+$' $dir/table"
table -- "$leave" children
ok "of many that held as much, some are shown" "[ \$(grep -c ' leave ' $dir/table) = 20 ]"
ok "and the others summed" "grep -E '^11 others .* 420 MiB +[0-9]+$' $dir/table"
ok "and all" "grep -E '^sum of 31 .* 1.19 GiB +[0-9]+$' $dir/table"
table --all -- "$leave" children
ok "--all shows each" "[ \$(grep -c ' leave ' $dir/table) = 31 ] && ! grep others $dir/table"
[ "${4-}" = few ] && tap_end
table -- "$leave" many
ok "of more than there is room for at once none is missing" \
	"grep -E '^sum of 17001 ' $dir/table && ! grep 'no room' $dir/table || ! cat $dir/table"
tap_end
