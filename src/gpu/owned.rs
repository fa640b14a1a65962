//! Buffers that go with their owner.

use std::ops::Deref;

/// A buffer. Browsers give one's memory back when their garbage collector comes to it, which knows nothing of a GPU's
/// memory: there it is destroyed with its owner, once that has submitted all that uses it. Elsewhere it goes with its
/// last handle.
#[derive(Debug)]
pub(crate) struct Owned(wgpu::Buffer);

impl Owned {
    pub(crate) fn new(device: &wgpu::Device, descriptor: &wgpu::BufferDescriptor<'_>) -> Self {
        Self(device.create_buffer(descriptor))
    }
}

impl Deref for Owned {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if cfg!(target_family = "wasm") {
            self.0.destroy();
        }
    }
}
