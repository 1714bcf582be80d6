// table.ts - the nodes as a table. Of a thousand rows only those in sight exist; an
// update writes the cells whose text has changed.
import { change } from "./actions";
import { byId, el, setAttribute, setText } from "./dom";
import { age, bandwidth, percent, rate } from "./format";
import { Model, Node, STATES } from "./model";
import { SIGNS } from "./shapes";
import { roleText, t, whyText } from "./texts";

interface Column {
	key: string;
	title: string;
	wide?: boolean;		// not on a phone
	left?: boolean;
	value(node: Node, model: Model): number | string;
	text(node: Node, model: Model): string;
}

const text = (key: "name" | "role", title: string, wide = false): Column =>
	({ key, title, wide, left: true, value: (n) => n[key], text: (n) => key === "role" ? roleText(n.role) : n[key] });

const number = (key: "connections" | "bandwidth_kbps" | "cpu_percent" | "reserved", title: string,
	show: (v: number) => string, wide = false): Column =>
	({ key, title, wide, value: (n) => n[key], text: (n) => show(n[key]) });

const COLUMNS: Column[] = [
	text("name", t.node.node),
	text("role", t.node.role, true),
	{ key: "site", title: t.node.site, wide: true, left: true, value: (n) => n.site ?? "", text: (n) => n.site ?? "" },
	{ key: "state", title: t.node.state, left: true, value: (n) => STATES.indexOf(n.state),
		text: (n) => `${SIGNS[n.state]} ${t.states[n.state]}` },
	{ key: "utilisation", title: t.node.load, left: true, value: (n) => n.utilisation, text: (n) => percent(n.utilisation) },
	number("connections", t.node.conns, String, true),
	number("bandwidth_kbps", t.node.bandwidth, bandwidth, true),
	number("cpu_percent", `${t.node.cpu} %`, String, true),
	number("reserved", t.node.inFlight, (v) => v.toFixed(0), true),
	{ key: "age", title: t.node.sampleAge, wide: true, value: (n, m) => m.sampleAge(n) ?? Infinity,
		text: (n, m) => age(m.sampleAge(n)) },
	{ key: "rate", title: t.node.perSecond, wide: true, value: (n) => n.rate, text: (n) => rate(n.rate) },
];
/** As their buttons stand; first all. */
const ROLES: (string | null)[] = [null, "edge", "origin", "relay", "recorder"];
const SPARE = 8;	// rows beyond each edge

class Row {
	readonly tr = el("tr");
	private cells: HTMLElement[] = [];
	private open = el("button", { type: "button", class: "open" });
	private drain = el("button", { type: "button", class: "drain" });
	private fill = el("i");
	node: Node | null = null;

	constructor(show: (name: string) => void) {
		for (const column of COLUMNS) this.cells.push(this.cell(column));
		const actions = el("td", { class: "l" }, this.drain);
		this.tr.append(actions);
		this.open.onclick = () => this.node && show(this.node.name);
		this.drain.onclick = () => this.node &&
			void change(this.node.name, this.node.state === "drained" ? "undrain" : "drain");
	}

	private cell(column: Column): HTMLElement {
		const td = el("td", { class: (column.wide ? "w " : "") + (column.left ? "l" : "") });
		this.tr.append(td);
		if (column.key === "name") {
			td.append(this.open);
			return this.open;
		}
		if (column.key !== "utilisation") return td;
		const value = el("span");
		td.append(el("span", { class: "bar", "aria-hidden": "true" }, this.fill), value);
		return value;
	}

	update(node: Node, index: number, model: Model): void {
		this.node = node;
		COLUMNS.forEach((column, i) => setText(this.cells[i], column.text(node, model)));
		setAttribute(this.tr, "data-node", node.name);
		setAttribute(this.tr, "data-state", node.state);
		setAttribute(this.tr, "aria-rowindex", String(index + 2));
		setAttribute(this.tr, "title", whyText(node.why));
		const width = `${Math.min(100, Math.round(node.utilisation * 100))}%`;
		if (this.fill.style.width !== width) this.fill.style.width = width;
		setAttribute(this.fill, "class", node.utilisation > 0.95 ? "full" : node.utilisation > 0.7 ? "hot" : "");
		const what = node.state === "drained" ? t.table.undrain : t.table.drain;
		setText(this.drain, what);
		setAttribute(this.drain, "aria-label", `${what} ${node.name}`);
	}
}

export class Table {
	private role: string | null = null;	// null: all
	private roles = byId("roles");
	private sorted: Node[] = [];
	private by = 0;
	private down = false;
	private rows: Row[] = [];
	private scroll = byId("scroll");
	private body = byId<HTMLTableElement>("table").tBodies[0];
	private above = el("tr", { "aria-hidden": "true" });
	private below = el("tr", { "aria-hidden": "true" });
	private filter = byId<HTMLInputElement>("filter");
	private heads: HTMLTableCellElement[] = [];
	private rowHeight = 34;

