// What the player says, in each language, and which one: the site's choice, else the
// viewer's, else the browser's.
const en = {
	line: (n: number) => `Line ${n}`,
	connecting: (label: string) => `connecting to ${label} …`,
	playing: (label: string, node: string | null) => node ? `${label} · node ${node}` : label,
	stalled: (label: string) => `${label} stalls …`,
	failed: (s: number) => `no line answers; again in ${s} s`,
	source: "the node, as the name server answered",
};

export type Texts = typeof en;

const zh: Texts = {
	line: (n) => `线路${n}`,
	connecting: (label) => `正在连接${label}…`,
	playing: (label, node) => node ? `${label} · 节点 ${node}` : label,
	stalled: (label) => `${label}卡顿…`,
	failed: (s) => `线路暂时不可用，${s} 秒后重试`,
	source: "节点由域名服务器告知",
};

export const texts = { zh, en };
export type Language = keyof typeof texts;

const KEY = "dnsd-language";

/** What the viewer chose before, else the first of the browser's languages that there is. */
export function viewersLanguage(): Language {
	try {
		const kept = localStorage.getItem(KEY);
		if (kept === "zh" || kept === "en") return kept;
	} catch {
		// The browser keeps nothing for this site.
	}
	const tag = navigator.languages.find((l) => /^(zh|en)\b/i.test(l));
	return tag && /^zh/i.test(tag) ? "zh" : "en";
}

export function keepLanguage(language: Language): void {
	try {
		localStorage.setItem(KEY, language);
	} catch {
		// Then it holds until the page is left.
	}
}
