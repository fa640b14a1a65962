//! `--y4m`: a video instead of photos, frame by frame through a pipe or from file to file.
//!
//! One thread reads and decodes, a pool restores and encodes, and this one writes. Few frames wait between them, so
//! whoever is slowest sets the pace, and memory is that of a few frames however long the video is.

mod frames;

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use crate::image::Frame;
use crate::output::{self, Output};
use crate::pool::Member;
use crate::video::{Chroma, Coding, Converter, Header, Matrix, Range, Reader};
use crate::{Cancel, Error, Shown};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, dump, say};
use frames::Frames;

/// Frames that wait before and behind the network: one that is ready, while the next is being made.
const WAITING: usize = 1;

/// What is restored instead of photos.
#[derive(Args)]
pub(super) struct VideoArgs {
    /// Restores a video instead: a YUV4MPEG2 stream as written by `ffmpeg -f yuv4mpegpipe`; - for standard input (-o
    /// - for standard output)
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "inputs", "named", "threads", "recursive", "suffix", "skip_existing", "overwrite", "dry_run", "json", "progress", "format",
            "quality", "progressive", "small", "float", "strip_metadata", "damaged", "linear", "compare", "target", "report", "keep_stages", "dump",
        ]
    )]
    y4m: Option<PathBuf>,
    /// The video's colour matrix, which the stream does not state; default: 601 if the video is at most
    /// 1279 columns wide and 576 lines high, else 709
    #[arg(long, value_enum, conflicts_with_all = ["inputs", "named"])]
    matrix: Option<MatrixArg>,
    /// The video's range of sample values, if the stream does not state it; default: studio, and full for grey
    #[arg(long, value_enum, conflicts_with_all = ["inputs", "named"])]
    range: Option<RangeArg>,
}

#[derive(Clone, Copy, ValueEnum)]
enum MatrixArg {
    /// ITU-R BT.601: standard definition
    #[value(name = "601")]
    Bt601,
    /// ITU-R BT.709: high definition
    #[value(name = "709")]
    Bt709,
    /// ITU-R BT.2020: wide gamut
    #[value(name = "2020")]
    Bt2020,
}

#[derive(Clone, Copy, ValueEnum)]
enum RangeArg {
    /// Black to white is 0 to 255 in 8 bits
    Full,
    /// Black to white is 16 to 235 in 8 bits
    Studio,
}

impl VideoArgs {
    /// The video, if there is one.
    pub(super) fn source(&self) -> Option<&Path> {
        self.y4m.as_deref()
    }

    /// What the samples of a video stand for. Says what is taken for granted, and which option is not heard.
    fn coding(&self, header: &Header, origin: &str, quiet: bool) -> Coding {
        let grey = header.format().chroma == Chroma::None;
        let asked_range = self.range.map(|range| match range {
            RangeArg::Full => Range::Full,
            RangeArg::Studio => Range::Studio,
        });
        let matrix = self.matrix.map(|matrix| match matrix {
            MatrixArg::Bt601 => Matrix::Bt601,
            MatrixArg::Bt709 => Matrix::Bt709,
            MatrixArg::Bt2020 => Matrix::Bt2020,
        });
        let coding = Coding {
            matrix: matrix.unwrap_or_else(|| Matrix::usual(header.width(), header.height())),
            range: header.range().or(asked_range).unwrap_or_else(|| Range::usual(header.format())),
        };
        let named = match coding.matrix {
            Matrix::Bt601 => "--matrix 601",
            Matrix::Bt709 => "--matrix 709",
            Matrix::Bt2020 => "--matrix 2020",
        };
        let range = match coding.range {
            Range::Full => "--range full",
            Range::Studio => "--range studio",
        };
        let guessed = [
            (!grey && matrix.is_none()).then_some(named),
            (header.range().or(asked_range).is_none()).then_some(range),
        ];
        let guessed: Vec<&str> = guessed.into_iter().flatten().collect();
        if !quiet && !guessed.is_empty() {
            let taken = guessed.join(" ");
            say(format_args!(
                "note: {origin} does not say how its colours are coded; it is read with {taken}"
            ));
        }
        if !quiet && asked_range.is_some_and(|asked| asked != coding.range) {
            say(format_args!("note: {origin} says which range it has; it is read with {range}"));
        }
        coding
    }
}

/// A video that can be restored.
pub(super) struct Video {
    reader: Reader<BufReader<Box<dyn Read + Send>>>,
    converter: Arc<Converter>,
    origin: String,
    /// Frames that a file of this length holds; a pipe has none.
    frames: Option<u64>,
    sink: Sink,
}

