// dom.ts - making and changing elements. Text goes in as text, never as HTML: names
// of nodes come from the network.

type Child = Node | string;

function put(element: Element, attributes: Record<string, string>, children: Child[]): void {
	for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
	element.append(...children);
}

export function el<K extends keyof HTMLElementTagNameMap>(
	tag: K, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag);
	put(element, attributes, children);
	return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(
	tag: K, attributes: Record<string, string> = {}, ...children: Child[]): SVGElementTagNameMap[K] {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
	put(element, attributes, children);
	return element;
}

export function byId<T extends Element = HTMLElement>(id: string): T {
	const element = document.querySelector<T>(`#${id}`);
	if (!element) throw new Error(`no element ${id}`);
	return element;
}

/** Changes text only if it is another: the browser then has nothing to lay out. */
export function setText(element: Element, text: string): void {
	if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
	if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

let noticeTimer = 0;

/** Says something at the foot of the page, for a while. */
export function notice(text: string): void {
	const at = byId("notice");
	at.textContent = text;
	clearTimeout(noticeTimer);
	noticeTimer = window.setTimeout(() => { at.textContent = ""; }, 10000);
}
