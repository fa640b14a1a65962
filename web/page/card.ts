// A photo on the page: how far it is, then before and after.

import { MprnetError } from "../package/dist/index.js";
import type { ErrorKind, Mprnet } from "../package/dist/index.js";
import { bar } from "./bar.js";
import { unlessCancelled, using } from "./engine.js";
import type { Choice } from "./engine.js";
import { element } from "./picture.js";
import { png } from "./png.js";
import { seconds, told } from "./words.js";

/** What src/cli/gallery/slider.js gives the page. */
declare function compareAll(root: ParentNode): void;

/** How a photo is to be restored. */
export interface Settings {
  choice: Choice;
  strength: number;
  /** Hears of the network once it is open. */
  opened: (mprnet: Mprnet) => void;
}

/** An image of a file. */
export async function decoded(file: Blob, name: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new MprnetError("input", `this browser reads no image in ${name}: give a PNG, JPEG or WebP`);
  }
}

function button(parent: Element, text: string, does: () => void): HTMLButtonElement {
  const made = element("button", parent, { text });
  made.type = "button";
  made.addEventListener("click", does);
  return made;
}

/** A photo's part of the page. */
export class Card {
  static #count = 0;
  readonly #root: HTMLElement;
  readonly #told: HTMLParagraphElement;
  readonly #offers: HTMLElement;
  #urls: string[] = [];
  /** Whether an offer that had the keyboard's focus was taken back, and none has come in its place. */
  #focusing = false;
  /** Cancels what is under way. */
  #cancelling = new AbortController();

  constructor(
    parent: Element,
    readonly file: Blob,
    readonly name: string,
  ) {
    this.#root = document.createElement("article");
    this.#root.className = "photo";
    parent.prepend(this.#root);
    const heading = element("h2", this.#root, { text: name });
    heading.id = `photo-${++Card.#count}`;
    this.#root.setAttribute("aria-labelledby", heading.id);
    this.#told = element("p", this.#root, { className: "told" });
    this.#told.setAttribute("role", "status");
    const actions = element("p", this.#root, { className: "actions" });
    this.#offers = element("span", actions, { className: "offers" });
    const remove = button(actions, "Remove", () => this.#leave());
    remove.className = "remove";
    remove.setAttribute("aria-label", `Remove ${name}`);
  }

  /** Restores the photo when its turn has come, and shows it or what went wrong, which it gives. */
  async restore(settings: Settings, turn: Promise<void>): Promise<ErrorKind | null> {
    this.#clear();
    const cancelling = new AbortController();
    this.#cancelling = cancelling;
    this.offer("Cancel", () => cancelling.abort());
    this.#tell("Waiting for the photos before it.");
    try {
      await unlessCancelled(cancelling.signal, turn);
      await this.#restore(settings, cancelling.signal);
      return null;
    } catch (error) {
      this.#withdraw();
      const kind = error instanceof MprnetError ? error.kind : "failed";
      this.#root.classList.toggle("failed", kind !== "aborted");
      this.#tell(kind === "aborted" ? "Cancelled." : told(error));
      return kind;
    }
  }

  async #restore({ choice, strength, opened }: Settings, signal: AbortSignal): Promise<void> {
    const progress = bar(this.#told, `Progress of ${this.name}`);
    const begun = performance.now();
    this.#tell("Under way; the first photo takes longest.");
    try {
      const bitmap = await decoded(this.file, this.name);
      const work = (mprnet: Mprnet) => {
        opened(mprnet);
        return mprnet.restore(bitmap, { strength, signal, onProgress: progress.tell });
      };
      const restored = await using(choice, work, signal).finally(() => bitmap.close());
      this.#show(restored, await unlessCancelled(signal, png(restored)), performance.now() - begun);
    } finally {
      progress.remove();
    }
  }

  #show({ width, height }: ImageData, result: Blob, took: number): void {
    this.#withdraw();
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
    this.#tell(`${width} × ${height} pixels in ${seconds(took)}`);
    const download = `${this.name.replace(/\.[^.]*$/, "")}.png`;
    const save = element("a", this.#offers, { className: "button", text: `Save ${download}` });
    Object.assign(save, { href: after, download });
    this.#focus(save);
  }

  /** Adds a button under the photo. */
  offer(text: string, does: () => void): void {
    const made = button(this.#offers, text, does);
    // Which of the photos it is, for who does not see it beside the button.
    made.setAttribute("aria-label", `${text}: ${this.name}`);
    this.#focus(made);
  }

  /** Says how far the photo is; screen readers hear whose state that is first. */
  #tell(text: string): void {
    this.#told.replaceChildren();
    element("span", this.#told, { className: "unseen", text: `${this.name}: ` });
    this.#told.append(text);
  }

  /** Takes back what is offered. */
  #withdraw(): void {
    this.#focusing ||= this.#offers.contains(document.activeElement);
    this.#offers.replaceChildren();
  }

  /** Gives an offer the focus that the one before it had, which would else go on at the top of the page. */
  #focus(offer: HTMLElement): void {
    // Whoever has scrolled away meanwhile stays there.
    if (this.#focusing) offer.focus({ preventScroll: true });
    this.#focusing = false;
  }

  #leave(): void {
    this.#cancelling.abort();
    this.#clear();
    const beside = this.#root.nextElementSibling ?? this.#root.previousElementSibling;
    this.#root.remove();
    // Whoever uses the keyboard goes on beside it, rather than at the top of the page.
    (beside?.querySelector<HTMLElement>(".remove") ?? document.getElementById("photos"))?.focus();
  }

  #clear(): void {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = [];
    this.#root.querySelector(".compare")?.remove();
    this.#root.classList.remove("failed");
    this.#withdraw();
  }
}
