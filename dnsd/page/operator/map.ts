// map.ts - the world: land, nodes, and where answers went. It can be moved and
// magnified; marks keep their size, so that what was one group comes apart.
import { geoNaturalEarth1, geoPath, geoGraticule10, GeoPermissibleObjects } from "d3-geo";
import { feature } from "topojson-client";
import type { Topology } from "topojson-specification";
import land from "world-atlas/land-110m.json";
import { byId, el, setAttribute, svg } from "./dom";
import { Group, groups, Point, RADIUS } from "./layout";
import { GroupMark, Mark, NodeMark } from "./marks";
import { Model, Place, STATES } from "./model";
import { pathTitle } from "./path";
import { SHAPES } from "./shapes";
import { t } from "./texts";

const TALL = 0.49;		// of its width, as the projection is
const ZOOM_MOST = 60;
const FLOW_MOST = 14;		// pixels: all viewers
const SAYS_MOST = 8;		// lines of a title

interface View { k: number; x: number; y: number }

export class WorldMap {
	private root = byId<SVGSVGElement>("world");
	private projection = geoNaturalEarth1();
	private width = 0;		// pixels, so that marks are as large on a phone
	private height = 0;
	private ground = svg("g", { class: "ground" });
	private flows = svg("g", { class: "flows" });
	private bad = svg("g", { class: "badpaths" });
	private marks = svg("g", { class: "marks" });
	private client = svg("g", { class: "client" });
	private view: View = { k: 1, x: 0, y: 0 };
	private all: Mark[] = [];
	private at = new Map<string, Group>();
	private waiting = false;

	constructor(private model: Model, private show: (name: string) => void, private open: (names: string[]) => void) {
		this.root.append(this.ground, this.flows, this.bad, this.marks, this.client);
		this.legend();
		this.controls();
		this.resize();
		new ResizeObserver(() => this.resize()).observe(this.root);
	}

	private resize(): void {
		const width = Math.round(this.root.clientWidth) || 320;
		if (width === this.width) return;
		const f = this.width ? width / this.width : 1;
		this.width = width;
		this.height = Math.round(width * TALL);
		this.root.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
		this.projection.fitExtent([[2, 2], [this.width - 2, this.height - 2]], { type: "Sphere" });
		this.drawGround();
		this.look({ k: this.view.k, x: this.view.x * f, y: this.view.y * f });
	}

	// -- what does not change --

	private drawGround(): void {
		const path = geoPath(this.projection);
		const world = land as unknown as Topology;
		const shapes: [string, GeoPermissibleObjects][] = [["sea", { type: "Sphere" }],
			["grid", geoGraticule10()], ["land", feature(world, world.objects.land)]];
		this.ground.replaceChildren();
		for (const [name, shape] of shapes)
			this.ground.append(svg("path", { class: name, d: path(shape) ?? "", "vector-effect": "non-scaling-stroke" }));
	}

	private legend(): void {
		for (const state of STATES) {
			const mark = svg("svg", { viewBox: "-1.6 -1.6 3.2 3.2", class: `mark ${state}`, "aria-hidden": "true" },
				svg("path", { class: "outline", d: SHAPES[state] }),
				svg("path", { class: "fill", d: SHAPES[state], transform: "scale(.6)" }));
			byId("legend").append(el("li", {}, mark, t.states[state]));
		}
		byId("legend").append(el("li", {}, t.map.legend));
	}

	// -- moving and magnifying --

	private controls(): void {
		const middle = (): Point => ({ x: this.width / 2, y: this.height / 2 });
		byId("zoom-in").onclick = () => this.zoom(1.7, middle());
		byId("zoom-out").onclick = () => this.zoom(1 / 1.7, middle());
		byId("zoom-world").onclick = () => this.look({ k: 1, x: 0, y: 0 });
		byId("zoom-nodes").onclick = () => this.lookAtNodes();
		this.root.addEventListener("wheel", (event) => {
			if (!event.ctrlKey && !event.metaKey && !event.altKey) return;	// the page scrolls
			event.preventDefault();
			this.zoom(Math.exp(-event.deltaY / 300), this.pointer(event));
		}, { passive: false });
		this.dragging();
	}

