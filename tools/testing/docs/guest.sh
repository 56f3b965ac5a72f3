#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh TREE KDIR: the tutorial, and then the pages of Documentation/uses, in the virtual
# machine, in a tree that is built already.
#
# What is made here is what a machine has that people use: a user of their own, a place
# for modules' headers, and an engine for containers that may run without a network. The pages
# begin where the first section of the tutorial ends: installed, and loaded.
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
mkdir -p /run/person
chown $user:$user /run/person
export HOME=/run/person
cd "$tree" || exit 1
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
tap_begin "$(mktemp -d)"
tap_limit=2000

relay tutorial "$here/console.py" run "$tree/Documentation/tutorial.rst" --user $user
[ ! -e /dev/memstate ]
result $? "tutorial: the module is gone" /dev/null

try "uses: installed again" make -s install-userspace
try "uses: loaded again" insmod memstate.ko
for page in Documentation/uses/*.rst; do
	name=$(basename "$page" .rst)
	relay "$name" "$here/console.py" run "$page" --user $user
done
for f in charged nr_tasks; do
	[ "$(cat /sys/class/misc/memstate/$f)" = 0 ]
	result $? "uses: nothing is left: $f" /dev/null
done
try "uses: the module goes" rmmod memstate
tap_end
