// dnsd-player: a live class in a page, with buttons that switch the line.
import { Bar } from "./bar.js";
import { Choice } from "./choice.js";
import { Feedback, poster } from "./feedback.js";
import { type Line, Lines, urlOf } from "./lines.js";
import { Measure } from "./measure.js";
import { formatFor, type Media, open } from "./media.js";
import { complete, type Format, type Options, type Settings } from "./options.js";
import { keepLanguage, type Texts, viewersLanguage } from "./texts.js";
import { liveJump, Watch } from "./watch.js";
import { whepSupported } from "./whep.js";

export type { Format, Line, Options };

/** stall: the picture stood still. late: no first picture. error, end: of the
 * stream. viewer: a button. */
export type Why = "stall" | "late" | "error" | "end" | "viewer";

export interface Events {
	/** A picture moves; startup_ms since the line was opened. */
	playing: { line: number, node: string | null, startup_ms: number };
	/** It stood still for a second, or for good. */
	stalled: { line: number, node: string | null, why: Why };
	/** Another line is opened. */
	switched: { from: number, to: number, why: Why };
	/** All lines failed; the next try. */
	failed: { line: number, retry_ms: number };
}

type Listener = (detail: any) => void;

const TICK_MS = 250;

export class ClassPlayer {
	readonly video = document.createElement("video");
	private settings: Settings;
	/** Of what plays, and of what is opened where there is no WHEP. */
	private format: Format;
	private plain: "flv" | "hls";
	private whep: boolean;
	private lines: Lines;
	private choice = new Choice();
	private feedback: Feedback;
	private measure: Measure | null = null;
	private bar: Bar;
	private box = document.createElement("div");
	private listeners = new Map<string, Set<Listener>>();
	private timer: ReturnType<typeof setInterval>;
	private retry: ReturnType<typeof setTimeout> | undefined;
	/** Each opening is a turn; what an older one still brings is void. */
	private turn = 0;
	private at = 1;
	private line: Line | null = null;
	private media: Media | null = null;
	private watch: Watch | null = null;
	private learned: Promise<void> = Promise.resolve();
	private opened_ms = 0;
	private started = false;

	constructor(element: HTMLElement, options: Options) {
		this.settings = complete(options);
		this.format = this.plain = formatFor(this.settings.format);
		this.whep = this.settings.format === "auto" && whepSupported();
		this.lines = new Lines(this.settings);
		const { api, report, name, client } = this.settings;
		this.feedback = new Feedback(api && report ? poster(api) : () => {}, name, client);
		if (api && report && this.settings.measure)
			this.measure = new Measure(() => this.servers(),
				(paths) => this.feedback.measured(paths));
		this.box.className = "dnsd-player";
		this.video.controls = this.video.playsInline = true;
		this.video.muted = this.settings.muted;
		this.video.addEventListener("loadedmetadata", () => {
			this.start();
			this.learned = this.learn();
		});
		this.box.append(this.video);
		element.append(this.box);
		this.bar = new Bar(this.box, this.settings.css, this.settings.lang ?? viewersLanguage(),
			(n, t) => this.label(n, t), (n) => this.switchTo(n));
		if (!this.settings.lang) this.bar.offerLanguages(keepLanguage);
		this.timer = setInterval(() => this.tick(), TICK_MS);
		this.open(1, false);
	}

	/** Returns what removes the listener. */
	on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void {
		const all = this.listeners.get(event) ?? new Set();
		this.listeners.set(event, all.add(listener));
		return () => all.delete(listener);
	}

	/** What plays or is being opened. node: as the name server answered. */
	get current(): { line: number, node: string | null, host: string | null, format: Format } {
		return {
			line: this.at, node: this.line?.node ?? null, host: this.line?.host ?? null,
			format: this.format,
		};
	}

	/** As a press on the line's button; the line that plays is opened anew. */
	switchTo(line: number): void {
		if (!this.lines.all.some((l) => l.line === line))
			throw new RangeError(`there is no line ${line}`);
		this.choice.picked(line);
		this.leave(line, "viewer");
		this.open(line, false);
	}

	destroy(): void {
		this.turn++;
		this.close();
		clearInterval(this.timer);
		this.listeners.clear();
		this.box.remove();
	}

	private emit<K extends keyof Events>(event: K, detail: Events[K]): void {
		for (const listener of this.listeners.get(event) ?? []) listener(detail);
	}

	private label(line: number, t: Texts): string {
		return this.settings.labels[line - 1] ?? t.line(line);
	}

	/** Where each line is. The address that the API gave is the node's for sure; a
	 * certificate fits the name only. */
	private servers(): Array<{ line: Line, url: string }> {
		return this.lines.all.map((line) => {
			const url = urlOf(line, this.plain, { ...this.settings, by: "address" });
			const bare = url.startsWith("http:");
			return { line, url: bare ? url : urlOf(line, this.plain, this.settings) };
		});
	}

