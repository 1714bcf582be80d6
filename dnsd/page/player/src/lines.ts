// The lines of a class: asked of the name server, or made from the name while it
// does not answer.
import type { Format, Settings } from "./options.js";

export interface Line {
	line: number;
	host: string;
	/** The node that the name server sends this viewer to; null: not known. */
	node: string | null;
	addresses: string[];
	urls: { [format in Format]?: string | null };
}

const PATIENCE_MS = 2000;
/** How long an API that did not answer is left alone. */
const SILENCE_MS = 30000;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export function hostOf(name: string, line: number): string {
	return line === 1 ? name : `line${line}.${name}`;
}

export function fallback(name: string, lines: number): Line[] {
	return Array.from({ length: lines }, (_, i) => ({
		line: i + 1, host: hostOf(name, i + 1), node: null, addresses: [], urls: {},
	}));
}

/** The lines of an API answer; null if it is none. */
export function parse(answer: any): { lines: Line[], ttl_s: number } | null {
	if (!Array.isArray(answer?.lines)) return null;
	const lines = answer.lines.filter((l: any) =>
		Number.isInteger(l?.line) && typeof l.host === "string");
	if (!lines.length || lines.length !== answer.lines.length) return null;
	return {
		ttl_s: Number(answer.ttl) || 0,
		lines: lines.map((l: any): Line => ({
			line: l.line, host: l.host,
			node: typeof l.node === "string" ? l.node : null,
			addresses: Array.isArray(l.addresses) ? l.addresses.map(String) : [],
			urls: l.urls ?? {},
		})),
	};
}

/** Where to play a line from. */
export function urlOf(line: Line, format: Format, settings: Settings): string {
	if (settings.url) return settings.url(line, format);
	const path = `${settings.stream}.${format === "hls" ? "m3u8" : "flv"}`;
	const url = line.urls[format] ?? `http://${line.host}:${settings.port}/${path}`;
	const address = line.addresses[0];
	if (settings.by === "host" || !address) return url;
	const there = new URL(url);
	there.hostname = address.includes(":") ? `[${address}]` : address;
	return there.href;
}

export class Lines {
	private known: Line[];
	private until_ms = -Infinity;	// the answer holds
	private silent_ms = -Infinity;	// no question before
	private asking: Promise<void> | null = null;

	constructor(private settings: Settings,
		private now: () => number = () => performance.now(),
		private ask: Fetch = (url, init) => fetch(url, init)) {
		this.known = fallback(settings.name, settings.lines);
	}

	/** What is known now. */
	get all(): Line[] {
		return this.known;
	}

	/** A line; the API is asked when its answer is too old, or anyhow (fresh: the
	 * answer was wrong). Never fails, and takes two seconds at most. */
	async get(number: number, fresh = false): Promise<Line> {
		if (this.settings.api && this.now() >= this.silent_ms &&
			(fresh || this.now() >= this.until_ms)) {
			this.asking ??= this.refresh().finally(() => { this.asking = null; });
			await this.asking;
		}
		return this.known.find((l) => l.line === number) ?? this.known[0];
	}

	private async refresh(): Promise<void> {
		const answer = await this.fetchLines().catch(() => null);
		if (answer) {
			this.known = answer.lines;
			this.until_ms = this.now() + 1000 * answer.ttl_s;
			return;
		}
		this.silent_ms = this.now() + SILENCE_MS;
		// DNS goes on deciding; the node that plays is not known any more.
		if (this.settings.by === "host")
			this.known = this.known.map((l) => ({ ...l, node: null }));
	}

	private async fetchLines() {
		const { api, name, stream, client } = this.settings;
		const query = new URLSearchParams({ name, stream });
		if (client) query.set("client", client);
		const stop = new AbortController();
		const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
		try {
			const response = await this.ask(`${api}api/v1/lines?${query}`,
				{ signal: stop.signal, cache: "no-store" });
			return response.ok ? parse(await response.json()) : null;
		} finally {
			clearTimeout(timer);
		}
	}
}
