/** What the networks inside the package remove. */
export type Task = "derain" | "denoise" | "deblur";

/**
 * How features and weights are stored: `f32`; `f16`, which takes half the memory and falls back to f32 where a photo needs it;
 * or `exact`, f32 without Winograd convolutions. Sums are f32 in all of them.
 */
export type Precision = "f32" | "f16" | "exact";

/**
 * What each channel attention takes its mean over: `global`, the whole patch that a stage sees, as the paper has it; `local`, a
 * window around each pixel, half as large again as what the mean saw in training; `tiled`, the tile that a pixel is in, each
 * restored by itself and blended with its neighbours, which is approximate, and takes the memory of one tile.
 */
export type Mode = "global" | "local" | "tiled";

/** What a restorer is made of: a task, or weights of your own. */
export interface CreateOptions {
  /** Whose weights are fetched from beside the package, 1.8 MB; `denoise` without it. */
  task?: Task;
  /** The bytes of a safetensors file of any MPRNet, instead of a task. */
  weights?: ArrayBuffer | Uint8Array;
  /** `f32` without it. */
  precision?: Precision;
  /**
   * The most bytes of the GPU's memory that a photo may take, Infinity for all there are; what takes more is computed
   * in bands of rows. 2 GiB without it.
   */
  memory?: number;
  /** `global` without it. */
  mode?: Mode;
  /** With `local`: a side of the square crops that the network was trained on, in pixels; without it what its file says. */
  trainSize?: number;
  /** With `tiled`: a tile's side, in pixels; 512 without it. */
  tile?: number;
  /** With `tiled`: how much neighbouring tiles overlap at least, in pixels; 32 without it, or half of a smaller tile. */
  overlap?: number;
  /** Makes the worker, where a bundler or a policy wants that done in another way: a module worker of `mprnet/worker`. */
  worker?: () => Worker;
  /** Ends the opening. */
  signal?: AbortSignal;
}

/** A photo. Canvases and bitmaps lose colours where they are transparent, the more the fainter; ImageData keep them. */
export type Photo = ImageData | ImageBitmap | HTMLCanvasElement | OffscreenCanvas | HTMLImageElement | VideoFrame;

/** Who may end a run, and hears of it. */
export interface RunOptions {
  /** Ends it; it then rejects with an error of the kind `aborted`. */
  signal?: AbortSignal;
  /** Hears how far it has come, 0 to 1, a few times a second. */
  onProgress?: (share: number) => void;
}

export interface RestoreOptions extends RunOptions {
  /** How far the result goes from the photo to what the network makes of it, 0 to 1; 1 without it. */
  strength?: number;
}

/** What a photo takes; in the mode `tiled` each of its tiles, one after the other. */
export interface Plan {
  width: number;
  height: number;
  /** Bytes on the GPU, weights apart. */
  memory: number;
  /** Bytes of tensors that pass through the page's own memory. */
  hostMemory: number;
  /** Bytes of the GPU's memory that photos may take. */
  allowed: number;
  /** Bands of rows that it is computed in, of all groups of operators; 1 where it is computed as a whole. */
  bands: number;
  operators: number;
  multiplyAdds: number;
}

/** The widths of a network, by the paper's names, and its size. */
export interface Network {
  /** n_feat: channels at full size. */
  features: number;
  /** scale_unetfeats: channels added at each halving in stages 1 and 2. */
  unetFeatures: number;
  /** scale_orsnetfeats: channels added in stage 3. */
  orsnetFeatures: number;
  /** num_cab: channel attention blocks in each of stage 3's three blocks. */
  blocks: number;
  /** The square of so many pixels on a side that the network sees as one, with three channels for each of them; 1 in the paper. */
  shuffle: number;
  parameters: number;
}

/** What an attention module lets through of each place: the mean over its channels, 0 to 1, row by row. */
export interface AttentionMap {
  width: number;
  height: number;
  channels: number;
  values: Float32Array;
}

/** What a network makes of a photo on the way to the result. */
export interface Insides {
  /** The images of the three stages, the last of which is the result. */
  stages: ImageData[];
  /** The maps of the supervised attention modules after stage 1 and stage 2. */
  attention: AttentionMap[];
}

/** The time of all operators of a kind. */
export interface KindOfOperator {
  /** Its name, as `mprnet profile` has it. */
  kind: string;
  operators: number;
  seconds: number;
  /** Of their sums as they are defined. */
  multiplyAdds: number;
}

/** Where the time of a run goes. */
export interface Profile {
  /**
   * What the times were read from: `pass-timestamps`, the GPU's own clock at the ends of each operator, which browsers may round;
   * or `wall`, the page's clock, from when the browser says that an operator is done to when it says so of the next.
   */
  clock: "pass-timestamps" | "wall";
  /** Of all operators. */
  seconds: number;
  /** Longest first. */
  kinds: KindOfOperator[];
}

/** What the GPU is and can do, as far as the browser tells. */
export interface AdapterInfo {
  /** Often empty: browsers tell little. */
  name: string;
  backend: string;
  driver: string;
  kind: string;
  /** Whether shaders run on the CPU. */
  software: boolean;
  /** Whether shaders have 16-bit floats; else two are packed in a word. */
  f16: boolean;
  subgroups: [number, number] | null;
  matrices: string[];
  /** Bytes of the largest buffer. */
  buffer: number;
  /** Bytes of a buffer that a shader sees at once. */
  binding: number;
  lanes: number;
  workgroupMemory: number;
  workgroups: number;
}

/**
 * `no-webgpu`: the browser lacks it, or has no GPU for it; `weights`: no file of an MPRNet; `too-large`: not even bands
 * of the photo fit the GPU's memory; `input`: no photo; `aborted`: by your signal; `device-lost`: the GPU was lost, and
 * again when it was opened anew, or could not be opened anew; `failed`: anything else.
 */
export type ErrorKind = "no-webgpu" | "weights" | "too-large" | "input" | "aborted" | "device-lost" | "failed";

/** What went wrong, in a sentence, and of which kind it is. */
export class MprnetError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string) {
    super(message);
    this.name = "MprnetError";
    this.kind = kind;
  }
}
