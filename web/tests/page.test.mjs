// The page, as people use it: mouse, keyboard, files; nothing asked of elsewhere, and nothing that axe finds.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { finished, give, lab, open, samples, small, violations } from "./page.mjs";
import { OUT, browser, memory, program } from "./setting.mjs";

const MODEL = new URL("../../models/denoise.safetensors", import.meta.url).pathname;

/** Looks inside the network, on the second tab. */
async function inside(page) {
  await page.getByRole("tab", { name: "Inside the network" }).click();
  await page.getByRole("button", { name: /^Look inside/ }).click();
  await looked(page);
}

const looked = (page) =>
  page.waitForFunction(() => document.querySelector("#inside .told").textContent.startsWith("This is"), null, { timeout: 300000 });

test("from loading the page to the first sample", async () => {
  const first = lab.site.asked.length;
  const begun = performance.now();
  const { page, asked, said, close } = await open();
  await page.waitForFunction(() => typeof compareAll === "function");
  const loaded = performance.now() - begun;
  await page.click("#sample");
  await finished(page);
  const whole = performance.now() - begun;
  const wire = lab.site.asked.slice(first);
  const sum = (entries) => entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const figures = {
    seconds_to_load: loaded / 1000,
    seconds_to_first_sample: whole / 1000,
    bytes_over_the_wire: sum(wire),
    bytes_of_the_module: sum(wire.filter((entry) => entry.path.endsWith(".wasm"))),
    bytes_of_the_model: sum(wire.filter((entry) => entry.path.endsWith(".safetensors"))),
    bytes_of_the_sample: sum(wire.filter((entry) => entry.path.endsWith(".png"))),
    bytes_of_the_browser: memory("VmHWM"),
  };
  writeFileSync(`${OUT}/figures.json`, JSON.stringify(figures, null, 2));
  console.log(JSON.stringify(figures));
  assert.ok(figures.bytes_of_the_module > 0 && figures.bytes_of_the_module <= 1.5 * 2 ** 20);
  assert.ok(figures.bytes_of_the_model > 0 && figures.bytes_of_the_model <= 2.7e6);
  // Every request is for the page's own folder, or for what is in the page's memory.
  const foreign = asked.filter((url) => !url.startsWith(`${lab.site.url}/page/`) && !/^(blob|data):/.test(url));
  assert.deepEqual(foreign, []);
  assert.deepEqual(said, []);
  await program("-q", "denoise", "samples/noisy.png", "-o", `${OUT}/page-native.png`, "--tune", "off");
  const native = `data:image/png;base64,${readFileSync(`${OUT}/page-native.png`).toString("base64")}`;
  const [shown, expected] = [await samples(page, await page.getAttribute("a[download]", "href")), await samples(page, native)];
  assert.equal(shown.length, expected.length);
  assert.ok(shown.every((value, i) => Math.abs(value - expected[i]) <= 1), "the page's result is not the program's");
  await close();
});

test("several photos, wrong files among them, saved under their names, by the keyboard alone", async () => {
  const { page, said, close } = await open();
  await page.waitForFunction(() => typeof compareAll === "function");
  await page.setInputFiles("#photos", [
    { name: "first.jpeg", mimeType: "image/png", buffer: small },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no photo") },
    { name: "second one.png", mimeType: "image/png", buffer: small },
  ]);
  await finished(page, 2);
  await page.waitForSelector(".photo.failed");
  assert.match(await page.textContent(".photo.failed"), /This browser reads no image in notes\.txt/);
  const saves = await page.$$eval("a[download]", (links) => links.map((link) => link.download));
  assert.deepEqual(saves, ["second one.png", "first.png"]);
  // The divider and the loupe.
  const slider = page.getByRole("slider", { name: /second one/ });
  await slider.focus();
  await page.keyboard.press("Shift+ArrowRight");
  assert.equal(await slider.getAttribute("aria-valuenow"), "60");
  await page.keyboard.press("l");
  await page.waitForSelector(".loupe .pane img");
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("l");
  const box = await slider.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2);
  await page.mouse.up();
  assert.equal(Number(await slider.getAttribute("aria-valuenow")), 25);
  // A strength of nothing gives the photo back.
  await page.focus("#strength");
  await page.keyboard.press("Home");
  assert.equal(await page.textContent("#percent"), "0%");
  await page.getByRole("button", { name: "Restore again" }).first().press("Enter");
  await page.waitForFunction(() => document.querySelector(".photo .told").textContent.includes("pixels in"));
  await finished(page, 2);
  const [same, photo] = [
    await samples(page, await page.locator(".compare").first().getAttribute("data-after")),
    await samples(page, await page.locator(".compare").first().getAttribute("data-before")),
  ];
  assert.deepEqual(same, photo);
  assert.deepEqual(said, []);
  await close();
});

