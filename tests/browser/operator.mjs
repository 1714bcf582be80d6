// operator.mjs SCENARIO URL - the operator's page in a browser. What is to happen to
// the fleet it asks of who started it: a line of JSON on stdout, a line back on stdin.
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { open, until } from "./launch.mjs";

const [scenario, url] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function act(what, ...args) {
	console.log(JSON.stringify([what, ...args]));
	return JSON.parse((await answers.next()).value);
}

const row = (page, name) => page.locator(`#table tr[data-node="${name}"]`);
const mark = (page, name) => page.locator(`#world .mark[data-node="${name}"]`);
const state = (page, name) => row(page, name).getAttribute("data-state");
const rows = (page) => page.locator("#table tbody tr[data-node]").count();
const cell = (page, name, title) => page.evaluate(([n, t]) => {
	const heads = [...document.querySelectorAll("#table thead th")].map((th) => th.textContent);
	return document.querySelector(`#table tr[data-node="${n}"]`).cells[heads.indexOf(t)].textContent;
}, [name, title]);

/** Whether a canvas is not empty. */
const drawn = (page, selector) => page.evaluate((where) => {
	const canvas = document.querySelector(where);
	const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
	return data.some((v, i) => i % 4 === 3 && v > 0);
}, selector);

const shot = async (page, name) => {
	if (process.env.DNSD_SHOTS)
		await page.screenshot({ path: `${process.env.DNSD_SHOTS}/${name}.png`, fullPage: true });
};

