// move.ts - viewers of a drained node are moved to others: the button with its rate, and
// how far the move is.
import { change } from "./actions";
import { el, setAttribute, setText } from "./dom";
import type { State } from "./model";
import { t, whyText } from "./texts";

export interface Move {
	state: keyof typeof t.move.states;
	over: boolean;
	moved: number;
	left: number;
	per_s: number;
	waits_s: number;
	why: string;
}

const PER_S = "20";

export class MoveBox {
	private rate = el("input", { type: "number", min: "0.1", max: "1000", step: "any", value: PER_S, required: "" });
	private form = el("form", { class: "actions" },
		el("button", {}, t.move.button), el("label", {}, this.rate, ` ${t.move.rate}`));
	private bar = el("progress", { "aria-label": t.move.progress });
	private count = el("p");
	private says = el("p", { role: "status" });
	private progress = el("div", { hidden: "" }, this.bar, this.count, this.says);
	readonly root = el("div", { class: "move" }, this.form, this.progress);

	/** begun: the server is to be asked again. */
	constructor(private begun: () => void) {
		this.form.hidden = true;
	}

	show(name: string): void {
		this.take(undefined);
		this.rate.value = PER_S;
		this.form.onsubmit = async (event) => {
			event.preventDefault();
			if (await change(name, "move", undefined, `?per_s=${encodeURIComponent(this.rate.value)}`)) this.begun();
		};
	}

	update(state: State): void {
		this.form.hidden = state !== "drained";
	}

	/** Undefined: none was begun since the server started. */
	take(move: Move | undefined): void {
		this.progress.hidden = !move;
		setAttribute(this.root, "data-state", move?.state ?? "");
		if (!move) return;
		// Of nobody, nobody is left: that is all of it.
		setAttribute(this.bar, "max", String(move.moved + move.left || 1));
		setAttribute(this.bar, "value", String(move.moved + move.left ? move.moved : 1));
		setText(this.count, t.move.count(move.moved, move.left));
		setText(this.says, t.move.states[move.state](move) + (move.why ? t.path.colon + whyText(move.why) : ""));
	}
}
