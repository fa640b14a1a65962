//! Checkpoint files: named tensors and metadata, whatever file holds them.
//!
//! What a file is, is told by its content. Nothing in a file is ever executed: the pickle inside a PyTorch file is
//! read by an interpreter that knows how tensors are put together and nothing else.

mod digest;
mod names;
#[cfg(feature = "torch-files")]
mod pickle;
mod safetensors;
#[cfg_attr(not(feature = "torch-files"), path = "no_torch.rs")]
mod torch;
mod values;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ::safetensors::Dtype;

pub use digest::{sha256, sha256_of};

use crate::{Error, Result};

/// The kind of a checkpoint file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// Safetensors.
    Safetensors,
    /// The zip archive that PyTorch writes since 1.6.
    TorchZip,
    /// The stream of pickles that PyTorch wrote before.
    TorchLegacy,
}

impl Container {
    /// Who writes such files, whatever the variant: `safetensors` or `pytorch`.
    #[must_use]
    pub fn family(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip | Self::TorchLegacy => "pytorch",
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "PyTorch (zip)",
            Self::TorchLegacy => "PyTorch (legacy)",
        })
    }
}

/// The tensors of an opened file, under the keys of the network: what wrapped them (`state_dict`, `module.`) is
/// taken off, and what lies beside them (`epoch`, `optimizer`) is left out.
#[derive(Debug)]
pub struct Checkpoint<'a> {
    origin: String,
    container: Container,
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Entry>,
    /// What the slices of entries point into.
    bytes: Cow<'a, [u8]>,
}

/// A tensor whose values are still in the file.
#[derive(Clone, Debug)]
struct Entry {
    shape: Vec<usize>,
    dtype: Dtype,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A range of the file's bytes.
    Slice(std::ops::Range<usize>),
    /// A storage of a PyTorch file, read when asked for.
    #[cfg_attr(not(feature = "torch-files"), allow(dead_code))]
    Torch(torch::Tensor),
}

/// What the first bytes of a file say.
enum Kind {
    Safetensors,
    Torch(Container),
    Other(&'static str),
}

/// Longer names than any network has, and more dimensions: they would only fill messages.
const LONGEST_KEY: usize = 256;
const MOST_DIMENSIONS: usize = 8;

/// Characters of a file that a message quotes.
const LONGEST_QUOTE: usize = 300;

/// How many bytes tell kinds apart.
const HEAD: usize = 512;

/// The magic number 0x1950a86a20f9469cfc6c of the legacy format, as pickles of all protocols but the oldest have it.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// How soon it begins in a file.
const LEGACY_SEARCH: usize = 64;

impl Checkpoint<'static> {
    /// Opens a file: the names, types and shapes of its tensors are read and checked, and their values where the file
    /// is safetensors.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::WeightsFile`] where the file is of no kind that is read, or damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io)?;
        let mut head = Vec::with_capacity(HEAD);
        file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(io)?;
        let origin = path.display().to_string();
        match kind(&head) {
            Kind::Safetensors => {
                let length = file.metadata().map_err(io)?.len();
                if length > safetensors::MAX_FILE {
                    return Err(too_large(origin));
                }
                head.reserve_exact((length as usize).saturating_sub(head.len()));
                file.take(safetensors::MAX_FILE).read_to_end(&mut head).map_err(io)?;
                safetensors::open(Cow::Owned(head), origin)
            }
            Kind::Torch(container) => torch::open(path, origin, container),
            Kind::Other(what) => Err(Error::WeightsFile {
                origin,
                reason: format!("{what}; a safetensors file or a PyTorch checkpoint (.pth, .pt) is needed"),
            }),
        }
    }
}

