// explain.ts - where a client would go, as a picture of costs.
import { byId, el } from "./dom";
import { age, percent } from "./format";
import { Place } from "./model";
import { SIGNS } from "./shapes";
import type { State } from "./model";
import { t } from "./texts";

interface Candidate {
	node: string;
	state: State;
	path_ms: number;
	utilisation: number;
	reserved: number;
	price_ms: number;
	penalty_ms: number;
	cost: number;
	path_by: "measured" | "others" | "distance";
	networks?: number;
	loss?: number;
	age_s?: number;
}

interface Explanation {
	name: string;
	client: string;
	place: { source: string; latitude?: number; longitude?: number; country?: string; asn?: number };
	candidates: Candidate[];
	pick: string;
	ttl: number;
	scope: number;
	error?: string;
}

// Bars that are longer than both are cut: so many times the pick's, and milliseconds.
const BAR_MOST = 4, BAR_MOST_MS = 200;

function place(p: Explanation["place"]): string {
	if (p.source === "unknown") return t.explain.nowhere;
	const where = p.latitude === undefined ? "" : t.explain.at(p.latitude.toFixed(1), p.longitude!.toFixed(1));
	return `${p.country ?? t.explain.aPlace}${where}${p.asn ? `, AS ${p.asn}` : ""}${t.explain.by(p.source)}`;
}

/** One bar: path, penalty and price side by side. */
function bar(c: Candidate, longest: number): HTMLElement {
	const box = el("div", { class: "cost", "aria-hidden": "true" });
	let left = longest;
	for (const [name, ms] of [["path", c.path_ms], ["penalty", c.penalty_ms], ["price", c.cost - c.path_ms - c.penalty_ms]] as const) {
		const part = el("i", { class: name }), width = Math.max(0, Math.min(ms, left));
		part.style.width = `${100 * width / longest}%`;
		left -= width;
		box.append(part);
	}
	if (c.cost > longest) box.classList.add("cut");
	return box;
}

/** What its path rests on. */
function pathBy(c: Candidate): string {
	return c.path_by !== "measured" ? (c.path_by === "others" ? t.explain.others : t.explain.distance)
		: t.explain.measured(c.networks!, age(c.age_s!), (c.loss! * 100).toFixed(1));
}

function row(c: Candidate, picked: boolean, longest: number): HTMLElement {
	const ms = (v: number): string => `${v.toFixed(1)} ms`;
	const price = c.cost - c.path_ms - c.penalty_ms;
	const numbers = t.explain.numbers(ms(c.path_ms), pathBy(c), c.penalty_ms ? ms(c.penalty_ms) : "", ms(price),
		percent(c.utilisation), c.reserved.toFixed(1));
	const item = el("li", { "data-node": c.node, class: picked ? "pick" : "" },
		el("span", { class: `who ${c.state}` }, `${picked ? "★ " : ""}${SIGNS[c.state]} ${c.node}`),
		bar(c, longest), el("span", { class: "sum" }, ms(c.cost)), el("span", { class: "detail" }, numbers));
	if (picked) item.setAttribute("aria-current", "true");
	return item;
}

function picture(e: Explanation): HTMLElement[] {
	const pick = e.candidates.find((c) => c.node === e.pick);
	const most = Math.max(1, ...e.candidates.map((c) => c.cost));
	const longest = Math.min(most, Math.max(BAR_MOST_MS, BAR_MOST * (pick?.cost ?? most)));
	return [
		el("p", {}, t.explain.isIn(e.client, place(e.place)), el("strong", {}, e.pick), t.explain.gets(e.ttl, e.scope)),
		el("ul", { class: "costs", "aria-label": t.explain.candidates },
			...e.candidates.map((c) => row(c, c.node === e.pick, longest))),
		el("p", { class: "legend" }, ...[["path", t.explain.path], ["penalty", t.explain.penalty], ["price", t.explain.price]].map(
			([name, says]) => el("span", {}, el("i", { class: name }), says)), el("span", {}, t.explain.cut)),
	];
}

export class Explain {
	private name = byId<HTMLInputElement>("explain-name");
	private client = byId<HTMLInputElement>("explain-client");
	private answer = byId("explain-answer");

	constructor(private onMap: (at: Place | null, pick: string) => void) {
		byId<HTMLFormElement>("explain-form").onsubmit = (event) => {
			event.preventDefault();
			void this.ask();
		};
		void this.loadNames();
	}

	private async loadNames(): Promise<void> {
		const { steered } = await (await fetch("api/v1/status")).json() as { steered: string[] };
		byId("names").replaceChildren(...steered.map((name) => el("option", { value: name })));
		if (!this.name.value && steered.length) this.name.value = steered[0];
	}

	private async ask(): Promise<void> {
		const query = new URLSearchParams({ name: this.name.value.trim(), client: this.client.value.trim() });
		let e: Explanation;
		try {
			e = await (await fetch(`api/v1/explain?${query}`)).json() as Explanation;
		} catch {
			e = { error: t.noConnection } as Explanation;
		}
		if (e.error) {
			this.answer.replaceChildren(el("p", { class: "bad" }, e.error));
			return;
		}
		this.answer.replaceChildren(...picture(e));
		this.onMap(e.place.latitude === undefined ? null : [e.place.latitude, e.place.longitude!], e.pick);
	}
}
