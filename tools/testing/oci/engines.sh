#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# engines.sh MODULE OUT: podman by the CDI specification, liblxc by its hook, and units of systemd
# (units.sh), in the virtual machine. OUT has prefix/ (what was installed) and bin/.
set -u
# shellcheck source=tools/testing/tap.sh
. "$(dirname "$0")/../tap.sh"
module=$1 out=$2
prefix=$out/prefix
root=/run/engines/root
groups=/sys/class/misc/memstate/groups

# What a program that takes more and more was given before it was told
told_below() { # bytes
	local got
	got=$(sed -n 's/^\([0-9]*\) ENOMEM$/\1/p' /run/engines/hog)
	cat /run/engines/hog
	[ -n "$got" ] && [ "$got" -gt $(($1 / 2)) ] && [ "$got" -le "$1" ]
}

tap_begin /run/engines
insmod "$module" || exit 1
mkdir -p /etc/cdi /run/containers $root/{usr,proc,sys,dev,tmp,etc,run,var/tmp}
mkdir -p "$root$out"
for name in bin lib lib64 sbin; do ln -s usr/$name $root/$name; done
cp "$prefix/share/memstate/cdi/memstate.json" /etc/cdi/
mkdir -p /var/lib/containers
mount -t tmpfs tmpfs /var/lib/containers

podman_() { timeout 600 podman --cgroup-manager=cgroupfs --storage-driver vfs "$@"; }
podman_run() { # runtime options
	local runtime=$1
	shift
	podman_ --runtime "$runtime" run --network none --security-opt seccomp=unconfined \
		-v /usr:/usr:ro -v "$out:$out:ro" --device memstate.org/accounting=default "$@"
}
podman_held() {
	podman_run "$1" --rm --annotation org.memstate.max=64M --rootfs $root \
		"$out/bin/inside" hog >/run/engines/hog 2>&1 </dev/null
	told_below 67108864
}
podman_derived() {
	podman_run "$1" --rm --memory 128m --annotation org.memstate.derive=true --rootfs $root "$out/bin/inside" hog \
		>/run/engines/hog 2>&1 </dev/null
	told_below 134217728
}
# An image of one static file, with no device and no mount of ours.
mkdir -p /run/engines/scratch
cp "$out/bin/bare" /run/engines/scratch/bare
podman_scratch() {
	podman_ --runtime "$1" --hooks-dir "$prefix/share/containers/oci/hooks.d" run --rm --network none \
		--security-opt seccomp=unconfined --annotation org.memstate.max=64M \
		--rootfs /run/engines/scratch /bare hog >/run/engines/hog 2>&1 </dev/null
	told_below 67108864
}
# One of Alpine's kind: busybox, and musl's loader.
mkdir -p /run/engines/musl/{bin,lib,dev,proc,sys,etc,opt,run,tmp,var/tmp}
cp "$(command -v busybox)" /run/engines/musl/bin/sh
cp "$out/bin/musl" /run/engines/musl/bin/hog
cp -L /lib/ld-musl-*.so.1 /run/engines/musl/lib/
podman_musl() { # device: "reported" preloads what this image cannot load
	podman_ --runtime crun run --rm --network none --security-opt seccomp=unconfined \
		--device "memstate.org/accounting=$1" --annotation org.memstate.max=32M \
		--rootfs /run/engines/musl /bin/sh -c 'exec /bin/hog hog' >/run/engines/hog 2>&1 </dev/null
	told_below 33554432
}
# shellcheck disable=SC2016 # the container's shell expands it
podman_adapted() {
	podman_ --runtime "$1" --hooks-dir "$prefix/share/containers/oci/hooks.d" run --rm --network none \
		--security-opt seccomp=unconfined --env NODE_OPTIONS=--no-warnings --annotation org.memstate.max=512M \
		--annotation org.memstate.adapt=true --rootfs /run/engines/musl /bin/sh -c \
		'echo "$GOMEMLIMIT $NODE_OPTIONS"' >/run/engines/adapted 2>&1 </dev/null
	cat /run/engines/adapted
	grep -qx '458MiB --max-old-space-size=360 --no-warnings' /run/engines/adapted
}
podman_wrong() {
	! podman_run "$1" --rm --annotation org.memstate.max=12Q --rootfs $root \
		"$out/bin/inside" hog </dev/null
}
podman_found() {
	local id
	podman_run crun -d --name found --rootfs $root "$out/bin/inside" wait \
		>/run/engines/id </dev/null || return
	id=$(tail -n 1 /run/engines/id | cut -c 1-12)
	"$prefix/bin/memstate" limit "$id" --max 32M | grep 'Max *32.0 MiB' || return
	podman_ exec found "$out/bin/inside" hog >/run/engines/hog 2>&1 </dev/null
	podman_ rm -f -t 0 found
	told_below 33554432
}
for runtime in crun runc; do
	try "podman, $runtime: a container is held to its annotation" podman_held $runtime
	try "podman, $runtime: a limit is derived from --memory" podman_derived $runtime
	try "podman, $runtime: an image of a static file, with no device, is held to its annotation" podman_scratch $runtime
	try "podman, $runtime: runtimes in it are told of its limit where an annotation asks for it" podman_adapted $runtime
	try "podman, $runtime: a wrong annotation fails the start" podman_wrong $runtime
