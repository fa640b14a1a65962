// What a worker's browser gives, as its address asks: `limits` gives devices no more than WebGPU's default limits, `no-clock` none
// with timestamps. Bytes of buffers that are not destroyed are counted.

const asked = new URL(self.location.href).searchParams;
const request = GPUAdapter.prototype.requestDevice;
const create = GPUDevice.prototype.createBuffer;
const destroy = GPUBuffer.prototype.destroy;

self.watched = { limits: null, features: [], bytes: 0, most: 0 };
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
