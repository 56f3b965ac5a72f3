#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# The Debian packages, from make deb to apt purge: what is in them, what lintian says,
# that the libraries' ABI is what is written down; that apt installs them in a new
# Debian 12, DKMS builds the module there, it is loaded and all is used in virtual
# machines; and that nothing is left of them.
#
# shellcheck disable=SC2016,SC2034 # ok evaluates, and calls
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/copied.sh
. "$here/../copied.sh"
work=$top/build/packages
root=$work/root
say() { echo "packages: $*" >&2; }
# tells ERE COMMAND...: it succeeds and says that
tells() {
	local what=$1 status=0
	shift
	"$@" >"$work/kept" 2>&1 || status=$?
	cat "$work/kept"
	[ "$status" = 0 ] && grep -qE -- "$what" "$work/kept"
}

if [ "$(id -u)" != 0 ]; then
	say "skipped: a Debian in a chroot takes root"
	echo "TAP version 13"
	echo "1..0 # SKIP not root: a Debian in a chroot takes root"
	exit 0
fi
rm -rf "$work"
tap_begin "$work"
mkdir "$work/debs"
exec 9>"$work/lock" # two runs at once would be no use
flock 9
trap 'rm -rf "$root" "$work/again" "$work/copy"' EXIT

# --- what is built ------------------------------------------------------------

# Really: that two builds are the same would be no wonder with a cache.
export CCACHE_DISABLE=1
# Twice: from this tree, and from one elsewhere that knows nothing of git.
copied "$work/copy" product
say "building the packages, twice"
make --no-print-directory -C "$work/copy" deb >"$work/again.said" 2>&1 &
ok make_deb '"$top/packaging/deb.sh" "$work/deb"'
wait $!
again=$?
version=$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Version)
src=$work/deb/memstate-$version
[ -d "$src/build/userspace" ] || bail "the packages do not build"
for deb in "$work/deb"/*.deb; do
	case $deb in *-dbgsym_*) ;; *) cp "$deb" "$work/debs" ;; esac
done

ok make_deb_from_a_release_without_git 'cat "$work/again.said"; [ $again = 0 ]'
ok the_same_source_gives_the_same_packages 'for deb in "$work/deb"/*.deb; do
	cmp "$deb" "$work/copy/build/deb/${deb##*/}" || exit 1; done'
ok these_packages_and_no_other '[ "$(cd "$work/debs" && ls | sed "s/_.*//" | tr "\n" " ")" = \
	"libmemstate-dev libmemstate-malloc0 libmemstate0 memstate-dkms memstate-tools " ]'
ok lintian 'lintian --allow-root --profile debian --fail-on error,warning -I --pedantic "$work/deb"/*.changes'
ok one_version_everywhere 'for file in "$top/Makefile" "$top/userspace/Makefile"; do
		grep -x "VERSION := $version" "$file" || exit 1; done
	grep "MODULE_VERSION(\"$version\")" "$top/kmod/main.c" &&
	grep -x "PACKAGE_VERSION=\"$version\"" "$top/packaging/dkms.conf"'
# Each package that a build takes, but for what every Debian build has.
ok build_depends_has_what_a_build_takes 'sed -n "s/^build  *\([^ ]*\).*/\1/p" "$top/tools/testing/vm/packages" |
	grep -vE "^(gcc|make|libc6-dev|perl|linux-headers-.*)$" | while read -r package; do
		sed "/^Package:/,\$d" "$top/packaging/debian/control" | grep -qw -- "$package" || { echo "$package"; exit 1; }
	done'
ok every_object_is_built_with_hardening '[ "$(grep -c -- " -c -o " "$work/deb/build.log")" -gt 40 ] &&
	! grep -- " -c -o .*\.c$" "$work/deb/build.log" | grep -v -- "-D_FORTIFY_SOURCE=2.*-fstack-protector-strong\|-fstack-protector-strong.*-D_FORTIFY_SOURCE=2"'
ok programs_look_for_libraries_where_everyone_does \
	'for file in memstate libmemstate-malloc.so.0 memstate-oci-hook; do
		readelf -d "$src/build/userspace/$file" >"$work/elf" || exit 1
		! grep -E "RPATH|RUNPATH" "$work/elf" || exit 1; done'
for deb in "$work/debs"/*.deb; do
	dpkg-deb --fsys-tarfile "$deb" | tar -t | sed "s,^\./,,; /\/$/d; s,^,$(basename "$deb") ,"
done | sed 's/_[^ ]*//' >"$work/contents"
ok no_file_is_in_two_packages '! awk "{ print \$2 }" "$work/contents" | sort | uniq -d | grep .'
while read -r package file; do
	ok "$package.has.${file##*/}" "grep -qE '^$package [^ ]*$file(\\.gz)?\$' '$work/contents'"
