// main.ts - the operator's page: one model, fed by the server's events, and its views.
import { BadPaths } from "./badpaths";
import { byId } from "./dom";
import { Explain } from "./explain";
import { Fleet } from "./fleet";
import { Header } from "./header";
import { WorldMap } from "./map";
import { Model } from "./model";
import { Panel } from "./panel";
import { Paths } from "./paths";
import { Servers } from "./servers";
import { follow } from "./stream";
import { Streams } from "./streams";
import { Table } from "./table";
import { translatePage } from "./texts";
import { WaitingList } from "./waiting";

translatePage();
const model = new Model();
const header = new Header(model);
const panel = new Panel(model);
const table = new Table(model, panel.show, () => fleet.update());
const fleet = new Fleet(() => table.chosen());
const map = new WorldMap(model, panel.show, panel.choose);
const servers = new Servers(model);
const badPaths = new BadPaths(model, () => map.drawBadPaths());
new WaitingList();
new Paths();
new Streams(panel.show);
new Explain((at, pick) => map.showClient(at, pick));

follow(model, {
	nodes(all) {
		if (all) map.layout();
		else map.update();
		table.update();
		header.nodes();
		panel.update();
	},
	status() {
		header.status();
		servers.status();
		badPaths.status();
	},
	flows: () => map.drawFlows(),
	lost: (lost) => { byId("lost").hidden = !lost; },
});
