// The parts of the player that need no browser: node --test player.test.mjs
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const page = new URL("../../dnsd/page/", import.meta.url);
const { build } = createRequire(new URL("package.json", page))("esbuild");

async function load(name) {
	const { outputFiles } = await build({
		entryPoints: [new URL(`player/src/${name}.ts`, page).pathname],
		bundle: true, format: "esm", write: false,
	});
	const text = Buffer.from(outputFiles[0].contents).toString("base64");
	return import(`data:text/javascript;base64,${text}`);
}

const { Choice } = await load("choice");
const { Feedback } = await load("feedback");
const { fallback, Lines, parse, urlOf } = await load("lines");
const { Measure, roundTrip } = await load("measure");
const { complete } = await load("options");
const { liveJump, Watch } = await load("watch");

const settings = (more = {}) => complete({
	name: "live.example.com", stream: "live/class", api: "http://dns.example.com", ...more,
});
const answer = (nodes = ["hk1", "hk2"], ttl = 5) => ({
	ttl, lines: nodes.map((node, i) => ({
		line: i + 1, host: `l${i + 1}.example.com`, node, addresses: [`192.0.2.${i + 1}`],
		urls: { rtmp: "rtmp://x/y", flv: `http://l${i + 1}.example.com:8080/live/class.flv`,
			hls: null },
	})),
});

// -- options --

test("options that cannot work are refused", () => {
	assert.throws(() => complete({ name: "", stream: "a/b" }), /name/);
	assert.throws(() => complete({ name: "x", stream: "b" }), /app\/stream/);
	assert.throws(() => complete({ name: "x", stream: "a/b", by: "address" }), /API/);
	assert.equal(settings().api, "http://dns.example.com/");
});

// -- choice --

test("the other lines come in turn and at once, then with waits that grow", () => {
	const choice = new Choice(() => 1);
	const seen = [];
	let line = 1;
	for (let i = 0; i < 9; i++) {
		const next = choice.next(line, 3, i);
		seen.push([next.line, next.wait_ms]);
		line = next.line;
	}
	assert.deepEqual(seen, [[2, 0], [3, 0], [1, 1000], [2, 2000], [3, 4000], [1, 8000],
		[2, 15000], [3, 15000], [1, 15000]]);
});

test("a line that failed is left alone while another one is well", () => {
	const choice = new Choice();
	assert.equal(choice.next(1, 3, 0).line, 2);
	choice.good(2);
	assert.deepEqual(choice.next(2, 3, 60000), { line: 3, wait_ms: 0 });
	choice.good(3);
	// All have failed: the oldest failure first, and not at once for ever.
	assert.deepEqual(choice.next(3, 3, 90000), { line: 1, wait_ms: 0 });
});

test("a failure is forgotten in time, and when the viewer asks for the line", () => {
	const choice = new Choice();
	choice.next(2, 3, 0);
	choice.good(3);
	assert.equal(choice.next(1, 3, 1000).line, 3);
	choice.picked(2);
	assert.equal(choice.next(1, 3, 1000).line, 2);
	const late = new Choice();
	late.next(2, 3, 0);
	assert.equal(late.next(1, 3, 400000).line, 2);
});

test("one line alone is tried again, after a wait", () => {
	const next = new Choice(() => 0).next(1, 1, 0);
	assert.deepEqual(next, { line: 1, wait_ms: 500 });
});

// -- watch --

function watched(looks, stall_s = 6, startup_s = 8) {
	const watch = new Watch(0, stall_s, startup_s);
	return looks.map(([ms, time_s, paused = false]) => watch.look(ms, { time_s, paused }));
}

/** Looks each second from..to ms, the picture at time_s. */
const still = (from, to, time_s, paused) =>
	Array.from({ length: (to - from) / 1000 + 1 }, (_, i) => [from + 1000 * i, time_s, paused]);

test("the first picture, and that the line is well", () => {
	assert.deepEqual(watched([[250, 0], [500, 0.1], [750, 0.3], [2000, 1]]),
		[null, "playing", null, null]);
	const looks = Array.from({ length: 12 }, (_, i) => [1000 * i, i]);
	assert.deepEqual(watched(looks).filter(Boolean), ["playing", "steady"]);
});

test("no picture ever is late", () => {
	assert.deepEqual(watched(still(0, 9000, 0)).filter(Boolean), ["late", "late"]);
});

test("a picture that stands still stalls once, then is dead", () => {
	const looks = [[0, 0], [500, 0.5], ...still(1000, 5000, 0.5)];
	assert.deepEqual(watched(looks, 5).filter(Boolean), ["playing", "stalled"]);
	assert.deepEqual(watched([...looks, [5500, 0.5]], 5).filter(Boolean),
		["playing", "stalled", "dead"]);
	assert.deepEqual(watched([...looks, [5400, 0.6]], 5).filter(Boolean),
		["playing", "stalled", "playing"]);
});

