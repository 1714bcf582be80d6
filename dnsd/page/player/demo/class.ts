// A class page, as a site would have it: a title, the player, what happened. The
// options of the player come from class.json, beside the page.
import { ClassPlayer, type Options } from "../src/player.js";
import { viewersLanguage } from "../src/texts.js";

interface Class {
	title: string;
	player: Options;
	/** Places to look from, where the name server trusts the page: name, client. */
	places?: [string, string][];
}

const TEXTS = {
	zh: {
		playing: (line: number, node: string | null) => `线路${line} 播放${node ? `，节点 ${node}` : ""}`,
		stalled: (line: number, why: string) => `线路${line} 卡顿 (${why})`,
		switched: (from: number, to: number, why: string) => `线路${from} → 线路${to} (${why})`,
		failed: (s: number) => `所有线路不可用，${s} 秒后重试`,
		viewerIn: "观众在：",
		from: (place: string) => `观众在${place}`,
	},
	en: {
		playing: (line: number, node: string | null) => `line ${line} plays${node ? `, node ${node}` : ""}`,
		stalled: (line: number, why: string) => `line ${line} stalls (${why})`,
		switched: (from: number, to: number, why: string) => `line ${from} → line ${to} (${why})`,
		failed: (s: number) => `no line answers; again in ${s} s`,
		viewerIn: "The viewer is in:",
		from: (place: string) => `the viewer is in ${place}`,
	},
};
const LOG = 8;
const byId = (id: string) => document.getElementById(id)!;
let player: ClassPlayer | undefined;
let t: typeof TEXTS.en = TEXTS[viewersLanguage()];

function log(text: string): void {
	const item = document.createElement("li");
	item.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
	byId("log").prepend(item);
	while (byId("log").childElementCount > LOG) byId("log").lastChild!.remove();
}

function begin(options: Options): void {
	player?.destroy();
	player = new ClassPlayer(byId("player"), options);
	player.on("playing", (e) => log(t.playing(e.line, e.node)));
	player.on("stalled", (e) => log(t.stalled(e.line, e.why)));
	player.on("switched", (e) => log(t.switched(e.from, e.to, e.why)));
	player.on("failed", (e) => log(t.failed(Math.ceil(e.retry_ms / 1000))));
	Object.assign(window, { player });	// for the console
}

function offer(places: [string, string][], options: Options): void {
	byId("places").append(t.viewerIn);
	for (const [name, client] of places) {
		const button = document.createElement("button");
		button.textContent = name;
		button.addEventListener("click", () => {
			log(t.from(name));
			begin({ ...options, client });
		});
		byId("places").append(" ", button);
	}
}

async function main(): Promise<void> {
	const it: Class = await (await fetch("class.json")).json();
	byId("title").textContent = document.title = it.title;
	if (it.player.lang) t = TEXTS[it.player.lang];
	document.documentElement.lang = t === TEXTS.zh ? "zh" : "en";
	if (it.places) offer(it.places, it.player);
	begin(it.player);
}

main();
