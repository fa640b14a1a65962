//! MPRNet image restoration on any GPU.
mod engine;
mod error;
pub mod gpu;
pub mod graph;
pub mod image;
pub mod kernels;
pub mod model;
pub mod plan;

pub use engine::{Executor, ExecutorOptions, Memory, Progress, Values, WeightStore};
pub use error::{Error, Result};
