#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# module.sh NAME [MAKE ARGS]: build the module for kernel NAME of kernel.sh, and
# print its path. A warning is an error.
#
# The sources are copied to build/NAME, so that no kernel's objects meet those of
# another. SRC: another tree, with a Kbuild; OUT: another place than build/NAME.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
say() { echo "module: $*" >&2; }
die() { say "$*"; exit 1; }

[ $# -gt 0 ] || die "usage: module.sh NAME [MAKE ARGS]"
name=$1
shift
src=$(readlink -f "${SRC:-$top}")
out=${OUT:-$top/build/$name}
[ -f "$src/Kbuild" ] || die "no Kbuild in $src"

places=$("$here/kernel.sh" "$name") || die "no kernel $name"
place() { sed -n "s/^$1=//p" <<<"$places"; }
kdir=$(place KDIR)
chroot=$(place CHROOT)

mkdir -p "$out"
out=$(readlink -f "$out")
exec 9>"$out/lock"
flock 9

# Copy what differs, so that make sees only changes; drop what is gone.
inputs=(Kbuild)
if [ "$src" = "$top" ]; then
	inputs+=(kmod include)
else
	inputs=(.)
fi
synchronize() {
	local file
	(cd "$src" && find "${inputs[@]}" -name build -prune -o -type f \
		\( -name '*.[chS]' -o -name Kbuild -o -name 'Makefile*' -o -name '*.sh' -o -name '*.lds' \) \
		! -name '*.mod.c' -print | sort) >"$out/inputs.new"
	[ ! -e "$out/inputs" ] || comm -23 "$out/inputs" "$out/inputs.new" |
		(cd "$out" && xargs -r -d '\n' rm -f)
	mv "$out/inputs.new" "$out/inputs"
	while read -r file; do
		cmp -s "$src/$file" "$out/$file" || {
			mkdir -p "$(dirname "$out/$file")"
			cp "$src/$file" "$out/$file"
		}
	done <"$out/inputs"
}
synchronize

log=$out/build.log
# Type information would take pahole, and is of no use to tests.
options=(W=1 -j"$(nproc)" CONFIG_DEBUG_INFO_BTF_MODULES=)
if [ -z "$chroot" ]; then
	build() { make -C "$kdir" M="$out" "${options[@]}" "$@" modules; }
else
	# That kernel's compiler needs that release's libraries. The mounts are the
	# shell's own and go with it.
	enter=(unshare -m --propagation private)
	[ "$(id -u)" = 0 ] || enter=(unshare -r -m --propagation private)
	# shellcheck disable=SC2016 # the inner shell expands it
	build() {
		"${enter[@]}" sh -c '
			root=$1 out=$2
			shift 2
			mount -t tmpfs tmpfs "$root/tmp" && mkdir "$root/tmp/module" &&
			mount --bind "$out" "$root/tmp/module" &&
			mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" &&
			exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/usr/sbin "$@"
		' sh "$chroot" "$out" make -C "$kdir" M=/tmp/module "${options[@]}" "$@" modules 2>&1 |
			sed "s,/tmp/module,$out,g"
	}
fi

say "building for $name"
build "$@" >"$log" 2>&1 || { cat "$log" >&2; die "did not build for $name"; }
# pahole is not there and not used
if grep -v 'pahole version differs' "$log" | grep -i warning >&2; then
	# an object that is there would not be compiled, and not warn, again
	find "$out" -name '*.o' -delete
	die "warnings for $name, in $log"
fi
find "$out" -maxdepth 2 -name '*.ko'
