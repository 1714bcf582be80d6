// What a site may set, with its defaults.
import type { Line } from "./lines.js";

export type Format = "whep" | "flv" | "hls";

export interface Options {
	/** The steered name, "live.example.com". */
	name: string;
	/** "app/stream". */
	stream: string;
	/** The name server's public listener, "https://dns.example.com/". Without it
	 * the hosts of the lines are made from name. */
	api?: string;
	/** Lines of the name; the API's answer wins. */
	lines?: number;
	/** Of the buttons. */
	labels?: string[];
	/** Left out: the browser's, and the viewer may change it. */
	lang?: "zh" | "en";
	/** auto: WHEP where a line offers it and its UDP gets through, else HTTP-FLV
	 * where the browser can, else HLS. */
	format?: "auto" | "flv" | "hls";
	/** host: URLs name the line and DNS decides when they are opened. address:
	 * URLs have the address that the API gave. */
	by?: "host" | "address";
	/** HTTP port of the nodes, where the API does not give it. */
	port?: number;
	/** Makes the URL instead: for HTTPS, tokens, other paths. */
	url?: (line: Line, format: Format) => string;
	/** The picture stands still for so long: another line. */
	stall_s?: number;
	/** No first picture for so long: another line. */
	startup_s?: number;
	/** HTTP-FLV further behind than this jumps to what is live. */
	latency_s?: number;
	/** Report stalls and switches to the name server. */
	report?: boolean;
	/** Time a small request to each line, at the start and every five minutes, and
	 * report it. Not without report. */
	measure?: boolean;
	/** Whose lines these are; the name server takes it from trusted callers only:
	 * demonstrations and tests. */
	client?: string;
	/** Without the browser's permission to sound a video starts muted anyhow. */
	muted?: boolean;
	/** false: the site styles the classes dnsd-* itself. */
	css?: boolean;
}

export type Settings = Required<Omit<Options, "api" | "url" | "client" | "lang">> &
	Pick<Options, "api" | "url" | "client" | "lang">;

/** Throws on what cannot work. */
export function complete(options: Options): Settings {
	if (!options.name) throw new TypeError("name is missing");
	if (!/^[^/]+(\/[^/]+)+$/.test(options.stream ?? ""))
		throw new TypeError("stream is not app/stream");
	if (options.by === "address" && !options.api)
		throw new TypeError("by: \"address\" needs the API");
	const api = options.api?.replace(/\/*$/, "/");
	return {
		lines: 3, labels: [], format: "auto", by: "host", port: 8080,
		stall_s: 6, startup_s: 8, latency_s: 5, report: true, measure: true, muted: false, css: true,
		...options, api,
	};
}
