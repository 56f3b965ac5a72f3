#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh: tap.sh itself, and the notes of cache.sh. Each script is run with it, for all that it
# has to print, and with a mutant of it, which has to show. The count kept here is another one:
# what is tested cannot vouch for itself.
#
# shellcheck disable=SC2016 # other shells expand it
set -u

here=$(dirname "$(readlink -f "$0")")
tap=$(readlink -f "$here/../tap.sh")
cache=$(readlink -f "$here/../cache.sh")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

# verdict STATUS NAME LOG
verdict() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' "$3"
		failed=1
	fi
}

# got TAP [COMMAND...]: what the script prints with that one, and its exit status
got() {
	local tap=$1
	shift
	"$@" bash -uc '. "$1"; tap_begin "$2/logs"; . "$2/script"; tap_end' bash "$tap" "$dir" 2>"$dir/err" </dev/null
	echo "exit $?"
}

# prints NAME MUTATION, on stdin the script, "----" and what it has to print
prints() {
	cat >"$dir/both"
	sed '/^----$/,$d' "$dir/both" >"$dir/script"
	{ echo "TAP version 13"; sed '0,/^----$/d' "$dir/both"; } >"$dir/want"
	got "$tap" >"$dir/got"
	diff "$dir/want" "$dir/got" >"$dir/diff"
	verdict $? "$1" "$dir/diff"
	sed "$2" "$tap" >"$dir/mutant"
	# One that ought to end what hangs hangs itself.
	got "$dir/mutant" timeout 5 >"$dir/got"
	! cmp -s "$tap" "$dir/mutant" && ! cmp -s "$dir/want" "$dir/got"
	verdict $? "$1: a mutant that fails" "$dir/got"
}

echo "TAP version 13"
prints "good tests" 's/exit $((tap_failed > 0))/exit 1/' <<'S'
result 0 one
try two true
skip three "not here"
says four 3 'a.b' sh -c 'echo xa.bx >&2; exit 3'
says_like five 0 '^a.b$' echo axb
ok six 'x=1; [ $x = 1 ]'
needs sh bash:bash
----
ok 1 - one
ok 2 - two
ok 3 - three # SKIP not here
ok 4 - four
ok 5 - five
ok 6 - six
1..6
exit 0
S
prints "a failed result fails the script" 's/tap_failed=.*+ 1))/:/' <<'S'
echo why >"$tap_dir/said"
result 1 one
result 0 two
----
not ok 1 - one
# why
ok 2 - two
1..2
exit 1
S
prints "a failed command is one, and is shown" '/^try/,/^}/s/"\$tap_dir\/said" 2>&1/\/dev\/null/' <<'S'
try one sh -c 'echo out; printf err >&2; exit 7'
ok two 'echo no; false'
----
not ok 1 - one
# out
# errexit status 7
not ok 2 - two
# no
1..2
exit 1
S
prints "a failed command's status is try's own" '/^try/,/^}/s/return $status/return 0/' <<'S'
try one sh -c 'exit 7' || echo "# $?"
----
not ok 1 - one
# exit status 7
# 7
1..1
exit 1
S
prints "a command that hangs fails" 's/timeout -k 10 "$seconds"//' <<'S'
tap_limit=1
try one sleep 1000
----
not ok 1 - one
# exit status 124
1..1
exit 1
S
prints "there is nothing to read" '/^tap_run/,/^}/s,</dev/null,,' <<'S'
try one sh -c '! read -r line' <<<line
f() { ! read -r line; }
try two f <<<line
----
ok 1 - one
ok 2 - two
1..2
exit 0
S
prints "another exit status fails" '/^tap_says/,/^}/s/\[ $status = "$want" \] &&//' <<'S'
says one 0 text sh -c 'echo text; exit 1'
----
not ok 1 - one
# text
# exit status 1; wanted were 0 and 'text'
1..1
exit 1
S
prints "another text fails" '/^tap_says/,/^}/s/&& grep .* && result/\&\& result/' <<'S'
says one 0 text echo texd
----
not ok 1 - one
# texd
# exit status 0; wanted were 0 and 'text'
1..1
exit 1
S
prints "a text is no pattern" 's/tap_says -F/tap_says -E/' <<'S'
says one 0 t.xt echo text
----
not ok 1 - one
# text
# exit status 0; wanted were 0 and 't.xt'
1..1
exit 1
S
prints "a missing tool fails, and its package is named" '/^needs/,/^}/s/result 1/result 0/' <<'S'
needs sh no-such-tool:its-package no-such-tool-either || tap_end
result 0 "not reached"
----
not ok 1 - needs no-such-tool
# no no-such-tool: install the Debian package its-package
not ok 2 - needs no-such-tool-either
# no no-such-tool-either: install the Debian package no-such-tool-either
1..2
exit 1
S
prints "what comes late is waited for" 's/^\tuntil "$@"/\tuntil ! "$@"/' <<'S'
n=0
third() { n=$((n + 1)); [ $n = 3 ]; }
soon third
result $? "it came"
result $((n != 3)) "and was asked for no more"
tap_patience=1
soon false
result $(($? != 1)) "what never comes is told"
----
ok 1 - it came
ok 2 - and was asked for no more
ok 3 - what never comes is told
1..3
exit 0
S
prints "no tests fail" '/^tap_end/,/^}/s/.*there are tests.*//' <<'S'
----
not ok 1 - there are tests
1..1
exit 1
S
prints "a long log is shown in part" 's/NR > 60/NR > 600/' <<'S'
seq 100 >"$tap_dir/long"
result 1 one "$tap_dir/long" | sed -n '1,3p; 30,34p; $p'
result 0 one
----
not ok 1 - one
# 1
# 2
# 29
# 30
# [...]
# 71
# 72
# 100
ok 1 - one
1..1
exit 0
S
prints "a program's tests are passed on" 's/(\[0-9\]+)\$/([0-9]+)x/' <<'S'
result 0 before
relay it printf '%s\n' 'TAP version 13' 'ok 1 - one' '# said' 'ok 2 two' 'okay' 'ok 3 - three # SKIP why' '1..3'
----
ok 1 - before
ok 2 - it: one
# said
ok 3 - it: two
# okay
ok 4 - it: three # SKIP why
ok 5 - it: came to its end (status 0, 3 of 3)
1..5
exit 0
S
prints "a failed one fails the script, and the program may exit with 1" \
	's/tap_failed=$((tap_failed + bad))/:/' <<'S'
