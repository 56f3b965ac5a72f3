# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=bash
#
# debian.sh, to be sourced: packages of any release of Debian, without changing
# anything of the machine's, and the cache for what is made of them.
#
# Each entry of the cache is a directory named after all that it was made from;
# it is made under another name and renamed when complete, so that one that is
# there is whole. Nothing in it knows its own path: the cache can be moved.
#
# say TEXT is the caller's: progress, on stderr.
shopt -s nullglob

# shellcheck source=tools/testing/cache.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../cache.sh"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
die() { say "$*"; exit 1; }
need() {
	local c
	for c; do
		command -v "$c" >/dev/null || die "no $c: run deps.sh all"
	done
}

# --- packages ---------------------------------------------------------------

# site LABEL: where this machine gets its own packages from
# shellcheck disable=SC2016 # apt expands these
site() {
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(SITE)' \
		'Created-By: Packages' | awk -F '|' -v label="$1" \
		'$1 == "Debian" && $2 == label && $3 == "main" { print $4; exit }'
}

# apt RELEASE COMMAND ARGS: with lists, state and sources of its own
apt() {
	local release=$1 command=$2 dir=$cache/apt/$1 arch=amd64
	shift 2
	[[ $release != *-arm64 ]] || arch=arm64
	"$command" -qq -o Dir::State="$dir" -o Dir::State::status=/dev/null \
		-o Dir::Cache="$dir" -o Dir::Etc::main=/dev/null \
		-o Dir::Etc::parts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::Etc::sourcelist="$dir/$release.sources" \
		-o Dir::Etc::sourceparts=/dev/null -o APT::Architecture=$arch \
		-o APT::Architectures::=$arch \
		-o APT::Sandbox::User=root -o Acquire::Retries=3 \
		-o APT::Install-Recommends=false -o APT::Update::Error-Mode=any "$@"
}

# mirrors: sets mirror and security
mirrors() {
	mirror=${MEMSTATE_MIRROR:-$(site Debian)}
	security=${MEMSTATE_MIRROR_SECURITY:-$(site Debian-Security)}
	[ -n "$mirror" ] || die "apt knows no Debian mirror: set MEMSTATE_MIRROR, or run apt-get update"
}

# apt_update RELEASE: once per run and release. bookworm-src: the sources of bookworm;
# bookworm-arm64: what is not of amd64
declare -A updated=()
apt_update() {
	local release=$1 dir=$cache/apt/$1 suite=${1%%-*} types=deb suites mirror security
	[ -z "${updated[$release]-}" ] || return 0
	need apt-get dpkg-deb
	[ -e "$keyring" ] || die "no $keyring: install debian-archive-keyring"
	[[ $release != *-src ]] || types=deb-src
	suites="$suite $suite-updates $suite-backports"
	mirrors
	# it has none beside it
	[ "$suite" != sid ] || suites=sid security=
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	lock "apt-$release"
	{
		printf '%s\n' "Types: $types" "URIs: $mirror" 'Components: main' \
			"Suites: $suites" "Signed-By: $keyring" ''
		[ -z "$security" ] || printf '%s\n' "Types: $types" "URIs: $security" \
			'Components: main' "Suites: $suite-security" "Signed-By: $keyring"
	} >"$dir/$release.sources"
	say "reading the package lists of $release"
	apt "$release" apt-get update >&2 || die "apt-get update failed for $release"
	unlock
	updated[$release]=1
}

# candidate RELEASE PACKAGE BEGINNING: the newest version that begins so
candidate() {
	local version
	version=$(apt "$1" apt-cache madison "$2" | awk -v beginning="$3" '
		index($3, beginning) == 1 && !found { print $3; found = 1 }')
	[ -n "$version" ] || die "$1 has no $2 $3*"
	echo "$version"
}

# closure RELEASE ARGS: PACKAGE=VERSION of all that apt would install
closure() {
	apt "$1" apt-get install -s "${@:2}" |
		sed -n -E 's/^Inst ([^ ]+) .*\(([^ ]+) .*/\1=\2/p'
}

# unpack RELEASE DIR PACKAGE...
unpack() {
	local release=$1 dir=$2 debs deb
	shift 2
	debs=$(mktemp -d "$cache/tmp.$$.XXXXXX")
	mkdir -p "$dir"
	(cd "$debs" && apt "$release" apt-get download "$@" >&2) ||
		die "could not download $*"
	# base-files first: it makes /bin and /lib links into /usr
	for deb in "$debs"/base-files_* "$debs"/*; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$debs"
}

# unpack_source RELEASE PACKAGE DIR: as Debian builds it
unpack_source() {
	local dscs
	dscs=$(mktemp -d "$cache/tmp.$$.XXXXXX")
	need dpkg-source
	(cd "$dscs" && apt "$1-src" apt-get source --download-only "$2" >&2 &&
		dpkg-source -x ./*.dsc tree >&2) || die "could not get the source of $2"
	mv "$dscs/tree" "$3"
	rm -rf "$dscs"
}

# wrapper FILE PROGRAM ARGS: run it with the libraries that came with it
wrapper() {
	cat >"$1" <<-WRAPPER
		#!/bin/sh
		r=\$(dirname "\$(readlink -f "\$0")")/${1##*/}.root
		l=lib/x86_64-linux-gnu
		export QEMU_MODULE_DIR="\$r/usr/\$l/qemu"
		exec "\$r/lib64/ld-linux-x86-64.so.2" --library-path "\$r/usr/\$l:\$r/\$l" \\
			"\$r/$2" $3 "\$@"
	WRAPPER
	chmod 755 "$1"
}

# --- the cache --------------------------------------------------------------

# cache_begin: before anything else of it
cache_begin() {
	mkdir -p "$cache"
	cache=$(readlink -f "$cache")
	trap 'rm -rf "$cache/tmp.$$".*' EXIT
	trap 'exit 1' HUP INT TERM
}

# lock NAME, unlock: one maker at a time, nested; a lock goes with its process
locks=()
lock() {
	local fd
	exec {fd}>"$cache/lock.$1"
	flock -w 2 "$fd" || { say "waiting for another run that makes $1"; flock "$fd"; }
	locks+=("$fd")
}
unlock() {
	local fd=${locks[-1]}
	exec {fd}>&-
	unset 'locks[-1]'
}

# newest PREFIX: the latest entry of the cache with that prefix. It is in use: others may go.
newest() {
	local found=("$cache/$1"*)
	[ ${#found[@]} -gt 0 ] || return 1
	mapfile -t found < <(printf '%s\n' "${found[@]}" | sort -V)
	touch -c "${found[-1]}"
	echo "${found[-1]}"
}

# publish TEMP ENTRY
publish() {
	chmod 755 "$1"
	if [ -e "$cache/$2" ]; then
		rm -rf "$1"
	else
		mv -T "$1" "$cache/$2"
	fi
}
