# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=bash disable=SC2154 # $top is set by who sources it
#
# copied.sh, to be sourced: copies of the tree, for suites that build or change all of it.

# copied DIR [product]: a copy of what git tracks; without git, of all but what was built. Of the
# product: without its tests, but for what installs packages and gets kernels.
copied() {
	mkdir -p "$1"
	(
		cd "$top" || exit 1
		{ git ls-files -z 2>/dev/null || find . -path ./build -prune -o \( -type f -o -type l \) -printf '%P\0'; } |
			grep -zvP "${2:+^tools/testing/(?!vm/)|}^\$" |
			while IFS= read -r -d '' file; do
				if [ -e "$file" ] || [ -L "$file" ]; then printf '%s\0' "$file"; fi
			done | xargs -0 cp -pP --parents -t "$1"
	)
}
