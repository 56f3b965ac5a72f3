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
cgroup=/sys/fs/cgroup/traced

insmod "$module" || exit 1
mkdir "$cgroup" && "$memstate" limit "$cgroup" --max 8M --high 4M || exit 1
(echo 0 >"$cgroup/cgroup.procs" && exec "$program") &
pid=$!
comm=$(basename "$program")
soon grep -qsx "$comm" /proc/$pid/comm || { echo "# $pid is not $comm"; exit 1; }
"$here/oneliners.py" "$here/../../../Documentation/admin.rst" Tracing "$pid" "$comm" \
	"$(stat -c %i "$cgroup")"
status=$?
wait
exit $status
