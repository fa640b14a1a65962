// What a worker's browser gives, as its address asks: `limits` gives devices no more than WebGPU's default limits, `no-clock` none
// with timestamps, `no-info` no names of adapters, `refuse=LABEL` no pipelines whose label begins so, `mapped=BYTES` no larger
// buffers that are mapped when they are made. Bytes of buffers that are not destroyed are counted.

const asked = new URL(self.location.href).searchParams;
const request = GPUAdapter.prototype.requestDevice;
const create = GPUDevice.prototype.createBuffer;
const destroy = GPUBuffer.prototype.destroy;

self.watched = { limits: null, features: [], bytes: 0, most: 0, refused: [], made: [], unmapped: 0 };
const alive = new Set();

GPUAdapter.prototype.requestDevice = async function (descriptor = {}) {
  const wanted = { ...descriptor };
  if (asked.has("limits")) delete wanted.requiredLimits;
  if (asked.has("no-clock")) wanted.requiredFeatures = [...(wanted.requiredFeatures ?? [])].filter((it) => it !== "timestamp-query");
  const device = await request.call(this, wanted);
  self.watched.limits = {
    binding: device.limits.maxStorageBufferBindingSize,
    buffer: device.limits.maxBufferSize,
    workgroup: device.limits.maxComputeWorkgroupStorageSize,
  };
  self.watched.features = [...device.features];
  return device;
};
GPUDevice.prototype.createBuffer = function (descriptor) {
  if (descriptor.mappedAtCreation && asked.has("mapped") && descriptor.size > Number(asked.get("mapped"))) {
    self.watched.unmapped += 1;
    throw new RangeError(`no memory for ${descriptor.size} bytes`);
  }
  const buffer = create.call(this, descriptor);
  alive.add(buffer);
  self.watched.bytes += buffer.size;
  self.watched.most = Math.max(self.watched.most, self.watched.bytes);
  return buffer;
};
GPUBuffer.prototype.destroy = function () {
  if (alive.delete(this)) self.watched.bytes -= this.size;
  destroy.call(this);
};

if (asked.has("no-info")) {
  delete GPUAdapter.prototype.info;
  delete GPUDevice.prototype.adapterInfo;
}

// A driver that does not compile a kernel is what browsers call an internal error.
const scopes = [];
const { createComputePipeline, pushErrorScope, popErrorScope } = GPUDevice.prototype;
GPUDevice.prototype.createComputePipeline = function (descriptor) {
  const refused = asked.has("refuse") && descriptor.label.startsWith(asked.get("refuse"));
  self.watched[refused ? "refused" : "made"].push(descriptor.label);
  const scope = refused && scopes.findLast((it) => it.filter === "internal");
  if (scope) scope.error ??= new GPUInternalError(`${descriptor.label} is refused by its driver`);
  return createComputePipeline.call(this, descriptor);
};
GPUDevice.prototype.pushErrorScope = function (filter) {
  scopes.push({ filter, error: null });
  pushErrorScope.call(this, filter);
};
GPUDevice.prototype.popErrorScope = function () {
  const { error } = scopes.pop();
  const told = popErrorScope.call(this);
  return error ? told.then(() => error) : told;
};
