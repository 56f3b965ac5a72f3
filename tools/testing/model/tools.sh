#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# tools.sh herd|cbmc...: make sure that the checker is in the cache, and print
# HERD= or CBMC= and its path.
#
# Debian 12 has neither: herd7 comes from sid and CBMC from trixie, each with the
# libraries it was built for, so that nothing of the host changes. Both runs at
# once share a cache with the kernels, and the functions that fill it.
set -euo pipefail

vm=$(dirname "$(readlink -f "$0")")/../vm
marker='# --- main ---'
grep -q "^$marker" "$vm/kernel.sh" || {
	echo "tools.sh: $vm/kernel.sh has no line '$marker'" >&2
	exit 1
}
# shellcheck disable=SC1090 # the functions of kernel.sh, without its main part
. <(sed "/^$marker/,\$d" "$vm/kernel.sh")
say() { echo "model: $*" >&2; }
: "${keyring:?}" "${cache:?}"

# sid has no suites of updates beside it.
sid_update() {
	local dir=$cache/apt/sid mirror
	need apt-get dpkg-deb
	[ -e "$keyring" ] || die "no $keyring: install debian-archive-keyring"
	mirror=${MEMSTATE_MIRROR:-$(site Debian)}
	[ -n "$mirror" ] || die "apt knows no Debian mirror: set MEMSTATE_MIRROR, or run apt-get update"
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	printf '%s\n' 'Types: deb' "URIs: $mirror" 'Suites: sid' 'Components: main' \
		"Signed-By: $keyring" >"$dir/sid.sources"
	say "reading the package lists of sid"
	apt sid apt-get update >&2 || die "apt-get update failed for sid"
}

# fetch RELEASE PACKAGE PROGRAM [ARGS]: the program and all it depends on
fetch() {
	local release=$1 package=$2 program=$3 args=${4-} temp packages version
	if ! newest "$program-" >/dev/null; then
		case $release in
		sid) lock apt-sid; sid_update; unlock ;;
		*)   apt_update "$release" ;;
		esac
		# base-files: it makes /lib64, where the loader is, a link into /usr
		mapfile -t packages < <(closure "$release" base-files "$package")
		version=$(printf '%s\n' "${packages[@]}" | sed -n "s/^$package=//p")
		[ -n "$version" ] || die "$release has no $package"
		say "fetching $package $version"
		temp=$(mktemp -d "$cache/tmp.$$.XXXXXX")
		# not the compiler: what preprocesses for CBMC is the host's
		mapfile -t packages < <(printf '%s\n' "${packages[@]}" |
			grep -vE '^(gcc|cpp|binutils)[^=]*-x86-64-')
		unpack "$release" "$temp/$program.root" "${packages[@]}"
		# the wrapper looks for libraries in the architecture's directory only
		find "$temp/$program.root/usr/lib" -maxdepth 1 -name 'lib*.so.*' \
			-exec mv -t "$temp/$program.root/usr/lib/x86_64-linux-gnu" {} +
		wrapper "$temp/$program" "usr/bin/$program" "$args"
		rm -rf "$temp/$program.root"/usr/share/{doc,man,locale}
		"$temp/$program" --version >/dev/null 2>&1 ||
			"$temp/$program" -version >/dev/null || die "this $program does not run"
		publish "$temp" "$program-${version//:/_}"
	fi
}

# shellcheck disable=SC2034 # the functions of kernel.sh read it
update=
[ $# -gt 0 ] || die "usage: tools.sh herd|cbmc..."
mkdir -p "$cache"
cache=$(readlink -f "$cache")
trap 'rm -rf "$cache/tmp.$$".*' EXIT
trap 'exit 1' HUP INT TERM
for name; do
	lock "$name"
	case $name in
	herd)
		# shellcheck disable=SC2016 # the wrapper expands it
		fetch sid herdtools7 herd7 '-set-libdir "$r/usr/share/herdtools7/herd"'
		echo "HERD=$(newest herd7-)/herd7"
		;;
	cbmc)
		fetch trixie cbmc cbmc
		echo "CBMC=$(newest cbmc-)/cbmc"
		;;
	*)	die "unknown tool $name" ;;
	esac
	unlock
done
