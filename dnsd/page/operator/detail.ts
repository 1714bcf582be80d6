// detail.ts - what of a node is too much for the events: the streams published to it,
// what it records, how far publishers could rely on it. Asked for while it is open.
import { el, setText } from "./dom";
import { duration, percent } from "./format";
import type { State } from "./model";
import type { Move } from "./move";
import { t, whyText } from "./texts";

interface Stability {
	lost: number;
	lost_hours: number;
	rtt_ms: number;
	rtt_hours_ms: number;
	jitter_ms: number;
	jitter_hours_ms: number;
	dropped: number;
	restarts: number;
	down: number;
	grade: number;
	back_s: number;
}

/** What another name server finds of the node. */
interface View {
	server: string;
	fresh: boolean;
	state: State;
	why: string;
	since_s: number;
	rtt_ms: number;
}

interface Answer {
	name: string;
	role: string;
	streams: number;
	streams_left_out: number;
	heartbeats_ignored: boolean;
	records?: string[];
	stability?: Stability;
	views?: View[];
	move?: Move;
}

type Fact = [title: string, text: string];

const EVERY_MS = 3000, MOVING_MS = 1000;

function stability(s: Stability): Fact[] {
	const two = (now: string, hours: string): string => t.detail.overHours(now, hours);
	const ms = (v: number): string => `${v.toFixed(1)} ms`;
	return [
		[t.detail.grade, s.grade === 0 ? t.detail.best : String(s.grade)],
		[t.detail.back, s.back_s ? t.detail.backFor(duration(s.back_s)) : t.detail.no],
		[t.detail.unanswered, two(percent(s.lost), percent(s.lost_hours))],
		[t.detail.roundTrip, two(ms(s.rtt_ms), ms(s.rtt_hours_ms))],
		[t.detail.jitter, two(ms(s.jitter_ms), ms(s.jitter_hours_ms))],
		[t.detail.lost, s.dropped.toFixed(1)],
		[t.detail.restarts, s.restarts.toFixed(1)],
		[t.detail.falls, s.down.toFixed(1)],
	];
}

function view(v: View): Fact {
	const why = v.why ? t.path.colon + whyText(v.why) : "", rtt = v.rtt_ms > 0 ? `${t.path.comma}${v.rtt_ms.toFixed(0)} ms` : "";
	return [t.detail.findsIt(v.server), t.detail.view(t.states[v.state], duration(v.since_s)) + rtt + why + (v.fresh ? "" : t.detail.notCounted)];
}

function facts(node: Answer): Fact[] {
	const all: Fact[] = node.role === "edge" ? [] : [[t.detail.streams, String(node.streams)]];
	if (node.heartbeats_ignored) all.push([t.detail.heartbeats, t.detail.ignored]);
	if (node.streams_left_out) all.push([t.detail.leftOut, t.detail.unreadable(node.streams_left_out)]);
	if (node.stability) all.push(...stability(node.stability));
	if (node.views) all.push(...node.views.map(view));
	return all;
}

export class Detail {
	readonly root = el("div", { class: "detail" });
	private list = el("dl");
	private records = el("ul", { "aria-label": t.detail.records });
	private name: string | null = null;
	private timer = 0;
	private moving = false;

	/** moves: how far the node's viewers are moved. */
	constructor(private moves: (move: Move | undefined) => void) {}

	show(name: string): void {
		this.hide();
		this.name = name;
		this.list.replaceChildren();
		this.records.replaceChildren();
		this.root.replaceChildren(this.list);
		void this.ask(name);
	}

	hide(): void {
		this.name = null;
		clearTimeout(this.timer);
	}

	/** Something was begun: asks at once. */
	again(): void {
		clearTimeout(this.timer);
		if (this.name !== null) void this.ask(this.name);
	}

	private async ask(name: string): Promise<void> {
		try {
			const answer = await fetch(`api/v1/nodes?name=${encodeURIComponent(name)}`);
			const [node] = answer.ok ? await answer.json() as Answer[] : [];
			if (node && name === this.name) this.draw(node);
		} catch {
			// The stream says that the connection is lost.
		}
		if (name === this.name) {
			clearTimeout(this.timer);
			this.timer = window.setTimeout(() => void this.ask(name), this.moving ? MOVING_MS : EVERY_MS);
		};
	}

	private draw(node: Answer): void {
		this.moving = !!node.move && !node.move.over;
		this.moves(node.move);
		const wanted = facts(node);
		while (this.list.children.length > wanted.length) this.list.lastElementChild!.remove();
		wanted.forEach(([title, text], i) => {
			const at = this.list.children[i] ?? this.list.appendChild(el("div", {}, el("dt"), el("dd")));
			setText(at.firstElementChild!, title);
			setText(at.lastElementChild!, text);
		});
		if (node.records) this.drawRecords(node.records, node.streams);
	}

	private drawRecords(names: string[], streams: number): void {
		const more = streams > names.length ? [t.and_more(streams - names.length)] : [];
		const lines = names.length ? [...names, ...more] : [t.detail.nothing];
		if (!this.records.isConnected) this.root.append(el("h3", {}, t.detail.records), this.records);
		this.records.replaceChildren(...lines.map((line) => el("li", {}, line)));
	}
}
