//! A network's weights: complete, shape-checked, finite, in f32.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ModelConfig, Task, seeded};
use crate::checkpoint::Checkpoint;
use crate::graph::{MAX_CHANNELS, Param};
use crate::{Error, Result};

/// The most parameters of a network: six times the widest published one's. PyTorch's files can announce a large tensor
/// with a few bytes, which this keeps from filling the memory.
const MAX_PARAMETERS: usize = 1 << 27;

/// Every parameter of a network, under its checkpoint key.
#[derive(Clone, Debug)]
pub struct Weights {
    config: ModelConfig,
    params: BTreeMap<String, Param>,
    metadata: BTreeMap<String, String>,
}

impl Weights {
    /// Reads a safetensors file or a PyTorch checkpoint, whichever the file's content says it is.
    ///
    /// # Errors
    /// [`Error::Io`]; otherwise as [`Self::from_checkpoint`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_checkpoint(&Checkpoint::open(path)?)
    }

    /// Weights from the bytes of a safetensors file; `origin` names the file in errors.
    ///
    /// # Errors
    /// As [`Self::from_checkpoint`].
    pub fn from_safetensors(bytes: &[u8], origin: &str) -> Result<Self> {
        Self::from_checkpoint(&Checkpoint::from_safetensors(bytes, origin)?)
    }

    /// The weights in an opened file.
    ///
    /// # Errors
    /// [`Error::WeightsFile`] where the file is damaged or a tensor is not of floating point; [`Error::MissingKey`],
    /// [`Error::UnknownKey`], [`Error::Misshapen`], [`Error::Values`], [`Error::TooWide`] or
    /// [`Error::TooManyParameters`] within [`Error::Weights`] where the tensors are not those of one MPRNet, hold a
    /// value that is not finite, or are larger than any network.
    pub fn from_checkpoint(file: &Checkpoint<'_>) -> Result<Self> {
        let origin = || file.origin().to_owned();
        let named = |e| Error::Weights { origin: origin(), source: Box::new(e) };
        // Shapes are judged before any value is read: a small file can announce large tensors.
        let shapes = file.shapes();
        let config = checked_config(&shapes).map_err(named)?;
        let mut params = BTreeMap::new();
        for (name, shape) in shapes {
            let param = Param { data: file.values(&name)?, name: name.clone(), shape };
            check_values(&param).map_err(named)?;
            params.insert(name, param);
        }
        Ok(Self { config, params, metadata: file.metadata().clone() })
    }

    /// Weights from parameters in memory.
    ///
    /// # Errors
    /// [`Error::Values`] where a parameter is not finite or its values do not fill its shape;
    /// [`Error::MissingKey`], [`Error::UnknownKey`], [`Error::Misshapen`], [`Error::TooWide`] or
    /// [`Error::TooManyParameters`].
    pub fn from_params(params: Vec<Param>) -> Result<Self> {
        params.iter().try_for_each(check_values)?;
        let shapes = params.iter().map(|p| (p.name.clone(), p.shape.clone())).collect();
        let config = checked_config(&shapes)?;
        let params = params.into_iter().map(|p| (p.name.clone(), p)).collect();
        Ok(Self { config, params, metadata: BTreeMap::new() })
    }

    /// Deterministic random weights whose residual is of order one: for plans, records and benchmarks of a
    /// configuration without its checkpoint. The same values as `tools/seeded_weights.py`, but for one
    /// in ten thousand that is off by a unit in the last place.
    #[must_use]
    pub fn seeded(config: ModelConfig, seed: u32) -> Self {
        let params = config.parameters().into_iter().map(|(name, shape)| {
            let data = seeded::values(&name, &shape, seed);
            (name.clone(), Param { name, shape, data })
        });
        Self { config, params: params.collect(), metadata: BTreeMap::new() }
    }

    /// The parameters of one block of a network.
    pub(super) fn partial(config: ModelConfig, params: Vec<Param>) -> Self {
        let params = params.into_iter().map(|p| (p.name.clone(), p)).collect();
        Self { config, params, metadata: BTreeMap::new() }
    }

    /// The model for that task that ships in the binary.
    ///
    /// # Errors
    /// As [`Self::from_safetensors`]; none in a binary that passed its tests.
    pub fn embedded(task: Task) -> Result<Self> {
        Self::from_safetensors(Self::embedded_file(task), &format!("the embedded {task} model"))
    }

    /// The safetensors file of [`Self::embedded`], trained by `tools/train.py`.
    #[must_use]
    pub fn embedded_file(task: Task) -> &'static [u8] {
        match task {
            Task::Derain => include_bytes!("../../models/derain.safetensors"),
            Task::Denoise => include_bytes!("../../models/denoise.safetensors"),
            Task::Deblur => include_bytes!("../../models/deblur.safetensors"),
        }
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

    /// Has the file say something else.
    pub(super) fn set_metadata(&mut self, key: &str, value: &str) {
        self.metadata.insert(key.to_owned(), value.to_owned());
    }

    /// Number of parameters. PReLU slopes that are all equal are the one shared parameter of the paper.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let (slopes, others): (Vec<&Param>, Vec<&Param>) =
            self.params.values().partition(|p| p.shape == [1] && p.name.ends_with(".body.1.weight"));
        let shared = slopes.windows(2).all(|pair| pair[0].data == pair[1].data);
        others.iter().map(|p| p.data.len()).sum::<usize>() + if shared { 1 } else { slopes.len() }
    }

    /// Every parameter, in the order of their keys.
    pub fn params(&self) -> impl Iterator<Item = &Param> {
        self.params.values()
    }

    /// A parameter by key.
    ///
    /// # Errors
    /// [`Error::MissingKey`].
    pub fn get(&self, key: &str) -> Result<&Param> {
        self.params.get(key).ok_or_else(|| Error::MissingKey { key: key.to_owned() })
    }
}

/// The configuration of these shapes, each of which has its place in it.
fn checked_config(shapes: &BTreeMap<String, Vec<usize>>) -> Result<ModelConfig> {
    let config = ModelConfig::from_shapes(shapes)?;
    let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (key, shape) in config.parameters() {
        if !shapes.contains_key(&key) {
            return Err(Error::MissingKey { key });
        }
        if let ([out, _, _, _], Some(stem)) = (&shape[..], key.strip_suffix(".weight")) {
            known.insert(format!("{stem}.bias"), vec![*out]);
        }
        known.insert(key, shape);
    }
    for (key, found) in shapes {
        let key = key.clone();
        let Some(shape) = known.get(&key) else { return Err(Error::UnknownKey { key }) };
        if shape != found {
            return Err(Error::Misshapen { key, found: found.clone(), expected: format!("{shape:?}") });
        }
    }
    let widest = config.level(2).max(config.full_resolution());
    if widest > MAX_CHANNELS {
        return Err(Error::TooWide { channels: widest, limit: MAX_CHANNELS });
    }
    let parameters = shapes.values().map(|shape| shape.iter().product::<usize>()).sum();
    if parameters > MAX_PARAMETERS {
        return Err(Error::TooManyParameters { parameters, limit: MAX_PARAMETERS });
    }
    Ok(config)
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