test("a pause is no stall, nor is a page that slept", () => {
	assert.deepEqual(watched([[0, 0], [500, 0.5], ...still(1000, 60000, 0.5, true)])
		.filter(Boolean), ["playing"]);
	assert.deepEqual(watched([[0, 0], [500, 0.5], [60000, 0.5], [60250, 0.5]])
		.filter(Boolean), ["playing"]);
});

test("the live edge", () => {
	assert.equal(liveJump(10, 14, 5), null);
	assert.equal(liveJump(10, 16, 5), 15);
});

// -- lines --

test("hosts are made from the name", () => {
	assert.deepEqual(fallback("live.example.com", 3).map((l) => l.host),
		["live.example.com", "line2.live.example.com", "line3.live.example.com"]);
});

test("an answer is read, what is none is refused", () => {
	assert.equal(parse(answer()).lines[1].node, "hk2");
	assert.equal(parse(answer()).ttl_s, 5);
	for (const bad of [null, {}, { lines: [] }, { lines: [{ line: "1" }] }, { error: "x" }])
		assert.equal(parse(bad), null);
});

test("URLs are by host or by address", () => {
	const [line] = parse(answer()).lines;
	assert.equal(urlOf(line, "flv", settings()), "http://l1.example.com:8080/live/class.flv");
	assert.equal(urlOf(line, "hls", settings()), "http://l1.example.com:8080/live/class.m3u8");
	assert.equal(urlOf(line, "flv", settings({ by: "address" })),
		"http://192.0.2.1:8080/live/class.flv");
	assert.equal(urlOf({ ...line, addresses: ["2001:db8::1"] }, "flv",
		settings({ by: "address" })), "http://[2001:db8::1]:8080/live/class.flv");
	assert.equal(urlOf(fallback("x.org", 2)[1], "flv", settings({ port: 80 })),
		"http://line2.x.org:80/live/class.flv");
	assert.equal(urlOf(line, "flv", settings({ url: (l, f) => `https://${l.host}/${f}` })),
		"https://l1.example.com/flv");
});

/** A client whose API and clock are the test's. */
function client(more) {
	const it = { now_ms: 0, asked: [], reply: () => answer() };
	it.lines = new Lines(settings(more), () => it.now_ms, async (url) => {
		it.asked.push(url);
		return { ok: true, json: async () => it.reply() };
	});
	return it;
}

test("the API is asked when its answer is too old, or was wrong", async () => {
	const it = client();
	assert.equal((await it.lines.get(2)).node, "hk2");
	assert.equal(it.asked[0],
		"http://dns.example.com/api/v1/lines?name=live.example.com&stream=live%2Fclass");
	it.now_ms = 4999;
	await it.lines.get(1);
	assert.equal(it.asked.length, 1);
	await it.lines.get(1, true);
	assert.equal(it.asked.length, 2);
	it.now_ms = 10000;
	it.reply = () => answer(["jp1", "hk2"]);
	assert.equal((await it.lines.get(1)).node, "jp1");
});

test("two who ask at once are one question", async () => {
	const it = client();
	await Promise.all([it.lines.get(1), it.lines.get(2)]);
	assert.equal(it.asked.length, 1);
});

test("an API that is silent is left alone, and names stay", async () => {
	const it = client();
	await it.lines.get(1);
	it.now_ms = 6000;
	it.reply = () => { throw new Error("down"); };
	const line = await it.lines.get(2);
	assert.deepEqual([line.host, line.node], ["l2.example.com", null]);
	it.now_ms = 20000;
	await it.lines.get(2, true);
	assert.equal(it.asked.length, 2);
	it.now_ms = 40000;
	it.reply = () => answer();
	assert.equal((await it.lines.get(2)).node, "hk2");
});

test("without an API nobody is asked", async () => {
	const it = client({ api: undefined });
	assert.equal((await it.lines.get(3)).host, "line3.live.example.com");
	assert.deepEqual(it.asked, []);
});

// -- feedback --

function reporter() {
	const posts = [];
	return { posts, feedback: new Feedback((r) => posts.push(r), "live.example.com") };
}

test("a viewer's switch is reported at once", () => {
	const { posts, feedback } = reporter();
	feedback.opened(1, "hk1");
	feedback.started(812);
	feedback.stalled();
	feedback.left(true);
	assert.deepEqual(posts, [{ name: "live.example.com", line: 1, node: "hk1", stalls: 1,
		startup_ms: 812, switched: true, client: undefined }]);
});

test("the player's own switch is reported when another node plays", () => {
	const { posts, feedback } = reporter();
	feedback.opened(1, "hk1");
	feedback.left(false);
	feedback.opened(2, "hk2");
	assert.equal(posts.length, 0);
	feedback.started(500);
	assert.deepEqual(posts.map((p) => [p.node, p.switched]), [["hk1", true]]);
});