	// -- a line --

	private async open(line: number, fresh: boolean): Promise<void> {
		const turn = ++this.turn;
		this.close();
		this.at = line;
		this.bar.show(this.lines.all.length, line);
		this.bar.say((t) => t.connecting(this.label(line, t)));
		const known = await this.lines.get(line, fresh);
		if (turn !== this.turn) return;
		this.line = known;
		this.at = known.line;
		this.bar.show(this.lines.all.length, this.at);
		this.feedback.opened(this.at, known.node);
		this.opened_ms = performance.now();
		this.started = false;
		this.format = this.whep && known.urls.whep ? "whep" : this.plain;
		this.watch = new Watch(this.opened_ms, this.settings.stall_s, this.settings.startup_s);
		this.media = open(this.video, urlOf(known, this.format, this.settings),
			this.format, (why) => this.fail(why));
	}

	/** Browsers let a page sound only after a click in it, mostly. */
	private start(): void {
		this.video.play().catch((error) => {
			if (error.name !== "NotAllowedError" || this.video.muted) return;
			this.video.muted = true;
			this.video.play().catch(() => {});
		});
	}

	/** The name server decides what a line is when DNS asks: only now does it know,
	 * but for line 1, which the API's answer itself decided. If that moved, the state
	 * of nodes changed meanwhile, and the earlier answer is the better guess. */
	private async learn(): Promise<void> {
		const { api, by } = this.settings, turn = this.turn;
		if (!api || by !== "host" || this.at === 1) return;
		const first = this.lines.all[0].node;
		const line = await this.lines.get(this.at, true);
		if (turn !== this.turn || line.line !== this.at || this.lines.all[0].node !== first)
			return;
		this.line = line;
		this.feedback.learned(line.node);
	}

	private close(): void {
		clearTimeout(this.retry);
		this.media?.close();
		this.media = null;
		this.watch = null;
	}

	private leave(to: number, why: Why): void {
		if (to === this.at) return;
		this.feedback.left(why === "viewer");
		this.emit("switched", { from: this.at, to, why });
	}

	/** The line failed: the next one, at once or after a while. WHEP without a first
	 * picture says nothing of the line: mostly UDP is blocked where the viewer is, on
	 * all lines. */
	private fail(why: Why): void {
		if (this.format === "whep" && !this.started) {
			this.whep = false;
			this.open(this.at, false);
			return;
		}
		this.emit("stalled", { line: this.at, node: this.line?.node ?? null, why });
		const next = this.choice.next(this.at, this.lines.all.length, performance.now());
		this.close();
		this.leave(next.line, why);
		if (!next.wait_ms) {
			this.open(next.line, true);
			return;
		}
		this.feedback.allFailed();
		this.bar.say((t) => t.failed(Math.ceil(next.wait_ms / 1000)));
		this.emit("failed", { line: this.at, retry_ms: next.wait_ms });
		this.retry = setTimeout(() => this.open(next.line, true), next.wait_ms);
	}

	// -- while it plays --

	private tick(): void {
		const now = performance.now();
		this.feedback.tick(now);
		this.measure?.tick(now, document.hidden);
		if (!this.watch) return;
		const { currentTime, paused, ended, readyState } = this.video;
		const news = this.watch.look(now, {
			time_s: currentTime,
			paused: paused && !ended && readyState >= HTMLMediaElement.HAVE_METADATA,
		});
		if (news === "playing") this.plays(now);
		else if (news === "steady") this.choice.good(this.at);
		else if (news === "stalled") this.stalls();
		else if (news === "dead") this.fail("stall");
		else if (news === "late") this.fail("late");
		if (this.format === "flv" && !this.video.paused) this.keepLive();
	}

	private async plays(now: number): Promise<void> {
		const turn = this.turn, startup_ms = Math.round(now - this.opened_ms);
		if (!this.started) this.feedback.started(startup_ms);
		this.measure?.started(now);
		this.started = true;
		await this.learned;
		if (turn !== this.turn) return;
		const node = this.line?.node ?? null, at = this.at;
		this.bar.say((t) => t.playing(this.label(at, t), node), (t) => node ? t.source : "");
		this.emit("playing", { line: this.at, node, startup_ms });
	}

	private stalls(): void {
		this.feedback.stalled();
		const at = this.at;
		this.bar.say((t) => t.stalled(this.label(at, t)));
		this.emit("stalled", { line: this.at, node: this.line?.node ?? null, why: "stall" });
	}

	private keepLive(): void {
		const { buffered } = this.video;
		if (!buffered.length) return;
		const to = liveJump(this.video.currentTime, buffered.end(buffered.length - 1),
			this.settings.latency_s);
		if (to !== null) this.video.currentTime = to;
	}
}
