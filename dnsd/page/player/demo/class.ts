// A class page, as a site would have it: a title, the player, what happened. The
// options of the player come from class.json, beside the page.
import { ClassPlayer, type Options } from "../src/player.js";

interface Class {
	title: string;
	player: Options;
	/** Places to look from, where the name server trusts the page: name, client. */
	places?: [string, string][];
}

const LOG = 8;
const byId = (id: string) => document.getElementById(id)!;
let player: ClassPlayer | undefined;

function log(text: string): void {
	const item = document.createElement("li");
	item.textContent = `${new Date().toLocaleTimeString("zh")}  ${text}`;
	byId("log").prepend(item);
	while (byId("log").childElementCount > LOG) byId("log").lastChild!.remove();
}

function begin(options: Options): void {
	player?.destroy();
	player = new ClassPlayer(byId("player"), options);
	player.on("playing", (e) => log(`线路${e.line} 播放${e.node ? `,节点 ${e.node}` : ""}`));
	player.on("stalled", (e) => log(`线路${e.line} 卡顿 (${e.why})`));
	player.on("switched", (e) => log(`线路${e.from} → 线路${e.to} (${e.why})`));
	player.on("failed", (e) => log(`所有线路不可用,${Math.ceil(e.retry_ms / 1000)} 秒后重试`));
	Object.assign(window, { player });	// for the console
}

function offer(places: [string, string][], options: Options): void {
	byId("places").append("观众在:");
	for (const [name, client] of places) {
		const button = document.createElement("button");
		button.textContent = name;
		button.addEventListener("click", () => {
			log(`观众在${name}`);
			begin({ ...options, client });
		});
		byId("places").append(" ", button);
	}
}

async function main(): Promise<void> {
	const it: Class = await (await fetch("class.json")).json();
	byId("title").textContent = document.title = it.title;
	if (it.places) offer(it.places, it.player);
	begin(it.player);
}

main();
