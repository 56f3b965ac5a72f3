#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# tools.sh herd|cbmc...: make sure that the checker is in the cache, and print
# HERD= or CBMC= and its path.
#
# Debian 12 has neither: herd7 comes from sid and CBMC from trixie, each with the
# libraries it was built for, so that nothing of the host changes. The cache is that
# of the kernels.
set -euo pipefail

say() { echo "model: $*" >&2; }
# shellcheck source=tools/testing/vm/debian.sh
. "$(dirname "$(readlink -f "$0")")/../vm/debian.sh"

# fetch RELEASE PACKAGE PROGRAM [ARGS]: the program and all it depends on
fetch() {
	local release=$1 package=$2 program=$3 args=${4-} temp packages version
	if ! newest "$program-" >/dev/null; then
		apt_update "$release"
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

[ $# -gt 0 ] || die "usage: tools.sh herd|cbmc..."
cache_begin
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
