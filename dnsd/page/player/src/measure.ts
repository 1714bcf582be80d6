// Measures how long a small request to each line takes, so that the name server knows the
// paths of lines that are not played. It begins two seconds after the first picture and
// repeats every five minutes, but not while the page is hidden.
import type { Line } from "./lines.js";

const FIRST_MS = 2000;
const EVERY_MS = 300000;
const PATIENCE_MS = 3000;
/** The fastest counts, but for the first. */
const REQUESTS = 4;
/** A later request that takes so much of the first one has opened a connection again: SRS
 * closes after each. Then it took two round trips, or three with TLS. */
const OPENED = 0.7;

export interface Path {
	node: string;
	rtt_ms: number;
}

export type Ask = (url: string, init: RequestInit) => Promise<unknown>;

/** Of the server that a line's URL is on; null: it does not answer. */
export async function roundTrip(url: string, ask: Ask, now: () => number): Promise<number | null> {
	const stop = new AbortController();
	const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
	let first = 0, least = Infinity;
	try {
		for (let i = 0; i < REQUESTS; i++) {
			const began = now();
			await ask(new URL("/", url).href, {
				method: "HEAD", mode: "no-cors", cache: "no-store", credentials: "omit",
				signal: stop.signal,
			});
			if (i > 0) least = Math.min(least, now() - began);
			else first = now() - began;
		}
	} catch {
		// What answered before it fell silent counts.
	} finally {
		clearTimeout(timer);
	}
	if (!(least > 0 && least < Infinity)) return null;
	const trips = least < OPENED * first ? 1 : url.startsWith("https:") ? 3 : 2;
	return Math.round(least / trips * 10) / 10;
}

export class Measure {
	private next_ms = Infinity;
	private busy = false;

	/** urls: where to play each line from now. done: what was measured. */
	constructor(private urls: () => Array<{ line: Line, url: string }>,
		private done: (paths: Path[]) => void,
		private ask: Ask = (url, init) => fetch(url, init),
		private now: () => number = () => performance.now()) {}

	/** A picture moves. */
	started(now_ms: number): void {
		if (this.next_ms === Infinity) this.next_ms = now_ms + FIRST_MS;
	}

	/** Called often. hidden: the page is not visible. */
	async tick(now_ms: number, hidden: boolean): Promise<void> {
		if (hidden || this.busy || now_ms < this.next_ms) return;
		this.busy = true;
		this.next_ms = now_ms + EVERY_MS;
		const paths: Path[] = [];
		for (const { line, url } of this.urls()) {
			if (line.node === null || paths.some((p) => p.node === line.node)) continue;
			const rtt_ms = await roundTrip(url, this.ask, this.now);
			if (rtt_ms !== null) paths.push({ node: line.node, rtt_ms });
		}
		this.busy = false;
		if (paths.length) this.done(paths);
	}
}
