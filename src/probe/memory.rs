//! How much memory an adapter gives.

use crate::gpu::Device;

/// Bytes of the first buffers that are asked for, and of the last.
const CHUNKS: [u64; 2] = [256 << 20, 16 << 20];
/// More than any adapter has: what gives this much promises more than there is.
const MOST: u64 = 1 << 40;

/// Bytes of buffers that a device gives before it refuses, found by asking for them; nothing is written to them. None
/// where the backend tells no budget and would give more than there is: there the attempt itself would do harm.
#[must_use]
pub fn memory(device: &Device) -> Option<u64> {
    let backend = device.adapter().backend;
    if !matches!(backend, wgpu::Backend::Vulkan | wgpu::Backend::Dx12) {
        return None;
    }
    let [mut chunk, least] = CHUNKS;
    chunk = chunk.min(device.wgpu().limits().max_buffer_size);
    let (mut held, mut bytes) = (Vec::new(), 0);
    while chunk >= least && bytes < MOST {
        let descriptor = wgpu::BufferDescriptor {
            label: Some("memory probe"),
            size: chunk,
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        };
        match device.checked(|| device.wgpu().create_buffer(&descriptor)) {
            Ok(buffer) => {
                bytes += chunk;
                held.push(buffer);
            }
            Err(_) => chunk /= 2,
        }
    }
    (bytes < MOST).then_some(bytes)
}
