// What is reported to the name server of the node that plays: when it is left, once a
// minute while there is something to report, and when the lines were measured. The player
// does not wait for it.
//
// A node that the player itself left is reported only when another one plays: when a
// class ends, or the viewer's network does, all lines fail, and no node is to blame.

import type { Path } from "./measure.js";

const MINUTE_MS = 60000;

export interface Report {
	name: string;
	line: number;
	node: string;
	stalls: number;
	startup_ms?: number;
	switched: boolean;
	client?: string;
	/** Of its lines, as measured. */
	paths?: Path[];
}

export type Post = (report: Report) => void;

export function poster(api: string): Post {
	return (report) => {
		fetch(`${api}api/v1/feedback`, {
			method: "POST", keepalive: true, body: JSON.stringify(report),
			headers: { "Content-Type": "application/json" },
		}).catch(() => {});
	};
}

export class Feedback {
	private line = 0;
	private node: string | null = null;
	private stalls = 0;
	private startup_ms: number | undefined;
	private reported_ms = -Infinity;
	private held: Report[] = [];
	private paths: Path[] | undefined;

	constructor(private post: Post, private name: string, private client?: string) {}

	/** Another line is opened. */
	opened(line: number, node: string | null): void {
		this.line = line;
		this.node = node;
		this.stalls = 0;
		this.startup_ms = undefined;
	}

	/** The first picture of a line. */
	started(startup_ms: number): void {
		this.startup_ms = startup_ms;
		this.held.splice(0).forEach(this.post);
	}

	/** Which node it is, better known than when it was opened. */
	learned(node: string | null): void {
		this.node = node;
	}

	stalled(): void {
		this.stalls++;
	}

	/** How far the lines are. */
	measured(paths: Path[]): void {
		this.paths = paths;
	}

	/** Called often. */
	tick(now_ms: number): void {
		const news = this.stalls > 0 || this.startup_ms !== undefined;
		const due = this.paths !== undefined ||
			(news && now_ms - this.reported_ms >= MINUTE_MS);
		if (due && this.node !== null) {
			this.post(this.report(this.node, false));
			this.reported_ms = now_ms;
		}
	}

	/** The line is left for another: by the viewer, who saw why, or by the player. */
	left(byViewer: boolean): void {
		if (this.node === null) return;
		const report = this.report(this.node, true);
		if (byViewer) this.post(report);
		else this.held.push(report);
		this.node = null;
	}

	/** All lines failed. */
	allFailed(): void {
		this.held = [];
	}

	private report(node: string, switched: boolean): Report {
		const report: Report = {
			name: this.name, line: this.line, node, stalls: this.stalls,
			startup_ms: this.startup_ms, switched, client: this.client,
		};
		if (this.paths) report.paths = this.paths;
		this.paths = undefined;
		this.stalls = 0;
		this.startup_ms = undefined;
		return report;
	}
}
