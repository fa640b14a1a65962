/**
 * Restores photographs with MPRNet on the GPU. All work is done by a worker of its own, so the page stays alive.
 *
 *     import { Mprnet } from "mprnet";
 *     const mprnet = await Mprnet.create({ task: "denoise" });
 *     const clean = await mprnet.restore(await createImageBitmap(file));
 *     mprnet.dispose();
 */

import { UNREAD } from "./messages.js";
import type { Ask, FromWorker, Opened, Sent, ToWorker } from "./messages.js";
import { MprnetError } from "./types.js";
import type {
  AdapterInfo, CreateOptions, ErrorKind, Insides, Network, Photo, Plan, Profile, RestoreOptions, RunOptions, Task,
} from "./types.js";

export * from "./types.js";

/** The weights beside the package, which bundlers find by these very expressions. */
const MODELS: Record<Task, URL> = {
  derain: new URL("./models/derain.safetensors", import.meta.url),
  denoise: new URL("./models/denoise.safetensors", import.meta.url),
  deblur: new URL("./models/deblur.safetensors", import.meta.url),
};

const MEMORY = 2 * 2 ** 30;

/** Somebody who waits for the worker. */
interface Waiting {
  resolve: (value: never) => void;
  reject: (error: MprnetError) => void;
  progress?: (share: number) => void;
}

/** A network on the GPU, in a worker of its own. */
export class Mprnet {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #opened: Opened | null = null;
  #last = 0;
  /** Ends when all photos that were given so far are ready for the worker. */
  #packed: Promise<void> = Promise.resolve();
  /** Why nothing can be asked any more. */
  #ended: MprnetError | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#hear(event.data);
    worker.onerror = (event) => {
      const text = event.message || "its script was not loaded: is it served, and allowed by the page's policy?";
      this.#end(new MprnetError("failed", `the worker failed: ${text}`));
    };
    // Nothing tells whose answer it was. Chromium's workers have the event, but no property for it.
    const unread = () => this.#end(new MprnetError("failed", `an answer of the worker ${UNREAD}`));
    worker.addEventListener("messageerror", unread);
  }

  /** Opens the GPU and loads a network. */
  static async create(options: CreateOptions = {}): Promise<Mprnet> {
    const { task = "denoise", precision = "f32", memory = MEMORY, mode = "global", signal } = options;
    const { trainSize, tile, overlap } = options;
    if (!("gpu" in navigator)) {
      throw new MprnetError("no-webgpu", "this browser has no WebGPU, or the page is not served by https or from localhost");
    }
    const given = options.weights && bytes(options.weights);
    const model = given ? null : MODELS[task];
    if (model === undefined) {
      throw new MprnetError("input", `${task} is no task: give derain, denoise or deblur, or weights`);
    }
    for (const [name, pixels] of Object.entries({ trainSize, tile, overlap })) {
      if (pixels !== undefined && !(Number.isInteger(pixels) && pixels >= 0 && pixels < 2 ** 32)) {
        throw new MprnetError("input", `${name} is ${pixels}: give a whole number of pixels`);
      }
    }
    if (!(typeof memory === "number" && memory >= 0)) {
      throw new MprnetError("input", `memory is ${memory}: give a number of bytes, or Infinity for all there are`);
    }
    const make = options.worker ?? (() => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
    const made = new Mprnet(make());
    const origin = given ? "the weights given" : `the model ${task}`;
    const how = { precision, memory, mode, trainSize, tile, overlap };
    const open: Ask = { ask: "open", weights: given ?? null, model: model?.href ?? "", origin, how };
    try {
      made.#opened = await made.#ask<Opened>(open, given ? [given] : [], { signal });
      return made;
    } catch (error) {
      made.dispose();
      throw error;
    }
  }

  /** Restores a photo of any size; the result has its width and height. Photos are restored in the order they are given. */
  async restore(photo: Photo, options: RestoreOptions = {}): Promise<ImageData> {
    const { strength = 1 } = options;
    if (!(strength >= 0 && strength <= 1)) {
      throw new MprnetError("input", `a strength of ${strength} is not from 0 to 1`);
    }
    return this.#run<ImageData>(photo, (photo) => ({ ask: "restore", photo, strength }), options);
  }

  /**
   * Restores a photo, and gives what the stages before the last and the attention modules make of it besides. The maps of all
   * channels pass through memory: take a small photo, or a part of one. In the mode `tiled` it must be no larger than a tile.
   */
  inside(photo: Photo, options: RunOptions = {}): Promise<Insides> {
    return this.#run<Insides>(photo, (photo) => ({ ask: "inside", photo }), options);
  }

  /** What a photo of that size would take. */
  plan(width: number, height: number): Promise<Plan> {
    return this.#ask<Plan>({ ask: "plan", width, height }, []);
  }

  /** Where the time goes with a photo of that size, which is run twice; in the mode `tiled` with one of its tiles. */
  profile(width: number, height: number): Promise<Profile> {
    return this.#ask<Profile>({ ask: "profile", width, height }, []);
  }

  /** What the GPU is, as far as the browser tells. */
  adapterInfo(): AdapterInfo {
    return this.#known().adapter;
  }

  /** What the network is. */
  network(): Network {
    return this.#known().network;
  }

  /**
   * Checks the GPU with a network's weights and PyTorch's tensors, safetensors files both, as `mprnet conformance` does; gives
   * its checks as JSON. `local` is a side of the training's crops, in the local mode.
   */
  check(name: string, weights: Uint8Array, tensors: Uint8Array, local?: number): Promise<string> {
    return this.#ask<string>({ ask: "check", name, weights, tensors, local }, []);
  }

  /** Ends what is under way, and gives all memory back. */
  dispose(): void {
    this.#end(new MprnetError("aborted", "the network was disposed of"));
  }

  #known(): Opened {
    if (!this.#opened) throw new MprnetError("failed", "the GPU is not open");
    return this.#opened;
  }

  async #run<T>(photo: Photo, ask: (sent: Sent) => Ask, { signal, onProgress }: RunOptions): Promise<T> {
    // It begins at once, since whoever gives a photo may draw over it later. Some photos take longer, and numbers go by
    // the order.
    const packing = packed(photo);
    const inTurn = Promise.allSettled([packing, this.#packed]).then(() => packing);
    const over = () => undefined;
    this.#packed = inTurn.then(over, over);
    const sent = await inTurn;
    const bitmaps = sent.kind === "bitmap" ? [sent.bitmap] : [];
    const moved = sent.kind === "pixels" ? [sent.rgba] : bitmaps;
    const answer = this.#ask<T>(ask(sent), moved, { signal, progress: onProgress });
    // One that was cancelled before it was handed over is still here.
    return answer.finally(() => bitmaps.forEach((bitmap) => bitmap.close()));
  }

  #ask<T>(
    ask: Ask,
    moved: Transferable[],
    watch: { signal?: AbortSignal | undefined; progress?: ((share: number) => void) | undefined } = {},
  ): Promise<T> {
    const { signal, progress } = watch;
    const aborted = () => new MprnetError("aborted", "it was ended by the page's signal");
    if (this.#ended) return Promise.reject(this.#ended);
    if (signal?.aborted) return Promise.reject(aborted());
    const id = ++this.#last;
    const stop = () => {
      this.#worker.postMessage({ stop: id } satisfies ToWorker);
      this.#take(id)?.reject(aborted());
    };
    const answer = new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, ...(progress && { progress }) });
    });
    signal?.addEventListener("abort", stop, { once: true });
    try {
      this.#worker.postMessage({ id, ask } satisfies ToWorker, moved);
    } catch (error) {
      const text = `the worker cannot be handed what was given: ${(error as Error).message}`;
      this.#take(id)?.reject(new MprnetError("input", text));
    }
    return answer.finally(() => signal?.removeEventListener("abort", stop));
  }

  #hear(message: FromWorker): void {
    if ("broken" in message) {
      this.#end(new MprnetError("failed", message.broken));
    } else if ("progress" in message) {
      this.#waiting.get(message.id)?.progress?.(message.progress);
    } else if ("failed" in message) {
      const { kind, message: text } = message.failed;
      this.#take(message.id)?.reject(new MprnetError(kind as ErrorKind, text));
    } else {
      this.#take(message.id)?.resolve(message.done as never);
    }
  }

  #take(id: number): Waiting | undefined {
    const found = this.#waiting.get(id);
    this.#waiting.delete(id);
    return found;
  }

  #end(why: MprnetError): void {
    this.#ended ??= why;
    // The worker's end gives its memory back, the GPU's too.
    this.#worker.terminate();
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(this.#ended);
  }
}

