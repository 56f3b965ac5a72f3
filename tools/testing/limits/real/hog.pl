# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Takes memory until there is none: Perl says so, and ends.
my %held;
$held{$_} = "x" x 10000 for 1 .. 100000;
print "=> no limit met\n";
