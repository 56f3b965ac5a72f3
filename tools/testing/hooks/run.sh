#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [KERNEL...]: the hooks beside others who hook the same functions, on kernels 6.1, 6.12
# and 7.3 if none is named: who comes first, who goes on, what is said, and how to make way.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
[ $# -gt 0 ] || set -- 6.1 6.12 7.3
vm=$top/tools/testing/vm

tap_begin "$top/build/hooks"
programs=$tap_dir/programs
mkdir -p "$programs"
try "its program builds" gcc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -pthread -static \
	-o "$programs/observe_prog" "$here/../selftests/memstate/observe_prog.c"
for kernel; do
	module=$("$vm/module.sh" "$kernel" | tail -n 1)
	livepatch=$(SRC=$here/livepatch OUT=$tap_dir/livepatch-$kernel "$vm/module.sh" "$kernel" |
		tail -n 1)
	relay "$kernel" "$vm/vm.sh" -k "$kernel" -s 2 -t 900 -- \
		bash "$here/guest.sh" "$programs/observe_prog" "$module" "$livepatch"
done
tap_end
