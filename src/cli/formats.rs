//! How photos are read and written.

use std::path::Path;

use crate::Error;
use crate::image::{self, FileFormat, Frame, ReadOptions, WriteOptions};
use crate::job::Job;
use clap::{Args, ValueEnum};

use super::{Failure, reading};

/// How photos are read.
#[derive(Args)]
pub(super) struct ReadArgs {
    /// What to do with damaged or truncated photos
    #[arg(long, value_enum, default_value = "refuse")]
    damaged: DamagedArg,
    /// Treats samples, including those of targets, as linear light; needed for many float files, which have no colour
    /// profile that says so
    #[arg(long)]
    linear: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum DamagedArg {
    /// Refuse them, with an error that says what is wrong
    Refuse,
    /// Restore what can be read, with a warning
    Keep,
}

impl ReadArgs {
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions { keep_damaged: matches!(self.damaged, DamagedArg::Keep), linear: self.linear }
    }

    /// Reads what a photo should look like: with a part missing, it would score the wrong thing.
    pub(super) fn target(&self, path: &Path) -> Result<Frame, Error> {
        let options = ReadOptions { keep_damaged: false, ..self.options() };
        image::read_with(path, &options).map_err(reading::as_a_whole)
    }
}

/// How photos are written.
#[derive(Args)]
#[allow(clippy::struct_excessive_bools, reason = "as of WriteOptions")]
pub(super) struct WriteArgs {
    /// Output format; default: by the extension of the output's name
    #[arg(short, long, value_enum)]
    format: Option<FormatArg>,
    /// Quality of JPEG (default: 95) or WebP (default: lossless)
    #[arg(long, value_name = "1-100", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Writes progressive JPEG, which shows a coarse picture first
    #[arg(long)]
    progressive: bool,
    /// Packs PNG up to 15% smaller, which takes several times as long to write
    #[arg(long)]
    small: bool,
    /// Writes TIFF in 32-bit floats, if the photo is in floats
    #[arg(long)]
    float: bool,
    /// Keeps only the picture and its colour profile: no camera, place, date or caption
    #[arg(long)]
    strip_metadata: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatArg {
    Png,
    Jpg,
    Webp,
    Tiff,
}

impl FormatArg {
    fn format(self) -> FileFormat {
        match self {
            Self::Png => FileFormat::Png,
            Self::Jpg => FileFormat::Jpeg,
            Self::Webp => FileFormat::WebP,
            Self::Tiff => FileFormat::Tiff,
        }
    }
}

impl WriteArgs {
    pub(super) fn options(&self) -> WriteOptions {
        WriteOptions {
            format: self.format.map(FormatArg::format),
            quality: self.quality,
            progressive: self.progressive,
            small: self.small,
            float: self.float,
            strip_metadata: self.strip_metadata,
        }
    }

    /// Refuses options that say nothing of any photo.
    pub(super) fn check(&self, jobs: &[Job]) -> Result<(), Failure> {
        let formats: Vec<FileFormat> = jobs.iter().filter_map(Job::format).collect();
        let (jpeg, png, tiff) = (&[FileFormat::Jpeg][..], &[FileFormat::Png][..], &[FileFormat::Tiff][..]);
        for (option, given, of, names) in [
            ("--quality", self.quality.is_some(), &[FileFormat::Jpeg, FileFormat::WebP][..], "JPEG and WebP"),
            ("--progressive", self.progressive, jpeg, "JPEG"),
            ("--small", self.small, png, "PNG"),
            ("--float", self.float, tiff, "TIFF"),
        ] {
            if given && !formats.is_empty() && !formats.iter().any(|format| of.contains(format)) {
                let format = formats[0].name();
                return Err(Failure::Usage(format!(
                    "{option} applies to {names} only, and the output is {format}"
                )));
            }
        }
        Ok(())
    }
}
