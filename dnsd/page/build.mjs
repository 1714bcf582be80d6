// build.mjs OUT - bundles the operator's page into one file, OUT/index.html, that
// needs nothing from the network, and the same compressed beside it; and the player
// into OUT/player/ with its class page; and OUT/sbom.json, the packages that are in these.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { bom, bundled } from "./bundled.mjs";
import { buildClassPage, buildPlayer } from "./player/build.mjs";

const out = process.argv[2];
const here = (path) => new URL(path, import.meta.url).pathname;

async function bundle(entry) {
	const result = await build({
		entryPoints: [here(entry)], bundle: true, minify: true, write: false,
		metafile: true, outdir: out,
		target: "es2020", format: "iife", legalComments: "inline", loader: { ".json": "json" },
	});
	// What ends a script element must not stand in it.
	return { text: result.outputFiles[0].text.replaceAll("</script", "<\\/script"),
		metafile: result.metafile };
}

// Only this script and these styles may run, whatever else gets into the page.
function policy(js, css) {
	const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
	return `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; `
		+ `script-src ${hash(js)}; style-src ${hash(css)}; connect-src 'self'; img-src data:; `
		+ `base-uri 'none'; form-action 'none'">`;
}

async function operatorPage() {
	const html = await readFile(here("operator/index.html"), "utf8");
	const css = await bundle("operator/page.css");
	const js = await bundle("operator/main.ts");
	const page = html.replace("/*page.css*/", () => css.text).replace("/*main.js*/", () => js.text)
		.replace("<!--csp-->", () => policy(js.text, css.text));
	await writeFile(`${out}/index.html.gz`, gzipSync(page, { level: 9 }));
	return { text: page, metafiles: [js.metafile, css.metafile] };
}

await mkdir(out, { recursive: true });
// index.html comes last: make takes it for the whole.
const made = [await buildPlayer(`${out}/player`), await buildClassPage(`${out}/player/demo`)];
const page = await operatorPage();
await writeFile(`${out}/sbom.json`, bom(bundled(...made, ...page.metafiles)));
await writeFile(`${out}/index.html`, page.text);
