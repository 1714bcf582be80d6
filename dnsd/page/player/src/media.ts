// A stream in a video element: by WHEP, HTTP-FLV by mpegts.js, HLS by hls.js or by the
// browser itself.
import Hls from "hls.js/light";
import mpegts from "mpegts.js";
import type { Format } from "./options.js";
import { openWhep } from "./whep.js";

export interface Media {
	close(): void;
}

/** The stream broke or ended; not called after close(). */
export type Ended = (why: "error" | "end") => void;

/** The format of lines that offer no WHEP. */
export function formatFor(wanted: "auto" | "flv" | "hls"): "flv" | "hls" {
	if (wanted !== "auto") return wanted;
	return mpegts.getFeatureList().mseLivePlayback ? "flv" : "hls";
}

export function open(video: HTMLVideoElement, url: string, format: Format,
	ended: Ended): Media {
	let closed = false;
	// Never from within the library that calls: it is going to be closed.
	const later: Ended = (why) => {
		setTimeout(() => { if (!closed) ended(why); });
	};
	const media = format === "whep" ? openWhep(video, url, later) :
		format === "flv" ? openFlv(video, url, later) :
		Hls.isSupported() ? openHls(video, url, later) : openNative(video, url, later);
	return {
		close() {
			closed = true;
			media.close();
		},
	};
}

function openFlv(video: HTMLVideoElement, url: string, ended: Ended): Media {
	mpegts.LoggingControl.enableAll = false;
	const player = mpegts.createPlayer({ type: "flv", isLive: true, url }, {
		enableStashBuffer: false, lazyLoad: false, deferLoadAfterSourceOpen: false,
		autoCleanupSourceBuffer: true,
	});
	player.on(mpegts.Events.ERROR, () => ended("error"));
	player.on(mpegts.Events.LOADING_COMPLETE, () => ended("end"));
	player.attachMediaElement(video);
	player.load();
	return { close: () => player.destroy() };
}

function openHls(video: HTMLVideoElement, url: string, ended: Ended): Media {
	const hls = new Hls({
		enableWorker: false, liveSyncDurationCount: 2, liveMaxLatencyDurationCount: 6,
		backBufferLength: 10,
	});
	hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) ended("error"); });
	hls.attachMedia(video);
	hls.loadSource(url);
	return { close: () => hls.destroy() };
}

function openNative(video: HTMLVideoElement, url: string, ended: Ended): Media {
	const error = () => ended("error"), end = () => ended("end");
	video.addEventListener("error", error);
	video.addEventListener("ended", end);
	video.src = url;
	return {
		close() {
			video.removeEventListener("error", error);
			video.removeEventListener("ended", end);
			video.removeAttribute("src");
			video.load();
		},
	};
}
