// chart.ts - what was over time, from the server's store: the load of a node, a path.
import uPlot from "uplot";
import { el } from "./dom";
import { bandwidth, percent } from "./format";

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

function options(look: Look, width: number, time: [number, number], color: Color): uPlot.Options {
	const axis = { stroke: color("--ink"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
	return {
		width, height: 220,
		scales: { x: { time: true, range: () => time }, ...look.scales },
		axes: [axis, ...look.axes(axis)],
		series: [{}, ...look.series(color).map((s) => ({ points: { show: false }, ...s }))],
	};
}

/** Draws into `at`, which says how many points there are. */
async function draw(at: HTMLElement, query: string, hours: number, look: Look): Promise<void> {
	let history: History;
	at.dataset.of = query;
	try {
		history = await (await fetch(query)).json() as History;
	} catch {
		history = { step_s: 60, points: [], error: "no connection to dnsd" };
	}
	if (at.dataset.of !== query) return;	// another was asked for since
	at.dataset.points = String(history.points?.length ?? 0);
	if (!(history.points?.length > 1)) {	// one makes no line
		const step = history.step_s > 60 ? `${history.step_s / 60} minutes` : "minute";
		at.replaceChildren(el("p", {}, history.error ?? `Too little is known yet: a point is written each ${step} at most.`));
		return;
	}
	const style = getComputedStyle(document.documentElement);
	const color: Color = (name) => style.getPropertyValue(name).trim();
	const data = columns(history, look.series(color).length);
	at.replaceChildren();
	new uPlot(options(look, at.clientWidth || 320, span(history, hours), color), data, at);
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
		{ label: "Connections", scale: "n", stroke: color("--up"), width: 1.5, dash: [6, 3] },
		{ label: "Load", scale: "load", stroke: color("--hot"), width: 2, value: (_u, v) => v === null ? "" : percent(v) },
		{ label: "Bandwidth", scale: "bits", stroke: color("--drained"), width: 1, value: (_u, v) => v === null ? "" : bandwidth(v) }],
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
		{ label: "Round trip", scale: "ms", stroke: color("--path"), width: 2, value: (_u, v) => v === null ? "" : `${v.toFixed(0)} ms` },
		{ label: "Loss", scale: "loss", stroke: color("--down"), width: 1.5, dash: [6, 3], value: (_u, v) => v === null ? "" : tenths(v) }],
};

export const drawHistory = (at: HTMLElement, node: string, hours: number): Promise<void> =>
	draw(at, `api/v1/history?${new URLSearchParams({ node, hours: String(hours) })}`, hours, LOAD);

/** Of the last day. */
export const drawPathHistory = (at: HTMLElement, node: string, area: string): Promise<void> =>
	draw(at, `api/v1/paths/history?${new URLSearchParams({ node, area })}`, 24, PATH);
