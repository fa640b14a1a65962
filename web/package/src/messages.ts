// What the page and its worker say to each other.

import type { AdapterInfo, Plan, Precision } from "./types.js";

/** A photo on its way to the worker. */
export type Sent = { kind: "pixels"; pixels: ImageData } | { kind: "bitmap"; bitmap: ImageBitmap };

/** What the worker is asked. */
export type Ask =
  | { ask: "open"; weights: ArrayBuffer | null; model: string; origin: string; precision: Precision; memory: number }
  | { ask: "restore"; photo: Sent; strength: number }
  | { ask: "plan"; width: number; height: number }
  | { ask: "check"; name: string; weights: Uint8Array; tensors: Uint8Array; local: number | undefined };

/** To the worker: something to do, under a number; or the end of what has that number. */
export type ToWorker = { id: number; ask: Ask } | { stop: number };

/** What comes back. */
export type FromWorker =
  | { id: number; done: AdapterInfo | ImageData | Plan | string }
  | { id: number; progress: number }
  | { id: number; failed: { kind: string; message: string } }
  | { broken: string };
