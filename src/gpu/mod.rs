//! The adapter and what it can do, the shader linker, and the pipelines made of linked shaders.

mod checked;
mod device;
mod linker;
mod pipelines;
mod shaders;
mod stamps;
mod trusted;

pub use device::{AdapterSummary, Device, DeviceOptions, adapters, chosen};
pub use linker::{KernelSpec, Storage, TEXEL_COLUMNS};
pub use pipelines::{Pipeline, Pipelines};
pub(crate) use stamps::Stamps;
