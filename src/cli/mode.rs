//! What the means of channel attention are taken over, as arguments say it.

use clap::builder::RangedI64ValueParser;
use clap::{Args, ValueEnum};

use super::Failure;
use crate::model::Mode;

#[derive(Args)]
pub(super) struct ModeArgs {
    /// What each channel attention averages over
    #[arg(long, value_enum, default_value = "global")]
    mode: ModeArg,
    #[command(flatten)]
    parts: PartsArgs,
}

/// What the local mode's windows and the tiles are made of.
#[derive(Args)]
pub(super) struct PartsArgs {
    /// With --mode tiled: the side of a tile in pixels; default: 512
    #[arg(short = 't', long, value_name = "PIXELS", value_parser = tile_sides())]
    tile: Option<u32>,
    /// With --mode tiled: how many pixels neighbouring tiles overlap at least; default: 32, or half of a smaller tile
    #[arg(long, value_name = "PIXELS")]
    overlap: Option<u32>,
    /// With --mode local: side in pixels of the square crops that the model was trained on; default: what the model's
    /// file says, else 256, or 128 for the published denoising network
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    train_size: Option<u32>,
}

fn tile_sides() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(i64::from(Mode::LEAST_TILE)..)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeArg {
    /// The whole photo, or the half or quarter of it that a stage sees, as in the paper
    Global,
    /// A window around each pixel, 1.5 times as large as what the mean saw in training: often more accurate for
    /// photos larger than that
    Local,
    /// The tile around the pixel: each tile is restored on its own and blended with its neighbours. APPROXIMATE;
    /// --max-memory saves as much memory and gives the exact result
    Tiled,
}

impl ModeArg {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Local => "local",
            Self::Tiled => "tiled",
        }
    }
}

impl ModeArgs {
    pub(super) fn mode(&self) -> Mode {
        self.parts.mode(self.mode)
    }

    /// The size that the network has for a photo of this one.
    pub(super) fn seen(&self, (width, height): (u32, u32)) -> (u32, u32) {
        let most = if self.is_tiled() { self.parts.tile() } else { u32::MAX };
        (width.min(most), height.min(most))
    }

    /// Whether a photo may be restored in several parts.
    pub(super) fn is_tiled(&self) -> bool {
        self.mode == ModeArg::Tiled
    }

    /// What is used of a photo, for people.
    pub(super) fn name(&self) -> String {
        let parts = &self.parts;
        let size = parts.train_size.map(|size| format!(", trained on crops of {size}"));
        let tiles = self.is_tiled().then(|| {
            format!(" (approximate: tiles of {}, overlapping by {})", parts.tile(), parts.overlap())
        });
        self.mode.name().to_owned() + &size.or(tiles).unwrap_or_default()
    }

    /// Finds out whether the arguments go together.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.parts.check(&[self.mode])
    }
}

impl PartsArgs {
    pub(super) fn mode(&self, mode: ModeArg) -> Mode {
        match mode {
            ModeArg::Global => Mode::Global,
            ModeArg::Tiled => Mode::Tiled { tile: self.tile(), overlap: self.overlap() },
            ModeArg::Local => Mode::Local { train_size: self.train_size },
        }
    }

    fn tile(&self) -> u32 {
        self.tile.unwrap_or(Mode::TILE)
    }

    fn overlap(&self) -> u32 {
        self.overlap.unwrap_or(Mode::overlap(self.tile()))
    }

    /// Finds out whether each has a use, and whether they go together.
    pub(super) fn check(&self, modes: &[ModeArg]) -> Result<(), Failure> {
        if !modes.contains(&ModeArg::Tiled) && (self.tile.is_some() || self.overlap.is_some()) {
            return Err(Failure::Usage("--tile and --overlap are for --mode tiled".to_owned()));
        }
        let (tile, overlap) = (self.tile(), self.overlap());
        if overlap >= tile {
            let text = format!("tiles of {tile} pixels cannot overlap by {overlap}; give --overlap less");
            return Err(Failure::Usage(text));
        }
        if self.train_size.is_some() && !modes.contains(&ModeArg::Local) {
            return Err(Failure::Usage("--train-size is for --mode local".to_owned()));
        }
        Ok(())
    }
}
