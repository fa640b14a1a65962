//! Weights as a safetensors file that tells what it is.

use std::collections::{BTreeMap, HashMap};

use half::f16;
use safetensors::tensor::{Dtype, SafeTensorError, TensorView};

use super::peaks::PEAKS;
use super::provenance::{LICENSE, TAGS, TASK, named};
use super::{FeaturePeaks, Task, Weights};
use crate::checkpoint::sha256_of;
use crate::graph::Param;
use crate::plan::Precision;
use crate::{Error, Result};

const TITLE: &str = "modelspec.title";
const SOURCE_SHA256: &str = "mprnet.source_sha256";
const SOURCE_FORMAT: &str = "mprnet.source_format";
/// The tag of every model.
const RESTORATION: &str = "image-restoration";

/// How weights are written, and what is said of them. What is none here is as the weights' own metadata have it.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// How values are stored.
    pub precision: Precision,
    /// What the model removes.
    pub task: Option<Task>,
    /// The terms of its use.
    pub license: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// How large its features become, from calibration.
    pub peaks: Option<FeaturePeaks>,
    /// The file it comes from.
    pub source: Option<Source>,
}

/// A file that weights come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its format: `safetensors` or `pytorch`.
    pub format: &'static str,
}

impl Weights {
    /// A safetensors file of these weights: every key of the network, in alphabetical order, and metadata by the
    /// [ModelSpec](https://github.com/Stability-AI/ModelSpec) 1.0.1. The same weights give the same bytes.
    ///
    /// The weights' own metadata are kept, except for hashes, which are computed anew. `mprnet.source_sha256` and
    /// `mprnet.source_format` are about the file in which the weights were first met: a file that has them keeps
    /// them, so that a second conversion changes nothing. A presumed task ([`super::Provenance`]) is not written,
    /// since that would turn a guess into a statement.
    ///
    /// # Errors
    /// [`Error::Values`] where a value is past the range of f16, or the metadata past that of the format.
    pub fn to_safetensors(&self, export: &Export) -> Result<Vec<u8>> {
        let dtype = match export.precision {
            Precision::F32 | Precision::Exact => Dtype::F32,
            Precision::F16 => Dtype::F16,
        };
        let stored = |param| Ok((param, bytes(param, export.precision)?));
        let tensors: Vec<(&Param, Vec<u8>)> = self.params().map(stored).collect::<Result<_>>()?;
        // Tensors of one type are stored in the order of their keys, which is the order here.
        let hash = sha256_of(tensors.iter().map(|(_, bytes)| bytes));
        let metadata = metadata(self, export, &hash);
        let views = tensors.iter().map(|(param, bytes)| {
            let view = TensorView::new(dtype, param.shape.clone(), bytes)?;
            Ok((param.name.as_str(), view))
        });
        let views: Vec<_> = views.collect::<std::result::Result<_, SafeTensorError>>().map_err(unfit)?;
        let file = safetensors::serialize(views, Some(metadata)).map_err(unfit)?;
        sorted(file).map_err(unfit)
    }
}

fn unfit(error: impl std::fmt::Display) -> Error {
    let reason = format!("does not fit a safetensors file ({error}); shorten it");
    Error::Values { key: "__metadata__".to_owned(), reason }
}

/// A parameter's values as stored.
fn bytes(param: &Param, precision: Precision) -> Result<Vec<u8>> {
    if precision != Precision::F16 {
        return Ok(param.data.iter().flat_map(|v| v.to_le_bytes()).collect());
    }
    let mut bytes = Vec::with_capacity(2 * param.data.len());
    for (at, &value) in param.data.iter().enumerate() {
        let rounded = f16::from_f32(value);
        if !rounded.is_finite() {
            let reason = format!("holds {value} at {at}, past f16's range of 65,504; write it in f32");
            return Err(Error::Values { key: param.name.clone(), reason });
        }
        bytes.extend(rounded.to_le_bytes());
    }
    Ok(bytes)
}

fn metadata(weights: &Weights, export: &Export, hash: &str) -> HashMap<String, String> {
    let mut all: HashMap<String, String> = weights
        .metadata()
        .iter()
        .filter(|(key, _)| !key.starts_with("modelspec.hash_"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut set = |key: &str, value: String| all.insert(key.to_owned(), value);
    set("modelspec.sai_model_spec", "1.0.1".to_owned());
    set("modelspec.architecture", "mprnet".to_owned());
    set("modelspec.implementation", "mprnet".to_owned());
    set("modelspec.hash_sha256", format!("0x{hash}"));
    set("mprnet.config", weights.config().to_string());
    let provenance = weights.provenance();
    let task = export.task.or(provenance.task.filter(|_| !provenance.presumed));
    set(TAGS, tags(weights.metadata().get(TAGS), task));
    if let Some(license) = &export.license {
        set(LICENSE, license.clone());
    }
    if let Some(title) = &export.title {
        set(TITLE, title.clone());
    }
    if let Some(task) = task {
        set(TASK, task.to_string());
    }
    if let Some(peaks) = &export.peaks {
        set(PEAKS, peaks.to_json());
    }
    all.entry(TITLE.to_owned()).or_insert_with(|| title(weights, task));
    if let Some(source) = export.source.as_ref().filter(|_| !all.contains_key(SOURCE_SHA256)) {
        all.insert(SOURCE_SHA256.to_owned(), source.sha256.clone());
        all.insert(SOURCE_FORMAT.to_owned(), source.format.to_owned());
    }
    all
}

/// The tags there are, with this task in place of any other.
fn tags(existing: Option<&String>, task: Option<Task>) -> String {
    let others = existing.into_iter().flat_map(|tags| tags.split(',')).map(str::trim);
    let others = others.filter(|tag| !tag.is_empty() && *tag != RESTORATION && named(tag).is_none());
    let all: Vec<&str> = std::iter::once(RESTORATION).chain(task.map(Task::name)).chain(others).collect();
    all.join(", ")
}

/// A title for a model without one.
fn title(weights: &Weights, task: Option<Task>) -> String {
    let c = weights.config();
    let task = task.map(|task| format!(" {task}")).unwrap_or_default();
    format!("MPRNet{task} {}/{}/{}/{}", c.n_feat, c.scale_unetfeats, c.scale_orsnetfeats, c.num_cab)
}

/// The file with its header's keys in alphabetical order. The writer takes metadata as a hash map, whose order
/// differs from run to run.
fn sorted(file: Vec<u8>) -> std::result::Result<Vec<u8>, serde_json::Error> {
    let length = file.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize);
    let Some((header, data)) = file.get(8..).and_then(|rest| rest.split_at_checked(length)) else {
        return Ok(file);
    };
    let entries: BTreeMap<String, BTreeMap<String, serde_json::Value>> = serde_json::from_slice(header)?;
    let mut header = serde_json::to_vec(&entries)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelConfig;

    #[test]
    fn what_is_exact_is_stored_in_f32() {
        let weights = Weights::seeded(ModelConfig { num_cab: 1, ..ModelConfig::DERAIN }, 0);
        let file = |precision| weights.to_safetensors(&Export { precision, ..Export::default() }).unwrap();
        assert_eq!(file(Precision::Exact), file(Precision::F32));
        assert!(file(Precision::F16).len() < file(Precision::F32).len());
    }
}
