// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Take memory until there is none, then say so and end in order.
const most = Number(process.argv[2]);
let held = [];

try {
	while (held.length < most)
		held.push(new Array(131072).fill(held.length));
} catch (e) {
	held = null;
	console.log(`${e.name}: ${e.message}`);
	process.exit(0);
}
console.log("no limit met");
process.exit(1);
