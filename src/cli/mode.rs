//! What the means of channel attention are taken over, as arguments say it.

use clap::{Args, ValueEnum};

use super::Failure;
use crate::model::Mode;

#[derive(Args)]
pub(super) struct ModeArgs {
    /// What each channel attention takes its mean over
    #[arg(long, value_enum, default_value = "global")]
    mode: ModeArg,
    #[command(flatten)]
    trained: TrainedArgs,
}

/// What the local mode's windows are made of.
#[derive(Args)]
pub(super) struct TrainedArgs {
    /// With --mode local: a side of the square crops that the model was trained on, in pixels; without it what the model's file
    /// says, or else 256, and 128 for the published denoising network
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    train_size: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeArg {
    /// The whole photo, or the half or quarter of it that a stage sees, as the paper has it
    Global,
    /// A window around each pixel, half as large again as what the mean saw in training: often nearer to the truth where photos
    /// are larger than that
    Local,
}

impl ModeArg {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Local => "local",
        }
    }
}

impl ModeArgs {
    pub(super) fn mode(&self) -> Mode {
        self.trained.mode(self.mode)
    }

    /// What is used of a photo, for people.
    pub(super) fn name(&self) -> String {
        let size = self.trained.train_size.map(|size| format!(", trained on crops of {size}"));
        self.mode.name().to_owned() + &size.unwrap_or_default()
    }

    /// Finds out whether the arguments go together.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.trained.check(&[self.mode])
    }
}

impl TrainedArgs {
    pub(super) fn mode(&self, mode: ModeArg) -> Mode {
        match mode {
            ModeArg::Global => Mode::Global,
            ModeArg::Local => Mode::Local { train_size: self.train_size },
        }
    }

    /// Finds out whether the size has a use.
    pub(super) fn check(&self, modes: &[ModeArg]) -> Result<(), Failure> {
        if self.train_size.is_some() && !modes.contains(&ModeArg::Local) {
            return Err(Failure::Usage("--train-size is for --mode local".to_owned()));
        }
        Ok(())
    }
}