	/** One finger or the mouse moves a map that is magnified, two fingers magnify. */
	private dragging(): void {
		const fingers = new Map<number, Point>();
		let far = 0;
		const apart = (): number => {
			const [a, b] = [...fingers.values()];
			return Math.hypot(a.x - b.x, a.y - b.y);
		};
		this.root.addEventListener("pointerdown", (event) => {
			fingers.set(event.pointerId, this.pointer(event));
			far = fingers.size === 2 ? apart() : 0;
		});
		this.root.addEventListener("pointermove", (event) => {
			const before = fingers.get(event.pointerId), now = this.pointer(event);
			if (!before) return;
			fingers.set(event.pointerId, now);
			if (fingers.size === 2 && far > 0) {
				this.zoom(apart() / far, now);
				far = apart();
			} else if (this.view.k > 1) {
				this.look({ ...this.view, x: this.view.x + now.x - before.x, y: this.view.y + now.y - before.y });
			}
		});
		for (const end of ["pointerup", "pointercancel", "pointerleave"] as const)
			this.root.addEventListener(end, (event) => fingers.delete((event as PointerEvent).pointerId));
	}

	private pointer(event: MouseEvent): Point {
		const box = this.root.getBoundingClientRect();
		return { x: (event.clientX - box.left) / box.width * this.width, y: (event.clientY - box.top) / box.height * this.height };
	}

	private zoom(by: number, at: Point): void {
		const k = Math.max(1, Math.min(ZOOM_MOST, this.view.k * by)), f = k / this.view.k;
		this.look({ k, x: at.x - (at.x - this.view.x) * f, y: at.y - (at.y - this.view.y) * f });
	}

	private look(view: View): void {
		const keep = (v: number, size: number): number => Math.min(0, Math.max(size - size * view.k, v));
		this.view = { k: view.k, x: keep(view.x, this.width), y: keep(view.y, this.height) };
		setAttribute(this.root, "class", this.view.k > 1 ? "moved" : "");
		if (this.waiting) return;
		this.waiting = true;
		requestAnimationFrame(() => {
			this.waiting = false;
			this.layout();
		});
	}

	private lookAtNodes(): void {
		const points = [...this.model.nodes.values()].map((n) => n.at && this.projection([n.at[1], n.at[0]]))
			.filter((p): p is [number, number] => !!p);
		if (!points.length) return;
		const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
		const [left, right] = [Math.min(...xs), Math.max(...xs)], [top, bottom] = [Math.min(...ys), Math.max(...ys)];
		const k = Math.max(1, Math.min(ZOOM_MOST / 2, this.width * 0.8 / (right - left + 1), this.height * 0.8 / (bottom - top + 1)));
		this.look({ k, x: this.width / 2 - k * (left + right) / 2, y: this.height / 2 - k * (top + bottom) / 2 });
	}

	private project(at: Place | null): Point | null {
		const p = at && this.projection([at[1], at[0]]);
		return p ? { x: p[0] * this.view.k + this.view.x, y: p[1] * this.view.k + this.view.y } : null;
	}

	// -- nodes --

	/** Nodes came, went or moved, or the view did. */
	layout(): void {
		const focused = document.activeElement?.getAttribute("data-node");
		this.ground.setAttribute("transform", `translate(${this.view.x},${this.view.y}) scale(${this.view.k})`);
		this.all = [];
		this.at.clear();
		for (const group of groups(this.model.nodes.values(), (n) => this.project(n.at))) {
			for (const member of group.members) {
				this.at.set(member.node.name, group);
				if (group.spread) this.all.push(new NodeMark(member.node, member.at, this.show));
			}
			if (!group.spread) this.all.push(new GroupMark(group, this.open));
		}
		this.marks.replaceChildren(...this.all.map((mark) => mark.g));
		if (focused) this.marks.querySelector<SVGGElement>(`[data-node="${CSS.escape(focused)}"]`)?.focus();
		this.client.replaceChildren();
		this.drawFlows();
		this.drawBadPaths();
	}

	update(): void {
		for (const mark of this.all) mark.update();
	}

	// -- flows --

	/** Flows between the same two groups are one. */
	private sums(): [Point, Group, number][] {
		const sums = new Map<string, [Point, Group, number]>();
		for (const [from, place, to, viewers] of this.model.flows) {
			const source = this.at.get(from), target = this.at.get(to), start = source?.at ?? this.project(place);
			if (!start || !target) continue;
			const key = `${start.x},${start.y} ${target.at.x},${target.at.y}`;
			const sum = sums.get(key) ?? [start, target, 0];
			sum[2] += viewers;
			sums.set(key, sum);
		}
		return [...sums.values()];
	}

