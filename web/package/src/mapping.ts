// Browsers throw where they have no memory of their own for what a new buffer is to be filled through, which would end
// the module: it is written for errors that are told later. It hears of this one where it finds nothing to write to.

/** What the browser makes buffers with. */
interface Maker {
  createBuffer(this: unknown, descriptor: { mappedAtCreation?: boolean }): unknown;
}

const maker = (globalThis as unknown as { GPUDevice?: { prototype: Maker } }).GPUDevice?.prototype;
if (maker) {
  const create = maker.createBuffer;
  maker.createBuffer = function (descriptor) {
    try {
      return create.call(this, descriptor);
    } catch (error) {
      if (!descriptor.mappedAtCreation || !(error instanceof RangeError)) throw error;
      return create.call(this, { ...descriptor, mappedAtCreation: false });
    }
  };
}

export {};