relay it sh -c 'echo not ok 1 - one; echo 1..1; echo err >&2; exit 1'
----
not ok 1 - it: one
# err
ok 2 - it: came to its end (status 1, 1 of 1)
1..2
exit 1
S
prints "a program that dies fails" 's/\[ $status -le $((bad > 0)) \]/true/' <<'S'
relay it sh -c 'echo ok 1 - one; echo 1..1; echo err >&2; exit 3'
----
ok 1 - it: one
not ok 2 - it: came to its end (status 3, 1 of 1)
# err
1..2
exit 1
S
prints "whatever has failed before it" 's/\$((bad > 0))/$((tap_failed > 0))/' <<'S'
result 1 before
relay it sh -c 'echo ok 1 - one; echo 1..1; exit 1'
----
not ok 1 - before
ok 2 - it: one
not ok 3 - it: came to its end (status 1, 1 of 1)
1..3
exit 1
S
prints "and whatever of its own" 's/-le $((bad > 0))/-lt 99/' <<'S'
relay it sh -c 'echo not ok 1 - one; echo 1..1; exit 2'
----
not ok 1 - it: one
not ok 2 - it: came to its end (status 2, 1 of 1)
1..2
exit 1
S
prints "a program that hangs fails" '/^relay/,/^}/s/tap_run "$tap_limit"/env/' <<'S'
tap_limit=1
relay it sh -c 'echo ok 1 - one; echo 1..1; sleep 1000'
----
ok 1 - it: one
not ok 2 - it: came to its end (status 124, 1 of 1)
1..2
exit 1
S
prints "fewer tests than planned fail" 's/\[ "$plan" = $seen \] &&//' <<'S'
relay it printf '%s\n' 1..3 'ok 1 - one' 'ok 2 - two'
----
ok 1 - it: one
ok 2 - it: two
not ok 3 - it: came to its end (status 0, 2 of 3)
1..3
exit 1
S
prints "no plan fails" 's/plan=none/plan=1/' <<'S'
relay it echo ok 1 - one
----
ok 1 - it: one
not ok 2 - it: came to its end (status 0, 1 of none)
1..2
exit 1
S
prints "a plan of none fails" 's/\[ $seen -gt 0 \] &&//' <<'S'
relay it echo 1..0
----
not ok 1 - it: came to its end (status 0, 0 of 0)
1..1
exit 1
S
prints "giving up fails" 's/result 1 "$name: $line"/result 0 "$name: $line"/' <<'S'
relay it printf '%s\n' 'ok 1 - one' 'Bail out! no more' 1..1
----
ok 1 - it: one
not ok 2 - it: Bail out! no more
ok 3 - it: came to its end (status 0, 1 of 1)
1..3
exit 1
S
prints "a program that is not there fails" 's/\[ $status -le $((bad > 0)) \]/true/; s/plan=none seen=0/plan=1 seen=1/' <<'S'
relay it /nowhere/program 2>/dev/null | sed 's/^# .*/# why/'
result 0 one
----
not ok 1 - it: came to its end (status 127, 0 of none)
# why
ok 1 - one
1..1
exit 0
S
prints "the last line may be cut off" 's/ || \[ -n "$line" \]//' <<'S'
relay it printf '1..1\nnot ok 1 - one'
----
not ok 1 - it: one
ok 2 - it: came to its end (status 0, 1 of 1)
1..2
exit 1
S

# notes CACHE: what is known of something, as it is found to be good, with FRESH=1 and for another
notes() {
	env -u FRESH MEMSTATE_CACHE="$dir/cache" bash -uc '. "$1"
		say() { if proved; then echo "$* is known"; else echo "$* is not"; fi; }
		mark_of part <<<one
		say one
		remember
		say one
		FRESH=1 say one, afresh,
		mark_of part <<<two
		say two' bash "$1"
	rm -rf "$dir/cache"
}
printf '%s\n' "one is not" "one is known" "one, afresh, is not" "two is not" >"$dir/want"
notes "$cache" 2>&1 | diff "$dir/want" - >"$dir/diff"
verdict $? "what was found to be good is known, but for FRESH=1" "$dir/diff"
sed 's/\[ -z "${FRESH-}" \] &&//' "$cache" >"$dir/mutant"
notes "$dir/mutant" >"$dir/got" 2>&1
! cmp -s "$cache" "$dir/mutant" && ! cmp -s "$dir/want" "$dir/got"
verdict $? "what was found to be good is known, but for FRESH=1: a mutant that fails" "$dir/got"
echo "1..$n"
exit $failed