/** A copy of the bytes, to be moved to the worker. */
function bytes(given: ArrayBuffer | Uint8Array): ArrayBuffer {
  return given instanceof Uint8Array ? (given.slice().buffer as ArrayBuffer) : given.slice(0);
}

/** A copy of a photo as it goes to the worker: pixels as they are, anything else as a bitmap. */
async function packed(photo: Photo): Promise<Sent> {
  if (photo instanceof ImageData) {
    if (!(photo.data instanceof Uint8ClampedArray) || photo.colorSpace !== "srgb") {
      throw new MprnetError("input", "this ImageData is not of 8 bits in sRGB: draw it to a canvas of those first");
    }
    // Some browsers would hand over nothing, rather than refuse to.
    if (photo.data.length === 0) {
      throw new MprnetError("input", "this ImageData has no pixels any more: they were transferred");
    }
    const { width, height } = photo;
    try {
      return { kind: "pixels", rgba: photo.data.slice().buffer, width, height };
    } catch (error) {
      throw new MprnetError("too-large", `there is no memory for a copy of the photo: ${(error as Error).message}`);
    }
  }
  try {
    return { kind: "bitmap", bitmap: await createImageBitmap(photo, { premultiplyAlpha: "none" }) };
  } catch (error) {
    throw new MprnetError("input", `no pixels can be had of what was given: ${(error as Error).message}`);
  }
}
