// waiting.ts - nodes that report but are not in the inventory, and their approval.
import { change } from "./actions";
import { byId, el } from "./dom";
import { duration } from "./format";
import { roleText, t } from "./texts";

interface Waiting {
	name: string;
	address: string;
	seen: number;
	connections: number;
}

const EVERY_MS = 3000;
const ROLES = ["edge", "origin", "relay", "recorder"];

function field(title: string, input: HTMLInputElement | HTMLSelectElement): HTMLElement {
	return el("label", {}, `${title} `, input);
}

function form(node: Waiting, done: () => void): HTMLElement {
	const role = el("select", {}, ...ROLES.map((r) => el("option", { value: r }, roleText(r))));
	const at = el("input", { placeholder: "22.3, 114.2", required: "", inputmode: "text",
		pattern: "\\s*-?\\d+(\\.\\d+)?\\s*,\\s*-?\\d+(\\.\\d+)?\\s*", title: t.waiting.atTitle });
	const address = el("input", { value: node.address, required: "" });
	const capacity = el("input", { type: "number", min: "1", value: "1000", required: "" });
	const site = el("input", {}), provider = el("input", {});
	const api = el("input", { placeholder: `http://${t.waiting.address}:1985` });
	const rtmp = el("input", { placeholder: `${t.waiting.address}:1935` });
	const flv = el("input", { placeholder: "off" });
	const optional = { site, provider, api, rtmp, flv };
	const all = el("form", { "aria-label": t.waiting.approveNode(node.name) }, field(t.node.role, role), field(t.waiting.at, at),
		field(t.node.addresses, address), field(t.waiting.capacity, capacity), field(t.node.site, site), field(t.node.provider, provider),
		field("API", api), field("RTMP", rtmp), field("FLV", flv), el("button", {}, t.waiting.approve));
	all.onsubmit = async (event) => {
		event.preventDefault();
		const body: Record<string, unknown> = { role: role.value, at: at.value.split(",").map(Number),
			address: address.value.split(/[\s,]+/).filter(Boolean), capacity: Number(capacity.value) };
		for (const [key, input] of Object.entries(optional))
			if (input.value.trim()) body[key] = input.value.trim();
		if (await change(node.name, "approve", body)) done();
	};
	return all;
}

export class WaitingList {
	private section = byId("waiting");
	private list = byId("waiting-list");
	private items = new Map<string, { item: HTMLElement; text: HTMLElement }>();

	constructor() {
		void this.refresh();
	}

	private async refresh(): Promise<void> {
		try {
			const answer = await fetch("api/v1/waiting");
			if (answer.ok) this.draw(await answer.json() as Waiting[]);
		} catch {
			// The stream says that the connection is lost.
		}
		setTimeout(() => void this.refresh(), EVERY_MS);
	}

	/** What is being filled in stays. */
	private draw(waiting: Waiting[]): void {
		const names = new Set(waiting.map((w) => w.name));
		for (const [name, { item }] of this.items) {
			if (names.has(name)) continue;
			item.remove();
			this.items.delete(name);
		}
		for (const node of waiting) {
			if (!this.items.has(node.name)) this.add(node);
			this.items.get(node.name)!.text.textContent =
				t.waiting.says(node.name, node.address, duration(node.seen), node.connections);
		}
		this.section.hidden = waiting.length === 0;
	}

	private add(node: Waiting): void {
		const text = el("summary");
		const item = el("li", {}, el("details", {}, text, form(node, () => {
			item.remove();
			this.items.delete(node.name);
			this.section.hidden = this.items.size === 0;
		})));
		this.items.set(node.name, { item, text });
		this.list.append(item);
	}
}
