#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh TOP OUT MODULE [quick]: the examples in a virtual machine, with the module. quick:
# only what depends on the kernel.
top=$1 out=$2 module=$3 quick=${4-}
here=$top/tools/testing/examples
memstate=$top/build/userspace/memstate
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"

export MEMSTATE_BACKEND=device
insmod "$module" || exit 1
tap_begin "$out/logs"
tap_limit=2300
relay agent bash "$here/agent.sh" "$out/agent" "$out/load" "$memstate" "$out"
if [ -z "$quick" ]; then
	relay "pool" "$out/pool_steps"
	relay "pool with a limit" "$out/pool_steps" 2500000
	for i in 1 2 3 4 5 6 7 8; do
		relay "hooks, start $i" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks" 0
	done
	relay "hooks" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
	relay "hooks, four arenas" env MALLOC_CONF=narenas:4 LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
	relay "hooks at a limit" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks" 64
	relay programs bash "$here/programs.sh" "$out/jemalloc_hooks.so" "$top/build/userspace/libmemstate-observe.so" \
		"$memstate" "$out"
	mkdir /sys/fs/cgroup/pool
	"$memstate" limit /sys/fs/cgroup/pool --max 5M >/dev/null
	(echo 0 >/sys/fs/cgroup/pool/cgroup.procs; exec "$out/pool") >"$out/pool.device"
	echo "# $(grep '^no more' "$out/pool.device")"
	grep -q '^no more: over the limit of cgroup [0-9]*: 262144 bytes wanted' "$out/pool.device" &&
		tail -n 1 "$out/pool.device" | grep -q 'Ready+Prepared=0 B .* Reserved=0 B'
	result $? "pool: meets its cgroup's limit, names it, and goes on" "$out/pool.device"
	rmdir /sys/fs/cgroup/pool
fi
for f in ready charged nr_tasks; do
	v=$(cat /sys/class/misc/memstate/$f)
	[ "$v" = 0 ]
	result $? "nothing is left: $f $v" /dev/null
done
try "the module goes" rmmod memstate
tap_end
