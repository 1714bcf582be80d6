// chart.ts - what was over time, from the server's store: the load of a node or of some
// together, a path.
import uPlot from "uplot";
import { el } from "./dom";
import { bandwidth, percent } from "./format";
import type { Node } from "./model";
import { t } from "./texts";

const HEIGHT = 220;

interface History {
	step_s: number;
	points: [at: number, ...values: number[]][];
	error?: string;
}

type Color = (name: string) => string;

/** What is drawn of the values of a point, and against what. */
interface Look {
	scales: uPlot.Scales;
	axes: (axis: uPlot.Axis) => uPlot.Axis[];
	series: (color: Color) => uPlot.Series[];
}

/** Where points are missing the line breaks: no data are no zeroes. */
function columns(history: History, n: number): uPlot.AlignedData {
	const at: number[] = [], data: (number | null)[][] = Array.from({ length: n }, () => []);
	for (const [t, ...values] of history.points) {
		const last = at[at.length - 1];
		if (last !== undefined && t - last > 2.5 * history.step_s) {
			at.push(last + history.step_s);
			data.forEach((d) => d.push(null));
		}
		at.push(t);
		values.forEach((v, i) => data[i].push(v));
	}
	return [at, ...data] as uPlot.AlignedData;
}

/** All of the time asked for, however little of it is known. */
function span(history: History, hours: number): [number, number] {
	const last = history.points[history.points.length - 1][0];
	const end = Math.max(Date.now() / 1000, last + history.step_s);
	return [end - hours * 3600, end];
}

/** The day where one begins, else the time of it. */
function clock(_u: uPlot, at: number[]): string[] {
	const two = (n: number): string => String(n).padStart(2, "0");
	return at.map((s) => {
		const d = new Date(1000 * s), time = `${two(d.getHours())}:${two(d.getMinutes())}`;
		return time === "00:00" ? `${d.getMonth() + 1}/${d.getDate()}` : time;
	});
}

