#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh TREE KDIR: the tutorial, in the virtual machine, in a tree that is built already.
#
# What is made here is what a machine has that people use: a user of their own, a place
# for modules' headers, and an engine for containers that may run without a network.
set -u

tree=$1 kdir=$2
user=1000
here=$(dirname "$(readlink -f "$0")")

ln -sfn "$kdir" "/lib/modules/$(uname -r)/build"
"$here/../reachable.sh" "$tree" "$kdir"
chown -R $user:$user "$tree"
mkdir -p /etc/containers /var/lib/containers /run/user
mount -t tmpfs tmpfs /var/lib/containers
cat >/etc/containers/containers.conf <<CONF
[containers]
netns = "none"
seccomp_profile = "unconfined"
[engine]
cgroup_manager = "cgroupfs"
CONF
cat >/etc/containers/storage.conf <<CONF
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
CONF
cd "$tree" || exit 1
"$here/console.py" run "$tree/Documentation/tutorial.rst" --user $user
status=$?
[ ! -e /dev/memstate ] || { echo "# the module is still there"; status=1; }
exit $status
