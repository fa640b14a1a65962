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
    /// "Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022): of photos larger than
    /// the training's crops the network sees what it has learnt to see. Where windows cover the photo's patches, the
    /// result is that of [`Self::Global`] to the bit.
    Local {
        /// Pixels of a side of the crops that the model was trained on; none where its file is to tell
        /// ([`Weights::train_size`]).
        train_size: Option<u32>,
    },
    /// The part of a patch that is in a tile: an approximation, since means of tiles are not those of the photo, for
    /// whoever is in a hurry. [`crate::Restorer`] restores tile by tile, and blends tiles where they overlap; a photo
    /// that is no larger than one comes out as with [`Self::Global`]. Graphs are those of [`Self::Global`] for a tile's
    /// size.
    Tiled {
        /// Pixels of a tile's side, at most; at least [`Mode::LEAST_TILE`].
        tile: u32,
        /// Pixels that neighbours overlap by at least; fewer than `tile`.
        overlap: u32,
    },
}

/// What a mode may be told besides its name, where a program has an option for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModeParts {
    /// For [`Mode::Local`]: the side of the training's crops, in pixels.
    pub train_size: Option<u32>,
    /// For [`Mode::Tiled`]: a tile's side, in pixels.
    pub tile: Option<u32>,
    /// For [`Mode::Tiled`]: what neighbours overlap by at least, in pixels.
    pub overlap: Option<u32>,
}

impl Mode {
    /// A tile's side where nothing else is asked for, in pixels.
    pub const TILE: u32 = 512;

    /// The least side of a tile, in pixels: smaller ones are overlap and little else.
    pub const LEAST_TILE: u32 = 16;

    /// The mode of a name (`global`, `local` or `tiled`), with the parts that it has; what is not told is as
    /// [`Self::TILE`], [`Self::overlap`] and [`Weights::train_size`] say.
    ///
    /// # Errors
    /// [`Error::Mode`] where no mode has that name, a part is of another mode, or there can be no such tiles.
    pub fn named(name: &str, parts: ModeParts) -> Result<Self> {
        let ModeParts { train_size, tile, overlap } = parts;
        let of_tiles = tile.is_some() || overlap.is_some();
        match name {
            "global" | "tiled" if train_size.is_some() => {
                Err(Error::Mode("the size of the training's crops is for the mode local".to_owned()))
            }
            "global" | "local" if of_tiles => {
                Err(Error::Mode("tiles and their overlap are for the mode tiled".to_owned()))
            }
            "global" => Ok(Self::Global),
            "local" => Ok(Self::Local { train_size }),
            "tiled" => {
                let tile = tile.unwrap_or(Self::TILE);
                let mode = Self::Tiled { tile, overlap: overlap.unwrap_or(Self::overlap(tile)) };
                mode.check().map(|()| mode)
            }
            _ => Err(Error::Mode(format!("there is no mode {name:?}; give global, local or tiled"))),
        }
    }

    /// How much tiles of a side overlap where nothing else is asked for, in pixels.
    #[must_use]
    pub fn overlap(tile: u32) -> u32 {
        32.min(tile / 2)
    }

