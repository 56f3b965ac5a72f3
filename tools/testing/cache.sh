#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# cache.sh, to be sourced: where what is slow to make or to find out is kept, outside the tree.
# cache.sh tell|empty: says where, and how much it is; or removes it.
cache=${MEMSTATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/memstate}

# mark_of PART: sets mark, the name in that part of the cache of what stdin has: all that a
# finding depends on. The file is there if it was found to be good.
# proved: is it there? FRESH=1 sets aside all that is known.
# remember: it was found to be good
mark_of() { mark=$cache/$1/$(sha256sum | cut -c 1-32); }
proved() { [ -z "${FRESH-}" ] && [ -e "$mark" ]; }
remember() { mkdir -p "${mark%/*}" && : >"$mark"; }

# installed: what the tools are; where that cannot be told, nothing is known from before
installed() { dpkg-query -W 2>/dev/null || date; }

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	case ${1-} in
	tell)
		echo "Kernels, tools, and what has passed are kept in $cache"
		echo "($(du -sh "$cache" 2>/dev/null | cut -f 1 | grep . || echo nothing yet); MEMSTATE_CACHE names another place; make clean-cache empties it)"
		;;
	empty)
		# Only what is ours: the place may be one that somebody has named.
		[ ! -d "$cache" ] || rm -rf "${cache:?}"/{passed,static,model,faults,booted,ccache,apt,lock.*,tmp.*,*-[0-9]*}
		;;
	*)
		echo "usage: cache.sh tell|empty" >&2
		exit 2
		;;
	esac
fi
