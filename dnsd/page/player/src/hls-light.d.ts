// hls.js has its build without subtitles, other audio and DRM untyped.
declare module "hls.js/light" {
	export { default } from "hls.js";
}
