//! Elements of files as f32.

use std::sync::Arc;

use half::{bf16, f16};
use safetensors::Dtype;

/// Elements of floating point in the order of bytes that is said; what is wrong with others.
pub(super) fn to_f32(bytes: &[u8], dtype: Dtype, big_endian: bool) -> Result<Arc<[f32]>, String> {
    Ok(match dtype {
        Dtype::F16 => each(bytes, big_endian, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => each(bytes, big_endian, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F32 => each(bytes, big_endian, f32::from_le_bytes),
        Dtype::F64 => each(bytes, big_endian, |b| f64::from_le_bytes(b) as f32),
        other => return Err(format!("is {other:?}; F16, BF16, F32 and F64 are read")),
    })
}

fn each<const N: usize>(bytes: &[u8], big_endian: bool, value: impl Fn([u8; N]) -> f32) -> Arc<[f32]> {
    let (elements, _) = bytes.as_chunks::<N>();
    let ordered = |mut element: [u8; N]| {
        if big_endian {
            element.reverse();
        }
        value(element)
    };
    elements.iter().map(|&element| ordered(element)).collect()
}
