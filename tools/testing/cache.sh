# SPDX-License-Identifier: GPL-2.0-only OR MIT
# shellcheck shell=bash
#
# cache.sh, to be sourced: where what is slow to make or to find out is kept, outside the tree.
cache=${MEMSTATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/memstate}

# mark_of PART: sets mark, the name in that part of the cache of what stdin has: all that a
# finding depends on. The file is there if it was found to be good.
mark_of() { mark=$cache/$1/$(sha256sum | cut -c 1-32); }

# installed: what the tools are; where that cannot be told, nothing is known from before
installed() { dpkg-query -W 2>/dev/null || date; }
