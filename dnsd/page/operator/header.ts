// header.ts - version, uptime, answers per second, and what is wrong.
import { byId, el, setText } from "./dom";
import { duration, rate } from "./format";
import { Model, Signing, STATES } from "./model";
import { SIGNS } from "./shapes";
import { t } from "./texts";

export class Header {
	private before: { at: number; responses: number } | null = null;

	constructor(private model: Model) {
		for (const state of STATES) byId("summary").append(el("li", { class: state, "data-state": state }));
	}

	private perSecond(responses: number): string {
		const now = performance.now(), before = this.before;
		this.before = { at: now, responses };
		if (!before || responses < before.responses) return "";
		return t.header.answers(rate((responses - before.responses) / Math.max(0.1, (now - before.at) / 1000)));
	}

	private signing(z: Signing): string {
		const left = z.expires ?? 0;
		const late = !z.late ? "" : left > 0 ? t.header.late(z.zone, duration(left)) : t.header.expired(z.zone);
		return [late, z.keys_error ? t.header.keys(z.zone, z.keys_error) : ""].filter(Boolean).join(" ");
	}

	status(): void {
		const s = this.model.status;
		if (!s) return;
		const error = s.last_reload?.error;
		const bad = s.paths_bad ? t.header.bad(s.paths_bad) : "";
		setText(byId("status"), t.header.says(s.version, duration(s.uptime)) + this.perSecond(s.responses) + bad);
		byId("blind").hidden = !s.network_suspect;
		byId("no-places").hidden = !s.no_places;
		byId("reload").hidden = !error;
		setText(byId("reload"), error ? t.header.reload(error) : "");
		byId("signing").hidden = !s.signing_bad.length;
		setText(byId("signing"), s.signing_bad.map((z) => this.signing(z)).join(" "));
	}

	nodes(): void {
		for (const item of byId("summary").children) {
			const state = item.getAttribute("data-state") as typeof STATES[number];
			setText(item, `${SIGNS[state]} ${this.model.count(state)} ${t.states[state]}`);
		}
	}
}
