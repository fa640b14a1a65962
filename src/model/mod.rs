//! MPRNet: its configurations, its weights, and the network itself as a graph.

mod config;
mod network;
mod seeded;
mod weights;

pub use config::ModelConfig;
pub use network::{ImageFormat, NetworkOptions, Stage, build};
pub use weights::Weights;