test("weights of one's own, and files that are none", async () => {
  const { page, close } = await open();
  await page.waitForFunction(() => typeof compareAll === "function");
  await page.check("input[value=own]");
  await page.click("#sample");
  await page.waitForSelector("#trouble:not([hidden])");
  assert.match(await page.textContent("#trouble"), /^Choose a file of weights first/);
  await page.setInputFiles("#weights", { name: "none.safetensors", mimeType: "", buffer: small });
  await give(page);
  await page.waitForSelector(".photo.failed");
  assert.match(await page.textContent(".photo.failed .told"), /^a photo\.png: Cannot read weights from the weights given/);
  const gone = `${OUT}/gone.safetensors`;
  copyFileSync(MODEL, gone);
  await page.setInputFiles("#weights", gone);
  rmSync(gone);
  await page.getByRole("button", { name: "Restore again" }).click();
  await page.waitForFunction(() => /gone/.test(document.querySelector(".photo.failed .told")?.textContent));
  const unread = await page.textContent(".photo.failed .told");
  assert.match(unread, /: Cannot read weights from gone\.safetensors, .*: choose it again\.$/);
  await page.setInputFiles("#weights", MODEL);
  await page.getByRole("button", { name: "Restore again" }).click();
  await finished(page);
  await close();
});

test("a photo is cancelled on the page", async () => {
  const { page, close } = await open();
  await page.waitForFunction(() => typeof compareAll === "function");
  await page.click("#sample");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.waitForFunction(() => document.querySelector(".told").textContent.endsWith(": Cancelled."));
  await page.getByRole("button", { name: "Restore again" }).waitFor();
  await give(page);
  await finished(page);
  await close();
});

test("a photo is cancelled while its network opens, and the network serves the next one", async () => {
  const { page, close } = await open(1280, {}, lab.chrome, () => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      const send = () => post.call(this, message, ...rest);
      if (message.ask?.ask === "open") window.release = send;
      else send();
    };
  });
  await page.waitForFunction(() => typeof compareAll === "function");
  await give(page);
  await page.waitForFunction(() => window.release);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.waitForFunction(() => document.querySelector(".photo .told").textContent.endsWith(": Cancelled."));
  await page.evaluate(() => release());
  await page.getByRole("button", { name: "Restore again" }).click();
  await finished(page);
  assert.equal(page.workers().length, 1);
  await close();
});

test("photos come one at a time, and leave nothing behind when they are cancelled or removed", async () => {
  const { page, said, close } = await open(1280, {}, lab.chrome, () => {
    const [decode, create, revoke] = [createImageBitmap, URL.createObjectURL, URL.revokeObjectURL];
    const bitmaps = [];
    // Those that were closed or handed over have no width.
    Object.assign(window, { most: 0, urls: new Set(), alive: () => bitmaps.filter(({ width }) => width > 0).length });
    window.createImageBitmap = async (...given) => {
      const made = await decode(...given);
      bitmaps.push(made);
      window.most = Math.max(most, alive());
      return made;
    };
    URL.createObjectURL = (given) => {
      const made = create(given);
      urls.add(made);
      return made;
    };
    URL.revokeObjectURL = (given) => {
      urls.delete(given);
      revoke(given);
    };
  });
  await page.waitForFunction(() => typeof compareAll === "function");
  const names = ["under way.png", "restored.png", "waiting.png", "stopped.png"];
  await page.setInputFiles("#photos", names.map((name) => ({ name, mimeType: "image/png", buffer: small })));
  const removing = (name) => page.getByRole("button", { name: `Remove ${name}` });
  const stopped = page.locator(".photo", { hasText: "stopped.png" });
  assert.match(await stopped.textContent(), /Waiting for the photos before it/);
  await stopped.getByRole("button", { name: "Cancel" }).click();
  await stopped.getByText("Cancelled.").waitFor();
  await removing("waiting.png").click();
  await removing("under way.png").click();
  await finished(page);
  const left = await page.$$eval(".photo h2", (all) => all.map((it) => it.textContent));
  assert.deepEqual(left, ["stopped.png", "restored.png"]);
  // The photo and its copy for the worker; then, as addresses, the photo and its result.
  assert.deepEqual(await page.evaluate(() => [most, alive(), urls.size]), [2, 0, 2]);
  await removing("restored.png").press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Remove stopped.png");
  assert.equal(await page.evaluate(() => urls.size), 0);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "photos");
  assert.deepEqual(said, []);
  await close();
});