test("nobody is blamed when all lines fail", () => {
	const { posts, feedback } = reporter();
	for (const [line, node] of [[1, "hk1"], [2, "hk2"]]) {
		feedback.opened(line, node);
		feedback.left(false);
	}
	feedback.allFailed();
	feedback.opened(1, "hk1");
	feedback.started(500);
	assert.deepEqual(posts, []);
});

test("while it plays: once a minute, if there is anything to tell", () => {
	const { posts, feedback } = reporter();
	feedback.opened(1, "hk1");
	feedback.tick(0);
	feedback.started(500);
	feedback.tick(100);
	feedback.stalled();
	feedback.stalled();
	feedback.tick(59000);
	feedback.tick(60100);
	feedback.tick(130000);
	assert.deepEqual(posts.map((p) => [p.stalls, p.startup_ms, p.switched]),
		[[0, 500, false], [2, undefined, false]]);
});

test("what is learned after the opening counts", () => {
	const { posts, feedback } = reporter();
	feedback.opened(3, "hk3");
	feedback.learned("hk4");
	feedback.left(true);
	assert.equal(posts[0].node, "hk4");
});

test("a node that is not known is not reported", () => {
	const { posts, feedback } = reporter();
	feedback.opened(1, null);
	feedback.started(500);
	feedback.stalled();
	feedback.tick(100);
	feedback.left(true);
	assert.deepEqual(posts, []);
});

test("what was measured goes with the next report, once", () => {
	const { posts, feedback } = reporter();
	feedback.opened(1, "hk1");
	feedback.measured([{ node: "hk1", rtt_ms: 20 }]);
	feedback.tick(0);
	assert.deepEqual(posts[0].paths, [{ node: "hk1", rtt_ms: 20 }]);
	feedback.measured([{ node: "jp1", rtt_ms: 60 }]);
	feedback.tick(1000);
	assert.equal(posts.length, 2);
	feedback.stalled();
	feedback.tick(2000);
	assert.equal(posts.length, 2);
	feedback.tick(61000);
	assert.equal(posts[2].paths, undefined);
});

// -- measure --

/** A server whose answers take that long, in turn; the last one for ever. NaN: none. */
function server(...took) {
	const asked = [];
	let now = 0;
	return {
		asked, now: () => now,
		ask: async (url, init) => {
			const ms = took[Math.min(asked.length, took.length - 1)];
			asked.push([url, init.method]);
			if (Number.isNaN(ms)) throw new TypeError("no answer");
			now += ms;
		},
	};
}

test("the fastest request counts, but for the first", async () => {
	const s = server(90, 45, 31.27, 40);
	assert.equal(await roundTrip("http://h:8080/live/class.flv?x=1", s.ask, s.now), 31.3);
	assert.deepEqual(s.asked, Array(4).fill(["http://h:8080/", "HEAD"]));
});

test("a server that closes after each answer is asked over new connections", async () => {
	const plain = server(80, 82, 85, 81), tls = server(120, 126, 123, 120);
	assert.equal(await roundTrip("http://h/", plain.ask, plain.now), 40.5);
	assert.equal(await roundTrip("https://h/", tls.ask, tls.now), 40);
});

test("what does not answer is not measured, what falls silent is", async () => {
	const none = server(NaN), once = server(40, NaN), twice = server(40, 20, NaN);
	assert.equal(await roundTrip("http://h/", none.ask, none.now), null);
	assert.equal(await roundTrip("http://h/", once.ask, once.now), null);
	assert.equal(await roundTrip("http://h/", twice.ask, twice.now), 20);
});

const lineAt = (node, n) => ({ line: { ...fallback("x", n)[n - 1], node }, url: `http://l${n}/` });

test("each node once, when a picture moves and every five minutes", async () => {
	const s = server(40, 20, 20, 20, 40, 20, 20, 20, 40, 20), done = [];
	const measure = new Measure(
		() => [lineAt("hk1", 1), lineAt(null, 2), lineAt("hk1", 3), lineAt("jp1", 4)],
		(paths) => done.push(paths), s.ask, s.now);
	await measure.tick(5000, false);
	assert.equal(done.length, 0);
	measure.started(5000);
	await measure.tick(6999, false);
	await measure.tick(7000, true);
	assert.equal(done.length, 0);
	await measure.tick(7000, false);
	assert.deepEqual(done, [[{ node: "hk1", rtt_ms: 20 }, { node: "jp1", rtt_ms: 20 }]]);
	measure.started(8000);
	await measure.tick(306999, false);
	assert.equal(done.length, 1);
	await measure.tick(307000, false);
	assert.equal(done.length, 2);
	assert.equal(s.asked.length, 16);
});