function options(look: Look, width: number, time: [number, number], color: Color): uPlot.Options {
	const axis = { stroke: color("--ink"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
	return {
		width, height: HEIGHT,
		scales: { x: { time: true, range: () => time }, ...look.scales },
		axes: [{ ...axis, values: clock }, ...look.axes(axis)],
		series: [{ label: t.chart.time, value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...look.series(color).map((s) => ({ points: { show: false }, ...s }))],
	};
}

async function ask(query: string): Promise<History> {
	try {
		return await (await fetch(query)).json() as History;
	} catch {
		return { step_s: 60, points: [], error: t.noConnection };
	}
}

/** A chart is as wide as its box, also when the window changes. */
function follow(at: HTMLElement, chart: uPlot): void {
	const observer = new ResizeObserver(() => {
		if (!chart.root.isConnected) observer.disconnect();
		else if (at.clientWidth) chart.setSize({ width: at.clientWidth, height: HEIGHT });
	});
	observer.observe(at);
}

/** Draws into `at`, which says how many points there are, what `get` brings; null:
 * another was asked for meanwhile. */
async function draw(at: HTMLElement, of: string, get: () => Promise<History>, hours: number, look: Look): Promise<History | null> {
	at.dataset.of = of;
	const history = await get();
	if (at.dataset.of !== of) return null;
	at.dataset.points = String(history.points?.length ?? 0);
	if (!(history.points?.length > 1)) {	// one makes no line
		const step = history.step_s > 60 ? t.chart.minutes(history.step_s / 60) : t.chart.minute;
		at.replaceChildren(el("p", {}, history.error ?? t.chart.tooLittle(step)));
		return history;
	}
	const style = getComputedStyle(document.documentElement);
	const color: Color = (name) => style.getPropertyValue(name).trim();
	const data = columns(history, look.series(color).length);
	at.replaceChildren();
	follow(at, new uPlot(options(look, at.clientWidth || 320, span(history, hours), color), data, at));
	return history;
}

const LOAD: Look = {
	scales: {
		load: { range: (_u, _min, max) => [0, Math.max(1, max || 0)] },
		n: { range: (_u, _min, max) => [0, Math.max(1, (max || 0) * 1.1)] },
		bits: { range: (_u, _min, max) => [0, max || 1] },
	},
	axes: (axis) => [{ ...axis, scale: "load", values: (_u, v) => v.map((x) => percent(x)) },
		{ ...axis, scale: "n", side: 1, grid: { show: false } }],
	series: (color) => [
		{ label: t.chart.connections, scale: "n", stroke: color("--up"), width: 1.5, dash: [6, 3] },
		{ label: t.chart.load, scale: "load", stroke: color("--hot"), width: 2, value: (_u, v) => v === null ? "" : percent(v) },
		{ label: t.chart.bandwidth, scale: "bits", stroke: color("--drained"), width: 1, value: (_u, v) => v === null ? "" : bandwidth(v) }],
};

const tenths = (share: number): string => `${(share * 100).toFixed(1)} %`;

// Loss up to LOSS_TOP has the same scale, so that a little does not look like much.
const LOSS_TOP = 0.05;
const PATH: Look = {
	scales: {
		ms: { range: (_u, _min, max) => [0, Math.max(10, (max || 0) * 1.1)] },
		loss: { range: (_u, _min, max) => [0, Math.max(LOSS_TOP, max || 0)] },
	},
	axes: (axis) => [{ ...axis, scale: "ms", values: (_u, v) => v.map((x) => `${x} ms`), size: 60 },
		{ ...axis, scale: "loss", side: 1, grid: { show: false }, values: (_u, v) => v.map((x) => percent(x)) }],
	series: (color) => [
		{ label: t.chart.roundTrip, scale: "ms", stroke: color("--path"), width: 2, value: (_u, v) => v === null ? "" : `${v.toFixed(0)} ms` },
		{ label: t.chart.loss, scale: "loss", stroke: color("--down"), width: 1.5, dash: [6, 3], value: (_u, v) => v === null ? "" : tenths(v) }],
};

const loadOf = (node: string, hours: number): string =>
	`api/v1/history?${new URLSearchParams({ node, hours: String(hours) })}`;

export async function drawHistory(at: HTMLElement, node: string, hours: number): Promise<void> {
	const query = loadOf(node, hours);
	await draw(at, query, () => ask(query), hours, LOAD);
}

/** Of the last day. */
export async function drawPathHistory(at: HTMLElement, node: string, area: string): Promise<void> {
	const query = `api/v1/paths/history?${new URLSearchParams({ node, area })}`;
	await draw(at, query, () => ask(query), 24, PATH);
}

const AT_ONCE = 4;

/** The histories of all nodes, a few at a time. */
async function askAll(nodes: Node[], hours: number): Promise<History[]> {
	const all: History[] = [];
	for (let i = 0; i < nodes.length; i += AT_ONCE)
		all.push(...await Promise.all(nodes.slice(i, i + AT_ONCE).map((n) => ask(loadOf(n.name, hours)))));
	return all;
}

/** As one: a node without a point is not up and has no viewers. The newest step is left
 * out: it may have been written while they were asked for, so that not all have it. */
function sum(nodes: Node[], all: History[]): History {
	const error = all.find((h) => h.error)?.error, step_s = Math.max(...all.map((h) => h.step_s ?? 60));
	const newest = Math.max(...all.map((h) => h.points?.length ? h.points[h.points.length - 1][0] : 0));
	const sums = new Map<number, { connections: number; kbps: number; used: number; capacity: number }>();
	all.forEach((history, i) => {
		for (const [at, connections, load, kbps] of history.points ?? []) {
			if (at === newest) continue;
			const to = sums.get(at) ?? { connections: 0, kbps: 0, used: 0, capacity: 0 };
			to.connections += connections;
			to.kbps += kbps;
			to.used += load * nodes[i].capacity;
			to.capacity += nodes[i].capacity;
			sums.set(at, to);
		}
	});
	const points = [...sums].sort(([a], [b]) => a - b).map(([at, s]): History["points"][number] =>
		[at, s.connections, s.capacity ? s.used / s.capacity : 0, s.kbps]);
	return { step_s, points: error ? [] : points, error };
}

/** Of these nodes together; the most connections that they had, null if there is nothing
 * to say. */
export async function drawFleetHistory(at: HTMLElement, nodes: Node[], hours: number): Promise<number | null> {
	const of = `${performance.now()} ${hours} ${nodes.map((n) => n.name).join(" ")}`;	// each time anew
	const history = await draw(at, of, async () => sum(nodes, await askAll(nodes, hours)), hours, LOAD);
	return history && !history.error ? Math.max(0, ...history.points.map((p) => p[1])) : null;
}
