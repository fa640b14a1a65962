// The package, as programs use it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OUT, browser, crop, program, serve } from "./setting.mjs";

let site, chrome;

before(async () => {
  site = await serve();
  chrome = await browser();
});
after(async () => {
  await chrome.close();
  site.close();
});

/** A page of another program that uses the package. */
async function host(from = chrome) {
  const page = await from.newPage();
  await page.goto(`${site.url}/tests/blank.html`);
  await page.waitForFunction(() => window.ready);
  return page;
}

test("a photo comes out as from the program, whatever it is handed over as", async () => {
  await program("-q", "denoise", await crop(chrome, 101, 75), "-o", `${OUT}/native.png`, "--tune", "off");
  const page = await host();
  const found = await page.evaluate(async () => {
    const mprnet = await Mprnet.create({ task: "denoise" });
    const photo = await image("/out/noisy-101x75.png");
    const expected = await image("/out/native.png");
    const shares = [];
    const restored = await mprnet.restore(photo, { onProgress: (share) => shares.push(share) });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [photo.width, photo.height];
    canvas.getContext("2d").putImageData(photo, 0, 0);
    const frame = new VideoFrame(canvas, { timestamp: 0 });
    const others = [];
    for (const source of [canvas, await createImageBitmap(photo), frame]) {
      others.push(apart(await mprnet.restore(source), restored));
    }
    const half = await mprnet.restore(photo, { strength: 0.5 });
    const blended = half.data.reduce((most, value, i) => {
      return Math.max(most, Math.abs(value - (photo.data[i] + restored.data[i]) / 2));
    }, 0);
    const kept = apart(await mprnet.restore(photo, { strength: 0 }), photo);
    const adapter = mprnet.adapterInfo();
    mprnet.dispose();
    const again = await wrong(() => mprnet.restore(photo));
    return {
      off: apart(restored, expected), changed: apart(restored, photo), shares, others, blended, kept, adapter, again,
      untouched: apart(photo, await image("/out/noisy-101x75.png")),
    };
  });
  assert.ok(found.off <= 1, `a sample is off by ${found.off} levels`);
  assert.ok(found.changed > 10, "the photo is as noisy as before");
  assert.equal(found.untouched, 0, "the caller's photo was changed");
  assert.ok(found.shares.length > 1 && found.shares.at(-1) === 1, `${found.shares}`);
  assert.deepEqual(found.shares, [...found.shares].sort((a, b) => a - b));
  // A frame of a video may come by way of other colours.
  assert.deepEqual(found.others.slice(0, 2), [0, 0]);
  assert.ok(found.others[2] <= 1, `${found.others}`);
  // Half way between, rounded once.
  assert.ok(found.blended <= 1, `${found.blended}`);
  assert.equal(found.kept, 0);
  assert.equal(found.adapter.backend, "webgpu");
  assert.equal(found.adapter.subgroups, null);
  assert.equal(found.again.kind, "aborted");
  await page.close();
});

test("transparency is kept, and f16 is near f32", async () => {
  const page = await host();
  const found = await page.evaluate(async () => {
    const photo = await image("/samples/noisy.png", 61, 47);
    const opaque = new ImageData(photo.data.slice(), photo.width);
    photo.data.forEach((_, i) => { if (i % 4 === 3) photo.data[i] = 255 - (i % 128); });
    const alpha = (image) => image.data.filter((_, i) => i % 4 === 3);
    const results = [];
    for (const precision of ["f32", "f16"]) {
      const mprnet = await Mprnet.create({ task: "denoise", precision });
      results.push(await mprnet.restore(photo), await mprnet.restore(opaque));
      mprnet.dispose();
    }
    const same = results.map((result, i) => {
      const from = alpha(i % 2 ? opaque : photo);
      return alpha(result).every((value, j) => value === from[j]);
    });
    return { same, halves: apart(results[1], results[3]) };
  });
  assert.deepEqual(found.same, [true, true, true, true]);
  assert.ok(found.halves <= 3, `f16 is ${found.halves} levels off`);
  await page.close();
});

