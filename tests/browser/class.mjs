// class.mjs CASE URL - the class page at URL, in the world of class_world.py, whose
// calls are under URL/world/. CLASS_SHOTS=DIR keeps a picture of the end.
import assert from "node:assert/strict";
import { open, until } from "./launch.mjs";

const [name, url] = process.argv.slice(2);
// As browsers are set, a page may not sound before a click in it.
const args = name.includes("whep") ? ["--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"] : name === "quiet" ? ["--autoplay-policy=document-user-activation-required"] : [];
const { browser, page } = await open("about:blank",
	{ viewport: { width: 900, height: 760 } }, args);
// What the player reports, and what the name server answers.
const feedback = [];
await page.exposeFunction("reported", (report) => { feedback.push(report); });
await page.addInitScript(() => {
	const original = window.fetch;
	window.fetch = async (to, init) => {
		const response = await original(to, init);
		if (/\/feedback$/.test(to))
			window.reported({ ...JSON.parse(init.body), status: response.status,
				answer: await response.clone().json() });
		return response;
	};
});

// Whether the video is muted when it first plays.
const quiet = [];
await page.exposeFunction("plays", (muted) => { quiet.push(muted); });
await page.addInitScript(() => addEventListener("playing", (event) =>
	window.plays(event.target.muted), true));

/** A call of the world, from the page: its host is resolved there. */
async function world(call, query = {}) {
	return page.evaluate(async (path) => (await fetch(path)).json(),
		`/world/${call}?${new URLSearchParams(query)}`);
}

/** Answers offers of WHEP as an edge does, from another page, with a picture that moves.
 * Where the edge is not reached its answer has no candidate. Returns the paths asked for. */
async function edges({ reached }) {
	const edge = await page.context().newPage(), asked = [];
	// Pages that may use the camera see all interfaces, loopback as well.
	const local = `http://localhost:${new URL(url).port}`;
	await page.context().grantPermissions(["camera", "microphone"], { origin: local });
	await edge.goto(`${local}/class.json`);
	await edge.evaluate(() => {
		const canvas = document.createElement("canvas"), peers = [];
		[canvas.width, canvas.height] = [320, 180];
		const drawing = canvas.getContext("2d");
		let hue = 0;
		setInterval(() => {
			drawing.fillStyle = `hsl(${hue++} 90% 50%)`;
			drawing.fillRect(0, 0, 320, 180);
		}, 40);
		window.answer = async (offer) => {
			const peer = new RTCPeerConnection(), stream = canvas.captureStream(25);
			peers.push(peer);
			await peer.setRemoteDescription({ type: "offer", sdp: offer });
			peer.addTrack(stream.getTracks()[0], stream);
			await peer.setLocalDescription();
			while (peer.iceGatheringState !== "complete")
				await new Promise((done) => setTimeout(done, 10));
			return peer.localDescription.sdp;
		};
		window.hangUp = () => peers.splice(0).forEach((peer) => peer.close());
	});
	await page.route(/\/rtc\/v1\/whep\//, async (route) => {
		const { pathname, search } = new URL(route.request().url());
		asked.push(pathname + search);
		const sdp = await edge.evaluate((offer) => window.answer(offer), route.request().postData());
		await route.fulfill({ status: 201, headers: { "Access-Control-Allow-Origin": "*" },
			body: reached ? sdp : sdp.replace(/^a=candidate.*\r\n/gm, "") });
	});
	return { asked, hangUp: () => edge.evaluate(() => window.hangUp()) };
}

const current = () => page.evaluate(() => window.player?.current ?? {});
const status = () => page.textContent(".dnsd-status");
const time = () => page.evaluate(() => document.querySelector("video").currentTime);
const line = (n) => page.click(`.dnsd-bar button:nth-of-type(${n})`);
const frames = () => page.evaluate(() =>
	document.querySelector("video").getVideoPlaybackQuality().totalVideoFrames);

/** Who has the player by HTTP-FLV. */
async function players() {
	const all = await world("players");
	return Object.keys(all).filter((node) => all[node].flv > 0);
}

/** The picture moves, from one node alone; which one. */
async function playing(where = () => true) {
	let node;
	await until("one node has the player", async () => {
		const nodes = await players();
		node = nodes[0];
		return nodes.length === 1 && where(node);
	}, 40);
	await moves();
	return node;
}

