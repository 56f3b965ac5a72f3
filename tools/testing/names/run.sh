#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [host] [guest]: names are data: names.py. host: the commands that do without the module;
# guest: those that take it, in a virtual machine.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/suite.sh
. "$here/../suite.sh"
parts "host guest" "$@"
build=$top/build/names/of-${suite_parts// /-}
bin=$top/build/userspace

tap_begin "$build"
needs gnuplot:gnuplot-nox mawk python3 || tap_end
try "tools build" userspace all
if part host; then
	relay "names" env MEMSTATE_BACKEND=embedded python3 "$here/names.py" "$bin/memstate" \
		"$bin/memstate-oci-hook" "$build/host"
fi
if part guest; then
	module=$("$top/tools/testing/vm/module.sh" 6.1 2>/dev/null | tail -n 1)
	# Files of such names would not outlive their copy from the machine.
	relay "names with the module" "$top/tools/testing/vm/vm.sh" -k 6.1 -t 850 -- sh -c "
		'$here/../reachable.sh' '$bin' && insmod '$module' &&
		python3 '$here/names.py' '$bin/memstate' '$bin/memstate-oci-hook' /run/names device"
fi
tap_end
