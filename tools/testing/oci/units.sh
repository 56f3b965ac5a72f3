#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# units.sh: limits of units, with systemd itself; by engines.sh, in the machine, which says where
# things are. systemd is process 1 of a namespace, and has a part of the cgroups to itself: there it
# starts nothing but what is asked of it.
# shellcheck disable=SC2154 # engines.sh has them

machine=/sys/fs/cgroup/machine
units=/etc/systemd/system
memstate=$prefix/bin/memstate

cat >/run/engines/init <<'INIT'
ulimit -n 65536
umount /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
mount -t tmpfs tmpfs /run/systemd
exec env -i container=test PATH="$PATH" SYSTEMD_LOG_LEVEL=err /lib/systemd/systemd --system \
	--unit=few.target --show-status=false --default-standard-output=null --default-standard-error=null
INIT
within() { # cgroup command...: the shell that becomes the program
	local procs=$machine/$1/cgroup.procs
	shift
	bash -c 'echo 0 >"$0" && exec "$@"' "$procs" "$@"
}
inside() { timeout 120 nsenter -t "$systemd" -p -m -C "$@"; }
runs() { inside systemctl is-system-running | grep -qE '^(running|degraded)$'; }
first() { systemd=$(cat "$machine/cgroup.procs" "$machine/init.scope/cgroup.procs" 2>/dev/null | xargs ps -o pid=,comm= -p | sed -n 's/^ *\([0-9]*\) systemd$/\1/p') && [ -n "$systemd" ]; }
comes_up() {
	mkdir -p $machine /run/systemd "${units:?}"
	rm -rf "${units:?}"/*
	printf '[Unit]\nDescription=what is asked for\n' >$units/few.target
	[ -s /etc/machine-id ] || printf '%032d\n' 1 >/etc/machine-id
	bash -c "echo 0 >$machine/cgroup.procs && exec unshare -p -f -m -C --mount-proc bash /run/engines/init" &
	soon first && first && soon runs
}
begins() { # unit command...: without what is usually there first
	local unit=$1
	shift
	inside systemd-run --quiet --unit="$unit" -p DefaultDependencies=no "$@"
}
max_of() { cat "$groups/$(stat -c %i "$machine/system.slice/$1")/max"; }
is_max() { [ "$(max_of "$1")" = "$2" ] || { echo "max of $1: $(max_of "$1")"; return 1; }; }
holds() { # unit bytes: what runs there is told when it has so much
	within "system.slice/$1" "$out/bin/bare" hog >/run/engines/hog 2>&1 </dev/null
	told_below "$2"
}

limited() {
	begins web sleep infinity && "$memstate" limit web --max 32M | grep 'Max *32.0 MiB' && holds web.service 33554432
}
outlives() {
	inside systemctl daemon-reload && is_max web.service 33554432 &&
		inside systemctl set-property --runtime web MemoryMax=200M CPUWeight=50 &&
		is_max web.service 33554432 && inside systemctl daemon-reexec && soon runs &&
		is_max web.service 33554432 && holds web.service 33554432
}
# By what the page says of units.
lasting() {
	cat >$units/lasting.service <<UNIT
[Unit]
DefaultDependencies=no
[Service]
Environment=PATH=$prefix/bin:/usr/bin:/bin
ExecStartPre=+/bin/sh -c 'exec memstate limit \$\$\$\$ --max 48M'
ExecStart=/bin/sleep infinity
UNIT
	inside systemctl daemon-reload && inside systemctl start lasting && holds lasting.service 50331648
}
restarted() {
	local id
	id=$(stat -c %i $machine/system.slice/lasting.service)
	inside systemctl restart lasting && is_max lasting.service 50331648 && holds lasting.service 50331648 &&
		echo "cgroup $id, then $(stat -c %i $machine/system.slice/lasting.service)"
}
stops() {
	inside systemctl stop web lasting && kill -KILL "$systemd" && wait &&
		soon sh -c "find $machine -mindepth 1 -depth -type d -exec rmdir {} + && rmdir $machine"
}

# try is a shell of its own
if try "systemd comes up" comes_up && first; then
	try "a unit that runs is limited by its name" limited
	try "also when systemd has read its units anew, has set others' limits, has become another process" outlives
	try "ExecStartPre= of the page limits a unit from its beginning" lasting
	try "also when it is restarted" restarted
	try "units stop, and their cgroups go" stops
fi
