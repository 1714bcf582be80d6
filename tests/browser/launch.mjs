// launch.mjs - what browser tests share: Debian's Chromium, headless, and the
// checks' way to fail. A test is a program: exit 0, or 1 with what was seen.
import { createRequire } from "node:module";

const require = createRequire(
	new URL("../../dnsd/page/package.json", import.meta.url));
const { chromium } = require("playwright-core");

// A page whose console errors and uncaught exceptions are collected in
// page.complaints. Options: those of playwright's newContext.
export async function open(url, options = {}, args = []) {
	const browser = await chromium.launch({
		executablePath: "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-dev-shm-usage",
			"--autoplay-policy=no-user-gesture-required", ...args],
	});
	const context = await browser.newContext(options);
	const page = await context.newPage();
	page.complaints = [];
	page.on("pageerror", (error) => page.complaints.push(String(error)));
	page.on("console", (message) => {
		if (message.type() === "error") page.complaints.push(message.text());
	});
	await page.goto(url);
	return { browser, context, page };
}

// Waits until probe() is true; fails with what it is about.
export async function until(what, probe, patience_s = 20) {
	const end = Date.now() + 1000 * Number(process.env.DNSD_PATIENCE ?? patience_s);
	for (;;) {
		if (await probe()) return;
		if (Date.now() > end) throw new Error(`it never came true: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
