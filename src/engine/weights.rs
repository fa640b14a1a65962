//! Packed weights on the device, shared by the executors of all image sizes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use wgpu::util::{DeviceExt, TextureDataOrder};

use crate::gpu::{Device, Owned, Storage, TEXEL_COLUMNS};
use crate::graph::Graph;
use crate::kernels::{BindingIndex, Packing};
use crate::{Error, Result};

/// What a stage of an operator has of weights and biases.
#[derive(Debug)]
pub(super) struct OperatorWeights {
    pub(super) parts: Vec<(BindingIndex, Constants)>,
}

/// Constant values on the device.
#[derive(Debug)]
pub(super) enum Constants {
    Buffer(Owned),
    /// Quads as texels, in rows of [`TEXEL_COLUMNS`], and their bytes.
    Texels(wgpu::TextureView, u64),
}

impl Constants {
    /// # Errors
    /// There is nothing to write to.
    fn buffer(
        device: &Device,
        label: &str,
        contents: &[u8],
    ) -> std::result::Result<Self, wgpu::MapRangeError> {
        // wgpu's own way to do this panics where there is no memory for it.
        let (label, size, mapped_at_creation) = (Some(label), contents.len() as u64, true);
        let usage = wgpu::BufferUsages::STORAGE;
        let descriptor = wgpu::BufferDescriptor { label, size, usage, mapped_at_creation };
        let buffer = Owned::new(device.wgpu(), &descriptor);
        buffer.get_mapped_range_mut(..)?.copy_from_slice(contents);
        buffer.unmap();
        Ok(Self::Buffer(buffer))
    }

    fn texels(device: &Device, label: &str, mut values: Vec<f32>) -> Self {
        let texels = (values.len() / 4) as u32;
        let bytes = size_of_val(values.as_slice()) as u64;
        let (width, height) = (texels.min(TEXEL_COLUMNS), texels.div_ceil(TEXEL_COLUMNS));
        values.resize(4 * (width * height) as usize, 0.0);
        let descriptor = wgpu::TextureDescriptor {
            label: Some(label),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba32Float,
            usage: wgpu::TextureUsages::STORAGE_BINDING,
            view_formats: &[],
        };
        let (order, values) = (TextureDataOrder::LayerMajor, bytemuck::cast_slice(&values));
        let texture = device.wgpu().create_texture_with_data(device.queue(), &descriptor, order, values);
        Self::Texels(texture.create_view(&wgpu::TextureViewDescriptor::default()), bytes)
    }

    pub(super) fn binding(&self) -> wgpu::BindingResource<'_> {
        match self {
            Self::Buffer(buffer) => buffer.as_entire_binding(),
            Self::Texels(view, _) => wgpu::BindingResource::TextureView(view),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Buffer(buffer) => buffer.size(),
            Self::Texels(_, bytes) => *bytes,
        }
    }
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
    texels: bool,
}

impl Key {
    fn of(graph: &Graph, packing: &Packing, texels: bool) -> Self {
        let params = || packing.params.iter().map(|&id| graph.param(id));
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
            texels,
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
        packed.values().flat_map(|w| &w.parts).map(|(_, values)| values.bytes()).sum()
    }

    /// The packed weights of an operator, packed at the first call; f32 weights as texels if asked for.
    pub(super) fn get(
        &self,
        device: &Device,
        graph: &Graph,
        packing: &Packing,
        texels: bool,
    ) -> Result<Arc<OperatorWeights>> {
        let key = Key::of(graph, packing, texels);
        let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = packed.get(&key) {
            return Ok(Arc::clone(found));
        }
        let values = (packing.pack)(graph);
        let narrow = packing.storage != Storage::F32;
        if narrow && values.weights.iter().any(|&v| half::f16::from_f32(v).is_infinite()) {
            return Err(Error::PrecisionTooLow { what: key.names });
        }
        let element = if narrow { 2 } else { 4 };
        let bytes = 4 * values.bias.len() as u64 + element * values.weights.len() as u64;
        let during = format!("uploading {}", key.names);
        let made = device.checked_for(during.clone(), bytes, || {
            let buffer = |bytes: &[u8]| Constants::buffer(device, &key.names, bytes);
            let mut parts = Vec::new();
            if !values.bias.is_empty() {
                parts.push((BindingIndex::Bias, buffer(bytemuck::cast_slice(&values.bias))?));
            }
            if !values.weights.is_empty() {
                let weights = match packing.storage {
                    Storage::F32 if texels => Constants::texels(device, &key.names, values.weights),
                    Storage::F32 => buffer(bytemuck::cast_slice(&values.weights))?,
                    _ => buffer(&to_f16(&values.weights))?,
                };
                parts.push((BindingIndex::Weights, weights));
            }
            Ok(OperatorWeights { parts })
        })?;
        let made = made.map_err(|_: wgpu::MapRangeError| device.not_mapped(during, bytes))?;
        let made = Arc::new(made);
        packed.insert(key, Arc::clone(&made));
        Ok(made)
    }
}

/// Values as f16 bytes, rounded to nearest.
pub(super) fn to_f16(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect()
}
