//! MPRNet (Zamir et al., "Multi-Stage Progressive Image Restoration", CVPR 2021) on any GPU: every operator is a
//! WGSL compute shader of this crate, run through wgpu on Vulkan, Metal, DX12, OpenGL or WebGPU.
//!
//! [`Restorer`] is what most programs need. Below it, in the order in which data flows: [`image`] reads and writes
//! photos, [`model`] builds the network as a [`graph`], whose passes rewrite it, [`plan`] gives every tensor a
//! buffer and cuts operators into windows, [`kernels`] turn operators into dispatches, [`gpu`] links and compiles
//! shaders, an [`Executor`] runs them. Beside these, `job` decides which files become which, [`tune`] finds out which
//! kernels are fastest, [`pool`] shares photos among devices, [`video`] reads and writes streams of frames, and
//! [`conformance`] tells whether an adapter computes what it should.
//!
//! Features, all of them on unless told otherwise:
//!
//! * `cli`: the program, and `cli::run`, which does what it does with any arguments;
//! * `image-files`: photos from files and to files (`image::read`, `image::write`);
//! * `torch-files`: weights from PyTorch's checkpoints; safetensors are always read.
//!
//! Without them a program passes a [`Frame`](image::Frame) of its own samples, and what is compiled is wgpu and little
//! more.
//!
//! In browsers no thread can wait for the GPU: where a call has a twin named `..._async`, only the twin works there
//! ([`Restoration`] has those of [`Restorer::restore_with_progress`] and [`Restorer::capture`]), and what waits and has
//! none does not: [`Executor::compute`] and [`Executor::run_timed`], [`Calibrator`],
//! [`gpu::adapters`], [`gpu::Device::noop`], [`pool`], [`probe`], [`conformance`], [`specimen`] and tuning.
//!
//! wgpu panics where a device is lost or a texture is another device's, and decoders may on damaged files. Such panics
//! are caught and become errors, which takes a program whose panics unwind: with `panic = "abort"` they end it.

pub mod checkpoint;
#[cfg(feature = "cli")]
pub mod cli;
pub mod conformance;
mod engine;
mod error;
pub mod gpu;
pub mod graph;
pub mod image;
pub mod inspect;
#[cfg(feature = "image-files")]
pub mod job;
pub mod kernels;
pub mod metrics;
pub mod model;
pub mod output;
mod panics;
pub mod plan;
pub mod pool;
pub mod probe;
mod remedy;
mod restore;
mod shown;
pub mod specimen;
pub mod tune;
pub mod video;

pub use engine::{
    Cancel, Executor, ExecutorOptions, Interval, Memory, PixelBuffer, Progress, Span, Spent, Values,
    WeightStore,
};
pub use error::{Error, Result};
pub use panics::caught;
pub use remedy::Remedy;
pub use restore::{
    CALIBRATION_SIDE, CalibrationPhoto, Calibrator, Captured, Deviation, Restoration, Restored, Restorer,
    RestorerOptions,
};
pub use shown::Shown;
/// What devices, textures and buffers of a host program are of: [`gpu::Device::from_wgpu`].
pub use wgpu;

/// The README's snippet compiles.
#[cfg(all(doctest, feature = "image-files"))]
#[doc = include_str!("../README.md")]
struct Readme;
