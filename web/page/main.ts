// The page: photos are chosen, dropped or pasted, and restored one after the other.

// One script serves this page and the program's reports; it is no module, and asks for nothing.
import slider from "../../src/cli/gallery/slider.js?url";
import { MprnetError } from "../package/dist/index.js";
import type { Mode, Mprnet, Task } from "../package/dist/index.js";
import { Card } from "./card.js";
import type { Choice } from "./engine.js";
import * as inside from "./inside.js";
import { tabs } from "./tabs.js";
import { told } from "./words.js";

/** Photos beside the page, under names of their own: those of its files tell their contents to caches. */
const SAMPLES: Record<Task, { url: URL; name: string }> = {
  derain: { url: new URL("../../samples/rainy.png", import.meta.url), name: "rainy.png" },
  denoise: { url: new URL("../../samples/noisy.png", import.meta.url), name: "noisy.png" },
  deblur: { url: new URL("../../samples/blurred.png", import.meta.url), name: "blurred.png" },
};

/** Names of files of weights. */
const WEIGHTS = /\.safetensors$/i;

function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const settings = byId<HTMLFormElement>("settings");
const strength = byId<HTMLInputElement>("strength");
const weights = byId<HTMLInputElement>("weights");
const mode = byId<HTMLSelectElement>("mode");
const drop = byId("drop");
const results = byId("results");
const show = tabs(byId("tabs"));
/** The photo that was given last. */
let last: File | null = null;
/** Ends when all photos given so far are done with: decoded they are large, so that is done one at a time. */
let line: Promise<void> = Promise.resolve();

const chosen = () => new FormData(settings).get("task") as Task | "own";

/** The network that is chosen; none where a file is still to be. */
function choice(): Choice {
  const task = chosen();
  const given = task === "own" ? weights.files?.[0] : task;
  if (!given) throw new MprnetError("weights", "choose a file of weights first, or one of the three networks");
  return { weights: given, mode: mode.value as Mode };
}

function trouble(text: string): void {
  const line = byId("trouble");
  line.textContent = text;
  line.hidden = text === "";
}

/** Tells which GPU it is. */
function tellAdapter(mprnet: Mprnet): void {
  const { name, software } = mprnet.adapterInfo();
  const slow = software ? " (shaders run on the CPU: slow)" : "";
  byId("adapter").textContent = `GPU: ${name || "the browser does not tell which"}${slow}.`;
}

async function restore(card: Card): Promise<void> {
  try {
    const network = choice();
    trouble("");
    const before = line;
    const how = { choice: network, strength: Number(strength.value) / 100, opened: tellAdapter };
    const done = card.restore(how, before);
    // Who is cancelled early is no sign that those before are done.
    line = done.then(() => before);
    const wrong = await done;
    // With the settings as they are then.
    card.offer("Restore again", () => void restore(card));
    if (wrong === "too-large" && network.mode !== "tiled") {
      card.offer("Restore in tiles", () => {
        mode.value = "tiled";
        void restore(card);
      });
    }
  } catch (error) {
    trouble(told(error));
  }
}

/** Shows the place for a file of weights where one is wanted. */
function tellOwn(): void {
  byId("own").hidden = chosen() !== "own";
}

/** Has a file of weights chosen, as if by hand. */
function choose(file: File): void {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  weights.files = transfer.files;
  settings.querySelector<HTMLInputElement>("[value=own]")!.checked = true;
  tellOwn();
  trouble("");
}

function take(files: File[]): void {
  const photos = files.filter((file) => !WEIGHTS.test(file.name));
  files.filter((file) => WEIGHTS.test(file.name)).forEach(choose);
  try {
    choice();
  } catch (error) {
    trouble(told(error));
    return;
  }
  for (const file of photos) {
    tellSubject(file);
    void restore(new Card(results, file, file.name || "pasted.png"));
    show("restore");
  }
}

/** The sample of the task that is chosen. */
async function sample(): Promise<File> {
  const task = chosen();
  const { url, name } = SAMPLES[task === "own" ? "denoise" : task];
  try {
    const answer = await fetch(url);
    if (answer.ok) return new File([await answer.blob()], name, { type: "image/png" });
  } catch (error) {
    throw new MprnetError("failed", `the sample could not be fetched from ${url.href}: ${(error as Error).message}`);
  }
  throw new MprnetError("failed", `the sample was not found at ${url.href}`);
}

async function takeSample(): Promise<void> {
  try {
    take([await sample()]);
  } catch (error) {
    trouble(told(error));
  }
}

/** Tells which photo the second tab takes. */
function tellSubject(file: File | null): void {
  last = file ?? last;
  byId("subject").textContent = last ? last.name || "the pasted photo" : "a sample";
}

async function look(): Promise<void> {
  const button = byId<HTMLButtonElement>("look");
  if (button.ariaDisabled === "true") return;
  // A button that is really disabled loses the keyboard's focus.
  button.ariaDisabled = "true";
  try {
    const network = choice();
    trouble("");
    const file = last ?? (await sample());
    await inside.look(byId("inside"), network, file, file.name || "the pasted photo");
  } catch (error) {
    trouble(told(error));
  } finally {
    button.ariaDisabled = null;
  }
}

function listen(): void {
  settings.addEventListener("change", tellOwn);
  settings.addEventListener("submit", (event) => event.preventDefault());
  strength.addEventListener("input", () => {
    byId<HTMLOutputElement>("percent").value = `${strength.value}%`;
  });
  byId<HTMLInputElement>("photos").addEventListener("change", ({ target }) => {
    const input = target as HTMLInputElement;
    take([...(input.files ?? [])]);
    // The same photo may be chosen again.
    input.value = "";
  });
  byId("sample").addEventListener("click", () => void takeSample());
  byId("look").addEventListener("click", () => void look());
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"] as const) {
    document.addEventListener(kind, (event) => {
      // It takes what is dropped on it by itself.
      if (event.target instanceof HTMLInputElement && event.target.type === "file") return;
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") take([...(event.dataTransfer?.files ?? [])]);
    });
  }
  document.addEventListener("paste", (event) => take([...(event.clipboardData?.files ?? [])]));
}

inside.begin(byId("inside"));
tellSubject(null);
const script = document.createElement("script");
script.src = slider;
script.addEventListener("load", listen);
document.head.append(script);
if (!("gpu" in navigator)) trouble(told(new MprnetError("no-webgpu", "")));