test("a network that was left is not opened again", async () => {
  const { page, close } = await open();
  let opened = 0;
  page.on("worker", () => (opened += 1));
  await page.waitForFunction(() => typeof compareAll === "function");
  await give(page);
  await page.selectOption("#mode", "tiled");
  await give(page);
  await finished(page, 2);
  assert.match(await page.textContent("#adapter"), /^GPU: /);
  assert.equal(opened, 2);
  await close();
});

test("a sample that cannot be fetched is told of, on both tabs", async () => {
  const { page, said, close } = await open(1280, {}, lab.chrome, () => {
    window.fetch = () => Promise.reject(new TypeError("nobody answers"));
  });
  await page.waitForFunction(() => typeof compareAll === "function");
  const trouble = page.getByText(/^The sample could not be fetched from .*: nobody answers\.$/);
  await page.click("#sample");
  await trouble.waitFor();
  await page.evaluate(() => (document.getElementById("trouble").textContent = ""));
  await page.getByRole("tab", { name: "Inside the network" }).click();
  await page.getByRole("button", { name: /^Look inside/ }).click();
  await trouble.waitFor();
  assert.deepEqual(said, []);
  await close();
});

test("the policy lets nothing out", async () => {
  const { page, said, close } = await open();
  const refused = await page.evaluate(async () => {
    const attempt = (work) => work().then(() => false, () => true);
    const image = () => new Promise((resolve, reject) => {
      Object.assign(new Image(), { onload: resolve, onerror: reject }).src = "http://127.0.0.1:9/a.png";
    });
    const script = () => new Promise((resolve, reject) => {
      const node = Object.assign(document.createElement("script"), { onload: resolve, onerror: reject, src: "data:text/javascript,1" });
      document.head.append(node);
    });
    return [await attempt(() => fetch("http://127.0.0.1:9/")), await attempt(image), await attempt(script)];
  });
  assert.deepEqual(refused, [true, true, true]);
  assert.equal(said.filter((text) => /Content Security Policy/.test(text)).length >= 3, true, `${said}`);
  await close();
});

for (const [width, scheme] of [[360, "light"], [1280, "light"], [360, "dark"], [1280, "dark"]]) {
  test(`a window of ${width} pixels, ${scheme}`, async () => {
    const { page, close } = await open(width, { colorScheme: scheme });
    await page.waitForFunction(() => typeof compareAll === "function");
    await give(page);
    await finished(page);
    await page.waitForFunction(() => document.getElementById("adapter").textContent !== "");
    for (const part of ["page", "inside"]) {
      if (part === "inside") await inside(page);
      await page.screenshot({ path: `${OUT}/${part}-${width}-${scheme}.png`, fullPage: true });
      const across = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(across <= width, `the page is ${across} pixels wide`);
      assert.deepEqual(await violations(page), []);
    }
    await close();
  });
}

