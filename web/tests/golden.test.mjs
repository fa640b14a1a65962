// Networks tensor by tensor, in the browser: against the twin of the shaders and PyTorch's tensors.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { OUT, prepare, program } from "./setting.mjs";

const VERSION = JSON.parse(readFileSync(new URL("../package/package.json", import.meta.url))).version;
const NETWORKS = JSON.parse(readFileSync(new URL("../../golden/networks.json", import.meta.url)));
/** Those whose weights are files, all of them tiny. */
const TINY = NETWORKS.filter((network) => network.weights);

const lab = prepare();

test("golden networks are right in f32 and packed f16", async () => {
  const page = await lab.host();
  const { adapter, checks } = await page.evaluate(async (networks) => {
    const mprnet = await Mprnet.create();
    const checks = [];
    for (const { name, weights, tensors, local } of networks) {
      const files = [await bytes(`/golden/${weights}`), await bytes(`/golden/${tensors}`)];
      checks.push(...JSON.parse(await mprnet.check(name, ...files, local)));
    }
    return { adapter: mprnet.adapterInfo(), checks };
  }, TINY);
  const version = lab.chrome.version();
  assert.equal(checks.length, 4 * TINY.length);
  for (const check of checks) {
    const what = `${check.network}, ${check.precision}, ${check.fused ? "fused" : "operator by operator"}`;
    assert.equal(check.outcome, "measured", `${what}: ${check.reason}`);
    assert.ok(check.error !== null && check.error <= check.bound, `${what}: the residual errs by ${check.error}`);
    assert.ok(check.repeats, `${what}: three runs give different bytes`);
    for (const { name, twin, pytorch } of check.tensors) {
      assert.ok(twin !== null && twin <= check.tensor_bound, `${what}: ${name} errs by ${twin}`);
      assert.ok((pytorch ?? 0) <= check.tensor_bound, `${what}: ${name} is ${pytorch} from PyTorch's`);
    }
  }
  // As `mprnet conformance` writes it: a column of its table.
  const report = {
    format: 1, mprnet: VERSION, date: new Date().toISOString(), system: `Chromium ${version} wasm32`,
    adapter: { ...adapter, name: adapter.name || "(not told)", workgroup_memory: adapter.workgroupMemory },
    kernels: [], networks: checks, timing: null,
  };
  writeFileSync(`${OUT}/conformance.json`, JSON.stringify(report));
  await program("-q", "conformance", `${OUT}/conformance.json`, "-o", `${OUT}/conformance.md`);
  assert.match(readFileSync(`${OUT}/conformance.md`, "utf8"), /tiny, 48x32, f32, fused/);
});
