// layout.ts - where marks stand: nodes that would cover each other are a group. A small
// group is spread side by side around its place, a large one is one mark with a number.
import { Node } from "./model";

export const RADIUS = 7;		// of a mark, in pixels
const NEAR = 2 * RADIUS;		// closer ones cover each other
const SPREAD_MOST = 12;
const STEP = 1.25 * RADIUS;
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

export interface Point { x: number; y: number }
export interface Placed { node: Node; at: Point }
export interface Group { at: Point; members: Placed[]; spread: boolean }

/** The cells around a point's own, of a grid as wide as what is near. */
function* around(p: Point): Generator<string> {
	const x = Math.floor(p.x / NEAR), y = Math.floor(p.y / NEAR);
	for (let i = -1; i <= 1; i++) for (let k = -1; k <= 1; k++) yield `${x + i},${y + k}`;
}

function groupOf(grid: Map<string, Group[]>, p: Point): Group {
	for (const cell of around(p))
		for (const group of grid.get(cell) ?? [])
			if (Math.hypot(group.at.x - p.x, group.at.y - p.y) < NEAR) return group;
	const group: Group = { at: p, members: [], spread: true };
	const own = `${Math.floor(p.x / NEAR)},${Math.floor(p.y / NEAR)}`;
	grid.set(own, [...grid.get(own) ?? [], group]);
	return group;
}

/** Side by side: a sunflower's seeds, the first in the middle. */
function spread(group: Group): void {
	group.members.forEach((member, i) => {
		const r = group.members.length === 1 ? 0 : STEP * Math.sqrt(i + 0.5) * 1.25, a = i * GOLDEN;
		member.at = { x: group.at.x + r * Math.cos(a), y: group.at.y + r * Math.sin(a) };
	});
}

export function groups(nodes: Iterable<Node>, project: (node: Node) => Point | null): Group[] {
	const grid = new Map<string, Group[]>();
	for (const node of nodes) {
		const at = project(node);
		if (at) groupOf(grid, at).members.push({ node, at });
	}
	const all = [...grid.values()].flat();
	for (const group of all) {
		group.spread = group.members.length <= SPREAD_MOST;
		if (group.spread) spread(group);
	}
	return all;
}
