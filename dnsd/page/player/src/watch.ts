// Watches whether the picture moves. Pure: the caller gives the time and what the
// video element says.

/** Still for so long: a stall that viewers see. */
const STALL_MS = 1000;
/** Played for so long: the line is well. */
const STEADY_MS = 10000;
/** No look for so long: the page or the machine slept, nothing is known. */
const ASLEEP_MS = 2500;

export interface Look {
	time_s: number;		// currentTime
	paused: boolean;	// by the viewer, or not allowed to start
}

/** playing: the first picture, or it moves again. stalled: it stands still. steady:
 * well for a while. dead: stood still for too long; late: no picture ever came. */
export type News = "playing" | "stalled" | "steady" | "dead" | "late" | null;

export class Watch {
	private moved_ms: number;
	private looked_ms: number;
	private since_ms = 0;	// it moves
	private time_s: number | null = null;
	private state: "starting" | "playing" | "steady" | "stalled" = "starting";

	constructor(now_ms: number, private stall_s: number, private startup_s: number) {
		this.moved_ms = this.looked_ms = now_ms;
	}

	look(now_ms: number, look: Look): News {
		const slept = now_ms - this.looked_ms > ASLEEP_MS;
		const moved = this.time_s !== null && look.time_s !== this.time_s;
		this.looked_ms = now_ms;
		this.time_s = look.time_s;
		if (moved && !look.paused) return this.moves(now_ms);
		if (look.paused || slept) {
			this.moved_ms = now_ms;
			return null;
		}
		return this.still(now_ms - this.moved_ms);
	}

	private moves(now_ms: number): News {
		this.moved_ms = now_ms;
		if (this.state === "starting" || this.state === "stalled") {
			this.since_ms = now_ms;
			this.state = "playing";
			return "playing";
		}
		if (this.state === "playing" && now_ms - this.since_ms >= STEADY_MS) {
			this.state = "steady";
			return "steady";
		}
		return null;
	}

	private still(for_ms: number): News {
		if (this.state === "starting")
			return for_ms >= 1000 * this.startup_s ? "late" : null;
		if (for_ms >= 1000 * this.stall_s) return "dead";
		if (for_ms < STALL_MS || this.state === "stalled") return null;
		this.state = "stalled";
		return "stalled";
	}
}

/** Where to jump to when the buffer [.., end_s] is too far ahead of what is shown;
 * null: near enough. */
export function liveJump(time_s: number, end_s: number, latency_s: number): number | null {
	return end_s - time_s > latency_s ? end_s - Math.min(1, latency_s / 2) : null;
}
