// servers.ts - the other name servers: whether their words come, what waits to be sent to
// them, and what was refused. Hidden on a name server that is alone.
import { byId, el, setText } from "./dom";
import { duration } from "./format";
import { Model, Servers as Status } from "./model";
import { t } from "./texts";

function connection(s: Status): string {
	const since = duration(s.since_s);
	if (!s.connected) return t.servers.notConnected(s.as, since, s.why);
	return t.servers.connected(s.as, since, s.revision, s.registry);
}

function peers(s: Status): string[] {
	return s.peers.map((p) => {
		const heard = p.age_s === null ? t.servers.notHeard : t.servers.heard(p.age_s.toFixed(1));
		const finds = t.servers.finds(p.up, p.unknown, p.down);
		return p.name + t.path.colon + heard + (p.fresh ? "" : t.servers.notCounted) + t.path.comma + finds
			+ (p.network_suspect ? t.servers.suspect : "");
	});
}

function open(s: Status): string[] {
	const lines = s.pending.map((l) => t.servers.pending(l.key));
	if (s.pending_count > s.pending.length) lines.push(t.servers.morePending(s.pending_count - s.pending.length));
	lines.push(...s.refused.map((l) => t.servers.refused(l.key, l.text)));
	lines.push(...s.conflicts.map((l) => t.servers.conflict(l.key, l.text, duration(l.age_s ?? 0))));
	return lines;
}

function fill(list: Element, lines: string[]): void {
	while (list.children.length > lines.length) list.lastElementChild!.remove();
	lines.forEach((line, i) => setText(list.children[i] ?? list.appendChild(el("li")), line));
}

export class Servers {
	constructor(private model: Model) {}

	status(): void {
		const s = this.model.status?.etcd;
		byId("servers").hidden = !s;
		byId("apart").hidden = !s || (s.connected && s.in_force);
		if (!s) return;
		setText(byId("apart"), s.connected
			? t.servers.registry(s.registry)
			: t.servers.apart(s.why));
		setText(byId("servers-says"), connection(s));
		fill(byId("servers-peers"), peers(s));
		fill(byId("servers-open"), open(s));
	}
}
