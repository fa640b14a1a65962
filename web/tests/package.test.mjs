// The package, as programs use it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OUT, browser, crop, memory, prepare, program, tensor } from "./setting.mjs";

const lab = prepare();

test("a photo comes out as from the program, whatever it is handed over as", async () => {
  await program("-q", "denoise", await crop(lab.chrome, 101, 75), "-o", `${OUT}/native.png`, "--tune", "off");
  const page = await lab.host();
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
    // A canvas takes its time to become a bitmap, and ImageData are there at once.
    const order = [];
    await Promise.all([canvas, photo].map((source, i) => mprnet.restore(source).then(() => order.push(i))));
    // Whoever has given a photo may draw over it while others are before it.
    const reused = new ImageData(photo.data.slice(), photo.width);
    const [, behind] = await Promise.all([mprnet.restore(canvas), [mprnet.restore(reused), reused.data.fill(7)][0]]);
    others.push(apart(behind, restored));
    const half = await mprnet.restore(photo, { strength: 0.5 });
    const blended = half.data.reduce((most, value, i) => {
      return Math.max(most, Math.abs(value - (photo.data[i] + restored.data[i]) / 2));
    }, 0);
    const kept = apart(await mprnet.restore(photo, { strength: 0 }), photo);
    const adapter = mprnet.adapterInfo();
    mprnet.dispose();
    const again = await wrong(() => mprnet.restore(photo));
    return {
      off: apart(restored, expected), changed: apart(restored, photo),
      shares, others, order, blended, kept, adapter, again,
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
  assert.equal(found.others[3], 0);
  assert.deepEqual(found.order, [0, 1]);
  // Half way between, rounded once.
  assert.ok(found.blended <= 1, `${found.blended}`);
  assert.equal(found.kept, 0);
  assert.equal(found.adapter.backend, "webgpu");
  assert.equal(found.adapter.subgroups, null);
  assert.equal(found.again.kind, "aborted");
  await page.close();
});

test("transparency is kept, and f16 is near f32", async () => {
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const photo = await image("/samples/noisy.png", 61, 47);
    const opaque = new ImageData(photo.data.slice(), photo.width);
    photo.data.forEach((_, i) => { if (i % 4 === 3) photo.data[i] = 255 - (i % 128); });
    const alpha = (image) => image.data.filter((_, i) => i % 4 === 3);
    const [results, memory] = [[], []];
    for (const precision of ["f32", "f16"]) {
      const mprnet = await Mprnet.create({ task: "denoise", precision });
      memory.push((await mprnet.plan(640, 480)).memory);
      results.push(await mprnet.restore(photo), await mprnet.restore(opaque));
      mprnet.dispose();
    }
    const same = results.map((result, i) => {
      const from = alpha(i % 2 ? opaque : photo);
      return alpha(result).every((value, j) => value === from[j]);
    });
    return { same, memory, halves: apart(results[1], results[3]) };
  });
  assert.deepEqual(found.same, [true, true, true, true]);
  assert.ok(found.halves <= 3, `f16 is ${found.halves} levels off`);
  assert.ok(found.memory[1] < 0.7 * found.memory[0], `f16 takes ${found.memory[1]} of ${found.memory[0]} bytes`);
  await page.close();
});

test("what does not fit is computed in bands to the same bytes, and refused where not even those fit", async () => {
  const page = await lab.host();
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
    assert.match(refused.message, /needs at least \d+ KiB of the device's memory, and 64 KiB are allowed; allow more/);
  }
  await page.close();
});

test("a restoration is cancelled, and the next one goes on", async () => {
  const page = await lab.host();
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
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const png = await bytes("/samples/noisy.png");
    const model = await bytes("/models/denoise.safetensors");
    const mprnet = await Mprnet.create({ weights: model.buffer });
    const [photo, gone] = [new ImageData(16, 16), new ImageData(16, 16)];
    structuredClone(gone, { transfer: [gone.data.buffer] });
    const wrongs = {
      png: await wrong(() => Mprnet.create({ weights: png })),
      cut: await wrong(() => Mprnet.create({ weights: model.subarray(0, 100000) })),
      task: await wrong(() => Mprnet.create({ task: "sharpen" })),
      precision: await wrong(() => Mprnet.create({ precision: "f8" })),
      strength: await wrong(() => mprnet.restore(photo, { strength: 2 })),
      photo: await wrong(() => mprnet.restore({})),
      gone: await wrong(() => mprnet.restore(gone)),
      alive: (await mprnet.restore(photo)).width,
    };
    mprnet.dispose();
    return wrongs;
  });
  const kinds = Object.fromEntries(Object.entries(found).map(([name, it]) => [name, it?.kind ?? it]));
  assert.deepEqual(kinds, {
    png: "weights", cut: "weights",
    task: "input", precision: "input", strength: "input", photo: "input", gone: "input", alive: 16,
  });
  assert.match(found.png.message, /the weights given/);
  await page.close();
});

/** What a worker of watched.mjs has noted. */
const noted = (worker) => worker.evaluate(() => self.watched);

