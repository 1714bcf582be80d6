// A stream by WHEP (draft-ietf-wish-whep): WebRTC, half a second behind the teacher.
// One request brings the answer; SRS has its address in it, so that the offer goes
// without candidates of its own.
import type { Ended, Media } from "./media.js";

/** No connection for so long after the answer: no UDP goes through. The first picture may take longer,
 * up to the distance of key frames. */
const CONNECT_MS = 3000;

export function whepSupported(): boolean {
	return typeof RTCPeerConnection === "function";
}

/** Sends the offer. Returns where the session is to be deleted, if that is said to
 * pages of another origin. */
async function negotiate(peer: RTCPeerConnection, url: string, signal: AbortSignal):
	Promise<string | null> {
	peer.addTransceiver("audio", { direction: "recvonly" });
	peer.addTransceiver("video", { direction: "recvonly" });
	await peer.setLocalDescription();
	const response = await fetch(url, {
		method: "POST", headers: { "Content-Type": "application/sdp" },
		body: peer.localDescription!.sdp, signal,
	});
	if (!response.ok) throw new Error(`WHEP: ${response.status}`);
	await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
	const session = response.headers.get("Location");
	return session && new URL(session, url).href;
}

export function openWhep(video: HTMLVideoElement, url: string, ended: Ended): Media {
	const peer = new RTCPeerConnection(), stop = new AbortController();
	let session: string | null = null;
	const remove = () => {
		if (session) fetch(session, { method: "DELETE", keepalive: true }).catch(() => {});
	};
	let timer: ReturnType<typeof setTimeout> | undefined;
	peer.addEventListener("track", (event) => { video.srcObject = event.streams[0]; });
	peer.addEventListener("connectionstatechange", () => {
		if (peer.connectionState === "failed") ended("error");
	});
	negotiate(peer, url, stop.signal).then((where) => {
		session = where;
		if (stop.signal.aborted) {
			remove();
			return;
		}
		timer = setTimeout(() => {
			if (peer.connectionState !== "connected") ended("error");
		}, CONNECT_MS);
	}).catch(() => ended("error"));
	return {
		close() {
			clearTimeout(timer);
			stop.abort();
			remove();
			peer.close();
			video.srcObject = null;
		},
	};
}
