//! Packed weights on the device, shared by the executors of all image sizes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use wgpu::util::{BufferInitDescriptor, DeviceExt};

use crate::gpu::{Device, Storage};
use crate::graph::Graph;
use crate::kernels::{Packing, Slot};
use crate::{Error, Result};

/// What a stage of an operator has of weights and biases.
#[derive(Debug)]
pub(super) struct OperatorWeights {
    pub(super) buffers: Vec<(Slot, wgpu::Buffer)>,
}

/// What packed weights are made of: names for people, a digest of the values for whoever shares a store between
/// models.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    names: String,
    digest: u64,
    sources: Vec<u32>,
    form: (&'static str, u32),
    storage: Storage,
}

impl Key {
    fn of(graph: &Graph, packing: &Packing) -> Self {
        let params = || packing.params.iter().map(|&id| graph.weights(id));
        let mut digest = DefaultHasher::new();
        for param in params() {
            param.shape.hash(&mut digest);
            bytemuck::cast_slice::<f32, u8>(&param.data).hash(&mut digest);
        }
        Self {
            names: params().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", "),
            digest: digest.finish(),
            sources: packing.sources.clone(),
            form: packing.form,
            storage: packing.storage,
        }
    }
}

/// The packed weights of models on one device.
#[derive(Debug, Default)]
pub struct WeightStore {
    packed: Mutex<HashMap<Key, Arc<OperatorWeights>>>,
}

impl WeightStore {
    /// Bytes of all packed weights.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        packed.values().flat_map(|w| &w.buffers).map(|(_, buffer)| buffer.size()).sum()
    }

    /// The packed weights of an operator, packed at the first call.
    pub(super) fn get(
        &self,
        device: &Device,
        graph: &Graph,
        packing: &Packing,
    ) -> Result<Arc<OperatorWeights>> {
        let key = Key::of(graph, packing);
        let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = packed.get(&key) {
            return Ok(Arc::clone(found));
        }
        let values = (packing.pack)(graph);
        let weights = match packing.storage {
            Storage::F32 => bytemuck::cast_slice(&values.weights).to_vec(),
            _ if values.weights.iter().any(|&v| half::f16::from_f32(v).is_infinite()) => {
                return Err(Error::PrecisionTooLow { what: key.names });
            }
            _ => to_f16(&values.weights),
        };
        let made = device.checked(|| {
            let buffer = |contents: &[u8]| {
                let usage = wgpu::BufferUsages::STORAGE;
                let descriptor = BufferInitDescriptor { label: Some(&key.names), contents, usage };
                device.wgpu().create_buffer_init(&descriptor)
            };
            let parts =
                [(Slot::Weights, weights.as_slice()), (Slot::Bias, bytemuck::cast_slice(&values.bias))];
            let some = parts.into_iter().filter(|(_, bytes)| !bytes.is_empty());
            OperatorWeights { buffers: some.map(|(slot, bytes)| (slot, buffer(bytes))).collect() }
        });
        let during = || format!("uploading {}", key.names).into();
        let made = Arc::new(made.map_err(|reason| Error::Gpu { during: during(), reason })?);
        packed.insert(key, Arc::clone(&made));
        Ok(made)
    }
}

/// Values as f16 bytes, rounded to nearest.
pub(super) fn to_f16(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect()
}
