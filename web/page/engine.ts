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

async function open({ weights, mode }: Choice): Promise<Mprnet> {
  return Mprnet.create(typeof weights === "string" ? { task: weights, mode } : { weights: await weights.arrayBuffer(), mode });
}

/** Gives a network's memory back, once nobody needs it any more. */
function retire(network: Network | null): void {
  if (!network || network === current || network.users > 0) return;
  network.opening.then((mprnet) => mprnet.dispose()).catch(() => undefined);
}

/** Does something with the network of a choice. */
export async function using<T>(choice: Choice, work: (mprnet: Mprnet) => Promise<T>): Promise<T> {
  const before = current;
  const same = before?.choice.weights === choice.weights && before.choice.mode === choice.mode;
  const network = same ? before : { choice, opening: open(choice), users: 0 };
  current = network;
  retire(before);
  network.users += 1;
  try {
    return await work(await network.opening);
  } catch (error) {
    const harmless = error instanceof MprnetError && HARMLESS.includes(error.kind);
    if (current === network && !harmless) current = null;
    throw error;
  } finally {
    network.users -= 1;
    retire(network);
  }
}
