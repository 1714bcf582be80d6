// path.ts - a path of an area of clients to a node, as the server shows it.
import { Place } from "./model";
import { t } from "./texts";

export interface Path {
	area: { id: string; at: Place; country?: string; asn?: number };
	node: string;
	distance_ms: number;
	path_ms: number;
	loss: number;
	networks: number;
	age_s: number;
	bad: boolean;
}

export function areaTitle(area: Path["area"]): string {
	const [lat, lon] = area.at;
	return `${area.country ? `${area.country} ` : ""}${lat.toFixed(1)}, ${lon.toFixed(1)}${area.asn ? `, AS ${area.asn}` : ""}`;
}

export function pathTitle(path: Path): string {
	return t.path.title(areaTitle(path.area), path.node) + t.path.colon
		+ t.path.says(path.path_ms.toFixed(0), path.distance_ms.toFixed(0), (path.loss * 100).toFixed(1), path.networks);
}
