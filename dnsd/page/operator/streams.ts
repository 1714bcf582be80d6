// streams.ts - who watches what where: each stream, the nodes that have it, and how many
// clients each of them counts. Asked for while it is open.
import { byId, el, setText } from "./dom";
import { roleText, t } from "./texts";

/** A stream on a node. */
interface Copy {
	stream: string;
	node: string;
	role: string;
	clients: number;
}

interface Stream {
	name: string;
	copies: Copy[];
	viewers: number | null;		// of edges; null: none of them lists it
}

const EVERY_MS = 5000;
/** More are not shown: those with most viewers are. */
const STREAMS_MOST = 200, COPIES_MOST = 20;

function streamsOf(copies: Copy[]): Stream[] {
	const all = new Map<string, Stream>();
	for (const copy of copies) {
		const stream = all.get(copy.stream) ?? { name: copy.stream, copies: [], viewers: null };
		stream.copies.push(copy);
		if (copy.role === "edge") stream.viewers = (stream.viewers ?? 0) + copy.clients;
		all.set(copy.stream, stream);
	}
	for (const stream of all.values())
		stream.copies.sort((a, b) => Number(a.role === "edge") - Number(b.role === "edge") || b.clients - a.clients);
	return [...all.values()].sort((a, b) => (b.viewers ?? -1) - (a.viewers ?? -1) || (a.name < b.name ? -1 : 1));
}

function matches(stream: Stream, wanted: string): boolean {
	return stream.name.toLowerCase().includes(wanted)
		|| stream.copies.some((c) => [c.node, c.role, roleText(c.role)].some((word) => word.toLowerCase().includes(wanted)));
}

export class Streams {
	private box = byId<HTMLDetailsElement>("streams");
	private filter = byId<HTMLInputElement>("streams-filter");
	private table = byId("streams-table");
	private all: Stream[] = [];
	private timer = 0;

	constructor(private show: (node: string) => void) {
		this.box.ontoggle = () => void this.load();
		this.filter.oninput = () => this.draw();
	}

	private async load(): Promise<void> {
		clearTimeout(this.timer);
		if (!this.box.open) return;
		try {
			const answer = await fetch("api/v1/streams");
			if (answer.ok) {
				this.all = streamsOf(await answer.json() as Copy[]);
				this.draw();
			}
		} catch {
			setText(byId("streams-says"), t.noConnection);
		}
		clearTimeout(this.timer);
		this.timer = window.setTimeout(() => void this.load(), EVERY_MS);
	}

	private draw(): void {
		const wanted = this.filter.value.trim().toLowerCase();
		const shown = this.all.filter((s) => matches(s, wanted)).slice(0, STREAMS_MOST);
		setText(byId("streams-says"), this.all.length ? `${t.streams.shown(shown.length, this.all.length)} ${t.streams.note}` : t.streams.none);
		const focused = document.activeElement?.getAttribute("data-copy");
		this.table.replaceChildren(
			el("thead", {}, el("tr", {}, el("th", { class: "l", scope: "col" }, t.streams.stream),
				el("th", { scope: "col" }, t.streams.viewers), el("th", { class: "l", scope: "col" }, t.streams.nodes))),
			el("tbody", {}, ...shown.map((s) => this.row(s))));
		if (focused) this.table.querySelector<HTMLElement>(`[data-copy="${CSS.escape(focused)}"]`)?.focus();
	}

	private row(stream: Stream): HTMLElement {
		const more = stream.copies.length - COPIES_MOST;
		return el("tr", { "data-stream": stream.name },
			el("th", { class: "l", scope: "row" }, stream.name),
			el("td", {}, stream.viewers === null ? "—" : String(stream.viewers)),
			el("td", { class: "l" }, ...stream.copies.slice(0, COPIES_MOST).map((c) => this.copy(c)),
				...more > 0 ? [t.and_more(more)] : []));
	}

	private copy(c: Copy): HTMLElement {
		const button = el("button", { type: "button", class: "open", "data-copy": `${c.node} ${c.stream}` },
			t.streams.on(c.node, roleText(c.role), c.clients));
		button.onclick = () => this.show(c.node);
		return button;
	}
}
