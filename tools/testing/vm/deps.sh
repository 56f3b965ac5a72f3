#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# deps.sh all|GROUP...: install what is missing of these groups of "packages"; all are those
# that need not be asked for.
set -eu

here=$(dirname "$(readlink -f "$0")")
say() { echo "deps: $*" >&2; }
die() { say "$*"; exit 1; }

known=$(awk '!/^#/ && NF { print $1 }' "$here/packages" | sort -u | tr '\n' ' ')
[ $# -gt 0 ] || die "usage: deps.sh all|GROUP...; the groups are $known"
# shellcheck disable=SC2086 # a list of words
[ "$1" != all ] || set -- ${known%suites *}${known##*suites }
for group; do
	case " $known" in *" $group "*) ;; *) die "there is no group $group in $here/packages" ;; esac
done
groups=$*

missing() {
	installed=" $(dpkg-query -W -f '${Package}/${db:Status-Status} ' 2>/dev/null)"
	while read -r group package command; do
		case " $groups " in *" $group "*) ;; *) continue ;; esac
		[ -z "$command" ] || ! command -v "$command" >/dev/null || continue
		case $installed in *" $package/installed "*) ;; *) printf '%s ' "$package" ;; esac
	done <"$here/packages"
}

command -v apt-get >/dev/null || die "no apt-get: install by hand what $here/packages lists"
list=$(missing)
[ -n "$list" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "not root and no sudo; missing: $list"
	# shellcheck disable=SC2086 # a list of words
	exec sudo "$0" $groups
fi

# One installer at a time: the guard below is shared by the whole machine.
exec 9>/run/lock/memstate-deps.lock
flock 9
list=$(missing)
[ -n "$list" ] || exit 0

# Installing redis must not start a server.
guard=/usr/sbin/policy-rc.d
if [ ! -e $guard ]; then
	trap 'rm -f $guard' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >$guard
	chmod 755 $guard
fi

log=$(mktemp)
apt() {
	# Another apt may hold a lock that DPkg::Lock::Timeout does not cover.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		if DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 \
			-o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 9>&-; then
			return 0
		fi
		grep -q 'Could not get lock\|Unable to lock' "$log" || break
		say "apt is busy, waiting ($try)"
		sleep 6
	done
	cat "$log" >&2
	die "apt-get $1 failed"
}

say "installing $(echo "$list" | wc -w) packages and what they need: $list"
apt update
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $list
rm -f "$log"
