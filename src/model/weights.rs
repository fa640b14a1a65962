//! A network's weights: complete, shape-checked, finite, in f32.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{ModelConfig, seeded};
use crate::graph::{MAX_CHANNELS, Param};
use crate::{Error, Result};

/// The default model, trained by `tools/train.py`.
const EMBEDDED_DENOISE: &[u8] = include_bytes!("../../models/denoise.safetensors");

/// Every parameter of a network, under its checkpoint key.
#[derive(Clone, Debug)]
pub struct Weights {
    config: ModelConfig,
    params: BTreeMap<String, Param>,
    metadata: BTreeMap<String, String>,
}

impl Weights {
    /// Reads a safetensors file of f32 or f16 tensors.
    ///
    /// # Errors
    /// [`Error::Io`]; otherwise as [`Self::from_safetensors`].
    pub fn read(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(io)?;
        Self::from_safetensors(&bytes, &path.display().to_string())
    }

    /// Weights from the bytes of a safetensors file; `origin` names the file in errors.
    ///
    /// # Errors
    /// [`Error::WeightsFile`] where the bytes are no such file, or a tensor is neither f32 nor f16 or holds a
    /// value that is not finite; [`Error::MissingKey`], [`Error::UnknownKey`] or [`Error::Misshapen`] within
    /// [`Error::Weights`] where the tensors are not those of one MPRNet.
    pub fn from_safetensors(bytes: &[u8], origin: &str) -> Result<Self> {
        let unreadable = |reason: String| Error::WeightsFile { origin: origin.to_owned(), reason };
        let broken = |e: SafeTensorError| unreadable(format!("it is not a whole safetensors file ({e})"));
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let mut params = Vec::with_capacity(file.len());
        for (key, view) in file.tensors() {
            let data = values(&view).map_err(|reason| unreadable(format!("{key} {reason}")))?;
            params.push(Param { name: key, shape: view.shape().to_vec(), data });
        }
        let named = |e| Error::Weights { origin: origin.to_owned(), source: Box::new(e) };
        Ok(Self { metadata, ..Self::from_params(params).map_err(named)? })
    }

    /// Weights from parameters in memory.
    ///
    /// # Errors
    /// [`Error::Values`] where a parameter is not finite or its values do not fill its shape;
    /// [`Error::MissingKey`], [`Error::UnknownKey`] or [`Error::Misshapen`].
    pub fn from_params(params: Vec<Param>) -> Result<Self> {
        params.iter().try_for_each(check_values)?;
        let shapes = params.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
        let config = ModelConfig::from_shapes(&shapes)?;
        let expected = config.parameters();
        let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (key, shape) in expected {
            if !shapes.contains_key(&key) {
                return Err(Error::MissingKey { key });
            }
            if let ([out, _, _, _], Some(stem)) = (&shape[..], key.strip_suffix(".weight")) {
                known.insert(format!("{stem}.bias"), vec![*out]);
            }
            known.insert(key, shape);
        }
        for (key, found) in shapes {
            let Some(shape) = known.get(&key) else { return Err(Error::UnknownKey { key }) };
            if *shape != found {
                return Err(Error::Misshapen { key, found, expected: format!("{shape:?}") });
            }
        }
        let widest = config.level(2).max(config.full_resolution());
        if widest > MAX_CHANNELS {
            return Err(Error::TooWide { channels: widest, limit: MAX_CHANNELS });
        }
        let params = params.into_iter().map(|p| (p.name.clone(), p)).collect();
        Ok(Self { config, params, metadata: BTreeMap::new() })
    }

    /// Deterministic random weights whose residual is of order one: for plans, records and benchmarks of a
    /// configuration without its checkpoint. The same values as `tools/seeded_weights.py`.
    #[must_use]
    pub fn seeded(config: ModelConfig, seed: u32) -> Self {
        let params = config.parameters().into_iter().map(|(name, shape)| {
            let data = seeded::values(&name, &shape, seed);
            (name.clone(), Param { name, shape, data })
        });
        Self { config, params: params.collect(), metadata: BTreeMap::new() }
    }

    /// The parameters of one block, for tests of blocks.
    #[cfg(test)]
    pub(super) fn partial(config: ModelConfig, params: Vec<Param>) -> Self {
        let params = params.into_iter().map(|p| (p.name.clone(), p)).collect();
        Self { config, params, metadata: BTreeMap::new() }
    }

    /// The denoiser that ships in the binary.
    ///
    /// # Errors
    /// As [`Self::from_safetensors`]; none in a binary that passed its tests.
    pub fn denoise() -> Result<Self> {
        Self::from_safetensors(EMBEDDED_DENOISE, "the embedded denoiser")
    }

    /// The configuration that the shapes describe.
    #[must_use]
    pub fn config(&self) -> ModelConfig {
        self.config
    }

    /// The file's `__metadata__`, as written by whoever made it.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Number of parameters. PReLU slopes that are all equal are the one shared parameter of the paper.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let (slopes, others): (Vec<&Param>, Vec<&Param>) =
            self.params.values().partition(|p| p.name.ends_with(".body.1.weight"));
        let shared = slopes.windows(2).all(|pair| pair[0].data == pair[1].data);
        others.iter().map(|p| p.data.len()).sum::<usize>() + if shared { 1 } else { slopes.len() }
    }

    /// A parameter by key.
    ///
    /// # Errors
    /// [`Error::MissingKey`].
    pub fn get(&self, key: &str) -> Result<&Param> {
        self.params.get(key).ok_or_else(|| Error::MissingKey { key: key.to_owned() })
    }
}

fn values(view: &TensorView<'_>) -> std::result::Result<Arc<[f32]>, String> {
    let bytes = view.data();
    let values: Arc<[f32]> = match view.dtype() {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => {
            bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
        }
        other => return Err(format!("is {other:?}; f32 and f16 are read")),
    };
    Ok(values)
}

fn check_values(param: &Param) -> Result<()> {
    let reason = match param.data.iter().position(|v| !v.is_finite()) {
        Some(at) => format!("holds {} at {at}; every weight must be finite", param.data[at]),
        None if param.data.len() != param.shape.iter().product::<usize>() => {
            format!("has {} values for a shape of {:?}", param.data.len(), param.shape)
        }
        None => return Ok(()),
    };
    Err(Error::Values { key: param.name.clone(), reason })
}
