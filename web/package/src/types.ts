/** What the networks inside the package remove. */
export type Task = "derain" | "denoise" | "deblur";

/**
 * How features and weights are stored: `f32`; `f16`, which takes half the memory and falls back to f32 where a photo needs it;
 * or `exact`, f32 without Winograd convolutions. Arithmetic is f32 in all of them.
 */
export type Precision = "f32" | "f16" | "exact";

/** What a restorer is made of: a task, or weights of your own. */
export interface CreateOptions {
  /** Whose weights are fetched from beside the package, 1.8 MB; `denoise` without it. */
  task?: Task;
  /** The bytes of a safetensors file of any MPRNet, instead of a task. */
  weights?: ArrayBuffer | Uint8Array;
  /** `f32` without it. */
  precision?: Precision;
  /** The most bytes of the GPU's memory that a photo may take; what takes more is computed in bands of rows. 2 GiB without it. */
  memory?: number;
  /** Makes the worker, where a bundler or a policy wants that done in another way: a module worker of `mprnet/worker`. */
  worker?: () => Worker;
  /** Ends the opening. */
  signal?: AbortSignal;
}

/** A photo. Canvases and bitmaps lose what colours fully transparent pixels have; ImageData keep them. */
export type Photo = ImageData | ImageBitmap | HTMLCanvasElement | OffscreenCanvas | HTMLImageElement | VideoFrame;

export interface RestoreOptions {
  /** Ends the restoration, which then rejects with an error of the kind `aborted`. */
  signal?: AbortSignal;
  /** Hears how far it has come, 0 to 1, a few times a second. */
  onProgress?: (share: number) => void;
  /** How far the result goes from the photo to what the network makes of it, 0 to 1; 1 without it. */
  strength?: number;
}

/** What a photo takes. */
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
  workgroup_memory: number;
  workgroups: number;
}

/**
 * `no-webgpu`: the browser lacks it, or has no GPU for it; `weights`: no file of an MPRNet; `too-large`: not even bands of the
 * photo fit the GPU's memory; `input`: no photo; `aborted`: by your signal; `device-lost`: the GPU was lost, and again when it was
 * opened anew; `failed`: anything else.
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
