<?php
// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Takes memory until there is none: PHP ends the request, and is itself in order.
register_shutdown_function(function () {
	echo "=> told, and shut down in order\n";
});
$held = [];
while (1)
	$held[] = str_repeat("x", 1000000);
