// What the page and its worker say to each other.

import type { AdapterInfo, Insides, Mode, Network, Plan, Precision, Profile } from "./types.js";

/** A photo on its way to the worker. */
export type Sent =
  | { kind: "pixels"; rgba: ArrayBuffer; width: number; height: number }
  | { kind: "bitmap"; bitmap: ImageBitmap };

/** How a network is to be used; what is not there is as usual. */
export interface How {
  precision: Precision;
  memory: number;
  mode: Mode;
  trainSize?: number | undefined;
  tile?: number | undefined;
  overlap?: number | undefined;
}

/** What is told of an opened network. */
export interface Opened {
  adapter: AdapterInfo;
  network: Network;
}

/** What the worker is asked. */
export type Ask =
  | { ask: "open"; weights: ArrayBuffer | null; model: string; origin: string; how: How }
  | { ask: "restore"; photo: Sent; strength: number }
  | { ask: "inside"; photo: Sent }
  | { ask: "plan"; width: number; height: number }
  | { ask: "profile"; width: number; height: number }
  | { ask: "check"; name: string; weights: Uint8Array; tensors: Uint8Array; local: number | undefined };

/** To the worker: something to do, under a number; or the end of what has that number. */
export type ToWorker = { id: number; ask: Ask } | { stop: number };

/** What answers what was asked. */
export type Answer = ImageData | Insides | Opened | Plan | Profile | string;

/** What comes back; `broken` where nothing can be asked any more. */
export type FromWorker =
  | { id: number; done: Answer }
  | { id: number; progress: number }
  | { id: number; failed: { kind: string; message: string } }
  | { broken: string };

/** What is said of a message whose content its receiver could not make. */
export const UNREAD = "did not arrive whole, perhaps for lack of memory: create the network anew, and take a smaller photo";