impl<'a> Checkpoint<'a> {
    /// What a container holds, under the network's own keys.
    ///
    /// # Errors
    /// [`Error::WeightsFile`] where a name or shape is none that a message could show.
    fn new(
        origin: String,
        container: Container,
        tensors: BTreeMap<String, Entry>,
        metadata: BTreeMap<String, String>,
        bytes: Cow<'a, [u8]>,
    ) -> Result<Self> {
        let absurd = |(key, entry): &(&String, &Entry)| {
            key.len() > LONGEST_KEY || key.contains(char::is_control) || entry.shape.len() > MOST_DIMENSIONS
        };
        if let Some((key, entry)) = tensors.iter().find(absurd) {
            let shown: String = key.escape_debug().take(60).collect();
            let dimensions = entry.shape.len();
            let reason = format!("a tensor of {dimensions} dimensions named {shown:?} is none of a network");
            return Err(Error::WeightsFile { origin, reason });
        }
        let tensors = names::bare(tensors, &origin)?;
        Ok(Self { origin, container, metadata, tensors, bytes })
    }

    /// The tensors of a safetensors file in memory; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Error::WeightsFile`] where the bytes are no such file.
    pub fn from_safetensors(bytes: &'a [u8], origin: &str) -> Result<Self> {
        safetensors::open(Cow::Borrowed(bytes), origin.to_owned())
    }

    /// What names the file in errors.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The kind of the file.
    #[must_use]
    pub fn container(&self) -> Container {
        self.container
    }

    /// The file's `__metadata__`; a PyTorch file has none.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The shape of every tensor, outermost dimension first.
    #[must_use]
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.tensors.iter().map(|(key, entry)| (key.clone(), entry.shape.clone())).collect()
    }

    /// The element types that occur, by their safetensors names (`F32`, `F16`, ...).
    #[must_use]
    pub fn dtypes(&self) -> BTreeSet<String> {
        self.tensors.values().map(|entry| format!("{:?}", entry.dtype)).collect()
    }

    /// The values of a tensor in row-major order.
    ///
    /// # Errors
    /// [`Error::MissingKey`]; [`Error::WeightsFile`] where the tensor is not of floating point, or the file does not
    /// hold what it announces; [`Error::Io`].
    pub fn values(&self, key: &str) -> Result<Arc<[f32]>> {
        let entry = self.tensors.get(key).ok_or_else(|| Error::MissingKey { key: key.to_owned() })?;
        let values = match &entry.source {
            Source::Slice(range) => {
                values::to_f32(self.bytes.get(range.clone()).unwrap_or_default(), entry.dtype, false)
            }
            // PyTorch's reader gives bytes in the host's order.
            Source::Torch(tensor) => {
                let bytes = torch::bytes(tensor, &self.origin)?;
                values::to_f32(&bytes, entry.dtype, cfg!(target_endian = "big"))
            }
        };
        let origin = || self.origin.clone();
        values.map_err(|reason| Error::WeightsFile { origin: origin(), reason: format!("{key} {reason}") })
    }
}

/// What a file's own words are in a message, which they must not swell, nor steer the terminal with.
fn quoted(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().map(plain).take(LONGEST_QUOTE).collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        short += "...";
    }
    short
}

fn too_large(origin: String) -> Error {
    let reason = format!("it is larger than {} MiB, which no MPRNet is", safetensors::MAX_FILE >> 20);
    Error::WeightsFile { origin, reason }
}

fn kind(head: &[u8]) -> Kind {
    let text = head.trim_ascii_start();
    let starts = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if let Some(container) = torch_container(head) {
        return Kind::Torch(container);
    }
    match head {
        [] => Kind::Other("it is empty"),
        _ if safetensors::looks_like(head) => Kind::Safetensors,
        _ if starts("<!doctype html") || starts("<html") => {
            Kind::Other("it is a web page, not the file itself: download it again")
        }
        _ if starts("version https://git-lfs") => {
            Kind::Other("it is a Git LFS pointer, not the file itself: run `git lfs pull`")
        }
        // A pickle of protocol 2 or newer.
        [0x80, ..] => Kind::Other("it is a bare pickle, which holds no tensors"),
        _ => Kind::Other("it is neither a safetensors file nor a PyTorch checkpoint"),
    }
}

/// Which of PyTorch's formats a file is in.
fn torch_container(head: &[u8]) -> Option<Container> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(Container::TorchZip);
    }
    let begin = &head[..head.len().min(LEGACY_SEARCH)];
    let legacy = begin.windows(LEGACY_MAGIC.len()).any(|bytes| bytes == LEGACY_MAGIC);
    legacy.then_some(Container::TorchLegacy)
}
