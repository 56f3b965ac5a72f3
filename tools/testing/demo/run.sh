#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh: what "make run" does, the part outside the virtual machine: it boots one, and
# makes pictures of what was recorded there.
set -eu

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
kernel=${MEMSTATE_KERNEL:-6.1}

echo "== building the module for $kernel"
module=$("$here/../vm/module.sh" "$kernel" | tail -n 1)
javac -d "$top/build/userspace" "$here/Work.java"
out=$top/build/run
rm -rf "$out"
mkdir -p "$out"
echo "== booting $kernel in a virtual machine"
"$here/../vm/vm.sh" -k "$kernel" -s 2 -m 2G -t 1800 -w "$out" -- \
	bash "$here/demo.sh" "$module" "$top/build/userspace" "$out"
echo
echo "== pictures of what was recorded"
memstate=$top/build/userspace/memstate
# plot NAME RECORDING OPTION...
plot() {
	name=$1 recording=$2
	shift 2
	for kind in svg png; do
		"$memstate" plot -o "$out/$name.$kind" "$@" "$out/$recording.rec.gz"
		echo "$out/$name.$kind"
	done
}
plot cache cache --title "A Python program's cache (jemalloc), limited to 64 MiB by memstate"
plot cache-map cache --kind map --title "The same: its address space"
plot system system --title "redis, Python, a JVM and Node"
