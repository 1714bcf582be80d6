// header.ts - version, uptime, answers per second, and what is wrong.
import { byId, el, setText } from "./dom";
import { duration, rate } from "./format";
import { Model, STATES } from "./model";
import { SIGNS } from "./shapes";

export class Header {
	private before: { at: number; responses: number } | null = null;

	constructor(private model: Model) {
		for (const state of STATES) byId("summary").append(el("li", { class: state, "data-state": state }));
	}

	private perSecond(responses: number): string {
		const now = performance.now(), before = this.before;
		this.before = { at: now, responses };
		if (!before || responses < before.responses) return "";
		return `, ${rate((responses - before.responses) / Math.max(0.1, (now - before.at) / 1000))} answers/s`;
	}

	status(): void {
		const s = this.model.status;
		if (!s) return;
		const error = s.last_reload?.error;
		const bad = s.paths_bad ? `, ${s.paths_bad} bad path${s.paths_bad === 1 ? "" : "s"}` : "";
		setText(byId("status"), `${s.version}, up ${duration(s.uptime)}${this.perSecond(s.responses)}${bad}`);
		byId("blind").hidden = !s.network_suspect;
		byId("reload").hidden = !error;
		setText(byId("reload"), error ? `Last reload refused: ${error}` : "");
	}

	nodes(): void {
		for (const item of byId("summary").children) {
			const state = item.getAttribute("data-state") as typeof STATES[number];
			setText(item, `${SIGNS[state]} ${this.model.count(state)} ${state}`);
		}
	}
}
