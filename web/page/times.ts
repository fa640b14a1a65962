// Where the time of a run goes, as a table.

import type { Profile } from "../package/dist/index.js";
import { element } from "./picture.js";

/** What the kinds of operators do, those that networks have once they are fused. */
const DOES: Record<string, string> = {
  conv3x3: "3 × 3 convolutions, with what is fused into them: PReLU, sums with other features, sums for the means of attention",
  conv1x1: "1 × 1 convolutions, which mix the channels of each pixel; those behind a halving halve too",
  gate: "Channel attention: features times their gates, plus the block's input",
  attention: "Channel attention: the two small layers that make a gate of each channel's mean",
  pool_cells: "Channel attention: sums of 8 × 8 pixels, for the means",
  pool_rows: "Channel attention: sums of a row of such cells, for the means",
  box_mean: "Channel attention in the local mode: means of windows",
  sigmoid_gate: "Features times the sigmoid of an attention map, plus what went in",
  sam: "Supervised attention modules, each in one operator",
  upsample: "Doubling of width and height, with the sum behind it",
  downsample: "Halving of width and height",
  add: "Sums of two sets of features",
  concat: "Two sets of features put behind one another",
  prelu: "PReLU",
  pixel_unshuffle: "Squares of pixels packed into channels",
  pixel_shuffle: "Channels unpacked into squares of pixels",
  unpack: "Bytes of the photo made into floats",
  pack: "Floats made into bytes of the result",
  pad: "Bytes of the photo made into floats, and the photo padded by its reflection",
  crop: "The result cut to the photo's size, and made into bytes",
};

const CLOCKS: Record<Profile["clock"], string> = {
  "pass-timestamps":
    "Measured by the GPU's own clock at both ends of every operator. Browsers may round that clock, so what is short is told coarsely.",
  wall:
    "Measured by this page's clock, since this browser shows no clock of the GPU: from when it says that one operator is done to when it " +
    "says so of the next. Waiting for its word is part of each, and makes what is short look longer.",
};

const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(seconds < 0.1 ? 2 : 0)} ms`;

/** The table of a photo of that size. */
export function times(parent: Element, profile: Profile, width: number, height: number): void {
  element("h3", parent, { text: "Where the time goes" });
  const operators = profile.kinds.reduce((sum, kind) => sum + kind.operators, 0);
  const whole = `${operators} operators take ${milliseconds(profile.seconds)} for ${width} × ${height} pixels.`;
  element("p", parent, { text: `${whole} ${CLOCKS[profile.clock]}` });
  // It is wider than narrow windows, and moved by the keyboard too.
  const frame = element("div", parent, { className: "wide" });
  Object.assign(frame, { tabIndex: 0, role: "region", ariaLabel: "The time of each kind of operator" });
  const table = element("table", frame);
  element("caption", table, { text: "The time of each kind of operator", className: "unseen" });
  const head = element("tr", element("thead", table));
  for (const text of ["Kind", "Time", "Share", "How many", "What they do"]) {
    element("th", head, { text }).scope = "col";
  }
  const body = element("tbody", table);
  for (const { kind, operators, seconds } of profile.kinds) {
    const row = element("tr", body);
    element("th", row, { text: kind }).scope = "row";
    element("td", row, { text: milliseconds(seconds), className: "number" });
    const share = seconds / (profile.seconds || 1);
    const cell = element("td", row, { text: `${(100 * share).toFixed(1)}%`, className: "number" });
    element("div", cell, { className: "bar" }).style.width = `${(100 * share).toFixed(1)}%`;
    element("td", row, { text: String(operators), className: "number" });
    element("td", row, { text: DOES[kind] ?? "" });
  }
}
