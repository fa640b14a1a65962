//! How a network is to be used, as the page says it.

use mprnet::model::{Mode, ModeParts};
use mprnet::plan::Precision;
use serde::Deserialize;

use super::errors::{Result, named, thrown};

/// The options of `Mprnet.create`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    precision: String,
    /// As many bytes as there are where it is no number: JSON has no infinity.
    memory: Option<f64>,
    mode: String,
    train_size: Option<u32>,
    tile: Option<u32>,
    overlap: Option<u32>,
}

/// How a network is to be used.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    pub(crate) precision: Precision,
    /// The most bytes of the GPU's memory that a photo may take.
    pub(crate) memory: u64,
    pub(crate) mode: Mode,
}

impl Options {
    /// The options in a JSON text.
    ///
    /// # Errors
    /// `Input` where they do not go together.
    pub(crate) fn of(text: &str) -> Result<Self> {
        let said: Said = serde_json::from_str(text).map_err(|error| named("Input", &error.to_string()))?;
        let precision = Precision::named(&said.precision).ok_or_else(|| {
            named("Input", &format!("{} is no precision: give f32, f16 or exact", said.precision))
        })?;
        let parts = ModeParts { train_size: said.train_size, tile: said.tile, overlap: said.overlap };
        let mode = Mode::named(&said.mode, parts).map_err(thrown)?;
        Ok(Self { precision, memory: said.memory.map_or(u64::MAX, |bytes| bytes as u64), mode })
    }

    /// The size that the network has for a photo of this one.
    pub(crate) fn seen(&self, width: u32, height: u32) -> (u32, u32) {
        let Mode::Tiled { tile, .. } = self.mode else { return (width, height) };
        (width.min(tile), height.min(tile))
    }
}
