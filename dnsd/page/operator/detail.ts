// detail.ts - what of a node is too much for the events: the streams published to it,
// what it records, how far publishers could rely on it. Asked for while it is open.
import { el, setText } from "./dom";
import { duration, percent } from "./format";

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
	state: string;
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
}

type Fact = [title: string, text: string];

const EVERY_MS = 3000;

function stability(s: Stability): Fact[] {
	const two = (now: string, hours: string): string => `${now}, over hours ${hours}`;
	const ms = (v: number): string => `${v.toFixed(1)} ms`;
	return [
		["Grade", s.grade === 0 ? "0, the best" : String(s.grade)],
		["At the back", s.back_s ? `for ${duration(s.back_s)}` : "no"],
		["Unanswered polls", two(percent(s.lost), percent(s.lost_hours))],
		["Round trip", two(ms(s.rtt_ms), ms(s.rtt_hours_ms))],
		["Jitter", two(ms(s.jitter_ms), ms(s.jitter_hours_ms))],
		["Publishers lost", s.dropped.toFixed(1)],
		["Restarts", s.restarts.toFixed(1)],
		["Falls", s.down.toFixed(1)],
	];
}

function view(v: View): Fact {
	const why = v.why ? `: ${v.why}` : "", rtt = v.rtt_ms > 0 ? `, ${v.rtt_ms.toFixed(0)} ms` : "";
	return [`${v.server} finds it`, `${v.state} for ${duration(v.since_s)}${rtt}${why}${v.fresh ? "" : " (not counted)"}`];
}

function facts(node: Answer): Fact[] {
	const all: Fact[] = node.role === "edge" ? [] : [["Streams", String(node.streams)]];
	if (node.heartbeats_ignored) all.push(["Heartbeats", "ignored: polls contradict them"]);
	if (node.streams_left_out) all.push(["Streams left out", `${node.streams_left_out}, unreadable`]);
	if (node.stability) all.push(...stability(node.stability));
	if (node.views) all.push(...node.views.map(view));
	return all;
}

export class Detail {
	readonly root = el("div", { class: "detail" });
	private list = el("dl");
	private records = el("ul", { "aria-label": "Records" });
	private name: string | null = null;
	private timer = 0;

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

	private async ask(name: string): Promise<void> {
		try {
			const answer = await fetch(`api/v1/nodes?name=${encodeURIComponent(name)}`);
			const [node] = answer.ok ? await answer.json() as Answer[] : [];
			if (node && name === this.name) this.draw(node);
		} catch {
			// The stream says that the connection is lost.
		}
		if (name === this.name) this.timer = window.setTimeout(() => void this.ask(name), EVERY_MS);
	}

	private draw(node: Answer): void {
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
		const more = streams > names.length ? [`and ${streams - names.length} more`] : [];
		const lines = names.length ? [...names, ...more] : ["nothing now"];
		if (!this.records.isConnected) this.root.append(el("h3", {}, "Records"), this.records);
		this.records.replaceChildren(...lines.map((line) => el("li", {}, line)));
	}
}
