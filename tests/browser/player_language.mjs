// player_language.mjs DEMO - the class page of the folder DEMO, whose stream nobody
// serves: what the player says, in the browser's language and in the one that is chosen.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { open, until } from "./launch.mjs";

const [demo] = process.argv.slice(2);
const SITE = "http://127.0.0.1:9/";

async function visit(locale, options, look) {
	const { browser, context, page } = await open("about:blank", { locale });
	const files = { "class.json": JSON.stringify({ title: "Class",
		player: { name: "live.example.com", stream: "live/class", ...options } }) };
	for (const file of ["class.html", "class.js"]) files[file] = await readFile(`${demo}/${file}`, "utf8");
	const types = { html: "text/html", js: "text/javascript", json: "application/json" };
	await context.route("**/*", (route) => {
		const name = new URL(route.request().url()).pathname.slice(1);
		if (!route.request().url().startsWith(SITE) || !(name in files)) return void route.abort();
		void route.fulfill({ body: files[name], contentType: `${types[name.split(".").pop()]}; charset=utf-8` });
	});
	try {
		await page.goto(`${SITE}class.html`);
		await until("buttons", async () => await page.locator(".dnsd-bar button").count() >= 3);
		await look(page);
	} finally {
		await browser.close();
	}
}

const buttons = (page) => page.locator(".dnsd-bar button").allTextContents();
const says = (page, text) => until(`it says ${text}`, async () => text.test(await page.locator(".dnsd-status").textContent()));

await visit("zh-TW", {}, async (page) => {
	assert.deepEqual(await buttons(page), ["线路1", "线路2", "线路3", "English"]);
	await says(page, /^线路暂时不可用，/);
	await page.click(".dnsd-language");
	assert.deepEqual(await buttons(page), ["Line 1", "Line 2", "Line 3", "中文"]);
	await says(page, /^(no line answers|connecting to Line)/);
	await page.reload();
	await until("it is kept", async () => (await buttons(page))[0] === "Line 1");
	await until("by the page too", async () => await page.evaluate(() => document.documentElement.lang) === "en");
});
// Neither Chinese nor English.
await visit("fr-FR", {}, async (page) => assert.equal((await buttons(page))[0], "Line 1"));
// The site decides: no switch.
await visit("en-GB", { lang: "zh" }, async (page) => {
	assert.deepEqual(await buttons(page), ["线路1", "线路2", "线路3"]);
});
process.exit(0);
