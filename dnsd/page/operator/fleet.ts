// fleet.ts - the history of the nodes that the table has chosen, as one: connections and
// bandwidth added up, and the mean load. The server keeps each node's; they are asked for
// while this is open.
import { drawFleetHistory } from "./chart";
import { byId, setText } from "./dom";
import type { Node } from "./model";
import { spanButtons } from "./spans";
import { t } from "./texts";

/** Each is one question to the server. */
const NODES_MOST = 100;
const EVERY_MS = 60000, TYPED_MS = 500;

export class Fleet {
	private box = byId<HTMLDetailsElement>("fleet");
	private chart = byId("fleet-chart");
	private hours = 24;
	private timer = 0;
	private names = "";

	/** chosen: what the table shows. */
	constructor(private chosen: () => Node[]) {
		byId("fleet-says").before(spanButtons(this.hours, (hours) => {
			this.hours = hours;
			void this.draw();
		}));
		this.box.ontoggle = () => void this.draw();
	}

	/** The table may show other nodes. */
	update(): void {
		if (!this.box.open || this.names === this.namesNow()) return;
		this.names = this.namesNow();
		clearTimeout(this.timer);
		this.timer = window.setTimeout(() => void this.draw(), TYPED_MS);
	}

	private namesNow(): string {
		return this.chosen().map((n) => n.name).sort().join(" ");
	}

	private async draw(): Promise<void> {
		clearTimeout(this.timer);
		if (!this.box.open) return;
		this.names = this.namesNow();
		const nodes = this.chosen(), n = nodes.length;
		this.timer = window.setTimeout(() => void this.draw(), EVERY_MS);
		if (n > NODES_MOST || !n) {
			delete this.chart.dataset.of;
			this.chart.replaceChildren();
			setText(byId("fleet-says"), n ? t.fleet.tooMany(n, NODES_MOST) : "");
			return;
		}
		const peak = await drawFleetHistory(this.chart, nodes, this.hours);
		if (peak !== null) setText(byId("fleet-says"), `${t.fleet.of(n)} ${t.fleet.peak(Math.round(peak))}`);
	}
}
