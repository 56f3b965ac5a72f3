<?php
// SPDX-License-Identifier: GPL-2.0-only OR MIT
// service.php: one request; of "large" there is never enough.
$own = [];
for ($i = 0; $i < (isset($_GET['large']) ? 400 : 8); $i++)
	$own[] = str_repeat("x", 1 << 20);
echo "answered";
