//! What the means of channel attention are taken over: a patch, or a window around each pixel.

use super::{ModelConfig, Task, Weights};
use crate::graph::{Patches, TensorDesc};
use crate::{Error, Result};

/// The metadata's key: pixels of a side of the square crops that a model was trained on last.
pub(super) const TRAIN_SIZE: &str = "mprnet.train_size";

/// The crops of the published training, where nothing else is known.
const PUBLISHED_CROP: u32 = 256;
/// Those of the published denoising network.
const PUBLISHED_DENOISING_CROP: u32 = 128;

/// What the means of channel attention are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// The whole patch that a stage sees, as the paper has it.
    #[default]
    Global,
    /// A window around each pixel, one and a half times as large as what the mean saw in training (Chu et al.,
    /// "Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022): of photos larger than the
    /// training's crops the network sees what it has learnt to see. Where windows cover the photo's patches, the result is that of
    /// [`Self::Global`] to the bit.
    Local {
        /// Pixels of a side of the crops that the model was trained on; none where its file is to tell
        /// ([`Weights::train_size`]).
        train_size: Option<u32>,
    },
}

impl Weights {
    /// Pixels of a side of the square crops that the model was trained on last: what the metadata say
    /// (`mprnet.train_size`), or else what the published training took, 128 for a network of the published denoising
    /// network's shape and 256 for others.
    ///
    /// # Errors
    /// [`Error::Values`] where the metadata's text is no size.
    pub fn train_size(&self) -> Result<u32> {
        let Some(text) = self.metadata().get(TRAIN_SIZE) else { return Ok(published(self.config())) };
        text.trim().parse().ok().filter(|&size| size > 0).ok_or_else(|| {
            let text: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
            let reason =
                format!("in the metadata is \"{text}\" where the pixels of a crop's side are expected");
            Error::Values { key: TRAIN_SIZE.to_owned(), reason }
        })
    }

    /// The windows of a mode for photos of so many rows, padding included.
    pub(super) fn windows(&self, mode: Mode, height: u32) -> Result<Option<Windows>> {
        let Mode::Local { train_size } = mode else { return Ok(None) };
        let size = train_size.map_or_else(|| self.train_size(), Ok)?;
        let (multiple, factor) = (self.config().side_multiple(), self.config().shuffle);
        if size == 0 || !size.is_multiple_of(multiple) {
            return Err(Error::TrainSize { size, multiple });
        }
        Ok(Some(Windows { trained: size / factor, height: height / factor }))
    }
}

fn published(config: ModelConfig) -> u32 {
    if config == Task::Denoise.published_config() { PUBLISHED_DENOISING_CROP } else { PUBLISHED_CROP }
}

/// The windows of the local mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// A side of the training's crops, in pixels of the network's image.
    trained: u32,
    /// Rows of the network's image.
    height: u32,
}

impl Windows {
    /// Rows and columns of the windows for a tensor on its patches; none where they cover a patch.
    pub(super) fn of(&self, desc: &TensorDesc) -> Option<[u32; 2]> {
        let halved = self.height / desc.height;
        let Patches { rows, cols } = desc.patches;
        let window = |patches: u32, side: u32| (3 * (self.trained / (patches * halved)) / 2).min(side);
        let sides = [desc.patch_height(), desc.patch_width()];
        let windows = [window(rows, sides[0]), window(cols, sides[1])];
        (windows != sides).then_some(windows)
    }
}
