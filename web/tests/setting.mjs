// What the tests have: a server of the built files, a headless Chromium with SwiftShader's adapter, and the program on the
// same driver. tools/test_web.sh says where they are.

import { execFile } from "node:child_process";
import { createReadStream, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before } from "node:test";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createGzip } from "node:zlib";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(join(setting("MPRNET_WEB_MODULES"), "x.js"));
const { chromium } = require("playwright-core");
export const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Screenshots, the report page and the figures. */
export const OUT = setting("MPRNET_WEB_OUT");
mkdirSync(OUT, { recursive: true });

function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: sh tools/test_web.sh runs these tests`);
  return value;
}

/** Folders of the checkout that are served, and under which names. */
const SERVED = {
  page: "web/page/dist",
  package: "web/package/dist",
  tests: "web/tests",
  samples: "samples",
  golden: "golden",
  models: "models",
  out: null,
};

const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".wasm": "application/wasm",
};
/** What servers compress. */
const COMPRESSED = [".css", ".html", ".js", ".wasm"];

/** Serves the folders on a port of its own, and notes what was asked for and how many bytes went over the wire. */
export async function serve() {
  const asked = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://host").pathname));
    const [, name, ...rest] = path.split("/");
    const file = join(name === "out" ? OUT : join(ROOT, SERVED[name] ?? "nowhere"), ...rest);
    const entry = { path, bytes: 0 };
    asked.push(entry);
    if (!(name in SERVED) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const type = extname(file);
    const headers = { "Content-Type": TYPES[type] ?? "application/octet-stream", "Cache-Control": "no-store" };
    const body = createReadStream(file);
    const sent = COMPRESSED.includes(type) ? body.pipe(createGzip({ level: 9 })) : body;
    response.writeHead(200, sent === body ? headers : { ...headers, "Content-Encoding": "gzip" });
    sent.on("data", (chunk) => (entry.bytes += chunk.length));
    sent.pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://localhost:${server.address().port}`, asked, close: () => server.close() };
}

/** A headless Chromium, with WebGPU on SwiftShader unless told otherwise. */
export function browser({ webgpu = true } = {}) {
  const args = ["--no-sandbox", ...(webgpu ? ["--enable-unsafe-webgpu"] : [])];
  return chromium.launch({ executablePath: setting("MPRNET_WEB_CHROMIUM"), args });
}

/**
 * What a file of tests has while it runs: a site and a browser, and pages of another program that uses the package; and what `more`
 * makes with these, before the first test.
 */
export function prepare(more = () => undefined) {
  const lab = {
    async host(from = lab.chrome) {
      const page = await from.newPage();
      await page.goto(`${lab.site.url}/tests/blank.html`);
      await page.waitForFunction(() => window.ready);
      return page;
    },
  };
  before(async () => {
    Object.assign(lab, { site: await serve(), chrome: await browser() });
    await more(lab);
  });
  after(async () => {
    await lab.chrome.close();
    lab.site.close();
  });
  return lab;
}

/**
 * The bytes that the browser's processes have in memory, each for itself: what they share counts for each. `VmHWM` gives the most
 * that they have had, `VmRSS` what they have.
 */
export function memory(which) {
  const status = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      status.set(Number(pid), readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      // It has ended meanwhile.
    }
  }
  const value = (pid, name) => Number(status.get(pid)?.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0);
  const ours = (pid) => pid > 1 && (pid === process.pid || ours(value(pid, "PPid")));
  const processes = [...status.keys()].filter((pid) => pid !== process.pid && ours(pid));
  return processes.reduce((sum, pid) => sum + 1024 * value(pid, which), 0);
}

/** The top left of the noisy sample as a PNG of that size, in a file of OUT: SwiftShader is slow. */
export async function crop(chrome, width, height) {
  const page = await chrome.newPage();
  const source = `data:image/png;base64,${readFileSync(join(ROOT, "samples/noisy.png")).toString("base64")}`;
  const made = await page.evaluate(async ({ source, width, height }) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/png");
  }, { source, width, height });
  await page.close();
  const file = join(OUT, `noisy-${width}x${height}.png`);
  writeFileSync(file, Buffer.from(made.replace(/.*,/, ""), "base64"));
  return file;
}

/** The tensor of a safetensors file of one. */
export function tensor(path) {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const [{ shape }] = Object.values(JSON.parse(file.subarray(8, 8 + length)));
  const values = file.subarray(8 + length);
  return { shape, at: (index) => values.readFloatLE(4 * index) };
}

/** Runs the program on SwiftShader. */
export async function program(...args) {
  // Vulkan's loader is in the browser's folder too.
  const folder = setting("MPRNET_WEB_SWIFTSHADER");
  const driver = { VK_DRIVER_FILES: join(folder, "vk_swiftshader_icd.json"), LD_LIBRARY_PATH: folder };
  const environment = { ...process.env, ...driver, WGPU_BACKEND: "vulkan", NODEVICE_SELECT: "1" };
  const { stdout } = await promisify(execFile)(setting("MPRNET_WEB_PROGRAM"), args, { cwd: ROOT, env: environment });
  return stdout;
}
