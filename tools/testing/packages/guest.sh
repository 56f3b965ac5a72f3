#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh ROOT [use|purge]: in a virtual machine: what the packages in ROOT, a Debian 12, do
# there; and how they go while the module is in use.
#
# shellcheck disable=SC2016 # ok evaluates it
set -u
root=$1 mode=${2-use}
if [ "$root" != / ]; then
	mount --rbind /proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/run"
	cp "$0" "$(dirname "$0")/../tap.sh" "$root/run"
	exec chroot "$root" /bin/bash /run/guest.sh / "$mode"
fi
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
cd /tmp || exit 1
# shellcheck source=tools/testing/tap.sh
. /run/tap.sh
tap_begin /run

ok modprobe_takes_what_dkms_built 'modprobe -v memstate && grep -q "^memstate " /proc/modules &&
	modinfo -n memstate | tee /dev/stderr | grep -q /updates/dkms/'
ok device_is_for_everybody '[ "$(stat -c %a /dev/memstate)" = 666 ]'
ok stat_of_the_system 'memstate stat | grep ^Ready'
ok run_finds_the_shim_and_the_device 'memstate run --reported --json --output out -- true && grep "\"backend\":\"device\"" out'
ok run_finds_the_allocator 'memstate run --malloc --quiet -- grep libmemstate-malloc.so.0 /proc/self/maps'
ok run_holds_to_a_limit 'memstate run --malloc --quiet -- perl -e "\$x = q(a) x (64 << 20); exit 0" &&
	! memstate run --malloc --max 32M --quiet -- perl -e "\$x = q(a) x (64 << 20); exit 0"'
ok allocator_is_preloaded_by_its_name \
	'LD_PRELOAD=libmemstate-malloc.so.0 MEMSTATE_MALLOC_STATS=json perl -e 1 2>stats && grep -q "{" stats'
ok hardened_allocator_is_there 'LD_PRELOAD=$(echo /usr/lib/*/memstate/libmemstate-malloc-hardened.so) true'
ok hook_for_containers_runs 'memstate-oci-hook --help && grep -q "/usr/sbin/memstate-oci-hook" \
	/usr/share/containers/oci/hooks.d/memstate-oci-hook.json &&
	for file in $(sed -n "s/.*\"hostPath\": \"\(.*\)\".*/\1/p" /usr/share/memstate/cdi/memstate.json); do
		[ -e "$file" ] || exit 1; done'
# user.sh has built them.
for program in shared static malloc; do
	ok "program_has_the_device.$program" "/opt/programs/$program | grep '^device 1\$'"
done
ok module_goes 'rmmod memstate'
ok module_comes_again 'modprobe memstate'
[ "$mode" = purge ] || tap_end
ok purge_with_the_module_loaded 'apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io purge "memstate*" "libmemstate*"'
ok nothing_has_our_name 'find / -xdev \( -path /tmp -o -path /run -o -path /var/log -o -path /var/cache/man -o -path /proc -o -path /sys -o -path /dev \) -prune \
	-o -name "*memstate*" -print | tee left && [ ! -s left ]'
ok module_goes_afterwards 'rmmod memstate && ! modprobe memstate && [ ! -e /dev/memstate ]'
tap_end
