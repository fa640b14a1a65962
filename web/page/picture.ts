// Pictures of what a network sees and makes.

import type { AttentionMap } from "../package/dist/index.js";

/** Colours from the least value to the most, dark to bright in even steps, for those too who see few colours (viridis). */
const SCALE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]] as const;

/** Adds an element to another. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  parent: Element,
  { text = "", className = "" } = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function canvas(width: number, height: number, label: string): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const made = document.createElement("canvas");
  Object.assign(made, { width, height });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", label);
  const context = made.getContext("2d");
  if (!context) throw new Error(`the browser draws nothing of ${width}x${height} pixels`);
  return [made, context];
}

/** An image as it is. */
export function whole(image: ImageData, label: string): HTMLCanvasElement {
  const [made, context] = canvas(image.width, image.height, label);
  context.putImageData(image, 0, 0);
  return made;
}

/** An image with gaps where the `sides` of a padded image are cut into so many rows and columns of patches. */
export function patched(
  image: ImageData,
  sides: readonly [number, number],
  [rows, columns]: readonly [number, number],
  label: string,
): HTMLCanvasElement {
  const { width, height } = image;
  const gap = Math.max(4, Math.round(width / 40));
  const [made, context] = canvas(width + gap * (columns - 1), height + gap * (rows - 1), label);
  const source = whole(image, "");
  const [across, down] = [sides[0] / columns, sides[1] / rows];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [column * across, row * down];
      const [w, h] = [Math.min(across, width - x), Math.min(down, height - y)];
      if (w > 0 && h > 0) context.drawImage(source, x, y, w, h, x + column * gap, y + row * gap, w, h);
    }
  }
  return made;
}

/** The least and the most of a map's values. */
export function range({ values }: AttentionMap): [number, number] {
  return values.reduce<[number, number]>(([least, most], v) => [Math.min(least, v), Math.max(most, v)], [Infinity, -Infinity]);
}

/** A map in colours, its least value the darkest. */
export function coloured(map: AttentionMap, label: string): HTMLCanvasElement {
  const [made, context] = canvas(map.width, map.height, label);
  const [least, most] = range(map);
  const pixels = context.createImageData(map.width, map.height);
  map.values.forEach((value, at) => {
    const place = ((value - least) / (most - least || 1)) * (SCALE.length - 1);
    const below = Math.min(Math.floor(place), SCALE.length - 2);
    const [from, to] = [SCALE[below]!, SCALE[below + 1]!];
    const colour = from.map((part, channel) => part + (to[channel]! - part) * (place - below));
    pixels.data.set([...colour, 255], 4 * at);
  });
  context.putImageData(pixels, 0, 0);
  return made;
}
