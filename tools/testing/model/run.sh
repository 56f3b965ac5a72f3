#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# run.sh [litmus|cbmc|spin]...: check the models, print TAP.
#
# Each property is checked twice: it holds for what there is, and it does not for
# a variant with one thing taken out, so that a check that sees nothing is seen.
set -u

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
# shellcheck source=tools/testing/tap.sh
. "$here/../tap.sh"
# shellcheck source=tools/testing/cache.sh
. "$here/../cache.sh"
work=$top/build/model
limit=${MEMSTATE_MODEL_TIMEOUT:-1800}	# seconds, for one check
kinds=" ${*:-litmus cbmc spin} "
for kind in $kinds; do
	case $kind in
	litmus|cbmc|spin) ;;
	*) echo "run.sh: no such kind of model: $kind (litmus cbmc spin)" >&2; exit 2 ;;
	esac
done
rm -rf "$work"

# basis KIND: the models of that kind, the code, and the tools
basis() {
	mark_of model < <(
		echo "$1"
		cat "$here"/*.sh "$here/$1"/* "$here"/../core/*.h "$top"/kmod/core/*.[ch] \
			"$top"/include/uapi/linux/*.h
		installed
		(cd "$cache" && echo cbmc-* herd7-* linux-source-*)
	)
}

# check KIND: what its models were found to show they show until something of the above changes.
# It is remembered as the names of the tests.
check() {
	local kind=$1 mark name failed=$tap_failed
	[[ $kinds == *" $kind "* ]] || return
	mkdir -p "$cache/model"
	basis "$kind"
	if proved; then
		while read -r name; do result 0 "$name"; done <"$mark"
		return
	fi
	"${kind}_all" >"$work/$kind.tap"
	cat "$work/$kind.tap"
	if [ "$tap_failed" = "$failed" ] && ! grep -q '# SKIP' "$work/$kind.tap"; then
		# A tool may have come only now.
		basis "$kind"
		sed -n 's/^ok [0-9]* - //p' "$work/$kind.tap" >"$mark.new" && mv "$mark.new" "$mark"
	fi
}

# --- litmus: the kernel's memory model ---------------------------------------

litmus_all() {
	local tools=$work/herd.err found source test name want got
	if ! found=$("$here/tools.sh" herd 2>"$tools"); then
		skip litmus "no herd7: $(tail -n 1 "$tools")"
		return
	fi
	if ! source=$("$here/../vm/kernel.sh" source 2>"$tools"); then
		skip litmus "no tools/memory-model of Linux: $(tail -n 1 "$tools")"
		return
	fi
	found=${found#HERD=} source=${source#LINUX_SOURCE=}
	for test in "$here"/litmus/*.litmus; do
		name=$(basename "$test" .litmus)
		want=$(sed -n 's/^ \* Result: \(Never\|Sometimes\)$/\1/p' "$test")
		(cd "$source/tools/memory-model" && timeout "$limit" "$found" \
			-conf linux-kernel.cfg "$test") >"$work/$name.log" 2>&1
		got=$(awk '$1 == "Observation" { print $3 }' "$work/$name.log")
		if [ -n "$want" ] && [ "$got" = "$want" ]; then
			result 0 "litmus $name: $want"
		else
			echo "wanted '$want', got '$got'" >>"$work/$name.log"
			result 1 "litmus $name: $want" "$work/$name.log"
		fi
	done
}

# --- cbmc: the code itself ----------------------------------------------------

# cbmc_run NAME CORE ARGS: CORE is a directory with kmod/core's files
cbmc_run() {
	local name=$1 core=$2
	shift 2
	(cd "$here/cbmc" && timeout "$limit" "$cbmc" -I"$top/include/uapi" -I"$core" \
		-I"$here/../core" -I. --object-bits 12 --bounds-check --pointer-check \
		--unwinding-assertions --drop-unused-functions "${@//@CORE/$core}") \
		>"$work/$name.log" 2>&1
}

# holds NAME ARGS
holds() {
	local name=$1
	shift
	cbmc_run "$name" "$top/kmod/core" "$@"
	if grep -q '^VERIFICATION SUCCESSFUL' "$work/$name.log" &&
	   ! grep -q '0 of 0 failed' "$work/$name.log"; then
		result 0 "cbmc $name"
	else
		result 1 "cbmc $name" "$work/$name.log"
	fi
}

# breaks NAME FILE SED WHAT ARGS: with FILE of the core changed, WHAT is violated
breaks() {
	local name=$1 file=$2 change=$3 what=$4
	shift 4
	mkdir -p "$work/$name"
	cp "$top"/kmod/core/*.[ch] "$work/$name"
	sed -i "$change" "$work/$name/$file"
	if cmp -s "$top/kmod/core/$file" "$work/$name/$file"; then
		echo "nothing in kmod/core/$file for: $change" >"$work/$name.log"
		result 1 "cbmc $name: a mutant that fails" "$work/$name.log"
		return
	fi
	cbmc_run "$name" "$work/$name" "$@"
	if grep -q '^VERIFICATION FAILED' "$work/$name.log" &&
	   grep -F "$what" "$work/$name.log" | grep -q ': FAILURE$'; then
		result 0 "cbmc $name: a mutant that fails"
	else
		result 1 "cbmc $name: a mutant that fails" "$work/$name.log"
	fi
}

cbmc_all() {
	local tools=$work/cbmc.err cbmc rules='rules.c @CORE/rules.c --unwind 10'
	local limit_files='limit.c @CORE/limit.c --unwind 5 --sat-solver cadical'
	if ! cbmc=$("$here/tools.sh" cbmc 2>"$tools"); then
		skip cbmc "no CBMC: $(tail -n 1 "$tools")"
		return
	fi
	cbmc=${cbmc#CBMC=}
	holds ring-2-slots ring.c -DENTRIES=2 -DOPS=7 --unwind 8
	holds ring-4-slots ring.c -DENTRIES=4 -DOPS=6 --unwind 7
	breaks ring-overfull ring.h 's/>= r->entries/> r->entries/' \
		'no claim in a full ring' ring.c -DENTRIES=2 -DOPS=4 --unwind 5
	breaks ring-unsequenced ring.h 's/if ((u32)(w1 >> 32) != pos)/if (!w1)/' \
		'nothing is taken that was not published' ring.c -DENTRIES=2 -DOPS=4 --unwind 5
	breaks ring-sequence-kept ring.h 's/rec->w1 = w1 & 0xffffffffu/rec->w1 = w1/' \
		'w1 is that of the record in turn' ring.c -DENTRIES=2 -DOPS=4 --unwind 5
	# shellcheck disable=SC2086 # $limit_files is a list of words
	{
	holds limit-charge $limit_files --function charge
	holds limit-room $limit_files --function room
	holds limit-give-back $limit_files --function give_back
	holds limit-set $limit_files --function set
	breaks limit-one-byte-more limit.c 's/bytes <= max - charged);/bytes <= max - charged + 1);/' \
		'no level passes its max' $limit_files --function charge
	breaks limit-not-the-root limit.c 's/for (n = l; n; n = n->parent) {/for (n = l; n->parent; n = n->parent) {/;s/for (n = l; n \&\& answer/for (n = l; n->parent \&\& answer/' \
		'granted exactly where each level has room' $limit_files --function charge
	breaks limit-all-is-charged limit.c 's/if (tentative < charged)/if (1)/; s/charged -= tentative;/;/' \
		'who refuses has no room' $limit_files --function charge
	breaks limit-same-version limit.c 's/((word + 1) & MS_LIMIT_VERSION)/((word - 1) \& MS_LIMIT_VERSION)/' \
		'another version' $limit_files --function set
	}
	holds observe-look observe.c @CORE/observe.c -DBITS=12 --unwind 2 --function look
	holds observe-grow observe.c @CORE/observe.c --unwind 2 --function grow
	breaks observe-no-fall observe.c 's/if (unbacked < o->unbacked)/if (unbacked + 1 < o->unbacked)/' \
		'both forms agree after a look' observe.c @CORE/observe.c -DBITS=12 --unwind 2 --function look
	breaks observe-top-missed observe.c 's/plus(level->charged, need) > top/plus(level->charged, g->ask) > plus(top, 4096)/' \
		'what is granted stays below the top' observe.c @CORE/observe.c -DBITS=26 --unwind 2 --function grow
	holds hostile hostile.c --unwind 3
	breaks hostile-reloaded ring.h 's/rec->w1 = w1 &/rec->w1 = ms_load64(\&slot->w1) \&/' \
		'w1 is loaded once' hostile.c --unwind 3
	breaks hostile-unmasked ring.h 's/&slots\[pos & (entries - 1)\]/\&slots[pos]/' \
		'pointer outside' hostile.c --unwind 3
	# shellcheck disable=SC2086 # $rules is a list of words
	{
	holds rules-decode $rules --function decode
	holds rules-make $rules --function make
	holds rules-apply $rules --function apply
	holds rules-uniform $rules --function uniform
	holds rules-move $rules --function move
	holds rules-sums $rules --function sums
	breaks rules-decode-end rules.c 's/bytes > address_end - start/start + bytes > address_end/' \
		'refused exactly where the ABI says so' $rules --function decode
	breaks rules-decode-to rules.c 's/to > MEMSTATE_KEEP_RO/to > MEMSTATE_MAPPED/' \
		'refused exactly where the ABI says so' $rules --function decode
	breaks rules-make-class rules.c 's/class_ << MEMSTATE_CLASS_SHIFT/class_ << MEMSTATE_TO_SHIFT/' \
		'decode undoes make' $rules --function make
	breaks rules-apply-lazy rules.c 's/ || ms_entry_charged(old)))/ || 1))/' \
		'lazy keeps a charge and makes none' $rules --function apply
	breaks rules-apply-class rules.c 's/ && state != MEMSTATE_NONE)/)/' \
		'the result is what the ABI says' $rules --function apply
	breaks rules-uniform-keep rules.c 's/(MEMSTATE_LAZY | MEMSTATE_KEEP_CLASS)/MEMSTATE_LAZY/' \
		'uniform does not depend on the entry before' $rules --function uniform
	breaks rules-move-lazy rules.c 's/if (ms_entry_lazy(to))/if (ms_entry_lazy(from))/' \
		'lazy Reserved' $rules --function move
	breaks rules-sums-lazy rules.c 's/t->reserved_lazy +$/2 * t->reserved_lazy +/' \
		charged $rules --function sums
	}
}

# --- spin: every interleaving ---------------------------------------------------

# spin_run MODEL DEFINES: 0 no error, 1 an assertion is violated, 2 no answer
spin_run() {
	local model=$1 log=$work/spin.log dir=$work/spin
	shift
	rm -rf "$dir"
	mkdir "$dir"
	(cd "$dir" && spin -a "$@" "$here/spin/$model.pml" &&
		gcc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=2048 -o pan pan.c &&
		timeout "$limit" ./pan -m100000) >"$log" 2>&1 || return 2
	grep -q 'max search depth too small\|out of memory\|reached -DMEMLIM' "$log" && return 2
	grep -q ' errors: 0$' "$log" && return 0
	grep -q 'assertion violated' "$log" && return 1
	return 2
}

spin_holds() {
	if spin_run "$@"; then
		result 0 "spin $*, $(awk '/states, stored/ { print $1 }' "$work/spin.log") states"
	else
		result 1 "spin $*" "$work/spin.log"
	fi
}

spin_breaks() {
	local name="$*: a mutant that fails"
	spin_run "$@"
	if [ $? -eq 1 ]; then result 0 "spin $name"; else result 1 "spin $name" "$work/spin.log"; fi
}

spin_all() {
	local d
	needs spin gcc || return
	spin_holds ring
	spin_holds ring -DPRODUCERS=3 -DROUNDS=1
	spin_holds ring -DQUEUE=1
	for d in NO_STAMPS UNMAPS_LAST UNMAPS_FIRST NO_FULL EARLY_PUBLISH EARLY_RELEASE; do
		spin_breaks ring -D$d
	done
	spin_breaks ring -DQUEUE=1 -DNO_RESYNC
	spin_holds limit
	spin_holds limit -DROUNDS=1 -DSET=0
	for d in NO_TENTATIVE LATE NO_UNDONE EARLY NO_UNDO; do
		spin_breaks limit -D$d
	done
	spin_breaks limit -DROUNDS=1 -DSET=0 -DNO_VERSION
	spin_holds pending
	spin_holds pending -DROUNDS=1 -DREADS=2
	for d in CLEAR_FIRST LOOK_FIRST OWN_ONLY WHOLE_BLIND LISTEN_BLIND EARLY_TAKE GROUP_CLEAR; do
		spin_breaks pending -D$d
	done
	spin_holds remote
	spin_holds remote -DSLEEPS
	spin_holds remote -DALONE -DROUNDS=16
	for d in NO_LISTED NO_FLIGHT NO_LOOK KNOWN_FULL PLAIN; do
		spin_breaks remote -D$d
	done
	for d in NO_RELIEF NO_LOOK_AGAIN; do
		spin_breaks remote -DALONE -D$d
	done
	spin_holds stats
	for d in NO_WAIT GEN_FIRST NO_CLEAR NO_FOLD CLEAR_NEXT; do
		spin_breaks stats -D$d
	done
}

tap_begin "$work"
for kind in litmus cbmc spin; do check $kind; done
tap_end