impl Video {
    /// Opens a video and what it becomes, before any GPU is. Files in `also_read` are not to be written over.
    pub(super) fn open<'a>(
        args: &VideoArgs,
        source: &'a Path,
        output: &Path,
        also_read: impl Iterator<Item = &'a Path>,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let piped = dump::is_standard(source);
        let origin = if piped { "standard input".to_owned() } else { source.display().to_string() };
        let file = if piped { None } else { Some(source) };
        let sink = Sink::open(output, &file.into_iter().chain(also_read).collect::<Vec<_>>())?;
        let (input, length): (Box<dyn Read + Send>, _) = match file {
            Some(path) => {
                let unread = |source| Error::Io { action: "read", path: path.to_owned(), source };
                let file = File::open(path).map_err(unread)?;
                let metadata = file.metadata().map_err(unread)?;
                (Box::new(file), metadata.is_file().then_some(metadata.len()))
            }
            None if io::stdin().is_terminal() => {
                return Err(Failure::Usage(
                    "--y4m - reads a video from a pipe, and there is none".to_owned(),
                ));
            }
            None => (Box::new(io::stdin()), None),
        };
        let reader = Reader::new(BufReader::new(input), &origin)?;
        let header = reader.header();
        let frames = length.map(|length| {
            let line = header.line().len() as u64 + 1;
            length.saturating_sub(line) / (header.frame_bytes() + "FRAME\n".len() as u64)
        });
        let converter = Arc::new(Converter::new(header, args.coding(header, &origin, quiet)));
        Ok(Self { reader, converter, origin, frames, sink })
    }

    /// Restores it frame by frame, on whichever adapter is free. A frame that cannot be restored ends it, and so does
    /// whoever reads the output.
    pub(super) fn restore(self, members: Vec<Member>, quiet: bool) -> Result<(), Failure> {
        let Self { reader, converter, origin, frames, sink } = self;
        let header = reader.header().clone();
        let (sender, decoded) = sync_channel(WAITING);
        // Not waited for where the output has ended: who sends frames may never send another.
        let decoding = {
            let converter = converter.clone();
            thread::spawn(move || decode(reader, &converter, &sender))
        };
        let (bar, start) = (bar(&origin, frames, quiet), Instant::now());
        let work = Frames {
            converter: &converter,
            origin: &origin,
            header: &header,
            sink: &sink,
            bar: &bar,
            cancel: Cancel::new(),
        };
        let done = work.restore_all(members, decoded);
        bar.finish_and_clear();
        // Where frames are missing, what is written of a file is not kept.
        let Some(count) = done? else { return Ok(()) };
        unwound(decoding.join());
        sink.finish()?;
        if !quiet {
            let seconds = start.elapsed().as_secs_f64();
            let rate = count as f64 / seconds.max(f64::EPSILON);
            say(format_args!("{origin}: {count} frames in {seconds:.1} s, {rate:.3} frames/s"));
        }
        Ok(())
    }
}

/// A frame as it was decoded, and what its own line in the stream said.
type Decoded = (Frame, Vec<u8>);

/// Reads until the end, an error, or until nobody takes frames any more.
fn decode(
    mut reader: Reader<BufReader<Box<dyn Read + Send>>>,
    converter: &Converter,
    to_restore: &SyncSender<Result<Decoded, Error>>,
) {
    let mut next = || -> Result<Option<Decoded>, Error> {
        let Some(picture) = reader.read()? else { return Ok(None) };
        Ok(Some((converter.decode(&picture)?, picture.parameters)))
    };
    while let Some(frame) = next().transpose() {
        let failed = frame.is_err();
        if to_restore.send(frame).is_err() || failed {
            return;
        }
    }
}

/// What a thread has come to; its panic goes on here.
fn unwound<T>(outcome: thread::Result<T>) -> T {
    outcome.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// Where frames go.
enum Sink {
    Standard,
    File(Output, PathBuf),
}

impl Sink {
    fn open(output: &Path, read: &[&Path]) -> Result<Self, Failure> {
        if !dump::is_standard(output) {
            dump::check_result(read, Some(output))?;
            dump::check_name("--y4m", "a YUV4MPEG2 stream", &[], Some(output))?;
            let _removed = output::remove_leftovers(output::directory(output));
            return Ok(Self::File(Output::create(output)?, output.to_owned()));
        }
        if io::stdout().is_terminal() {
            return Err(Failure::Usage("-o - writes a video to a pipe, and there is none".to_owned()));
        }
        Ok(Self::Standard)
    }

    fn name(&self) -> PathBuf {
        match self {
            Self::Standard => "standard output".into(),
            Self::File(_, path) => path.clone(),
        }
    }

    fn stream(&self) -> Box<dyn Write + '_> {
        match self {
            Self::Standard => Box::new(io::stdout().lock()),
            Self::File(output, _) => Box::new(output.file()),
        }
    }

    /// Gives a file its name.
    fn finish(self) -> Result<(), Error> {
        match self {
            Self::Standard => Ok(()),
            Self::File(output, path) => {
                output.commit().map_err(|source| Error::Io { action: "write", path, source })
            }
        }
    }
}

/// Frames done, how many a second, and the time that is left where the end is known.
fn bar(origin: &str, frames: Option<u64>, quiet: bool) -> ProgressBar {
    let bar = match frames {
        _ if quiet => ProgressBar::hidden(),
        Some(frames) => ProgressBar::new(frames),
        None => ProgressBar::no_length(),
    };
    let template = match frames {
        Some(_) => "{msg} {wide_bar} {pos}/{len} frames, {per_sec} {eta}",
        None => "{spinner} {msg} {pos} frames, {per_sec}",
    };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(Shown(origin).to_string())
}