	drawFlows(): void {
		const sums = this.sums(), total = sums.reduce((n, s) => n + s[2], 0);
		this.flows.replaceChildren(...sums.map(([from, to, viewers]) => {
			const width = Math.max(1.5, FLOW_MOST * viewers / total);
			const share = t.map.viewers(viewers.toFixed(1), `${(100 * viewers / total).toFixed(1)} %`);
			return from.x === to.at.x && from.y === to.at.y ? ring(to, width, share) : arc(from, to.at, width, share);
		}));
	}

	// -- bad paths --

	/** Those between the same two points of the screen are one line. */
	drawBadPaths(): void {
		const lines = new Map<string, { from: Point; to: Point; says: string[] }>();
		for (const path of this.model.bad) {
			const group = this.at.get(path.node), from = this.project(path.area.at);
			if (!group || !from) continue;
			const own = group.members.find((m) => m.node.name === path.node);
			const to = group.spread && own ? own.at : group.at;
			const key = `${text(from)} ${text(to)}`;
			const line = lines.get(key) ?? { from, to, says: [] };
			line.says.push(pathTitle(path));
			lines.set(key, line);
		}
		this.bad.replaceChildren(...[...lines.values()].map(({ from, to, says }) => {
			const title = svg("title", {}, [...says.slice(0, SAYS_MOST), ...says.length > SAYS_MOST ? [t.and_more(says.length - SAYS_MOST)] : []].join("\n"));
			return Math.hypot(from.x - to.x, from.y - to.y) < 3 * RADIUS
				? svg("circle", { class: "badpath", cx: to.x.toFixed(1), cy: to.y.toFixed(1), r: String(2.2 * RADIUS) }, title)
				: svg("path", { class: "badpath", d: curve(to, from) }, title);
		}));
	}

	// -- the client of an explanation --

	showClient(at: Place | null, pick: string): void {
		const from = this.project(at), to = this.at.get(pick)?.members.find((m) => m.node.name === pick);
		this.client.replaceChildren();
		if (!from) return;
		this.client.append(svg("circle", { cx: String(from.x), cy: String(from.y), r: "5" }, svg("title", {}, t.map.client)));
		if (to) this.client.append(svg("path", { d: curve(from, to.at) }));
	}
}

/** Bent to one side, so that there and back are two lines. */
function bend(from: Point, to: Point): Point {
	const dx = to.x - from.x, dy = to.y - from.y;
	return { x: (from.x + to.x) / 2 - dy * 0.2, y: (from.y + to.y) / 2 + dx * 0.2 };
}

const text = (p: Point): string => `${p.x.toFixed(1)},${p.y.toFixed(1)}`;

function curve(from: Point, to: Point): string {
	return `M${text(from)}Q${text(bend(from, to))} ${text(to)}`;
}

/** Wide where viewers are, narrow at the node they were sent to. */
function arc(from: Point, to: Point, width: number, title: string): SVGElement {
	const far = Math.hypot(to.x - from.x, to.y - from.y), middle = bend(from, to);
	const across = { x: -(to.y - from.y) / far, y: (to.x - from.x) / far };
	const beside = (p: Point, by: number): string => text({ x: p.x + across.x * by, y: p.y + across.y * by });
	const d = `M${beside(from, width / 2)}Q${beside(middle, width / 4)} ${beside(to, 0.7)}`
		+ `L${beside(to, -0.7)}Q${beside(middle, -width / 4)} ${beside(from, -width / 2)}Z`;
	return svg("path", { class: "flow", d }, svg("title", {}, title));
}

/** Viewers that stay in their own area. */
function ring(group: Group, width: number, title: string): SVGElement {
	const far = group.members.map((m) => Math.hypot(m.at.x - group.at.x, m.at.y - group.at.y));
	const r = (group.spread ? Math.max(...far) + 9 : 16) + width / 2;
	return svg("circle", { class: "flow", cx: group.at.x.toFixed(1), cy: group.at.y.toFixed(1),
		r: r.toFixed(1), "stroke-width": width.toFixed(1) }, svg("title", {}, title));
}
