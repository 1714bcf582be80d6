// The buttons of the lines, one line of text, and where the site leaves the language to
// the viewer a button for the other one. What it shows is text, never HTML.
import { type Language, type Texts, texts } from "./texts.js";

export type Say = (t: Texts) => string;

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

export class Bar {
	private buttons: HTMLButtonElement[] = [];
	private bar = document.createElement("div");
	private status = document.createElement("span");
	private other: HTMLButtonElement | null = null;
	private said: Say = () => "";
	private titled: Say = () => "";

	constructor(parent: HTMLElement, css: boolean, private language: Language,
		private label: (line: number, t: Texts) => string,
		private pressed: (line: number) => void) {
		if (css) addStyle();
		this.bar.className = "dnsd-bar";
		this.status.className = "dnsd-status";
		this.status.setAttribute("role", "status");
		this.bar.append(this.status);
		parent.append(this.bar);
	}

	/** Adds the button for the other language; chosen: it was pressed. */
	offerLanguages(chosen: (language: Language) => void): void {
		const button = this.other = document.createElement("button");
		button.type = "button";
		button.className = "dnsd-language";
		button.addEventListener("click", () => {
			this.language = this.language === "zh" ? "en" : "zh";
			this.write();
			chosen(this.language);
		});
		this.bar.append(button);
		this.write();
	}

	/** As many buttons as there are lines; the active one is pressed. */
	show(lines: number, active: number): void {
		while (this.buttons.length > lines) this.buttons.pop()!.remove();
		while (this.buttons.length < lines) this.add(this.buttons.length + 1);
		this.buttons.forEach((button, i) =>
			button.setAttribute("aria-pressed", String(i + 1 === active)));
	}

	say(text: Say, title: Say = () => ""): void {
		this.said = text;
		this.titled = title;
		this.write();
	}

	/** Everything, in the language of now. */
	private write(): void {
		const t = texts[this.language];
		this.status.textContent = this.said(t);
		this.status.title = this.titled(t);
		this.buttons.forEach((button, i) => { button.textContent = this.label(i + 1, t); });
		if (this.other) this.other.textContent = this.language === "zh" ? "English" : "中文";
	}

	private add(line: number): void {
		const button = document.createElement("button");
		button.type = "button";
		button.textContent = this.label(line, texts[this.language]);
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
