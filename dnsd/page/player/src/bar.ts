// The buttons of the lines, and one line of text. What it shows is text, never HTML.

const CSS = `
.dnsd-player { background: #000; color: #eee; font: 14px/1.4 system-ui, sans-serif; }
.dnsd-player video { display: block; width: 100%; aspect-ratio: 16 / 9; background: #000; }
.dnsd-bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; padding: 8px; }
.dnsd-bar button { font: inherit; color: inherit; background: #333; border: 1px solid #555;
	border-radius: 4px; padding: 4px 12px; cursor: pointer; }
.dnsd-bar button:hover { background: #444; }
.dnsd-bar button[aria-pressed=true] { background: #1668dc; border-color: #1668dc; color: #fff; }
.dnsd-status { margin-left: auto; overflow-wrap: anywhere; }
`;

export const texts = {
	zh: {
		line: (n: number) => `线路${n}`,
		connecting: (label: string) => `正在连接${label}…`,
		playing: (label: string, node: string | null) =>
			node ? `${label} · 节点 ${node}` : label,
		stalled: (label: string) => `${label}卡顿…`,
		failed: (s: number) => `线路暂时不可用,${s} 秒后重试`,
		source: "节点由域名服务器告知",
	},
	en: {
		line: (n: number) => `Line ${n}`,
		connecting: (label: string) => `connecting to ${label} …`,
		playing: (label: string, node: string | null) =>
			node ? `${label} · node ${node}` : label,
		stalled: (label: string) => `${label} stalls …`,
		failed: (s: number) => `no line answers; again in ${s} s`,
		source: "the node, as the name server answered",
	},
};

export class Bar {
	private buttons: HTMLButtonElement[] = [];
	private bar = document.createElement("div");
	private status = document.createElement("span");

	constructor(parent: HTMLElement, css: boolean,
		private label: (line: number) => string,
		private pressed: (line: number) => void) {
		if (css) addStyle();
		this.bar.className = "dnsd-bar";
		this.status.className = "dnsd-status";
		this.status.setAttribute("role", "status");
		this.bar.append(this.status);
		parent.append(this.bar);
	}

	/** As many buttons as there are lines; the active one is pressed. */
	show(lines: number, active: number): void {
		while (this.buttons.length > lines) this.buttons.pop()!.remove();
		while (this.buttons.length < lines) this.add(this.buttons.length + 1);
		this.buttons.forEach((button, i) =>
			button.setAttribute("aria-pressed", String(i + 1 === active)));
	}

	say(text: string, title = ""): void {
		this.status.textContent = text;
		this.status.title = title;
	}

	private add(line: number): void {
		const button = document.createElement("button");
		button.type = "button";
		button.textContent = this.label(line);
		button.addEventListener("click", () => this.pressed(line));
		this.status.before(button);
		this.buttons.push(button);
	}
}

function addStyle(): void {
	if (document.getElementById("dnsd-player-css")) return;
	const style = document.createElement("style");
	style.id = "dnsd-player-css";
	style.textContent = CSS;
	document.head.prepend(style);	// the site's own rules come later and win
}
