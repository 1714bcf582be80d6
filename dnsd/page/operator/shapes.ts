// shapes.ts - a state is a shape as well as a colour: a reader that cannot distinguish colours sees
// it, too. Paths around 0,0 for a mark of radius 1.
import { State } from "./model";

export const SHAPES: Record<State, string> = {
	up: "M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z",
	unknown: "M0,-1.25L1.25,0L0,1.25L-1.25,0Z",
	down: "M-.9,-.9H.9V.9H-.9Z",
	drained: "M0,-1.2L1.15,.85H-1.15Z",
};

/** So that it is seen without colour and without shape. */
export const CROSS = "M-.9,-.9L.9,.9M.9,-.9L-.9,.9";

export const SIGNS: Record<State, string> = { up: "●", unknown: "◆", down: "■", drained: "▲" };
