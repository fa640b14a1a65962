// How far something is, as a bar and in figures. Screen readers would announce every step of it, so it stands outside
// of what they announce.

import { element } from "./picture.js";
import { seconds } from "./words.js";

/** Adds a bar of that name above an element, and gives what moves it and what takes it away. */
export function bar(below: Element, name: string): { tell: (share: number) => void; remove: () => void } {
  const frame = document.createElement("div");
  below.before(frame);
  const moved = element("progress", frame);
  moved.setAttribute("aria-label", name);
  const figures = element("p", frame, { className: "figures" });
  const begun = performance.now();
  const tell = (share: number) => {
    moved.value = share;
    figures.textContent = `${Math.round(100 * share)}%, ${seconds(performance.now() - begun)}`;
  };
  return { tell, remove: () => frame.remove() };
}
