// What tests do inside a page: the package as another program uses it, no bundler between.

import { Mprnet, MprnetError } from "/package/index.js";

async function bytes(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** An image's pixels; cut to a width and height from its top left. */
async function image(path, width, height) {
  const bitmap = await createImageBitmap(new Blob([await bytes(path)]));
  const canvas = new OffscreenCanvas(width ?? bitmap.width, height ?? bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** The largest difference of two images' samples. */
function apart(a, b) {
  if (a.width !== b.width || a.height !== b.height) throw new Error(`${a.width}x${a.height} and ${b.width}x${b.height}`);
  return a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i])), 0);
}

/** The kind and the words of what goes wrong; null where nothing does. */
async function wrong(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return { kind: error instanceof MprnetError ? error.kind : "none of the package's", message: String(error.message) };
  }
}

/** Makes workers that tests can look into, in a browser that gives less: see watched.mjs. */
const watched = (less = "") => () => new Worker(`/tests/watched_worker.mjs?${less}`, { type: "module" });

Object.assign(window, { watched, Mprnet, MprnetError, bytes, image, apart, wrong, ready: true });
