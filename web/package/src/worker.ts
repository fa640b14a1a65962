// The worker: opens the GPU, and restores photos one after the other.

import init, { Session, Stop, begin, open } from "./wasm/mprnet_web.js";
import { read } from "./bitmap.js";
import "./mapping.js";
import "./older.js";
import { UNREAD } from "./messages.js";
import type { Answer, Ask, FromWorker, Opened, Sent, ToWorker } from "./messages.js";
import type { AttentionMap, ErrorKind, Insides, Plan, Profile } from "./types.js";

type Open = Extract<Ask, { ask: "open" }>;

/** What the module's errors are called, and what they are to the page. */
const KINDS: Record<string, ErrorKind> = {
  NoGpu: "no-webgpu",
  Weights: "weights",
  TooLarge: "too-large",
  Input: "input",
  AbortError: "aborted",
  DeviceLost: "device-lost",
};

/** The module, which bundlers find by this very expression. */
const MODULE = new URL("./wasm/mprnet_web_bg.wasm", import.meta.url);

/** How long a browser may take to tell that a device was lost, once what ran on it has failed. */
const TOLD_MS = 250;

/** How long a browser may have no GPU after a loss: the process that serves it starts again first. */
const RESTART_MS = 2000;
const RETRY_MS = 100;

/** Something asked and not yet answered. */
interface Asked {
  ended: boolean;
  stop?: () => void;
}

const underWay = new Map<number, Asked>();
let session: Session | null = null;
/** What the session was opened with: a GPU that was lost is opened anew. */
let opened: { file: Uint8Array; ask: Open } | null = null;
/** Why the GPU was lost last. */
let loss = "";
/** The end of what was asked last: one thing is done at a time. */
let line: Promise<void> = Promise.resolve();

function say(message: FromWorker, moved: Transferable[] = []): void {
  (self as unknown as { postMessage(message: FromWorker, moved: Transferable[]): void }).postMessage(message, moved);
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function weights(ask: Open): Promise<Uint8Array> {
  if (ask.weights) return new Uint8Array(ask.weights);
  try {
    const answer = await fetch(ask.model);
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    throw new Error(`the answer is ${answer.status}`);
  } catch (error) {
    throw named("Failed", `${ask.origin} could not be fetched from ${ask.model}: ${(error as Error).message}`);
  }
}

async function reopen(): Promise<Session> {
  if (!opened) throw named("Failed", "no network was opened");
  session?.close();
  session = null;
  const { file, ask } = opened;
  session = await open(file, ask.origin, JSON.stringify(ask.how));
  return session;
}

/** The session; where the GPU was lost, it is opened anew. */
async function alive(): Promise<Session> {
  if (session) return session;
  const deadline = performance.now() + RESTART_MS;
  for (;;) {
    try {
      return await reopen();
    } catch (error) {
      if (performance.now() > deadline) {
        const why = `the GPU was lost (${loss}) and cannot be opened anew: ${(error as Error).message}`;
        throw named("DeviceLost", `${why}; try again later, or reload the page`);
      }
      await pause(RETRY_MS);
    }
  }
}

async function begun(ask: Open): Promise<Opened> {
  const [, file] = await Promise.all([init({ module_or_path: MODULE }), weights(ask)]);
  begin((text: string) => say({ broken: `${text}; this is a mistake of the library, please report it` }));
  opened = { file, ask };
  const { adapter, network } = JSON.parse((await reopen()).opened());
  const { workgroup_memory: workgroupMemory, ...others } = adapter;
  return { adapter: { ...others, workgroupMemory }, network };
}

/** Does what needs the GPU, and once more if that was lost meanwhile. */
async function surviving<T>(work: (session: Session) => Promise<T>): Promise<T> {
  for (let again = false; ; again = true) {
    const current = await alive();
    try {
      return await work(current);
    } catch (error) {
      const deadline = performance.now() + TOLD_MS;
      const kind = KINDS[(error as Error).name];
      while (kind === undefined && !current.lost() && performance.now() < deadline) {
        await pause(10);
      }
      const lost = current.lost();
      if (!lost || kind === "aborted") throw error;
      if (again) throw named("DeviceLost", `the GPU was lost twice (${lost}): take a smaller photo, or reload the page`);
      session = null;
      loss = lost;
      current.free();
    }
  }
}

/** Four bytes a pixel. */
function pixels(sent: Sent): ImageData {
  if (sent.kind === "pixels") return new ImageData(new Uint8ClampedArray(sent.rgba), sent.width, sent.height);
  const drawn = read(sent.bitmap);
  sent.bitmap.close();
  return drawn;
}

/** A photo's bytes, who is told how far its work is, and what ends it. */
function work(id: number, photo: Sent, asked: Asked) {
  const { data, width, height } = pixels(photo);
  const tell = (share: number) => say({ id, progress: share });
  const stop = new Stop();
  asked.stop = () => stop.call();
  return { rgba: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height, tell, stop };
}

function image(bytes: Uint8ClampedArray, width: number, height: number): ImageData {
  return new ImageData(bytes as Uint8ClampedArray<ArrayBuffer>, width, height);
}

async function restored(id: number, photo: Sent, strength: number, asked: Asked): Promise<ImageData> {
  const { rgba, width, height, tell, stop } = work(id, photo, asked);
  return image(await surviving((session) => session.restore(rgba, width, height, strength, tell, stop)), width, height);
}

async function inside(id: number, photo: Sent, asked: Asked): Promise<Insides> {
  const { rgba, width, height, tell, stop } = work(id, photo, asked);
  const seen = await surviving((session) => session.inside(rgba, width, height, tell, stop));
  const attention = [0, 1].map((module): AttentionMap => {
    const [width, height, channels] = seen.map_shape(module) as unknown as [number, number, number];
    return { width, height, channels, values: seen.map(module) as Float32Array<ArrayBuffer> };
  });
  const stages = [0, 1, 2].map((stage) => image(seen.stage(stage), width, height));
  seen.free();
  return { stages, attention };
}

async function answer(id: number, ask: Ask, asked: Asked): Promise<Answer> {
  switch (ask.ask) {
    case "open":
      return begun(ask);
    case "restore":
      return restored(id, ask.photo, ask.strength, asked);
    case "inside":
      return inside(id, ask.photo, asked);
    case "plan":
      return JSON.parse((await alive()).plan(ask.width, ask.height)) as Plan;
    case "profile":
      return JSON.parse(await surviving((session) => session.profile(ask.width, ask.height))) as Profile;
    case "check":
      return surviving((session) => session.check(ask.name, ask.weights, ask.tensors, ask.local));
  }
}

async function serve(id: number, ask: Ask, asked: Asked): Promise<void> {
  try {
    // Who has ended it does not wait for an answer.
    if (asked.ended) return;
    const done = await answer(id, ask, asked);
    say({ id, done }, done instanceof ImageData ? [done.data.buffer] : []);
  } catch (error) {
    const { name, message } = error as Error;
    say({ id, failed: { kind: KINDS[name] ?? "failed", message } });
  } finally {
    // It is still open where it was cancelled before it was drawn, or could not be.
    if ("photo" in ask && ask.photo.kind === "bitmap") ask.photo.bitmap.close();
    underWay.delete(id);
  }
}

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if ("stop" in message) {
    const asked = underWay.get(message.stop);
    if (asked) asked.ended = true;
    asked?.stop?.();
    return;
  }
  const asked: Asked = { ended: false };
  underWay.set(message.id, asked);
  line = line.then(() => serve(message.id, message.ask, asked));
};

// Nothing tells who asked.
self.onmessageerror = () => say({ broken: `what the worker was sent ${UNREAD}` });
