// SPDX-License-Identifier: GPL-2.0-only OR MIT
// service.js: answers eighty requests, the sixtieth of which wants more than there is.
const kept = new Array(24);
let answered = 0, refused = "nothing";

// A MiB of what the collector has to look at
function piece(nr) { return new Array(131072).fill(nr); }

function answer(nr) {
	const own = [];
	while (own.length < (nr === 60 ? 600 : 6))
		own.push(piece(nr));
	kept[nr % kept.length] = own[0];
}

for (let nr = 1; nr <= 80; nr++) {
	try {
		answer(nr);
		answered++;
	} catch (e) {
		refused = e.name;
	}
}
console.log(`=> ${answered} of 80, ${refused}`);
