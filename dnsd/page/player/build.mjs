// build.mjs [OUT] - builds the player into OUT (default: dist): a module for
// bundlers, a script that holds all, their types; with OUT the class page too.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What player.iife.js contains of others, and their terms. */
const LICENSES = ["hls.js/LICENSE", "mpegts.js/LICENSE",
	"mpegts.js/dist/mpegts.js.LICENSE.txt", "events/LICENSE", "es6-promise/LICENSE"];

async function licenses() {
	const texts = await Promise.all(LICENSES.map(async (name) =>
		`== ${name} ==\n\n${await readFile(here(`../node_modules/${name}`), "utf8")}`));
	return texts.join("\n");
}

export async function buildPlayer(out) {
	const entry = { entryPoints: [here("src/player.ts")], bundle: true, target: "es2020" };
	await mkdir(out, { recursive: true });
	await build({
		...entry, format: "esm", packages: "external", outfile: `${out}/player.js`,
	});
	await build({
		...entry, format: "iife", globalName: "dnsdPlayer", minify: true,
		outfile: `${out}/player.iife.js`,
	});
	await writeFile(`${out}/LICENSES.txt`, await licenses());
	execFileSync(process.execPath, [here("../node_modules/typescript/bin/tsc"), "-p",
		here("tsconfig.build.json"), "--outDir", out], { stdio: "inherit" });
}

export async function buildClassPage(out) {
	await mkdir(out, { recursive: true });
	await build({
		entryPoints: [here("demo/class.ts")], bundle: true, target: "es2020",
		format: "iife", minify: true, outfile: `${out}/class.js`,
	});
	await copyFile(here("demo/class.html"), `${out}/class.html`);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	await buildPlayer(here("dist"));
