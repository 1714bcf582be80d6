// build.mjs [OUT] - builds the player into OUT (default: dist): a module for
// bundlers, a script that holds all, their types; with OUT the class page too.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundled, licences } from "../bundled.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export async function buildPlayer(out) {
	const entry = { entryPoints: [here("src/player.ts")], bundle: true, target: "es2020",
		metafile: true };
	await mkdir(out, { recursive: true });
	await build({
		...entry, format: "esm", packages: "external", outfile: `${out}/player.js`,
	});
	const { metafile } = await build({
		...entry, format: "iife", globalName: "dnsdPlayer", minify: true,
		outfile: `${out}/player.iife.js`,
	});
	await writeFile(`${out}/LICENSES.txt`, licences(bundled(metafile)));
	execFileSync(process.execPath, [here("../node_modules/typescript/bin/tsc"), "-p",
		here("tsconfig.build.json"), "--outDir", out], { stdio: "inherit" });
	return metafile;
}

export async function buildClassPage(out) {
	await mkdir(out, { recursive: true });
	const { metafile } = await build({
		entryPoints: [here("demo/class.ts")], bundle: true, target: "es2020",
		format: "iife", minify: true, metafile: true, outfile: `${out}/class.js`,
	});
	await copyFile(here("demo/class.html"), `${out}/class.html`);
	return metafile;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	await buildPlayer(here("dist"));
