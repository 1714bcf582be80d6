// paths.ts - what is known of paths: areas of clients against nodes, with round trip, loss
// and how far they are by distance; of the pair that is chosen, its last day. Asked for
// while it is open.
import { drawPathHistory } from "./chart";
import { byId, el, setText } from "./dom";
import { age } from "./format";
import { areaTitle, Path } from "./path";
import { t } from "./texts";

interface Area {
	title: string;
	networks: number;
	paths: Map<string, Path>;
}

const EVERY_MS = 10000;
/** More areas are not shown: those with most networks are. */
const AREAS_MAX = 100;
const LOSS_SEEN = 0.005;

function areasOf(paths: Path[]): Area[] {
	const all = new Map<string, Area>();
	for (const path of paths) {
		const area = all.get(path.area.id) ?? { title: areaTitle(path.area), networks: 0, paths: new Map() };
		area.paths.set(path.node, path);
		area.networks += path.networks;
		all.set(path.area.id, area);
	}
	return [...all.values()].sort((a, b) => b.networks - a.networks);
}

const pairOf = (path: Path): string => `${path.area.id} ${path.node}`;

export class Paths {
	private box = byId<HTMLDetailsElement>("paths");
	private table = byId("paths-table");
	private timer = 0;

	constructor() {
		this.box.ontoggle = () => void this.load();
	}

	private async load(): Promise<void> {
		clearTimeout(this.timer);
		if (!this.box.open) return;
		try {
			this.show(await (await fetch("api/v1/paths")).json() as Path[]);
		} catch {
			setText(byId("paths-says"), t.noConnection);
		}
		this.timer = window.setTimeout(() => void this.load(), EVERY_MS);
	}

	private show(paths: Path[]): void {
		const areas = areasOf(paths), shown = areas.slice(0, AREAS_MAX);
		const nodes = [...new Set(shown.flatMap((a) => [...a.paths.keys()]))].sort();
		setText(byId("paths-says"), !areas.length
			? t.path.nothing
			: t.path.shown(shown.length, areas.length));
		const focused = document.activeElement?.getAttribute("data-pair");
		this.table.replaceChildren(
			el("thead", {}, el("tr", {}, el("th", { class: "l", scope: "col" }, t.path.clients),
				...nodes.map((node) => el("th", { scope: "col" }, node)))),
			el("tbody", {}, ...shown.map((area) => el("tr", {},
				el("th", { class: "l", scope: "row" }, area.title),
				...nodes.map((node) => this.cell(area.paths.get(node)))))));
		if (focused) this.table.querySelector<HTMLElement>(`[data-pair="${CSS.escape(focused)}"]`)?.focus();
	}

	private cell(path: Path | undefined): HTMLElement {
		if (!path) return el("td", {}, "");
		const lost = path.loss >= LOSS_SEEN ? `, ${(path.loss * 100).toFixed(1)} %` : "";
		const button = el("button", { type: "button", class: "open", "data-pair": pairOf(path) }, `${path.path_ms.toFixed(0)}${lost}`);
		button.onclick = () => this.open(path);
		return el("td", {
			class: path.bad ? "bad" : "",
			title: t.path.cell(path.networks, age(path.age_s), (path.loss * 100).toFixed(1), path.distance_ms.toFixed(0)),
		}, button);
	}

	/** The last day of a pair, below the table. */
	private open(path: Path): void {
		const chart = el("div", { class: "chart" });
		byId("paths-day").replaceChildren(
			el("h3", {}, t.path.title(areaTitle(path.area), path.node) + t.path.comma + t.path.byDistance(path.distance_ms.toFixed(0))), chart);
		void drawPathHistory(chart, path.node, path.area.id);
	}
}
