// What goes wrong outside of the package: canvases that are too small, messages that do not arrive, a GPU that is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { prepare } from "./setting.mjs";

const lab = prepare();

test("a bitmap is read whole, also where no canvas is as large", async () => {
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const { read } = await import("/package/bitmap.js");
    const largest = { area: 0, side: 0 };
    const Canvas = OffscreenCanvas;
    window.OffscreenCanvas = class extends Canvas {
      constructor(width, height) {
        super(width, height);
        largest.area = Math.max(largest.area, width * height);
        largest.side = Math.max(largest.side, width, height);
      }
    };
    const off = {};
    for (const [width, height] of [[65536, 4], [4, 65536], [4099, 1027], [7, 5]]) {
      const drawn = new ImageData(width, height);
      // No two neighbours have the same colour, and some pixels nothing but transparency.
      drawn.data.forEach((_, i) => (drawn.data[i] = i % 4 < 3 ? (i * 2654435761) >>> 24 : 255 * ((i >> 2) % 13 > 0)));
      drawn.data.forEach((_, i) => { if (drawn.data[i | 3] === 0) drawn.data[i] = 0; });
      off[`${width}x${height}`] = apart(read(await createImageBitmap(drawn)), drawn);
    }
    return { off, largest };
  });
  assert.deepEqual(found.off, { "65536x4": 0, "4x65536": 0, "4099x1027": 0, "7x5": 0 });
  // What browsers of telephones make.
  assert.ok(found.largest.area <= 2 ** 24 && found.largest.side <= 4096, JSON.stringify(found.largest));
  await page.close();
});

test("a photo is restored that is wider than a canvas", async () => {
  const page = await lab.host();
  const off = await page.evaluate(async () => {
    const mprnet = await Mprnet.create({ weights: await bytes("/golden/tiny.safetensors") });
    const photo = new ImageData(65536, 8);
    photo.data.forEach((_, i) => (photo.data[i] = i % 4 < 3 ? (i * 2654435761) >>> 24 : 255));
    const restored = await mprnet.restore(await createImageBitmap(photo), { strength: 0 });
    mprnet.dispose();
    return apart(restored, photo);
  });
  assert.equal(off, 0);
  await page.close();
});