    /// Finds out whether there can be such tiles.
    ///
    /// # Errors
    /// [`Error::Mode`] where they are smaller than [`Self::LEAST_TILE`] or overlap by all of a tile.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Tiled { tile, .. } if tile < Self::LEAST_TILE => Err(Error::Mode(format!(
                "tiles of {tile} pixels are too small; {} is the least",
                Self::LEAST_TILE
            ))),
            Self::Tiled { tile, overlap } if overlap >= tile => Err(Error::Mode(format!(
                "tiles of {tile} pixels cannot overlap by {overlap}; let them overlap by less"
            ))),
            _ => Ok(()),
        }
    }
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

    /// Finds out whether they can be used in a mode, whatever the photo.
    ///
    /// # Errors
    /// [`Error::Mode`] where the network cannot have been trained on crops of that size, or there can be no such tiles;
    /// otherwise as [`Self::train_size`].
    pub fn accepts(&self, mode: Mode) -> Result<()> {
        mode.check()?;
        self.windows(mode, self.config().side_multiple()).map(|_| ())
    }

    /// The windows of a mode for photos of so many rows, padding included.
    pub(super) fn windows(&self, mode: Mode, height: u32) -> Result<Option<Windows>> {
        let Mode::Local { train_size } = mode else { return Ok(None) };
        let size = train_size.map_or_else(|| self.train_size(), Ok)?;
        let (multiple, factor) = (self.config().side_multiple(), self.config().shuffle);
        if size == 0 || !size.is_multiple_of(multiple) {
            return Err(Error::Mode(format!(
                "a training size of {size} pixels is no multiple of {multiple}, which this network's crops are; \
                 give the side of its training's last crops"
            )));
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
        let window = |patches: u32, side: u32| {
            let seen = self.trained / (patches * halved);
            // No larger than the side, which is a u32.
            (u64::from(seen) * 3 / 2).min(u64::from(side)) as u32
        };
        let sides = [desc.patch_height(), desc.patch_width()];
        let windows = [window(rows, sides[0]), window(cols, sides[1])];
        (windows != sides).then_some(windows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::graph::Role;
    use crate::model::Export;

    /// Weights whose file says a size.
    fn saying(text: &str) -> Weights {
        let mut weights = Weights::seeded(ModelConfig { num_cab: 1, ..ModelConfig::DERAIN }, 1);
        weights.set_metadata(TRAIN_SIZE, text);
        weights
    }

    #[test]
    fn sizes_as_files_and_the_paper_have_them() {
        for task in Task::ALL {
            let size = Weights::seeded(task.published_config(), 1).train_size().unwrap();
            assert_eq!(size, if task == Task::Denoise { 128 } else { 256 });
        }
        assert_eq!(saying("192").train_size().unwrap(), 192);
        assert_eq!(Weights::embedded(Task::Denoise).unwrap().train_size().unwrap(), 192);
        for text in ["", "0", "-8", "large", "99999999999"] {
            let error = saying(text).train_size().unwrap_err();
            assert!(matches!(error, Error::Values { ref key, .. } if key == TRAIN_SIZE), "{text}: {error}");
        }
    }

    #[test]
    fn modes_by_name() {
        let none = ModeParts::default();
        let (crops, tiles) =
            (ModeParts { train_size: Some(64), ..none }, ModeParts { tile: Some(40), ..none });
        let overlap = ModeParts { overlap: Some(8), ..none };
        assert_eq!(Mode::named("global", none).unwrap(), Mode::Global);
        assert_eq!(Mode::named("local", none).unwrap(), Mode::Local { train_size: None });
        assert_eq!(Mode::named("local", crops).unwrap(), Mode::Local { train_size: Some(64) });
        for (parts, tile, overlap) in [(none, 512, 32), (tiles, 40, 20), (overlap, 512, 8)] {
            assert_eq!(Mode::named("tiled", parts).unwrap(), Mode::Tiled { tile, overlap });
        }
        let (small, all) = (ModeParts { tile: Some(15), ..none }, ModeParts { overlap: Some(40), ..tiles });
        for (name, parts, told) in [
            ("best", none, "no mode \"best\""),
            ("global", crops, "for the mode local"),
            ("tiled", crops, "for the mode local"),
            ("global", tiles, "for the mode tiled"),
            ("local", overlap, "for the mode tiled"),
            ("tiled", small, "tiles of 15 pixels are too small"),
            ("tiled", all, "tiles of 40 pixels cannot overlap by 40"),
        ] {
            let error = Mode::named(name, parts).unwrap_err();
            assert!(matches!(&error, Error::Mode(text) if text.contains(told)), "{name} {parts:?}: {error}");
        }
    }

    #[test]
    fn a_conversion_keeps_the_size() {
        let file = saying("192").to_safetensors(&Export::default()).unwrap();
        let again =
            Weights::from_checkpoint(&Checkpoint::from_safetensors(&file, "the copy").unwrap()).unwrap();
        assert_eq!(again.train_size().unwrap(), 192);
    }

    #[test]
    fn sizes_that_no_training_has_are_refused() {
        let weights = Weights::seeded(ModelConfig { shuffle: 2, num_cab: 1, ..ModelConfig::DERAIN }, 1);
        for (size, fits) in [(16, true), (192, true), (0, false), (8, false), (100, false)] {
            let windows = weights.windows(Mode::Local { train_size: Some(size) }, 64);
            assert_eq!(windows.is_ok(), fits, "{size}");
            assert_eq!(weights.accepts(Mode::Local { train_size: Some(size) }).is_ok(), fits, "{size}");
        }
        assert!(weights.windows(Mode::Global, 64).unwrap().is_none());
    }

    /// The extents of 256-pixel training, by stage and level, in a photo of 1280x768.
    #[test]
    fn windows_of_the_published_training() {
        let weights = Weights::seeded(ModelConfig { num_cab: 1, ..ModelConfig::DERAIN }, 1);
        let of = |train_size, patches, level: u32| {
            let mode = Mode::Local { train_size: Some(train_size) };
            let (height, width) = (768 >> level, 1280 >> level);
            let desc = TensorDesc { channels: 8, height, width, patches, role: Role::Feature };
            weights.windows(mode, 768).unwrap().unwrap().of(&desc)
        };
        for level in 0..3 {
            assert_eq!(of(256, Patches::QUARTERS, level), Some([192, 192].map(|k| k >> level)));
            assert_eq!(of(256, Patches::HALVES, level), Some([192, 384].map(|k| k >> level)));
            assert_eq!(of(256, Patches::WHOLE, level), Some([384, 384].map(|k| k >> level)));
        }
        // As high as a patch, and both as high and as wide.
        assert_eq!(of(512, Patches::WHOLE, 0), Some([768, 768]));
        assert_eq!(of(1024, Patches::WHOLE, 0), None);
        // 3 / 2 of 3, rounded down.
        assert_eq!(of(24, Patches::QUARTERS, 2), Some([4, 4]));
    }

    #[test]
    fn windows_of_the_largest_training_size() {
        let (patches, role) = (Patches::WHOLE, Role::Feature);
        let desc = TensorDesc { channels: 4, height: 64, width: 48, patches, role };
        // Three times that is 8 beyond 2^32.
        let windows = Windows { trained: 1_431_655_768, height: 64 };
        assert_eq!(windows.of(&desc), None);
    }
}