done
try "podman: an image with musl is held to its annotation" podman_musl default
try "podman: also where a shim is asked for that it cannot load" podman_musl reported
try "podman: memstate limit finds a container by its id" podman_found

# An engine of a user's, who has no systemd of his own that would make cgroups for it.
mount --make-rshared /
useradd -u 1500 rootless
for map in /etc/subuid /etc/subgid; do echo rootless:100000:65536 >$map; done
mkdir -p /run/user/1500 /run/engines/home /sys/fs/cgroup/rootless/session /run/engines/owned/{etc,dev,proc,sys,run,tmp}
mount -t tmpfs -o uid=1500 tmpfs /run/engines/home
cp "$out/bin/bare" /run/engines/owned/bare
chown -R 1500 /run/user/1500 /sys/fs/cgroup/rootless /run/engines/owned
rootless() { # command...
	bash -c 'echo 0 >/sys/fs/cgroup/rootless/session/cgroup.procs && cd /run/engines/home && exec env -i \
		HOME=/run/engines/home XDG_RUNTIME_DIR=/run/user/1500 PATH=/usr/bin:/bin:/usr/sbin:/sbin \
		setpriv --reuid 1500 --regid 1500 --init-groups timeout 600 "$@"' bash "$@" </dev/null
}
rootless_podman() { # runtime
	rootless podman --cgroup-manager=cgroupfs --storage-driver vfs --hooks-dir "$prefix/share/containers/oci/hooks.d" \
		--runtime "$1" run --rm --network none --security-opt seccomp=unconfined --annotation org.memstate.max=64M \
		--rootfs /run/engines/owned /bare hog >/run/engines/hog 2>&1
}
rootless_own() { rootless_podman runc; told_below 67108864; }
# crun keeps to itself what a hook says: the log has it.
rootless_told() {
	python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
print("ready", flush=True)
print(s.recv(4096).decode(), flush=True)' >/run/engines/log &
	soon grep -q ready /run/engines/log
	! rootless_podman crun && soon grep -q "no cgroup v2 of its own but is in /rootless/session: .*'memstate run --max SIZE" /run/engines/log
	status=$?
	cat /run/engines/log /run/engines/hog
	kill $! 2>/dev/null
	rm -f /dev/log
	return $status
}
rootless_held() {
	rootless "$prefix/bin/memstate" run --quiet --max 96M -- podman --cgroup-manager=cgroupfs --storage-driver vfs \
		--runtime crun run --rm --network none --security-opt seccomp=unconfined --rootfs /run/engines/owned \
		/bare hog >/run/engines/hog 2>/run/engines/why
	cat /run/engines/why /run/engines/hog
	# What podman itself takes is of it, too.
	local got
	got=$(sed -n 's/^\([0-9]*\) ENOMEM$/\1/p' /run/engines/hog)
	[ -n "$got" ] && [ "$got" -gt $((16 << 20)) ] && [ "$got" -le $((96 << 20)) ]
}
try "podman, rootless: where the runtime makes a cgroup the container is held to its annotation" rootless_own
try "podman, rootless: a container without a cgroup of its own is not started, and the log says why" rootless_told
try "podman, rootless: memstate run limits it with all that it starts" rootless_held
# podman keeps a process that holds its namespaces
rootless_goes() { find /sys/fs/cgroup/rootless -depth -type d -exec rmdir {} + 2>/dev/null; }
pkill -KILL -u 1500
try "podman, rootless: its cgroups go" soon rootless_goes

cat >/run/engines/limit <<HOOK
#!/bin/sh
exec $prefix/bin/memstate limit "\$LXC_PID" --max 48M
HOOK
chmod 755 /run/engines/limit
mkdir -p /var/lib/lxc/held
cat >/var/lib/lxc/held/config <<CONFIG
lxc.rootfs.path = dir:$root
lxc.apparmor.profile = unconfined
lxc.net.0.type = empty
lxc.mount.auto = proc:mixed sys:ro
lxc.mount.entry = /usr usr none bind,ro 0 0
lxc.mount.entry = $out ${out#/} none bind,ro 0 0
lxc.hook.start-host = /run/engines/limit
CONFIG
lxc_held() {
	timeout 600 lxc-execute -n held -- "$out/bin/inside" hog >/run/engines/hog 2>&1 </dev/null
	told_below 50331648
}
try "liblxc: a container is held to what its hook sets" lxc_held

# shellcheck source=tools/testing/oci/units.sh
. "$(dirname "$0")/units.sh"

parents_go() {
	# libpod's own parent cgroup stays, and so does its group; who cleans up may be in it yet.
	rmdir /sys/fs/cgroup/libpod_parent/* /sys/fs/cgroup/libpod_parent \
		/sys/fs/cgroup/lxc.* 2>/dev/null
	[ "$(ls $groups)" = 1 ]
}
only_the_parents() {
	local id
	soon parents_go && return
	for id in "$groups"/*; do echo "$id: $(cat "$id/path")"; done
	return 1
}
try "no group is left behind" only_the_parents
try "the module goes" rmmod memstate
tap_end
