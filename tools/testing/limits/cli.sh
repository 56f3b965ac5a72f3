#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# cli.sh MEMSTATE COUNTER: in the machine: the commands that have to do with limits, and
# what stat says of COUNTER's allocator.
set -u
memstate=$1
counter=$2
# shellcheck source=tools/testing/tap.sh
. "$(dirname "$0")/../tap.sh"
work=$(mktemp -d)
chmod 755 "$work"
tap_begin "$work/tap"

# ok NAME COMMAND: what it says is kept for the next ones to look at, if it is not
# itself one that looks
ok() {
	eval "$2" >"$work/says" 2>&1
	result $? "$1" "$work/says" || sed 's/^/# said: /' "$work/said" | head -n 20
	case $2 in grep*) ;; *) mv "$work/says" "$work/said" ;; esac
}

cat >"$work/take.py" <<'P'
import mmap, sys
held = []
try:
    for _ in range(int(sys.argv[1])):
        held.append(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
except OSError as e:
    print(f"{len(held)} MiB, then errno {e.errno}")
    sys.exit(3)
print("all")
P

mkdir -p /sys/fs/cgroup/cli/inner
echo +memory >/sys/fs/cgroup/cli/cgroup.subtree_control
cg=/sys/fs/cgroup/cli
id=$(stat -c %i $cg)
ok "limit sets max and high" "$memstate limit $cg --max 64M --high 32M"
ok "limit shows them" "grep -q '^Max *64.0 MiB' $work/said && grep -q '^High *32.0 MiB' $work/said"
ok "sysfs shows them" "[ \$(cat /sys/class/misc/memstate/groups/$id/max) = 67108864 ]"
ok "in any order" "$memstate limit $cg --high 31M --max 63M && $memstate limit $cg"
ok "both are set" "grep -q '^Max *63.0 MiB' $work/said && grep -q '^High *31.0 MiB' $work/said && $memstate limit $cg --max 64M --high 32M"
ok "limit takes a path in the hierarchy" "$memstate limit /cli/inner --max 16M && $memstate limit cli/inner"
ok "limit shows what is in force" "$memstate limit $cg/inner --max max | grep -q '^Lowest max *64.0 MiB'"
ok "limit takes a process id" "$memstate limit \$\$ | grep -q '^GROUP  *\/ '"
mkdir $cg/libpod-0123456789abcdef0123.scope
ok "limit takes a container's id" "$memstate limit 0123456789ab --json | grep -q libpod-0123456789abcdef0123"
ok "limit in JSON" "$memstate limit $cg --json | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d[\"max\"]==64<<20 and d[\"pressure\"]==\"none\", d'"
rmdir $cg/libpod-0123456789abcdef0123.scope
ok "limit of nothing there is told" "! $memstate limit nobody-knows-it && grep -q 'neither a cgroup' $work/says"
ok "limit of a file is told" "! $memstate limit /etc/passwd && grep -q 'no such cgroup' $work/says"
ok "a wrong size is told" "$memstate limit $cg --max 12Q; [ \$? = 2 ] && grep -q \"'12Q' is not a size\" $work/says"
ok "a size too large is told" "$memstate limit $cg --max 99999999999999999999P; [ \$? = 2 ] && grep -q 'too large' $work/says"
ok "who may not is told" "! setpriv --reuid 65534 --clear-groups $memstate limit $cg --max 1G; grep -q CAP_SYS_RESOURCE $work/says"
ok "it was not set" "[ \$(cat /sys/class/misc/memstate/groups/$id/max) = 67108864 ]"

ok "run in a cgroup of its own" "$memstate run --max 32M -- python3 $work/take.py 100; [ \$? = 3 ] && grep -q 'limited in cgroup .*memstate-run' $work/says"
ok "the program was told ENOMEM" "grep -qE '(2[0-9]|3[0-2]) MiB, then errno 12' $work/said"
ok "and what was enforced is shown" "grep -q 'enforced: max 32.0 MiB.*denied [1-9]' $work/said"
ok "the cgroup is gone" "! ls -d /sys/fs/cgroup/memstate-run-*"
ok "run below the limit" "$memstate run --max 64M -- python3 $work/take.py 20 && grep -q '^all' $work/says"
cat >"$work/sbrk.py" <<'P'
import ctypes
sbrk = ctypes.CDLL(None, use_errno=True).sbrk
sbrk.restype, sbrk.argtypes = ctypes.c_ssize_t, [ctypes.c_ssize_t]
before = sbrk(0)
assert sbrk(8 << 20) == before
assert sbrk(64 << 20) == -1 and ctypes.get_errno() == 12
assert sbrk(0) == before + (8 << 20)
assert sbrk(-(8 << 20)) == before + (8 << 20)
assert sbrk(24 << 20) == before
P
ok "sbrk is charged, refused and given back" "$memstate run --reported --max 32M -- python3 $work/sbrk.py"
ok "and reported" "grep -qE 'peak (2[4-9]|3[0-2])' $work/said"
ok "also by the embedded back end" "MEMSTATE_BACKEND=embedded $memstate run --max 32M -- python3 $work/sbrk.py"
cat >"$work/fixed.py" <<'P'
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_ssize_t
libc.mmap.argtypes = [ctypes.c_ssize_t, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
RW, ANON, FIXED, MIB = 3, 0x22, 0x10, 1 << 20
at = libc.mmap(0, 40 * MIB, 0, ANON, -1, 0)
assert libc.mmap(at, 20 * MIB, RW, ANON | FIXED, -1, 0) == at
# Again over the same, and four more: below the limit only as what is there counts.
assert libc.mmap(at, 24 * MIB, RW, ANON | FIXED, -1, 0) == at
assert libc.mmap(at, 24 * MIB, RW, ANON | FIXED, -1, 0) == at
assert libc.mmap(at, 40 * MIB, RW, ANON | FIXED, -1, 0) == -1 and ctypes.get_errno() == 12
# And growing, or moving, what is there.
libc.mremap.restype = ctypes.c_ssize_t
libc.mremap.argtypes = [ctypes.c_ssize_t, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
to = libc.mremap(at, 24 * MIB, 28 * MIB, 1)
assert to != -1
assert libc.mremap(to, 28 * MIB, 60 * MIB, 1) == -1 and ctypes.get_errno() == 12
assert libc.munmap(ctypes.c_ssize_t(to), ctypes.c_size_t(28 * MIB)) == 0
assert libc.mmap(0, 28 * MIB, RW, ANON, -1, 0) != -1
P
ok "mapping over one's own memory takes the difference" "$memstate run --reported --max 32M -- python3 $work/fixed.py"
ok "without a breach" "grep -q 'breaches 0' $work/said"
for how in "a job:limited in a job:" "itself, if it reports:each process is limited by itself:--reported"; do
	IFS=: read -r what said option <<<"$how"
	ok "run where no cgroup may be made: $what" "setpriv --reuid 65534 --clear-groups $memstate run $option --max 32M -- python3 $work/take.py 100; [ \$? = 3 ] && grep -q '$said' $work/says"
	ok "it is held to the limit all the same" "grep -qE '(2[0-9]|3[0-2]) MiB, then errno 12' $work/said"
done
ok "run with the embedded back end" "MEMSTATE_BACKEND=embedded $memstate run --max 32M -- python3 $work/take.py 100; [ \$? = 3 ] && grep -q 'each process is limited by itself' $work/says"
ok "run with a wrong size" "$memstate run --high x -- true; [ \$? = 2 ]"

# shellcheck disable=SC2016 # the inner shell expands it
(echo 0 >$cg/inner/cgroup.procs && held=$work/held exec "$memstate" run --reported --quiet -- sh -c 'LD_PRELOAD="$LD_PRELOAD:libjemalloc.so.2" exec python3 -c "
import os, signal
x = bytearray(8 << 20)
open(os.environ[\"held\"], \"w\")
signal.pause()"') &
child=$!
soon test -e "$work/held"
ok "stat of groups" "$memstate stat -g"
ok "shows the group with its limits" "grep -E '^/cli +\|.*64.0 MiB +none' $work/said"
ok "and everything under the root" "grep -E '^/ +\|' $work/said"
ok "stat of one group in JSON" "$memstate stat -g cli/inner --json | python3 -c '
import json, sys
g = json.load(sys.stdin)[\"groups\"][0]
r = g[\"reported\"][\"ready\"] + g[\"reported\"][\"prepared\"]
assert g[\"path\"] == \"/cli/inner\" and r >= 8 << 20, g
assert g[\"unaccounted\"] == max(0, g[\"memory\"][\"anon\"] - r), g
assert g[\"memory\"][\"anon\"] > 8 << 20'"
ok "stat of a group that is not" "! $memstate stat -g cli/none && grep -q 'no such cgroup' $work/says"
ok "groups go not with classes" "$memstate stat -g --classes; [ \$? = 2 ]"

"$memstate" watch --count 3 --timeout "$tap_patience" $cg >"$work/watch" 2>&1 &
watcher=$!
soon test -s "$work/watch"
"$memstate" limit $cg --high 1M >/dev/null
changed() { [ "$(wc -l <"$work/watch")" -ge 2 ]; }
soon changed
"$memstate" limit $cg --high max >/dev/null
wait $watcher
ok "watch tells how things are" "head -n 1 $work/watch | grep -q 'pressure=none'"
ok "and of pressure" "grep -q 'pressure=high.*high=1.00 MiB.*high=[0-9]*(+1)' $work/watch || ! cat $work/watch"
ok "watch of the system in JSON" "$memstate watch --count 1 --json | python3 -c 'import json,sys; assert json.load(sys.stdin)[\"cgroup_id\"] == 1'"
ok "watch has an end" "$memstate watch --timeout 0.2"
ok "watch of which nothing can be written" "! $memstate watch --count 1 >/dev/full && grep -q 'standard output: cannot be written' $work/says"
ok "watch with a wrong count" "$memstate watch --count 0; [ \$? = 2 ]"
"$memstate" watch $cg >"$work/watch" 2>&1 &
watcher=$!
soon test -s "$work/watch"
kill $child; pkill python3; wait $child
left() { rmdir "$cg/inner" "$cg" 2>/dev/null; }
ended() { ! kill -0 $watcher 2>/dev/null; }
soon left
soon ended
ok "watch ends with the cgroup" "! kill -0 $watcher && grep -q 'the cgroup is gone' $work/watch || ! cat $work/watch"
ok "the group's directory is gone" "soon test ! -e /sys/class/misc/memstate/groups/$id"

# --- a program with another malloc ------------------------------------------------------
ok "run --malloc limits the heap of a program that has libc's malloc" \
	"$memstate run --malloc --max 64M -- python3 -c '
try:
    held = [bytes(1 << 20) for i in range(200)]
except MemoryError:
    print(\"told\")'"
ok "and tells the program" "grep -qx told $work/said"
ok "and the cgroup has refused it" "grep -q 'denied [1-9]' $work/said"

# --- statistics shards -----------------------------------------------------------------
mkfifo "$work/end"
mkdir /sys/fs/cgroup/counting
(echo 0 >/sys/fs/cgroup/counting/cgroup.procs
	MEMSTATE_BACKEND=device exec "$counter" 700000 <"$work/end" >"$work/counter") &
child=$!
exec 5>"$work/end"
soon test -s "$work/counter"
parts='data:683 KiB + fragOverhead:277 KiB + idle:64.0 KiB'
ok "stat --line tells what the heap is used for" "$memstate stat --line $child"
ok "as data, overhead and idle" "grep -qF 'Ready=1.00 MiB ($parts) ; Prepared=0 B) ; Reserved=0 B' $work/said"
ok "stat tells it as well" "$memstate stat $child | grep -q 'heap: data 683 KiB, fragOverhead 277 KiB, idle 64.0 KiB'"
ok "and in JSON" "$memstate stat --json $child | python3 -c 'import json,sys; a=json.load(sys.stdin)[\"processes\"][0][\"alloc\"]; assert a[\"data_bytes\"]==698976 and a[\"idle_bytes\"]==65536 and a[\"frag_overhead_bytes\"]==284064 and a[\"allocated_bytes\"]==700000 and a[\"freed_bytes\"]==1024, a'"
# A row has ten sizes: each is that of the document, as the program sits still.
row() {
	"$memstate" stat $child >"$work/row" && "$memstate" stat --json $child >"$work/document" && python3 - $child "$work/row" "$work/document" <<'P'
import json, re, sys
row = next(line for line in open(sys.argv[2]) if line.startswith(sys.argv[1] + " "))
p = json.load(open(sys.argv[3]))["processes"][0]
r, o = p["reported"], p["observed"]
units = {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}
got = [float(n) * (1 << units[u]) for n, u in re.findall(r"([0-9.]+) ([KMGT]?i?B)", row)]
want = [r["reserved"], r["prepared"], r["ready"], r["peak_ready"], o["vm_size"], o["rss"],
        o["anonymous"], o["shared"], o["lazy_free"], p["unaccounted"]]
assert len(got) == len(want) and all(abs(g - w) <= w / 100 for g, w in zip(got, want)), (row, want)
P
}
ok "stat of a process: each size is in its column" row
heap='heap: data 683 KiB, fragOverhead 277 KiB, idle 64.0 KiB'
"$memstate" run --reported --quiet -- sleep infinity &
silent=$!
ok "stat of the system has it, from those who count" "$memstate stat | grep -q '^ *$heap'"
ok "and in JSON" "$memstate stat --json | python3 -c 'import json,sys; a=json.load(sys.stdin)[\"alloc\"]; assert a[\"data_bytes\"]==698976 and a[\"frag_overhead_bytes\"]==284064, a'"
ok "stat --groups has it" "$memstate stat --groups /sys/fs/cgroup/counting | grep -q '$heap'"
ok "and in JSON" "$memstate stat --groups --json /sys/fs/cgroup/counting | python3 -c 'import json,sys; a=json.load(sys.stdin)[\"groups\"][0][\"reported\"][\"alloc\"]; assert a[\"data_bytes\"]==698976 and a[\"idle_bytes\"]==65536, a'"
mkdir /sys/fs/cgroup/silent
ok "of a group where nobody counts there is none" "! $memstate stat --groups /sys/fs/cgroup/silent | grep heap:"
rmdir /sys/fs/cgroup/silent
kill $silent
wait $silent
exec 5>&-
ok "the program ends well" "wait $child"
rmdir /sys/fs/cgroup/counting

# --- audit: books that are not so ----------------------------------------------------------
cat >"$work/wrong.py" <<'P'
import ctypes, signal, sys
library, libc = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(None)
library.memstate_alloc.restype = ctypes.c_void_p
at = ctypes.c_void_p(library.memstate_alloc(ctypes.c_size_t(1 << 20), 1))
if len(sys.argv) > 3:
    libc.mprotect(at, ctypes.c_size_t(1 << 20), 1)	# nobody is told
open(sys.argv[2], "w")
signal.pause()
P
for kind in right wrong; do
	MEMSTATE_BACKEND=device python3 "$work/wrong.py" "$(dirname "$memstate")/libmemstate.so" \
		"$work/$kind" ${kind#right} &
	child=$!
	soon test -e "$work/$kind"
	if [ $kind = right ]; then
		ok "audit of books that are right" "$memstate audit $child && grep -qx '0 differences' $work/says"
	else
		ok "audit tells what is not so, and exits with 1" "$memstate audit $child; [ \$? = 1 ] &&
			grep -qE ' 1.00 MiB +not-writable +ready ' $work/says && grep -qx '1 differences' $work/says"
		ok "and in JSON" "$memstate audit --json $child; [ \$? = 1 ] && python3 -c '
import json
finding, = json.load(open(\"$work/says\"))[\"findings\"]
assert finding[\"kind\"] == \"not-writable\" and finding[\"end\"] - finding[\"start\"] == 1 << 20, finding'"
	fi
	kill $child
	wait $child
done
rm -rf "$work"
tap_end
