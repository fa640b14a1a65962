//! The adapter and what it can do, the shader linker, and the pipelines made of linked shaders.

mod adapters;
mod checked;
mod clock;
mod device;
mod dxc;
mod limits;
mod linker;
mod maker;
mod owned;
mod pipelines;
mod quirks;
mod reached;
mod scopes;
mod shaders;
mod stamps;
mod summary;
mod trusted;
mod vendor;
mod wait;

pub use adapters::{adapters, chosen, several};
pub use clock::Clock;
pub use device::{Device, DeviceOptions};
pub(crate) use dxc::found as dxcompiler;
pub(crate) use limits::lanes;
pub use linker::{KernelSpec, Storage, TEXEL_COLUMNS};
pub use maker::Maker;
pub(crate) use owned::Owned;
pub use pipelines::{Pipeline, Pipelines};
pub(crate) use quirks::mesa_version;
pub(crate) use stamps::{Lap, Stamps};
pub use summary::AdapterSummary;
pub(crate) use wait::Submitted;