done <<LIST
memstate-dkms usr/src/memstate-$version/dkms.conf
memstate-dkms usr/src/memstate-$version/Kbuild
memstate-dkms usr/src/memstate-$version/kmod/core/rules.c
memstate-dkms lib/udev/rules.d/60-memstate.rules
memstate-dkms man4/memstate.4
memstate-dkms man5/memstate-sysfs.5
libmemstate0 libmemstate.so.0
libmemstate-malloc0 libmemstate-malloc.so.0
libmemstate-malloc0 memstate/libmemstate-malloc-hardened.so
libmemstate-dev usr/include/memstate.h
libmemstate-dev usr/include/linux/memstate.h
libmemstate-dev usr/include/memstate-malloc.h
libmemstate-dev libmemstate.so
libmemstate-dev libmemstate.a
libmemstate-dev libmemstate-malloc.so
libmemstate-dev pkgconfig/memstate.pc
libmemstate-dev man3/memstate_used.3
memstate-tools usr/bin/memstate
memstate-tools usr/sbin/memstate-oci-hook
memstate-tools memstate/libmemstate-observe.so
memstate-tools man1/memstate-run.1
memstate-tools man8/memstate-oci-hook.8
memstate-tools bash-completion/completions/memstate
memstate-tools vendor-completions/_memstate
memstate-tools vendor_completions.d/memstate.fish
LIST

# --- the ABI ------------------------------------------------------------------

# abi STATUS: what abi.sh says of the libraries in LIBS
abi() { MEMSTATE_ABI=$2 "$top/packaging/abi.sh" check "${3:-$src/build/userspace}"; [ $? = "$1" ]; }
ok abi_is_what_is_written_down 'abi 0 "$top/packaging/abi" || {
	echo "additions (3): make abi writes them down; what is gone or has changed (4) breaks programs"; false; }'
