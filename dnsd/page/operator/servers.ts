// servers.ts - the other name servers: whether their words come, what waits to be sent to
// them, and what was refused. Hidden on a name server that is alone.
import { byId, el, setText } from "./dom";
import { duration } from "./format";
import { Model, Servers as Status } from "./model";

function connection(s: Status): string {
	const since = duration(s.since_s);
	if (!s.connected) return `${s.as}: not connected to etcd for ${since}: ${s.why}`;
	return `${s.as}: connected to etcd for ${since}, revision ${s.revision}, the registry is ${s.registry}`;
}

function peers(s: Status): string[] {
	return s.peers.map((p) => {
		const heard = p.age_s === null ? "not heard yet" : `heard ${p.age_s.toFixed(1)} s ago`;
		const finds = `finds ${p.up} up, ${p.unknown} unknown, ${p.down} down`;
		return `${p.name}: ${heard}${p.fresh ? "" : ", not counted"}, ${finds}`
			+ (p.network_suspect ? "; its own network is suspect" : "");
	});
}

function open(s: Status): string[] {
	const lines = s.pending.map((l) => `${l.key}: pending`);
	if (s.pending_count > s.pending.length) lines.push(`and ${s.pending_count - s.pending.length} more pending`);
	lines.push(...s.refused.map((l) => `${l.key}: refused: ${l.text}`));
	lines.push(...s.conflicts.map((l) => `${l.key}: ${l.text}, ${duration(l.age_s ?? 0)} ago`));
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
			? `The registry in etcd is ${s.registry}: what this name server has stays in force.`
			: `Apart from the other name servers: ${s.why}. Changes made here are sent later.`);
		setText(byId("servers-says"), connection(s));
		fill(byId("servers-peers"), peers(s));
		fill(byId("servers-open"), open(s));
	}
}
