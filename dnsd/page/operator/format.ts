// format.ts - numbers as people read them.
import { t } from "./texts";

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

export function bandwidth(kbps: number): string {
	if (kbps >= 1e6) return `${(kbps / 1e6).toFixed(1)} Gbit/s`;
	if (kbps >= 1e3) return `${(kbps / 1e3).toFixed(0)} Mbit/s`;
	return `${Math.round(kbps)} kbit/s`;
}

export function age(seconds: number | null): string {
	if (seconds === null) return t.format.none;
	if (seconds < 100) return t.format.s(seconds.toFixed(0));
	return duration(seconds);
}

export function duration(seconds: number): string {
	if (seconds < 60) return t.format.s(Math.floor(seconds));
	if (seconds < 3600) return t.format.min(Math.floor(seconds / 60));
	if (seconds < 2 * 86400) return t.format.h(Math.floor(seconds / 3600), Math.floor(seconds % 3600 / 60));
	return t.format.days(Math.floor(seconds / 86400));
}

export const rate = (perSecond: number): string =>
	perSecond === 0 ? "0" : perSecond < 10 ? perSecond.toFixed(1) : perSecond.toFixed(0);
