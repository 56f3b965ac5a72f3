// SPDX-License-Identifier: GPL-2.0-only OR MIT
// A server that is asked 60 times; one of its requests wants more than there is.
const http = require("http");
let refused = "nothing";

const server = http.createServer((request, response) => {
	if (request.url === "/large") {
		try {
			new Uint8Array(new ArrayBuffer(200 << 20)).fill(1);
		} catch (e) {
			refused = e.name;
		}
	}
	response.end(JSON.stringify(new Array(1000).fill(request.url)));
});

function get(path) {
	return new Promise((resolve) => {
		http.get({ socketPath: server.address(), path }, (response) => {
			let text = "";
			response.on("data", (d) => { text += d; });
			response.on("end", () => resolve(text.length));
		});
	});
}

server.listen(`/tmp/node-server-${process.pid}`, async () => {
	let answered = 0;
	for (let i = 0; i < 60; i++) {
		await get(i === 30 ? process.argv[2] : `/${i}`);
		answered++;
	}
	console.log(`=> ${answered} answered, ${refused} refused`);
	server.close();
});
