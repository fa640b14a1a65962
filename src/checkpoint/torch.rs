//! PyTorch files, through `pytorch-reader`: it interprets the pickle without running any of it, checks every length
//! against the file, and reads strided and shared storages tensor by tensor. What it would let grow past measure is
//! refused here first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

pub(super) use pytorch_reader::Tensor;
use pytorch_reader::{DType, PytorchError, PytorchReader};
use safetensors::Dtype;
use zip::{CompressionMethod, ZipArchive};

use super::{Checkpoint, Container, Entry, Source, pickle, quoted};
use crate::{Error, Result};

/// Pickles of a legacy file: magic number, version, system, the object, the keys of its storages.
const LEGACY_PICKLES: usize = 5;

/// The most bytes of pickles in an archive, of which one is interpreted; those of networks take some hundred kilobytes.
const MAX_PICKLE: u64 = 16 << 20;

/// The most bytes of a tensor's storage that is compressed: it would be unpacked once for each tensor in it.
const MAX_PACKED: u64 = 1 << 12;

/// How much larger than its file what an archive unpacks to may be.
const MAX_GROWTH: u64 = 4;

pub(super) fn open(path: &Path, origin: String, container: Container) -> Result<Checkpoint<'static>> {
    let io = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let excessive = match container {
        Container::TorchLegacy => legacy_excess(path),
        _ => archive_excess(path),
    };
    if let Some(what) = excessive.map_err(io)? {
        return Err(Error::WeightsFile { origin, reason: format!("{what}; torch.save writes no such file") });
    }
    let reader = PytorchReader::new(path).map_err(|error| failure(error, path, &origin))?;
    let entry = |tensor: Tensor| Entry {
        shape: tensor.shape().to_vec(),
        dtype: dtype(tensor.dtype()),
        source: Source::Torch(tensor),
    };
    let tensors = reader.into_tensors().into_iter().map(|(key, tensor)| (key, entry(tensor))).collect();
    Checkpoint::new(origin, container, tensors, BTreeMap::new(), (&[][..]).into())
}

const TOO_MANY_OPERATIONS: &str = "its pickle has more operations than any network needs";

fn legacy_excess(path: &Path) -> io::Result<Option<&'static str>> {
    let mut file = BufReader::new(File::open(path)?);
    for _ in 0..LEGACY_PICKLES {
        if pickle::is_excessive(&mut file)? {
            return Ok(Some(TOO_MANY_OPERATIONS));
        }
    }
    Ok(None)
}

fn archive_excess(path: &Path) -> io::Result<Option<&'static str>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    // What cannot be opened or read is left to the reader, which says why.
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else { return Ok(None) };
    let (mut size, mut pickles) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index_raw(index) else { continue };
        let pickle = entry.name().is_ok_and(|name| name.ends_with("data.pkl"));
        if !pickle {
            if entry.compression() != CompressionMethod::Stored && entry.size() > MAX_PACKED {
                return Ok(Some("its tensors are compressed"));
            }
            size = size.saturating_add(entry.size());
            continue;
        }
        // All together: an archive of many would take long to look through.
        pickles = pickles.saturating_add(entry.size());
        if pickles > MAX_PICKLE {
            return Ok(Some("its pickles are larger than any network needs"));
        }
        drop(entry);
        let Ok(entry) = archive.by_index(index) else { continue };
        if pickle::is_excessive(&mut BufReader::new(entry.take(MAX_PICKLE))).unwrap_or(false) {
            return Ok(Some(TOO_MANY_OPERATIONS));
        }
    }
    // Weights hardly shrink.
    Ok((size > MAX_GROWTH.saturating_mul(length)).then_some("it unpacks to many times its own size"))
}

/// An element type by its name in safetensors.
fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

/// The elements of a tensor in row-major order, each in the host's order of bytes.
pub(super) fn bytes(tensor: &Tensor, origin: &str) -> Result<Vec<u8>> {
    tensor.read().map_err(|error| unreadable(error, origin.as_ref(), origin))
}

fn failure(error: PytorchError, path: &Path, origin: &str) -> Error {
    match error {
        PytorchError::Io(source) => unreadable(source, path, origin),
        other => damaged(&other.to_string(), origin),
    }
}

/// A file that contradicts itself, or one that the operating system does not read.
fn unreadable(source: io::Error, path: &Path, origin: &str) -> Error {
    match source.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
            damaged(&source.to_string(), origin)
        }
        _ => Error::Io { action: "read", path: path.to_owned(), source },
    }
}

/// What the reader says where the object that was saved is neither a dictionary nor a module that holds one.
const NO_DICTIONARY: &str = "Expected a dictionary at the root of the PyTorch file, found ";

/// Of what the reader says, whatever the format: the file ends before what it announces does.
const CUT_SHORT: [&str; 5] = [
    "Could not find EOCD",
    "nexpected end",
    "beyond the end of the file",
    "fill whole buffer",
    "unterminated",
];

fn damaged(reason: &str, origin: &str) -> Error {
    let said = quoted(reason);
    let reason = if let Some((_, found)) = said.split_once(NO_DICTIONARY) {
        format!(
            "it holds {found} and not just weights; save those where that can be loaded: \
             torch.save(model.state_dict(), \"weights.pth\")"
        )
    } else if CUT_SHORT.iter().any(|words| said.contains(words)) {
        format!("the PyTorch file is cut short ({said}); download or copy it again")
    } else {
        format!("it is no PyTorch checkpoint that can be read ({said}); download it again, or save it anew")
    };
    Error::WeightsFile { origin: origin.to_owned(), reason }
}
