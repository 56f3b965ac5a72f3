#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# chroot.sh ROOT DEBS: a Debian 12 in ROOT that has what the packages in DEBS depend
# on, and not themselves. Prints the headers' kernel releases, one a line.
#
# It is made once: a new system by debootstrap; in it apt is asked what it would
# install for DEBS, and that is installed, with the headers of the kernels 6.1 and
# 6.12 and what tests use. Kept in kernel.sh's cache as root-HASH.tar.zst, by all that
# it is made from. Packages of the mirror that are newer do not make it anew.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
recipe=1 # another number makes it anew
extras="man-db bash-completion pkg-config" # a user has them
say() { echo "chroot: $*" >&2; }
# shellcheck source=tools/testing/vm/debian.sh
. "$here/../vm/debian.sh"
[ $# = 2 ] || die "usage: chroot.sh ROOT DEBS"
[ "$(id -u)" = 0 ] || die "not root"
root=$1 debs=$(readlink -e "$2") || die "no $2"
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

places=$("$here/../vm/kernel.sh" mirror 6.1 6.12) || die "no kernels"
mapfile -t releases < <(sed -n 's/^RELEASE=//p' <<<"$places")
mirror=$(sed -n 's/^MIRROR=//p' <<<"$places")
security=$(sed -n 's/^SECURITY=//p' <<<"$places")

depends=$(for deb in "$debs"/*.deb; do dpkg-deb -f "$deb" Depends Pre-Depends; done | sort -u)
hash=$(sha256sum <<<"$recipe $extras ${releases[*]} $depends" | cut -c 1-12)
tar=$cache/root-$hash.tar.zst

# inside COMMAND: in the root that is being made
# shellcheck disable=SC2016 # the inner shell expands it
inside() {
	unshare -m --propagation private sh -c '
		root=$1
		shift
		mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" &&
		mount -t tmpfs tmpfs "$root/tmp" && mkdir "$root/tmp/debs" &&
		mount --bind "$debs" "$root/tmp/debs" && exec chroot "$root" "$@"
	' sh "$root" /bin/bash -c "$1"
}

make() {
	local apt wanted
	need debootstrap
	say "debootstrap of a new Debian 12, minutes"
	debootstrap --variant=minbase --keyring=$keyring bookworm "$root" "$mirror" >"$tar.log" 2>&1 ||
		{ tail "$tar.log" >&2; die "debootstrap failed: $tar.log"; }
	{
		echo "deb $mirror bookworm main"
		echo "deb $mirror bookworm-updates main"
		echo "deb $mirror bookworm-backports main"
		[ -z "$security" ] || echo "deb $security bookworm-security main"
	} >"$root/etc/apt/sources.list"
	# nothing is started in it
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	apt="apt-get -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io"
	export debs INITRD=No
	inside "apt-get -qq update && $apt upgrade" >>"$tar.log" 2>&1 || die "apt-get update failed: $tar.log"
	wanted=$(inside "$apt -s install /tmp/debs/*.deb" | awk '
		/^Inst / && !/local-deb/ { printf "%s ", $2 }') || die "apt cannot install the packages"
	say "installing what they depend on, and headers of ${releases[*]}"
	inside "$apt install $wanted $extras $(printf 'linux-headers-%s ' "${releases[@]}")" \
		>>"$tar.log" 2>&1 || {
		tail "$tar.log" >&2
		die "could not install them. If it is the headers: the mirror has other kernels than the cache; tools/testing/vm/kernel.sh -u 6.1 6.12"
	}
	# As after their installation by the kernels' packages; of 6.1 there are headers only.
	for release in "${releases[@]}"; do
		inside "depmod $release" >>"$tar.log" 2>&1
	done
	inside "apt-get clean"
}

mkdir -p "$root"
lock root
if [ -e "$tar" ]; then
	say "unpacking a Debian 12"
	tar -xf "$tar" -C "$root"
else
	make
	say "keeping it as $tar"
	tar -C "$root" --use-compress-program='zstd -1 -T0' -cf "$tar.new" .
	mv "$tar.new" "$tar"
	rm -f "$tar.log"
fi
printf '%s\n' "${releases[@]}"
