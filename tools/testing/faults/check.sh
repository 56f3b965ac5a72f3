#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# check.sh [--build] [NAME...]: are the seeded faults whole? Prints TAP: one test for the
# header and the diff of each, or of those named; with --build one more, that it compiles
# without a warning, to other machine code than the tree's. README says what is demanded.
set -u
shopt -s nullglob

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"

build=
[ "${1-}" != --build ] || { build=1; shift; }
case ${1-} in -*) echo "usage: check.sh [--build] [NAME...]" >&2; exit 2 ;; esac

work=$top/build/faults
lines_max=18		# changed by one fault
kernel=6.1		# for which the module is built
declare -A kinds=()
while read -r kind; do kinds[$kind]=1; done < <(
	sed -n '/^Kinds$/,$ { /^  [^ ]/ { s/^  //; s/   .*//; p } }' "$here/README")

# log: the commits there are; without git, or without a history, empty
log=$(git -C "$top" log --format='%H %s' 2>/dev/null)

# field NAME PATCH: of the header
field() { sed -n "/^\$/q; s/^$1: *//p" "$2"; }
# changed PATCH: how many lines it takes out and puts in
changed() { sed '1,/^$/d' "$1" | grep -vE '^(---|\+\+\+) ' | grep -cE '^[-+]'; }
touched() { sed -n 's,^+++ b/\([^\t]*\).*,\1,p' "$1"; }
# like a regular expression, of the files that a fault of that name may change
may_touch() {
	case ${1%%-*} in
	kmod) echo '^kmod/[^/]*$' ;;
	core) echo '^kmod/core/[^/]*$' ;;
	lib) echo '^userspace/(lib|include)/' ;;
	malloc|observe|cli|oci) echo "^userspace/${1%%-*}/" ;;
	*) echo '^$' ;;
	esac
}

undoes_is_true() { # PATCH
	local undoes hash subject commit
	undoes=$(field Undoes "$1")
	grep -q '^Undoes:' "$1" || return 0
	hash=${undoes%% *} subject=${undoes#* }
	[[ $hash =~ ^[0-9a-f]{7,40}$ ]] || { echo "Undoes: no commit: $undoes"; return 1; }
	[ -n "$log" ] || return 0
	commit=$(grep "^$hash" <<<"$log") || { echo "Undoes: no such commit: $hash"; return 1; }
	[ "${commit#* }" = "$subject" ] || { echo "Undoes: $hash is: ${commit#* }"; return 1; }
}

# whole NAME: what is wrong with the patch, and whether anything is
whole() {
	local p=$here/$1.patch bad=0 f allowed
	[ -f "$p" ] || { echo "there is no $1.patch"; return 1; }
	wrong() { echo "$*"; bad=1; }
	[ "$(head -n 1 "$p")" = "SPDX-License-Identifier: GPL-2.0-only OR MIT" ] ||
		wrong "the first line is not the licence"
	for f in Kind What; do
		[ "$(sed '/^$/q' "$p" | grep -c "^$f: *[^ ]")" = 1 ] || wrong "not one $f:"
	done
	[ -n "${kinds[$(field Kind "$p")]-}" ] ||
		wrong "Kind: README does not know: $(field Kind "$p")"
	f=$(sed '/^$/q' "$p" | grep -vE '^(SPDX-License-Identifier|Kind|What|Undoes): |^$') &&
		wrong "in the header: $f"
	undoes_is_true "$p" || bad=1
	allowed=$(may_touch "$1")
	[ -n "$(touched "$p")" ] || wrong "no diff"
	for f in $(touched "$p"); do
		[[ $f =~ $allowed ]] || wrong "changes $f, which is not its part"
	done
	[ "$(changed "$p")" -le $lines_max ] ||
		wrong "changes $(changed "$p") lines, more than $lines_max"
	(cd "$top" && git apply --check -p1 "$p" 2>&1) || wrong "does not apply"
	return $bad
}

# --- --build ----------------------------------------------------------------------

# What is built is a copy. module.sh and make then compile what has changed only.
copy_tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree"
	(cd "$top" && tar -cf - Kbuild kmod include userspace) | tar -xf - -C "$work/tree"
}
build_module() { SRC=$work/tree OUT=$work/module "$here/../vm/module.sh" $kernel; }
build_userspace() {
	make -s -C "$work/tree/userspace" O="$work/userspace" CFLAGS="-O2 -g -Werror"
}

needs_module() { [[ $1 == @(kmod|core)-* ]]; }
needs_userspace() { [[ $1 != kmod-* ]]; }

# code NAME: of what a fault of that name is in, with its data, but for lines' numbers
code() {
	{
		! needs_module "$1" || echo "$work/module/memstate.ko"
		! needs_userspace "$1" || find "$work/userspace" -name '*.o' | sort
	} | while read -r object; do
		objdump -dr --no-show-raw-insn "$object"
		objdump -s "$object" |
			awk '/^Contents/ { data = $4 ~ /^\.(ro)?data/ } data'
	done | sha256sum
}

build_one() { # NAME
	{ ! needs_module "$1" || build_module; } &&
	{ ! needs_userspace "$1" || build_userspace; }
}

declare -A before=()
builds() { # NAME
	local p=$here/$1.patch part=${1%%-*} ret=1
	if [ -z "${before[$part]-}" ]; then
		build_one "$1" || { echo "the tree does not build by itself"; return 1; }
		before[$part]=$(code "$1")
	fi
	patch -s -d "$work/tree" -p1 <"$p" || return 1
	if ! build_one "$1"; then
		echo "does not compile, or with a warning"
	elif [ "${before[$part]}" = "$(code "$1")" ]; then
		echo "the machine code is the same as before"
	else
		ret=0
	fi
	patch -s -R -d "$work/tree" -p1 <"$p" || { echo "cannot be taken back"; return 1; }
	return $ret
}

# ----------------------------------------------------------------------------------

tap_begin "$work"
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
	for patch in "$here"/*.patch; do
		patch=${patch##*/}
		names+=("${patch%.patch}")
	done
fi
[ -z "$build" ] || copy_tree || bail "no copy of the tree"
for name in "${names[@]}"; do
	# not in a pipe: builds remembers what the tree's own code was
	if whole "$name" >"$work/said" 2>&1; then
		result 0 "$name is whole and applies"
		[ -n "$build" ] || continue
		builds "$name" >"$work/said" 2>&1
		result $? "$name compiles, to something else"
	else
		result 1 "$name is whole and applies"
	fi
done
tap_end
