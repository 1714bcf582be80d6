"use strict";
const $ = id => document.getElementById(id);
let before = {}, beforeAt = 0;
function cell(row, text, name) { const td = row.insertCell(); td.textContent = text; if (name) td.className = name; return td; }
function row(node, seconds) {
	const tr = document.createElement("tr");
	cell(tr, node.name + " (" + node.role + ")");
	cell(tr, node.state, "l " + node.state).title = node.why || "";
	const bar = document.createElement("span"), fill = document.createElement("i");
	bar.className = "bar"; fill.style.width = Math.min(100, node.utilisation * 100) + "%";
	if (node.utilisation > .7) fill.className = node.utilisation > .95 ? "full" : "hot";
	bar.append(fill);
	const u = cell(tr, "", "l"); u.append(bar, " " + (node.utilisation * 100).toFixed(0) + " %");
	cell(tr, node.connections);
	cell(tr, Math.round(node.bandwidth_kbps), "w");
	cell(tr, node.cpu_percent.toFixed(0), "w");
	cell(tr, node.sample_age_ms < 0 ? "none" : (node.sample_age_ms / 1000).toFixed(1) + " s", "w");
	cell(tr, node.answers);
	const old = before[node.name];
	cell(tr, old === undefined || !seconds ? "" : ((node.answers - old) / seconds).toFixed(1), "w");
	return tr;
}
async function refresh() {
	try {
		const nodes = await (await fetch("api/v1/nodes")).json(), s = await (await fetch("api/v1/status")).json();
		const now = Date.now(), seconds = beforeAt ? (now - beforeAt) / 1000 : 0;
		$("nodes").replaceChildren(...nodes.map(n => row(n, seconds)));
		before = Object.fromEntries(nodes.map(n => [n.name, n.answers])); beforeAt = now;
		$("status").textContent = s.version + ", up " + s.uptime + " s, " + s.queries + " queries";
		$("error").textContent = s.last_reload && s.last_reload.error ? "last reload: " + s.last_reload.error : "";
		const name = $("form").elements.name; if (!name.value && s.steered && s.steered.length) name.value = s.steered[0];
	} catch (e) { $("error").textContent = "no answer from dnsd: " + e.message; }
	setTimeout(refresh, 1000);
}
$("form").addEventListener("submit", async event => {
	event.preventDefault();
	const f = event.target.elements, out = $("answer");
	const url = "api/v1/explain?name=" + encodeURIComponent(f.name.value) + "&client=" + encodeURIComponent(f.client.value);
	const answer = await (await fetch(url)).json();
	out.hidden = false;
	out.textContent = answer.error || "pick " + answer.pick + ", ttl " + answer.ttl + ", scope " + answer.scope + "\n" +
		answer.candidates.map(c => c.node.padEnd(16) + c.state.padEnd(9) + "path " + c.path_ms.toFixed(1).padStart(6) +
			"  load " + c.utilisation.toFixed(3) + "  in flight " + c.reserved.toFixed(1) + "  cost " + c.cost.toFixed(1)).join("\n");
});
refresh();
