// What goes wrong outside of the package: numbers that are none, canvases that are too small, messages that do not
// arrive, a GPU that is lost.

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

test("memory has to be a number of bytes", async () => {
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const weights = await bytes("/golden/tiny.safetensors");
    const refused = [];
    for (const memory of [NaN, -1, "2", null]) refused.push(await wrong(() => Mprnet.create({ weights, memory })));
    const mprnet = await Mprnet.create({ weights, memory: Infinity });
    const { allowed } = await mprnet.plan(64, 48);
    mprnet.dispose();
    return { refused, allowed };
  });
  assert.deepEqual(found.refused.map((it) => it?.kind), Array(4).fill("input"), JSON.stringify(found.refused));
  assert.match(found.refused[0].message, /^memory is NaN: give a number of bytes/);
  assert.ok(found.allowed > 2 ** 40, `${found.allowed}`);
  await page.close();
});

for (const side of ["the page", "the worker"]) {
  test(`a message that ${side} cannot read ends what waits for it`, async () => {
    const page = await lab.host();
    const opening = page.waitForEvent("worker");
    await page.evaluate(async () => {
      const worker = () => (window.made = new Worker("/package/worker.js", { type: "module" }));
      window.mprnet = await Mprnet.create({ weights: await bytes("/golden/tiny.safetensors"), worker });
      // Browsers do not fail there when asked to: the photo is lost on its way, and the event made.
      made.postMessage = () => undefined;
      window.waiting = wrong(() => mprnet.restore(new ImageData(16, 16)));
    });
    const unread = () => (self.made ?? self).dispatchEvent(new MessageEvent("messageerror"));
    await (side === "the page" ? page : await opening).evaluate(unread);
    const [waiting, later] = await page.evaluate(async () => {
      const late = new Promise((resolve) => setTimeout(resolve, 5000, null));
      return [await Promise.race([waiting, late]), await Promise.race([wrong(() => mprnet.plan(16, 16)), late])];
    });
    assert.equal(waiting?.kind, "failed", "it waits for ever");
    assert.match(waiting.message, /did not arrive whole/);
    assert.deepEqual(later, waiting);
    await page.close();
  });
}

/**
 * A network whose GPU tests can take away: what it gives restores a photo while `losses` devices are destroyed in the
 * middle of it, after each of which there is no adapter for `gone` milliseconds, and tells what came out.
 */
async function losing(page) {
  const opening = page.waitForEvent("worker");
  await page.evaluate(async () => {
    window.mprnet = await Mprnet.create({ weights: await bytes("/golden/tiny.safetensors") });
    window.photo = await image("/samples/noisy.png", 96, 64);
    window.expected = await mprnet.restore(photo);
  });
  const worker = await opening;
  await worker.evaluate(() => {
    const submit = GPUQueue.prototype.submit;
    const devices = new WeakMap();
    const lost = new WeakSet();
    const begin = GPUDevice.prototype.createCommandEncoder;
    GPUDevice.prototype.createCommandEncoder = function (...args) {
      if (!lost.has(this.queue)) devices.set(this.queue, this);
      return begin.apply(this, args);
    };
    Object.assign(self, { losses: 0, gone: 0, back: 0 });
    const adapter = GPU.prototype.requestAdapter;
    GPU.prototype.requestAdapter = async function (...args) {
      return performance.now() < self.back ? null : adapter.apply(this, args);
    };
    GPUQueue.prototype.submit = function (...args) {
      submit.apply(this, args);
      if (self.losses > 0 && devices.has(this)) {
        self.losses -= 1;
        self.back = performance.now() + self.gone;
        devices.get(this).destroy();
        // What is still submitted to it counts no more.
        devices.delete(this);
        lost.add(this);
      }
    };
  });
  return async (losses, gone = 0) => {
    await worker.evaluate((told) => Object.assign(self, { back: 0 }, told), { losses, gone });
    return page.evaluate(async () => {
      let off = null;
      const failed = await wrong(async () => (off = apart(await mprnet.restore(photo), expected)));
      return { failed, off };
    });
  };
}

