#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh: what "make run" does, the part outside the virtual machine.
set -eu

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
kernel=${MEMSTATE_KERNEL:-6.1}

echo "== building the module for $kernel"
module=$("$here/../vm/module.sh" "$kernel" | tail -n 1)
javac -d "$top/build/userspace" "$here/Work.java"
echo "== booting $kernel in a virtual machine"
exec "$here/../vm/vm.sh" -k "$kernel" -m 2G -t 420 -- \
	bash "$here/demo.sh" "$module" "$top/build/userspace"
