// badpaths.ts - the paths that the server says are bad, for the map: a bounded number of
// them, those of most networks and the worst first. Asked for while there are any.
import { Model } from "./model";
import { Path } from "./path";

const EVERY_MS = 10000;
/** More lines would say less. */
const MOST = 100;

export class BadPaths {
	private asked = -EVERY_MS;

	constructor(private model: Model, private draw: () => void) {}

	/** The server has said how many there are. */
	status(): void {
		const n = this.model.status?.paths_bad ?? 0, now = performance.now();
		if (!n && !this.model.bad.length) return;
		if (!n) {
			this.take([]);
		} else if (now - this.asked >= EVERY_MS || !this.model.bad.length) {
			this.asked = now;
			void this.ask();
		}
	}

	private async ask(): Promise<void> {
		try {
			const answer = await fetch(`api/v1/paths?bad=1&most=${MOST}`);
			if (answer.ok) this.take(await answer.json() as Path[]);
		} catch {
			// The stream says that the connection is lost.
		}
	}

	private take(paths: Path[]): void {
		this.model.bad = paths;
		this.draw();
	}
}
