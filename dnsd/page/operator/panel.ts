// panel.ts - one node in full, or the nodes of a group to choose from.
import { change } from "./actions";
import { drawHistory } from "./chart";
import { Detail } from "./detail";
import { byId, el, setText } from "./dom";
import { age, bandwidth, percent, rate } from "./format";
import { Model, Node } from "./model";
import { SIGNS } from "./shapes";
import { MoveBox } from "./move";
import { spanButtons } from "./spans";
import { roleText, t, whyText } from "./texts";

const FACTS: [string, (node: Node, model: Model) => string][] = [
	[t.node.state, (n) => `${SIGNS[n.state]} ${t.states[n.state]}`],
	[t.node.why, (n) => whyText(n.why) || "—"],
	[t.node.load, (n) => percent(n.utilisation)],
	[t.node.connections, (n) => t.node.of(n.connections, n.capacity)],
	[t.node.inFlight, (n) => n.reserved.toFixed(1)],
	[t.node.bandwidth, (n) => bandwidth(n.bandwidth_kbps)],
	[t.node.cpu, (n) => `${n.cpu_percent} %`],
	[t.node.sampleAge, (n, m) => age(m.sampleAge(n))],
	[t.node.answers, (n) => t.node.answered(n.answers, rate(n.rate))],
	[t.node.role, (n) => roleText(n.role)],
	[t.node.site, (n) => n.site ?? "—"],
	[t.node.provider, (n) => n.provider ?? "—"],
	[t.node.addresses, (n) => n.addresses.join(" ")],
	[t.node.place, (n) => n.at ? n.at.join(", ") : "—"],
];

const DAY_H = 24;

export class Panel {
	private root = byId("panel");
	private name: string | null = null;
	private group: string[] = [];
	private values: HTMLElement[] = [];
	private drain = el("button", { type: "button" });
	private from: Element | null = null;
	private move = new MoveBox(() => this.detail.again());
	private detail: Detail = new Detail((move) => this.move.take(move));

	constructor(private model: Model) {
		document.addEventListener("keydown", (event) => {
			if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.close();
		});
		this.drain.onclick = () => {
			const node = this.name && this.model.nodes.get(this.name);
			if (node) void change(node.name, node.state === "drained" ? "undrain" : "drain");
		};
	}

	private frame(title: string, ...children: HTMLElement[]): void {
		const close = el("button", { type: "button", class: "close", "aria-label": t.panel.close }, "×");
		close.onclick = () => this.close();
		if (this.root.hidden) this.from = document.activeElement;
		this.root.replaceChildren(el("div", { class: "title" }, el("h2", {}, title), close), ...children);
		this.root.hidden = false;
		this.root.focus({ preventScroll: true });
		this.root.scrollIntoView({ block: "nearest" });
	}

	close(): void {
		if (this.root.hidden) return;
		this.root.hidden = true;
		this.detail.hide();
		this.name = null;
		this.group = [];
		if (this.from instanceof HTMLElement || this.from instanceof SVGElement) this.from.focus();
	}

	show = (name: string): void => {
		if (!this.model.nodes.has(name)) return;
		this.name = name;
		this.group = [];
		const facts = el("dl"), chart = el("div", { class: "chart" });
		this.values = FACTS.map(([title]) => {
			const value = el("dd");
			facts.append(el("div", {}, el("dt", {}, title), value));
			return value;
		});
		const actions = el("p", { class: "actions" }, this.drain, this.remove(name));
		this.move.show(name);
		this.frame(name, actions, this.move.root, facts, this.detail.root, spanButtons(DAY_H, (hours) => void drawHistory(chart, name, hours)), chart);
		void drawHistory(chart, name, DAY_H);
		this.detail.show(name);
		this.update();
	};

	private remove(name: string): HTMLElement {
		const button = el("button", { type: "button" }, t.panel.remove);
		button.onclick = () => {
			if (confirm(t.panel.confirm(name))) void change(name, "remove");
		};
		return button;
	}

	/** The nodes of a group, in place of one. */
	choose = (names: string[]): void => {
		this.detail.hide();
		this.name = null;
		this.group = names;
		const list = el("ul", { class: "choose" });
		this.frame(t.panel.nodes(names.length), list);
		this.updateGroup(list);
	};

	private updateGroup(list: Element): void {
		const nodes = this.group.map((name) => this.model.nodes.get(name)).filter((n): n is Node => !!n);
		while (list.children.length > nodes.length) list.lastElementChild!.remove();
		nodes.forEach((node, i) => {
			let button = list.children[i]?.firstElementChild as HTMLButtonElement | undefined;
			if (!button) {
				button = el("button", { type: "button" });
				list.append(el("li", {}, button));
			}
			button.onclick = () => this.show(node.name);
			button.className = node.state;
			setText(button, `${SIGNS[node.state]} ${node.name} ${percent(node.utilisation)}`);
		});
	}

	update(): void {
		const list = this.root.querySelector(".choose");
		if (list && this.group.length) this.updateGroup(list);
		const node = this.name === null ? undefined : this.model.nodes.get(this.name);
		if (!node) {
			if (this.name !== null) this.close();
			return;
		}
		FACTS.forEach(([, text], i) => setText(this.values[i], text(node, this.model)));
		this.move.update(node.state);
		this.root.dataset.node = node.name;
		this.root.dataset.state = node.state;
		setText(this.drain, node.state === "drained" ? t.table.undrain : t.table.drain);
	}
}
