//! Safetensors files.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ::safetensors::{SafeTensorError, SafeTensors};
use serde::Deserialize;

use super::{Checkpoint, Container, Entry, Source, quoted};
use crate::{Error, Result};

/// Bytes of the largest file that is read: ten times the widest published network in f64.
pub(super) const MAX_FILE: u64 = 2 << 30;

/// The largest header that the format allows, in bytes.
const MAX_HEADER: u64 = 100_000_000;

/// A header's length, then the JSON object that it has to be.
pub(super) fn looks_like(head: &[u8]) -> bool {
    let length = head.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    length.is_some_and(|length| length <= MAX_HEADER) && head.get(8) == Some(&b'{')
}

pub(super) fn open(bytes: Cow<'_, [u8]>, origin: String) -> Result<Checkpoint<'_>> {
    let broken = |error: SafeTensorError| {
        let said = quoted(&error.to_string());
        let (there, end) = (bytes.len(), announced_end(&bytes).unwrap_or(0));
        let reason = if end > there as u64 {
            format!("it is cut short: {there} of {end} bytes are there; download or copy it again")
        } else {
            format!("it is not a whole safetensors file ({said}); download it again, or save it anew")
        };
        Error::WeightsFile { origin: origin.clone(), reason }
    };
    let (header, details) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
    // The file begins with the header's length in 8 bytes.
    let data = header + 8;
    let mut tensors: BTreeMap<String, Entry> = BTreeMap::new();
    for (key, info) in details.tensors() {
        let (start, end) = info.data_offsets;
        let source = Source::Slice(data + start..data + end);
        tensors.insert(key, Entry { shape: info.shape.clone(), dtype: info.dtype, source });
    }
    let mut metadata: BTreeMap<String, String> =
        details.metadata().clone().unwrap_or_default().into_iter().collect();
    restore_shared(&mut tensors, &mut metadata);
    Checkpoint::new(origin, Container::Safetensors, tensors, metadata, bytes)
}

/// How many bytes a file is to have by its own words; of the header alone where that is not whole.
fn announced_end(bytes: &[u8]) -> Option<u64> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = u64::from_le_bytes(*length);
    let data = length.checked_add(8)?;
    let Some(header) = rest.get(..usize::try_from(length).ok()?) else { return Some(data) };
    let header: BTreeMap<String, Place> = serde_json::from_slice(header).ok()?;
    data.checked_add(header.values().filter_map(|place| Some(place.data_offsets?[1])).max()?)
}

/// Of what a header says of a tensor, where its data lie; metadata lie nowhere.
#[derive(Deserialize)]
struct Place {
    data_offsets: Option<[u64; 2]>,
}

/// A tensor that a network has under several keys is stored under one of them by `safetensors.torch.save_model`,
/// which notes the others in the metadata: `{"other key": "stored key"}`.
fn restore_shared(tensors: &mut BTreeMap<String, Entry>, metadata: &mut BTreeMap<String, String>) {
    metadata.retain(|other, stored| match tensors.get(stored) {
        Some(entry) if !tensors.contains_key(other) => {
            let entry = entry.clone();
            tensors.insert(other.clone(), entry);
            false
        }
        _ => true,
    });
}
