// What tests of the page have: the page in a window, a small photo for it, and what to look for.

import { readFileSync } from "node:fs";
import { AXE, crop, prepare } from "./setting.mjs";

/** A PNG file. */
export let small;

export const lab = prepare(async ({ chrome }) => (small = readFileSync(await crop(chrome, 96, 72))));

/** The page in a window of that width, and what it asked for and said; `first` is run in it before its own scripts. */
export async function open(width = 1280, options = {}, from = lab.chrome, first = () => undefined) {
  const context = await from.newContext({ viewport: { width, height: 900 }, ...options });
  await context.addInitScript(first);
  const page = await context.newPage();
  const asked = [];
  const said = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(`${lab.site.url}/page/index.html`);
  return { page, asked, said, close: () => context.close() };
}

/** What axe finds. Its text is run by the browser's own door, which the page's policy does not guard. */
export async function violations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => axe.run(document));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

export const give = (page) => page.setInputFiles("#photos", { name: "a photo.png", mimeType: "image/png", buffer: small });

export const finished = (page, count = 1) =>
  page.waitForFunction((count) => document.querySelectorAll(".compare.ready").length === count, count, { timeout: 300000 });

/** Pixels of a picture of the page, or of a file of this machine. */
export const samples = (page, url) =>
  page.evaluate(async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    canvas.getContext("2d").drawImage(image, 0, 0);
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
  }, url);
