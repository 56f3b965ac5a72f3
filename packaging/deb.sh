#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# deb.sh [DIR]: Debian packages of this tree, in DIR (build/deb).
#
# What is tracked (without git: all but what was built), but for the tests, is copied to
# DIR/memstate-VERSION, with packaging/debian as its debian, and built there.
# DEBVERSION: another version than that of the changelog.
set -euo pipefail

top=$(dirname "$(dirname "$(readlink -f "$0")")")
out=${1:-$top/build/deb}
say() { echo "deb: $*" >&2; }

for tool in dpkg-buildpackage dh dh_dkms; do
	command -v $tool >/dev/null || { say "no $tool: run tools/testing/vm/deps.sh all"; exit 1; }
done
version=$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Version)
src=$out/memstate-$version
rm -rf "$out"
mkdir -p "$src"
(
	cd "$top"
	if [ -e .git ]; then
		git ls-files -z
	else
		find . -path ./build -prune -o ! -type d -printf '%P\0'
	fi | grep -zv '^tools/testing/' | while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done | xargs -0 cp -pP --parents -t "$src"
)
cp -rp "$src/packaging/debian" "$src/debian"

# What make has set is not for the build, which says itself what goes where.
unset MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR MANDIR LIBDIR V
log=$out/build.log
say "building memstate $version"
(cd "$src" && dpkg-buildpackage -us -uc -b -j"$(nproc)") >"$log" 2>&1 || {
	tail -n 40 "$log" >&2
	say "did not build: $log"
	exit 1
}
ls "$out"/*.deb