const scenarios = {
	async live(page) {
		await until("all nodes are shown", async () => await rows(page) === 6);
		for (const name of ["hk1", "gb1", "us1"]) {
			await until(`${name} is up`, async () => await state(page, name) === "up");
			await until(`${name} is up on the map`, async () => /\bup\b/.test(await mark(page, name).getAttribute("class")));
		}
		await act("load", "hk1", 250);
		await until("load moves in the table", async () => await cell(page, "hk1", "Load") === "50 %");
		await until("load moves on the map", async () => /50 %/.test(await mark(page, "hk1").getAttribute("aria-label")));
		await act("kill", "gb1");
		await until("the row turns", async () => await state(page, "gb1") === "down");
		await until("the mark turns", async () => /\bdown\b/.test(await mark(page, "gb1").getAttribute("class")));
		await until("the head counts it", async () => /1 down/.test(await page.locator("#summary").textContent()));
		await mark(page, "gb1").press("Enter");
		await until("the panel says why", async () => /refused/.test(await page.locator("#panel").textContent()));
		await shot(page, "live");
		await act("revive", "gb1");
		await until("it is back", async () => await state(page, "gb1") === "up");
		// Nodes of one site stand apart: each can be pressed.
		await mark(page, "hk2").click();
		assert.equal(await page.locator("#panel").getAttribute("data-node"), "hk2");
		await page.keyboard.press("Escape");
		assert.equal(await page.locator("#panel").isHidden(), true);
		const apart = () => page.evaluate(() => {
			const [a, b] = ["jp1", "gb1"].map((name) =>
				document.querySelector(`#world [data-node="${name}"]`).getBoundingClientRect());
			return Math.hypot(a.x - b.x, a.y - b.y);
		});
		let before = 0;
		await until("the map is at rest", async () => {
			const [was, is] = [before, await apart()];
			before = is;
			return is > 0 && was === is;
		});
		await page.click("#zoom-in");
		await until("the map is magnified", async () => await apart() > 1.5 * before);
		await page.click("#zoom-world");
		await until("and whole again", async () => await apart() < 1.1 * before);
		await page.fill("#filter", "tokyo");
		await until("the filter", async () => await rows(page) === 1);
		assert.equal(await row(page, "jp1").count(), 1);
		await act("reload-broken");
		await until("the error of the reload", async () => /nonsense/.test(await page.locator("#reload").textContent()));
	},

	async drain(page, problems) {
		await until("jp1 is up", async () => await state(page, "jp1") === "up");
		const button = row(page, "jp1").locator("button.drain");
		await button.click();
		await page.fill("#ask-token", "wrong");
		await page.keyboard.press("Enter");
		await until("the token is refused", async () => /refused/.test(await page.locator("#ask-why").textContent()));
		assert.equal((await act("node", "jp1")).state, "up");
		assert.equal(await page.evaluate(() => sessionStorage.length), 0);
		await page.click("#ask-cancel");
		await button.click();
		await page.fill("#ask-token", "sesame");
		await page.keyboard.press("Enter");
		await until("it is drained", async () => await state(page, "jp1") === "drained");
		assert.equal((await act("node", "jp1")).state, "drained");
		await shot(page, "drained");
		// Not asked again.
		await button.click();
		await until("it is undrained", async () => await state(page, "jp1") === "up");
		assert.equal(await page.locator("#ask").isVisible(), false);
		problems.expect(401, "/drain");
	},

	async explain(page, problems) {
		await until("all nodes are up", async () => /6 up/.test(await page.locator("#summary").textContent()));
		for (const client of ["10.1.0.7", "10.3.0.7"]) {
			await page.fill("#explain-client", client);
			await page.click("#explain-form button");
			const net = client.replace(/\.\d+\.\d+$/, "");
			await until("the picture", async () =>
				(await page.locator("#explain-answer p").first().textContent()).startsWith(net));
			const told = await act("explain", client);
			const items = page.locator("#explain-answer .costs li");
			assert.equal(await items.count(), told.candidates.length);
			const pick = page.locator("#explain-answer .costs li.pick");
			assert.equal(await pick.count(), 1);
			assert.equal(await pick.getAttribute("data-node"), told.pick);
			// The near one's bar is the shorter one.
			const width = (name) => page.evaluate((n) => [...document.querySelectorAll(
				`#explain-answer li[data-node="${n}"] .cost i`)].reduce((w, i) => w + i.offsetWidth, 0), name);
			const cost = (name) => told.candidates.find((c) => c.node === name).cost;
			assert.equal(await width("hk1") < await width("us1"), cost("hk1") < cost("us1"));
		}
		await shot(page, "explain");
		await page.fill("#explain-client", "nonsense");
		await page.click("#explain-form button");
		await until("the error", async () => await page.locator("#explain-answer .bad").count() === 1);
		problems.expect(400, "/explain");
	},

	async paths(page) {
		await until("all nodes are up", async () => /6 up/.test(await page.locator("#summary").textContent()));
		await page.click("#paths summary");
		await until("nothing", async () => /every path is by distance/.test(await page.locator("#paths-says").textContent()));
		await act("measure", "hk1", "10.1", 88, 0.03);
		await act("measure", "jp1", "10.1", 30, 0);
		await act("measure", "jp1", "10.3", 210, 0);
		const cells = () => page.locator("#paths-table td").allTextContents();
		await page.click("#paths summary");
		await page.click("#paths summary");
		await until("three paths", async () => (await cells()).filter((text) => text).length === 3);
		assert.deepEqual(await page.locator("#paths-table thead th").allTextContents(), ["Clients", "hk1", "jp1"]);
		// Hong Kong has most networks.
		assert.match((await cells()).join("|"), /^8\d, 2\.\d %\|3\d\|\|2[01]\d$/);
		assert.match(await page.locator("td.bad").textContent(), /^8/);
		assert.match(await page.locator("td.bad").getAttribute("title"), /6 networks, .* by distance 5 ms/);
		// Of the three one is bad; its clients are where the node is.
		const bad = page.locator("#world .badpath");
		await until("a bad path on the map", async () => await bad.count() === 1);
		assert.match(await bad.locator("title").textContent(), /^HK 22\.3, 114\.2 to hk1: 8\d ms, by distance 5 ms, loss 2\.\d %, 6 networks$/);
		assert.equal(await page.locator("#world circle.badpath").count(), 1);
		await until("its number", async () => /, 1 bad path$/.test(await page.locator("#status").textContent()));
		// The last day of a pair.
		const points = async () => Number(await page.locator("#paths-day .chart").getAttribute("data-points"));
		await page.locator("td.bad button").click();
		await until("too little", async () => /Too little is known yet: .* each 5 minutes/.test(
			await page.locator("#paths-day").textContent()));
		const n = await act("path-history", "hk1", "10.1");
		await page.locator("td.bad button").click();
		await until("the chart", async () => await page.locator("#paths-day canvas").count() === 1);
		assert.ok(await points() >= n, `${await points()} of ${n}`);
		assert.match(await page.locator("#paths-day h3").textContent(), /^HK 22\.3, 114\.2 to hk1, by distance 5 ms$/);
		assert.equal(await drawn(page, "#paths-day canvas"), true);
		// Who uses the keyboard stays where he is when the table is made anew.
		await page.locator("td.bad button").focus();
		await page.evaluate(() => document.querySelector("#paths-table tbody").dataset.old = "1");
		await until("a new table", async () => await page.locator("#paths-table tbody[data-old]").count() === 0);
		assert.equal(await page.evaluate(() => document.activeElement.closest("td")?.className), "bad");
		await page.fill("#explain-client", "10.1.0.7");
		await page.click("#explain-form button");
		await until("where paths are from", async () =>
			/by 6 networks, .* loss 2\.\d %/.test(await page.locator('#explain-answer li[data-node="hk1"]').textContent()));
		assert.match(await page.locator('#explain-answer li[data-node="us1"]').textContent(), /\(by other paths\)/);
		await shot(page, "paths");
	},

	async badpaths(page) {
		await until("all nodes are up", async () => /6 up/.test(await page.locator("#summary").textContent()));
		const n = await act("measure-badly");
		const lines = page.locator("#world .badpath");
		await until("their number", async () => (await page.locator("#status").textContent()).endsWith(`, ${n} bad paths`));
		await until("a bounded number of lines", async () => await lines.count() > 10);
		assert.ok(await lines.count() <= 100, `${await lines.count()} lines`);
		const titles = (await lines.locator("title").allTextContents()).join("\n");
		// Those that more networks say are among them.
		assert.match(titles, /to br1: .* 2 networks/);
		await shot(page, "badpaths");
		await page.click("#paths summary");
		await until("the table", async () => await page.locator("#paths-table td.bad").count() >= 100);
		assert.equal(await page.locator("#paths-table tbody tr").count(), 100);
		// The page still answers.
		await row(page, "jp1").locator("button.open").click();
		await until("a node", async () => await page.locator("#panel").getAttribute("data-node") === "jp1");
		await act("measure-well");
		await until("they are gone", async () => await lines.count() === 0
			&& !/bad path/.test(await page.locator("#status").textContent()));
	},

	async places(page) {
		const said = page.locator("#no-places");
		await until("it says that there are none", async () => /neither geoip nor nets/.test(await said.textContent()) && await said.isVisible());
		await act("bring-places");
		await until("it says so no longer", async () => await said.isHidden());
	},

	async signing(page) {
		const said = page.locator("#signing");
		const says = (what) => until(`it says ${what}`, async () => what.test(await said.textContent()) && await said.isVisible());
		let left = null;
		await until("all is signed", async () => (left = await act("expires")) !== null);
		assert.equal(await said.isHidden(), true);
		await act("clock", left - 900);
		await says(/^Signatures of example\.com are not renewed: they expire in 1\d min/);
		await act("keys", false);
		await act("clock", left - 800);
		await says(/they expire in .* Keys of example\.com cannot be read, .*: \S*no key of example\.com\.$/);
		await act("clock", left + 900);
		await says(/^Signatures of example\.com have expired/);
		await page.click("#language-zh");
		await says(/^example\.com 的签名已过期.*example\.com 的密钥无法读取/);
		await act("keys", true);
		await act("clock", 0);
		await until("all is well", async () => await said.isHidden());
	},

	/** What other name servers find, and what waits for them. */
	async servers(page) {
		const text = (selector) => page.locator(selector).textContent();
		await until("the section is there", async () => !await page.locator("#servers").isHidden());
		await until("it is connected", async () => /^ns1: connected .* in force$/.test(await text("#servers-says")));
		assert.equal(await page.locator("#apart").isHidden(), true);
		await until("hk1 is up", async () => await state(page, "hk1") === "up");
		await until("its word is heard", async () => {
			await act("view", "down", "polls time out");
			return /^ns2: heard [\d.]+ s ago, finds 0 up, 0 unknown, 1 down$/.test(await text("#servers-peers"));
		});
		await mark(page, "hk1").press("Enter");
		await until("the panel has its word", async () => {
			await act("view", "down", "polls time out");
			return /ns2 finds it\s*down for \d+ s, 38 ms: polls time out/.test(await text("#panel"));
		});
		assert.equal(await state(page, "hk1"), "up");
		await page.keyboard.press("Escape");
		await act("registry", "nodes/sg1", '{"capacity":"much"}');
		await until("what is refused is named", async () => /nodes\/sg1: refused: /.test(await text("#servers-open")));
		await act("registry", "drains/hk1", '{"drained":true}');
		await until("another program drains", async () => await state(page, "hk1") === "drained");
		await act("etcd", "freeze");
		await until("it is said that this server is apart", async () => /^Apart from the other/.test(await text("#apart")));
		assert.equal(await page.locator("#apart").isVisible(), true);
		await mark(page, "hk1").press("Enter");
		await page.locator("#panel").getByRole("button", { name: "Undrain" }).click();
		await page.fill("#ask-token", "sesame");
		await page.locator("#ask-form").getByRole("button", { name: "Go on" }).click();
		await until("the notice says so", async () => /here; pending: /.test(await text("#notice")));
		await until("it waits", async () => /drains\/hk1: pending/.test(await text("#servers-open")));
		await shot(page, "servers");
		await act("etcd", "thaw");
		await until("it is sent", async () => await page.locator("#apart").isHidden()
			&& !/pending/.test(await text("#servers-open")));
		assert.equal(await state(page, "hk1"), "up");
	},

	async history(page) {
		await until("rows", async () => await rows(page) === 6);
		const n = await act("history", "hk1");
		// dnsd may write a minute of its own at any time.
		const isDay = async () => {
			const points = Number(await page.locator("#panel .chart").getAttribute("data-points"));
			return points >= n;
		};
		await row(page, "gb1").locator("button.open").click();
		// One point would be a chart without a line, over years.
		await until("too little", async () => {
			await act("history", "gb1", 1);
			await page.locator("#panel button", { hasText: "Day" }).click();
			return /Too little/.test(await page.locator("#panel .chart").textContent());
		});
		await row(page, "hk1").locator("button.open").click();
		await until("the chart", async () => await page.locator("#panel .chart canvas").count() === 1);
		assert.ok(await isDay());
		await page.locator("#panel button", { hasText: "Hour" }).click();
		await until("the last hour", async () => {
			const points = Number(await page.locator("#panel .chart").getAttribute("data-points"));
			return points > 50 && points <= 60;
		});
		assert.equal(await drawn(page, "#panel .chart canvas"), true);
		await page.locator("#panel button", { hasText: "Day" }).click();
		await until("the day", isDay);
		await shot(page, "history");
	},

	async flows(page) {
		await until("rows", async () => await rows(page) === 6);
		assert.equal(await page.locator("#world .flow").count(), 0);
		await act("ask", "10.1", 16);
		await act("ask", "10.3", 16);
		await until("who stays near", async () => await page.locator("#world circle.flow").count() === 2);
		await act("drain", "gb1");
		// Until the TTL of earlier answers ends, these are no new viewers.
		await until("an arc to another place", async () => {
			await act("ask", "10.3", 16);
			return await page.locator("#world path.flow").count() >= 1;
		});
		await shot(page, "flows");
	},

	async approve(page, problems) {
		await until("rows", async () => await rows(page) === 6);
		assert.equal(await page.locator("#waiting").isVisible(), false);
		const item = (name) => page.locator("#waiting-list > li").filter({ hasText: `${name} from ` });
		const fill = async (of, fields) => {
			for (const [title, value] of Object.entries(fields))
				await of.getByLabel(title, { exact: true }).fill(value);
			await of.getByRole("button", { name: "Approve" }).click();
		};
		const said = (what, text) => until(what, async () => text.test(await page.locator("#notice").textContent()));
		await act("beat", "new1");
		await act("beat", "<img src=x onerror=alert(1)>");
		await until("who reports is shown", async () => await item("new1").count() === 1);
		await until("a name is text", async () => await item("<img src=x onerror=alert(1)>").count() === 1);
		assert.equal(await page.locator("#waiting img").count(), 0);
		await item("new1").locator("summary").click();
		await item("new1").locator("select").selectOption("relay");
		await shot(page, "waiting");
		const good = { At: "1.3, 103.8", Capacity: "300", Site: "sgp", API: "off", RTMP: "off" };
		// The address that it reports from is this machine's: for the file alone.
		await fill(item("new1"), good);
		await page.fill("#ask-token", "sesame");
		await page.keyboard.press("Enter");
		await said("why it is refused", /127\.0\.0\.1.*only in the configuration file/);
		assert.equal(await rows(page), 6);
		await fill(item("new1"), { ...good, Addresses: "192.0.2.9" });
		await until("it is in the table", async () => await row(page, "new1").count() === 1);
		await until("it is up", async () => await state(page, "new1") === "up");
		assert.equal(await mark(page, "new1").count(), 1);
		await until("it waits no longer", async () => await item("new1").count() === 0);
		const told = await act("node", "new1");
		assert.deepEqual([told.role, told.at, told.capacity, told.site, told.addresses],
			["relay", [1.3, 103.8], 300, "sgp", ["192.0.2.9"]]);
		// A name that is none for a node.
		const bad = item("<img src=x onerror=alert(1)>");
		await bad.locator("summary").click();
		await fill(bad, { ...good, Addresses: "192.0.2.10" });
		await said("why that is refused", /the name of a node is a DNS label/);
		await row(page, "new1").locator("button.open").click();
		page.once("dialog", (dialog) => void dialog.accept());
		await page.locator("#panel").getByRole("button", { name: "Remove" }).click();
		await until("it is out of the table", async () => await rows(page) === 6);
		assert.equal(await mark(page, "new1").count(), 0);
		await until("and the panel closed", async () => !await page.locator("#panel").isVisible());
		problems.expect(400, "/approve");
	},

	async roles(page) {
		await until("rows", async () => await rows(page) === 6);
		const fact = (title) => page.locator("#panel dl > div")
			.filter({ has: page.locator("dt", { hasText: title }) }).locator("dd").textContent();
		await act("streams", "br1", "live/maths", "live/<b>music</b>");
		await row(page, "br1").locator("button.open").click();
		await until("what it records", async () =>
			await page.locator("#panel .detail li").count() === 2);
		assert.deepEqual(await page.locator("#panel .detail li").allTextContents(),
			["/live/<b>music</b>", "/live/maths"]);
		assert.equal(await fact("Streams"), "2");
		await act("streams", "br1");
		await until("that it ended", async () => /^nothing/.test(
			await page.locator("#panel .detail li").first().textContent()));
		await act("streams", "us1", "live/maths");
		await act("kill", "us1");
		await until("it is down", async () => await state(page, "us1") === "down");
		await row(page, "us1").locator("button.open").click();
		await until("its fall", async () => await page.locator("#panel dt", { hasText: "Falls" }).count() === 1
			&& await fact("Falls") === "1.0");
		assert.notEqual(await fact("Grade"), "0, the best");
		await shot(page, "roles");
		await row(page, "hk1").locator("button.open").click();
		await until("an edge", async () => await page.locator("#panel").getAttribute("data-node") === "hk1");
		assert.equal(await page.locator("#panel .detail dt").count(), 0);
	},

	async phone(page) {
		await until("rows", async () => await rows(page) === 6);
		const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
		assert.equal(await fits(), true);
		await mark(page, "us1").click();
		assert.equal(await page.locator("#panel").getAttribute("data-node"), "us1");
		assert.equal(await fits(), true);
		// The last column, of narrow phones and wide rows too.
		await act("drain", "hk1");
		await until("it is drained", async () => await state(page, "hk1") === "drained");
		const hidden = () => page.evaluate(() => [...document.querySelectorAll("#table .drain")].filter((button) => {
			const at = button.getBoundingClientRect(), box = document.querySelector("#scroll").getBoundingClientRect();
			return at.left < box.left || at.right > box.right;
		}).length);
		for (const width of [390, 360, 320]) {
			await page.setViewportSize({ width, height: 844 });
			assert.equal(await hidden(), 0, `cut off at ${width}`);
			assert.equal(await fits(), true);
		}
		await row(page, "hk1").scrollIntoViewIfNeeded();
		await shot(page, "narrow");
		await page.setViewportSize({ width: 390, height: 844 });
		await page.fill("#explain-client", "10.1.0.7");
		await page.click("#explain-form button");
		await until("the picture", async () => await page.locator("#explain-answer .pick").count() === 1);
		assert.equal(await fits(), true);
		await page.mouse.move(1, 1);
		await shot(page, "phone");
	},

	/** Viewers of a drained node. */
	async move(page) {
		const box = page.locator("#panel .move"), bar = box.locator("progress");
		const begin = async (perSecond) => {
			await box.getByRole("spinbutton").fill(perSecond);
			await box.getByRole("button", { name: "Move viewers" }).click();
		};
		const is = (name) => until(name, async () => await box.getAttribute("data-state") === name);
		const share = () => bar.evaluate((p) => [p.value, p.max]);
		await until("its viewers", async () => (await act("node", "hk1")).connections === 20);
		await act("come-to", "hk1", "jp1");
		await row(page, "hk1").locator("button.open").click();
		await until("the panel", async () => await page.locator("#panel").getAttribute("data-node") === "hk1");
		assert.equal(await box.locator("form").isVisible(), false);
		await page.locator("#panel").getByRole("button", { name: "Drain" }).click();
		await page.fill("#ask-token", "sesame");
		await page.keyboard.press("Enter");
		await until("it can be begun", async () => await box.locator("form").isVisible());
		assert.equal(await box.getByRole("spinbutton").inputValue(), "20");
		await begin("1");
		await is("moves");
		assert.match(await box.textContent(), /1 viewers a second are closed and come back elsewhere/);
		await until("the bar moves", async () => (await share())[0] > 0);
		assert.equal((await act("node", "hk1")).move.per_s, 1);
		const [moved, all] = await share();
		assert.ok(moved < all, `${moved} of ${all}`);
		await shot(page, "move");
		await page.locator("#panel").getByRole("button", { name: "Undrain" }).click();
		await is("stopped");
		assert.match(await box.textContent(), /stopped before its end: it is drained no more/);
		await until("it cannot be begun", async () => !await box.locator("form").isVisible());
		await page.locator("#panel").getByRole("button", { name: "Drain" }).click();
		await until("it can again", async () => await box.locator("form").isVisible());
		await begin("40");
		await is("done");
		await until("nobody is left", async () => / 0 left/.test(await box.textContent()));
		const [value, max] = await share();
		assert.equal(value, max);
		assert.equal(await act("closed", "hk1"), 20);
	},

	/** The browser's language, the other one, and that it is kept. */
	async chinese(page) {
		const text = (selector) => page.locator(selector).textContent();
		const tag = () => page.evaluate(() => document.documentElement.lang);
		/** Words of Latin letters that are neither names nor abbreviations. */
		const foreign = () => page.evaluate(() => {
			const known = /^(dnsd|dnsd-geo-update|geoip|nets|cpu|dns|etcd|live|example|com|hongkong|tokyo|london|saopaulo|english|mbit|kbit)$/i;
			const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
			const words = [];
			while (walker.nextNode()) {
				const at = walker.currentNode;
				if (at.parentElement.closest("script, datalist")) continue;
				words.push(...(at.data.match(/[A-Za-z-]{3,}/g) ?? []).filter((word) => !known.test(word)));
			}
			return words;
		});
		await until("rows", async () => await rows(page) === 6);
		assert.equal(await tag(), "zh-CN");
		await act("drain", "hk1");
		await until("its state in Chinese", async () => await cell(page, "hk1", "状态") === "▲ 已下线");
		assert.equal(await cell(page, "hk1", "角色"), "边缘");
		await act("kill", "gb1");
		await until("the other one is down", async () => await state(page, "gb1") === "down");
		await mark(page, "gb1").press("Enter");
		await until("why", async () => /轮询被拒绝连接/.test(await text("#panel")));
		assert.deepEqual(await foreign(), []);
		await page.fill("#filter", "故障");
		await until("the filter reads Chinese", async () => await rows(page) === 1);
		await page.fill("#explain-client", "10.1.0.7");
		await page.click("#explain-form button");
		await until("the picture", async () => /位于/.test(await text("#explain-answer")));
		await shot(page, "chinese");
		await page.click("#language-en");
		await until("English", async () => await tag() === "en" && await text("#nodes-title span") === "Nodes");
		await page.reload();
		await until("rows again", async () => await rows(page) === 6);
		assert.equal(await tag(), "en");
		assert.equal(await page.locator("#language-en").getAttribute("aria-pressed"), "true");
		await until("a state in English", async () => await cell(page, "hk1", "State") === "▲ drained");
		await page.click("#language-zh");
		await until("Chinese again", async () => await tag() === "zh-CN" && await text("#nodes-title span") === "节点");
	},

	/** Who watches what where. */
	async streams(page) {
		await until("rows", async () => await rows(page) === 6);
		await act("streams", "us1", "live/maths", "live/<b>music</b>");
		await act("watched", "hk1", 12, "live/maths");
		await act("watched", "jp1", 5, "live/maths");
		await page.click("#streams summary");
		const at = page.locator('#streams-table tr[data-stream="/live/maths"]');
		await until("a stream and its viewers", async () => await at.count() === 1
			&& await at.locator("td").first().textContent() === "17");
		const reads = async (cells, wanted) =>
			(await cells.allTextContents()).join("|") === wanted.join("|");
		// Each node is polled in its own time.
		await until("who has it", async () => await reads(at.locator("button"),
			["us1 (origin): 1", "hk1 (edge): 12", "jp1 (edge): 5"]));
		// Nobody's edge lists it: that is not nobody.
		const last = page.locator("#streams-table tbody tr").last().locator("th, td");
		await until("what only the origin has", async () => await reads(last,
			["/live/<b>music</b>", "—", "us1 (origin): 1"]));
		await page.fill("#streams-filter", "jp1");
		await until("the filter", async () => await page.locator("#streams-table tbody tr").count() === 1);
		await page.fill("#streams-filter", "");
		await shot(page, "streams");
		await at.locator("button", { hasText: "hk1" }).focus();
		await page.evaluate(() => { document.querySelector("#streams-table tbody").dataset.old = "1"; });
		await until("a new table", async () => await page.locator("#streams-table tbody[data-old]").count() === 0);
		assert.equal(await page.evaluate(() => document.activeElement.textContent), "hk1 (edge): 12");
		await page.keyboard.press("Enter");
		assert.equal(await page.locator("#panel").getAttribute("data-node"), "hk1");
		await act("streams", "us1");
		await act("watched", "hk1", 0);
		await act("watched", "jp1", 0);
		await until("all ended", async () => /No stream is published/.test(await page.locator("#streams-says").textContent())
			&& await page.locator("#streams-table tbody tr").count() === 0);
		// By role.
		assert.deepEqual(await page.locator("#roles button").allTextContents(), ["all 6", "edge 4", "origin 1", "relay 1"]);
		await page.locator("#roles button", { hasText: "edge" }).click();
		assert.equal(await rows(page), 4);
		await page.fill("#filter", "hongkong");
		await until("by both", async () => await rows(page) === 2);
		await page.locator("#roles button", { hasText: "all" }).click();
		await page.fill("#filter", "");
		await until("all of them", async () => await rows(page) === 6);
	},

	/** The history of all, and of those that are chosen. */
	async fleet(page) {
		await until("rows", async () => await rows(page) === 6);
		const says = () => page.locator("#fleet-says").textContent();
		const points = async () => Number(await page.locator("#fleet-chart").getAttribute("data-points"));
		for (const name of ["hk1", "jp1"]) await act("history", name);
		await page.click("#fleet summary");
		await until("the chart", async () => await page.locator("#fleet-chart canvas").count() === 1);
		assert.ok(await points() > 1000, `${await points()} points`);
		assert.equal(await drawn(page, "#fleet-chart canvas"), true);
		// 289 each at most; a minute may have begun between the two.
		assert.match(await says(), /of 6 nodes, .* At most 57[78] connections\.$/);
		await page.fill("#filter", "hk1");
		await until("one of them", async () => /of 1 node, .* At most 289 connections\.$/.test(await says()));
		await page.locator("#fleet button", { hasText: "Hour" }).click();
		await until("the last hour", async () => await points() > 50 && await points() <= 60);
		await shot(page, "fleet");
	},

	/** Nothing is cut off, on a phone, a laptop and a wall. */
	async sizes(page) {
		await until("rows", async () => await rows(page) === 6);
		for (const name of ["hk1", "jp1"]) await act("history", name);
		await act("streams", "us1", `live/${"a-long-name-of-a-class-".repeat(5)}`);
		await act("watched", "hk1", 1234, "live/maths");
		await act("drain", "hk1");
		await until("it is drained", async () => await state(page, "hk1") === "drained");
		/** What of the page reaches beyond its sides: all but what scrolls in a box of its own. */
		const beyond = () => page.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => {
			if (e.closest("svg svg, svg *, .skip, dialog") || !e.checkVisibility()) return false;
			for (let box = e.parentElement; box !== document.body; box = box.parentElement)
				if (getComputedStyle(box).overflowX !== "visible") return false;
			const at = e.getBoundingClientRect();
			return at.width > 0 && (at.left < -0.5 || at.right > document.documentElement.clientWidth + 0.5);
		}).map((e) => e.outerHTML.slice(0, 80)));
		const box = (selector) => page.locator(selector).first().boundingBox();
		for (const language of ["en", "zh"]) {
			await page.click(`#language-${language}`);
			await until(`it is in ${language}`, async () => await rows(page) === 6
				&& (await page.evaluate(() => document.documentElement.lang)).startsWith(language));
			await page.click("#streams summary");
			await until("streams", async () => await page.locator("#streams-table tbody tr").count() === 2);
			await page.click("#fleet summary");
			await page.fill("#explain-client", "10.1.0.7");
			await page.click("#explain-form button");
			await until("the picture", async () => await page.locator("#explain-answer .pick").count() === 1);
			await row(page, "hk1").locator("button.open").click();
			await until("the panel", async () => await page.locator("#panel .move form").isVisible());
			for (const [width, height] of [[390, 844], [1280, 900], [1600, 900], [2560, 1300]]) {
				await page.setViewportSize({ width, height });
				const charts = () => page.evaluate(() => [...document.querySelectorAll(".chart .uplot")].every(
					(u) => Math.abs(u.offsetWidth - u.parentElement.clientWidth) <= 1));
				await until(`the charts fit at ${width}`, async () => await page.locator("#fleet-chart canvas").count() === 1 && await charts());
				assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
					`the page scrolls sideways at ${width}`);
				assert.deepEqual(await beyond(), [], `beyond the page at ${width}`);
				// What an operator must reach without a scroll to the side.
				for (const what of ["#status", "#summary", "#language-en", "#world", "#filter", "#table .drain", "#table .open",
					"#panel .close", "#panel .move button", "#panel .move input", "#streams-table td", "#explain-form button"]) {
					const at = await box(what);
					assert.ok(at && at.width > 0 && at.x >= 0 && at.x + at.width <= width, `${what} at ${width}, ${language}: ${JSON.stringify(at)}`);
				}
				const [map, table] = [await box("#map"), await box("#nodes")];
				const beside = table.x >= map.x + map.width && table.y < map.y + map.height;
				assert.equal(beside, width >= 1600, `table beside the map at ${width}`);
				// Beside it, too, all columns are seen.
				if (width >= 1600) assert.ok(await page.evaluate(() => {
					const scroll = document.querySelector("#scroll");
					return scroll.scrollWidth <= scroll.clientWidth && document.querySelector("#table th.w").checkVisibility();
				}), `all columns at ${width}`);
				await shot(page, `size-${language}-${width}`);
			}
		}
	},

	async thousand(page) {
		await until("the table", async () => /^1000$/.test(await page.locator("#count").textContent()));
		assert.ok(await rows(page) < 100, "rows out of sight exist");
		await act("ask", "10.1", 200);
		// While updates go on: each click sorts.
		for (let i = 0; i < 6; i++) {
			await page.locator("#table thead button", { hasText: "Node" }).click();
			await act("ask", "10.3", 20);
			const first = await page.locator("#table tbody tr[data-node]").first().getAttribute("data-node");
			const names = await page.evaluate(() => [...document.querySelectorAll("#table tr[data-node]")].map((r) => r.dataset.node));
			assert.equal(first, names[0]);
			assert.equal(first, i % 2 === 0 ? "n999" : "n0");
		}
		await page.locator("#table thead button", { hasText: "Answers/s" }).click();
		await act("ask", "10.1", 200);
		await until("answers move the table", async () => page.evaluate(() => {
			const tr = document.querySelector("#table tbody tr[data-node]");
			return tr.cells.length > 0 && parseFloat(tr.cells[10].textContent) > 0;
		}));
		// The last row can be reached.
		await page.locator("#table thead button", { hasText: "Node" }).click();
		await page.evaluate(() => { const s = document.querySelector("#scroll"); s.scrollTop = s.scrollHeight; });
		await until("the last row", async () => {
			const n = await page.locator("#table tr[data-node]").last().getAttribute("data-node");
			return n === "n999" || n === "n0";
		});
		// So can every node of a large site.
		await page.locator("#world .mark.group").first().press("Enter");
		await until("the nodes of a site", async () => await page.locator("#panel .choose button").count() > 12);
		const name = (await page.locator("#panel .choose button").nth(5).textContent()).split(" ")[1];
		await page.locator("#panel .choose button").nth(5).click();
		await until("one of them", async () => await page.locator("#panel").getAttribute("data-node") === name);
		// A thousand histories are not asked for; those of a site are.
		await page.click("#fleet summary");
		await until("too many", async () => /^1000 nodes are chosen; .* 100 at most/.test(await page.locator("#fleet-says").textContent()));
		assert.equal(await page.locator("#fleet-chart > *").count(), 0);
		await page.fill("#filter", "s19");
		await until("some", async () => await page.locator("#fleet-chart > *").count() === 1
			&& /of 50 nodes/.test(await page.locator("#fleet-says").textContent()));
		const update = await page.evaluate(() => performance.getEntriesByName("update").map((e) => e.duration));
		console.error(`update of 1000 nodes: ${update.map((ms) => ms.toFixed(1))} ms`);
		await shot(page, "thousand");
	},
};

