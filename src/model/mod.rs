//! MPRNet: its configurations, its weights, and the network itself as a graph.

mod arithmetic;
mod config;
mod export;
mod mode;
mod named;
mod network;
mod peaks;
mod provenance;
mod seeded;
mod task;
mod weights;

pub use arithmetic::Arithmetic;
pub use config::ModelConfig;
pub use export::{Export, Source};
pub use mode::{Mode, ModeParts};
pub use named::{embedded, open};
pub use network::{ImageFormat, NetworkOptions, Stage, build, channel_attention_block};
pub use peaks::FeaturePeaks;
pub use provenance::Provenance;
pub(crate) use seeded::normal_values;
pub use task::Task;
pub use weights::Weights;
