// bundled.mjs - which of npm's packages are in what esbuild made, their terms, and the list
// of them for programs that look for vulnerable ones (CycloneDX).
import { existsSync, readdirSync, readFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url).pathname;
const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const LOCK = json(here("package-lock.json")).packages;

/** The package that a file belongs to. */
const owner = (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

/** Packages that a package's own build has put into this file. Our package.json names them
 * too, so that the lock file has their hashes and npm brings their licences. */
function within(file) {
	const sources = existsSync(`${file}.map`) ? json(`${file}.map`).sources : [];
	return sources.map(owner).filter((name) => name);
}

/** {name: set of the names in it} of the packages that these outputs have code of. */
export function bundled(...metafiles) {
	const found = {};
	for (const { outputs } of metafiles)
		for (const { inputs } of Object.values(outputs))
			for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
				const name = bytesInOutput && owner(file);
				if (!name)
					continue;
				found[name] ??= new Set();
				within(file).forEach((inner) => found[name].add(inner));
			}
	return found;
}

/** All of their licences. */
export function licences(found) {
	const names = new Set(Object.entries(found).flatMap(([name, inner]) => [name, ...inner]));
	return [...names].sort().map((name) => {
		const folder = here(`node_modules/${name}`);
		const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
		return `== ${name}/${file} ==\n\n${readFileSync(`${folder}/${file}`, "utf8")}`;
	}).join("\n");
}

/** What of the lock file a package is; within: the one whose build has it in it. */
function component(name, parent) {
	const locked = LOCK[`node_modules/${name}`];
	const { dependencies, devDependencies } = parent
		? json(here(`node_modules/${parent}/package.json`)) : {};
	const wanted = { ...devDependencies, ...dependencies }[name];
	if (!locked || (/^\d/.test(wanted ?? "") && wanted !== locked.version))
		throw new Error(`${parent} holds ${name} ${wanted}, which is not in the lock file:`
			+ ` npm install --save-dev --save-exact ${name}@${wanted}`);
	const [group, short] = name.startsWith("@") ? name.split("/") : [undefined, name];
	const purl = `pkg:npm/${name.replace("@", "%40")}@${locked.version}`;
	const [algorithm, hash] = locked.integrity.split("-");
	return {
		type: "library", "bom-ref": parent ? `${parent}/${purl}` : purl, group, name: short,
		version: locked.version,
		hashes: [{ alg: algorithm.replace("sha", "SHA-"),
			content: Buffer.from(hash, "base64").toString("hex") }],
		licenses: [{ license: { id: locked.license } }], purl,
	};
}

export function bom(found) {
	const sorted = (names, make) => [...names].sort().map(make);
	const { version } = json(here("player/package.json"));
	const list = {
		bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
		metadata: { component: { type: "application", "bom-ref": "dnsd", name: "dnsd", version,
			licenses: [{ license: { id: "MIT" } }] } },
		components: sorted(Object.keys(found), (name) => {
			const inner = sorted(found[name], (other) => component(other, name));
			return { ...component(name), components: inner.length ? inner : undefined };
		}),
	};
	return `${JSON.stringify(list, null, 2)}\n`;
}