// What a page may do: nothing but ask its own server, and complain about nothing but
// the refusals that a scenario provokes.
class Problems {
	constructor(page) {
		this.found = [];
		this.expected = [];
		page.on("pageerror", (error) => this.found.push(`exception: ${error}`));
		page.on("request", (request) => {
			if (!request.url().startsWith(url) && !request.url().startsWith("data:"))
				this.found.push(`it asked ${request.url()}`);
		});
		page.on("console", (message) => {
			if (["error", "warning"].includes(message.type()))
				this.found.push(`${message.text()} (${message.location().url})`);
		});
	}
	expect(status, where) {
		this.expected.push([status, where]);
	}
	check() {
		assert.deepEqual(this.found.filter((text) => !this.expected.some(
			([status, where]) => text.includes(`status of ${status}`) && text.includes(where))), []);
	}
}

const { browser, page } = await open("about:blank", scenario === "phone"
	? { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }
	: { viewport: { width: 1280, height: 900 }, locale: scenario === "chinese" ? "zh-CN" : "en-GB",
		colorScheme: scenario === "history" ? "dark" : "light" });
try {
	const problems = new Problems(page);
	await page.goto(url);
	await scenarios[scenario](page, problems);
	problems.check();
} finally {
	await browser.close();
}
process.exit(0);
