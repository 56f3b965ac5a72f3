#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# guest.sh ROOT: in a virtual machine: what the packages in ROOT, a Debian 12, do
# there.
#
# shellcheck disable=SC2016 # ok evaluates it
set -u
root=$1
if [ "$root" != / ]; then
	mount --rbind /proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/run"
	cp "$0" "$(dirname "$0")/../tap.sh" "$root/run"
	exec chroot "$root" /bin/bash /run/guest.sh /
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
ok run_finds_the_shim_and_the_device 'memstate run --json --output out -- true && grep "\"backend\":\"device\"" out'
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

cat >program.c <<'C'
#include <memstate.h>
#include <stdio.h>

int main(void)
{
	void *p = memstate_alloc(1 << 20, MEMSTATE_HEAP);
	struct memstate_totals totals;

	memstate_totals(&totals, 0);
	printf("%s %d\n", memstate_backend_name(),
	       p && memstate_totals_state(&totals, MEMSTATE_READY) >= 1 << 20);
	return 0;
}
C
ok program_is_built_by_pkg_config 'gcc program.c $(pkg-config --cflags --libs memstate) -o program && ./program | grep "^device 1$"'
ok program_is_linked_statically 'gcc program.c -static $(pkg-config --static --cflags --libs memstate) -o program.static && ./program.static | grep "^device 1$"'
ok program_is_linked_with_the_allocator 'gcc -include stdlib.h program.c -Wl,--no-as-needed -lmemstate-malloc -lmemstate -o program.malloc &&
	ldd ./program.malloc | grep libmemstate-malloc.so.0 && ./program.malloc | grep "^device 1$"'
ok man_finds_its_pages 'for page in "1 memstate" "1 memstate-run" "3 memstate_used" "3 memstate_unused" "4 memstate" "5 memstate-sysfs" \
	"7 memstate-observe" "8 memstate-oci-hook" "3 memstate_malloc_scavenge"; do
		man $page 2>&1 | grep -q "^NAME" || { echo "$page"; exit 1; }; done'
ok bash_completes 'bash -c "source /usr/share/bash-completion/bash_completion
	_completion_loader memstate; COMP_WORDS=(memstate st) COMP_CWORD=1
	_memstate memstate st memstate; echo \${COMPREPLY[*]}" | grep -x stat'
ok module_goes 'rmmod memstate'
ok module_comes_again 'modprobe memstate'
ok purge_with_the_module_loaded 'apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io purge "memstate*" "libmemstate*"'
ok nothing_has_our_name 'find / -xdev \( -path /tmp -o -path /run -o -path /var/log -o -path /var/cache/man -o -path /proc -o -path /sys -o -path /dev \) -prune \
	-o -name "*memstate*" -print | tee left && [ ! -s left ]'
ok module_goes_afterwards 'rmmod memstate && ! modprobe memstate && [ ! -e /dev/memstate ]'
tap_end
