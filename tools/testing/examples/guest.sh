#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh TOP OUT MODULE [quick]: the examples in a virtual machine, with the module. quick:
# only what depends on the kernel.
top=$1 out=$2 module=$3 quick=${4-}
here=$top/tools/testing/examples
memstate=$top/build/userspace/memstate

# relay NAME COMMAND...: its TAP, and that it came to its end
relay() {
	local name=$1 status
	shift
	timeout 300 "$@" >"$out/relay" 2>&1
	status=$?
	sed -n "s/^\(not ok\|ok\) [0-9]* - /\1 0 - $name: /p; /^#/p" "$out/relay"
	grep -q '^1\.\.' "$out/relay" && [ $status = 0 ] && echo "ok 0 - $name: came to its end" ||
		echo "not ok 0 - $name: came to its end (status $status)"
}

export MEMSTATE_BACKEND=device
insmod "$module" || exit 1
bash "$here/agent.sh" "$out/agent" "$out/load" "$memstate" "$out"
if [ -z "$quick" ]; then
	relay "pool" "$out/pool_steps"
	relay "pool with a limit" "$out/pool_steps" 2500000
	for i in 1 2 3 4 5 6 7 8; do
		relay "hooks, start $i" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks" 0
	done
	relay "hooks" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
	relay "hooks, four arenas" env MALLOC_CONF=narenas:4 LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks"
	relay "hooks at a limit" env LD_PRELOAD="$out/jemalloc_hooks.so" "$out/hooks" 64
	bash "$here/programs.sh" "$out/jemalloc_hooks.so" "$top/build/userspace/libmemstate-observe.so" \
		"$memstate" "$out"
	mkdir /sys/fs/cgroup/pool
	"$memstate" limit /sys/fs/cgroup/pool --max 5M >/dev/null
	(echo 0 >/sys/fs/cgroup/pool/cgroup.procs; exec "$out/pool") >"$out/pool.device"
	echo "# $(grep '^no more' "$out/pool.device")"
	grep -q '^no more: over the limit of cgroup [0-9]*: 262144 bytes wanted' "$out/pool.device" &&
		tail -n 1 "$out/pool.device" | grep -q 'Ready+Prepared=0 B .* Reserved=0 B' &&
		echo "ok 0 - pool: meets its cgroup's limit, names it, and goes on" ||
		echo "not ok 0 - pool: meets its cgroup's limit, names it, and goes on"
	rmdir /sys/fs/cgroup/pool
fi
for f in ready charged nr_tasks; do
	v=$(cat /sys/class/misc/memstate/$f)
	[ "$v" = 0 ] && echo "ok 0 - nothing is left: $f" || echo "not ok 0 - nothing is left: $f $v"
done
rmmod memstate && echo "ok 0 - the module goes" || echo "not ok 0 - the module goes"
echo "# the end"