test("a lost device is opened anew once, and the second time is told", async () => {
  const page = await lab.host();
  const restore = await losing(page);
  assert.deepEqual(await restore(1), { failed: null, off: 0 });
  const { failed } = await restore(2);
  assert.equal(failed?.kind, "device-lost");
  assert.match(failed.message, /lost twice/);
  assert.deepEqual(await restore(0), { failed: null, off: 0 });
  await page.close();
});

test("a GPU that is away for a while after a loss is waited for, and told to be lost where it stays away", async () => {
  const page = await lab.host();
  const restore = await losing(page);
  assert.deepEqual(await restore(1, 700), { failed: null, off: 0 });
  const { failed } = await restore(1, 60000);
  assert.equal(failed?.kind, "device-lost", JSON.stringify(failed));
  assert.match(failed.message, /^the GPU was lost \(.+\) and cannot be opened anew: .+; try again later/);
  // Nothing is given up for good.
  assert.deepEqual(await restore(0), { failed: null, off: 0 });
  await page.close();
});

test("a kernel that the driver refuses gives way to another, and one without another is told", async () => {
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const photo = await image("/out/noisy-101x75.png");
    const restored = async (worker, kept = false) => {
      const mprnet = await Mprnet.create({ task: "denoise", worker });
      try {
        return { photo: await mprnet.restore(photo), profile: await mprnet.profile(64, 48).catch((error) => error.message) };
      } catch (error) {
        // The module goes on.
        const again = await wrong(() => mprnet.restore(photo));
        return { error: { kind: error.kind, message: error.message }, again };
      } finally {
        if (!kept) mprnet.dispose();
      }
    };
    const right = await restored();
    const gate = await restored(watched("refuse=gate"));
    const conv3x3 = await restored(watched("refuse=conv3x3/winograd_input"), true);
    const apartBy = conv3x3.photo && apart(conv3x3.photo, right.photo);
    return { apartBy, profile: conv3x3.profile?.seconds, told: conv3x3.error, gate };
  });
  const { refused, made } = await page.workers().at(-1).evaluate(() => self.watched);
  assert.ok(refused.length > 0, `${made}`);
  const others = made.filter((label) => label.startsWith("conv3x3/") && !label.startsWith("conv3x3/winograd"));
  assert.ok(others.length > 0, `${made}`);
  assert.ok(found.apartBy <= 1, JSON.stringify(found));
  assert.ok(found.profile > 0, JSON.stringify(found));
  assert.equal(found.gate.error.kind, "failed");
  assert.match(found.gate.error.message, /^cannot build the kernel gate.* is refused by its driver/);
  assert.equal(found.gate.again.message, found.gate.error.message);
  await page.close();
});

test("a browser that does not name its adapter restores photos", async () => {
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const photo = await image("/out/noisy-101x75.png");
    const mprnet = await Mprnet.create({ task: "denoise", worker: watched("no-info") });
    const restored = await mprnet.restore(photo);
    const adapter = mprnet.adapterInfo();
    mprnet.dispose();
    return { changed: apart(restored, photo), name: adapter.name };
  });
  assert.ok(found.changed > 10 && found.name === "", JSON.stringify(found));
  await page.close();
});

test("a model that cannot be fetched is told by its address", async () => {
  const page = await lab.host();
  const found = [];
  for (const answer of [(route) => route.abort(), (route) => route.fulfill({ status: 404 })]) {
    await page.route("**/models/deblur.safetensors", answer);
    found.push(await page.evaluate(() => wrong(() => Mprnet.create({ task: "deblur" }))));
    await page.unroute("**/models/deblur.safetensors");
  }
  const words = [/: Failed to fetch$/, /: the answer is 404$/];
  found.forEach(({ kind, message }, i) => {
    assert.equal(kind, "failed");
    assert.match(message, /^the model deblur could not be fetched from http.*\/models\/deblur\.safetensors: /);
    assert.match(message, words[i]);
  });
  await page.close();
});

test("a buffer that the browser cannot map is told as a lack of memory", async () => {
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const weights = await bytes("/golden/tiny.safetensors");
    return await wrong(async () => (await Mprnet.create({ weights, worker: watched("mapped=64") })).restore(new ImageData(64, 48)));
  });
  assert.ok((await page.workers().at(-1).evaluate(() => self.watched.unmapped)) > 0);
  assert.equal(found?.kind, "too-large", JSON.stringify(found));
  assert.match(found.message, /memory/);
  await page.close();
});
