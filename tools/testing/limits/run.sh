#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [PART...]: limits as programs and administrators meet them. The parts, both of them
# if none is named: "library", the library, the commands and the allocator; "programs", real
# programs over a limit, beside the same under memory.max, whose table is left in
# build/limits/table.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
out=$top/build/limits
kernel=${MEMSTATE_KERNEL:-6.1}
[ $# -gt 0 ] || set -- library programs
parts=" $* "
out=$out-$1	# parts may run at once

tap_begin "$out"
for part; do
	case $part in
	library) needs setpriv:util-linux || tap_end ;;
	programs)
		needs javac:default-jdk-headless java:default-jdk-headless redis-server \
			redis-benchmark:redis-tools node:nodejs python3 || tap_end
		try "the JVM's program builds" javac -d "$out" "$here/Hog.java"
		;;
	*) bail "no such part: $part" ;;
	esac
done
make -s -C "$top/userspace" >"$out/build.log" 2>&1 &&
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
result $? "builds" "$out/build.log"
module=$("$top/tools/testing/vm/module.sh" "$kernel" | tail -n 1)
tap_limit=3300
relay guest "$top/tools/testing/vm/vm.sh" -k "$kernel" -s 2 -m 3G -t 3000 -- \
	bash "$here/guest.sh" "$top" "$out" "$module" "$@"
[[ $parts == *" programs "* ]] || tap_end

# row NAME: killed by the kernel's limit, and what was wanted of ours
expect() {
	local row
	row=$(grep -F "row $1|" "$out/guest.tap")
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
	sed -n 's/^# row //p' "$out/guest.tap"
} | column -t -s '|' >"$out/table"
sed 's/^/# /' "$out/table"
tap_end
