// texts.ts - the language of the page: the one that was chosen, else the browser's, and
// its table of texts. To change it loads the page anew.
import { byId } from "./dom";
import { en, Texts } from "./en";
import { zh } from "./zh";

const TABLES = { zh, en };
const NAMES = { zh: "中文", en: "English" };
type Language = keyof typeof TABLES;

const KEY = "dnsd-language";

/** Chinese for those who read it, whatever else they read after it. */
function preferred(): Language {
	for (const tag of navigator.languages) {
		if (/^zh\b/i.test(tag)) return "zh";
		if (/^en\b/i.test(tag)) return "en";
	}
	return "en";
}

/** Null: none was chosen, or the browser keeps nothing for this page. */
function kept(): Language | null {
	try {
		const choice = localStorage.getItem(KEY);
		return choice === "zh" || choice === "en" ? choice : null;
	} catch {
		return null;
	}
}

const language = kept() ?? preferred();
export const t: Texts = TABLES[language];

/** A role or a reason that the table does not know stays as the server says it. */
export const roleText = (role: string): string => (t.roles as Record<string, string>)[role] ?? role;
export const whyText = (why: string): string => t.whys[why] ?? why;

function pageText(key: string | null): string {
	const text = (t.page as Record<string, string>)[key ?? ""];
	if (!text) throw new Error(`no text ${key}`);
	return text;
}

function choose(to: Language): void {
	try {
		localStorage.setItem(KEY, to);
	} catch {
		return;	// it would be forgotten at once
	}
	if (to !== language) location.reload();
}

/** Writes what index.html leaves to the tables, and the switch. */
export function translatePage(): void {
	document.documentElement.lang = t.tag;
	for (const element of document.querySelectorAll("[data-t]")) element.textContent = pageText(element.getAttribute("data-t"));
	for (const [data, attribute] of [["data-t-label", "aria-label"], ["data-t-hint", "placeholder"]])
		for (const element of document.querySelectorAll(`[${data}]`)) element.setAttribute(attribute, pageText(element.getAttribute(data)));
	for (const to of ["zh", "en"] as const) {
		const button = byId<HTMLButtonElement>(`language-${to}`);
		button.textContent = NAMES[to];
		button.lang = TABLES[to].tag;
		button.setAttribute("aria-pressed", String(to === language));
		button.onclick = () => choose(to);
	}
}
