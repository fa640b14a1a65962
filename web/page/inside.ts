// The second tab: the network as a picture, drawn from a run of it.

import { MprnetError } from "../package/dist/index.js";
import type { AttentionMap, Insides, Network } from "../package/dist/index.js";
import { bar } from "./bar.js";
import { decoded } from "./card.js";
import { blocks, levels, overview } from "./diagram.js";
import { using } from "./engine.js";
import type { Choice } from "./engine.js";
import { coloured, element, patched, range, whole } from "./picture.js";
import { times } from "./times.js";
import { told } from "./words.js";

/** A side of what is looked at, at most: the maps of all channels have to be read back. */
const SIDE = 512;

/** The middle of a photo, and whether that is all of it. */
async function middle(file: Blob, name: string): Promise<{ part: ImageBitmap; whole: boolean }> {
  const bitmap = await decoded(file, name);
  try {
    const [width, height] = [Math.min(bitmap.width, SIDE), Math.min(bitmap.height, SIDE)];
    const [left, top] = [Math.floor((bitmap.width - width) / 2), Math.floor((bitmap.height - height) / 2)];
    const part = await createImageBitmap(bitmap, left, top, width, height);
    return { part, whole: width === bitmap.width && height === bitmap.height };
  } finally {
    bitmap.close();
  }
}

function pixels(bitmap: ImageBitmap): ImageData {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) throw new MprnetError("failed", "the browser makes no canvas");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}

/** What a stage is told by. */
interface Stage {
  name: string;
  patches: [rows: number, columns: number];
  seen: string;
  /** What it computes, drawn and in words. */
  drawn: (network: Network, size: [number, number]) => SVGElement;
  does: (network: Network) => string;
  image: string;
}

const STAGES: Stage[] = [
  {
    name: "Stage 1: four quarters",
    patches: [2, 2],
    seen: "The photo in four quarters. A convolution sees zeros past a quarter's border, not its neighbour's pixels.",
    drawn: levels,
    does: ({ features }) =>
      `A 3 × 3 convolution and a channel attention block make ${features} channels of each quarter, and an encoder of three levels goes over ` +
      "each. Then left and right quarters are joined, and a decoder goes over the two halves.",
    image: "The image of stage 1: the photo, plus what the attention module's convolution makes of the decoder's features.",
  },
  {
    name: "Stage 2: two halves",
    patches: [2, 1],
    seen: "The photo in two halves, top and bottom.",
    drawn: levels,
    does: ({ features }) =>
      `Features of the halves and the attended ones of stage 1 are put together, and a convolution makes ${features} channels of them. ` +
      "At each level of the encoder, features of stage 1's encoder and decoder are added. Then the halves are joined, and the decoder " +
      "goes over the whole.",
    image: "The image of stage 2, made like that of stage 1.",
  },
  {
    name: "Stage 3: the whole, at full size",
    patches: [1, 1],
    seen: "The photo as a whole.",
    drawn: blocks,
    does: ({ features, orsnetFeatures, blocks }) =>
      `Features of the photo and the attended ones of stage 2 become ${features + orsnetFeatures} channels, which are never halved. Three ` +
      `blocks of ${blocks} channel attention blocks go over them, and after each one features of stage 2 are added.`,
    image: "The image of stage 3, which is the result: the photo, plus what a last convolution makes of the features.",
  },
];

function figure(parent: Element, picture: Element, caption: string): void {
  const made = element("figure", element("li", parent));
  made.append(picture);
  element("figcaption", made, { text: caption });
}

function attention(parent: Element, map: AttentionMap, from: number): void {
  const [lowest, highest] = range(map);
  const [least, most] = [lowest, highest].map((value) => value.toFixed(3));
  const flat = highest - lowest < 0.05 ? " This network lets nearly the same through everywhere; the colours stretch what difference there is." : "";
  const label = `The attention map after stage ${from}, from ${least} where it is darkest to ${most} where it is brightest`;
  const caption =
    `The attention map that the image of stage ${from} gives: the mean over its ${map.channels} channels, ${least} where it is darkest, ` +
    `${most} where it is brightest.${flat}`;
  figure(parent, coloured(map, label), caption);
}

function show(parent: Element, seen: ImageData, insides: Insides, network: Network): void {
  const { shuffle } = network;
  const multiple = 8 * shuffle;
  const padded = [seen.width, seen.height].map((side) => Math.ceil(side / multiple) * multiple) as [number, number];
  const size = padded.map((side) => side / shuffle) as [number, number];
  if (shuffle > 1) {
    const more = padded[0] > seen.width || padded[1] > seen.height ? `, which are padded to ${padded[0]} × ${padded[1]}` : "";
    const text =
      `This network sees each ${shuffle} × ${shuffle} pixels as one of ${3 * shuffle * shuffle} channels, and unpacks its images at the ` +
      `end: full size is ${size[0]} × ${size[1]} for these ${seen.width} × ${seen.height} pixels${more}.`;
    element("p", parent, { text });
  }
  STAGES.forEach((stage, at) => {
    const section = element("section", parent);
    element("h3", section, { text: stage.name });
    const list = element("ol", section, { className: "flow" });
    figure(list, patched(seen, padded, stage.patches, `What stage ${at + 1} sees`), stage.seen);
    figure(list, stage.drawn(network, size), stage.does(network));
    const image = insides.stages[at];
    if (image) figure(list, whole(image, `The image of stage ${at + 1}`), stage.image);
    const map = insides.attention[at];
    if (map) attention(list, map, at + 1);
  });
}

/** Looks inside the network that is chosen, with a photo. */
export async function look(root: HTMLElement, choice: Choice, file: Blob, name: string): Promise<void> {
  const line = root.querySelector<HTMLElement>(".told")!;
  const seen = root.querySelector<HTMLElement>(".seen")!;
  seen.replaceChildren();
  line.textContent = "Under way; the first run takes longest.";
  const progress = bar(line, "Progress of the run");
  try {
    const { part, whole } = await middle(file, name);
    const { width, height } = part;
    await using(choice, async (mprnet) => {
      const insides = await mprnet.inside(part, { onProgress: progress.tell });
      show(seen, pixels(part), insides, mprnet.network());
      line.textContent = "The time of each operator is measured.";
      times(element("section", seen), await mprnet.profile(width, height), width, height);
    }).finally(() => part.close());
    line.textContent = `This is ${whole ? "" : `the middle ${width} × ${height} pixels of `}${name}.`;
  } catch (error) {
    line.textContent = told(error);
  } finally {
    progress.remove();
  }
}

/** Draws what is the same of all networks. */
export function begin(root: HTMLElement): void {
  root.querySelector(".overview")?.append(overview());
}
