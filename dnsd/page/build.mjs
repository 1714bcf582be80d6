// build.mjs OUT - bundles the operator's page into one file, OUT/index.html, that
// needs nothing from the network, and the player into OUT/player/ with its class page.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { buildClassPage, buildPlayer } from "./player/build.mjs";

const out = process.argv[2];
const here = (path) => new URL(path, import.meta.url).pathname;

async function bundle(entry) {
	const result = await build({
		entryPoints: [here(entry)], bundle: true, minify: true, write: false,
		target: "es2020", format: "iife", legalComments: "inline", loader: { ".json": "json" },
	});
	// What ends a script element must not stand in it.
	return result.outputFiles[0].text.replaceAll("</script", "<\\/script");
}

await mkdir(out, { recursive: true });
// index.html comes last: make takes it for the whole.
await buildPlayer(`${out}/player`);
await buildClassPage(`${out}/player/demo`);
const html = await readFile(here("operator/index.html"), "utf8");
const css = await bundle("operator/page.css");
const js = await bundle("operator/main.js");
await writeFile(`${out}/index.html`,
	html.replace("/*page.css*/", () => css).replace("/*main.js*/", () => js));
