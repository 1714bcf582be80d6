// en.ts - every text of the page in English; the other tables have its type, so that a
// text that one of them lacks does not compile.
const s = (n: number): string => n === 1 ? "" : "s";

export const en = {
	tag: "en",
	states: { up: "up", unknown: "unknown", down: "down", drained: "drained" },
	roles: { edge: "edge", origin: "origin", relay: "relay", recorder: "recorder" },
	/** Of the server's reasons, where they are said otherwise than it does. */
	whys: {} as Record<string, string>,
	/** What stands in index.html: its data-t, data-t-label, data-t-hint. */
	page: {
		language: "Language",
		summary: "Nodes by state",
		lost: "No connection to dnsd: what you see is old. Trying again.",
		blind: "Our own network is suspect: most nodes time out, their last good states are held.",
		noPlaces: "No data of where viewers are (neither geoip nor nets): all are equally far from every node, load alone decides. dnsd-geo-update brings data.",
		map: "Map of the nodes", skipMap: "Skip the map", zoomIn: "Zoom in", zoomOut: "Zoom out",
		zoomNodes: "Nodes", zoomWorld: "World", world: "World map", legend: "Legend", node: "Node",
		waiting: "Waiting for approval",
		nodes: "Nodes", filter: "Filter", filterHint: "name, role, site, provider, state", table: "Table of nodes",
		roleChoice: "Nodes by role",
		explain: "Where would this client go?", name: "Name", client: "Client", explainGo: "Explain",
		servers: "Name servers", serversPeers: "Other name servers", serversOpen: "Pending, refused, in conflict",
		paths: "Paths as they were measured", pathsTable: "Table of paths",
		streams: "Streams", streamsFilter: "Filter", streamsHint: "stream, node, role", streamsTable: "Table of streams",
		fleet: "The fleet over time",
		token: "Token", goOn: "Go on", cancel: "Cancel",
	},
	noConnection: "no connection to dnsd",
	and_more: (n: number) => `and ${n} more`,
	format: {
		none: "none",
		s: (n: number | string) => `${n} s`, min: (n: number) => `${n} min`, h: (h: number, min: number) => `${h} h ${min} min`,
		days: (n: number) => `${n} days`,
	},
	header: {
		says: (version: string, up: string) => `${version}, up ${up}`,
		answers: (rate: string) => `, ${rate} answers/s`,
		bad: (n: number) => `, ${n} bad path${s(n)}`,
		reload: (error: string) => `Last reload refused: ${error}`,
		late: (zone: string, left: string) => `Signatures of ${zone} are not renewed: they expire in ${left}.`,
		expired: (zone: string) => `Signatures of ${zone} have expired: resolvers that validate get no answers.`,
		keys: (zone: string, error: string) => `Keys of ${zone} cannot be read, so a reload or restart would fail: ${error}.`,
	},
	/** What is done with a node. */
	deeds: { drain: "drain", undrain: "undrain", approve: "approve", remove: "remove", move: "move viewers of" },
	deed: {
		to: (deed: string, node: string) => `To ${deed} ${node}.`,
		says: (deed: string, node: string, what: string) => `${deed} ${node}: ${what}`,
		refused: (node: string) => `That token was refused; ${node} was not changed.`,
		done: (note: string) => `done, ${note}`,
		doneOn: (scope: string, note: string) => `done, on ${scope}: ${note}`,
		started: "begun",
		status: (n: number) => `status ${n}`,
	},
	map: {
		legend: "filling: load; arcs, narrow at their end: where viewers were sent recently; rings: in their own area; dotted: bad paths, much worse than by distance, at most 100",
		viewers: (n: string, share: string) => `${n} viewers, ${share}`,
		client: "the client",
		group: (n: number, states: string, load: string) => `${n} nodes: ${states}; mean load ${load}`,
	},
	node: {
		node: "Node", role: "Role", site: "Site", provider: "Provider", state: "State", why: "Why", load: "Load",
		connections: "Connections", conns: "Conns", inFlight: "In flight", bandwidth: "Bandwidth", cpu: "CPU", sampleAge: "Sample age",
		answers: "Answers", perSecond: "Answers/s", addresses: "Addresses", place: "Place", actions: "Actions",
		of: (n: number, all: number) => `${n} of ${all}`,
		answered: (n: number, rate: string) => `${n}, ${rate}/s`,
	},
	table: { drain: "Drain", undrain: "Undrain", all: "all" },
	panel: {
		close: "Close", remove: "Remove",
		confirm: (name: string) => `Remove ${name}? It gets no viewers any more.`,
		nodes: (n: number) => `${n} nodes`,
		history: "Load history", hour: "Hour", day: "Day", week: "Week",
	},
	move: {
		button: "Move viewers", rate: "a second", progress: "Viewers that were moved",
		count: (moved: number, left: number) => `${moved} of ${moved + left} moved, ${left} left`,
		states: {
			waits: (m: { waits_s: number; per_s: number }) => `waits ${Math.ceil(m.waits_s)} s more until no resolver names this node`,
			moves: (m: { waits_s: number; per_s: number }) => `${m.per_s} viewers a second are closed and come back elsewhere`,
			held: () => "paused: the other nodes are full",
			done: () => "done: nobody is left that is to be moved",
			stopped: () => "stopped before its end",
		},
	},
	detail: {
		grade: "Grade", best: "0, the best", back: "At the back", backFor: (time: string) => `for ${time}`, no: "no",
		unanswered: "Unanswered polls", roundTrip: "Round trip", jitter: "Jitter", lost: "Publishers lost",
		restarts: "Restarts", falls: "Falls", overHours: (now: string, hours: string) => `${now}, over hours ${hours}`,
		findsIt: (server: string) => `${server} finds it`,
		view: (state: string, time: string) => `${state} for ${time}`, notCounted: " (not counted)",
		streams: "Streams", heartbeats: "Heartbeats", ignored: "ignored: polls contradict them",
		leftOut: "Streams left out", unreadable: (n: number) => `${n}, unreadable`,
		records: "Records", nothing: "nothing now",
	},
	chart: {
		time: "Time", connections: "Connections", load: "Load", bandwidth: "Bandwidth", roundTrip: "Round trip", loss: "Loss",
		minute: "minute", minutes: (n: number) => `${n} minutes`,
		tooLittle: (step: string) => `Too little is known yet: a point is written each ${step} at most.`,
	},
	explain: {
		nowhere: "nowhere known", aPlace: "a place", at: (lat: string, lon: string) => ` at ${lat}, ${lon}`, by: (source: string) => ` (by ${source})`,
		others: "by other paths", distance: "by distance",
		measured: (networks: number, age: string, loss: string) => `by ${networks} networks, ${age} ago, loss ${loss} %`,
		numbers: (path: string, by: string, penalty: string, price: string, load: string, flight: string) =>
			`path ${path} (${by})${penalty ? `, penalty ${penalty}` : ""}, price ${price}, load ${load}, in flight ${flight}`,
		isIn: (client: string, place: string) => `${client} is in ${place}. `,
		gets: (ttl: number, scope: number) => ` for ${ttl} s, scope /${scope}.`,
		candidates: "Candidates", path: "path", penalty: "penalty", price: "price of load", cut: "a cut bar goes on",
	},
	path: {
		title: (area: string, node: string) => `${area} to ${node}`,
		byDistance: (ms: string) => `by distance ${ms} ms`,
		says: (ms: string, distance: string, loss: string, networks: number) =>
			`${ms} ms, by distance ${distance} ms, loss ${loss} %, ${networks} networks`,
		cell: (networks: number, age: string, loss: string, distance: string) =>
			`${networks} networks, ${age} ago, loss ${loss} %, by distance ${distance} ms`,
		nothing: "Nothing is reported yet: every path is by distance.",
		shown: (n: number, all: number) => `Round trips in ms, and loss from half a per cent on, of ${n} of ${all} areas. Red: bad, much worse than by distance. One of them, pressed, shows its last day.`,
		clients: "Clients", colon: ": ", comma: ", ",
	},
	servers: {
		notConnected: (as: string, since: string, why: string) => `${as}: not connected to etcd for ${since}: ${why}`,
		connected: (as: string, since: string, revision: number, registry: string) =>
			`${as}: connected to etcd for ${since}, revision ${revision}, the registry is ${registry}`,
		notHeard: "not heard yet", heard: (age: string) => `heard ${age} s ago`, notCounted: ", not counted",
		finds: (up: number, unknown: number, down: number) => `finds ${up} up, ${unknown} unknown, ${down} down`,
		suspect: "; its own network is suspect",
		pending: (key: string) => `${key}: pending`, morePending: (n: number) => `and ${n} more pending`,
		refused: (key: string, text: string) => `${key}: refused: ${text}`,
		conflict: (key: string, text: string, age: string) => `${key}: ${text}, ${age} ago`,
		registry: (is: string) => `The registry in etcd is ${is}: what this name server has stays in force.`,
		apart: (why: string) => `Apart from the other name servers: ${why}. Changes made here are sent later.`,
	},
	waiting: {
		says: (name: string, address: string, seen: string, connections: number) =>
			`${name} from ${address}, seen ${seen} ago, ${connections} connections`,
		approve: "Approve", approveNode: (name: string) => `Approve ${name}`,
		at: "At", atTitle: "latitude, longitude", capacity: "Capacity",
		address: "ADDRESS",
	},
	streams: {
		stream: "Stream", nodes: "Nodes", viewers: "Viewers",
		none: "No stream is published to an origin, relay or recorder.",
		shown: (n: number, all: number) => `${n} of ${all} streams.`,
		note: "Viewers: clients of edges, which list streams only where a name has streams: true. Clients of an origin are its publisher and edges, too.",
		on: (node: string, role: string, clients: number) => `${node} (${role}): ${clients}`,
	},
	fleet: {
		peak: (n: number) => `At most ${n} connections.`,
		of: (n: number) => `The sum of connections and bandwidth and the mean load of ${n} node${s(n)}, as chosen above.`,
		tooMany: (n: number, most: number) => `${n} nodes are chosen; the sum is of ${most} at most: choose a role or filter.`,
	},
};

export type Texts = typeof en;