async function moves() {
	const from = await time(), seen = await frames();
	await until("the picture moves", async () =>
		await time() !== from && await frames() > seen);
	const { width, height } = await page.evaluate(() => {
		const video = document.querySelector("video");
		return { width: video.videoWidth, height: video.videoHeight };
	});
	assert.deepEqual([width, height], [320, 180]);
}

/** The page tells who plays. */
async function says(n, node) {
	await until(`it says that ${node} plays`, async () =>
		await status() === `线路${n} · 节点 ${node}`);
}

/** What Chromium says of connections that a killed node broke; nothing else may be
 * said. */
function complaints(allowed) {
	const wrong = page.complaints.filter((text) => !allowed || !allowed.test(text));
	assert.deepEqual(wrong, []);
}

// The errors of Chromium's net_error_list.h for a peer that ends: before the connection is
// there, between connect and send, before the response, within its header, within its body.
const BROKEN = new RegExp("net::ERR_(" + ["CONNECTION_\\w+", "SOCKET_NOT_CONNECTED", "EMPTY_RESPONSE",
	"RESPONSE_HEADERS_TRUNCATED", "CONTENT_LENGTH_MISMATCH", "INCOMPLETE_CHUNKED_ENCODING"]
	.join("|") + ")$");

const cases = {
	async flv() {
		const node = await playing();
		const now = await current();
		assert.deepEqual([now.line, now.host], [1, "live.example.com"]);
		assert.equal(now.node, node);
		await says(1, node);
		assert.deepEqual(await page.locator(".dnsd-bar button").allTextContents(),
			["线路1", "线路2", "线路3"]);
		// More than the clip is long: the loop's seam is none in the picture.
		const from = await time();
		await until("it goes on", async () => await time() > from + 9);
		assert.equal((await current()).line, 1);
		await until("the start is reported", () => feedback.length > 0);
		assert.equal(feedback[0].status, 200);
		assert.equal(feedback[0].node, node);
		assert.equal(feedback[0].switched, false);
		assert.ok(feedback[0].startup_ms > 0);
		await until("the lines are measured", () => feedback.some((f) => f.paths));
		const { paths, status } = feedback.find((f) => f.paths);
		assert.equal(status, 200);
		assert.equal(new Set(paths.map((path) => path.node)).size, 3);
		assert.ok(paths.some((path) => path.node === node));
		assert.ok(paths.every((path) => path.rtt_ms > 0 && path.rtt_ms < 1000));
		complaints();
	},

	async hls() {
		await until("segments are fetched", async () =>
			Object.values(await world("players")).some((n) => n.segments > 1));
		await moves();
		const from = await time();
		await until("it goes on", async () => await time() > from + 9);
		assert.equal((await current()).line, 1);
		await line(2);
		const before = await world("players");
		const { node } = await current();
		await until("another node serves", async () => {
			const now = await world("players"), at = await current();
			return at.line === 2 && now[at.node].segments > before[at.node].segments;
		});
		assert.notEqual(node, null);
		await moves();
		complaints();
	},

	async press() {
		const first = await playing();
		const questions = await world("metric", { name: "dnsd_node_line2_questions_total" });
		await line(2);
		const second = await playing((node) => node !== first);
		assert.notEqual(await world("site_of", { node: second }),
			await world("site_of", { node: first }));
		const now = await current();
		assert.deepEqual([now.line, now.host], [2, "line2.live.example.com"]);
		await says(2, second);
		assert.equal(await page.getAttribute(".dnsd-bar button:nth-of-type(2)",
			"aria-pressed"), "true");
		await until("the switch is reported and counts", () =>
			feedback.some((f) => f.switched && f.node === first && f.line === 1 &&
				f.status === 200 && f.answer.counted));
		await until("dnsd saw the question for line 2", async () =>
			await world("metric", { name: "dnsd_node_line2_questions_total" }) > questions);
		await line(3);
		const third = await playing((node) => node !== first && node !== second);
		await says(3, third);
		complaints();
	},

	async dead() {
		const first = await playing();
		await world("die", { node: first });
		await playing((node) => node !== first);
		const now = await current();
		assert.notEqual(now.line, 1);
		assert.notEqual(now.node, first);
		await until("nobody is sent to the dead node", async () => {
			const told = await Promise.all([1, 2, 3].map((n) => world("resolve", { line: n })));
			return !told.includes(first);
		});
		await until("the dead node is reported", () =>
			feedback.some((f) => f.switched && f.node === first));
		complaints(BROKEN);
	},

	async hang() {
		const first = await playing();
		await world("hang", { node: first });
		await until("another line plays", async () => (await current()).line !== 1);
		await until("another node has the player", async () =>
			(await players()).some((node) => node !== first));
		await moves();
		assert.notEqual((await current()).node, first);
		await until("the stall is reported", () =>
			// in one report or in two: one may be due just then
			feedback.some((f) => f.node === first && f.stalls > 0) &&
			feedback.some((f) => f.node === first && f.switched));
		complaints();
	},

	async all_dead() {
		await playing();
		const nodes = Object.keys(await world("players")), waits = [];
		await page.exposeFunction("waits", (ms) => { waits.push(ms); });
		await page.evaluate(() => window.player.on("failed", (e) => window.waits(e.retry_ms)));
		for (const node of nodes) await world("die", { node });
		await until("it says that no line answers", async () =>
			(await status()).includes("线路暂时不可用"));
		await until("dnsd knows", async () =>
			Object.values(await world("states")).every((state) => state === "down"));
		await until("it waits longer each time", () => waits.length >= 3);
		assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
		assert.ok(waits[0] >= 500 && waits[2] > waits[0], String(waits));
		for (const node of nodes) await world("revive", { node });
		await playing();
		await until("it says who plays", async () => (await status()).includes("节点"));
		// Only what the viewer leaves is reported.
		const { line: at } = await current();
		await line(at % 3 + 1);
		await until("a switch is reported", () => feedback.some((f) => f.switched));
		assert.deepEqual(feedback.filter((f) => f.switched).map((f) => f.line), [at]);
		complaints(BROKEN);
	},

	async hosts() {
		const first = await playing();
		assert.equal((await current()).node, null);
		await until("it says the line", async () => (await status()) === "线路1");
		assert.equal(await world("resolve", { line: 1 }), first);
		await line(2);
		const second = await playing((node) => node !== first);
		await world("die", { node: second });
		await playing((node) => node !== second);
		assert.deepEqual(feedback, []);
		complaints(BROKEN);
	},

	async whep() {
		const { asked, hangUp } = await edges({ reached: true });
		await page.goto(url);
		await until("a picture by WHEP", async () => (await current()).format === "whep");
		await moves();
		const { node } = await current();
		await says(1, node);
		assert.deepEqual(asked, ["/rtc/v1/whep/?app=live&stream=class"]);
		assert.deepEqual(await players(), []);
		await line(2);
		await until("line 2 plays by WHEP", async () => (await status()).startsWith("线路2 · "));
		await moves();
		assert.equal((await current()).format, "whep");
		// It broke, and was well: another line, by WHEP still.
		await hangUp();
		await until("another line plays", async () => {
			const now = await current();
			return now.line !== 2 && now.format === "whep" && /节点/.test(await status());
		});
		await moves();
		assert.equal(asked.length, 3);
		complaints();
	},

	/** No UDP gets through: FLV, from the same line, and no WHEP any more. */
	async no_whep() {
		const { asked } = await edges({ reached: false });
		await page.goto(url);
		const node = await playing();
		assert.equal((await current()).format, "flv");
		await says(1, node);
		assert.equal(asked.length, 1);
		await line(2);
		await playing((other) => other !== node);
		assert.equal(asked.length, 1);
		assert.ok(!feedback.some((f) => f.switched && f.line !== 1));
		complaints();
	},

	async quiet() {
		// Nothing is evaluated before: playwright does that as if the viewer clicked.
		await until("the video plays", () => quiet.length > 0);
		assert.equal(quiet[0], true);
		await playing();
		complaints();
	},

	async address() {
		const seen = new Set();
		for (const n of [1, 2, 3]) {
			if (n > 1) await line(n);
			const node = await playing((node) => !seen.has(node));
			await says(n, node);
			assert.equal((await current()).node, node);
			seen.add(node);
		}
		const last = (await current()).node;
		await world("die", { node: last });
		await playing((node) => node !== last);
		complaints(BROKEN);
	},
};

let failed;
try {
	if (!name.includes("whep")) await page.goto(url);
	await cases[name]();
	console.log(`class ${name}: ok`);
} catch (error) {
	failed = error;
	console.log(error);
	console.log({ status: await status().catch(String), current: await current().catch(String),
		players: await world("players").catch(String), feedback, complaints: page.complaints });
}
if (process.env.CLASS_SHOTS)
	await page.screenshot({ path: `${process.env.CLASS_SHOTS}/${name}.png` });
await browser.close();
process.exit(failed ? 1 : 0);
