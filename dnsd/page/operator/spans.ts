// spans.ts - the buttons that choose how far back a chart goes.
import { el } from "./dom";
import { t } from "./texts";

/** choose: is called when one is pressed, not for the first choice. */
export function spanButtons(first: number, choose: (hours: number) => void): HTMLElement {
	const all = el("p", { class: "actions", role: "group", "aria-label": t.panel.history });
	const press = (hours: number): void => {
		for (const b of all.children) b.setAttribute("aria-pressed", String(b.getAttribute("data-hours") === String(hours)));
	};
	for (const [hours, title] of [[1, t.panel.hour], [24, t.panel.day], [168, t.panel.week]] as const) {
		const button = el("button", { type: "button", "data-hours": String(hours) }, title);
		button.onclick = () => {
			press(hours);
			choose(hours);
		};
		all.append(button);
	}
	press(first);
	return all;
}
