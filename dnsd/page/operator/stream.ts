// stream.ts - the server's events into the model, and a call to what draws. The
// browser connects again by itself when the connection is lost.
import { Flow, Model, Status } from "./model";

export interface Listener {
	nodes(all: boolean): void;
	status(): void;
	flows(): void;
	lost(lost: boolean): void;
}

export function follow(model: Model, listener: Listener): void {
	const source = new EventSource("api/v1/events");
	source.addEventListener("nodes", (event) => {
		performance.clearMeasures("update");
		const begin = performance.now();
		listener.nodes(model.takeNodes(JSON.parse(event.data)));
		performance.measure("update", { start: begin });
	});
	source.addEventListener("status", (event) => {
		model.status = JSON.parse(event.data) as Status;
		listener.status();
	});
	source.addEventListener("flows", (event) => {
		model.flows = (JSON.parse(event.data) as { flows: Flow[] }).flows;
		listener.flows();
	});
	source.onopen = () => listener.lost(false);
	source.onerror = () => {
		listener.lost(true);
		// A refusal (503: too many streams) ends it for good; a lost connection does not.
		if (source.readyState === EventSource.CLOSED) {
			setTimeout(() => follow(model, listener), 5000);
		}
	};
}
