// Browsers that do not say what their adapters are: Chrome says it of adapters from 127 on and of devices from 132, and
// Safari's first versions with WebGPU do not. The module asks, and nothing but names and choices of kernels depends on it.

const NOTHING = { vendor: "", architecture: "", device: "", description: "" };

/** Gives what a class lacks. */
function tell(owner: { prototype: object } | undefined, name: string): void {
  if (owner && !(name in owner.prototype)) {
    Object.defineProperty(owner.prototype, name, { get: () => NOTHING, configurable: true });
  }
}

const classes = globalThis as { GPUAdapter?: { prototype: object }; GPUDevice?: { prototype: object } };
tell(classes.GPUAdapter, "info");
tell(classes.GPUDevice, "adapterInfo");

export {};
