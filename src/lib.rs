mod error;
pub mod graph;
pub mod image;
pub mod model;

pub use error::{Error, Result};
