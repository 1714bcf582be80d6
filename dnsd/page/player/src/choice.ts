// Which line comes next when one fails, and when. Pure: the caller gives the time.

/** A line that failed so long ago is as good as any: its name means another node. */
const FORGET_MS = 300000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;

export interface Next {
	line: number;
	wait_ms: number;
}

export class Choice {
	private failed_ms = new Map<number, number>();
	private failures = 0;	// since a line last played well

	constructor(private random: () => number = Math.random) {}

	/** A line plays, and has for a while. */
	good(line: number): void {
		this.failed_ms.delete(line);
		this.failures = 0;
	}

	/** The viewer wants this line: whatever it did before, it has its chance. */
	picked(line: number): void {
		this.failed_ms.delete(line);
		this.failures = 0;
	}

	/** A line failed, of so many. The others come in turn, then the one whose failure
	 * is oldest; at once until as many failed in a row as there are, then after waits
	 * that grow. They differ by viewer, so that a class does not come back in one
	 * instant. */
	next(line: number, of: number, now_ms: number): Next {
		this.failed_ms.set(line, now_ms);
		this.failures++;
		const others = Array.from({ length: of - 1 }, (_, i) => (line + i) % of + 1);
		const well = others.find((l) => !this.recently(l, now_ms));
		return {
			line: well ?? this.oldest(line, others),
			wait_ms: this.failures < of ? 0 : this.wait(of),
		};
	}

	private recently(line: number, now_ms: number): boolean {
		return now_ms - (this.failed_ms.get(line) ?? -Infinity) < FORGET_MS;
	}

	private oldest(line: number, others: number[]): number {
		let best = others[0] ?? line;
		for (const l of others)
			if (this.failed_ms.get(l)! < this.failed_ms.get(best)!) best = l;
		return best;
	}

	private wait(of: number): number {
		const doublings = Math.max(0, Math.min(10, this.failures - of));
		const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** doublings);
		return longest * (0.5 + this.random() / 2);
	}
}
