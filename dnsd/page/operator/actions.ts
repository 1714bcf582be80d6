// actions.ts - what changes things: drain, undrain, move, approve, remove. The token is asked
// for once and kept in this tab until it is refused.
import { byId, notice } from "./dom";
import { t } from "./texts";

const KEY = "dnsd-token";
export type Deed = keyof typeof t.deeds;

/** The operator's answer; null: cancelled. */
function askToken(why: string): Promise<string | null> {
	const dialog = byId<HTMLDialogElement>("ask");
	const input = byId<HTMLInputElement>("ask-token");
	byId("ask-why").textContent = why;
	input.value = "";
	dialog.showModal();
	input.focus();
	return new Promise((resolve) => {
		let answer: string | null = null;
		byId<HTMLFormElement>("ask-form").onsubmit = (event) => {
			event.preventDefault();
			answer = input.value;
			dialog.close();
		};
		byId("ask-cancel").onclick = () => dialog.close();
		dialog.onclose = () => {
			input.value = "";
			resolve(answer);
		};
	});
}

async function post(path: string, token: string, body?: unknown): Promise<Response> {
	return fetch(path, {
		method: "POST",
		headers: { Authorization: `Bearer ${token}` },
		body: body === undefined ? undefined : JSON.stringify(body),
	});
}

/** Where a change is in force, and what is to be said of it. */
async function noteOf(answer: Response): Promise<string> {
	const { scope, note } = await answer.json() as { scope?: string; note?: string };
	if (scope === undefined || note === undefined) return t.deed.started;
	return note.includes(scope) || note.startsWith("here") ? t.deed.done(note) : t.deed.doneOn(scope, note);
}

async function errorOf(answer: Response): Promise<string> {
	try {
		return (await answer.json() as { error: string }).error;
	} catch {
		return t.deed.status(answer.status);
	}
}

/** Asks for a change of a node and says how it went; true: it was made. */
export async function change(node: string, what: Deed, body?: unknown, query = ""): Promise<boolean> {
	let token = sessionStorage.getItem(KEY);
	let why = t.deed.to(t.deeds[what], node);
	for (;;) {
		token ??= await askToken(why);
		if (token === null) return false;
		let answer: Response;
		try {
			answer = await post(`api/v1/nodes/${encodeURIComponent(node)}/${what}${query}`, token, body);
		} catch {
			notice(t.deed.says(t.deeds[what], node, t.noConnection));
			return false;
		}
		if (answer.status === 401) {
			sessionStorage.removeItem(KEY);
			token = null;
			why = t.deed.refused(node);
			notice(why);
			continue;
		}
		// Whatever else was wrong with the change, the token was right.
		if (answer.status !== 403) sessionStorage.setItem(KEY, token);
		notice(t.deed.says(t.deeds[what], node, answer.ok ? await noteOf(answer) : await errorOf(answer)));
		return answer.ok;
	}
}
