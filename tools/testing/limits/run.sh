#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Limits as programs and administrators meet them: the library, the commands, and
# real programs over a limit, beside the same under memory.max. The table is left in
# build/limits/table.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
out=$top/build/limits
kernel=${1:-6.1}
n=0 failed=0

result() { # good? name
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - $2" && return
	echo "not ok $n - $2"
	failed=1
}

echo "TAP version 13"
for tool in javac java redis-server redis-benchmark node python3 setpriv; do
	command -v $tool >/dev/null || { echo "Bail out! no $tool: run deps.sh run"; exit 1; }
done
mkdir -p "$out"
make -s -C "$top/userspace" >"$out/build.log" 2>&1 &&
	javac -d "$out" "$here/Hog.java" >>"$out/build.log" 2>&1 &&
	gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -o "$out/lib" "$here/lib.c" \
		-I"$top/userspace/include" -I"$top/include/uapi" -I"$top/tools/testing/core" \
		"$top/build/userspace/libmemstate.a" -pthread >>"$out/build.log" 2>&1 &&
	gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -o "$out/counter" \
		"$top/tools/testing/core/shards.c" -I"$top/userspace/include" \
		-I"$top/include/uapi" -I"$top/kmod/core" \
		-I"$top/tools/testing/core" "$top/build/userspace/libmemstate.a" -pthread >>"$out/build.log" 2>&1 &&
	for t in stress faults family; do
		gcc -std=gnu11 -O2 -g -D_GNU_SOURCE -fno-builtin -o "$out/$t" \
			"$top/tools/testing/malloc/$t.c" -I"$top/userspace/include" \
			-I"$top/include/uapi" -I"$top/tools/testing/core" -pthread >>"$out/build.log" 2>&1 || break
	done
status=$?
[ $status = 0 ] || sed 's/^/# /' "$out/build.log"
result $status "builds"
module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)

cat >"$out/guest.sh" <<GUEST
echo "# embedded"
$out/lib
insmod $module || exit 1
mkdir /sys/fs/cgroup/lib
(echo 0 >/sys/fs/cgroup/lib/cgroup.procs; echo "# device"; exec $out/lib /sys/fs/cgroup/lib)
rmdir /sys/fs/cgroup/lib
echo "# commands"
bash $here/cli.sh $top/build/userspace/memstate $out/counter
echo "# the allocator, accounted by the device"
export LD_PRELOAD=$top/build/userspace/libmemstate-malloc.so MEMSTATE_BACKEND=device
$out/family | sed 's/^\(not ok\|ok\) [0-9]* - /&malloc: /; /^1\.\./d'
[ \${PIPESTATUS[0]} = 0 ] && echo "ok 0 - malloc: the family came to its end" ||
	echo "not ok 0 - malloc: the family came to its end"
$out/stress 1 4 20000 fork && echo "ok 0 - malloc: stress, with forks" ||
	echo "not ok 0 - malloc: stress, with forks"
for max in 8 32 200; do
	MEMSTATE_MAX=\${max}M $out/faults limit \$((max << 20)) &&
		echo "ok 0 - malloc: ENOMEM at \$max MiB, and afterwards memory again" ||
		echo "not ok 0 - malloc: ENOMEM at \$max MiB, and afterwards memory again"
done
unset LD_PRELOAD MEMSTATE_BACKEND
bash $here/table.sh $top/build/userspace/memstate $out
for f in ready charged nr_tasks; do
	v=\$(cat /sys/class/misc/memstate/\$f)
	[ "\$v" = 0 ] && echo "ok 0 - nothing is left: \$f" || echo "not ok 0 - nothing is left: \$f \$v"
done
[ \$(ls /sys/class/misc/memstate/groups) = 1 ] && echo "ok 0 - no group is left" ||
	echo "not ok 0 - no group is left: \$(ls /sys/class/misc/memstate/groups)"
rmmod memstate && echo "ok 0 - the module goes" || echo "not ok 0 - the module goes"
echo "# the end"
GUEST
"$top/tools/testing/vm/vm.sh" -k "$kernel" -m 3G -t 1500 -- bash "$out/guest.sh" \
	>"$out/log" 2>"$out/err" </dev/null
status=$?

while IFS= read -r line; do
	case $line in
	"ok "*|"not ok "*)
		n=$((n + 1))
		[ "${line%% *}" = ok ] || failed=1
		echo "${line%%ok *}ok $n - ${line#* - }"
		;;
	"# "*) echo "$line" ;;
	esac
done <"$out/log"

# row NAME: killed by the kernel's limit, and what was wanted of ours
expect() {
	local row
	row=$(grep -F "row $1|" "$out/log")
	echo "# $row"
	# Near the limit the kernel may try to reclaim for minutes before it kills.
	[[ $row == *"|killed|"* || $row == *"|stalled|"* ]]
	result $? "$1: killed under memory.max"
	[[ $row =~ \|(killed|stalled)\|($2) ]]
	result $? "$1: told under ours"
}
expect "Python (jemalloc)" "survived: MemoryError"
expect "Python (libmemstate-malloc)" "survived: MemoryError"
expect "JVM, serial collector" "(survived|aborted): "
expect "JVM, G1" "(survived|aborted): "
expect "Node" "(survived|aborted): "
expect "redis" "aborted: Out Of Memory allocating"
{
	echo "program|under memory.max|under ours"
	sed -n 's/^row //p' "$out/log"
} | column -t -s '|' >"$out/table"
sed 's/^/# /' "$out/table"
grep -q '^# the end' "$out/log"
result $? "came to its end"
result $status "console is clean (vm.sh: $status)"
[ $status = 0 ] || tail -n 30 "$out/err" | sed 's/^/# /'
echo "1..$n"
exit $failed
