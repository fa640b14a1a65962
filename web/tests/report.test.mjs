// The page that `mprnet --report` writes: the same divider and loupe, from a file.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { AXE, OUT, crop, prepare, program } from "./setting.mjs";

const lab = prepare();

test("the program's report opens from a file, and axe finds nothing in it", async () => {
  const photo = await crop(lab.chrome, 96, 72);
  await program("-q", "denoise", photo, "-o", `${OUT}/report.png`, "--tune", "off", "--target", photo, "--report", `${OUT}/report.html`);
  for (const width of [360, 1280]) {
    const page = await lab.chrome.newPage({ viewport: { width, height: 900 } });
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    await page.goto(pathToFileURL(`${OUT}/report.html`).href);
    const slider = page.getByRole("slider");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    assert.equal(await slider.getAttribute("aria-valuenow"), "51");
    await page.getByRole("button", { name: "Loupe" }).click();
    await page.waitForFunction(() => [...document.querySelectorAll(".pane img")].every((image) => image.naturalWidth === 96));
    await page.screenshot({ path: `${OUT}/report-${width}.png`, fullPage: true });
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => axe.run(document));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`), []);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
    assert.deepEqual(said, []);
    await page.close();
  }
});
