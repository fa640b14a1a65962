//! Elements of files as f32.

use std::sync::Arc;

use half::{bf16, f16};
use pytorch_reader::DType;
use safetensors::Dtype;

/// An element type of floating point.
#[derive(Clone, Copy)]
enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

pub(super) fn from_safetensors(bytes: &[u8], dtype: Dtype) -> Result<Arc<[f32]>, String> {
    let float = match dtype {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::Bf16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        other => return Err(no_float(&other)),
    };
    Ok(to_f32(bytes, float, false))
}

/// Bytes of a PyTorch tensor, which its reader gives in the host's order.
pub(super) fn from_torch(bytes: &[u8], dtype: DType) -> Result<Arc<[f32]>, String> {
    let float = match dtype {
        DType::F16 => Float::F16,
        DType::BF16 => Float::Bf16,
        DType::F32 => Float::F32,
        DType::F64 => Float::F64,
        other => return Err(no_float(&other)),
    };
    Ok(to_f32(bytes, float, cfg!(target_endian = "big")))
}

fn no_float(dtype: &dyn std::fmt::Debug) -> String {
    format!("is {dtype:?}; F16, BF16, F32 and F64 are read")
}

fn to_f32(bytes: &[u8], float: Float, big_endian: bool) -> Arc<[f32]> {
    match float {
        Float::F16 => each(bytes, big_endian, |b| f16::from_le_bytes(b).to_f32()),
        Float::Bf16 => each(bytes, big_endian, |b| bf16::from_le_bytes(b).to_f32()),
        Float::F32 => each(bytes, big_endian, f32::from_le_bytes),
        Float::F64 => each(bytes, big_endian, |b| f64::from_le_bytes(b) as f32),
    }
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