test("default limits are lived with", async () => {
  const page = await lab.host();
  const opening = page.waitForEvent("worker");
  const off = await page.evaluate(async () => {
    const photo = await image("/samples/noisy.png", 101, 75);
    const results = [];
    for (const worker of [watched("limits"), undefined]) {
      const mprnet = await Mprnet.create({ task: "denoise", worker });
      results.push(await mprnet.restore(photo));
      if (!worker) mprnet.dispose();
    }
    return apart(...results);
  });
  const { limits } = await noted(await opening);
  assert.deepEqual(limits, { binding: 128 * 2 ** 20, buffer: 256 * 2 ** 20, workgroup: 16384 });
  assert.equal(off, 0, "the limits of a device have a say in a photo's bytes");
  await page.close();
});

test("the GPU's memory is given back, photo by photo and with the network", async (t) => {
  const page = await lab.host();
  const opening = page.waitForEvent("worker");
  await page.evaluate(async () => {
    window.photo = await image("/samples/noisy.png", 96, 64);
    window.weights = await bytes("/golden/tiny.safetensors");
    window.mprnet = await Mprnet.create({ weights, worker: watched() });
  });
  const worker = await opening;
  // Only the last size's buffers are kept, since a photo's memory is bounded.
  const bytes = [];
  for (let round = 0; round < 8; round++) {
    await page.evaluate(async (wide) => {
      await mprnet.restore(wide ? photo : new ImageData(64, 48));
      if (wide) await mprnet.profile(16, 16);
      else await mprnet.inside(new ImageData(16, 16));
    }, round % 2 === 0);
    bytes.push((await noted(worker)).bytes);
  }
  const of = (parity) => bytes.filter((_, round) => round % 2 === parity).slice(1);
  t.diagnostic(`bytes of buffers: ${bytes[2]}, ${bytes[3]} in turns`);
  for (const same of [of(0), of(1)]) {
    assert.ok(same.every((it) => it > 0 && it === same[0]), `bytes of buffers, photo by photo: ${bytes}`);
  }
  await page.evaluate(() => mprnet.dispose());
  await page.close();

  const rounds = await lab.host();
  await rounds.evaluate(async () => (window.weights = await bytes("/golden/tiny.safetensors")));
  const held = [];
  for (let round = 0; round < 12; round++) {
    await rounds.evaluate(async () => {
      const mprnet = await Mprnet.create({ weights });
      await mprnet.restore(new ImageData(64, 48));
      mprnet.dispose();
    });
    // A worker ends in its own time.
    for (let tries = 0; rounds.workers().length > 0 && tries < 100; tries++) await rounds.waitForTimeout(100);
    assert.equal(rounds.workers().length, 0, "a worker is left");
    held.push(memory("VmRSS"));
  }
  // After some rounds the browser has what it keeps for itself. A worker that is left takes tens of megabytes.
  const grown = held.at(-1) - held[3];
  t.diagnostic(`MiB of the browser, round by round: ${held.map((it) => Math.round(it / 2 ** 20))}`);
  assert.ok(grown < 64 * 2 ** 20, `the browser has ${held.map((it) => Math.round(it / 2 ** 20))} MiB, round by round`);
  await rounds.close();
});

test("modes are those of the program", async () => {
  const photo = await crop(lab.chrome, 101, 75);
  const modes = {
    local: [{ mode: "local", trainSize: 32 }, "--mode", "local", "--train-size", "32"],
    tiled: [{ mode: "tiled", tile: 48, overlap: 8 }, "--mode", "tiled", "--tile", "48", "--overlap", "8"],
  };
  for (const [name, [, ...args]] of Object.entries(modes)) {
    await program("-q", "denoise", photo, "-o", `${OUT}/${name}.png`, "--tune", "off", ...args);
  }
  const page = await lab.host();
  const found = await page.evaluate(async (modes) => {
    const photo = await image("/out/noisy-101x75.png");
    const found = { plans: [], off: {}, wrong: {} };
    const global = await Mprnet.create({ task: "denoise" });
    const whole = await global.restore(photo);
    found.plans.push(await global.plan(photo.width, photo.height));
    global.dispose();
    for (const [name, [options]] of Object.entries(modes)) {
      const mprnet = await Mprnet.create({ task: "denoise", ...options });
      const restored = await mprnet.restore(photo);
      found.off[name] = [apart(restored, await image(`/out/${name}.png`)), apart(restored, whole)];
      found.plans.push(await mprnet.plan(photo.width, photo.height));
      mprnet.dispose();
    }
    const refused = {
      mode: { mode: "best" }, size: { trainSize: 64 }, tile: { mode: "local", tile: 64 }, share: { mode: "tiled", tile: 40.5 },
      less: { mode: "tiled", tile: 32, overlap: 32 }, trained: { mode: "local", trainSize: 30 },
    };
    for (const [name, options] of Object.entries(refused)) found.wrong[name] = await wrong(() => Mprnet.create(options));
    return found;
  }, modes);
  for (const [name, [off, changed]] of Object.entries(found.off)) {
    assert.ok(off <= 1, `${name} is ${off} levels from the program's`);
    assert.ok(changed > 0, `${name} is as global is`);
  }
  const [global, , tiled] = found.plans;
  assert.ok(tiled.memory < global.memory && tiled.width === 101, JSON.stringify(found.plans));
  for (const [name, wrong] of Object.entries(found.wrong)) assert.equal(wrong?.kind, "input", `${name}: ${JSON.stringify(wrong)}`);
  assert.match(found.wrong.mode.message, /no mode "best"/);
  assert.match(found.wrong.less.message, /cannot overlap by 32/);
  assert.match(found.wrong.trained.message, /training size of \d+ pixels is no multiple of \d+/);
  await page.close();
});