ok abi_says_nothing_of_this_machine '! grep -nE "path=.(/|\.\.)|comp-dir" "$top"/packaging/abi/*.abi'
mkdir "$work/abi" "$work/planted"
cp "$top"/packaging/abi/*.abi "$work/abi"
sed -i "/elf-symbol name='memstate_trim'/d; /<function-decl name='memstate_trim'/,/<\/function-decl>/d" \
	"$work/abi/libmemstate.so.0.abi"
ok abi_selftest.more_than_is_written_down_is_found 'abi 3 "$work/abi"'
cp "$top"/packaging/abi/*.abi "$work/abi"
sed -i "s/^\(.*elf-symbol name='memstate_\)trim\('.*\)$/&\n\1planted\2/" \
	"$work/abi/libmemstate.so.0.abi"
ok abi_selftest.a_function_that_is_gone_is_found 'abi 4 "$work/abi"'
cp -r "$work/copy/userspace" "$work/copy/kmod" "$work/copy/include" "$work/planted"
sed -i 's/memstate_charge_wait(size_t bytes, uint64_t/memstate_charge_wait(size_t bytes, uint32_t/' \
	"$work/planted/userspace/include/memstate.h" "$work/planted/userspace/lib/limits.c"
ok abi_selftest.a_parameter_that_has_changed_is_found \
	'make -s -C "$work/planted/userspace" -j2 O="$work/planted/libs" "$work/planted/libs/libmemstate.so.0.1.0" &&
	cp -P "$src"/build/userspace/libmemstate-malloc.so* "$work/planted/libs" &&
	tells charge_wait abi 4 "$top/packaging/abi" "$work/planted/libs"'

# --- installed ----------------------------------------------------------------

# inside COMMAND: in the Debian of the chroot
inside() {
	unshare -m --propagation private sh -c '
		mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		mount -t tmpfs tmpfs "$1/tmp" && mkdir "$1/tmp/debs" && mount --bind "$2" "$1/tmp/debs" &&
		exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive INITRD=No /bin/bash -c "$3"
	' sh "$root" "${2:-$work/debs}" "$1"
}
apt="apt-get -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io"
purge="$apt purge 'memstate*' 'libmemstate*'"

# What is in it: of each file its kind, owner, mode and contents, but for logs, caches
# and apt's and dpkg's own notes, of which the names count. (What man-db has in its cache
# it makes when it likes.)
snapshot() {
	(cd "$root" && find . \( -path ./proc -o -path ./dev -o -path ./sys -o -path ./tmp -o -path ./run \
		-o -path ./var/cache/man -o -path ./var/cache/apt/\*.bin \) -prune -o -printf '%p %y %m %u %g %l\n' | sort
	find . \( -path ./proc -o -path ./dev -o -path ./sys -o -path ./tmp -o -path ./run -o -path ./var/log \
		-o -path ./var/cache -o -path ./var/lib/apt -o -path './var/lib/dpkg/*-old' -o -path ./var/lib/dpkg/status \
		-o -path ./etc/ld.so.cache -o -path ./usr/src/linux-headers\* -o -path ./usr/lib/gcc \) -prune \
		-o -type f -print0 | sort -z | xargs -0 sha256sum)
}
# versions and states of what is installed
installed() { inside "dpkg-query -W -f '\${Package} \${Version} \${Status}\n'"; }

"$here/chroot.sh" "$root" "$work/debs" >"$work/releases" || bail "no Debian to install in"
mapfile -t releases <"$work/releases"
snapshot >"$work/before"
installed >"$work/installed.before"

say "installing"
ok apt_installs_them_and_finds_their_dependencies_there \
	'tells "5 newly installed, 0 to remove" inside "$apt install /tmp/debs/*.deb"'
for package in memstate-dkms libmemstate0 libmemstate-dev libmemstate-malloc0 memstate-tools; do
	ok "installed.$package" 'tells "^install ok installed$" inside "dpkg-query -W -f \"\\\${Status}\" $package"'
done
# As the kernels' header packages do when they come after it
for release in "${releases[@]}"; do
	ok "dkms_builds_it_for.$release" 'tells "${release//+/[+]}.*: installed" \
		inside "/etc/kernel/header_postinst.d/dkms $release; dkms status memstate/$version -k $release"'
	ok "module_is_for.$release" 'tells "^version: *$version" inside "modinfo -k $release memstate" &&
		grep -qF " $release " "$work/kept"'
done

# --- used ---------------------------------------------------------------------

mkdir "$work/user"
cp "$here/user.sh" "$here/../tap.sh" "$work/user"
relay "user" inside "/tmp/debs/user.sh /opt/programs" "$work/user"
# under KERNEL MODE
under() {
	say "using them under $1"
	relay "$1" "$top/tools/testing/vm/vm.sh" -k "$1" -t 2400 -- bash "$here/guest.sh" "$root" "$2"
}
tap_limit=2700
under 6.1 use
under 6.12 purge
rm -rf "$root/opt/programs"

# --- and gone -----------------------------------------------------------------

say "purging"
ok apt_purges_them 'inside "$purge"'
snapshot >"$work/after"
installed >"$work/installed.after"
ok purge_leaves_no_trace 'diff "$work/before" "$work/after"'
ok purge_leaves_no_package 'diff "$work/installed.before" "$work/installed.after"'
ok purge_selftest.what_is_left_is_found 'touch "$root/etc/planted"; snapshot >"$work/planted.list"; rm "$root/etc/planted"
	! diff "$work/before" "$work/planted.list"'

# --- from an older version ------------------------------------------------------

# The same files as an older version would have them: DKMS has to let go of its module.
older() {
	local deb tree
	mkdir "$work/older"
	for deb in "$work/debs"/*.deb; do
		tree=$work/older/tree
		rm -rf "$tree"
		dpkg-deb -R "$deb" "$tree" || return
		sed -i "s/${version//./\\.}/0.0.9/g" "$tree"/DEBIAN/*
		if [ -d "$tree/usr/src" ]; then
			mv "$tree/usr/src/memstate-$version" "$tree/usr/src/memstate-0.0.9"
			sed -i "s/${version//./\\.}/0.0.9/" "$tree/usr/src/memstate-0.0.9/dkms.conf" \
				"$tree/usr/src/memstate-0.0.9/kmod/main.c"
		fi
		dpkg-deb --root-owner-group -Zgzip -b "$tree" "$work/older" || return
	done
	rm -rf "$tree"
}
say "upgrading"
newest=${releases[-1]}
ok older_packages_install 'older && inside "$apt install /tmp/debs/*.deb" "$work/older" &&
	tells "^memstate/0.0.9.*installed" inside "dkms status"'
ok upgrade 'tells "5 upgraded" inside "$apt install /tmp/debs/*.deb"'
ok upgrade_leaves_one_module 'inside "dkms status" >"$work/status" && cat "$work/status" &&
	grep -q "^memstate/$version.*$newest.*installed" "$work/status" && ! grep "0\.0\.9" "$work/status" &&
	[ ! -e "$root/usr/src/memstate-0.0.9" ]'
ok purge_after_upgrade 'inside "$purge"'
snapshot >"$work/after"
ok purge_after_upgrade_leaves_no_trace 'diff "$work/before" "$work/after"'

tap_end
