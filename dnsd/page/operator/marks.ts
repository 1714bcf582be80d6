// marks.ts - a node's mark on the map, and the mark of a group that is too large to
// spread. Only what has changed is written.
import { setAttribute, setText, svg } from "./dom";
import { percent } from "./format";
import { Group, Placed, RADIUS } from "./layout";
import { Node, State, STATES } from "./model";
import { CROSS, SHAPES } from "./shapes";
import { t, whyText } from "./texts";

export interface Mark {
	readonly g: SVGGElement;
	update(): void;
}

function pressable(g: SVGGElement, press: () => void): void {
	g.setAttribute("tabindex", "0");
	g.setAttribute("role", "button");
	g.addEventListener("click", press);
	g.addEventListener("keydown", (event) => {
		if (event.key !== "Enter" && event.key !== " ") return;
		event.preventDefault();
		press();
	});
}

export class NodeMark implements Mark {
	readonly g = svg("g");
	private outline = svg("path", { class: "outline" });
	private fill = svg("path", { class: "fill" });
	private cross = svg("path", { class: "cross" });
	private title = svg("title");

	constructor(private node: Node, at: Placed["at"], show: (name: string) => void) {
		this.g.append(this.outline, this.fill, this.cross, this.title);
		this.g.setAttribute("transform", `translate(${at.x.toFixed(1)},${at.y.toFixed(1)}) scale(${RADIUS})`);
		this.g.setAttribute("data-node", node.name);
		pressable(this.g, () => show(node.name));
		this.update();
	}

	update(): void {
		const { state, name, utilisation, why } = this.node;
		const share = state === "down" ? 0 : Math.sqrt(Math.min(1, utilisation));
		const says = [name, t.states[state], percent(utilisation), ...why ? [whyText(why)] : []].join(t.path.comma);
		setAttribute(this.g, "class", `mark ${state}`);
		setAttribute(this.outline, "d", SHAPES[state]);
		setAttribute(this.fill, "d", SHAPES[state]);
		setAttribute(this.fill, "transform", `scale(${share.toFixed(2)})`);
		setAttribute(this.cross, "d", state === "down" ? CROSS : "");
		setAttribute(this.g, "aria-label", says);
		setText(this.title, says);
	}
}

/** A ring whose parts are the states of its nodes, and their number. */
export class GroupMark implements Mark {
	readonly g = svg("g", { class: "mark group" });
	private parts = new Map<State, SVGPathElement>();
	private title = svg("title");
	private fill = svg("circle", { class: "fill" });

	constructor(private group: Group, open: (names: string[]) => void) {
		const r = 2 * RADIUS;
		this.g.append(svg("circle", { class: "ground", r: String(r) }), this.fill);
		for (const state of STATES) {
			const part = svg("path", { class: `part ${state}` });
			this.parts.set(state, part);
			this.g.append(part);
		}
		this.g.append(svg("text", { "text-anchor": "middle", dy: "0.35em" }, String(group.members.length)), this.title);
		this.g.setAttribute("transform", `translate(${group.at.x.toFixed(1)},${group.at.y.toFixed(1)})`);
		pressable(this.g, () => open(group.members.map((m) => m.node.name)));
		this.update();
	}

	update(): void {
		const r = 2 * RADIUS, all = this.group.members.length;
		let from = 0, used = 0;
		const says: string[] = [];
		for (const state of STATES) {
			const n = this.group.members.filter((m) => m.node.state === state).length;
			if (n) says.push(`${n} ${t.states[state]}`);
			setAttribute(this.parts.get(state)!, "d", n ? arc(r, from / all, (from + n) / all) : "");
			from += n;
		}
		for (const { node } of this.group.members) used += Math.min(1, node.utilisation);
		setAttribute(this.fill, "r", (r * Math.sqrt(used / all)).toFixed(1));
		const text = t.map.group(all, says.join(t.path.comma), percent(used / all));
		setAttribute(this.g, "aria-label", text);
		setText(this.title, text);
	}
}

/** A part of a circle, shares of a turn. A whole turn needs two halves. */
function arc(r: number, from: number, to: number): string {
	if (to - from > 0.999) return `${arc(r, from, from + 0.5)}${arc(r, from + 0.5, from + 0.998)}`;
	const at = (turn: number): string => {
		const a = 2 * Math.PI * turn - Math.PI / 2;
		return `${(r * Math.cos(a)).toFixed(2)},${(r * Math.sin(a)).toFixed(2)}`;
	};
	return `M${at(from)}A${r},${r} 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}`;
}
