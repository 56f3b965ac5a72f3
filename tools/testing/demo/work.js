// SPDX-License-Identifier: GPL-2.0-only OR MIT
// Allocate and free for as long as one is let.
'use strict';
let kept = [];
setInterval(() => {
  kept.push(new Array(20000).fill(0).map((_, i) => ({ i, text: 'x'.repeat(i % 50) })));
  if (kept.length > 12) kept = kept.slice(6);
}, 200);
