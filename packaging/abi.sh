#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# abi.sh record [LIBS]: write down the ABI of the libraries in LIBS, in packaging/abi.
# abi.sh check [LIBS]: compare what is written down with LIBS (build/userspace).
#
# The libraries have to be built with -g. Exit of check: 0 the same; 1 could not be
# compared; 3 there is more than is written down: record it; 4 something is gone or
# has changed: programs that were built before would break.
# MEMSTATE_ABI: another directory than packaging/abi.
set -euo pipefail

top=$(dirname "$(dirname "$(readlink -f "$0")")")
abi=${MEMSTATE_ABI:-$top/packaging/abi}
die() { echo "abi: $*" >&2; exit 1; }
for tool in abidw abidiff; do
	command -v $tool >/dev/null || die "no $tool: install the Debian package abigail-tools"
done
case ${1-} in
record|check) ;;
*) die "usage: abi.sh record|check [LIBS]" ;;
esac
libs=$(readlink -e "${2:-$top/build/userspace}") || die "no ${2:-build/userspace}: make userspace"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Nothing of the machine it was made on. (--drop-private-types would leave less,
# but abidiff 2.2 cannot read it.)
# shellcheck disable=SC2317 # called by name
record() {
	abidw --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash \
		--exported-interfaces-only "$libs/$1" >"$work/abi" || die "abidw failed: $1"
	grep -q '<function-decl ' "$work/abi" || die "no functions in $libs/$1: built without -g?"
	sed -e "s,path='[^']*/userspace/,path='userspace/," \
		-e '1a <!-- SPDX-License-Identifier: GPL-2.0-only OR MIT -->' "$work/abi" >"$abi/$1.abi"
}

worst=0
# shellcheck disable=SC2317 # called by name
check() {
	local recorded=$abi status=0
	[ -f "$recorded/$1.abi" ] || die "nothing is written down of $1: make abi"
	abi=$work record "$1"
	abidiff "$recorded/$1.abi" "$work/$1.abi" || status=$?
	if [ $((status & 3)) != 0 ]; then
		die "abidiff failed: $1"
	elif [ "$status" != 0 ]; then
		status=3
		abidiff --no-added-syms "$recorded/$1.abi" "$work/$1.abi" >/dev/null || status=4
	fi
	[ "$status" -le "$worst" ] || worst=$status
}

for name in libmemstate.so.0 libmemstate-malloc.so.0; do
	[ -e "$libs/$name" ] || die "no $libs/$name: make userspace"
	"$1" $name
done
exit $worst
