// model.ts - what the server has sent: nodes, status, flows. Fed by stream.ts, read by
// all that draws.

import type { Path } from "./path";

export const STATES = ["up", "unknown", "down", "drained"] as const;
export type State = typeof STATES[number];
export type Place = [latitude: number, longitude: number];

export interface Node {
	name: string;
	state: State;
	why: string;
	connections: number;
	bandwidth_kbps: number;
	cpu_percent: number;
	utilisation: number;
	capacity: number;
	reserved: number;
	sampled_ms: number;	// by the server's clock; -1: never
	answers: number;
	role: string;
	site: string | null;
	provider: string | null;
	at: Place | null;
	addresses: string[];
	rate: number;		// answers per second, smoothed here
}

/** A key of the registry and what is to be said of it. */
export interface Line {
	key: string;
	text: string;
	age_s?: number;
}

export interface Peer {
	name: string;
	fresh: boolean;
	age_s: number | null;	// null: nothing has come yet
	up: number;
	unknown: number;
	down: number;
	network_suspect: boolean;
}

/** This name server among the others. */
export interface Servers {
	as: string;
	connected: boolean;
	since_s: number;
	why: string;
	revision: number;
	registry: string;
	in_force: boolean;
	pending_count: number;
	pending: Line[];
	refused: Line[];
	conflicts: Line[];
	peers: Peer[];
}

/** A zone whose signatures are late, or whose keys cannot be read. */
export interface Signing {
	zone: string;
	expires: number | null;	// seconds; below 0: they have
	late: boolean;
	keys_error: string | null;
}

export interface Status {
	version: string;
	uptime: number;
	queries: number;
	responses: number;
	last_reload: { ok: boolean; error: string | null } | null;
	network_suspect: boolean;
	no_places: boolean;
	paths_bad: number;
	signing_bad: Signing[];
	etcd?: Servers;		// absent: this name server is alone
}

export type Flow = [from: string, at: Place | null, to: string, viewers: number];

export interface NodesEvent {
	now_ms: number;
	all: boolean;
	columns?: string[];
	nodes: unknown[][];
}

const SMOOTH_S = 4;

export class Model {
	nodes = new Map<string, Node>();
	status: Status | null = null;
	flows: Flow[] = [];
	bad: Path[] = [];	// some of status.paths_bad
	nowMs = 0;
	private columns: string[] = [];

	/** Takes an event of nodes; true: nodes came or went. */
	takeNodes(event: NodesEvent): boolean {
		const before = new Map<string, number>();
		if (event.all) return this.takeAll(event);
		for (const row of event.nodes) {
			const node = this.nodes.get(row[0] as string);
			if (!node) continue;
			before.set(node.name, node.answers);
			this.fill(node, row);
		}
		const seconds = (event.now_ms - this.nowMs) / 1000;
		this.nowMs = event.now_ms;
		if (seconds > 0) this.smooth(before, seconds);
		return false;
	}

	sampleAge(node: Node): number | null {
		return node.sampled_ms < 0 ? null : Math.max(0, this.nowMs - node.sampled_ms) / 1000;
	}

	count(state: State): number {
		let n = 0;
		for (const node of this.nodes.values()) if (node.state === state) n++;
		return n;
	}

	private takeAll(event: NodesEvent): boolean {
		const old = this.nodes;
		this.columns = event.columns ?? this.columns;
		this.nodes = new Map();
		this.nowMs = event.now_ms;
		for (const row of event.nodes) {
			const node = { rate: 0 } as Node;
			this.fill(node, row);
			node.rate = old.get(node.name)?.rate ?? 0;
			this.nodes.set(node.name, node);
		}
		return true;
	}

	private fill(node: Node, row: unknown[]): void {
		const target = node as unknown as Record<string, unknown>;
		row.forEach((value, i) => { target[this.columns[i]] = value; });
	}

	private smooth(before: Map<string, number>, seconds: number): void {
		const keep = Math.exp(-seconds / SMOOTH_S);
		for (const node of this.nodes.values()) {
			const came = node.answers - (before.get(node.name) ?? node.answers);
			node.rate = node.rate * keep + Math.max(0, came) / seconds * (1 - keep);
			if (node.rate < 0.05) node.rate = 0;
		}
	}
}
