// The network's parts, drawn: widths and sizes are those of the network and photo at hand.

import type { Network } from "../package/dist/index.js";

const SVG = "http://www.w3.org/2000/svg";
type Place = [x: number, y: number];
type Size = [width: number, height: number];

function add(parent: Element, tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  parent.append(made);
  return made;
}

/** A drawing, which those who do not see it are told in words. */
class Drawing {
  readonly root: SVGSVGElement;

  constructor([width, height]: Size, label: string) {
    this.root = document.createElementNS(SVG, "svg");
    this.root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.root.setAttribute("role", "img");
    this.root.setAttribute("aria-label", label);
    this.root.classList.add("diagram");
  }

  /** A box with lines of text in its middle, the first of them bold. */
  box([x, y]: Place, [width, height]: Size, lines: string[]): void {
    add(this.root, "rect", { x, y, width, height, rx: 4 });
    lines.forEach((line, at) => {
      const middle = y + height / 2 + 15 * (at - (lines.length - 1) / 2) + 4;
      this.text([x + width / 2, middle], line, at === 0 ? "name" : "");
    });
  }

  text([x, y]: Place, text: string, name = "", anchor = "middle"): void {
    add(this.root, "text", { x, y, "text-anchor": anchor, class: name }).textContent = text;
  }

  arrow([x, y]: Place, [toX, toY]: Place): void {
    add(this.root, "path", { d: `M${x} ${y}L${toX} ${toY}`, class: "line" });
    const turn = (Math.atan2(toY - y, toX - x) * 180) / Math.PI;
    add(this.root, "path", { d: "M0 0L-7 -4L-7 4Z", class: "head", transform: `translate(${toX} ${toY}) rotate(${turn})` });
  }

  /** A photo cut into patches. */
  patches([x, y]: Place, [width, height]: Size, rows: number, columns: number): void {
    const [across, down] = [(width - 4 * (columns - 1)) / columns, (height - 4 * (rows - 1)) / rows];
    for (let at = 0; at < rows * columns; at++) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      add(this.root, "rect", { x: x + column * (across + 4), y: y + row * (down + 4), width: across, height: down, class: "patch" });
    }
  }
}

/** All three stages. */
export function overview(): SVGElement {
  const label =
    "The photo goes into each of three stages. The first sees it in four quarters, the second in two halves, the third whole. " +
    "From the first to the second, and from the second to the third, go the features that a supervised attention module has " +
    "weighted, and those of the encoder and the decoder at every level. Each stage makes an image; the third is the result.";
  const drawing = new Drawing([330, 312], label);
  const stages: [string, string, number, number][] = [
    ["Stage 1", "encoder, decoder", 2, 2],
    ["Stage 2", "encoder, decoder", 2, 1],
    ["Stage 3", "at full size", 1, 1],
  ];
  stages.forEach(([name, what, rows, columns], at) => {
    const y = 20 + 112 * at;
    drawing.patches([4, y], [66, 52], rows, columns);
    drawing.arrow([74, y + 26], [96, y + 26]);
    drawing.box([98, y - 4], [140, 60], [name, what]);
    drawing.arrow([240, y + 26], [262, y + 26]);
    drawing.box([264, y], [62, 52], at === 2 ? ["result"] : ["image", String(at + 1)]);
    if (at === 2) return;
    drawing.arrow([124, y + 58], [124, y + 106]);
    drawing.text([118, y + 86], "attended features", "", "end");
    drawing.arrow([210, y + 58], [210, y + 106]);
    drawing.text([217, y + 86], "features, 3 levels", "", "start");
  });
  drawing.text([37, 12], "the photo");
  return drawing.root;
}

/** The three levels of an encoder and a decoder. */
export function levels(network: Network, [width, height]: Size): SVGElement {
  const { features, unetFeatures } = network;
  const of = (level: number) => [`${features + level * unetFeatures} channels`, `${width >> level} × ${height >> level}`];
  const label =
    `An encoder of three levels, of ${of(0).join(" of ")}, ${of(1).join(" of ")} and ${of(2).join(" of ")}, and a decoder of the ` +
    "same levels, from the last to the first. Each level of the encoder is handed to the decoder's.";
  const drawing = new Drawing([260, 216], label);
  drawing.text([55, 12], "encoder", "name");
  drawing.text([205, 12], "decoder", "name");
  for (let level = 0; level < 3; level++) {
    const y = 20 + 68 * level;
    drawing.box([4, y], [102, 42], of(level));
    drawing.box([154, y], [102, 42], of(level));
    drawing.arrow([108, y + 21], [152, y + 21]);
    if (level === 2) continue;
    drawing.arrow([55, y + 44], [55, y + 66]);
    drawing.text([62, y + 60], "half", "", "start");
    drawing.arrow([205, y + 66], [205, y + 44]);
    drawing.text([212, y + 60], "double", "", "start");
  }
  return drawing.root;
}

/** The blocks of the stage that stays at full size. */
export function blocks(network: Network, [width, height]: Size): SVGElement {
  const channels = network.features + network.orsnetFeatures;
  const label =
    `Three blocks one after the other, each of ${network.blocks} channel attention blocks, with ${channels} channels of ` +
    `${width} × ${height}. After each of them, features of stage 2's encoder and decoder are added, of the first, second and third level.`;
  const drawing = new Drawing([260, 216], label);
  for (let block = 0; block < 3; block++) {
    const y = 4 + 72 * block;
    drawing.box([4, y], [132, 42], [`block ${block + 1}`, `${channels} × ${width} × ${height}`]);
    drawing.arrow([70, y + 44], [70, block === 2 ? y + 64 : y + 70]);
    drawing.arrow([150, y + 57], [74, y + 57]);
    drawing.text([154, y + 54], "stage 2,", "", "start");
    drawing.text([154, y + 68], `level ${block + 1}`, "", "start");
  }
  return drawing.root;
}
