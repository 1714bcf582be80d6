// panel.ts - one node in full, or the nodes of a group to choose from.
import { change } from "./actions";
import { drawHistory } from "./chart";
import { Detail } from "./detail";
import { byId, el, setText } from "./dom";
import { age, bandwidth, percent, rate } from "./format";
import { Model, Node } from "./model";
import { SIGNS } from "./shapes";

const FACTS: [string, (node: Node, model: Model) => string][] = [
	["State", (n) => `${SIGNS[n.state]} ${n.state}`],
	["Why", (n) => n.why || "—"],
	["Load", (n) => percent(n.utilisation)],
	["Connections", (n) => `${n.connections} of ${n.capacity}`],
	["In flight", (n) => n.reserved.toFixed(1)],
	["Bandwidth", (n) => bandwidth(n.bandwidth_kbps)],
	["CPU", (n) => `${n.cpu_percent} %`],
	["Sample age", (n, m) => age(m.sampleAge(n))],
	["Answers", (n) => `${n.answers}, ${rate(n.rate)}/s`],
	["Role", (n) => n.role],
	["Site", (n) => n.site ?? "—"],
	["Provider", (n) => n.provider ?? "—"],
	["Addresses", (n) => n.addresses.join(" ")],
	["Place", (n) => n.at ? n.at.join(", ") : "—"],
];

export class Panel {
	private root = byId("panel");
	private name: string | null = null;
	private group: string[] = [];
	private values: HTMLElement[] = [];
	private drain = el("button", { type: "button" });
	private from: Element | null = null;
	private detail = new Detail();

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
		const close = el("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
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
		this.frame(name, actions, facts, this.detail.root, this.spans(name, chart), chart);
		this.detail.show(name);
		this.update();
	};

	private remove(name: string): HTMLElement {
		const button = el("button", { type: "button" }, "Remove");
		button.onclick = () => {
			if (confirm(`Remove ${name}? It gets no viewers any more.`)) void change(name, "remove");
		};
		return button;
	}

	/** The buttons that choose how far back the chart goes. */
	private spans(name: string, chart: HTMLElement): HTMLElement {
		const buttons = el("p", { class: "actions", role: "group", "aria-label": "Load history" });
		const choose = (hours: number): void => {
			for (const b of buttons.children) b.setAttribute("aria-pressed", String(b.getAttribute("data-hours") === String(hours)));
			void drawHistory(chart, name, hours);
		};
		for (const [hours, title] of [[1, "Hour"], [24, "Day"], [168, "Week"]] as const) {
			const button = el("button", { type: "button", "data-hours": String(hours) }, title);
			button.onclick = () => choose(hours);
			buttons.append(button);
		}
		choose(24);
		return buttons;
	}

	/** The nodes of a group, in place of one. */
	choose = (names: string[]): void => {
		this.detail.hide();
		this.name = null;
		this.group = names;
		const list = el("ul", { class: "choose" });
		this.frame(`${names.length} nodes`, list);
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
		this.root.dataset.node = node.name;
		this.root.dataset.state = node.state;
		setText(this.drain, node.state === "drained" ? "Undrain" : "Drain");
	}
}
