// The page with photos of unusual sizes, dropped files, the keyboard, and as screen readers announce it.

import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { finished, give, lab, open } from "./page.mjs";
import { OUT, crop } from "./setting.mjs";

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const [TINY, MODEL] = ["golden/tiny.safetensors", "models/denoise.safetensors"].map(path);

/** A PNG file of that size, no two neighbours of which have the same colour. */
function file(width, height) {
  const part = (name, content) => {
    const named = Buffer.concat([Buffer.from(name), content]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    checksum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, checksum]);
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const row = 1 + 3 * width;
  const rows = Buffer.alloc(row * height).map((_, i) => (i % row ? (i * 2654435761) >>> 24 : 0));
  const begin = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([begin, part("IHDR", head), part("IDAT", deflateSync(rows)), part("IEND", Buffer.alloc(0))]);
}

/** Opens the page, with that network of one's own where it is given. */
async function ready(weights, first) {
  const opened = await open(1280, {}, undefined, first);
  const { page } = opened;
  await page.waitForFunction(() => typeof compareAll === "function");
  if (weights) {
    await page.check("input[value=own]");
    await page.setInputFiles("#weights", weights);
  }
  return opened;
}

test("the file of a result is whole that is wider than a canvas", async () => {
  const { page, said, close } = await ready(TINY);
  await page.fill("#strength", "0");
  await page.setInputFiles("#photos", { name: "wide.png", mimeType: "image/png", buffer: file(65536, 8) });
  await finished(page);
  const off = await page.evaluate(async () => {
    const { read } = await import("/package/bitmap.js");
    const { before, after } = document.querySelector(".compare").dataset;
    const [photo, result] = await Promise.all([before, after].map(async (url) => {
      const image = Object.assign(new Image(), { src: url });
      await image.decode();
      return read(await createImageBitmap(image));
    }));
    return photo.data.reduce((most, value, i) => Math.max(most, Math.abs(value - result.data[i])), 0);
  });
  assert.equal(off, 0);
  assert.deepEqual(said, []);
  await close();
});

test("screen readers are told of a photo's beginning and end, and of no step between", async () => {
  const { page, close } = await ready(TINY, () => {
    window.told = [];
    new MutationObserver(() => {
      for (const { textContent } of document.querySelectorAll("[role=status], [role=alert]")) {
        if (textContent && !told.includes(textContent)) told.push(textContent);
      }
    }).observe(document, { childList: true, characterData: true, subtree: true });
    window.figures = new Set();
    const value = Object.getOwnPropertyDescriptor(HTMLProgressElement.prototype, "value");
    Object.defineProperty(HTMLProgressElement.prototype, "value", {
      set(share) {
        value.set.call(this, share);
        figures.add(`${this.ariaLabel}: ${share}`);
      },
    });
  });
  await give(page);
  await finished(page);
  await page.getByRole("tab", { name: "Inside the network" }).click();
  await page.getByRole("button", { name: /^Look inside/ }).click();
  await page.getByText("This is a photo.png").waitFor();
  const { told, figures } = await page.evaluate(() => ({ told, figures: [...figures] }));
  assert.deepEqual(told.map((text) => text.replace(/[\d.]+ s$/, "1 s")), [
    "a photo.png: Waiting for the photos before it.",
    "a photo.png: Under way; the first photo takes longest.",
    "a photo.png: 96 × 72 pixels in 1 s",
    "Under way; the first run takes longest.",
    "The time of each operator is measured.",
    "This is a photo.png.",
  ]);
  for (const name of ["Progress of a photo.png", "Progress of the run"]) {
    assert.ok(figures.includes(`${name}: 1`), `${figures}`);
  }
  await close();
});

test("the keyboard's focus goes to what takes the place of a button", async () => {
  const { page, close } = await ready(TINY);
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  const buttons = (name) => page.getByRole("button", { name });
  await give(page);
  await buttons("Cancel").press("Enter");
  await buttons("Restore again").waitFor();
  assert.equal(await focused(), "Restore again");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "Cancel");
  await finished(page);
  assert.equal(await focused(), "Save a photo.png");
  // Who is elsewhere stays there.
  await page.focus("#strength");
  await buttons("Restore again").evaluate((button) => button.click());
  await finished(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), "strength");
  await page.getByRole("tab", { name: "Restore photos" }).press("End");
  await buttons(/^Look inside/).press("Enter");
  await page.getByText("This is a photo.png").waitFor();
  assert.match(await focused(), /^Look inside/);
  await close();
});

test("the keyboard's focus on the choice of photos rings that button and no other", async () => {
  const { page, close } = await ready(TINY);
  await page.focus("#strength");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "photos");
  const rings = await page.$$eval("#drop .button, #drop button", (all) => all.map((it) => getComputedStyle(it).outlineStyle));
  assert.deepEqual(rings, ["solid", "none"]);
  await close();
});

test("whatever belongs to a photo is named after it", async () => {
  const { page, close } = await ready(TINY);
  const named = ["one.png", "two.png"];
  await page.setInputFiles("#photos", named.map((name) => ({ name, mimeType: "image/png", buffer: file(24, 16) })));
  await finished(page, 2);
  for (const name of named) {
    const card = page.getByRole("article", { name });
    for (const control of await card.locator("button, a").all()) {
      const label = (await control.getAttribute("aria-label")) ?? (await control.textContent());
      assert.ok(label.includes(name), label);
    }
    assert.match(await card.getByRole("status").textContent(), new RegExp(`^${name}: 24 × 16 pixels`));
  }
  await close();
});

test("files of weights are dropped on their input, or anywhere", async () => {
  const { page, said, close } = await ready();
  const photo = await crop(lab.chrome, 96, 72);
  const pointer = await page.context().newCDPSession(page);
  // As the system does it: a page cannot drop a file on an input by itself.
  const dropped = async (selector, ...files) => {
    const { x, y, width, height } = await page.locator(selector).boundingBox();
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await pointer.send("Input.dispatchDragEvent", { type, x: x + width / 2, y: y + height / 2, data });
    }
  };
  const chosen = () =>
    page.evaluate(() => [document.querySelector("input[name=task]:checked").value, document.getElementById("weights").files[0]?.name]);
  await page.check("input[value=own]");
  // Whatever it is called.
  copyFileSync(TINY, `${OUT}/tiny.bin`);
  await dropped("#weights", `${OUT}/tiny.bin`);
  await page.waitForFunction(() => document.getElementById("weights").files[0]?.name === "tiny.bin");
  assert.equal(await page.locator(".photo").count(), 0);
  await page.check("input[value=derain]");
  await dropped("h1", photo, MODEL);
  await page.waitForFunction(() => document.getElementById("weights").files[0].name === "denoise.safetensors");
  assert.deepEqual(await chosen(), ["own", "denoise.safetensors"]);
  assert.ok(await page.isVisible("#weights"));
  assert.deepEqual(await page.$$eval(".photo h2", (all) => all.map((it) => it.textContent)), ["noisy-96x72.png"]);
  await dropped("#drop", TINY);
  await page.waitForFunction(() => document.getElementById("weights").files[0].name === "tiny.safetensors");
  assert.equal(await page.locator(".photo").count(), 1);
  assert.deepEqual(said, []);
  await close();
});
