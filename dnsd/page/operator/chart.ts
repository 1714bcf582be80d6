// chart.ts - the load of a node over time, from the server's store.
import uPlot from "uplot";
import { el } from "./dom";
import { bandwidth, percent } from "./format";

interface History {
	step_s: number;
	points: [at: number, connections: number, utilisation: number, kbps: number][];
	error?: string;
}

/** Where points are missing the line breaks: no data are no zeroes. */
function columns(history: History): uPlot.AlignedData {
	const at: number[] = [], data: (number | null)[][] = [[], [], []];
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

function options(width: number, time: [number, number], color: (name: string) => string): uPlot.Options {
	const axis = { stroke: color("--ink"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 } };
	const points = { show: false };
	return {
		width, height: 220,
		scales: { x: { time: true, range: () => time }, load: { range: (_u, _min, max) => [0, Math.max(1, max || 0)] },
			n: { range: (_u, _min, max) => [0, Math.max(1, (max || 0) * 1.1)] }, bits: { range: (_u, _min, max) => [0, max || 1] } },
		axes: [axis, { ...axis, scale: "load", values: (_u, v) => v.map((x) => percent(x)) },
			{ ...axis, scale: "n", side: 1, grid: { show: false } }],
		series: [{},
			{ label: "Connections", scale: "n", stroke: color("--up"), width: 1.5, dash: [6, 3], points },
			{ label: "Load", scale: "load", stroke: color("--hot"), width: 2, points,
				value: (_u, v) => v === null ? "" : percent(v) },
			{ label: "Bandwidth", scale: "bits", stroke: color("--drained"), width: 1, points,
				value: (_u, v) => v === null ? "" : bandwidth(v) }],
	};
}

/** Draws into `at`, which says how many points there are. */
export async function drawHistory(at: HTMLElement, node: string, hours: number): Promise<void> {
	let history: History;
	try {
		history = await (await fetch(`api/v1/history?node=${encodeURIComponent(node)}&hours=${hours}`)).json() as History;
	} catch {
		history = { step_s: 60, points: [], error: "no connection to dnsd" };
	}
	if (at.dataset.of !== `${node} ${hours}`) return;	// another was asked for since
	at.dataset.points = String(history.points?.length ?? 0);
	if (!(history.points?.length > 1)) {	// one makes no line
		at.replaceChildren(el("p", {}, history.error ?? "Too little is known yet: a point is written each minute at most."));
		return;
	}
	const style = getComputedStyle(document.documentElement);
	at.replaceChildren();
	new uPlot(options(at.clientWidth || 320, span(history, hours), (name) => style.getPropertyValue(name).trim()), columns(history), at);
}
