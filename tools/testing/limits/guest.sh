#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh TOP MODULE PART...: in a virtual machine: the library embedded and with the
# module, the commands, the allocator, programs with nothing of ours in them, and real
# programs over a limit. What the parts are: run.sh.
set -u

top=$1 module=$2
shift 2
here=$(dirname "$(readlink -f "$0")")
bin=$top/build/userspace
programs=$top/build/limits
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"

part_library() {
	relay embedded env MEMSTATE_BACKEND=embedded "$programs/lib"
	mkdir /sys/fs/cgroup/lib
	relay device bash -c "echo 0 >/sys/fs/cgroup/lib/cgroup.procs; exec '$programs/lib' /sys/fs/cgroup/lib"
	rmdir /sys/fs/cgroup/lib
	relay cli bash "$here/cli.sh" "$bin/memstate" "$programs/counter"
	relay tend bash "$here/../tend/guest.sh" "$bin/memstate"

	# The allocator, accounted by the device
	local preloaded=(env "LD_PRELOAD=$bin/libmemstate-malloc.so" MEMSTATE_BACKEND=device) max
	relay "malloc: the family" "${preloaded[@]}" "$programs/family"
	try "malloc: stress, with forks" "${preloaded[@]}" "$programs/stress" 1 4 20000 fork
	for max in 8 32 200; do
		try "malloc: ENOMEM at $max MiB, and afterwards memory again" \
			"${preloaded[@]}" MEMSTATE_MAX=${max}M "$programs/faults" limit $((max << 20))
	done
}

part_any() { relay any bash "$here/any.sh" "$bin/memstate" "$programs"; }

# HOW, as real.sh has it. What a server writes to its files is not to count: they are there before.
real() {
	cp -a --sparse=never "$programs/databases/mariadb" /run
	relay real bash "$here/real.sh" "$bin/memstate" \
		"$programs" "$1"
}
part_real() { real both; }
part_table() { real table; }

# Rows for the table of README, as comments
part_adapt() {
	local php
	cp -a "$programs/databases/postgres" /run
	php=$("$bin/memstate" adapt --max 64M --runtime php --format env | sed -n 's/^PHP_INI_SCAN_DIR=.*://p')
	install -D -m 644 -t "$php" "$top/packaging/php/memstate.ini"
	PATH=$PATH:$(echo /usr/lib/postgresql/*/bin) bash "$here/adapt.sh" "$bin/memstate" "$programs"
}

tap_begin /run/limits
tap_limit=2900
"$here/../reachable.sh" "$bin" "$programs"
insmod "$module" || bail "the module does not go in"
for part; do "part_$part"; done
# Groups go a little after their cgroups.
zero() { [ "$(cat "/sys/class/misc/memstate/$1")" = 0 ]; }
only_the_roots_group() { [ "$(ls /sys/class/misc/memstate/groups)" = 1 ]; }
for f in ready charged nr_tasks; do
	soon zero $f
	result $? "nothing is left: $f $(cat /sys/class/misc/memstate/$f)" /dev/null
done
soon only_the_roots_group
result $? "no group is left: $(cd /sys/class/misc/memstate/groups && echo *)" /dev/null
try "the module goes" rmmod memstate
tap_end
