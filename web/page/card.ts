// A photo on the page: how far it is, then before and after.

import { MprnetError } from "../package/dist/index.js";
import type { ErrorKind } from "../package/dist/index.js";
import { using } from "./engine.js";
import type { Choice } from "./engine.js";
import { element } from "./picture.js";
import { seconds, told } from "./words.js";

/** What src/cli/gallery/slider.js gives the page. */
declare function compareAll(root: ParentNode): void;

/** How a photo is to be restored. */
export interface Settings {
  choice: Choice;
  strength: number;
}

function png(image: ImageData): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return new Promise((resolve, reject) => {
    const none = () => reject(new MprnetError("too-large", "the browser makes no file of a result of this size"));
    canvas.toBlob((blob) => (blob ? resolve(blob) : none()), "image/png");
  });
}

/** An image of a file. */
export async function decoded(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new MprnetError("input", `this browser reads no image in ${name}: give a PNG, JPEG or WebP`);
  }
}

/** A photo's part of the page. */
export class Card {
  readonly #root: HTMLElement;
  readonly #told: HTMLParagraphElement;
  readonly #actions: HTMLElement;
  #urls: string[] = [];

  constructor(
    parent: Element,
    readonly file: Blob,
    readonly name: string,
  ) {
    this.#root = document.createElement("article");
    this.#root.className = "photo";
    parent.prepend(this.#root);
    element("h2", this.#root, { text: name });
    this.#told = element("p", this.#root, { className: "told" });
    this.#told.setAttribute("role", "status");
    this.#actions = element("p", this.#root, { className: "actions" });
  }

  /** Restores the photo, and shows it or what went wrong, which it gives. */
  async restore(settings: Settings): Promise<ErrorKind | null> {
    this.#clear();
    const button = new AbortController();
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", `Progress of ${this.name}`);
    this.#told.before(bar);
    const cancel = this.offer("Cancel", () => button.abort());
    const begun = performance.now();
    this.#told.textContent = "Getting ready; the first photo takes longest.";
    const onProgress = (share: number) => {
      bar.value = share;
      this.#told.textContent = `${Math.round(100 * share)}%, ${seconds(performance.now() - begun)}`;
    };
    try {
      const bitmap = await decoded(this.file, this.name);
      const { strength, choice } = settings;
      const restored = await using(choice, (mprnet) => {
        if (button.signal.aborted) throw new MprnetError("aborted", "it was cancelled");
        return mprnet.restore(bitmap, { strength, signal: button.signal, onProgress });
      });
      bitmap.close();
      this.#show(restored, await png(restored), performance.now() - begun);
      return null;
    } catch (error) {
      const kind = error instanceof MprnetError ? error.kind : "failed";
      this.#root.classList.toggle("failed", kind !== "aborted");
      this.#told.textContent = kind === "aborted" ? "Cancelled." : told(error);
      return kind;
    } finally {
      bar.remove();
      cancel.remove();
    }
  }

  #show({ width, height }: ImageData, result: Blob, took: number): void {
    const [before, after] = [this.file, result].map((blob) => URL.createObjectURL(blob)) as [string, string];
    this.#urls = [before, after];
    const compare = document.createElement("div");
    compare.className = "compare";
    Object.assign(compare.dataset, { name: this.name, before, after, width: String(width), height: String(height) });
    for (const [side, url] of [["before", before], ["after", after]] as const) {
      const image = element("img", compare, { className: side });
      image.alt = `${this.name} ${side}`;
      image.src = url;
    }
    this.#told.before(compare);
    compareAll(this.#root);
    this.#told.textContent = `${width} × ${height} pixels in ${seconds(took)}`;
    const download = `${this.name.replace(/\.[^.]*$/, "")}.png`;
    const save = element("a", this.#actions, { className: "button", text: `Save ${download}` });
    Object.assign(save, { href: after, download });
  }

  /** Adds a button under the photo. */
  offer(text: string, does: () => void): HTMLButtonElement {
    const button = element("button", this.#actions, { text });
    button.type = "button";
    button.addEventListener("click", does);
    return button;
  }

  #clear(): void {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = [];
    this.#root.querySelector(".compare")?.remove();
    this.#root.classList.remove("failed");
    this.#actions.replaceChildren();
  }
}