	/** changed: what it shows is to be looked at again. */
	constructor(private model: Model, private show: (name: string) => void, private changed: () => void) {
		const head = el("tr");
		COLUMNS.forEach((column, i) => head.append(this.head(column, i)));
		head.append(el("th", { class: "l", scope: "col" }, t.node.actions));
		byId<HTMLTableElement>("table").tHead!.append(head);
		this.body.append(this.above, this.below);
		this.scroll.addEventListener("scroll", () => this.draw(), { passive: true });
		this.filter.addEventListener("input", () => this.update());
		window.addEventListener("resize", () => this.draw());
	}

	private head(column: Column, i: number): HTMLElement {
		const button = el("button", { type: "button" }, column.title);
		const th = el("th", { scope: "col", class: (column.wide ? "w " : "") + (column.left ? "l" : "") }, button);
		button.onclick = () => {
			this.down = this.by === i ? !this.down : !column.left || column.key === "utilisation";
			this.by = i;
			this.update();
		};
		this.heads.push(th);
		return th;
	}

	private matches(node: Node, wanted: string): boolean {
		return [node.name, node.role, roleText(node.role), node.site ?? "", node.provider ?? "", node.state, t.states[node.state]]
			.some((word) => word.toLowerCase().includes(wanted));
	}

	private order(): void {
		const column = COLUMNS[this.by], sign = this.down ? -1 : 1;
		const wanted = this.filter.value.trim().toLowerCase();
		const names = new Intl.Collator("en", { numeric: true }).compare;
		const keyed: [number | string, Node][] = [];
		for (const node of this.model.nodes.values())
			if ((this.role === null || node.role === this.role) && (!wanted || this.matches(node, wanted))) keyed.push([column.value(node, this.model), node]);
		keyed.sort(([a, x], [b, y]) => sign * (typeof a === "string" ? names(a, b as string) : a === b ? 0 : a - (b as number))
			|| names(x.name, y.name));
		this.sorted = keyed.map(([, node]) => node);
	}

	/** The nodes that are chosen by role and filter, in their order. */
	chosen(): Node[] {
		return this.sorted;
	}

	/** A button for each role that there is, with its number; none if all have one. */
	private drawRoles(): void {
		const counts = new Map<string | null, number>([[null, this.model.nodes.size]]);
		for (const { role } of this.model.nodes.values()) counts.set(role, (counts.get(role) ?? 0) + 1);
		if (!counts.has(this.role)) this.role = null;
		this.roles.hidden = counts.size < 3;
		const wanted = [...counts].sort(([a], [b]) => ROLES.indexOf(a) - ROLES.indexOf(b));
		while (this.roles.children.length > wanted.length) this.roles.lastElementChild!.remove();
		wanted.forEach(([role, n], i) => {
			const button = (this.roles.children[i] ?? this.roles.appendChild(el("button", { type: "button" }))) as HTMLButtonElement;
			setText(button, `${role === null ? t.table.all : roleText(role)} ${n}`);
			setAttribute(button, "aria-pressed", String(role === this.role));
			button.onclick = () => {
				this.role = role;
				this.update();
			};
		});
	}

	update(): void {
		this.drawRoles();
		this.order();
		this.heads.forEach((th, i) => setAttribute(th, "aria-sort",
			i !== this.by ? "none" : this.down ? "descending" : "ascending"));
		setText(byId("count"), this.sorted.length === this.model.nodes.size
			? String(this.sorted.length) : t.node.of(this.sorted.length, this.model.nodes.size));
		setAttribute(byId("table"), "aria-rowcount", String(this.sorted.length + 1));
		this.draw();
		this.changed();
	}

	private spacer(row: HTMLElement, rows: number): void {
		const height = `${rows * this.rowHeight}px`;
		row.hidden = rows === 0;
		if (row.style.height !== height) row.style.height = height;
	}

	private draw(): void {
		const seen = Math.ceil(this.scroll.clientHeight / this.rowHeight) + 2 * SPARE;
		const n = Math.min(this.sorted.length, Math.max(seen, 2 * SPARE + 10));
		let first = Math.max(0, Math.floor(this.scroll.scrollTop / this.rowHeight) - SPARE);
		first = Math.max(0, Math.min(first, this.sorted.length - n));
		while (this.rows.length < n) {
			const row = new Row(this.show);
			this.rows.push(row);
			this.below.before(row.tr);
		}
		while (this.rows.length > n) this.rows.pop()!.tr.remove();
		this.rows.forEach((row, i) => row.update(this.sorted[first + i], first + i, this.model));
		this.spacer(this.above, first);
		this.spacer(this.below, this.sorted.length - first - n);
		if (this.rows.length) this.rowHeight = this.rows[0].tr.offsetHeight || this.rowHeight;
	}
}
