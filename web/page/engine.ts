// The network that is chosen: opened when the first photo wants it, and given up when another is chosen.

import { Mprnet, MprnetError } from "../package/dist/index.js";
import type { ErrorKind, Mode, Task } from "../package/dist/index.js";

/** A task, or a file of weights; and how it is used. */
export interface Choice {
  weights: Task | File;
  mode: Mode;
}

interface Network {
  choice: Choice;
  opening: Promise<Mprnet>;
  /** Photos under way, which it is not taken from. */
  users: number;
}

/** After these the network is as good as before. */
const HARMLESS: ErrorKind[] = ["aborted", "input", "too-large"];

let current: Network | null = null;

async function bytes(file: File): Promise<ArrayBuffer> {
  try {
    return await file.arrayBuffer();
  } catch {
    const since = "which may have changed or gone since it was chosen";
    throw new MprnetError("weights", `cannot read weights from ${file.name}, ${since}: choose it again`);
  }
}

async function open({ weights, mode }: Choice): Promise<Mprnet> {
  return Mprnet.create(typeof weights === "string" ? { task: weights, mode } : { weights: await bytes(weights), mode });
}

function begun(choice: Choice): Network {
  const network: Network = { choice, opening: open(choice), users: 0 };
  // Whoever wanted it may have cancelled by the time it fails.
  network.opening.catch(() => leave(network));
  return network;
}

/** Has the next photo open a network anew. */
function leave(network: Network): void {
  if (current === network) current = null;
}

/** Gives a network's memory back, once nobody needs it any more. */
function retire(network: Network | null): void {
  if (!network || network === current || network.users > 0) return;
  network.opening.then((mprnet) => mprnet.dispose()).catch(() => undefined);
}

/** Waits for something, until a signal ends the waiting. */
export async function unlessCancelled<T>(signal: AbortSignal | undefined, awaited: Promise<T>): Promise<T> {
  if (!signal) return awaited;
  const cancelled = new Promise<never>((_, reject) => {
    const cancel = () => reject(new MprnetError("aborted", "it was cancelled"));
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
  });
  return Promise.race([cancelled, awaited]);
}

/** Does something with the network of a choice; the signal ends the wait for it. */
export async function using<T>(choice: Choice, work: (mprnet: Mprnet) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const before = current;
  const same = before?.choice.weights === choice.weights && before.choice.mode === choice.mode;
  const network = same ? before : begun(choice);
  current = network;
  retire(before);
  network.users += 1;
  try {
    return await work(await unlessCancelled(signal, network.opening));
  } catch (error) {
    const harmless = error instanceof MprnetError && HARMLESS.includes(error.kind);
    if (!harmless) leave(network);
    throw error;
  } finally {
    network.users -= 1;
    retire(network);
  }
}
