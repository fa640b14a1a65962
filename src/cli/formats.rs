//! How photos are read and written.

use crate::image::{FileFormat, ReadOptions, WriteOptions};
use crate::job::Job;
use clap::{Args, ValueEnum};

use super::Failure;

/// How photos are read.
#[derive(Args)]
pub(super) struct ReadArgs {
    /// What becomes of photos that are damaged or cut short
    #[arg(long, value_enum, default_value = "refuse")]
    damaged: DamagedArg,
    /// Takes samples for linear light, which a colour profile may say but many float files leave unsaid
    #[arg(long)]
    linear: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum DamagedArg {
    /// They are refused, and what is wrong with them is said
    Refuse,
    /// They are restored as far as they can be read, with a warning
    Keep,
}

impl ReadArgs {
    pub(super) fn options(&self) -> ReadOptions {
        ReadOptions { keep_damaged: matches!(self.damaged, DamagedArg::Keep), linear: self.linear }
    }
}

/// How photos are written.
#[derive(Args)]
pub(super) struct WriteArgs {
    /// The format that is written; without it the one that the name of the output ends in
    #[arg(short, long, value_enum)]
    format: Option<FormatArg>,
    /// Quality of JPEG, 95 without it, and of WebP, which is lossless without it
    #[arg(long, value_name = "1-100", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Writes JPEG that shows the whole picture early and then refines it
    #[arg(long)]
    progressive: bool,
    /// Writes TIFF in 32-bit floats, of photos that are
    #[arg(long)]
    float: bool,
    /// Writes nothing but the picture and what says which colours it has: no camera, place, date or caption
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
            float: self.float,
            strip_metadata: self.strip_metadata,
        }
    }

    /// Refuses options that say nothing of any photo.
    pub(super) fn check(&self, jobs: &[Job]) -> Result<(), Failure> {
        let formats: Vec<FileFormat> = jobs.iter().filter_map(Job::format).collect();
        let (jpeg, tiff) = (&[FileFormat::Jpeg][..], &[FileFormat::Tiff][..]);
        for (option, given, of, names) in [
            ("--quality", self.quality.is_some(), &[FileFormat::Jpeg, FileFormat::WebP][..], "JPEG and WebP"),
            ("--progressive", self.progressive, jpeg, "JPEG"),
            ("--float", self.float, tiff, "TIFF"),
        ] {
            if given && !formats.is_empty() && !formats.iter().any(|format| of.contains(format)) {
                let format = formats[0].name();
                return Err(Failure::Usage(format!("{option} is about {names}, and {format} is written")));
            }
        }
        Ok(())
    }
}