test("what a network makes on the way is what the program dumps", async () => {
  const photo = await crop(lab.chrome, 101, 75);
  const dumps = [1, 2].flatMap((stage) => ["--dump", `sam${stage}${stage + 1}.conv3=${OUT}/map${stage}.safetensors`]);
  await program("-q", "denoise", photo, "-o", `${OUT}/inside.png`, "--tune", "off", "--keep-stages", ...dumps);
  const page = await lab.host();
  const found = await page.evaluate(async () => {
    const mprnet = await Mprnet.create({ task: "denoise" });
    const photo = await image("/out/noisy-101x75.png");
    const { stages, attention } = await mprnet.inside(photo);
    const files = await Promise.all(["inside.stage1", "inside.stage2", "inside"].map((name) => image(`/out/${name}.png`)));
    const restored = await mprnet.restore(photo);
    const network = mprnet.network();
    const late = new AbortController();
    late.abort();
    const aborted = await wrong(() => mprnet.inside(photo, { signal: late.signal }));
    mprnet.dispose();
    return {
      off: stages.map((stage, i) => apart(stage, files[i])), same: apart(stages[2], restored), apart: apart(stages[0], stages[1]),
      maps: attention.map((map) => ({ ...map, values: [...map.values] })), network, aborted,
    };
  });
  assert.ok(found.off.every((off) => off <= 1), `stages are ${found.off} levels from the program's`);
  assert.equal(found.same, 0);
  assert.ok(found.apart > 0);
  assert.equal(found.aborted?.kind, "aborted");
  const { features, shuffle } = found.network;
  found.maps.forEach(({ width, height, channels, values }, i) => {
    assert.deepEqual([width, height, channels], [Math.ceil(101 / shuffle), Math.ceil(75 / shuffle), features]);
    const { shape: [, planes, rows, columns], at } = tensor(`${OUT}/map${i + 1}.safetensors`);
    assert.equal(planes, channels);
    values.forEach((value, place) => {
      const [x, y] = [place % width, Math.floor(place / width)];
      let mean = 0;
      for (let c = 0; c < channels; c++) mean += 1 / (1 + Math.exp(-at((c * rows + y) * columns + x))) / channels;
      assert.ok(Math.abs(mean - value) < 1e-3, `map ${i + 1} has ${value} at ${x}, ${y} where ${mean} is expected`);
    });
    assert.ok(Math.max(...values) - Math.min(...values) > 0.001, "the map is the same everywhere");
  });
  await page.close();
});

for (const [less, clock] of [["", "pass-timestamps"], ["no-clock", "wall"]]) {
  test(`the time of each kind of operator, by ${clock}`, async (t) => {
    const page = await lab.host();
    const opening = page.waitForEvent("worker");
    const { profile, plan } = await page.evaluate(async (less) => {
      const mprnet = await Mprnet.create({ task: "denoise", worker: watched(less) });
      return { profile: await mprnet.profile(128, 96), plan: await mprnet.plan(128, 96) };
    }, less);
    const has = (await noted(await opening)).features.includes("timestamp-query");
    assert.equal(profile.clock, has ? "pass-timestamps" : "wall");
    if (profile.clock !== clock) t.diagnostic(`this browser's adapter has no timestamps: measured by ${profile.clock}`);
    const sum = (of) => profile.kinds.reduce((sum, kind) => sum + of(kind), 0);
    assert.equal(sum((kind) => kind.operators), plan.operators);
    assert.equal(sum((kind) => kind.multiplyAdds), plan.multiplyAdds);
    assert.ok(profile.seconds > 0 && Math.abs(sum((kind) => kind.seconds) - profile.seconds) < 1e-6, JSON.stringify(profile));
    assert.deepEqual(profile.kinds.map((kind) => kind.seconds), profile.kinds.map((kind) => kind.seconds).sort((a, b) => b - a));
    assert.ok(profile.kinds.some(({ kind, seconds }) => kind === "conv3x3" && seconds > 0));
    t.diagnostic(JSON.stringify(profile));
    await page.close();
  });
}

test("without WebGPU that is said", async (t) => {
  const without = await browser({ webgpu: false });
  t.after(() => without.close());
  const page = await lab.host(without);
  const found = await page.evaluate(async () => {
    const worst = await wrong(() => Mprnet.create());
    return { worst, has: "gpu" in navigator, secure: isSecureContext };
  });
  assert.equal(found.worst?.kind, "no-webgpu", JSON.stringify(found));
});