test("what does not fit is computed in bands to the same bytes, and refused where not even those fit", async () => {
  const page = await host();
  const found = await page.evaluate(async () => {
    const photo = await image("/samples/noisy.png", 64, 200);
    const [whole, bands, little] = [2 ** 31, 2 * 2 ** 20, 2 ** 16];
    const found = {};
    for (const [name, memory] of Object.entries({ whole, bands })) {
      const mprnet = await Mprnet.create({ memory });
      found[name] = { plan: await mprnet.plan(64, 200), restored: await mprnet.restore(photo) };
      mprnet.dispose();
    }
    const mprnet = await Mprnet.create({ memory: little });
    const refused = [await wrong(() => mprnet.restore(photo)), await wrong(() => mprnet.plan(64, 200))];
    mprnet.dispose();
    const off = apart(found.whole.restored, found.bands.restored);
    return { plans: [found.whole.plan, found.bands.plan], off, refused };
  });
  const [whole, bands] = found.plans;
  assert.ok(whole.bands === 1 && whole.memory > 2 * 2 ** 20 && whole.operators > 100 && whole.multiplyAdds > 1e9, JSON.stringify(whole));
  assert.ok(bands.bands > 1 && bands.memory <= 2 * 2 ** 20 && bands.hostMemory > 0, JSON.stringify(bands));
  assert.equal(found.off, 0);
  for (const refused of found.refused) {
    assert.equal(refused?.kind, "too-large");
    assert.match(refused.message, /takes at least \d+ MiB of the GPU's memory, and 0 are allowed/);
  }
  await page.close();
});

test("a restoration is cancelled, and the next one goes on", async () => {
  const page = await host();
  const found = await page.evaluate(async () => {
    const mprnet = await Mprnet.create();
    const photo = await image("/samples/noisy.png", 256, 192);
    const small = await image("/samples/noisy.png", 64, 48);
    const button = new AbortController();
    const begun = performance.now();
    const cancelled = wrong(() => mprnet.restore(photo, { signal: button.signal, onProgress: () => button.abort() }));
    const queued = new AbortController();
    const waiting = wrong(() => mprnet.restore(small, { signal: queued.signal }));
    queued.abort();
    const after = mprnet.restore(small);
    const found = [await cancelled, await waiting, (await after).width, await wrong(() => mprnet.restore(small, { signal: button.signal }))];
    mprnet.dispose();
    return found;
  });
  assert.deepEqual(found.map((it) => it?.kind ?? it), ["aborted", "aborted", 64, "aborted"]);
  await page.close();
});

test("wrong files and wrong arguments are refused in a sentence", async () => {
  const page = await host();
  const found = await page.evaluate(async () => {
    const png = await bytes("/samples/noisy.png");
    const model = await bytes("/models/denoise.safetensors");
    const mprnet = await Mprnet.create({ weights: model.buffer });
    const photo = new ImageData(16, 16);
    const wrongs = {
      png: await wrong(() => Mprnet.create({ weights: png })),
      cut: await wrong(() => Mprnet.create({ weights: model.subarray(0, 100000) })),
      task: await wrong(() => Mprnet.create({ task: "sharpen" })),
      precision: await wrong(() => Mprnet.create({ precision: "f8" })),
      strength: await wrong(() => mprnet.restore(photo, { strength: 2 })),
      photo: await wrong(() => mprnet.restore({})),
      alive: (await mprnet.restore(photo)).width,
    };
    mprnet.dispose();
    return wrongs;
  });
  const kinds = Object.fromEntries(Object.entries(found).map(([name, it]) => [name, it?.kind ?? it]));
  assert.deepEqual(kinds, {
    png: "weights", cut: "weights", task: "input", precision: "input", strength: "input", photo: "input", alive: 16,
  });
  assert.match(found.png.message, /the weights given/);
  await page.close();
});

test("a lost device is opened anew once, and the second time is told", async () => {
  const page = await host();
  const opening = page.waitForEvent("worker");
  await page.evaluate(async () => {
    window.mprnet = await Mprnet.create();
    window.photo = await image("/samples/noisy.png", 96, 64);
    window.expected = await mprnet.restore(photo);
  });
  const worker = await opening;
  // The browser's own objects: a device is destroyed in the middle of a restoration, as often as told.
  await worker.evaluate(() => {
    const submit = GPUQueue.prototype.submit;
    const devices = new WeakMap();
    const lost = new WeakSet();
    const begin = GPUDevice.prototype.createCommandEncoder;
    GPUDevice.prototype.createCommandEncoder = function (...args) {
      if (!lost.has(this.queue)) devices.set(this.queue, this);
      return begin.apply(this, args);
    };
    self.losses = 0;
    GPUQueue.prototype.submit = function (...args) {
      submit.apply(this, args);
      if (self.losses > 0 && devices.has(this)) {
        self.losses -= 1;
        devices.get(this).destroy();
        // What is still submitted to it counts no more.
        devices.delete(this);
        lost.add(this);
      }
    };
  });
  const restore = async (losses) => {
    await worker.evaluate((losses) => (self.losses = losses), losses);
    return page.evaluate(async () => {
      let off = null;
      const failed = await wrong(async () => (off = apart(await mprnet.restore(photo), expected)));
      return { failed, off };
    });
  };
  assert.deepEqual(await restore(1), { failed: null, off: 0 });
  const { failed } = await restore(2);
  assert.equal(failed?.kind, "device-lost");
  assert.match(failed.message, /lost twice/);
  assert.deepEqual(await restore(0), { failed: null, off: 0 });
  await page.close();
});

test("without WebGPU that is said", async (t) => {
  const without = await browser({ webgpu: false });
  t.after(() => without.close());
  const page = await host(without);
  const found = await page.evaluate(async () => {
    const worst = await wrong(() => Mprnet.create());
    return { worst, has: "gpu" in navigator, secure: isSecureContext };
  });
  assert.equal(found.worst?.kind, "no-webgpu", JSON.stringify(found));
});
