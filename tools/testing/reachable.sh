#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# reachable.sh PATH...: in a virtual machine, where that is gone afterwards: other users get to
# these, wherever they lie. Somebody's home is often closed to others.
for path; do
	path=$(readlink -f "$path")
	while [ "$path" != / ]; do
		path=$(dirname "$path")
		chmod go+x "$path"
	done
done
