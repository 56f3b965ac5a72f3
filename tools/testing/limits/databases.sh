#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# databases.sh DIR: new databases in DIR/postgres and DIR/mariadb, for real.sh: to make them in an
# emulated machine would take minutes. Root's; PostgreSQL runs as its own user, below /tmp, as
# that user may not see DIR.
set -eu
dir=$1
[ ! -e "$dir/whole" ] || exit 0
rm -rf "$dir"
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 711 "$work"
mkdir "$work/own"
chown postgres: "$work/own"
at=$(echo /usr/lib/postgresql/*/bin)
by() { (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); }
by "$at/initdb" -A trust --no-sync -D "$work/own/data"
by "$at/pg_ctl" -s -w -D "$work/own/data" -l "$work/own/log" -o "-k $work/own -c listen_addresses= -F" start
by "$at/pgbench" -i -q -h "$work/own" postgres || failed=1
by "$at/pg_ctl" -s -w -D "$work/own/data" stop
[ -z "${failed-}" ]
mv "$work/own/data" "$dir/postgres"
mariadb-install-db --no-defaults --user=root --datadir="$dir/mariadb" --auth-root-authentication-method=normal \
	--skip-test-db
touch "$dir/whole"
