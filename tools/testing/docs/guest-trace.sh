#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest-trace.sh MODULE PROGRAM MEMSTATE: the one-liners of admin.rst, in the virtual
# machine, while PROGRAM makes events in a cgroup with limits.
set -u

module=$1 program=$2 memstate=$3
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
cgroup=/sys/fs/cgroup/traced other=/sys/fs/cgroup/other
comm=$(basename "$program")
rounds=/run/rounds

insmod "$module" || exit 1
# For oneliners.py: how often a program has run is counted only so.
echo 1 >/proc/sys/kernel/bpf_stats_enabled
for one in $cgroup $other; do
	mkdir "$one" && "$memstate" limit "$one" --max 8M --high 4M --trust-reports || exit 1
done
cp "$program" /run/another
: >$rounds
(echo 0 >"$cgroup/cgroup.procs" && exec "$program" >>$rounds) &
pid=$!
soon grep -qsx "$comm" /proc/$pid/comm || { echo "# $pid is not $comm"; exit 1; }
"$here/oneliners.py" "$here/../../../Documentation/admin.rst" Tracing "$pid" "$comm" \
	"$(stat -c %i "$cgroup")" "$rounds" "echo 0 >$other/cgroup.procs && exec /run/another >/dev/null"
status=$?
wait
exit $status