test("the second tab draws the network from a run of it, by the keyboard alone", async () => {
  const { page, said, asked, close } = await open();
  await page.waitForFunction(() => typeof compareAll === "function");
  await page.getByRole("tab", { name: "Restore photos" }).focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), "Inside the network");
  assert.ok(await page.isHidden("#restore") && (await page.isVisible("#inside")));
  await page.keyboard.press("Home");
  assert.ok(await page.isVisible("#restore"));
  await give(page);
  await finished(page);
  await page.getByRole("tab", { name: "Restore photos" }).press("End");
  await page.getByRole("button", { name: "Look inside, with a photo.png" }).press("Enter");
  await looked(page);
  const shown = await page.evaluate(() => {
    const pixels = (canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
    return [...document.querySelectorAll("#inside canvas")].map((canvas) => ({
      label: canvas.ariaLabel, width: canvas.width, height: canvas.height, pixels: pixels(canvas),
    }));
  });
  const named = (name) => shown.find(({ label }) => label.startsWith(name));
  assert.equal(shown.length, 8);
  assert.deepEqual(named("The image of stage 3").pixels, await samples(page, await page.getAttribute("a[download]", "href")));
  const images = [1, 2, 3].map((stage) => String(named(`The image of stage ${stage}`).pixels));
  assert.equal(new Set(images).size, 3, "stages have the same image");
  for (const stage of [1, 2]) {
    const { width, height, pixels } = named(`The attention map after stage ${stage}`);
    assert.deepEqual([width, height], [48, 36]);
    assert.ok(new Set(pixels.filter((_, i) => i % 4 === 1)).size > 20, "the map is the same everywhere");
  }
  // Quarters have a gap between them, where nothing is drawn.
  const { width, height, pixels } = named("What stage 1 sees");
  assert.ok(width > 96 && height > 72);
  assert.ok(pixels.some((value, i) => i % 4 === 3 && value === 0));
  assert.equal(await page.getByRole("row").filter({ hasText: "conv3x3" }).count(), 1);
  assert.deepEqual(said, []);
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${lab.site.url}/page/`) && !/^(blob|data):/.test(url)), []);
  await close();
});

test("where memory is short the page offers tiles", async () => {
  const { page, close } = await open(1280, {}, lab.chrome, () => {
    // A GPU with hardly any memory, but for tiles.
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
      const { how } = message.ask ?? {};
      if (how && how.mode !== "tiled") how.memory = 2 ** 16;
      return post.call(this, message, ...rest);
    };
  });
  await page.waitForFunction(() => typeof compareAll === "function");
  await give(page);
  await page.waitForSelector(".photo.failed");
  assert.match(await page.textContent(".photo.failed .told"), /needs at least \d+ KiB .* 64 KiB are allowed.* In tiles it takes less/s);
  await page.getByRole("button", { name: "Restore in tiles" }).click();
  await finished(page);
  assert.equal(await page.inputValue("#mode"), "tiled");
  await close();
});

test("the page's own bundle has what older browsers lack", async () => {
  const { page, asked, close } = await open();
  await page.waitForFunction(() => typeof compareAll === "function");
  await give(page);
  await finished(page);
  const worker = asked.find((url) => /worker-[^/]*\.js$/.test(url));
  const text = await (await fetch(worker)).text();
  // What package/src/mapping.ts and older.ts do is an effect of theirs alone, which bundlers leave out if they may.
  assert.match(text, /RangeError/);
  assert.match(text, /adapterInfo/);
  await close();
});

test("served without https the page says what to do", async () => {
  const { page, close } = await open(1280, {}, undefined, () => {
    // As browsers have it where a page comes by http from elsewhere.
    Object.defineProperty(window, "isSecureContext", { value: false });
    delete Navigator.prototype.gpu;
  });
  await page.waitForFunction(() => typeof compareAll === "function");
  await page.click("#sample");
  await page.waitForSelector(".photo.failed");
  assert.match(await page.textContent(".photo.failed .told"), /open it by https\.$/);
  await close();
});

test("without WebGPU the page says which browsers have it", async (t) => {
  const without = await browser({ webgpu: false });
  t.after(() => without.close());
  const { page, close } = await open(360, {}, without);
  await page.waitForFunction(() => typeof compareAll === "function");
  await page.click("#sample");
  await page.waitForFunction(() => /no GPU/.test(document.body.textContent));
  assert.match(await page.textContent("main"), /WebGPU is in Chrome/);
  await page.screenshot({ path: `${OUT}/page-without.png`, fullPage: true });
  assert.deepEqual(await violations(page), []);
  await close();
});
